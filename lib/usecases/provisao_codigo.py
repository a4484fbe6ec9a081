"""Handing WhatsApp's code from the text message to the activation that waits for it: once, at once, and unseen.

The code is in the stored webhook until it is forgotten and at the vendor; nothing here writes or logs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from lib.crash import Crashpoint
from lib.domain.telefone import normalizar
from lib.errors import AgenteError
from lib.log import get_logger
from lib.providers.ativador import Ativador, Etapa
from lib.providers.chamada import Falha, ProviderError
from lib.providers.salvy_sms import Sms
from lib.queries import provisao_ativacao
from lib.queries.provisao_ativacao import Vez
from lib.resources import Resources

log = get_logger(__name__)


class CodigoNaoEntregueError(AgenteError):
    """The activator did not take a code, and it may be handed on again. Says nothing of what the activator said."""


async def entregar(resources: Resources, sms: Sms, crash: Crashpoint | None = None) -> bool:
    """Hand on the code of a text message if an activation waits for it and nobody else has claimed it.

    Raises:
        CodigoNaoEntregueError: the activator did not take it; the claim was given back.
        DatabaseUnavailableError: ask again later.
    """
    agora = resources.clock()
    codigo, recebido_em = sms.codigo_whatsapp, sms.recebido_em
    if resources.ativador is None or codigo is None or recebido_em is None or sms.tarde(agora):
        return False
    crash = crash or Crashpoint(resources.settings.crashpoint)
    destino = normalizar(sms.destino) if sms.destino else None
    vez = await provisao_ativacao.claim_code(resources.db, sms.conta_id, destino, sms.id, recebido_em, agora)
    if vez is None:
        return False
    crash.reach("P7")
    match await _send(resources.ativador, vez, codigo):
        case _Fim.ENTREGUE:
            crash.reach("P8")
            await provisao_ativacao.handed_on(resources.db, vez.ativacao_id, sms.id, resources.clock())
            log.info("provisao.codigo_entregue", pedido=vez.pedido_id, sms=sms.id)
        case _Fim.NAO_ENTREGUE:
            await provisao_ativacao.release_code(resources.db, vez.ativacao_id, sms.id)
            raise CodigoNaoEntregueError("o ativador não aceitou o código agora")
        case _Fim.INCERTO:
            log.warning("provisao.codigo_incerto", pedido=vez.pedido_id, sms=sms.id)
    return True


class _Fim(Enum):
    """What became of a code; `INCERTO` keeps its claim until the activation's own status tells."""

    ENTREGUE = auto()
    NAO_ENTREGUE = auto()
    INCERTO = auto()


async def _send(ativador: Ativador, vez: Vez, codigo: str) -> _Fim:
    """Send a code; an unclear end is none where the activator says at once that it still waits for one."""
    try:
        await ativador.send_sms_code(vez.ativador_id, codigo)
    except ProviderError as failure:
        facts = {"pedido": vez.pedido_id, "falha": failure.falha.value, "status": failure.status}
        log.warning("provisao.codigo_nao_aceito", **facts)
        if failure.falha is not Falha.INCERTA:
            return _Fim.NAO_ENTREGUE
    else:
        return _Fim.ENTREGUE
    try:
        waits = (await ativador.status(vez.ativador_id)).etapa is Etapa.ESPERA_SMS
    except ProviderError:
        waits = False
    return _Fim.NAO_ENTREGUE if waits else _Fim.INCERTO


def mais_novos(recebidos: Sequence[Sms]) -> list[Sms]:
    """Return the text messages with a code, the newest first."""
    coded = [one for one in recebidos if one.codigo_whatsapp is not None and one.recebido_em is not None]
    return sorted(coded, key=lambda one: one.recebido_em.timestamp() if one.recebido_em else 0.0, reverse=True)

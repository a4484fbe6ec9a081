"""Meta's account: its templates kept as Meta has them, and what its webhooks tell of it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lib.domain.telefone import mascarar
from lib.errors import AgenteError, UnknownInstanceError
from lib.log import get_logger
from lib.providers import meta_webhook
from lib.providers.meta_alerta import ContaAlerta, ModeloMudou, read_account
from lib.providers.meta_conta import MetaConta
from lib.queries import modelo_meta
from lib.queries.modelo_meta import Modelo, Sincronia
from lib.queries.webhook import Webhook
from lib.resources import Resources
from lib.usecases.conta_meta import ouvir
from lib.usecases.receber import Debounce, receber_lote

SOURCE: Final = "meta"
# Meta's events of a template, where they are not a status by themselves; None leaves the status as it is.
STATUS_DO_EVENTO: Final = {"REINSTATED": "APPROVED", "FLAGGED": None, "UNARCHIVED": None}
DIZER: Final = {
    "PAUSED": "foi pausado",
    "DISABLED": "foi desativado",
    "REJECTED": "foi recusado",
    "FLAGGED": "foi sinalizado por baixa qualidade",
}
CAMPOS: Final = {
    "account_update": "mudança na conta",
    "account_alerts": "alerta da conta",
    "account_review_update": "revisão da conta",
    "phone_number_quality_update": "qualidade ou limite do número",
    "phone_number_name_update": "nome do número",
    "security": "segurança do número",
}

log = get_logger(__name__)


class MetaNaoConfiguradaError(AgenteError):
    """This machine has no settings for Meta."""


class WebhookIlegivelError(AgenteError):
    """An authentic webhook that cannot be understood; it stays for a person to look at."""


async def sincronizar(resources: Resources, conta: str, agora: datetime, *, grava: bool = True) -> Sincronia:
    """Make our copy of an account's templates what Meta has; without `grava` only count what would change.

    Raises:
        MetaNaoConfiguradaError: there is no gateway to ask.
        GatewayError: Meta did not tell; nothing is changed then.
    """
    if resources.meta is None:
        raise MetaNaoConfiguradaError("meta is not set up")
    listed = await MetaConta(resources.meta).templates(conta)
    modelos = [
        Modelo(lido.nome, lido.idioma, lido.categoria, lido.status, lido.corpo, lido.parametros) for lido in listed
    ]
    return await modelo_meta.sync(resources.db, conta, modelos, agora, grava=grava)


async def atender(resources: Resources, linha: Webhook) -> None:
    """Act on one stored webhook of Meta: an event of the account, or one of a number that nobody had on arrival.

    Safe to repeat.

    Raises:
        UnknownInstanceError: still nobody has that number.
        WebhookIlegivelError: it cannot be understood.
        GatewayError: a template is not known to us, and Meta did not tell of it.
    """
    body = meta_webhook.parse(linha.raw)
    pecas, da_conta = meta_webhook.read(body), read_account(body)
    if not pecas and not da_conta:
        raise WebhookIlegivelError("nothing in it that we know")
    settings = resources.settings
    if pecas:
        debounce = Debounce(settings.quieto_s, settings.quieto_max_s)
        stored = await receber_lote(resources.db, SOURCE, pecas, linha.recebido_em, debounce)
        if None in stored:
            raise UnknownInstanceError("meta: a number that is no chip of ours")
    for peca in da_conta:
        if isinstance(peca.evento, ModeloMudou):
            await _template(resources, peca.evento, linha)
        else:
            await _alert(resources, peca.evento, linha)


async def _template(resources: Resources, mudou: ModeloMudou, linha: Webhook) -> None:
    status = STATUS_DO_EVENTO.get(mudou.status, mudou.status) if mudou.status else None
    known = await modelo_meta.change(
        resources.db,
        mudou.conta,
        mudou.nome,
        mudou.idioma,
        linha.recebido_em,
        status=status,
        categoria=mudou.categoria,
    )
    log.info("modelo_meta.mudou", modelo=mudou.nome, status=mudou.status, conhecido=known)
    if mudou.status in DIZER:
        because = f": {mudou.motivo}" if mudou.motivo else ""
        words = f"Meta: o modelo {mudou.nome} ({mudou.idioma}) {DIZER[mudou.status]}{because}"
        await modelo_meta.tell(resources.db, f"meta:{linha.chave}", words)
    if not known and resources.meta is not None:
        await sincronizar(resources, mudou.conta, linha.recebido_em)


async def _alert(resources: Resources, alerta: ContaAlerta, linha: Webhook) -> None:
    await ouvir(resources.db, alerta, linha.recebido_em, resources.clock())
    log.warning("meta.conta", campo=alerta.campo, evento=alerta.evento, motivo=alerta.motivo)
    if alerta.campo not in CAMPOS:
        return
    numero = f" (número {mascarar(alerta.telefone)})" if alerta.telefone else ""
    said = ", ".join(part for part in (alerta.evento, alerta.motivo) if part) or "sem detalhe"
    await modelo_meta.tell(resources.db, f"meta:{linha.chave}", f"Meta: {CAMPOS[alerta.campo]}{numero}: {said}")

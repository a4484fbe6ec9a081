"""Orders for new numbers, as people give them: made, listed, taken up again, given up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Final
from uuid import uuid4

from lib.db import Row
from lib.domain.chip import StatusChip
from lib.domain.provisao import ATIVACAO_MAX, PRAZO, EtapaProvisao
from lib.domain.telefone import mascarar
from lib.errors import AgenteError
from lib.log import get_logger
from lib.providers.ativador import Etapa
from lib.providers.chamada import ProviderError
from lib.providers.salvy_forma import Motivo
from lib.providers.whatsapp import GatewayError
from lib.queries import fluxo, provisao
from lib.queries.provisao import Pedido
from lib.resources import Resources
from lib.usecases.provisao_compra import em_estoque
from lib.usecases.provisao_passo import FORA_DE_PRODUCAO, proibido
from lib.usecases.provisionar import trava

log = get_logger(__name__)

LARGA_S: Final = 40.0  # longer than any call under way
OLHADA_S: Final = 0.25
PARADO: Final = frozenset({StatusChip.PROVISIONED, StatusChip.CANCELLED})


class PedidoRecusadoError(AgenteError):
    """What was asked for cannot be done; the text says why and what to do, in Portuguese."""


@dataclass(frozen=True, slots=True)
class PedidoVisto:
    """An order as shown; the number is masked."""

    pedido: int
    ddd: int
    etapa: str
    chip: str | None
    status_chip: str | None
    numero: str | None
    ativacoes: int
    pedido_por: str
    criado_em: datetime
    mudado_em: datetime
    prazo_em: datetime
    parado_em: datetime | None
    motivo: str | None


async def conferir(resources: Resources, ddd: int) -> None:
    """Check that a number of this area code can be ordered, without ordering it.

    Raises:
        PedidoRecusadoError: it cannot.
    """
    if resources.salvy is None or resources.ativador is None:
        raise PedidoRecusadoError(
            "a Salvy e o ativador precisam estar configurados (AGENTE_SALVY_*, AGENTE_ATIVADOR_*)"
        )
    refused = await proibido(resources)
    if refused is not False:
        unknown = "o gateway não respondeu se é o sandbox; tente de novo"
        raise PedidoRecusadoError(unknown if refused is None else FORA_DE_PRODUCAO)
    try:
        ddds = await resources.salvy.area_codes()
    except ProviderError as failure:
        raise PedidoRecusadoError(f"a Salvy não disse os DDDs em estoque ({failure})") from None
    if not any(one.ddd == ddd and one.disponivel for one in ddds):
        raise PedidoRecusadoError(f"não há número do DDD {ddd}; em estoque: {em_estoque(ddds)}")


async def pedir(resources: Resources, ddd: int, por: str) -> int:
    """Make an order for a number of this area code, after a look that there is one, and return its id.

    Raises:
        PedidoRecusadoError: there is none, or none may be had from here.
    """
    await conferir(resources, ddd)
    agora = resources.clock()
    nome = f"julia-pedido-{uuid4().hex[:12]}"
    pedido_id = await provisao.create(resources.db, ddd, nome, str(uuid4()), por, agora, agora + PRAZO)
    log.info("provisao.pedida", pedido=pedido_id, ddd=ddd)
    return pedido_id


async def ver(resources: Resources, pedido_id: int) -> Pedido:
    """Return an order as it stands.

    Raises:
        PedidoRecusadoError: there is none.
    """
    found = await provisao.read(resources.db, pedido_id, resources.clock())
    if found is None:
        raise PedidoRecusadoError(f"não há pedido {pedido_id}; veja `agente chip pedidos --todos`")
    return found


async def listar(resources: Resources, *, todos: bool, limite: int) -> Sequence[PedidoVisto]:
    """Return the newest orders, the open ones alone unless `todos`."""
    return [_visto(row) for row in await provisao.page(resources.db, todos=todos, limite=limite)]


def _visto(row: Row) -> PedidoVisto:
    return PedidoVisto(
        pedido=row["id"],
        ddd=row["ddd"],
        etapa=row["etapa"],
        chip=row["instancia"],
        status_chip=row["chip_status"],
        numero=mascarar(row["telefone"]) if row["telefone"] else None,
        ativacoes=row["ativacoes"],
        pedido_por=row["pedida_por"],
        criado_em=row["criada_em"],
        mudado_em=row["mudada_em"],
        prazo_em=row["prazo_em"],
        parado_em=row["parada_em"],
        motivo=row["motivo"],
    )


async def retomar(resources: Resources, pedido_id: int, *, ativada: bool) -> EtapaProvisao:
    """Give an order another half hour, and return where it goes on. `ativada`: its number is in WhatsApp already.

    Raises:
        PedidoRecusadoError: it has ended, or there is none, or the number is not even bought.
    """
    pedido, agora = await ver(resources, pedido_id), resources.clock()
    if ativada and pedido.etapa not in {EtapaProvisao.COMPRADA, EtapaProvisao.NA_FILA}:
        raise PedidoRecusadoError(f"--ativado é para um número comprado e não ativado; este pedido está {pedido.etapa}")
    etapa = await provisao.resume(resources.db, pedido_id, agora, agora + PRAZO, ativada=ativada)
    if etapa is None:
        raise PedidoRecusadoError(f"o pedido {pedido_id} já terminou: {pedido.etapa}")
    return etapa


async def desistir(resources: Resources, pedido_id: int, por: str) -> bool:
    """End an order: its instance is removed, its number given back. False when it had been given up before.

    Raises:
        PedidoRecusadoError: something uses the number, or it could not be given back; the order stays, stopped.
    """
    pedido = await ver(resources, pedido_id)
    if pedido.etapa is EtapaProvisao.DESISTIDA:
        return False
    if pedido.etapa is EtapaProvisao.PRONTA:
        raise PedidoRecusadoError(f"o pedido já virou o chip {pedido.instancia}, em uso")
    await provisao.hold(resources.db, pedido_id, f"desistência pedida por {por}", resources.clock())
    until = monotonic() + LARGA_S
    while monotonic() < until:
        async with fluxo.lock(resources.db, trava(pedido_id)) as vez:
            if vez.obtida:
                return await _devolver(resources, await ver(resources, pedido_id), por)
        await asyncio.sleep(OLHADA_S)
    raise PedidoRecusadoError("uma execução não larga o pedido; ele ficou parado: repita daqui a um minuto")


async def _devolver(resources: Resources, pedido: Pedido, por: str) -> bool:
    """Undo what was done, the last thing first, while nobody else works on the order."""
    if pedido.chip_status is not None and pedido.chip_status not in PARADO:
        raise PedidoRecusadoError(f"o chip {pedido.instancia} está {pedido.chip_status}: o número está em uso")
    try:
        await _sem_ativacao(resources, pedido)
        if pedido.instancia is not None:
            await resources.evolution.remove_instance(pedido.instancia)
        await _sem_numero(resources, pedido)
    except (ProviderError, GatewayError) as failure:
        raise PedidoRecusadoError(f"ainda não deu para desfazer ({failure}); o pedido ficou parado: repita") from None
    done = await provisao.give_up(resources.db, pedido.id, f"desistência de {por}", f"pessoa:{por}", resources.clock())
    log.info("provisao.desistida", pedido=pedido.id)
    return done


async def _sem_ativacao(resources: Resources, pedido: Pedido) -> None:
    """Refuse while an activation may be running: it would register a number that is nobody's any more."""
    ativacao = pedido.ativacao
    if ativacao is None or resources.ativador is None or resources.clock() - ativacao.pedida_em > ATIVACAO_MAX:
        return
    if ativacao.ativador_id is None:
        raise PedidoRecusadoError("a ativação pode estar na fila do ativador; espere 10 minutos e repita")
    etapa = (await resources.ativador.status(ativacao.ativador_id)).etapa
    if not etapa.terminou:
        raise PedidoRecusadoError(f"a ativação está em curso ({Etapa(etapa).value}); espere o fim e repita")


async def _sem_numero(resources: Resources, pedido: Pedido) -> None:
    if resources.salvy is None:
        raise PedidoRecusadoError("a Salvy precisa estar configurada para devolver o número")
    bought = pedido.salvy_id
    if bought is None and pedido.comprando_em is not None:
        found = await resources.salvy.find_by_name(pedido.nome)
        bought = found.id if found else None
        asked_s = (resources.clock() - pedido.comprando_em).total_seconds()
        if bought is None and asked_s < resources.settings.carencia_s:
            raise PedidoRecusadoError("a compra acabou de ser pedida e ainda pode aparecer; repita em dois minutos")
    if bought is not None:
        await resources.salvy.cancel(bought, Motivo.DESNECESSARIO)

"""Buying an order's number: once, whatever the vendor answers and whenever the process dies."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from lib.domain.telefone import normalizar
from lib.log import get_logger
from lib.providers.chamada import Falha, ProviderError
from lib.providers.salvy import NoKeyError
from lib.providers.salvy_forma import SEM_ESTOQUE, Ddd, Numero, Situacao
from lib.queries import provisao
from lib.queries.provisao import Pedido
from lib.usecases.provisao_passo import Contexto, Espere, Feito, Pare, Passo

log = get_logger(__name__)

PERDIDOS = frozenset({Situacao.BLOQUEADA, Situacao.CANCELADA})


async def comprar(contexto: Contexto, pedido: Pedido) -> Passo:
    """Have the number, or find that it was had; asked again only with the same key or after a look finds none.

    Raises:
        ProviderError: the vendor refused or was not reached.
    """
    if pedido.salvy_id is not None:
        return await _guardar(contexto, pedido, await contexto.salvy.get(pedido.salvy_id))
    known = await _procurar(contexto, pedido, pedido.comprando_em) if pedido.comprando_em else None
    if known is not None:
        return known
    if not await provisao.buying(contexto.resources.db, pedido, contexto.agora(), sem_chave=False):
        return Feito()
    contexto.crash.reach("P1")
    try:
        numero = await contexto.salvy.create(pedido.ddd, pedido.nome, pedido.chave)
    except NoKeyError:
        return await _comprar_sem_chave(contexto, pedido)
    except ProviderError as refused:
        return await _recusada(contexto, refused)
    contexto.crash.reach("P2")
    return await _guardar(contexto, pedido, numero)


async def _procurar(contexto: Contexto, pedido: Pedido, asked_em: datetime) -> Passo | None:
    """Look whether what was asked for is there; None when it may be asked for again."""
    found = await contexto.salvy.find_by_name(pedido.nome)
    if found is not None:
        return await _guardar(contexto, pedido, found)
    left_s = contexto.resources.settings.carencia_s - (contexto.agora() - asked_em).total_seconds()
    if not pedido.sem_chave or left_s <= 0:
        return None
    return Espere(min(left_s, contexto.olhada_s), "não se sabe se a compra foi feita: a Salvy ainda não a lista")


async def _comprar_sem_chave(contexto: Contexto, visto: Pedido) -> Passo:
    """Ask in the way that must not be repeated, after that is kept; what is refused leaves nothing in doubt.

    What was asked for shortly before, when a key was still taken, may yet appear: then it is not asked for now.
    """
    db, agora, carencia_s = contexto.resources.db, contexto.agora(), contexto.resources.settings.carencia_s
    pedido = await provisao.read(db, visto.id, agora)
    if pedido is None or not await provisao.buying(db, pedido, agora, sem_chave=True):
        return Feito()
    if visto.comprando_em is not None and (agora - visto.comprando_em).total_seconds() < carencia_s:
        return Espere(contexto.olhada_s, "a Salvy mudou de versão no meio da compra")
    contexto.crash.reach("P1")
    try:
        numero = await contexto.salvy.create_unkeyed(pedido.ddd, pedido.nome)
    except ProviderError as refused:
        if refused.status == HTTPStatus.TOO_MANY_REQUESTS or refused.falha is not Falha.INCERTA:
            await provisao.not_bought(db, pedido.id, agora, contexto.agora())
        return await _recusada(contexto, refused)
    contexto.crash.reach("P2")
    return await _guardar(contexto, pedido, numero)


async def _recusada(contexto: Contexto, refused: ProviderError) -> Passo:
    if refused.codigo != SEM_ESTOQUE:
        raise refused
    return Pare(f"a Salvy não tem número deste DDD; em estoque: {em_estoque(await contexto.salvy.area_codes())}")


def em_estoque(ddds: tuple[Ddd, ...]) -> str:
    """List the area codes that have numbers, for people."""
    return ", ".join(str(one.ddd) for one in ddds if one.disponivel) or "nenhum DDD"


async def _guardar(contexto: Contexto, pedido: Pedido, numero: Numero) -> Passo:
    if numero.situacao in PERDIDOS:
        return Pare(f"a Salvy diz que o número está {numero.situacao.value}")
    telefone = normalizar(numero.telefone) if numero.telefone else None
    if numero.telefone and telefone is None:
        return Pare("a Salvy deu um número que não é de telefone")
    await provisao.bought(contexto.resources.db, pedido.id, numero.id, telefone, contexto.agora())
    contexto.crash.reach("P3")
    if telefone is None:
        return Espere(contexto.olhada_s, "a Salvy ainda não disse o número")
    log.info("provisao.comprada", pedido=pedido.id)
    return Feito()

"""Who may hand a code on: one, once, for the activation that asked before the message came."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from lib.db import Database
from lib.domain.provisao import PRAZO, DesfechoAtivacao, EtapaProvisao
from lib.queries import provisao, provisao_ativacao
from lib.queries.provisao_ativacao import Vez
from tests.builders import AGORA

pytestmark = pytest.mark.anyio
TELEFONE = "+5541900000001"
S = timedelta(seconds=1)


async def na_fila(db: Database, nome: str = "n1", telefone: str = TELEFONE) -> tuple[int, int]:
    """An order in the activator's queue, asked for at AGORA: its id and its activation's."""
    pedido = await provisao.create(db, 41, nome, f"chave-{nome}", "ana", AGORA, AGORA + PRAZO)
    await provisao.bought(db, pedido, f"salvy-{nome}", telefone, AGORA)
    ativacao = await provisao_ativacao.ask(db, pedido, AGORA)
    assert ativacao is not None
    await provisao_ativacao.queued(db, ativacao, f"ativador-{nome}", AGORA)
    return pedido, ativacao


async def pega(
    db: Database, sms: str = "sms-1", em: datetime = AGORA + 5 * S, conta: str = "salvy-n1", destino: str | None = None
) -> Vez | None:
    return await provisao_ativacao.claim_code(db, conta, destino, sms, em, em)


async def test_of_eight_who_have_the_message_one_hands_its_code_on(db: Database) -> None:
    pedido, ativacao = await na_fila(db)
    got = await asyncio.gather(*(pega(db) for _ in range(8)))
    assert [one for one in got if one] == [Vez(ativacao, "ativador-n1", pedido)]


async def test_of_two_messages_that_come_together_one_code_is_handed_on(db: Database) -> None:
    await na_fila(db)
    got = await asyncio.gather(*(pega(db, f"sms-{n}") for n in range(8)))
    assert len([one for one in got if one]) == 1


@pytest.mark.parametrize(
    ("depois", "serve"),
    [(-60 * S, False), (-1 * S, False), (0 * S, True), (60 * S, True)],
)
async def test_a_message_of_before_the_activation_was_asked_for_is_none(
    db: Database, depois: timedelta, serve: bool
) -> None:
    await na_fila(db)
    assert (await pega(db, em=AGORA + depois) is not None) is serve


async def test_a_vendor_that_tells_whole_seconds_is_understood(db: Database) -> None:
    _, ativacao = await na_fila(db)
    assert await provisao_ativacao.ask_again(db, ativacao, AGORA, AGORA) is False, "it is queued already"
    async with db.connection() as driver:
        await driver.execute("UPDATE provisao_ativacao SET pedida_em = pedida_em + interval '700 ms'")
    assert await pega(db, em=AGORA) is not None


async def test_a_message_is_known_by_its_account_or_by_the_number_that_got_it(db: Database) -> None:
    await na_fila(db)
    assert await pega(db, conta="outra") is None
    assert await pega(db, conta="outra", destino="+5541900000009") is None
    assert await pega(db, conta="outra", destino=TELEFONE) is not None


async def test_a_claim_given_back_may_be_taken_again_and_one_that_was_used_not(db: Database) -> None:
    _, ativacao = await na_fila(db)
    await pega(db)
    assert await pega(db) is None
    await provisao_ativacao.release_code(db, ativacao, "sms-1")
    assert await pega(db) is not None
    await provisao_ativacao.handed_on(db, ativacao, "sms-1", AGORA + 6 * S)
    await provisao_ativacao.release_code(db, ativacao, "sms-1")
    assert await pega(db) is None, "it was handed on"
    assert await pega(db, "sms-0", AGORA + 2 * S) is None, "older than the one that was used"
    assert await pega(db, "sms-2", AGORA + 30 * S) is not None, "WhatsApp sent another one since"


async def test_the_message_of_a_former_activation_serves_no_later_one(db: Database) -> None:
    pedido, first = await na_fila(db)
    await pega(db)
    await provisao_ativacao.handed_on(db, first, "sms-1", AGORA + 5 * S)
    await provisao_ativacao.ended(
        db, first, DesfechoAtivacao.FALHA, EtapaProvisao.COMPRADA, "a ativação falhou", AGORA + 9 * S
    )
    assert await pega(db, "sms-9", AGORA + 9 * S) is None, "nothing is under way"
    second = await provisao_ativacao.ask(db, pedido, AGORA + 10 * S)
    assert second is not None
    assert await pega(db, "sms-9", AGORA + 10 * S) is None, "the activator has not said its name yet"
    await provisao_ativacao.queued(db, second, "ativador-2", AGORA + 10 * S)
    assert await pega(db, "sms-1", AGORA + 11 * S) is None, "it is the first one's"
    assert await pega(db, "sms-2", AGORA + 11 * S) == Vez(second, "ativador-2", pedido)


async def test_an_order_has_one_activation_under_way_however_many_ask(db: Database) -> None:
    pedido = await provisao.create(db, 41, "n1", "chave-n1", "ana", AGORA, AGORA + PRAZO)
    await provisao.bought(db, pedido, "salvy-n1", TELEFONE, AGORA)
    asked = await asyncio.gather(*(provisao_ativacao.ask(db, pedido, AGORA) for _ in range(8)))
    assert len([one for one in asked if one]) == 1


async def test_what_was_asked_for_in_a_day_counts_by_number_whatever_the_order(db: Database) -> None:
    first, ativacao = await na_fila(db)
    second, _ = await na_fila(db, "n2")
    await na_fila(db, "n3", "+5541900000003")
    for pedido in (first, second):
        read = await provisao.read(db, pedido, AGORA + timedelta(hours=23))
        assert read is not None
        assert read.ativacoes == 2
    read = await provisao.read(db, first, AGORA + timedelta(hours=25))
    assert read is not None
    assert read.ativacao is not None
    assert (read.ativacoes, read.ativacao.id, read.acabadas) == (0, ativacao, frozenset())

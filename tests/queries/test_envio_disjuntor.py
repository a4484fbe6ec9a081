"""The breaker of a chip: opened by what became of its sends, in the database, so that every process obeys it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from lib.db import Database, Row
from lib.domain.disjuntor import ClasseFalha
from lib.models import Chip
from lib.queries import envio_desfecho
from lib.queries.disjuntor import Aberto
from tests.builders import gravar, um_envio
from tests.queries.fabrica import chip_que_envia, consulta, pessoas, reivindicar, resposta

DEPOIS = "UPDATE disjuntor SET aberto_ate = now() - interval '1 second'"


async def enfileira(db: Database, quantas: int) -> None:
    await gravar(db, *(resposta(pessoa) for pessoa in await pessoas(db, quantas)))


async def falha(db: Database, row: Row, classe: ClasseFalha | None = ClasseFalha.GATEWAY) -> list[Aberto]:
    return await envio_desfecho.mark_retry(db, row["id"], row["fence"], "gateway_fora", 3_600, classe=classe)


async def claimed(db: Database, limite: int = 1) -> list[Row]:
    await consulta(db, "UPDATE outbox SET next_at = now() WHERE state = 'pending' AND motivo = 'sem_chip'")
    return (await reivindicar(db, limite)).claimed


async def abre(db: Database) -> Chip:
    """A chip whose breaker five failures in a row have opened."""
    [chip] = await gravar(db, chip_que_envia())
    await enfileira(db, 12)
    for n in range(5):
        [row] = await claimed(db)
        opened = await falha(db, row)
        assert len(opened) == (n == 4)
    return chip


async def transicoes(db: Database) -> list[tuple[str, str]]:
    return [
        (row["de"], row["para"]) for row in await consulta(db, "SELECT de, para FROM disjuntor_transicao ORDER BY id")
    ]


async def test_five_failures_in_a_row_open_it_for_thirty_seconds_and_nothing_goes_through(db: Database) -> None:
    await abre(db)
    assert await claimed(db, 4) == []
    [row] = await consulta(
        db, "SELECT falhas, aberturas, classe, aberto_ate - now() BETWEEN '28 s' AND '30 s' AS meio FROM disjuntor"
    )
    assert row == {"falhas": 5, "aberturas": 1, "classe": "gateway", "meio": True}
    assert await transicoes(db) == [("fechado", "aberto")]


async def test_a_success_in_between_starts_the_count_anew(db: Database) -> None:
    await gravar(db, chip_que_envia())
    await enfileira(db, 9)
    for n in range(9):
        [row] = await claimed(db)
        if n == 4:
            await envio_desfecho.mark_sent(db, [(row["id"], row["fence"], "P4")], 0)
        else:
            assert await falha(db, row) == []
    assert await transicoes(db) == []


async def test_half_open_lets_one_probe_through_whoever_claims(db: Database) -> None:
    await abre(db)
    await consulta(db, DEPOIS)
    first, *others = await asyncio.gather(*(claimed(db, 3) for _ in range(6)))
    assert sum(map(len, [first, *others])) == 1
    assert await transicoes(db) == [("fechado", "aberto"), ("aberto", "meio_aberto")]
    assert await claimed(db, 3) == [], "not a second one before the first has ended"


async def test_a_probe_that_goes_through_closes_it(db: Database) -> None:
    await abre(db)
    await consulta(db, DEPOIS)
    [row] = await claimed(db)
    await envio_desfecho.mark_sent(db, [(row["id"], row["fence"], "P1")], 0)
    assert len(await claimed(db, 4)) == 4
    assert (await transicoes(db))[-1] == ("meio_aberto", "fechado")
    assert await consulta(db, "SELECT falhas, aberturas, aberto_ate FROM disjuntor") == [
        {"falhas": 0, "aberturas": 0, "aberto_ate": None}
    ]


async def test_each_probe_that_fails_doubles_the_pause_to_ten_minutes(db: Database) -> None:
    await abre(db)
    pauses = []
    for _ in range(6):
        await consulta(db, DEPOIS)
        [row] = await claimed(db)
        [opened] = await falha(db, row)
        [kept] = await consulta(db, "SELECT extract(epoch FROM aberto_ate - em)::int AS s FROM disjuntor")
        pauses.append(kept["s"])
        assert opened.ate is not None
    assert [round(pause, -1) for pause in pauses] == [60, 120, 240, 480, 600, 600]
    assert (await transicoes(db))[-1] == ("meio_aberto", "aberto")


async def test_a_probe_whose_process_died_opens_it_again(db: Database) -> None:
    await abre(db)
    await consulta(db, DEPOIS)
    [row] = await claimed(db)
    await consulta(db, "UPDATE outbox SET lease_until = now() - interval '1 s' WHERE id = %s", row["id"])
    await envio_desfecho.reap_and_match(db, 30)
    assert await consulta(db, "SELECT aberto_ate > now() AS aberto, classe FROM disjuntor") == [
        {"aberto": True, "classe": "tempo"}
    ]


async def test_what_began_before_it_opened_neither_closes_it_nor_opens_it_longer(db: Database) -> None:
    await gravar(db, chip_que_envia())
    await enfileira(db, 7)
    rows = await claimed(db, 7)
    for row in rows[:5]:
        await falha(db, row)
    [before] = await consulta(db, "SELECT aberto_ate, aberturas FROM disjuntor")
    assert await falha(db, rows[5]) == []
    await envio_desfecho.mark_sent(db, [(rows[6]["id"], rows[6]["fence"], "P6")], 0)
    assert await consulta(db, "SELECT aberto_ate, aberturas FROM disjuntor") == [before]


async def test_failures_that_are_recorded_at_the_same_moment_all_count(db: Database) -> None:
    await gravar(db, chip_que_envia())
    await enfileira(db, 5)
    rows = await claimed(db, 5)
    opened = await asyncio.gather(*(falha(db, row) for row in rows))
    assert sum(map(len, opened)) == 1
    assert await transicoes(db) == [("fechado", "aberto")]


async def test_a_limit_of_one_recipient_says_nothing_of_the_channel(db: Database) -> None:
    await gravar(db, chip_que_envia())
    await enfileira(db, 8)
    for _ in range(8):
        [row] = await claimed(db)
        assert await falha(db, row, None) == []
    assert await consulta(db, "SELECT * FROM disjuntor") == []


async def test_a_number_that_is_not_on_whatsapp_is_no_failure_of_the_chip(db: Database) -> None:
    await gravar(db, chip_que_envia())
    await enfileira(db, 7)
    for _ in range(7):
        [row] = await claimed(db)
        await envio_desfecho.mark_refused(db, row["id"], row["fence"], "exists: false", chip_fora=False, tentativas=5)
    assert await consulta(db, "SELECT * FROM disjuntor") == []


async def test_the_gateways_own_wish_is_the_least_pause(db: Database) -> None:
    await gravar(db, chip_que_envia())
    await enfileira(db, 3)
    for _ in range(3):
        [row] = await claimed(db)
        limite = ClasseFalha.LIMITE
        await envio_desfecho.mark_retry(db, row["id"], row["fence"], "429", 1, classe=limite, pausa_min_s=420)
    [kept] = await consulta(db, "SELECT extract(epoch FROM aberto_ate - now())::int AS s FROM disjuntor")
    assert 415 <= kept["s"] <= 420


async def test_an_open_breaker_is_the_chips_alone_and_survives_a_process(db: Database) -> None:
    caido = await abre(db)
    [livre] = await gravar(db, chip_que_envia())
    assert {row["instancia"] for row in await claimed(db, 4)} == {livre.instancia}
    # Another process knows nothing but the database; the chip at another gateway is another channel.
    await consulta(db, "UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
    await consulta(db, "UPDATE chip SET gateway = 'zapi' WHERE id = %s", caido.id)
    await consulta(db, "UPDATE chip SET conectado = false WHERE id = %s", livre.id)
    assert {row["instancia"] for row in await claimed(db, 2)} == {caido.instancia}


async def test_a_proactive_message_waits_until_a_breaker_may_let_it_through(db: Database) -> None:
    await abre(db)
    [pessoa] = await pessoas(db, 1)
    [row] = await gravar(db, um_envio(pessoa.conversa))
    await reivindicar(db)
    [kept] = await consulta(db, "SELECT next_at - now() AS espera FROM outbox WHERE id = %s", row.id)
    assert timedelta(seconds=20) < kept["espera"] <= timedelta(seconds=30)

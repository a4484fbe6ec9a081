"""Ingest and turns under concurrency: one row, one conversation, no message forgotten."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from lib.db import Database, Row
from lib.models import Chip
from lib.queries import entrada, envio_desfecho, mailbox, turno
from lib.queries.entrada import NewReceipt
from lib.queries.turno import Commit, OutboxRow
from tests.builders import gravar, numero
from tests.queries.fabrica import (
    chega,
    chip_que_envia,
    commit,
    consulta,
    ingerir,
    reivindicar,
    reivindicar_turnos,
    um_turno,
)
from tests.rodadas import BARREIRAS


@pytest.fixture
async def chip(db: Database) -> Chip:
    [stored] = await gravar(db, chip_que_envia())
    return stored


@pytest.fixture
async def outro(pg_url: str) -> AsyncIterator[Database]:
    """A second process's connections."""
    database = Database.open(pg_url, size=16, name="outro")
    yield database
    await database.close()


async def test_f38_one_webhook_fifty_times_at_once_is_one_row_and_one_conversation(outro: Database, chip: Chip) -> None:
    message = chega(chip.instancia, numero(), "A1")
    stored = await asyncio.gather(*(ingerir(outro, message) for _ in range(50)))
    assert sum(one.inbox_id is not None for one in stored) == 1
    counted = await consulta(
        outro,
        "SELECT (SELECT count(*) FROM inbox) AS i, (SELECT count(*) FROM conversa) AS c,"
        " (SELECT count(*) FROM medico) AS m, (SELECT count(*) FROM mailbox WHERE due_at IS NOT NULL) AS b",
    )
    assert counted == [{"i": 1, "c": 1, "m": 1, "b": 1}]


async def test_two_first_messages_at_once_make_one_doctor_and_one_open_conversation(
    outro: Database, chip: Chip
) -> None:
    [segundo] = await gravar(outro, chip_que_envia())
    for _ in range(50):
        phone = numero()
        await asyncio.gather(
            *(ingerir(outro, chega(c.instancia, phone, f"M-{uuid4()}")) for c in (chip, segundo) for _ in range(2))
        )
    counted = await consulta(
        outro,
        "SELECT count(*) AS i, count(DISTINCT conversation_id) AS c, (SELECT count(*) FROM conversa) AS todas,"
        " (SELECT count(*) FROM medico) AS m, (SELECT count(*) FROM doctor_state) AS s FROM inbox",
    )
    assert counted == [{"i": 200, "c": 50, "todas": 50, "m": 50, "s": 50}]


async def test_f42_a_message_that_lands_while_a_turn_commits_is_never_forgotten(
    db: Database, outro: Database, chip: Chip
) -> None:
    landed_late = 0
    for n in range(BARREIRAS):
        phone = numero()
        first = await ingerir(db, chega(chip.instancia, phone, f"a{n}"))
        [row] = await reivindicar_turnos(db)
        both = asyncio.Barrier(2)

        async def termina(row: dict[str, object] = row, both: asyncio.Barrier = both) -> int | None:
            await both.wait()
            return await commit(db, um_turno(row))

        async def escreve(phone: str = phone, n: int = n, both: asyncio.Barrier = both) -> None:
            await both.wait()
            await ingerir(outro, chega(chip.instancia, phone, f"b{n}"))

        committed, _ = await asyncio.gather(termina(), escreve())
        assert committed
        [again] = await reivindicar_turnos(db)
        assert again["conversation_id"] == first.conversation_id
        assert len(again["mensagens"]) == 1
        landed_late += again["fence"] == row["fence"] + 1
        assert await commit(db, um_turno(again))
        assert await reivindicar_turnos(db) == []
    assert landed_late == BARREIRAS


async def test_f42_the_first_attempt_is_not_written_when_something_unread_landed_and_the_second_holds_all_of_it(
    db: Database, outro: Database, chip: Chip
) -> None:
    ends: Counter[Commit] = Counter()
    mira = 0.0
    for n in range(BARREIRAS):
        phone = numero()
        await ingerir(db, chega(chip.instancia, phone, f"p{n}"))
        [row] = await reivindicar_turnos(db)
        both = asyncio.Barrier(2)

        async def termina(
            row: Row = row, n: int = n, both: asyncio.Barrier = both, pausa: float = mira
        ) -> tuple[Commit, int | None]:
            await both.wait()
            await asyncio.sleep(max(0.0, pausa))
            done = um_turno(row, OutboxRow(f"resposta:p{n}", "oi"))
            return await turno.commit(db, done, prioridade=10, quieto_s=0, ultima=False)

        async def escreve(phone: str = phone, n: int = n, both: asyncio.Barrier = both, pausa: float = -mira) -> None:
            await both.wait()
            await asyncio.sleep(max(0.0, pausa))
            await ingerir(outro, chega(chip.instancia, phone, f"q{n}"))

        (result, _), _ = await asyncio.gather(termina(), escreve())
        ends[result] += 1
        if result is Commit.ULTRAPASSADO:
            again = await mailbox.reread(db, row["conversation_id"], row["fence"], 10)
            assert again
            assert len(again["mensagens"]) == 2
            assert await reivindicar_turnos(outro) == [], "it stays this claim's"
            assert await commit(db, um_turno(again, OutboxRow(f"resposta:p{n}", "oi")))
        else:
            assert result is Commit.FEITO
            [late] = await reivindicar_turnos(db)
            assert len(late["mensagens"]) == 1
            assert await commit(db, um_turno(late))
        mira += 0.0003 if result is Commit.FEITO else -0.0003
        assert await reivindicar_turnos(db) == []
    assert min(ends[Commit.FEITO], ends[Commit.ULTRAPASSADO]) > BARREIRAS // 10
    [counted] = await consulta(
        db,
        "SELECT count(*) AS mensagens, count(turn_id) AS em_turno, (SELECT count(*) FROM outbox) AS respostas"
        " FROM inbox",
    )
    assert counted == {"mensagens": 2 * BARREIRAS, "em_turno": 2 * BARREIRAS, "respostas": BARREIRAS}


async def test_the_first_attempt_is_not_written_when_what_it_read_was_edited(db: Database, chip: Chip) -> None:
    await ingerir(db, chega(chip.instancia, numero(), "editada"))
    [row] = await reivindicar_turnos(db)
    await consulta(db, "UPDATE inbox SET texto = 'outra coisa', revisao = revisao + 1")
    assert await commit(db, um_turno(row), ultima=False) is None
    again = await mailbox.reread(db, row["conversation_id"], row["fence"], 10)
    assert again
    assert [m["texto"] for m in again["mensagens"]] == ["outra coisa"]
    assert await commit(db, um_turno(again), ultima=False)


async def test_the_first_attempt_is_not_written_when_what_it_read_was_deleted(db: Database, chip: Chip) -> None:
    phone = numero()
    for msg_id in ("apagada", "fica"):
        await ingerir(db, chega(chip.instancia, phone, msg_id))
    [row] = await reivindicar_turnos(db)
    await consulta(
        db, "UPDATE inbox SET texto = NULL, desfecho = 'silencio: apagada' WHERE provider_msg_id = 'apagada'"
    )
    assert await commit(db, um_turno(row), ultima=False) is None
    assert await commit(db, um_turno(row)), "the last attempt answers what is left"
    consumed = await consulta(db, "SELECT provider_msg_id FROM inbox WHERE turn_id IS NOT NULL")
    assert consumed == [{"provider_msg_id": "fica"}]


async def test_f13_sixteen_claimers_of_one_conversation_get_it_once(db: Database, outro: Database, chip: Chip) -> None:
    for n in range(50):
        await ingerir(db, chega(chip.instancia, numero(), f"c{n}"))
        claimed = await asyncio.gather(*(reivindicar_turnos(outro) for _ in range(16)))
        [row] = [row for rows in claimed for row in rows]
        assert await commit(db, um_turno(row))


async def test_a_commit_under_a_lost_fence_writes_nothing(db: Database, chip: Chip) -> None:
    await ingerir(db, chega(chip.instancia, numero(), "z1"))
    [stale] = await reivindicar_turnos(db, lease_s=0)
    [fresh] = await reivindicar_turnos(db)
    assert fresh["fence"] == stale["fence"] + 1
    assert await commit(db, um_turno(stale, OutboxRow("resposta:x", "tarde demais"))) is None
    assert await consulta(db, "SELECT id FROM outbox UNION ALL SELECT id FROM turno") == []
    assert await commit(db, um_turno(fresh, OutboxRow("resposta:y", "a tempo")))
    assert [row["body"] for row in await consulta(db, "SELECT body FROM outbox")] == ["a tempo"]


async def test_a_conversation_woken_for_nothing_sleeps_unless_something_landed(
    db: Database, outro: Database, chip: Chip
) -> None:
    phone = numero()
    for n in range(50):
        await ingerir(db, chega(chip.instancia, phone, f"d{n}"))
        [row] = await reivindicar_turnos(db)
        await consulta(db, "UPDATE inbox SET desfecho = 'visto' WHERE turn_id IS NULL")
        await asyncio.gather(
            mailbox.settle_empty(db, row["conversation_id"], row["fence"], "turno:1:0"),
            ingerir(outro, chega(chip.instancia, phone, f"e{n}")),
        )
        [again] = await reivindicar_turnos(db)
        assert [m["id"] for m in again["mensagens"]]
        assert await commit(db, um_turno(again))
    assert await reivindicar_turnos(db) == []


async def test_receipts_never_go_backwards(db: Database, chip: Chip) -> None:
    order = ("SERVER_ACK", "DELIVERY_ACK", "READ", "DELIVERY_ACK", "SERVER_ACK", "ERROR")
    words = {"SERVER_ACK": "enviada", "DELIVERY_ACK": "entregue", "READ": "lida", "ERROR": "falhou"}
    await _enviada(db, chip, "R1")
    seen = []
    for status in order:
        await entrada.store_receipts(db, [NewReceipt(chip.instancia, "R1", status, words[status])])
        seen += [row["entrega"] for row in await consulta(db, "SELECT entrega FROM interacao WHERE direcao = 'saida'")]
    assert seen == ["enviada", "entregue", "lida", "lida", "lida", "lida"]


async def test_receipts_that_come_together_end_at_the_furthest_and_each_is_kept_once(db: Database, chip: Chip) -> None:
    await _enviada(db, chip, "R0")
    words = (("READ", "lida"), ("SERVER_ACK", "enviada"), ("DELIVERY_ACK", "entregue"), ("READ", "lida"), ("X", None))
    came = [NewReceipt(chip.instancia, "R0", status, entrega) for status, entrega in words]
    stored = await entrada.store_receipts(db, [*came, NewReceipt("ninguém", "R0", "READ", "lida")])
    assert [one is not None for one in stored] == [True] * 5 + [False]
    assert await consulta(db, "SELECT entrega FROM interacao WHERE direcao = 'saida'") == [{"entrega": "lida"}]
    assert await consulta(db, "SELECT count(*) AS n FROM delivery_event") == [{"n": 4}]
    assert [one.inbox_id for one in await entrada.store_receipts(db, came) if one] == [None] * 5, "all known"


async def test_a_failed_delivery_is_noted_unless_it_arrived_after_all(db: Database, chip: Chip) -> None:
    await _enviada(db, chip, "R2")
    await entrada.store_receipts(db, [NewReceipt(chip.instancia, "R2", "ERROR", "falhou")])
    assert [r["entrega"] for r in await consulta(db, "SELECT entrega FROM interacao WHERE direcao = 'saida'")] == [
        "falhou"
    ]
    await entrada.store_receipts(db, [NewReceipt(chip.instancia, "R2", "READ", "lida")])
    assert [r["entrega"] for r in await consulta(db, "SELECT entrega FROM interacao WHERE direcao = 'saida'")] == [
        "lida"
    ]


async def test_f36_a_receipt_that_overtakes_the_answer_to_its_send_counts(db: Database, chip: Chip) -> None:
    await entrada.store_receipts(db, [NewReceipt(chip.instancia, "R3", "READ", "lida")])
    await _enviada(db, chip, "R3")
    assert [r["entrega"] for r in await consulta(db, "SELECT entrega FROM interacao WHERE direcao = 'saida'")] == [
        "lida"
    ]


async def _enviada(db: Database, chip: Chip, msg_id: str) -> None:
    await ingerir(db, chega(chip.instancia, numero(), f"in-{msg_id}"))
    [row] = await reivindicar_turnos(db)
    assert await commit(db, um_turno(row, OutboxRow(f"resposta:{msg_id}", "oi")))
    [claimed] = (await reivindicar(db)).claimed
    await envio_desfecho.mark_sent(db, [(claimed["id"], claimed["fence"], msg_id)], 0)

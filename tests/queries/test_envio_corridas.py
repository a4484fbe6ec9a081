"""The send claim under concurrency: caps are exact, an opt-out is final, nobody is starved."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from lib.db import Database, Row
from lib.domain.chip import StatusChip, TipoChip, TipoEnvio
from lib.errors import DatabaseUnavailableError
from lib.queries import envio_desfecho
from lib.queries.envio import Judged
from lib.queries.turno import OutboxRow
from tests.builders import gravar, um_envio
from tests.queries.fabrica import (
    agora,
    chega,
    chip_que_envia,
    commit,
    consulta,
    ingerir,
    pessoas,
    reivindicar,
    reivindicar_turnos,
    resposta,
    um_turno,
    uma_parada,
)
from tests.rodadas import BARREIRAS

ENVIADORES = 16

# At commit, with a fresh snapshot: whoever sees the opt-out there committed `sending` after it.
VIGIA = """
CREATE TABLE violacao (outbox_id bigint);
CREATE FUNCTION vigiar() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO violacao SELECT NEW.id FROM doctor_state s
  WHERE s.medico_id = NEW.medico_id AND s.permissao = 'opted_out' AND NOT NEW.isenta_optout;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vigia AFTER UPDATE ON outbox DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.state = 'sending') EXECUTE FUNCTION vigiar();
"""


@pytest.fixture
async def outro(pg_url: str) -> AsyncIterator[Database]:
    """A second process's connections."""
    database = Database.open(pg_url, size=32, name="outro", wait_s=30)
    yield database
    await database.close()


async def insistente(db: Database, limite: int) -> Judged:
    """Claim; on a machine so busy that the lock is not had in time, claim again."""
    for _ in range(20):
        try:
            return await reivindicar(db, limite)
        except DatabaseUnavailableError:
            await asyncio.sleep(0.05)
    raise AssertionError("the lock was never had")


async def test_f59_thirty_two_claimers_never_exceed_a_chips_cap(db: Database, outro: Database) -> None:
    await gravar(db, chip_que_envia(limite_hora=10))
    queued = await pessoas(db, 64)
    await gravar(db, *(resposta(pessoa) for pessoa in queued))
    judged = await asyncio.gather(*(insistente(outro, 4) for _ in range(32)))
    assert sum(len(one.claimed) for one in judged) == 10
    assert sum(one.deferred for one in judged) == 54


async def test_f59_thirty_two_claimers_never_exceed_a_doctors_weekly_cap(db: Database, outro: Database) -> None:
    await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    started = 0
    await gravar(db, *(um_envio(pessoa.conversa) for _ in range(9)))
    while True:
        judged = await asyncio.gather(*(insistente(outro, 4) for _ in range(32)))
        claimed = [row for one in judged for row in one.claimed]
        if not claimed:
            break
        assert len(claimed) == 1
        started += 1
        await consulta(db, "UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
    assert started == 5
    waiting = await consulta(
        db, "SELECT motivo, next_at > now() + interval '6 days 23 hours' AS depois FROM outbox WHERE motivo IS NOT NULL"
    )
    assert waiting == [{"motivo": "limite_contatos", "depois": True}]


async def test_f56_sixteen_senders_begin_nothing_after_an_opt_out_has_committed(db: Database, outro: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    await consulta(db, VIGIA)
    before: Counter[str] = Counter()
    mira = 0.0
    for n in range(BARREIRAS):
        phone = f"+55119{n:08d}"
        stored = await ingerir(db, chega(chip.instancia, phone, f"sair-{n}", "SAIR"))
        await consulta(
            db,
            "INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, proativa) SELECT c.id,"
            " c.medico_id, 'x:' || c.id, 'oi', '', 'resposta', false FROM conversa c WHERE c.id = %s",
            stored.conversation_id,
        )
        [row] = await reivindicar_turnos(db)
        together = asyncio.Barrier(1 + ENVIADORES)

        async def para(
            row: Row = row, n: int = n, together: asyncio.Barrier = together, pausa: float = -mira
        ) -> int | None:
            await together.wait()
            await asyncio.sleep(max(0.0, pausa))
            return await commit(db, uma_parada(row, cause=f"optout:{n}"))

        async def envia(together: asyncio.Barrier = together, pausa: float = mira) -> None:
            await together.wait()
            await asyncio.sleep(max(0.0, pausa))
            await insistente(outro, 4)

        committed, *_ = await asyncio.gather(para(), *(envia() for _ in range(ENVIADORES)))
        assert committed
        [left] = await consulta(db, "SELECT state FROM outbox WHERE conversation_id = %s AND NOT isenta_optout",
                                stored.conversation_id)  # fmt: skip
        before[left["state"]] += 1
        # Aim at the moment of the commit: whoever won starts later next time.
        mira += 0.0003 if left["state"] == "sending" else -0.0003
        await consulta(db, "UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
        await reivindicar(db)
        await consulta(db, "UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
    assert await consulta(db, "SELECT * FROM violacao") == []
    assert min(before["sending"], before["cancelled"]) > BARREIRAS // 10
    assert sum(before.values()) == BARREIRAS
    [confirmed] = await consulta(db, "SELECT count(*) AS n FROM outbox WHERE isenta_optout AND state = 'sent'")
    assert confirmed["n"] == BARREIRAS


async def test_a_reply_obeys_its_chips_limits_and_moves_only_when_its_chip_cannot_send(db: Database) -> None:
    cheio, livre = await gravar(db, chip_que_envia(limite_hora=1, trust_score=95), chip_que_envia(trust_score=50))
    um, dois = await pessoas(db, 2, conversa={"chip_id": cheio.id})
    await gravar(db, resposta(um))
    [first] = (await reivindicar(db)).claimed
    assert first["instancia"] == cheio.instancia
    await gravar(db, resposta(dois))
    [second] = (await reivindicar(db)).claimed
    assert second["instancia"] == livre.instancia


async def test_a_reply_stays_with_its_chip_even_when_another_is_better(db: Database) -> None:
    proprio, _melhor = await gravar(db, chip_que_envia(trust_score=45), chip_que_envia(trust_score=95))
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": proprio.id})
    await gravar(db, resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    assert row["instancia"] == proprio.instancia


async def test_prospecting_never_goes_through_a_chip_below_eighty(db: Database) -> None:
    await gravar(db, chip_que_envia(trust_score=79))
    [pessoa] = await pessoas(db, 1)
    await gravar(db, um_envio(pessoa.conversa, tipo=TipoEnvio.PROSPECCAO))
    judged = await reivindicar(db)
    assert (judged.claimed, judged.deferred) == ([], 1)
    await gravar(db, chip_que_envia(trust_score=80))
    await consulta(db, "UPDATE outbox SET next_at = now()")
    assert len((await reivindicar(db)).claimed) == 1


@pytest.mark.parametrize(
    "over",
    [
        {"tipo": TipoChip.LISTENER},
        {"status": StatusChip.PAUSED},
        {"status": StatusChip.BANNED},
        {"conectado": False},
        {"pode_responder": False},
        {"cooldown_ate": agora() + timedelta(hours=1)},
        {"trust_score": 19},
        {"limite_dia": 0},
    ],
    ids=lambda over: next(iter(over)),
)
async def test_a_chip_that_may_not_send_sends_no_reply(db: Database, over: dict[str, object]) -> None:
    await gravar(db, chip_que_envia(**over))
    [pessoa] = await pessoas(db, 1)
    await gravar(db, resposta(pessoa))
    judged = await reivindicar(db)
    assert (judged.claimed, judged.deferred) == ([], 1)


async def test_rows_without_a_chip_starve_nobody(db: Database) -> None:
    await gravar(db, chip_que_envia(pode_prospectar=False))
    frios, (quente,) = await pessoas(db, 30), await pessoas(db, 1)
    await gravar(db, *(um_envio(pessoa.conversa, prioridade=10) for pessoa in frios))
    await gravar(db, resposta(quente, prioridade=1))
    claimed: list[str] = []
    for _ in range(5):
        claimed += [row["cause"] for row in (await reivindicar(db, 8)).claimed]
    assert len(claimed) == 1


async def test_a_batch_larger_than_one_chips_rest_goes_to_the_others_at_once(db: Database) -> None:
    await gravar(db, *(chip_que_envia(limite_hora=2) for _ in range(4)))
    queued = await pessoas(db, 8)
    await gravar(db, *(resposta(pessoa) for pessoa in queued))
    claimed = [row["instancia"] for _ in range(4) for row in (await reivindicar(db)).claimed]
    assert sorted(Counter(claimed).values()) == [2, 2, 2, 2]


async def test_a_reply_does_not_wait_behind_a_cold_message_that_is_put_off(db: Database) -> None:
    await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    amanha = agora() + timedelta(days=1)
    await gravar(db, um_envio(pessoa.conversa, next_at=amanha))
    await gravar(db, resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    assert row["cause"].startswith("teste:")
    assert await consulta(db, "SELECT proativa FROM outbox WHERE state = 'sending'") == [{"proativa": False}]


async def test_fragments_of_one_conversation_leave_one_at_a_time_and_in_order(db: Database, outro: Database) -> None:
    await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    await gravar(db, *(resposta(pessoa, cause=f"{n}:{uuid4()}") for n in range(5)))
    order = []
    for _ in range(5):
        judged = await asyncio.gather(*(reivindicar(outro) for _ in range(8)))
        [row] = [row for one in judged for row in one.claimed]
        order.append(row["cause"][0])
        await consulta(db, "UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
    assert order == list("01234")


async def test_turns_sends_and_claims_of_one_conversation_never_lock_each_other_out(
    db: Database, outro: Database
) -> None:
    [chip] = await gravar(db, chip_que_envia())
    await ingerir(db, chega(chip.instancia, "+5511955550000", "primeira"))
    for n in range(200):
        [row] = await reivindicar_turnos(db)
        await asyncio.gather(
            commit(db, um_turno(row, OutboxRow(f"resposta:{n}", "oi"))),
            ingerir(outro, chega(chip.instancia, "+5511955550000", f"m{n}")),
            _envia_um(outro),
            _envia_um(outro),
        )
    await _envia_um(outro)
    states = await consulta(db, "SELECT state, count(*) AS n FROM outbox GROUP BY 1")
    assert states == [{"state": "sent", "n": 200}]


async def _envia_um(db: Database) -> None:
    for row in (await reivindicar(db)).claimed:
        await envio_desfecho.mark_sent(db, [(row["id"], row["fence"], f"P{uuid4()}")], 0)

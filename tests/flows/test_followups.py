from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import text

from flows.followups import ParametrosFollowups, enqueue, find_due
from flows.outcome import Outcome, total
from flows.parametros import Modo
from lib import ledger
from lib.db import Database, Row, Step
from lib.domain.cadencia import Estagio
from lib.domain.estado import Permissao
from lib.models import Conversa
from lib.models.conversa import Controle
from lib.models.fila import OutboxState
from lib.resources import Resources
from tests.builders import (
    AGORA,
    gravar,
    id_of,
    um_envio,
    um_estado,
    um_hospital,
    um_medico,
    uma_conversa,
    uma_especialidade,
    uma_vaga,
)

DIA = timedelta(days=1)
VENCIDA = AGORA - 3 * DIA
SABADO = AGORA + 4 * DIA


async def due(
    db: Database,
    quantas: int = 1,
    *,
    estado: dict[str, Any] | None = None,
    medico: dict[str, Any] | None = None,
    **over: Any,
) -> Sequence[Conversa]:
    """Conversations whose first message has been unanswered for three days."""
    medicos = await gravar(db, *(um_medico(**(medico or {})) for _ in range(quantas)))
    await gravar(db, *(um_estado(id_of(m), **{"permissao": Permissao.INITIAL, **(estado or {})}) for m in medicos))
    row = {"estagio": Estagio.MSG_ENVIADA, "ultima_saida_em": VENCIDA, **over}
    return await gravar(db, *(uma_conversa(id_of(m), **row) for m in medicos))


async def run(resources: Resources, now: datetime = AGORA, modo: Modo = Modo.APLICAR, **params: Any) -> Outcome:
    keys = await find_due(resources, ParametrosFollowups(modo=modo, **params), now)
    parts = [await enqueue(resources, chunk, modo, now) for chunk in keys.chunks]
    return total([keys.parcial, *parts], plano_max=1_000).outcome


async def queued(db: Database) -> list[Row]:
    [rows] = await db.round_trip(Step(text("SELECT * FROM outbox WHERE tipo = 'followup' ORDER BY id")))
    return rows


async def test_two_hundred_due_conversations_are_queued_in_four_statements(resources: Resources) -> None:
    todas = await due(resources.db, 200)
    with ledger.measure("followups") as custo:
        done = await run(resources)
    rows = await queued(resources.db)
    assert (done.seen, done.changed, done.missing) == (200, 200, 0)
    assert {row["conversation_id"] for row in rows} == {conversa.id for conversa in todas}
    for row in rows:
        assert (row["state"], row["proativa"], row["prioridade"], row["estagio_apos"]) == (
            "pending",
            True,
            5,
            "followup_1_enviado",
        )
        assert row["body"].startswith("Oi, Helena! ")
        assert row["body_hash"] == sha256(row["body"].encode()).digest()
        assert row["next_at"] == AGORA
        micros = int(VENCIDA.timestamp()) * 1_000_000
        assert row["cause"] == f"followup:{row['conversation_id']}:msg_enviada:{micros}"
    assert custo.statements <= 4, custo.names


async def test_the_stage_waits_for_the_message_to_be_really_sent(resources: Resources) -> None:
    await due(resources.db)
    await run(resources)
    [rows] = await resources.db.round_trip(Step(text("SELECT estagio FROM conversa")))
    assert rows == [{"estagio": "msg_enviada"}]


async def test_a_second_run_queues_nothing_again(resources: Resources) -> None:
    await due(resources.db, 5)
    await run(resources)
    again = await run(resources, AGORA + timedelta(hours=1))
    assert (again.changed, again.skipped, again.missing) == (0, {"ja_na_fila": 5}, 0)
    async with resources.db.connection() as driver:
        await driver.execute("UPDATE outbox SET state = 'cancelled'")
    assert (await run(resources, AGORA + DIA)).skipped == {"ja_tentada": 5}
    assert len(await queued(resources.db)) == 5


async def test_each_step_waits_its_own_time_after_our_last_message(resources: Resources) -> None:
    for estagio, espera in (
        (Estagio.MSG_ENVIADA, timedelta(hours=48)),
        (Estagio.FOLLOWUP_1_ENVIADO, 5 * DIA),
        (Estagio.FOLLOWUP_2_ENVIADO, 15 * DIA),
    ):
        await due(resources.db, estagio=estagio, ultima_saida_em=AGORA - espera)
        await due(resources.db, estagio=estagio, ultima_saida_em=AGORA - espera + timedelta(seconds=1))
    assert (await run(resources)).changed == 3
    assert [row["estagio_apos"] for row in await queued(resources.db)] == [
        "followup_1_enviado",
        "followup_2_enviado",
        "nao_respondeu",
    ]


async def test_nobody_who_answered_paused_or_left_the_cadence_is_due(resources: Resources) -> None:
    db = resources.db
    await due(db, ultima_entrada_em=VENCIDA + timedelta(minutes=1))
    await due(db, pausada_ate=AGORA + DIA)
    await due(db, estagio=Estagio.RESPONDEU)
    await due(db, estagio=Estagio.OPTOUT)
    assert (await run(resources)).seen == 0


async def test_the_guardrails_decide_and_every_refusal_is_counted(resources: Resources) -> None:
    db = resources.db
    await due(db, estado={"permissao": Permissao.OPTED_OUT})
    await due(db, controle=Controle.HUMANO)
    await due(db, estado={"permissao": Permissao.COOLING_OFF, "cooling_off_ate": AGORA + DIA})
    await due(db, estado={"proximo_contato_em": AGORA + DIA})
    await due(db, estado={"parada_perguntada_em": AGORA - DIA})
    [capped] = await due(db)
    sent = {"state": OutboxState.SENT}
    await gravar(db, *(um_envio(capped, **sent, enviando_em=AGORA - n * DIA / 2) for n in range(5)))
    [free] = await due(db)
    await gravar(db, *(um_envio(free, **sent, enviando_em=AGORA - (6 + n) * DIA) for n in range(5)))
    done = await run(resources)
    assert done.skipped == {
        "opted_out": 1,
        "controle_humano": 1,
        "cooling_off": 1,
        "proximo_contato": 1,
        "parada_incerta": 1,
        "limite_contatos": 1,
    }
    assert (done.seen, done.changed, done.missing) == (7, 1, 0)
    assert [row["conversation_id"] for row in await queued(db)] == [free.id]


async def test_outside_the_hours_it_waits_in_the_queue_for_the_next_window(resources: Resources) -> None:
    await due(resources.db)
    assert (await run(resources, SABADO)).changed == 1
    [row] = await queued(resources.db)
    assert row["next_at"].isoformat() == "2026-03-16T11:00:00+00:00"


async def test_the_second_reminder_offers_a_real_open_shift_of_the_specialty(resources: Resources) -> None:
    db = resources.db
    cardio, outra = await gravar(db, uma_especialidade(), uma_especialidade("Pediatria"))
    sp, rj = await gravar(db, um_hospital(), um_hospital(nome="Hospital da Lagoa", cidade="Rio de Janeiro", uf="RJ"))
    inicio = datetime.fromisoformat("2026-03-12T22:00:00+00:00")
    fim = inicio + timedelta(hours=12)
    await gravar(
        db,
        uma_vaga(id_of(rj), id_of(cardio), inicio - DIA, fim - DIA),
        uma_vaga(id_of(sp), id_of(cardio), inicio, fim),
        uma_vaga(id_of(sp), id_of(outra), inicio - DIA, fim - DIA),
        uma_vaga(id_of(sp), id_of(cardio), inicio - DIA, fim - DIA, status="fechada"),
        uma_vaga(id_of(sp), id_of(cardio), AGORA - DIA, AGORA),
    )
    passo: dict[str, Any] = {"estagio": Estagio.FOLLOWUP_1_ENVIADO, "ultima_saida_em": AGORA - 6 * DIA}
    await due(db, medico={"especialidade_id": cardio.id}, **passo)
    await due(db, medico={"especialidade_id": None}, **passo)
    await run(resources)
    com, sem = (row["body"] for row in await queued(db))
    assert "Hospital Santa Clara, São Paulo/SP, qui 12/03, das 19h às 7h" in com
    assert "R$" not in com
    assert "Hospital" not in sem


async def test_a_conversation_whose_pause_is_over_is_taken_up_again_once(resources: Resources) -> None:
    db = resources.db
    await due(db, estagio=Estagio.NAO_RESPONDEU, pausada_ate=AGORA)
    await due(db, estagio=Estagio.NAO_RESPONDEU, pausada_ate=AGORA + DIA)
    assert (await run(resources, modo=Modo.SIMULAR)).kinds == {"recontato": 1}
    assert (await run(resources)).changed == 1
    assert (await run(resources)).seen == 0
    [rows] = await db.round_trip(Step(text("SELECT estagio, pausada_ate FROM conversa ORDER BY id")))
    assert rows[0] == {"estagio": "recontato", "pausada_ate": None}


async def test_blocked_conversations_never_keep_due_ones_from_their_turn(resources: Resources) -> None:
    await due(resources.db, 3, estado={"permissao": Permissao.OPTED_OUT}, ultima_saida_em=AGORA - 30 * DIA)
    await due(resources.db, 2)
    assert (await run(resources, limite=2)).changed == 2
    await due(resources.db, 2)
    assert (await run(resources, limite=2)).changed == 2


async def test_a_stage_without_the_instant_it_is_measured_on_is_a_failure(resources: Resources) -> None:
    await due(resources.db, ultima_saida_em=None)
    done = await run(resources)
    assert (done.failed, done.missing) == ({"sem_ultima_saida": 1}, 0)


async def test_a_simulation_counts_the_same_and_writes_nothing(resources: Resources) -> None:
    await due(resources.db, 3)
    assert (await run(resources, modo=Modo.SIMULAR)).changed == 3
    assert (await run(resources, modo=Modo.PLANO)).changed == 3
    assert await queued(resources.db) == []


async def test_an_insert_that_somebody_swallows_leaves_rows_missing(resources: Resources) -> None:
    db = resources.db
    await due(db, 2)
    async with db.connection() as driver:
        await driver.execute("CREATE FUNCTION engole() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        await driver.execute("CREATE TRIGGER t BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION engole()")
    swallowed = await run(resources)
    assert (swallowed.eligible, swallowed.changed, swallowed.missing) == (2, 0, 2)


async def test_the_plan_holds_ids_and_decisions_and_no_personal_data(resources: Resources) -> None:
    [conversa] = await due(resources.db)
    keys = await find_due(resources, ParametrosFollowups(modo=Modo.PLANO), AGORA)
    part = await enqueue(resources, keys.chunks[0], Modo.PLANO, AGORA)
    assert part.plano == (
        {
            "conversa_id": conversa.id,
            "passo": "followup_1",
            "decisao": "enfileirar",
            "quando": "2026-03-10T13:00:00+00:00",
        },
    )

"""Living dialogues on a lost chip go on through another one; what we had queued of our own accord does not."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from flows.pool import care
from lib.db import Database
from lib.domain.chip import Gateway, StatusChip, TipoEnvio
from lib.models import Chip
from lib.models.conversa import StatusConversa
from lib.resources import Resources
from tests.builders import AGORA, gravar, um_envio
from tests.queries.fabrica import chip_que_envia, consulta, pessoas, resposta

S = StatusChip
DIA, HORA, MINUTO = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
VIVA = {"ultima_entrada_em": AGORA - HORA}


def chip(**over: Any) -> Chip:
    return chip_que_envia(**{"conexao_em": AGORA - DIA, **over})


async def onde(db: Database) -> list[int]:
    return [row["chip_id"] for row in await consulta(db, "SELECT chip_id FROM conversa ORDER BY id")]


async def run(resources: Resources) -> dict[str, int]:
    outcome = (await care(resources, AGORA)).outcome
    assert outcome.missing == 0
    kept = ("conversas_movidas", "envios_cancelados")
    return {name: outcome.kinds[name] for name in kept} | {
        name: outcome.skipped[name] for name in ("sem_destino", "com_fila_nova") if name in outcome.skipped
    }


@pytest.mark.parametrize(
    ("over", "moves"),
    [
        ({"status": S.BANNED}, True),
        ({"status": S.PAUSED}, True),
        ({"status": S.CANCELLED}, True),
        ({"conectado": False, "conexao_em": AGORA - 30 * MINUTO}, True),
        ({"conectado": False, "conexao_em": AGORA - 29 * MINUTO}, False),
        ({"status": S.RESTRICTED}, False),
        ({"status": S.DEGRADED}, False),
        ({}, False),
    ],
)
async def test_dialogues_leave_a_chip_that_is_lost_and_no_other(
    resources: Resources, over: dict[str, Any], moves: bool
) -> None:
    db = resources.db
    lost, other = await gravar(db, chip(**over), chip())
    await pessoas(db, 1, conversa={"chip_id": lost.id, **VIVA})
    assert (await run(resources))["conversas_movidas"] == moves
    assert await onde(db) == [other.id if moves else lost.id]
    assert len(await consulta(db, "SELECT * FROM conversa_migracao")) == moves


async def test_only_dialogues_that_live_are_moved(resources: Resources) -> None:
    db = resources.db
    lost, other = await gravar(db, chip(status=S.BANNED), chip())
    for over in (
        {"ultima_entrada_em": AGORA - 7 * DIA + MINUTO},
        {"ultima_entrada_em": AGORA - 7 * DIA},
        {"ultima_entrada_em": None, "ultima_saida_em": AGORA - HORA},
        {**VIVA, "status": StatusConversa.COMPLETED},
        {**VIVA, "status": StatusConversa.ESCALATED},
    ):
        await pessoas(db, 1, conversa={"chip_id": lost.id, **over})
    assert (await run(resources))["conversas_movidas"] == 2
    assert await onde(db) == [other.id, lost.id, lost.id, lost.id, other.id]


async def test_what_was_queued_first_by_us_is_cancelled_with_a_reason_and_answers_stay(resources: Resources) -> None:
    db = resources.db
    lost, _ = await gravar(db, chip(status=S.BANNED), chip())
    um, fria = await pessoas(db, 2, conversa={"chip_id": lost.id, **VIVA})
    await consulta(db, "UPDATE conversa SET ultima_entrada_em = NULL WHERE id = %s", fria.conversa_id)
    await gravar(
        db,
        um_envio(um.conversa),
        um_envio(um.conversa, tipo=TipoEnvio.FOLLOWUP),
        resposta(um),
        um_envio(um.conversa, tipo=TipoEnvio.LEMBRETE, proativa=False),
        um_envio(fria.conversa),
    )
    assert await run(resources) == {"conversas_movidas": 1, "envios_cancelados": 2}
    rows = await consulta(db, "SELECT state, motivo FROM outbox ORDER BY id")
    assert [(row["state"], row["motivo"]) for row in rows] == [
        ("cancelled", "chip_perdido"),
        ("cancelled", "chip_perdido"),
        ("pending", None),
        ("pending", None),
        ("pending", None),
    ]


async def test_a_move_is_written_down_and_a_second_run_moves_nothing(resources: Resources) -> None:
    db = resources.db
    lost, other = await gravar(db, chip(status=S.PAUSED), chip())
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": lost.id, **VIVA})
    await run(resources)
    assert await run(resources) == {"conversas_movidas": 0, "envios_cancelados": 0}
    [row] = await consulta(db, "SELECT conversation_id, de_chip_id, para_chip_id, motivo, em FROM conversa_migracao")
    assert row == {
        "conversation_id": pessoa.conversa_id, "de_chip_id": lost.id, "para_chip_id": other.id, "motivo": "pausado",
        "em": AGORA,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cargas", "quantas", "depois"),
    [
        ((0, 0, 0), 9, (3, 3, 3)),
        ((5, 1, 0), 6, (5, 4, 3)),
        ((5, 1, 0), 1, (5, 1, 1)),
        ((9, 9, 0), 5, (9, 9, 5)),
        ((2, 2, 2), 4, (4, 3, 3)),
    ],
)
async def test_each_goes_where_the_fewest_are(
    resources: Resources, cargas: tuple[int, ...], quantas: int, depois: tuple[int, ...]
) -> None:
    db = resources.db
    lost, *others = await gravar(db, chip(status=S.BANNED), *(chip() for _ in cargas))
    for other, carga in zip(others, cargas, strict=True):
        await pessoas(db, carga, conversa={"chip_id": other.id, **VIVA})
        await pessoas(db, 4, conversa={"chip_id": other.id, "ultima_entrada_em": AGORA - 30 * DIA})
    await pessoas(db, quantas, conversa={"chip_id": lost.id, **VIVA})
    assert (await run(resources))["conversas_movidas"] == quantas
    living = Counter(row["chip_id"] for row in await consulta(
        db, "SELECT chip_id FROM conversa WHERE ultima_entrada_em > %s", AGORA - 7 * DIA
    ))  # fmt: skip
    assert tuple(living[other.id] for other in others) == depois


async def test_the_same_gateway_comes_first_and_meta_takes_over_from_no_other(resources: Resources) -> None:
    db = resources.db
    lost, lost_zapi, evolution, _meta = await gravar(
        db,
        chip(status=S.BANNED),
        chip(status=S.BANNED, gateway=Gateway.ZAPI),
        chip(),
        chip(gateway=Gateway.META, conta="1"),
    )
    await pessoas(db, 2, conversa={"chip_id": lost.id, **VIVA})
    await pessoas(db, 2, conversa={"chip_id": lost_zapi.id, **VIVA})
    await run(resources)
    assert await onde(db) == [evolution.id] * 4
    await consulta(db, "UPDATE chip SET conectado = false WHERE id = %s", evolution.id)
    assert await run(resources) == {"conversas_movidas": 0, "envios_cancelados": 0, "sem_destino": 4}
    assert await onde(db) == [evolution.id] * 4


async def test_who_is_known_by_metas_own_id_alone_is_not_moved_off_meta(resources: Resources) -> None:
    db = resources.db
    lost, evolution = await gravar(db, chip(status=S.BANNED, gateway=Gateway.META, conta="1"), chip())
    com, sem = await pessoas(db, 2, conversa={"chip_id": lost.id, **VIVA})
    await consulta(db, "UPDATE medico SET telefone = NULL, lid = 'BR.123' WHERE id = %s", sem.medico_id)
    assert await run(resources) == {"conversas_movidas": 1, "envios_cancelados": 0, "sem_destino": 1}
    assert await onde(db) == [evolution.id, lost.id]
    assert com.conversa_id < sem.conversa_id


@pytest.mark.parametrize(
    "over",
    [
        {"status": S.READY, "trust_score": 84},
        {"status": S.DEGRADED},
        {"conectado": False, "conexao_em": AGORA - MINUTO},
        {"pode_responder": False},
        {"trust_score": 39},
    ],
)
async def test_a_chip_that_cannot_answer_takes_nothing_over(resources: Resources, over: dict[str, Any]) -> None:
    db = resources.db
    lost, _ = await gravar(db, chip(status=S.BANNED), chip(**over))
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": lost.id, **VIVA})
    await gravar(db, um_envio(pessoa.conversa))
    assert await run(resources) == {"conversas_movidas": 0, "envios_cancelados": 0, "sem_destino": 1}
    assert await consulta(db, "SELECT state FROM outbox") == [{"state": "pending"}]


async def test_a_claim_under_way_is_waited_for_and_what_goes_out_is_left_alone(resources: Resources) -> None:
    db = resources.db
    lost, _ = await gravar(db, chip(status=S.BANNED), chip())
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": lost.id, **VIVA})
    [row] = await gravar(db, um_envio(pessoa.conversa))
    async with db.connection() as driver, driver.transaction():
        await driver.execute("UPDATE outbox SET state = 'sending' WHERE id = %s", [row.id])
        running = asyncio.create_task(run(resources))
        await asyncio.sleep(0.2)
        assert not running.done()
    assert await running == {"conversas_movidas": 1, "envios_cancelados": 0}
    assert await consulta(db, "SELECT state, motivo FROM outbox") == [{"state": "sending", "motivo": None}]


async def test_a_dialogue_in_which_something_was_queued_meanwhile_stays_until_the_next_run(
    resources: Resources,
) -> None:
    db = resources.db
    lost, other = await gravar(db, chip(status=S.BANNED), chip())
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": lost.id, **VIVA})
    await gravar(db, um_envio(pessoa.conversa))
    await consulta(
        db,
        "CREATE FUNCTION enfileira() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, proativa)"
        " VALUES (OLD.conversation_id, OLD.medico_id, OLD.cause || ':de novo', 'oi', '', 'followup', true);"
        " RETURN NEW; END $$",
    )
    await consulta(db, "CREATE TRIGGER t AFTER UPDATE ON outbox FOR EACH ROW EXECUTE FUNCTION enfileira()")
    assert await run(resources) == {"conversas_movidas": 0, "envios_cancelados": 1, "com_fila_nova": 1}
    assert await onde(db) == [lost.id]
    await consulta(db, "DROP TRIGGER t ON outbox")
    assert await run(resources) == {"conversas_movidas": 1, "envios_cancelados": 1}
    assert await onde(db) == [other.id]

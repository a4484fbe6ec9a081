"""Effects of tools: once per cause, under the fence, whatever races."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from psycopg.errors import DivisionByZero
from psycopg.types.json import Jsonb
from sqlalchemy import text

from lib import ledger
from lib.db import Database, Step
from lib.queries.efeito import NOVO, Chave, args_hash, once
from tests.agent.tools.oficina import CERCA, linhas, um_turno

CORREDORES = 16


def aviso(conversation_id: int) -> Step:
    """An effect that nothing else would keep from happening twice."""
    sql = (
        "INSERT INTO aviso (chave, tipo, conversation_id, texto)"
        f" SELECT gen_random_uuid()::text, 'interesse', :conversation_id, 'x' WHERE {NOVO}"
    )
    return Step(text(sql), {"conversation_id": conversation_id}, writes=True)


async def uma_chave(db: Database) -> Chave:
    contexto = await um_turno(db)
    return Chave(contexto.conversation_id, CERCA, contexto.cause, "teste", args_hash({"a": 1}))


async def test_the_effect_and_its_result_cost_one_round_trip_and_one_commit(db: Database) -> None:
    chave = await uma_chave(db)
    with ledger.measure("efeito") as conta:
        assert await once(db, chave, {"n": 1}, aviso(chave.conversation_id)) == {"n": 1}
    assert (conta.round_trips, conta.commits) == (1, 1)


async def test_a_repeat_gives_the_first_result_and_does_nothing(db: Database) -> None:
    chave = await uma_chave(db)
    for n in range(3):
        assert await once(db, chave, {"n": n}, aviso(chave.conversation_id)) == {"n": 0}
    assert len(await linhas(db, "aviso")) == len(await linhas(db, "tool_effect")) == 1
    for other in ({"cause": "turno:0"}, {"tool": "outra"}, {"args_hash": args_hash({"a": 2})}):
        assert await once(db, replace(chave, **other), {"n": 9}, aviso(chave.conversation_id)) == {"n": 9}
    assert len(await linhas(db, "aviso")) == 4


async def test_a_fence_that_is_lost_writes_nothing_even_where_a_result_is_stored(db: Database) -> None:
    chave = await uma_chave(db)
    assert await once(db, replace(chave, fence=CERCA + 1), {}, aviso(chave.conversation_id)) is None
    assert await linhas(db, "tool_effect") == []
    await once(db, chave, {}, aviso(chave.conversation_id))
    assert await once(db, replace(chave, fence=CERCA - 1), {}, aviso(chave.conversation_id)) is None
    assert len(await linhas(db, "aviso")) == 1


async def test_racing_workers_of_one_cause_do_it_once(db: Database) -> None:
    chave = await uma_chave(db)
    racing = (once(db, chave, {"n": n}, aviso(chave.conversation_id)) for n in range(CORREDORES))
    results = await asyncio.gather(*racing)
    assert len({tuple((result or {}).items()) for result in results}) == 1
    assert len(await linhas(db, "aviso")) == 1


async def test_what_takes_the_conversation_over_either_sees_the_effect_or_prevents_it(db: Database) -> None:
    for _ in range(20):
        chave = await uma_chave(db)
        bump = Step(
            text(
                "UPDATE mailbox m SET fence = fence + 1 WHERE conversation_id = :id"
                " RETURNING (SELECT count(*) FROM tool_effect WHERE cause = :cause) AS seen"
            ),
            {"id": chave.conversation_id, "cause": chave.cause},
            writes=True,
        )
        result, _ = await asyncio.gather(once(db, chave, {"n": 1}, aviso(chave.conversation_id)), db.round_trip(bump))
        written = [row for row in await linhas(db, "aviso") if row["conversation_id"] == chave.conversation_id]
        assert len(written) == (0 if result is None else 1)


async def test_a_failing_effect_leaves_no_trace(db: Database) -> None:
    chave = await uma_chave(db)
    broken = Step(text("SELECT 1 / 0"))
    with pytest.raises(DivisionByZero):
        await once(db, chave, {}, aviso(chave.conversation_id), broken)
    assert await linhas(db, "tool_effect") == await linhas(db, "aviso") == []
    assert await once(db, chave, {"n": 1}, aviso(chave.conversation_id)) == {"n": 1}


async def test_nothing_that_was_committed_has_an_empty_result(db: Database) -> None:
    chave = await uma_chave(db)
    await once(db, chave, {}, Step(text("SELECT 1"), {"x": Jsonb({})}))
    assert [row["resultado"] for row in await linhas(db, "tool_effect")] == [{}]


def test_the_hash_of_arguments_does_not_depend_on_their_order() -> None:
    assert args_hash({"a": 1, "b": "ç"}) == args_hash({"b": "ç", "a": 1}) != args_hash({"a": 1})

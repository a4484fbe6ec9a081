"""Stored webhooks: once per sender's name for them, tried five times, then kept for a person."""

from __future__ import annotations

import asyncio

import pytest

from lib.db import Database
from lib.queries import webhook
from lib.queries.webhook import TENTATIVAS
from lib.usecases.webhook import guardar
from tests.queries.fabrica import consulta

pytestmark = pytest.mark.anyio


async def test_a_hundred_deliveries_at_once_are_one_row(db: Database) -> None:
    news = await asyncio.gather(*(guardar(db, "slack", "Ev1", b"{}", "event_callback") for _ in range(100)))
    assert sum(news) == 1
    assert await guardar(db, "chatwoot", "Ev1", b"{}")
    assert [row["n"] for row in await consulta(db, "SELECT count(*) AS n FROM webhook")] == [2]


async def test_two_workers_share_the_work_and_nothing_is_claimed_twice(db: Database) -> None:
    for n in range(20):
        await guardar(db, "slack", f"Ev{n}", b"{}")
    shares = await asyncio.gather(*(webhook.claim_due(db, 7, 60) for _ in range(4)))
    claimed = [row["id"] for rows, _ in shares for row in rows]
    assert len(claimed) == len(set(claimed)) == 20
    assert await webhook.claim_due(db, 7, 60) == ([], [])


async def test_what_fails_comes_again_five_times_and_is_then_dead_with_its_reason(db: Database) -> None:
    await guardar(db, "slack", "Ev1", b"{}")
    deaths = []
    for _ in range(TENTATIVAS):
        [row], _ = await webhook.claim_due(db, 1, 60)
        deaths.append(await webhook.failed(db, row, "ValueError", 0))
    assert deaths == [False] * (TENTATIVAS - 1) + [True]
    assert await webhook.claim_due(db, 1, 60) == ([], [])
    [dead] = await webhook.page_dead(db, 2**62, 10)
    assert (dead["motivo"], dead["tentativas"]) == ("ValueError", TENTATIVAS)
    assert await webhook.replay(db, [dead["id"]]) == [dead["id"]]
    assert await webhook.replay(db, [dead["id"]]) == []
    [row], _ = await webhook.claim_due(db, 1, 60)
    await webhook.done(db, row)
    assert [r["estado"] for r in await consulta(db, "SELECT estado FROM webhook")] == ["feito"]


async def test_one_that_kills_its_worker_each_time_is_dead_too(db: Database) -> None:
    await guardar(db, "slack", "Ev1", b"{}")
    for _ in range(TENTATIVAS):
        [_row], dead = await webhook.claim_due(db, 1, 0)
        assert dead == []
        await asyncio.sleep(0.01)
    rows, dead = await webhook.claim_due(db, 1, 0)
    assert rows == []
    assert len(dead) == 1


async def test_a_lease_that_was_lost_marks_nothing(db: Database) -> None:
    await guardar(db, "slack", "Ev1", b"{}")
    [late], _ = await webhook.claim_due(db, 1, 0)
    await asyncio.sleep(0.01)
    [held], _ = await webhook.claim_due(db, 1, 60)
    await webhook.done(db, late)
    assert not await webhook.failed(db, late, "atrasado", 0)
    assert [r["estado"] for r in await consulta(db, "SELECT estado FROM webhook")] == ["pendente"]
    await webhook.done(db, held)
    assert [r["estado"] for r in await consulta(db, "SELECT estado FROM webhook")] == ["feito"]

"""Trips to Postgres as the server sees them: one write, prepared once, one transaction."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text

from lib.db import Database, Step, numbered
from lib.errors import DatabaseUnavailableError
from lib.pipeline import PREPARE_AT, PREPARED_MAX

ECHO = text("-- eco\nSELECT CAST(:a AS text) AS a, CAST(:b AS int) AS b, CAST(:a AS text) AS de_novo, '100%' AS cheio")
PREPARED = text("SELECT count(*) AS n FROM pg_prepared_statements")
LARGE = text("SELECT repeat('x', 1000) AS x FROM generate_series(1, 5000) WHERE length(:w) > 0")
SLEEP = text("SELECT pg_sleep(30)")
ASLEEP = text("SELECT count(*) AS n FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'")
KILL = text(
    """SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()"""
)


def test_a_statement_is_numbered_by_name_and_titled_by_its_first_line() -> None:
    done = numbered(ECHO)
    assert done.names == ("a", "b")
    assert b"$1" in done.query
    assert b"'100%'" in done.query
    assert done.title == "-- eco"


async def test_values_of_every_kind_come_back_as_they_went(db: Database) -> None:
    values = ["ação", 7, 1.5, True, None, uuid4(), datetime(2026, 3, 10, 13, 0, tzinfo=UTC), b"\x00\xff", ["a", None]]
    kinds = ["text", "int", "float8", "bool", "text", "uuid", "timestamptz", "bytea", "text[]"]
    steps = [Step(text(f"SELECT CAST(:v AS {kind}) AS v"), {"v": v}) for kind, v in zip(kinds, values, strict=True)]
    for _ in range(PREPARE_AT + 2):
        assert [row["v"] for [row] in await db.round_trip(*steps)] == values


async def test_a_repeated_statement_is_prepared_once_on_its_connection(db: Database) -> None:
    for n in range(PREPARE_AT * 3):
        [[row]] = await db.round_trip(Step(ECHO, {"a": "x", "b": n}))
        assert row == {"a": "x", "b": n, "de_novo": "x", "cheio": "100%"}
    [[counted]] = await db.round_trip(Step(PREPARED))
    assert counted["n"] == 1


async def test_no_more_is_prepared_than_a_connection_may_hold(db: Database) -> None:
    for n in range(PREPARED_MAX + 10):
        await db.round_trip(*[Step(text(f"SELECT {n} AS n"))] * PREPARE_AT)
    [[counted]] = await db.round_trip(Step(PREPARED))
    assert counted["n"] == PREPARED_MAX


async def test_an_answer_larger_than_any_buffer_comes_whole(db: Database) -> None:
    [found] = await db.round_trip(Step(LARGE, {"w": "y" * 2_000_000}))
    assert len(found) == 5000


async def test_the_first_error_is_told_and_everything_undone(db: Database) -> None:
    create, insert = text("CREATE TABLE coisa (id int PRIMARY KEY)"), text("INSERT INTO coisa VALUES (:id)")
    await db.round_trip(Step(create, writes=True))
    with pytest.raises(psycopg.errors.UniqueViolation):
        await db.round_trip(Step(insert, {"id": 1}), Step(insert, {"id": 1}), Step(text("SELECT 1 / 0")))
    assert await db.round_trip(Step(text("SELECT id FROM coisa"))) == [[]]


async def test_a_missing_parameter_is_a_bug_and_costs_no_connection_slot(db: Database) -> None:
    for _ in range(20):  # more than there are connections
        with pytest.raises(KeyError):
            await db.round_trip(Step(ECHO, {"a": "x"}))
    assert (await db.round_trip(Step(ECHO, {"a": "x", "b": 1})))[0][0]["b"] == 1


async def test_a_connection_that_the_server_ends_is_unavailable_once_and_then_replaced(pg_url: str) -> None:
    db, other = Database.open(pg_url, size=1, name="um"), Database.open(pg_url, size=1, name="outro")
    await db.round_trip(Step(text("SELECT 1")))
    await other.round_trip(Step(KILL))
    with pytest.raises(DatabaseUnavailableError):
        await db.round_trip(Step(text("SELECT 1")))
    assert await db.round_trip(Step(text("SELECT 1 AS n"))) == [[{"n": 1}]]
    await db.close()
    await other.close()


async def _until(db: Database, sleeping: int) -> None:
    async with asyncio.timeout(5):
        while (await db.round_trip(Step(ASLEEP)))[0][0]["n"] != sleeping:  # noqa: ASYNC110 - the server does not ring
            await asyncio.sleep(0.01)


async def test_a_cancelled_trip_is_cancelled_in_the_server_too(pg_url: str) -> None:
    db = Database.open(pg_url, size=2, name="um")
    asleep = asyncio.create_task(db.round_trip(Step(SLEEP)))
    await _until(db, 1)
    asleep.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asleep
    await _until(db, 0)
    await db.close()


async def test_nobody_waits_longer_for_a_connection_than_was_said(pg_url: str) -> None:
    db = Database.open(pg_url, size=1, name="um", wait_s=0.05)
    async with db.connection():
        with pytest.raises(DatabaseUnavailableError):
            await db.round_trip(Step(text("SELECT 1")))
    assert db.idle == 1
    async with db.session() as session:
        assert (await session.execute(text("SELECT 1"))).scalar_one() == 1
        assert db.idle == 0
    assert db.idle == 1
    await db.close()
    assert db.idle == 0

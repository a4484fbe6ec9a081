"""The ledger's round trips are what the server answers, counted on the wire: one ReadyForQuery is one wait."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import text

from lib import ledger
from lib.db import Database, Step

pytestmark = pytest.mark.anyio

CREATE = text("CREATE TABLE coisa (id bigint PRIMARY KEY, nome text)")
INSERT = text("INSERT INTO coisa VALUES (:id, :nome)")
SELECT = text("SELECT id, nome FROM coisa WHERE id = :id")


class Wire:
    """A TCP proxy in front of Postgres that reads the server's messages: their type is one byte, then their length."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._tasks: set[asyncio.Task[None]] = set()
        self.ready = 0
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        up_reader, up_writer = await asyncio.open_connection(*self._target)
        away = asyncio.create_task(self._pass(reader, up_writer))
        self._tasks.add(away)
        try:
            while True:
                head = await up_reader.readexactly(5)
                body = await up_reader.readexactly(struct.unpack("!i", head[1:])[0] - 4)
                self.ready += head[:1] == b"Z"
                writer.write(head + body)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the end of a test, or of a connection
        finally:
            away.cancel()
            writer.close()
            up_writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
            writer.close()

    @property
    def waits(self) -> int:
        """Waits since the start, without the one that ends each connection's greeting."""
        return self.ready - self.connections


@pytest.fixture
async def wire(pg_url: str) -> AsyncIterator[tuple[Wire, Database]]:
    parts = urlsplit(pg_url)
    proxy = Wire(parts.hostname or "", parts.port or 0)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    through = pg_url.replace(f":{parts.port}/", f":{port}/") + "?sslmode=disable&gssencmode=disable"
    database = Database.open(through, size=2, name="fio")
    yield proxy, database
    await database.close()
    server.close()


async def warm_session(db: Database) -> None:
    """Make the table in a session: the first one asks the server for its version, and more."""
    async with db.session() as session:
        await session.execute(CREATE)


async def test_a_cold_round_trip_counts_what_the_wire_saw(wire: tuple[Wire, Database]) -> None:
    proxy, db = wire
    with ledger.measure("cold") as cost:
        await db.round_trip(Step(CREATE, writes=True))
    assert cost.tcp_connections == proxy.connections == 1
    assert cost.round_trips == proxy.waits


async def test_a_warm_round_trip_is_one_wait_whatever_the_number_of_steps(wire: tuple[Wire, Database]) -> None:
    proxy, db = wire
    await db.round_trip(Step(CREATE, writes=True))
    before = proxy.waits
    steps = [Step(INSERT, {"id": n, "nome": "x"}, writes=True) for n in range(20)]
    with ledger.measure("warm") as cost:
        *_, rows = await db.round_trip(*steps, Step(SELECT, {"id": 7}))
    assert rows == [{"id": 7, "nome": "x"}]
    assert proxy.waits - before == cost.round_trips == 1
    assert (cost.statements, cost.commits, cost.tcp_connections) == (21, 1, 0)


async def test_repeating_a_statement_until_it_is_prepared_stays_one_wait_each(wire: tuple[Wire, Database]) -> None:
    proxy, db = wire
    await db.round_trip(Step(CREATE, writes=True))
    before = proxy.waits
    with ledger.measure("repeated") as cost:
        for n in range(12):
            await db.round_trip(Step(SELECT, {"id": n}))
    assert proxy.waits - before == cost.round_trips == 12


async def test_a_session_counts_begin_statements_and_commit(wire: tuple[Wire, Database]) -> None:
    proxy, db = wire
    await warm_session(db)
    before = proxy.waits
    with ledger.measure("session") as cost:
        async with db.session() as session:
            for n in range(8):
                await session.execute(INSERT, {"id": n, "nome": "x"})
            await session.execute(SELECT, {"id": 1})
    assert proxy.waits - before == cost.round_trips == 11
    assert cost.commits == 1


async def test_many_rows_in_one_execute_count_as_the_wire_does(wire: tuple[Wire, Database]) -> None:
    proxy, db = wire
    await warm_session(db)
    before = proxy.waits
    with ledger.measure("many") as cost:
        async with db.session() as session:
            await session.execute(INSERT, [{"id": n, "nome": "x"} for n in range(50)])
    assert proxy.waits - before == cost.round_trips


async def test_a_session_that_fails_counts_its_roll_back(wire: tuple[Wire, Database]) -> None:
    proxy, db = wire
    await warm_session(db)
    before = proxy.waits

    async def fail_after_writing() -> None:
        async with db.session() as session:
            await session.execute(INSERT, {"id": 1, "nome": "x"})
            raise LookupError

    with ledger.measure("failing") as cost, pytest.raises(LookupError):
        await fail_after_writing()
    assert proxy.waits - before == cost.round_trips == 3
    assert cost.commits == 0
    [rows] = await db.round_trip(Step(SELECT, {"id": 1}))
    assert rows == []


async def test_a_round_trip_that_fails_is_undone_and_counted(wire: tuple[Wire, Database]) -> None:
    proxy, db = wire
    await db.round_trip(Step(CREATE, writes=True))
    before = proxy.waits
    twice = [Step(INSERT, {"id": 1, "nome": "x"}, writes=True)] * 2
    with ledger.measure("failing") as cost, pytest.raises(psycopg.errors.UniqueViolation):
        await db.round_trip(*twice)
    assert proxy.waits - before == cost.round_trips == 1
    assert cost.commits == 0
    [rows] = await db.round_trip(Step(SELECT, {"id": 1}))
    assert rows == []


async def test_what_is_measured_inside_counts_for_what_is_around_and_for_tasks(wire: tuple[Wire, Database]) -> None:
    _, db = wire
    with ledger.measure("outer") as outer, ledger.measure("inner") as inner:
        await asyncio.gather(*(db.round_trip(Step(text("SELECT 1"))) for _ in range(4)))
    assert outer.counts() == inner.counts()
    assert outer.round_trips >= 4

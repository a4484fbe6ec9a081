"""Several statements in one wait for PostgreSQL, on psycopg's own libpq, with as little Python as that takes.

psycopg's pipeline writes and polls once for each statement, and parses the long ones anew each time: 0.5 ms of CPU for
one `SELECT 1`. Here all statements of a trip leave in one write, each is prepared once per connection, and the answers
are read when they are all there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection, abc, errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

Row = dict[str, Any]
PREPARE_AT: Final = 3  # uses of a statement on one connection
PREPARED_MAX: Final = 200
CANCEL_S: Final = 1.0
ROWS: Final = frozenset({ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK})
Plan = tuple[bytes, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL as the server wants it, `$1` for the first of `names`; `title` is its first line."""

    query: bytes
    names: tuple[str, ...]
    title: str


@dataclass(slots=True)
class Plans:
    """What one connection has prepared: by statement and types of its parameters, as the server tells them apart."""

    uses: dict[Plan, int] = field(default_factory=dict)
    names: dict[Plan, bytes] = field(default_factory=dict)

    def name(self, plan: Plan) -> tuple[bytes | None, bool]:
        """Return the name under which to run it, None to send it whole, and whether it must be prepared first."""
        known = self.names.get(plan)
        if known is not None:
            return known, False
        if len(self.names) >= PREPARED_MAX:
            return None, False
        if len(self.uses) > PREPARED_MAX * 8:  # statements that are never seen again
            self.uses.clear()
        self.uses[plan] = self.uses.get(plan, 0) + 1
        if self.uses[plan] < PREPARE_AT:
            return None, False
        del self.uses[plan]
        name = self.names[plan] = b"agente_%d" % len(self.names)
        return name, True


async def run(
    connection: AsyncConnection[Any], plans: Plans, steps: Sequence[tuple[Statement, Mapping[str, Any]]]
) -> list[list[Row]]:
    """Run the steps as one transaction with one sync and return each one's rows; the first error undoes them all.

    The connection must be idle, in autocommit, and nobody else's; after any exception it must be closed.

    Raises:
        psycopg.Error: the first failing step's own error, or OperationalError when the connection broke.
        KeyError: a parameter is missing.
    """
    pgconn = connection.pgconn
    transformer = Transformer(connection)
    pgconn.enter_pipeline_mode()
    wanted = [_send(pgconn, transformer, plans, statement, params) for statement, params in steps]
    pgconn.pipeline_sync()
    try:
        results = await _answers(pgconn)
    except asyncio.CancelledError:
        with suppress(psycopg.Error):  # nobody waits for it any more: it shall not hold its locks
            await connection.cancel_safe(timeout=CANCEL_S)
        raise
    pgconn.exit_pipeline_mode()
    position, found = -1, []
    for statements in wanted:
        position += statements
        found.append(_rows(transformer, results[position]))
    return found


def _send(
    pgconn: PGconn, transformer: abc.Transformer, plans: Plans, statement: Statement, params: Mapping[str, Any]
) -> int:
    """Put one statement into the output buffer; return how many answers it will have."""
    names = statement.names
    values = transformer.dump_sequence([params[name] for name in names], [PyFormat.AUTO] * len(names))
    types = transformer.types or ()
    name, fresh = plans.name((statement.query, types))
    if name is None:
        pgconn.send_query_params(statement.query, values, types, transformer.formats)
        return 1
    if fresh:
        pgconn.send_prepare(name, statement.query, types)
    pgconn.send_query_prepared(name, values, transformer.formats)
    return 1 + fresh


async def _answers(pgconn: PGconn) -> list[PGresult]:
    """Read until the sync has been answered; then raise the first error there was."""
    found: list[PGresult] = []
    failed: PGresult | None = None
    while True:
        await _ready(pgconn.socket, write=pgconn.flush() != 0)
        pgconn.consume_input()
        while not pgconn.is_busy():
            result = pgconn.get_result()
            if result is None:
                if pgconn.status == ConnStatus.BAD:
                    raise errors.error_from_result(failed) if failed else psycopg.OperationalError("connection lost")
                continue
            if result.status == ExecStatus.PIPELINE_SYNC:
                if failed is not None:
                    raise errors.error_from_result(failed)
                return found
            if result.status not in ROWS and failed is None:
                failed = result
            found.append(result)


async def _ready(socket: int, *, write: bool) -> None:
    """Wait until there is something to read or, if asked, room to write."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(socket, wake)
    if write:
        loop.add_writer(socket, wake)
    try:
        await ready
    finally:
        loop.remove_reader(socket)
        if write:
            loop.remove_writer(socket)


def _rows(transformer: abc.Transformer, result: PGresult) -> list[Row]:
    if not result.nfields:
        return []
    transformer.set_pgresult(result)
    names = [(result.fname(n) or b"").decode() for n in range(result.nfields)]
    loaded = transformer.load_rows(0, result.ntuples, lambda values: dict(zip(names, values, strict=True)))
    return list(loaded)

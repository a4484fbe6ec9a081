"""PostgreSQL through async SQLAlchemy on psycopg 3.

Two ways in, one pool: `Database.session()` for work that is not latency-bound, and `Database.round_trip(...)`, which
sends several statements in one psycopg pipeline with a single sync: one wait, one implicit transaction, and a fresh
snapshot for each statement. Nobody calls commit: both commit on a clean exit and roll back on an exception. Every
statement and wait is counted at the driver.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self, cast

import orjson
import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from lib import ledger
from lib.errors import DatabaseUnavailableError

Row = dict[str, Any]


class CountingCursor(AsyncCursor[Any]):
    """A cursor that tells the ledger of each statement, and of each wait when no pipeline is open."""

    async def execute(
        self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> Self:
        """Run as usual. Outside a pipeline nothing is prepared on the side: that would be a wait nobody counts."""
        if self._counted(query):
            prepare = False
        return await super().execute(query, params, prepare=prepare, binary=binary)

    async def executemany(self, query: Any, params_seq: Any, *, returning: bool = False) -> None:
        """Run as usual: psycopg sends all rows in a pipeline of its own, one statement and one wait."""
        self._counted(query)
        await super().executemany(query, params_seq, returning=returning)

    def _counted(self, query: Any) -> bool:
        """Count one statement; tell whether it is a wait of its own, with the BEGIN before it where one is due."""
        ledger.count_statement(query if isinstance(query, str) else repr(query))
        if self.connection.pgconn.pipeline_status != psycopg.pq.PipelineStatus.OFF:
            return False
        idle = self.connection.pgconn.transaction_status == TransactionStatus.IDLE
        ledger.count("round_trips", 2 if idle and not self.connection.autocommit else 1)
        return True


class CountingConnection(AsyncConnection[Any]):
    """A connection that tells the ledger of its commits and roll-backs."""

    async def commit(self) -> None:
        """Commit; a wait only when a transaction is open."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            ledger.count("round_trips")
            ledger.count("commits")
        await super().commit()

    async def rollback(self) -> None:
        """Roll back; a wait only when a transaction is open."""
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            ledger.count("round_trips")
        await super().rollback()


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of a round trip. `writes` says that it can change rows, so that the sync counts as a commit."""

    sql: TextClause
    params: Mapping[str, Any] = field(default_factory=dict)
    writes: bool = False


@cache
def compiled(sql: TextClause) -> str:
    """Return the statement as psycopg wants it: `:name` becomes `%(name)s`."""
    return str(sql.compile(dialect=PGDialect_psycopg()))  # type: ignore[no-untyped-call]


class Database:
    """One pool of connections to one PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    @classmethod
    def open(
        cls, url: str, *, size: int, name: str, statement_timeout_ms: int = 5_000, wait_s: float = 5.0
    ) -> Database:
        """Make the pool; connections are opened when first needed and never more than `size`.

        `url` is a libpq address (`postgresql://…`). `name` shows in `pg_stat_activity`.
        """
        options = (
            f"-c statement_timeout={statement_timeout_ms} -c lock_timeout=2s -c idle_in_transaction_session_timeout=30s"
        )

        async def connect() -> CountingConnection:
            ledger.count("tcp_connections")
            return await CountingConnection.connect(
                url, cursor_factory=CountingCursor, application_name=name, options=options, connect_timeout=3
            )

        set_json_loads(orjson.loads)
        set_json_dumps(orjson.dumps)
        engine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=connect,
            pool_size=size,
            max_overflow=0,
            pool_timeout=wait_s,
            use_native_hstore=False,  # looking for that type costs a new process three waits
            hide_parameters=True,  # an error's text must not carry what a doctor wrote
        )
        return cls(engine)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Open a session and its transaction; commit on a clean exit."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[CountingConnection]:
        """Lend one driver connection in autocommit mode.

        Raises:
            DatabaseUnavailableError: no connection was free or could be opened in time.
        """
        lent = self.engine.connect()
        try:
            await lent.start()
        except (PoolTimeoutError, OperationalError, psycopg.OperationalError, OSError) as cause:
            raise DatabaseUnavailableError("no database connection") from cause
        try:
            driver = cast("CountingConnection", (await lent.get_raw_connection()).driver_connection)
            await driver.set_autocommit(True)
            yield driver
            await driver.set_autocommit(False)
        except BaseException as cause:
            # A connection of unknown state never goes back to the pool.
            await lent.invalidate()
            if isinstance(cause, psycopg.OperationalError):
                raise DatabaseUnavailableError("the database connection broke") from cause
            raise
        finally:
            await lent.close()

    async def round_trip(self, *steps: Step) -> list[list[Row]]:
        """Run the steps in one pipeline with one sync and return each step's rows.

        All steps are one transaction; under READ COMMITTED each sees what was committed before *it* began, so that a
        step which locks lets the next one look. The first failing step undoes all and raises its error.

        Raises:
            DatabaseUnavailableError: nothing is known of the outcome when the connection broke on the way.
        """
        async with self.connection() as driver:
            cursors: list[AsyncCursor[Any]] = []
            ledger.count("round_trips")  # before: a step that fails has cost its wait too
            async with driver.pipeline():
                for step in steps:
                    cursor = driver.cursor(row_factory=dict_row)
                    await cursor.execute(compiled(step.sql), step.params)
                    cursors.append(cursor)
            if any(step.writes for step in steps):
                ledger.count("commits")
            return [await rows(cursor) for cursor in cursors]


async def rows(cursor: AsyncCursor[Any]) -> list[Row]:
    """Return what the cursor holds, or nothing for a statement without rows."""
    return await cursor.fetchall() if cursor.description else []


def grouped(rows: Sequence[Row], key: str) -> dict[Any, list[Row]]:
    """Group rows by a column, keeping their order."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups

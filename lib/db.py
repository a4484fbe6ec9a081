"""PostgreSQL through async SQLAlchemy on psycopg 3.

Two ways in, one pool: `Database.session()` for work that is not latency-bound, and `Database.round_trip(...)`, which
sends several statements in one psycopg pipeline with a single sync: one wait, one implicit transaction, and a fresh
snapshot for each statement. Nobody calls commit: both commit on a clean exit and roll back on an exception. Every
statement and wait is counted at the driver.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self

import orjson
import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.pq import TransactionStatus
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from lib import ledger
from lib.errors import DatabaseUnavailableError
from lib.pipeline import Plans, Statement, run

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
    """A connection that tells the ledger of its commits and roll-backs, and knows what it has prepared."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plans = Plans()
        self.on_close: Callable[[], Awaitable[None]] | None = None

    async def close(self) -> None:
        """Close, or go back to the pool while lent to a session."""
        back, self.on_close = self.on_close, None
        await (back or super().close)()

    async def hang_up(self) -> None:
        """Close for good."""
        await super().close()

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
    """Return the statement as psycopg's cursors want it: `:name` becomes `%(name)s`."""
    return str(sql.compile(dialect=PGDialect_psycopg()))  # type: ignore[no-untyped-call]


@cache
def numbered(sql: TextClause) -> Statement:
    """Return the statement as the server wants it: `:name` becomes `$1`; its first line is its title."""
    done = sql.compile(dialect=PGDialect_psycopg(paramstyle="numeric_dollar"))  # type: ignore[no-untyped-call]
    query = str(done)
    return Statement(query.encode(), tuple(done.positiontup or ()), query.lstrip().split("\n", 1)[0][:80])


class Database:
    """One pool of connections to one PostgreSQL, at most `size`, opened when first needed.

    The pool is our own: SQLAlchemy's costs a greenlet and four waits each time that a connection is lent.
    """

    def __init__(self, connect: Callable[[], Awaitable[CountingConnection]], *, size: int, wait_s: float) -> None:
        self._connect = connect
        self._wait_s = wait_s
        self._permits = asyncio.Semaphore(size)
        self._idle: list[CountingConnection] = []
        self._closed = False
        self.engine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=self._lend_to_session,
            poolclass=NullPool,
            use_native_hstore=False,  # looking for that type costs a new process three waits
            hide_parameters=True,  # an error's text must not carry what a doctor wrote
        )

    @classmethod
    def open(
        cls, url: str, *, size: int, name: str, statement_timeout_ms: int = 5_000, wait_s: float = 5.0
    ) -> Database:
        """Make the pool; a connection is waited for `wait_s` at most.

        `url` is a libpq address (`postgresql://…`). `name` shows in `pg_stat_activity`.
        """
        options = (
            f"-c statement_timeout={statement_timeout_ms} -c lock_timeout=2s -c idle_in_transaction_session_timeout=30s"
        )

        async def connect() -> CountingConnection:
            ledger.count("tcp_connections")
            return await CountingConnection.connect(
                url,
                autocommit=True,
                cursor_factory=CountingCursor,
                application_name=name,
                options=options,
                connect_timeout=3,
            )

        set_json_loads(orjson.loads)
        set_json_dumps(orjson.dumps)
        return cls(connect, size=size, wait_s=wait_s)

    @property
    def idle(self) -> int:
        """How many open connections nobody uses now."""
        return len(self._idle)

    async def close(self) -> None:
        """Close every connection; those that are lent are closed when they come back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().hang_up()
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
            DatabaseUnavailableError: no connection was free or could be opened in time, or it broke on the way.
        """
        driver = await self._lend()
        try:
            yield driver
        except BaseException as cause:
            # A connection of unknown state never goes back to the pool.
            await self._take_back(driver, sound=False)
            if isinstance(cause, psycopg.OperationalError):
                raise DatabaseUnavailableError("the database connection broke") from cause
            raise
        await self._take_back(driver)

    async def round_trip(self, *steps: Step) -> list[list[Row]]:
        """Run the steps in one pipeline with one sync and return each step's rows.

        All steps are one transaction; under READ COMMITTED each sees what was committed before *it* began, so that a
        step which locks lets the next one look. The first failing step undoes all and raises its error.

        Raises:
            DatabaseUnavailableError: nothing is known of the outcome when the connection broke on the way.
        """
        statements = [(numbered(step.sql), step.params) for step in steps]
        driver = await self._lend()
        ledger.count("round_trips")  # before: a step that fails has cost its wait too
        for statement, _ in statements:
            ledger.count_statement(statement.title)
        try:
            found = await run(driver, driver.plans, statements)
        except BaseException as cause:
            await self._take_back(driver, sound=False)
            if isinstance(cause, psycopg.OperationalError):
                raise DatabaseUnavailableError("the database connection broke") from cause
            raise
        await self._take_back(driver)
        if any(step.writes for step in steps):
            ledger.count("commits")
        return found

    async def _lend(self) -> CountingConnection:
        if self._permits.locked():
            try:
                async with asyncio.timeout(self._wait_s):
                    await self._permits.acquire()
            except TimeoutError as cause:
                raise DatabaseUnavailableError("no database connection was free in time") from cause
        else:
            await self._permits.acquire()
        if self._idle:
            return self._idle.pop()
        try:
            return await self._connect()
        except BaseException as cause:
            self._permits.release()
            if isinstance(cause, psycopg.OperationalError | OSError):
                raise DatabaseUnavailableError("no database connection") from cause
            raise

    async def _take_back(self, driver: CountingConnection, *, sound: bool = True) -> None:
        """Keep a connection that is open and in no transaction, close any other."""
        try:
            if sound and not self._closed and driver.pgconn.transaction_status == TransactionStatus.IDLE:
                self._idle.append(driver)
            else:
                await driver.hang_up()
        finally:
            self._permits.release()

    async def _lend_to_session(self) -> CountingConnection:
        """Lend a connection to SQLAlchemy, which begins a transaction with its first statement, until it closes it."""
        driver = await self._lend()
        await driver.set_autocommit(False)

        async def back() -> None:
            idle = driver.pgconn.transaction_status == TransactionStatus.IDLE
            if idle:
                await driver.set_autocommit(True)
            await self._take_back(driver, sound=idle)

        driver.on_close = back
        return driver


def grouped(rows: Sequence[Row], key: str) -> dict[Any, list[Row]]:
    """Group rows by a column, keeping their order."""
    groups: dict[Any, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups

"""What one operation costs: round trips, statements, commits, Redis, HTTP, new connections, LLM calls and tokens.

The database counts at the driver (lib.db), HTTP at the transport (lib.http). An operation is opened by `measure`;
whatever runs inside it, in any task it starts, is counted on it and on the operations around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter


@dataclass(slots=True)
class Ledger:
    """The running cost of one operation. Round trips are waits for Postgres; a pipeline with one sync is one."""

    operation: str
    round_trips: int = 0
    statements: int = 0
    commits: int = 0
    redis_commands: int = 0
    http_requests: int = 0
    tcp_connections: int = 0
    llm_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    names: list[str] = field(default_factory=list)
    parent: Ledger | None = None
    started: float = field(default_factory=perf_counter)

    def add(self, counter: str, amount: int = 1) -> None:
        """Count on this operation and on those around it."""
        node: Ledger | None = self
        while node is not None:
            setattr(node, counter, getattr(node, counter) + amount)
            node = node.parent

    def statement(self, sql: str) -> None:
        """Count one statement and keep its first line, which names it."""
        self.add("statements")
        name = sql.lstrip().split("\n", 1)[0][:80]
        node: Ledger | None = self
        while node is not None:
            node.names.append(name)
            node = node.parent

    def counts(self) -> dict[str, int]:
        """Return the counters alone, by name."""
        return {name: getattr(self, name) for name in COUNTERS}


COUNTERS = (
    "round_trips",
    "statements",
    "commits",
    "redis_commands",
    "http_requests",
    "tcp_connections",
    "llm_calls",
    "tokens_in",
    "tokens_out",
)

_current: ContextVar[Ledger | None] = ContextVar("ledger", default=None)


def current() -> Ledger | None:
    """Return the innermost open operation."""
    return _current.get()


def count(counter: str, amount: int = 1) -> None:
    """Count on the open operation, if there is one."""
    ledger = _current.get()
    if ledger is not None:
        ledger.add(counter, amount)


def count_statement(sql: str) -> None:
    """Count a statement on the open operation, if there is one."""
    ledger = _current.get()
    if ledger is not None:
        ledger.statement(sql)


@contextmanager
def measure(operation: str) -> Iterator[Ledger]:
    """Open an operation; what is counted inside also counts for the operation around it."""
    ledger = Ledger(operation=operation, parent=_current.get())
    token = _current.set(ledger)
    try:
        yield ledger
    finally:
        _current.reset(token)

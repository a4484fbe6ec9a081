"""The only retry condition of the project's tasks."""

from __future__ import annotations

from typing import Any

import psycopg
from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from flows.outcome import Outcome
from lib.errors import DatabaseUnavailableError, ModelUnavailableError

PASSING = (ConnectionError, TimeoutError, PoolTimeoutError, DatabaseUnavailableError, ModelUnavailableError)
# SQLSTATE classes: connection, roll-back (serialization, deadlock), resources, operator (time-out), and lock time-out.
PASSING_SQLSTATES = ("08", "40", "53", "57", "55P03")


class IncompleteChunkError(Exception):
    """A chunk did part of its work and met passing trouble: worth another go.

    `outcome` stands when it was the last one. `cause` is the class of the trouble.
    """

    def __init__(self, outcome: Outcome, cause: str) -> None:
        super().__init__(f"chunk incomplete: {cause}")
        self.outcome = outcome
        self.cause = cause


def is_transient(error: BaseException) -> bool:
    """Say whether the same call may succeed later: connection, time-out, 429, 5xx, serialization or deadlock."""
    if isinstance(error, IncompleteChunkError):
        return True
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    if isinstance(error, psycopg.Error):
        # No SQLSTATE came when the connection itself broke.
        lost = error.sqlstate is None and isinstance(error, psycopg.OperationalError)
        return lost or (error.sqlstate or "").startswith(PASSING_SQLSTATES)
    return isinstance(error, PASSING)


def transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry only what time mends; never a bug."""
    return isinstance(state.data, BaseException) and is_transient(state.data)

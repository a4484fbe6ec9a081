from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as pg
from sqlalchemy.exc import IntegrityError, OperationalError

from flows.outcome import Outcome
from flows.retry import IncompleteChunkError, is_transient
from lib.errors import DatabaseUnavailableError, ModelRefusedError, ModelUnavailableError


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        DatabaseUnavailableError("x"),
        ModelUnavailableError("529"),
        pg.SerializationFailure(),
        pg.DeadlockDetected(),
        pg.LockNotAvailable(),
        pg.QueryCanceled(),
        pg.AdminShutdown(),
        pg.TooManyConnections(),
        psycopg.OperationalError("the connection is lost"),
        OperationalError("SELECT 1", {}, pg.DeadlockDetected()),
        IncompleteChunkError(Outcome(), "x"),
    ],
)
def test_what_time_mends_is_tried_again(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        KeyError("x"),
        AssertionError(),
        ModelRefusedError("billing"),
        pg.UniqueViolation(),
        pg.CheckViolation(),
        pg.UndefinedColumn(),
        psycopg.ProgrammingError(),
        IntegrityError("INSERT", {}, pg.UniqueViolation()),
    ],
)
def test_a_bug_is_not(error: Exception) -> None:
    assert not is_transient(error)

"""The runs of flows: one at a time by an advisory lock, each with its row."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import text

from lib.db import CountingConnection, Database, Row, Step, compiled

# Any other user of two-key advisory locks takes another first key.
LOCK_SPACE = 59_001

_TRY_LOCK = text("""-- fluxo.try_lock
SELECT pg_try_advisory_lock(:espaco, hashtext(:fluxo)),
  coalesce((SELECT valor = 'true' OR valor ->> 'ativo' = 'true' FROM flag WHERE chave = 'pausa'), false)
""")

_UNLOCK = text("""-- fluxo.unlock
SELECT pg_advisory_unlock(:espaco, hashtext(:fluxo))
""")

_RECORD = text("""-- fluxo.record
INSERT INTO execucao_fluxo (fluxo, modo, estado, motivo, outcome, run_id, as_of, iniciado_em, terminado_em)
VALUES (:fluxo, :modo, :estado, :motivo, :outcome, :run_id, :as_of, :iniciado_em, :terminado_em)
""")

_HISTORY = text("""-- fluxo.history
SELECT fluxo, modo, estado, motivo, outcome, run_id, as_of, iniciado_em, terminado_em FROM execucao_fluxo
WHERE fluxo = :fluxo ORDER BY iniciado_em DESC, id DESC LIMIT :limite
""")


@dataclass(frozen=True, slots=True)
class Vez:
    """Whether this run may go on: the lock is ours, and nobody paused the operation (decision D20)."""

    obtida: bool
    pausado: bool


@dataclass(frozen=True, slots=True)
class Execucao:
    """One run, as kept. `outcome` holds counts alone, no personal data."""

    fluxo: str
    modo: str
    estado: str
    motivo: str | None
    outcome: Mapping[str, Any]
    run_id: UUID | None
    as_of: datetime
    iniciado_em: datetime
    terminado_em: datetime


@asynccontextmanager
async def lock(db: Database, fluxo: str) -> AsyncIterator[Vez]:
    """Hold the flow's lock on a connection of its own; a lost connection gives it up by itself.

    Raises:
        DatabaseUnavailableError: no connection.
    """
    params = {"espaco": LOCK_SPACE, "fluxo": fluxo}
    async with db.connection() as driver:
        obtida, pausado = await _one(driver, _TRY_LOCK, params)
        yield Vez(obtida=obtida, pausado=pausado)
        if obtida:
            await _one(driver, _UNLOCK, params)


async def _one(driver: CountingConnection, sql: Any, params: Mapping[str, Any]) -> tuple[Any, ...]:
    row = await (await driver.execute(compiled(sql), params)).fetchone()
    if row is None:
        raise LookupError("a SELECT without FROM gives one row")
    return tuple(row)


async def record(db: Database, execucao: Execucao) -> None:
    """Keep what a run did."""
    params = {name: getattr(execucao, name) for name in Execucao.__slots__}
    params["outcome"] = Jsonb(dict(execucao.outcome))
    await db.round_trip(Step(_RECORD, params, writes=True))


async def history(db: Database, fluxo: str, limite: int) -> list[Row]:
    """Return the newest runs of a flow."""
    [rows] = await db.round_trip(Step(_HISTORY, {"fluxo": fluxo, "limite": limite}))
    return rows

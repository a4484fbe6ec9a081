"""Chips as their gateways must know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Step
from lib.domain.chip import Gateway
from lib.queries.conexao import VIVOS

_TO_CONNECT = text("""-- chip.to_connect
SELECT instancia, telefone, gateway, conta FROM chip
WHERE tipo = 'julia' AND status IN ('active', 'warming', 'ready') ORDER BY id
""")

_MARK = text("""-- chip.mark_connections
UPDATE chip SET conectado = n.aberta, conexao_em = :em, conexao_vista_em = :em
FROM unnest(CAST(:instancias AS text[]), CAST(:abertas AS boolean[])) AS n(instancia, aberta)
WHERE chip.instancia = n.instancia AND chip.conectado <> n.aberta
  AND coalesce(greatest(chip.conexao_em, chip.conexao_vista_em), '-infinity') <= :em
RETURNING chip.id
""")


_OUT = text("""-- chip.out
SELECT instancia, gateway FROM (
  SELECT instancia, gateway, row_number() OVER (PARTITION BY gateway ORDER BY random()) AS n FROM chip
  WHERE tipo = 'julia' AND status = ANY(CAST(:vivos AS text[])) AND NOT conectado
    AND coalesce(conexao_em, '-infinity') < :antes) fora
WHERE n <= :limite
""")


@dataclass(frozen=True, slots=True)
class ChipFora:
    """A number that counts as disconnected."""

    instancia: str
    gateway: Gateway


@dataclass(frozen=True, slots=True)
class ChipParaLigar:
    """A number that should be connected; `telefone` is E.164, `conta` its business account at Meta."""

    instancia: str
    telefone: str
    gateway: Gateway
    conta: str | None = None


async def to_connect(db: Database) -> Sequence[ChipParaLigar]:
    """Return Júlia's numbers that are in use or warming up, by id; listeners never send and are left out."""
    [rows] = await db.round_trip(Step(_TO_CONNECT))
    return [ChipParaLigar(row["instancia"], row["telefone"], Gateway(row["gateway"]), row["conta"]) for row in rows]


async def mark_connections(db: Database, abertas: Mapping[str, bool], em: datetime) -> int:
    """Store what the gateway says of each instance's connection, unless newer is known; return the changes."""
    params = {"instancias": list(abertas), "abertas": list(abertas.values()), "em": em}
    [rows] = await db.round_trip(Step(_MARK, params, writes=True))
    return len(rows)


async def out(db: Database, antes: datetime, limite: int) -> list[ChipFora]:
    """Return some numbers at work that have counted as disconnected since before then, up to `limite` of each gateway.

    By lot: those that never come back keep no other from being asked after.
    """
    [rows] = await db.round_trip(Step(_OUT, {"antes": antes, "limite": limite, "vivos": list(VIVOS)}))
    return [ChipFora(**row) for row in rows]

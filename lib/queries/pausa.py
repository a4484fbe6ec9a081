"""The pause of the whole operation (decision D20): one row, read by the send claim, the turn claim and every flow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb
from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.queries.envio import LOCK

# Under the send claim's own lock: when this has committed, no claim that looked before it is still to commit.
_SET = text("""-- pausa.set
INSERT INTO flag (chave, valor, atualizado_em) VALUES ('pausa', :valor, :agora)
ON CONFLICT (chave) DO UPDATE SET valor = excluded.valor, atualizado_em = excluded.atualizado_em
WHERE NOT (:repete AND (flag.valor = 'true' OR flag.valor ->> 'ativo' = 'true'))
""")

_GET = text("""-- pausa.get
SELECT f.valor, f.atualizado_em, coalesce(f.valor = 'true' OR f.valor ->> 'ativo' = 'true', false) AS ativa,
  (SELECT count(*) FROM outbox WHERE state = 'pending') AS na_fila,
  (SELECT count(*) FROM mailbox WHERE due_at IS NOT NULL AND dead IS NULL) AS por_ler
FROM (SELECT) um LEFT JOIN flag f ON f.chave = 'pausa'
""")


@dataclass(frozen=True, slots=True)
class Pausa:
    """Whether the operation is paused, since when, by whom and why; what waits in the queue and to be read."""

    ativa: bool
    por: str | None
    motivo: str | None
    desde: datetime | None
    na_fila: int
    por_ler: int


async def put(db: Database, *, ativa: bool, por: str, motivo: str | None, agora: datetime) -> None:
    """Pause or go on; in force for every process when this returns.

    Pausing again without a reason leaves who paused, since when and why as they stand.
    """
    valor = {"ativo": ativa, "por": por, "motivo": motivo}
    key = {"valor": Jsonb(valor), "agora": agora, "repete": ativa and not motivo}
    await db.round_trip(Step(LOCK), Step(_SET, key, writes=True))


async def get(db: Database) -> Pausa:
    """Return the pause as it stands."""
    [[row]] = await db.round_trip(Step(_GET))
    return _read(row)


def _read(row: Row) -> Pausa:
    valor = row["valor"] if isinstance(row["valor"], dict) else {}
    por, motivo = valor.get("por"), valor.get("motivo")
    return Pausa(
        ativa=row["ativa"],
        por=por if isinstance(por, str) else None,
        motivo=motivo if isinstance(motivo, str) else None,
        desde=row["atualizado_em"],
        na_fila=row["na_fila"],
        por_ler=row["por_ler"],
    )

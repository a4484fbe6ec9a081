"""The durable inbox of Chatwoot, Slack, Salvy and Meta's account events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from sqlalchemy import text

from lib.db import Database, Row, Step

TENTATIVAS = 5

_STORE = text("""-- webhook.store
INSERT INTO webhook (source, chave, tipo, raw) VALUES (:source, :chave, :tipo, :raw)
ON CONFLICT ON CONSTRAINT uq_webhook_chave DO NOTHING RETURNING id
""")

# A lease that ran out counts as a try: what kills its worker is dead after the fifth.
_CLAIM = text("""-- webhook.claim_due
WITH devido AS (
  SELECT id FROM webhook WHERE estado = 'pendente' AND next_at <= now() AND (lease_until IS NULL OR lease_until < now())
  ORDER BY id LIMIT :limite FOR UPDATE SKIP LOCKED)
UPDATE webhook w SET claim = :claim, tentativas = w.tentativas + 1,
  estado = CASE WHEN w.tentativas >= :tentativas THEN 'morto' ELSE 'pendente' END,
  motivo = CASE WHEN w.tentativas >= :tentativas THEN coalesce(w.motivo, 'interrompido') ELSE w.motivo END,
  lease_until = now() + make_interval(secs => :lease_s)
FROM devido WHERE w.id = devido.id
RETURNING w.id, w.source, w.tipo, w.chave, w.raw, w.recebido_em, w.claim, w.estado, w.tentativas
""")

_DONE = text("""-- webhook.done
UPDATE webhook SET estado = 'feito', feito_em = now(), lease_until = NULL, claim = NULL, motivo = NULL
WHERE id = :id AND claim = :claim
""")

_FAILED = text("""-- webhook.failed
UPDATE webhook SET estado = CASE WHEN tentativas >= :tentativas THEN 'morto' ELSE 'pendente' END, motivo = :motivo,
  next_at = now() + make_interval(secs => :espera_s), lease_until = NULL, claim = NULL
WHERE id = :id AND claim = :claim RETURNING estado
""")

_REPLAY = text("""-- webhook.replay
UPDATE webhook SET estado = 'pendente', tentativas = 0, next_at = now(), lease_until = NULL, claim = NULL
WHERE (CAST(:ids AS bigint[]) IS NULL OR id = ANY(CAST(:ids AS bigint[]))) AND estado = 'morto' RETURNING id
""")

_DEAD = text("""-- webhook.dead
SELECT id, source, tipo, motivo, tentativas, recebido_em FROM webhook
WHERE estado = 'morto' AND id < :antes_de ORDER BY id DESC LIMIT :limite
""")


@dataclass(frozen=True, slots=True)
class Webhook:
    """One stored webhook, as its source's `atender` gets it."""

    id: int
    source: str
    tipo: str | None
    chave: str
    raw: bytes = field(repr=False)
    recebido_em: datetime


async def store(db: Database, source: str, chave: str, raw: bytes, tipo: str | None) -> bool:
    """Store it unless its key is known; tell whether it is new."""
    params = {"source": source, "chave": chave, "tipo": tipo, "raw": raw}
    [rows] = await db.round_trip(Step(_STORE, params, writes=True))
    return bool(rows)


async def claim_due(db: Database, limite: int, lease_s: float) -> tuple[list[Row], Sequence[int]]:
    """Claim up to `limite` due webhooks, oldest first; those that died on their last try are given apart, by id."""
    params = {"claim": uuid4(), "limite": limite, "tentativas": TENTATIVAS, "lease_s": lease_s}
    [rows] = await db.round_trip(Step(_CLAIM, params, writes=True))
    rows.sort(key=lambda row: int(row["id"]))
    return [row for row in rows if row["estado"] == "pendente"], [row["id"] for row in rows if row["estado"] == "morto"]


async def done(db: Database, row: Row) -> None:
    """Mark a claimed webhook as worked off."""
    await db.round_trip(Step(_DONE, {"id": row["id"], "claim": row["claim"]}, writes=True))


async def failed(db: Database, row: Row, motivo: str, espera_s: float) -> bool:
    """Give a claimed webhook back for a later try; tell whether that was its last."""
    params = {"id": row["id"], "claim": row["claim"], "motivo": motivo, "espera_s": espera_s, "tentativas": TENTATIVAS}
    [rows] = await db.round_trip(Step(_FAILED, params, writes=True))
    return bool(rows) and rows[0]["estado"] == "morto"


async def replay(db: Database, ids: Sequence[int] | None) -> list[int]:
    """Make dead webhooks due again, all of them without ids; return which were dead."""
    [rows] = await db.round_trip(Step(_REPLAY, {"ids": None if ids is None else list(ids)}, writes=True))
    return [row["id"] for row in rows]


async def page_dead(db: Database, antes_de: int, limite: int) -> list[Row]:
    """Return dead webhooks, newest first, without their bytes."""
    [rows] = await db.round_trip(Step(_DEAD, {"antes_de": antes_de, "limite": limite}))
    return rows

"""Claiming turns and reading, in the same round trip, everything that they need."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.conhecimento import CANDIDATAS
from lib.domain.memoria import NO_CONTEXTO
from lib.queries import contexto, lembrete
from lib.queries.envio import PAUSADA

MAX_TRIES = 5

# While the operation is paused no turn is claimed (decision D20); what is due stays due.
_CLAIM_SQL = """-- mailbox.claim_due
WITH devida AS (
  SELECT conversation_id FROM mailbox
  WHERE due_at <= now() AND dead IS NULL AND (lease_until IS NULL OR lease_until <= now()) AND NOT {pausada}
  ORDER BY due_at LIMIT :limite FOR UPDATE SKIP LOCKED),
tomada AS (
  UPDATE mailbox m SET
    fence = m.fence + 1, tries = m.tries + 1, primeira_em = NULL,
    dead = CASE WHEN m.tries >= :max_tries THEN 'o turno falhou ' || m.tries || ' vezes' END,
    claim = CASE WHEN m.tries >= :max_tries THEN NULL ELSE CAST(:claim AS uuid) END,
    lease_until = CASE WHEN m.tries >= :max_tries THEN NULL ELSE now() + make_interval(secs => :lease_s) END,
    due_at = now() + make_interval(secs => :lease_s)
  FROM devida WHERE m.conversation_id = devida.conversation_id
  RETURNING m.conversation_id, m.fence, m.dead),
avisa AS (
  INSERT INTO aviso (chave, tipo, conversation_id, texto)
  SELECT 'morta:' || conversation_id || ':' || fence, 'mensagem_morta', conversation_id, dead
  FROM tomada WHERE dead IS NOT NULL ON CONFLICT (chave) DO NOTHING)
SELECT conversation_id, dead FROM tomada
"""
_CLAIM = text(_CLAIM_SQL.format(pausada=PAUSADA))

# A statement of its own, after the claim: its snapshot sees every message whose ingest the claim has waited for.
_CONTEXT = text(contexto.statement("context", "m.claim = :claim"))
_REREAD = text(contexto.statement("reread", "m.conversation_id = :conversation_id AND m.fence = :fence"))
# How much a turn reads of what may be without end.
_LIMITES = {"memorias": NO_CONTEXTO, "candidatas": CANDIDATAS}

_RESCHEDULE = text("""-- mailbox.reschedule
UPDATE mailbox SET claim = NULL, lease_until = NULL, due_at = now() + make_interval(secs => :espera_s),
  tries = CASE WHEN :conta THEN tries ELSE greatest(tries - 1, 0) END
WHERE conversation_id = :conversation_id AND fence = :fence
""")

_SETTLE_EMPTY = text("""-- mailbox.settle_empty
UPDATE mailbox m SET claim = NULL, lease_until = NULL, tries = 0, primeira_em = NULL,
  due_at = (SELECT now() WHERE EXISTS (
    SELECT FROM inbox i WHERE i.conversation_id = m.conversation_id AND i.turn_id IS NULL AND i.tipo = 'mensagem'
      AND i.desfecho IS NULL))
WHERE m.conversation_id = :conversation_id AND m.fence = :fence
""")
# What a turn that is no more had done for a message that is no more.
_WITHDRAW = text("""-- mailbox.withdraw
UPDATE outbox o SET state = 'cancelled', motivo = 'turno refeito' FROM mailbox m
WHERE m.conversation_id = :conversation_id AND m.fence = :fence AND o.conversation_id = m.conversation_id
  AND o.state = 'pending' AND o.tipo = 'lembrete' AND starts_with(o.cause, :efeitos) AND NOT EXISTS (
    SELECT FROM inbox i WHERE i.conversation_id = m.conversation_id AND i.turn_id IS NULL AND i.tipo = 'mensagem'
      AND i.desfecho IS NULL)
""")
_LOCK = text("-- mailbox.lock\nSELECT fence FROM mailbox WHERE conversation_id = :conversation_id FOR UPDATE")


async def claim_due(
    db: Database, claim: UUID, limite: int, lease_s: float, historico: int
) -> tuple[list[Row], list[int]]:
    """Claim up to `limite` due conversations for this caller alone and read their context, in one round trip.

    A conversation whose turns failed `MAX_TRIES` times is set aside as dead instead and returned second; a notice tells
    people, and only it waits, until the doctor writes again.
    """
    claimed = {"claim": claim, "limite": limite, "lease_s": lease_s, "max_tries": MAX_TRIES}
    taken, read = await db.round_trip(
        Step(_CLAIM, claimed, writes=True), Step(_CONTEXT, {"claim": claim, "historico": historico, **_LIMITES})
    )
    return read, [row["conversation_id"] for row in taken if row["dead"]]


async def reread(db: Database, conversation_id: int, fence: int, historico: int) -> Row | None:
    """Read a claimed conversation's context anew; None when another claim has taken it since."""
    key = {"conversation_id": conversation_id, "fence": fence, "historico": historico, **_LIMITES}
    [found] = await db.round_trip(Step(_REREAD, key))
    return found[0] if found else None


async def reschedule(db: Database, conversation_id: int, fence: int, espera_s: float, *, conta: bool) -> None:
    """Give a turn back, to be tried again after `espera_s`; `conta` says whether it was the turn that failed."""
    params = {"conversation_id": conversation_id, "fence": fence, "espera_s": espera_s, "conta": conta}
    await db.round_trip(Step(_RESCHEDULE, params, writes=True))


async def settle_empty(db: Database, conversation_id: int, fence: int, efeitos: str) -> None:
    """Put a conversation with nothing to answer to sleep, unless something landed meanwhile: lock first, then look.

    The reminders that a turn set for `efeitos` before its messages were deleted are withdrawn.
    """
    key = {"conversation_id": conversation_id, "fence": fence}
    await db.round_trip(
        Step(_LOCK, {"conversation_id": conversation_id}),
        Step(_WITHDRAW, key | {"efeitos": lembrete.prefixo(efeitos)}, writes=True),
        Step(_SETTLE_EMPTY, key, writes=True),
    )

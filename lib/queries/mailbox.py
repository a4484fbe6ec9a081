"""Claiming turns and reading, in the same round trip, everything that they need."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from lib.db import Database, Row, Step

MAX_TRIES = 5

_CLAIM = text("""-- mailbox.claim_due
WITH devida AS (
  SELECT conversation_id FROM mailbox
  WHERE due_at <= now() AND dead IS NULL AND (lease_until IS NULL OR lease_until <= now())
  ORDER BY due_at LIMIT :limite FOR UPDATE SKIP LOCKED)
UPDATE mailbox m SET
  fence = m.fence + 1, tries = m.tries + 1, primeira_em = NULL,
  dead = CASE WHEN m.tries >= :max_tries THEN 'o turno falhou ' || m.tries || ' vezes' END,
  claim = CASE WHEN m.tries >= :max_tries THEN NULL ELSE CAST(:claim AS uuid) END,
  lease_until = CASE WHEN m.tries >= :max_tries THEN NULL ELSE now() + make_interval(secs => :lease_s) END,
  due_at = now() + make_interval(secs => :lease_s)
FROM devida WHERE m.conversation_id = devida.conversation_id
RETURNING m.conversation_id, m.dead
""")

# A statement of its own, after the claim: its snapshot sees every message whose ingest the claim has waited for.
_CONTEXT_OF = """-- mailbox.{name}
SELECT m.conversation_id, m.fence, m.tries, c.medico_id, c.status AS status_conversa, c.controle, c.estagio, c.chip_id,
  row_to_json(d) AS medico, row_to_json(s) AS estado, e.nome AS especialidade,
  coalesce(abertas.linhas, '[]') AS mensagens, coalesce(passado.linhas, '[]') AS historico,
  (SELECT jsonb_object_agg(chave, valor) FROM flag) AS flags
FROM mailbox m
JOIN conversa c ON c.id = m.conversation_id
JOIN medico d ON d.id = c.medico_id
JOIN doctor_state s ON s.medico_id = d.id
LEFT JOIN especialidade e ON e.id = d.especialidade_id
LEFT JOIN LATERAL (
  SELECT jsonb_agg(jsonb_build_object('id', i.id, 'midia', i.midia, 'texto', i.texto, 'chip_id', i.chip_id,
    'revisao', i.revisao, 'em', coalesce(i.enviada_em, i.received_at), 'received_at', i.received_at)
    ORDER BY coalesce(i.enviada_em, i.received_at), i.id) AS linhas
  FROM inbox i WHERE i.conversation_id = c.id AND i.turn_id IS NULL AND i.tipo = 'mensagem' AND i.desfecho IS NULL
) abertas ON true
LEFT JOIN LATERAL (
  SELECT jsonb_agg(jsonb_build_object('autor', h.autor, 'texto', h.texto, 'em', h.em) ORDER BY h.em, h.id) AS linhas
  FROM (SELECT autor, texto, em, id FROM interacao WHERE conversation_id = c.id
    ORDER BY em DESC, id DESC LIMIT :historico) h
) passado ON true
WHERE {which} AND m.dead IS NULL
"""
_CONTEXT = text(_CONTEXT_OF.format(name="context", which="m.claim = :claim"))
_REREAD = text(_CONTEXT_OF.format(name="reread", which="m.conversation_id = :conversation_id AND m.fence = :fence"))

_RESCHEDULE = text("""-- mailbox.reschedule
UPDATE mailbox SET claim = NULL, lease_until = NULL, due_at = now() + make_interval(secs => :espera_s),
  tries = CASE WHEN :conta THEN tries ELSE greatest(tries - 1, 0) END
WHERE conversation_id = :conversation_id AND fence = :fence
""")

_SETTLE_EMPTY = text("""-- mailbox.settle_empty
UPDATE mailbox m SET claim = NULL, lease_until = NULL, tries = 0,
  due_at = (SELECT now() WHERE EXISTS (
    SELECT FROM inbox i WHERE i.conversation_id = m.conversation_id AND i.turn_id IS NULL AND i.tipo = 'mensagem'
      AND i.desfecho IS NULL))
WHERE m.conversation_id = :conversation_id AND m.fence = :fence
""")
_LOCK = text("-- mailbox.lock\nSELECT fence FROM mailbox WHERE conversation_id = :conversation_id FOR UPDATE")


async def claim_due(
    db: Database, claim: UUID, limite: int, lease_s: float, historico: int
) -> tuple[list[Row], list[int]]:
    """Claim up to `limite` due conversations for this caller alone and read their context, in one round trip.

    A conversation whose turns failed `MAX_TRIES` times is set aside as dead instead and returned second, for an alarm;
    only it waits, until the doctor writes again.
    """
    claimed = {"claim": claim, "limite": limite, "lease_s": lease_s, "max_tries": MAX_TRIES}
    taken, context = await db.round_trip(
        Step(_CLAIM, claimed, writes=True), Step(_CONTEXT, {"claim": claim, "historico": historico})
    )
    return context, [row["conversation_id"] for row in taken if row["dead"]]


async def reread(db: Database, conversation_id: int, fence: int, historico: int) -> Row | None:
    """Read a claimed conversation's context anew; None when another claim has taken it since."""
    key = {"conversation_id": conversation_id, "fence": fence, "historico": historico}
    [found] = await db.round_trip(Step(_REREAD, key))
    return found[0] if found else None


async def reschedule(db: Database, conversation_id: int, fence: int, espera_s: float, *, conta: bool) -> None:
    """Give a turn back, to be tried again after `espera_s`; `conta` says whether it was the turn that failed."""
    params = {"conversation_id": conversation_id, "fence": fence, "espera_s": espera_s, "conta": conta}
    await db.round_trip(Step(_RESCHEDULE, params, writes=True))


async def settle_empty(db: Database, conversation_id: int, fence: int) -> None:
    """Put a conversation with nothing to answer to sleep, unless something landed meanwhile: lock first, then look."""
    key = {"conversation_id": conversation_id, "fence": fence}
    await db.round_trip(Step(_LOCK, {"conversation_id": conversation_id}), Step(_SETTLE_EMPTY, key, writes=True))

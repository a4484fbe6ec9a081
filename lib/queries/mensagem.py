"""One message with all that is known of it: what came of it, its turn, its sends, its edits."""

from __future__ import annotations

from sqlalchemy import text

from lib.db import Database, Row, Step

# A deleted message's words are gone from where people read; edits of an answered one are written there too.
_INBOUND = text("""-- mensagem.inbound
SELECT i.id, i.tipo, i.midia, i.conteudo, i.received_at, i.enviada_em, i.turn_id, i.desfecho, i.conversation_id,
  CASE WHEN x.apagada_em IS NULL THEN coalesce(x.texto, i.texto) END AS texto, x.editada_em, x.apagada_em,
  x.autor, x.direcao, k.instancia AS chip, d.nome AS medico, coalesce(d.telefone, d.lid) AS endereco,
  m.dead AS morta, m.due_at, coalesce(m.lease_until > now(), false) AS em_turno,
  coalesce((SELECT jsonb_agg(jsonb_build_object('id', r.id, 'midia', r.midia, 'em', r.received_at,
      'desfecho', r.desfecho) ORDER BY r.id)
    FROM inbox r WHERE r.alvo_msg_id = i.provider_msg_id AND r.chip_id = i.chip_id), '[]') AS revisoes
FROM inbox i JOIN chip k ON k.id = i.chip_id LEFT JOIN conversa c ON c.id = i.conversation_id
LEFT JOIN medico d ON d.id = c.medico_id LEFT JOIN interacao x ON x.inbox_id = i.id
LEFT JOIN mailbox m ON m.conversation_id = i.conversation_id
WHERE i.id = :id
""")

_OUTBOUND = text("""-- mensagem.outbound
SELECT o.id, o.turn_id, o.conversation_id, o.body AS texto, o.criada_em, o.state, o.motivo, k.instancia AS chip,
  d.nome AS medico, coalesce(d.telefone, d.lid) AS endereco
FROM outbox o JOIN medico d ON d.id = o.medico_id LEFT JOIN chip k ON k.id = o.chip_id WHERE o.id = :id
""")

_TURN = text("""-- mensagem.turn
SELECT t.*, coalesce((SELECT jsonb_agg(jsonb_build_object('id', i.id, 'recebida_em', i.received_at) ORDER BY i.id)
  FROM inbox i WHERE i.turn_id = t.id), '[]') AS entradas
FROM turno t WHERE t.id = :turn_id
""")

_SENDS_OF = """-- mensagem.sends
SELECT o.id, o.cause, o.tipo, o.state, o.motivo, o.body, o.attempts, o.criada_em, o.next_at, o.enviando_em,
  o.enviada_em, o.falhou_em, k.instancia AS chip, x.entrega,
  coalesce((SELECT jsonb_object_agg(e.status, e.em) FROM delivery_event e
    WHERE e.provider_msg_id = o.provider_msg_id), '{{}}') AS recibos
FROM outbox o LEFT JOIN chip k ON k.id = o.chip_id LEFT JOIN interacao x ON x.outbox_id = o.id
WHERE {which} ORDER BY o.id
"""
_SENDS = text(_SENDS_OF.format(which="o.turn_id = :turn_id"))
_SEND = text(_SENDS_OF.format(which="o.id = :id"))


async def inbound(db: Database, inbox_id: int) -> Row | None:
    """Return what came in, with its conversation's place in the queue and its edits; no raw bytes."""
    [found] = await db.round_trip(Step(_INBOUND, {"id": inbox_id}))
    return found[0] if found else None


async def outbound(db: Database, outbox_id: int) -> Row | None:
    """Return a message to send, whatever made it."""
    [found] = await db.round_trip(Step(_OUTBOUND, {"id": outbox_id}))
    return found[0] if found else None


async def turn(db: Database, turn_id: int) -> tuple[Row | None, list[Row]]:
    """Return a turn with its inbound rows, and its sends with chip, reason and receipts; one round trip."""
    found, sends = await db.round_trip(Step(_TURN, {"turn_id": turn_id}), Step(_SENDS, {"turn_id": turn_id}))
    return (found[0] if found else None), sends


async def send(db: Database, outbox_id: int) -> list[Row]:
    """Return one send with chip, reason and receipts, for a message that no turn made."""
    [found] = await db.round_trip(Step(_SEND, {"id": outbox_id}))
    return found

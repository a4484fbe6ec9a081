"""Conversations: listed, looked for, and watched while they happen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step

_PAGE = text("""-- conversa.page
SELECT c.id, c.status, c.controle, c.estagio, c.criada_em, c.ultima_entrada_em, c.ultima_saida_em, c.encerrada_em,
  d.id AS medico_id, d.nome AS medico, d.telefone, e.nome AS especialidade, k.instancia AS chip, s.permissao,
  s.temperatura
FROM conversa c JOIN medico d ON d.id = c.medico_id JOIN doctor_state s ON s.medico_id = d.id
LEFT JOIN especialidade e ON e.id = d.especialidade_id LEFT JOIN chip k ON k.id = c.chip_id
WHERE c.id < :antes_de AND (CAST(:status AS text) IS NULL OR c.status = :status)
  AND (CAST(:controle AS text) IS NULL OR c.controle = :controle)
ORDER BY c.id DESC LIMIT :limite
""")

_THREAD = text("""-- conversa.thread
SELECT i.id, i.direcao, i.autor, i.midia, i.texto, i.entrega, i.em, i.editada_em, i.apagada_em, k.instancia AS chip,
  coalesce(n.turn_id, o.turn_id) AS turno_id, coalesce('s' || i.outbox_id, 'e' || i.inbox_id) AS referencia
FROM interacao i LEFT JOIN chip k ON k.id = i.chip_id LEFT JOIN inbox n ON n.id = i.inbox_id
  LEFT JOIN outbox o ON o.id = i.outbox_id
WHERE i.conversation_id = :conversation_id AND i.id < :antes_de
ORDER BY i.id DESC LIMIT :limite
""")

# What has no place in the thread yet: messages nobody has read, and messages on their way.
_PENDENTES = text("""-- conversa.pending
SELECT 'e' || i.id AS referencia, 'entrada' AS direcao, i.midia, i.texto, i.received_at AS em, 'por ler' AS estado
FROM inbox i WHERE i.conversation_id = :id AND i.turn_id IS NULL AND i.tipo = 'mensagem' AND i.desfecho IS NULL
UNION ALL
SELECT 's' || o.id, 'saida', o.tipo, o.body, o.next_at, o.state || coalesce(': ' || o.motivo, '')
FROM outbox o WHERE o.conversation_id = :id AND o.state IN ('pending', 'sending', 'unknown', 'parked', 'dead')
ORDER BY em LIMIT :limite
""")

_OF_WHICH = """-- conversa.of
SELECT c.id, c.status, c.controle, c.estagio, c.modo, c.criada_em, d.id AS medico_id, d.nome AS medico, d.telefone,
  d.lid, k.instancia AS chip, s.permissao, s.temperatura, m.dead AS morta, m.due_at
FROM medico d JOIN conversa c ON c.medico_id = d.id JOIN doctor_state s ON s.medico_id = d.id
LEFT JOIN chip k ON k.id = c.chip_id LEFT JOIN mailbox m ON m.conversation_id = c.id
WHERE {which}
ORDER BY c.status IN ('active', 'paused', 'escalated') DESC, c.id DESC LIMIT 1
"""
_OF = text(_OF_WHICH.format(which="d.telefone = :de_quem OR d.lid = :de_quem"))
_OF_ID = text(_OF_WHICH.format(which="c.id = :de_quem"))

_EXISTS = text("-- conversa.exists\nSELECT EXISTS (SELECT FROM conversa WHERE id = :id) AS existe")

# The one whom fewest turns answered comes first, so that repeating it meets somebody else.
_WARM = text("""-- conversa.find_warm
SELECT c.id AS conversation_id, d.nome, d.telefone, e.nome AS especialidade, k.instancia,
  (SELECT coalesce(max(i.id), 0) FROM inbox i) AS ultima_inbox_id
FROM conversa c JOIN medico d ON d.id = c.medico_id JOIN doctor_state s ON s.medico_id = d.id
JOIN especialidade e ON e.id = d.especialidade_id JOIN chip k ON k.id = c.chip_id
WHERE c.status = 'active' AND c.controle = 'ai' AND s.permissao = 'active' AND s.temperatura >= 0.40
  AND s.ciclo <> 'novo' AND s.parada_perguntada_em IS NULL AND (s.objecao IS NULL OR s.objecao_resolvida_em IS NOT NULL)
  AND s.ultima_saida_em > :agora - interval '6 days' AND k.status = 'active' AND k.conectado
  AND d.telefone LIKE :prefixo
  AND EXISTS (SELECT FROM interacao i WHERE i.conversation_id = c.id AND i.direcao = 'saida'
    AND i.texto LIKE '%automatizada%')
  AND EXISTS (SELECT FROM vaga v WHERE v.especialidade_id = e.id AND v.status = 'aberta' AND v.inicio > :agora)
  AND NOT EXISTS (SELECT FROM outbox o WHERE o.conversation_id = c.id
    AND o.state IN ('pending', 'sending', 'unknown', 'parked'))
ORDER BY (SELECT count(*) FROM turno t WHERE t.conversation_id = c.id), s.temperatura DESC, c.id LIMIT 1
""")

_FICTIONAL = text("""-- conversa.find_fictional
SELECT d.nome, d.telefone, coalesce(
  (SELECT k.instancia FROM conversa c JOIN chip k ON k.id = c.chip_id
    WHERE c.medico_id = d.id AND c.status IN ('active', 'paused', 'escalated') AND k.status = 'active' AND k.conectado),
  (SELECT instancia FROM chip WHERE status = 'active' AND tipo = 'julia' AND conectado
    ORDER BY pode_responder DESC, trust_score DESC, id LIMIT 1)) AS instancia
FROM (SELECT) um LEFT JOIN LATERAL (
  SELECT id, nome, telefone FROM medico WHERE telefone LIKE :prefixo AND (nome ILIKE :nome OR telefone = :telefone)
  ORDER BY telefone = :telefone DESC, id LIMIT 1) d ON true
""")

# Answered: it came, nobody is to read it any more, and nothing of ours is on its way.
_SETTLED = text("""-- conversa.settled
SELECT i.id, i.turn_id IS NOT NULL OR i.desfecho IS NOT NULL AS lida, m.dead AS morta, i.desfecho, NOT EXISTS (
  SELECT FROM outbox o WHERE o.conversation_id = i.conversation_id AND (o.state IN ('sending', 'unknown')
    OR (o.state = 'pending' AND o.turn_id = i.turn_id))) AS enviada
FROM inbox i LEFT JOIN mailbox m ON m.conversation_id = i.conversation_id
WHERE i.provider_msg_id = :msg_id ORDER BY i.id LIMIT 1
""")

_WATCH = text("""-- conversa.watch
WITH n AS (
  SELECT id, texto, received_at, turn_id FROM inbox
  WHERE conversation_id = :id AND id > :apos_inbox_id AND tipo = 'mensagem')
SELECT
  coalesce((SELECT jsonb_agg(jsonb_build_object('id', n.id, 'texto', n.texto, 'em', n.received_at,
    'turno_id', n.turn_id) ORDER BY n.id) FROM n), '[]') AS entradas,
  coalesce((SELECT jsonb_agg(jsonb_build_object('id', o.id, 'texto', o.body, 'estado', o.state, 'motivo', o.motivo,
      'em', o.enviada_em, 'entrega', i.entrega) ORDER BY o.id)
    FROM outbox o LEFT JOIN interacao i ON i.outbox_id = o.id
    WHERE o.turn_id IN (SELECT turn_id FROM n)), '[]') AS saidas,
  (SELECT m.dead FROM mailbox m WHERE m.conversation_id = :id) AS morta,
  EXISTS (SELECT FROM interacao i WHERE i.conversation_id = :id AND i.direcao = 'saida'
    AND i.texto LIKE '%automatizada%') AS apresentada
""")


@dataclass(frozen=True, slots=True)
class Filtro:
    """Which conversations a page holds: ids below `antes_de`, newest first; None does not filter."""

    antes_de: int
    limite: int
    status: str | None = None
    controle: str | None = None


async def page(db: Database, filtro: Filtro) -> list[Row]:
    """Return a page of conversations with their doctor and chip, newest first; one round trip."""
    [found] = await db.round_trip(Step(_PAGE, {name: getattr(filtro, name) for name in Filtro.__slots__}))
    return found


async def thread(db: Database, conversation_id: int, antes_de: int, limite: int) -> list[Row]:
    """Return a page of a conversation, newest first, the messages whose id is below `antes_de`."""
    key = {"conversation_id": conversation_id, "antes_de": antes_de, "limite": limite}
    [found] = await db.round_trip(Step(_THREAD, key))
    return found


async def pending(db: Database, conversation_id: int, limite: int) -> list[Row]:
    """Return what is not in the thread yet: unread messages, and sends that have not been accepted; in order."""
    [found] = await db.round_trip(Step(_PENDENTES, {"id": conversation_id, "limite": limite}))
    return found


async def of(db: Database, de_quem: str | int) -> Row | None:
    """Return the conversation with this id, or of the doctor with this E.164 number or LID: open, else the last."""
    [found] = await db.round_trip(Step(_OF_ID if isinstance(de_quem, int) else _OF, {"de_quem": de_quem}))
    return found[0] if found else None


async def exists(db: Database, conversation_id: int) -> bool:
    """Tell whether there is such a conversation."""
    [[row]] = await db.round_trip(Step(_EXISTS, {"id": conversation_id}))
    return bool(row["existe"])


async def find_warm(db: Database, agora: datetime, prefixo: str) -> Row | None:
    """Return an open conversation of a warm doctor who can be offered something; `prefixo` begins the number."""
    [found] = await db.round_trip(Step(_WARM, {"agora": agora, "prefixo": f"{prefixo}%"}))
    return found[0] if found else None


async def watch(db: Database, conversation_id: int, apos_inbox_id: int) -> Row:
    """Return what came in after an inbox row, and what the turns that took it have sent so far; one round trip."""
    [[row]] = await db.round_trip(Step(_WATCH, {"id": conversation_id, "apos_inbox_id": apos_inbox_id}))
    return row


async def find_fictional(db: Database, nome: str, telefone: str, prefixo: str) -> Row:
    """Return the fictional doctor with this number, or this name, and a chip to write to; None where there is none."""
    params = {"nome": nome, "telefone": telefone, "prefixo": f"{prefixo}%"}
    [[row]] = await db.round_trip(Step(_FICTIONAL, params))
    return row


async def settled(db: Database, msg_id: str) -> Row | None:
    """Tell what has become of a message by its provider's id: read, and all that was to be said of it sent."""
    [found] = await db.round_trip(Step(_SETTLED, {"msg_id": msg_id}))
    return found[0] if found else None

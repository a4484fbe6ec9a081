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

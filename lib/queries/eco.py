"""A person writes from the chip's own phone: the conversation is theirs from then on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from lib.db import Database, Step
from lib.queries.quem import Stored, compose, settle

# The mailbox row is made or locked here, so that the next statement sees what a committing turn has left open.
_STORE = """-- eco.store
WITH {quem},
i AS (
  INSERT INTO inbox (source, chip_id, provider_msg_id, conversation_id, tipo, midia, texto, body_hash, endereco, raw,
    enviada_em, conteudo)
  SELECT :source, k.id, :msg_id, c.id, 'eco', :midia, :texto, :body_hash, coalesce(t.telefone, t.lid || '@lid'), :raw,
    :enviada_em, :conteudo
  FROM k, c, t ON CONFLICT ON CONSTRAINT uq_inbox_mensagem DO NOTHING RETURNING id),
tranca AS (
  INSERT INTO mailbox (conversation_id) SELECT c.id FROM c, i
  ON CONFLICT (conversation_id) DO UPDATE SET lane = mailbox.lane)
SELECT (SELECT id FROM k) AS chip_id, (SELECT id FROM i) AS inbox_id, (SELECT id FROM c) AS conversation_id,
  t.lid, t.telefone, {dois} FROM t
"""
_STORE_BY = {chave: compose(_STORE, chave) for chave in ("telefone", "lid")}

# Ours is what carries an id of ours, or the words of a send whose fate is not known. Everything else a person wrote.
# Locked in the order of everybody: mailbox, the doctor's state, conversation; each next one hangs on the one before.
_TAKEOVER = compose("""-- eco.takeover
WITH i AS (
  SELECT i.id, i.chip_id, i.conversation_id, i.midia, i.texto, i.provider_msg_id, c.medico_id, c.controle,
    coalesce(i.enviada_em, i.received_at) AS em
  FROM inbox i JOIN chip k ON k.id = i.chip_id AND k.instancia = :instancia JOIN conversa c ON c.id = i.conversation_id
  WHERE i.source = :source AND i.provider_msg_id = :msg_id AND i.tipo = 'eco'
    AND NOT EXISTS (SELECT FROM outbox o WHERE o.provider_msg_id = i.provider_msg_id AND o.chip_id = i.chip_id)
    AND NOT EXISTS (SELECT FROM outbox o WHERE o.conversation_id = i.conversation_id AND o.body_hash = i.body_hash
      AND (o.state IN ('sending', 'unknown') OR (o.state IN ('pending', 'parked') AND o.enviando_em IS NOT NULL)
        OR (o.state = 'cancelled' AND o.enviando_em > now() - interval '1 day')))),
n AS (
  INSERT INTO interacao (conversation_id, medico_id, chip_id, inbox_id, direcao, autor, midia, texto, provider_msg_id,
    entrega, em)
  SELECT conversation_id, medico_id, chip_id, id, 'saida', 'humano', midia, coalesce(texto, ''), provider_msg_id,
    'enviada', em FROM i
  ON CONFLICT (inbox_id) DO NOTHING RETURNING conversation_id, medico_id, em),
b AS (
  UPDATE mailbox b SET fence = b.fence + 1, claim = NULL, lease_until = NULL, primeira_em = NULL,
    due_at = (SELECT now() WHERE EXISTS (SELECT FROM inbox a WHERE a.conversation_id = b.conversation_id
      AND a.turn_id IS NULL AND a.tipo = 'mensagem' AND a.desfecho IS NULL))
  FROM n JOIN i USING (conversation_id) WHERE b.conversation_id = n.conversation_id AND i.controle <> 'humano'
  RETURNING b.conversation_id),
s AS (
  UPDATE doctor_state s SET ultima_saida_em = greatest(s.ultima_saida_em, n.em),
    ultima_saida_ator = CASE WHEN s.ultima_saida_em > n.em THEN s.ultima_saida_ator ELSE 'humano' END
  FROM n WHERE s.medico_id = n.medico_id AND (SELECT count(*) FROM b) >= 0 RETURNING s.medico_id),
c AS (
  UPDATE conversa c SET controle = 'humano', humano_em = greatest(c.humano_em, :agora),
    ultima_saida_em = greatest(c.ultima_saida_em, n.em), status = 'escalated'
  FROM n WHERE c.id = n.conversation_id AND c.status IN {abertas} AND (SELECT count(*) FROM s) >= 0 RETURNING c.id)
INSERT INTO transferencia (conversation_id, gatilho, motivo, status, aberta_em, assumida_em, assumida_por)
SELECT c.id, 'celular', 'uma pessoa respondeu pelo celular do chip', 'assumida', :agora, :agora, 'celular do chip'
FROM c
ON CONFLICT (conversation_id) WHERE status <> 'resolvida' DO UPDATE SET status = 'assumida',
  assumida_em = coalesce(transferencia.assumida_em, excluded.assumida_em),
  assumida_por = coalesce(transferencia.assumida_por, excluded.assumida_por)
""")


@dataclass(frozen=True, slots=True)
class NewEcho:
    """What left the chip's own phone; `telefone` or `lid` names whom it went to."""

    instancia: str
    source: str
    msg_id: str
    telefone: str | None
    lid: str | None
    midia: str
    texto: str | None
    body_hash: bytes
    raw: bytes
    enviada_em: datetime | None
    conteudo: dict[str, Any] | None = None
    nome: str | None = None


async def take_over(db: Database, echo: NewEcho, agora: datetime) -> Stored | None:
    """Store what a person wrote from the phone and give them the conversation; None when no chip has this instance.

    One round trip. What is our own send coming back is only stored, as evidence. What is being thought for this doctor
    is stale at once; a conversation that is a person's already only hears that they are still there.
    """
    params = {name: getattr(echo, name) for name in NewEcho.__slots__}
    params |= {"conteudo": None if echo.conteudo is None else Jsonb(echo.conteudo), "agora": agora}
    chave = "telefone" if echo.telefone else "lid"
    [[row], _] = await settle(db, [Step(_STORE_BY[chave], params, writes=True), Step(_TAKEOVER, params)])
    two = row["dois"] and row["telefone"] is not None
    if row["chip_id"] is None:
        return None
    return Stored(
        row["inbox_id"],
        row["conversation_id"],
        lid=row["lid"] if two else None,
        telefone=row["telefone"] if two else None,
    )

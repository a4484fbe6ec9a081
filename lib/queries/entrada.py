"""Ingest: one statement per webhook, committed before the gateway gets its 2xx."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Step

# A doctor and a conversation that are known cost a read; unknown ones are made here, and two first messages at once
# meet at the unique indexes, where the second takes what the first made.
_INGEST = """-- entrada.ingest_message
WITH k AS (SELECT id FROM chip WHERE instancia = :instancia),
conhecido AS (
  SELECT id, telefone, lid FROM medico WHERE telefone = :telefone OR lid = :lid ORDER BY telefone IS NULL LIMIT 1),
aprende AS (
  UPDATE medico m SET telefone = coalesce(m.telefone, :telefone), lid = coalesce(m.lid, :lid) FROM conhecido c
  WHERE m.id = c.id AND ((c.telefone IS NULL AND CAST(:telefone AS text) IS NOT NULL) OR (
    c.lid IS NULL AND CAST(:lid AS text) IS NOT NULL AND NOT EXISTS (SELECT FROM medico o WHERE o.lid = :lid)))),
novo AS (
  INSERT INTO medico (telefone, lid, nome) SELECT :telefone, :lid, :nome FROM k WHERE NOT EXISTS (SELECT FROM conhecido)
  ON CONFLICT ({chave}) DO UPDATE SET nome = coalesce(medico.nome, excluded.nome) RETURNING id),
m AS (SELECT id FROM conhecido UNION ALL SELECT id FROM novo),
estado AS (INSERT INTO doctor_state (medico_id) SELECT id FROM novo ON CONFLICT DO NOTHING),
aberta AS (
  SELECT c.id FROM conversa c JOIN conhecido m ON c.medico_id = m.id
  WHERE c.status IN ('active', 'paused', 'escalated')),
iniciada AS (
  INSERT INTO conversa (medico_id, chip_id) SELECT m.id, k.id FROM m, k WHERE NOT EXISTS (SELECT FROM aberta)
  ON CONFLICT (medico_id) WHERE status IN ('active', 'paused', 'escalated')
  DO UPDATE SET status = conversa.status RETURNING id),
c AS (SELECT id FROM aberta UNION ALL SELECT id FROM iniciada),
i AS (
  INSERT INTO inbox (source, chip_id, provider_msg_id, conversation_id, tipo, midia, texto, raw, enviada_em, desfecho)
  SELECT :source, k.id, :msg_id, c.id, 'mensagem', :midia, :texto, :raw, :enviada_em, :desfecho FROM k, c
  ON CONFLICT ON CONSTRAINT uq_inbox_mensagem DO NOTHING RETURNING id),
agenda AS (
  INSERT INTO mailbox (conversation_id, due_at, primeira_em)
  SELECT c.id, now() + make_interval(secs => :quieto_s), now() FROM c, i WHERE CAST(:desfecho AS text) IS NULL
  ON CONFLICT (conversation_id) DO UPDATE SET
    primeira_em = coalesce(mailbox.primeira_em, now()),
    dead = NULL, tries = CASE WHEN mailbox.dead IS NULL THEN mailbox.tries ELSE 0 END,
    due_at = greatest(
      CASE WHEN mailbox.tries > 0 AND mailbox.dead IS NULL THEN mailbox.due_at END,
      least(now() + make_interval(secs => :quieto_s),
            coalesce(mailbox.primeira_em, now()) + make_interval(secs => :quieto_max_s))))
SELECT (SELECT id FROM k) AS chip_id, (SELECT id FROM i) AS inbox_id, (SELECT id FROM c) AS conversation_id
"""
_INGEST_BY = {chave: text(_INGEST.format(chave=chave)) for chave in ("telefone", "lid")}

# What no turn will answer was said all the same: it stands in the thread, and nobody is followed up as silent.
_HEARD = text("""-- entrada.heard
WITH n AS (
  INSERT INTO interacao (conversation_id, medico_id, chip_id, inbox_id, direcao, autor, midia, texto,
    provider_msg_id, em)
  SELECT i.conversation_id, c.medico_id, i.chip_id, i.id, 'entrada', 'medico', i.midia, coalesce(i.texto, ''),
    i.provider_msg_id, coalesce(i.enviada_em, i.received_at)
  FROM inbox i JOIN conversa c ON c.id = i.conversation_id JOIN chip k ON k.id = i.chip_id AND k.instancia = :instancia
  WHERE i.source = :source AND i.provider_msg_id = :msg_id AND i.desfecho LIKE 'sem_resposta%'
  ON CONFLICT (inbox_id) DO NOTHING RETURNING conversation_id, em)
UPDATE conversa c SET ultima_entrada_em = greatest(c.ultima_entrada_em, n.em),
  estagio = CASE WHEN c.ultima_saida_em < n.em AND c.estagio IN ('msg_enviada', 'followup_1_enviado',
    'followup_2_enviado', 'nao_respondeu', 'recontato') THEN 'respondeu' ELSE c.estagio END
FROM n WHERE c.id = n.conversation_id
""")

_STORE = text("""-- entrada.store
WITH k AS (SELECT id FROM chip WHERE instancia = :instancia),
i AS (
  INSERT INTO inbox (source, chip_id, provider_msg_id, tipo, midia, texto, body_hash, endereco, raw, enviada_em,
    desfecho)
  SELECT :source, k.id, :msg_id, :tipo, :midia, :texto, :body_hash, :endereco, :raw, :enviada_em, :desfecho FROM k
  ON CONFLICT ON CONSTRAINT uq_inbox_mensagem DO NOTHING RETURNING id)
SELECT (SELECT id FROM k) AS chip_id, (SELECT id FROM i) AS inbox_id
""")

# A receipt may come before the answer to the send that it is about, and receipts overtake each other: never backwards.
_RECEIPT = text("""-- entrada.receipt
WITH k AS (SELECT id FROM chip WHERE instancia = :instancia),
e AS (
  INSERT INTO delivery_event (chip_id, provider_msg_id, status) SELECT k.id, :msg_id, :status FROM k
  ON CONFLICT ON CONSTRAINT uq_delivery_event DO NOTHING RETURNING id),
i AS (
  UPDATE interacao SET entrega = :entrega
  WHERE provider_msg_id = :msg_id AND direcao = 'saida' AND chip_id = (SELECT id FROM k)
    AND array_position(ARRAY['enviada', 'falhou', 'entregue', 'lida'], entrega)
      < array_position(ARRAY['enviada', 'falhou', 'entregue', 'lida'], CAST(:entrega AS text)) RETURNING id)
SELECT (SELECT id FROM k) AS chip_id, (SELECT id FROM e) AS inbox_id, (SELECT count(*) FROM i) AS moved
""")

_CONNECTION = text("""-- entrada.connection
WITH k AS (UPDATE chip SET conectado = :conectado, conexao_em = :em
  WHERE instancia = :instancia AND (conexao_em IS NULL OR conexao_em <= :em) RETURNING id)
SELECT coalesce((SELECT id FROM k), (SELECT id FROM chip WHERE instancia = :instancia)) AS chip_id
""")


@dataclass(frozen=True, slots=True)
class Stored:
    """What a webhook became. `inbox_id` is None for a duplicate; `conversation_id` for what is no doctor's message.

    `desfecho` says why no turn will answer it.
    """

    inbox_id: int | None
    conversation_id: int | None = None
    desfecho: str | None = None


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A doctor's message as extracted: `telefone` or `lid` names the doctor; texts hold no NUL."""

    instancia: str
    source: str
    msg_id: str
    telefone: str | None
    lid: str | None
    nome: str | None
    midia: str
    texto: str | None
    raw: bytes
    enviada_em: datetime | None
    desfecho: str | None


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Anything else worth keeping: an echo of a send (`body_hash`, `endereco`), an event, or what nobody could read."""

    instancia: str
    source: str
    msg_id: str
    tipo: str
    raw: bytes
    midia: str = "texto"
    texto: str | None = None
    body_hash: bytes | None = None
    endereco: str | None = None
    enviada_em: datetime | None = None
    desfecho: str | None = None


async def ingest_message(db: Database, message: NewMessage, quieto_s: float, quieto_max_s: float) -> Stored | None:
    """Store a doctor's message and move its conversation's due time; None when no chip has this instance.

    One round trip. A message with a `desfecho` is stored as settled and wakes nobody.
    """
    chave = "telefone" if message.telefone else "lid"
    params = {name: getattr(message, name) for name in NewMessage.__slots__}
    steps = [Step(_INGEST_BY[chave], params | {"quieto_s": quieto_s, "quieto_max_s": quieto_max_s}, writes=True)]
    if message.desfecho is not None:
        steps.append(Step(_HEARD, params))
    [[row], *_] = await db.round_trip(*steps)
    return Stored(row["inbox_id"], row["conversation_id"], message.desfecho) if row["chip_id"] else None


async def store_event(db: Database, event: NewEvent) -> Stored | None:
    """Store what is no doctor's message; None when no chip has this instance."""
    params = {name: getattr(event, name) for name in NewEvent.__slots__}
    [[row]] = await db.round_trip(Step(_STORE, params, writes=True))
    return Stored(row["inbox_id"]) if row["chip_id"] else None


async def store_receipt(db: Database, instancia: str, msg_id: str, status: str, entrega: str) -> Stored | None:
    """Store a receipt and move the message's delivery forward; None when no chip has this instance."""
    params = {"instancia": instancia, "msg_id": msg_id, "status": status, "entrega": entrega}
    [[row]] = await db.round_trip(Step(_RECEIPT, params, writes=True))
    return Stored(row["inbox_id"]) if row["chip_id"] else None


async def store_connection(db: Database, instancia: str, *, conectado: bool, em: datetime) -> Stored | None:
    """Note whether the chip is connected, unless something newer is known; None when no chip has this instance."""
    params = {"instancia": instancia, "conectado": conectado, "em": em}
    [[row]] = await db.round_trip(Step(_CONNECTION, params, writes=True))
    return Stored(None) if row["chip_id"] else None

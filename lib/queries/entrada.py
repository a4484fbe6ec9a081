"""Ingest: one round trip per webhook, committed before the gateway gets its 2xx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text

from lib.db import Database, Step
from lib.domain.chip_ciclo import PRIMEIRA_PARTE, RESTRICAO
from lib.domain.evento import EfeitoRecibo
from lib.queries import conexao, revisao
from lib.queries.conexao import Dito
from lib.queries.quem import Stored, compose, settle

__all__ = [
    "NewEffect",
    "NewEvent",
    "NewMessage",
    "NewReceipt",
    "Stored",
    "apply_effects",
    "ingest_message",
    "store_connection",
    "store_event",
    "store_receipts",
]

_INGEST = """-- entrada.ingest_message
WITH {quem},
i AS (
  INSERT INTO inbox (source, chip_id, provider_msg_id, conversation_id, tipo, midia, texto, raw, enviada_em, desfecho,
    alvo_msg_id, citada_msg_id, conteudo)
  SELECT :source, k.id, :msg_id, c.id, 'mensagem', :midia, :texto, :raw, :enviada_em, :desfecho, :alvo_msg_id,
    :citada_msg_id, :conteudo FROM k, c
  ON CONFLICT ON CONSTRAINT uq_inbox_mensagem DO NOTHING RETURNING id, desfecho),
{agenda}
SELECT (SELECT id FROM k) AS chip_id, (SELECT id FROM i) AS inbox_id, (SELECT id FROM c) AS conversation_id,
  t.lid, t.telefone, {dois} FROM t
"""
_INGEST_BY = {chave: compose(_INGEST, chave) for chave in ("telefone", "lid")}

# What no turn will answer was said all the same: it stands in the thread, and nobody is followed up as silent.
_HEARD = text("""-- entrada.heard
WITH n AS (
  INSERT INTO interacao (conversation_id, medico_id, chip_id, inbox_id, direcao, autor, midia, texto,
    provider_msg_id, em)
  SELECT i.conversation_id, c.medico_id, i.chip_id, i.id, 'entrada', 'medico', i.midia, coalesce(i.texto, ''),
    i.provider_msg_id, coalesce(i.enviada_em, i.received_at)
  FROM inbox i JOIN conversa c ON c.id = i.conversation_id JOIN chip k ON k.id = i.chip_id AND k.instancia = :instancia
  WHERE i.source = :source AND i.provider_msg_id = :msg_id AND i.turn_id IS NULL AND i.desfecho IS NOT NULL
  ON CONFLICT (inbox_id) DO NOTHING RETURNING conversation_id, em)
UPDATE conversa c SET ultima_entrada_em = greatest(c.ultima_entrada_em, n.em),
  estagio = CASE WHEN c.ultima_saida_em < n.em AND c.estagio IN ('msg_enviada', 'followup_1_enviado',
    'followup_2_enviado', 'nao_respondeu', 'recontato') THEN 'respondeu' ELSE c.estagio END
FROM n WHERE c.id = n.conversation_id
""")

# The list "sem resposta": a person is told once of each message that nobody answers by itself (decision D23).
_NOTICE = text("""-- entrada.notice
INSERT INTO aviso (chave, tipo, conversation_id, texto)
SELECT 'sem_resposta:' || i.id, 'sem_resposta', i.conversation_id, :aviso
FROM inbox i JOIN chip k ON k.id = i.chip_id AND k.instancia = :instancia
WHERE i.source = :source AND i.provider_msg_id = :msg_id AND i.desfecho LIKE 'sem_resposta%'
ON CONFLICT (chave) DO NOTHING
""")

_STORE = text("""-- entrada.store
WITH k AS (SELECT id FROM chip WHERE instancia = :instancia AND gateway = :source),
i AS (
  INSERT INTO inbox (source, chip_id, provider_msg_id, tipo, midia, texto, body_hash, endereco, raw, enviada_em,
    desfecho)
  SELECT :source, k.id, :msg_id, :tipo, :midia, :texto, :body_hash, :endereco, :raw, :enviada_em, :desfecho FROM k
  ON CONFLICT ON CONSTRAINT uq_inbox_mensagem DO NOTHING RETURNING id)
SELECT (SELECT id FROM k) AS chip_id, (SELECT id FROM i) AS inbox_id
""")

_LINK = text("""-- entrada.link
INSERT INTO lid_telefone (lid, telefone)
SELECT n.lid, n.telefone FROM unnest(CAST(:lids AS text[]), CAST(:telefones AS text[])) AS n(lid, telefone)
WHERE EXISTS (SELECT FROM chip WHERE instancia = :instancia AND gateway = :source)
  AND NOT EXISTS (SELECT FROM lid_telefone l WHERE l.lid = n.lid AND l.telefone = n.telefone)
ORDER BY n.lid
ON CONFLICT (lid) DO UPDATE SET telefone = excluded.telefone, visto_em = now()
""")

# A receipt may come before the answer to the send that it is about, and receipts overtake each other: never backwards.
# All that came together is one statement; rows are locked in their order, so that two processes never block each other.
_RECEIPTS = text("""-- entrada.receipts
WITH n AS (
  SELECT n.*, k.id AS chip_id, array_position(ARRAY['enviada', 'falhou', 'entregue', 'lida'], n.entrega) AS grau
  FROM unnest(CAST(:instancias AS text[]), CAST(:msg_ids AS text[]), CAST(:statuses AS text[]),
    CAST(:entregas AS text[]), CAST(:outbox_ids AS bigint[]), CAST(:erros AS text[]), CAST(:sources AS text[]))
    WITH ORDINALITY AS n(instancia, msg_id, status, entrega, outbox_id, erro, source, ordem)
  LEFT JOIN chip k ON k.instancia = n.instancia AND k.gateway = coalesce(n.source, k.gateway)),
e AS (
  INSERT INTO delivery_event (chip_id, provider_msg_id, status, entrega, outbox_id, erro)
  SELECT DISTINCT ON (msg_id, status) chip_id, msg_id, status, entrega, outbox_id, erro FROM n
  WHERE chip_id IS NOT NULL ORDER BY msg_id, status, ordem
  ON CONFLICT ON CONSTRAINT uq_delivery_event DO NOTHING RETURNING id, provider_msg_id, status),
m AS (
  SELECT DISTINCT ON (chip_id, msg_id) chip_id, msg_id, entrega, grau, erro FROM n WHERE grau IS NOT NULL
  ORDER BY chip_id, msg_id, grau DESC),
alvo AS (
  SELECT i.id, m.entrega, m.grau, m.erro
  FROM interacao i JOIN m ON m.msg_id = i.provider_msg_id AND m.chip_id = i.chip_id
  WHERE i.direcao = 'saida' ORDER BY i.id FOR UPDATE OF i),
i AS (
  UPDATE interacao SET entrega = alvo.entrega FROM alvo WHERE interacao.id = alvo.id
    AND array_position(ARRAY['enviada', 'falhou', 'entregue', 'lida'], interacao.entrega) < alvo.grau
  RETURNING interacao.id, interacao.conversation_id, interacao.entrega, interacao.proativa, alvo.erro),
avisa AS (
  INSERT INTO aviso (chave, tipo, conversation_id, texto)
  SELECT 'entrega:' || id, 'entrega', conversation_id,
    'Uma resposta não chegou ao médico' || coalesce(' (' || left(erro, 100) || ')', '')
  FROM i WHERE entrega = 'falhou' AND NOT proativa ON CONFLICT (chave) DO NOTHING)
SELECT n.chip_id, e.id AS event_id FROM n
LEFT JOIN e ON e.provider_msg_id = n.msg_id AND e.status = n.status ORDER BY n.ordem
""")

# Only until the receipt itself is stored: one that is repeated for days says nothing new of a number or a doctor. Who
# wrote after the message left has WhatsApp. Locked in the order of everybody: states, conversations; chips last.
_EFFECTS = text("""-- entrada.effects
WITH n AS (
  SELECT n.*, k.id AS chip_id
  FROM unnest(CAST(:sources AS text[]), CAST(:instancias AS text[]), CAST(:efeitos AS text[]),
    CAST(:msg_ids AS text[]), CAST(:statuses AS text[]), CAST(:outbox_ids AS bigint[]))
    AS n(source, instancia, efeito, msg_id, status, outbox_id)
  JOIN chip k ON k.instancia = n.instancia AND k.gateway = n.source
  WHERE NOT EXISTS (SELECT FROM delivery_event e WHERE e.provider_msg_id = n.msg_id AND e.status = n.status)),
o AS (
  SELECT DISTINCT n.efeito, o.medico_id, o.enviando_em FROM n JOIN outbox o ON o.chip_id = n.chip_id
    AND (o.provider_msg_id = n.msg_id OR o.id = n.outbox_id)),
tranca AS (
  SELECT s.medico_id, s.ultima_entrada_em FROM doctor_state s WHERE s.medico_id IN (SELECT medico_id FROM o)
  ORDER BY s.medico_id FOR UPDATE),
s AS (
  UPDATE doctor_state s SET permissao = 'opted_out', cooling_off_ate = NULL FROM tranca t
  WHERE s.medico_id = t.medico_id AND s.permissao <> 'opted_out'
    AND s.medico_id IN (SELECT medico_id FROM o WHERE efeito = 'optout') RETURNING s.medico_id),
c AS (
  UPDATE conversa c SET estagio = 'optout' FROM s WHERE c.medico_id = s.medico_id AND c.estagio <> 'optout'
    AND c.status IN ('active', 'paused', 'escalated')),
m AS (
  UPDATE medico m SET sem_whatsapp_em = :em FROM tranca t WHERE m.id = t.medico_id AND EXISTS (
    SELECT FROM o WHERE o.medico_id = m.id AND o.efeito = 'sem_whatsapp'
      AND coalesce(t.ultima_entrada_em < o.enviando_em, true))
    AND (m.sem_whatsapp_em IS NULL OR m.sem_whatsapp_em <= t.ultima_entrada_em)),
k AS (
  SELECT id, instancia, status, (SELECT bool_or(n.efeito = 'chip_fora') FROM n WHERE n.chip_id = chip.id)
      AND conectado AND (conexao_em IS NULL OR conexao_em <= :em) AS sai,
    (SELECT bool_or(n.efeito = 'chip_restrito') FROM n WHERE n.chip_id = chip.id) AS cala,
    EXISTS (SELECT FROM chip_transicao_legal l WHERE l.de = status AND l.para = 'restricted' AND l.ator = 'gateway')
      AS muda
  FROM chip WHERE id IN (SELECT chip_id FROM n WHERE efeito IN ('chip_fora', 'chip_restrito'))
    AND (SELECT count(*) FROM tranca) >= 0 ORDER BY id FOR NO KEY UPDATE),
avisa AS (
  INSERT INTO aviso (chave, tipo, texto)
  SELECT 'chip_restrito:' || k.id || ':' || CAST(CAST(:em AS date) AS text), 'chip_perdido',
    k.instancia || ': o WhatsApp só deixa este número responder; campanhas e follow-ups dele esperam'
  FROM k WHERE k.cala AND k.muda ON CONFLICT (chave) DO NOTHING)
UPDATE chip SET conectado = chip.conectado AND NOT k.sai, conexao_em = CASE WHEN k.sai THEN :em ELSE conexao_em END,
  cooldown_ate = CASE WHEN k.sai AND gateway = 'meta' THEN greatest(cooldown_ate, :em + interval '10 minutes')
    ELSE cooldown_ate END,
  cooldown_motivo = CASE WHEN k.sai AND gateway = 'meta' THEN 'a Meta recusou o número' ELSE cooldown_motivo END,
  reply_only_until = CASE WHEN k.cala THEN greatest(reply_only_until, :em + make_interval(secs => :restricao_s))
    ELSE reply_only_until END,
  rampup_parte = CASE WHEN k.cala THEN :rampup_parte ELSE rampup_parte END,
  rampup_desde = CASE WHEN k.cala THEN NULL ELSE rampup_desde END,
  status = CASE WHEN k.cala AND k.muda THEN 'restricted' ELSE chip.status END,
  status_motivo = CASE WHEN k.cala AND k.muda THEN 'o WhatsApp recusou um primeiro contato' ELSE status_motivo END,
  status_ator = CASE WHEN k.cala AND k.muda THEN 'gateway:' || gateway ELSE status_ator END,
  status_desde = CASE WHEN k.cala AND k.muda THEN :em ELSE status_desde END
FROM k WHERE chip.id = k.id AND (k.sai OR k.cala)
""")


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A doctor's message as extracted: `telefone` or `lid` names the doctor; texts hold no NUL.

    `parada` says that it is an explicit stop.
    """

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
    alvo_msg_id: str | None = None
    citada_msg_id: str | None = None
    conteudo: dict[str, Any] | None = None
    parada: bool = False

    def params(self) -> dict[str, Any]:
        """Return the message as its statements want it."""
        values = {name: getattr(self, name) for name in NewMessage.__slots__}
        return values | {"conteudo": None if self.conteudo is None else Jsonb(self.conteudo)}


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """A receipt as extracted: the gateway's word for how far the message got, and ours.

    `outbox_id` is our own name for the message, where the gateway gives it back; `erro` why it failed; `source` the
    gateway that says so, None when the caller vouches for it.
    """

    instancia: str
    msg_id: str
    status: str
    entrega: str | None
    outbox_id: int | None = None
    erro: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class NewEffect:
    """What a failure says beyond itself; `msg_id` and `status` name its receipt, `outbox_id` the message."""

    source: str
    instancia: str
    efeito: EfeitoRecibo
    msg_id: str | None = None
    status: str | None = None
    outbox_id: int | None = None


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

    One round trip. A message with a `desfecho` is stored as settled and wakes nobody. What earlier events said of this
    message, an edit or a deletion, is applied to it.
    """
    chave = "telefone" if message.telefone else "lid"
    params = message.params() | {"quieto_s": quieto_s, "quieto_max_s": quieto_max_s, "alvo": message.msg_id}
    steps = [Step(_INGEST_BY[chave], params, writes=True)]
    if message.desfecho is not None:
        steps.append(Step(_HEARD, params))
        if message.desfecho.startswith("sem_resposta"):
            reason = message.desfecho.partition(": ")[2]
            steps.append(Step(_NOTICE, params | {"aviso": f"Mensagem sem resposta automática: {reason}"}))
    steps.append(Step(revisao.AMEND, params))
    [[row], *_, settled] = await settle(db, steps)
    if row["chip_id"] is None:
        return None
    two = row["dois"] and row["telefone"] is not None
    return Stored(
        row["inbox_id"],
        row["conversation_id"],
        settled[0]["desfecho"] if settled else message.desfecho,
        lid=row["lid"] if two else None,
        telefone=row["telefone"] if two else None,
        perdida=bool(settled and settled[0]["perdida"]),
        imediata=message.desfecho is None and quieto_s == 0,
    )


async def store_event(db: Database, event: NewEvent, vinculos: Sequence[tuple[str, str]] = ()) -> Stored | None:
    """Store what is no doctor's message, and the pairs of LID and phone it names; None without a chip of this name."""
    params = {name: getattr(event, name) for name in NewEvent.__slots__}
    [[row], *_] = await db.round_trip(Step(_STORE, params, writes=True), *_links(event, vinculos))
    return Stored(row["inbox_id"]) if row["chip_id"] else None


async def store_receipts(db: Database, receipts: Sequence[NewReceipt]) -> list[Stored | None]:
    """Store receipts and move their messages' delivery forward, in one round trip; one result for each, in order.

    None when no chip has that instance.
    """
    params = {
        "instancias": [receipt.instancia for receipt in receipts],
        "msg_ids": [receipt.msg_id for receipt in receipts],
        "statuses": [receipt.status for receipt in receipts],
        "entregas": [receipt.entrega for receipt in receipts],
        "outbox_ids": [receipt.outbox_id for receipt in receipts],
        "erros": [receipt.erro for receipt in receipts],
        "sources": [receipt.source for receipt in receipts],
    }
    [rows] = await db.round_trip(Step(_RECEIPTS, params, writes=True))
    return [Stored(row["event_id"]) if row["chip_id"] else None for row in rows]


async def apply_effects(db: Database, effects: Sequence[NewEffect], em: datetime) -> None:
    """Do what failed deliveries say beyond themselves, in one round trip; repeating it changes nothing.

    An opt-out, a number without WhatsApp, a chip that is out, one that may only answer from now on.
    """
    columns = {
        "sources": [effect.source for effect in effects],
        "instancias": [effect.instancia for effect in effects],
        "efeitos": [effect.efeito.value for effect in effects],
        "msg_ids": [effect.msg_id for effect in effects],
        "statuses": [effect.status for effect in effects],
        "outbox_ids": [effect.outbox_id for effect in effects],
    }
    restrains = {"restricao_s": RESTRICAO.total_seconds(), "rampup_parte": PRIMEIRA_PARTE}
    await db.round_trip(Step(_EFFECTS, {**columns, "em": em, **restrains}, writes=True))


async def store_connection(db: Database, dito: Dito, em: datetime, evento: NewEvent | None = None) -> Stored | None:
    """Take in what a gateway says of one number, unless something newer is known, and keep the event where it says why.

    One round trip. None when no chip has this instance.
    """
    steps = [conexao.step([dito], em)]
    if evento is not None:
        steps.append(Step(_STORE, {name: getattr(evento, name) for name in NewEvent.__slots__}))
    [[row], *kept] = await db.round_trip(*steps)
    return Stored(kept[0][0]["inbox_id"] if kept else None) if row["chip_id"] else None


def _links(event: NewEvent, vinculos: Sequence[tuple[str, str]]) -> list[Step]:
    if not vinculos:
        return []
    lids, telefones = zip(*vinculos, strict=True)
    whose = {"instancia": event.instancia, "source": event.source}
    return [Step(_LINK, whose | {"lids": list(lids), "telefones": list(telefones)})]

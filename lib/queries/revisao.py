"""Edits and deletions: applied to what is not answered yet, noted on what is, kept for what has not come yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Step
from lib.queries.quem import Stored, compose, settle

# The message's own ingest takes the same lock: whichever of the two comes second sees the other.
_LOCK = text("-- revisao.lock\nSELECT pg_advisory_xact_lock(hashtextextended(:alvo, 0))")

# The author is whom the gateway names, or else whoever wrote the target. The mailboxes are locked before anybody looks
# whether the target is still open: a turn that is about to answer it commits first or finds it changed.
_STORE = compose("""-- revisao.store
WITH k AS (SELECT id FROM chip WHERE instancia = :instancia AND gateway = :source),
{autor},
a AS (
  SELECT c.medico_id, i.conversation_id FROM inbox i JOIN k ON k.id = i.chip_id
    JOIN conversa c ON c.id = i.conversation_id
  WHERE i.source = :source AND i.provider_msg_id = :alvo AND i.tipo = 'mensagem'),
nossa AS (
  SELECT FROM inbox e JOIN k ON k.id = e.chip_id WHERE e.provider_msg_id = :alvo AND e.tipo = 'eco'
  UNION ALL SELECT FROM outbox o JOIN k ON k.id = o.chip_id WHERE o.provider_msg_id = :alvo),
d AS (SELECT CASE WHEN :assinada THEN (SELECT id FROM conhecido)
  ELSE coalesce((SELECT medico_id FROM a), (SELECT id FROM conhecido)) END AS id WHERE NOT EXISTS (SELECT FROM nossa)),
c AS (
  SELECT c.id FROM conversa c JOIN d ON d.id = c.medico_id
  ORDER BY c.status IN {abertas} DESC, c.id DESC LIMIT 1),
tranca AS (
  SELECT b.conversation_id FROM mailbox b
  WHERE b.conversation_id IN (SELECT id FROM c UNION SELECT conversation_id FROM a) ORDER BY 1 FOR UPDATE),
i AS (
  INSERT INTO inbox (source, chip_id, provider_msg_id, conversation_id, tipo, midia, texto, endereco, raw,
    enviada_em, alvo_msg_id, desfecho)
  SELECT :source, k.id, :msg_id, (SELECT id FROM c), 'mensagem', :midia, :texto,
    CASE WHEN :assinada THEN coalesce(:telefone, :lid || '@lid') END, :raw, :enviada_em, :alvo,
    CASE WHEN EXISTS (SELECT FROM nossa) THEN 'silencio: ' || :nome_da_revisao || ' de mensagem nossa'
      WHEN EXISTS (SELECT FROM c) OR NOT :parada THEN :desfecho ELSE :ainda_nao END
  FROM k WHERE (SELECT count(*) FROM tranca) >= 0
  ON CONFLICT ON CONSTRAINT uq_inbox_mensagem DO NOTHING RETURNING id, desfecho),
{agenda}
SELECT (SELECT id FROM k) AS chip_id, (SELECT id FROM i) AS inbox_id, (SELECT id FROM c) AS conversation_id,
  (SELECT desfecho FROM i) AS desfecho
""")

# What stands in `:alvo` meets the last thing said about it. A deletion is final; only its own author may do either, and
# what asked us to stop stands whatever becomes of its words.
AMEND = compose("""-- revisao.amend
WITH a AS (
  SELECT i.id, i.chip_id, i.conversation_id, i.turn_id IS NULL AND i.desfecho IS NULL AS aberta, c.medico_id,
    i.desfecho, c.status IN {abertas} AS viva, coalesce(i.conteudo ? 'parada', false) AS parada
  FROM inbox i JOIN chip k ON k.id = i.chip_id AND k.instancia = :instancia JOIN conversa c ON c.id = i.conversation_id
  WHERE i.source = :source AND i.provider_msg_id = :alvo AND i.tipo = 'mensagem'),
dita AS (
  SELECT e.id, e.midia, e.texto, coalesce(e.enviada_em, e.received_at) AS em
  FROM a JOIN inbox e ON e.alvo_msg_id = :alvo AND e.source = :source AND e.chip_id = a.chip_id
    AND e.midia IN ('edicao', 'apagamento') AND (e.midia = 'apagamento' OR e.texto IS NOT NULL)
    LEFT JOIN conversa o ON o.id = e.conversation_id
  WHERE o.medico_id = a.medico_id OR (o.medico_id IS NULL AND (e.endereco IS NULL OR EXISTS (
    SELECT FROM medico m WHERE m.id = a.medico_id AND e.endereco IN (m.telefone, m.lid || '@lid'))))),
e AS (SELECT * FROM dita ORDER BY midia, em DESC, id DESC LIMIT 1),
aberto AS (
  UPDATE inbox i SET texto = e.texto, revisao = i.revisao + 1,
    desfecho = CASE WHEN e.midia = 'apagamento' THEN 'silencio: apagada pelo médico' END
  FROM e, a WHERE i.id = a.id AND i.turn_id IS NULL AND i.desfecho IS NULL
    AND (e.midia = 'apagamento' OR i.texto IS DISTINCT FROM e.texto) AND NOT a.parada
  RETURNING i.id, i.conversation_id, i.chip_id, i.midia, i.provider_msg_id, i.desfecho,
    coalesce(i.enviada_em, i.received_at) AS em),
respondida AS (
  UPDATE interacao n SET texto = coalesce(e.texto, ''),
    editada_em = CASE WHEN e.midia = 'edicao' THEN e.em ELSE n.editada_em END,
    apagada_em = CASE WHEN e.midia = 'apagamento' THEN e.em END
  FROM e, a WHERE n.inbox_id = a.id AND n.apagada_em IS NULL
    AND (e.midia = 'apagamento' OR n.texto IS DISTINCT FROM e.texto)),
apagada AS (
  INSERT INTO interacao (conversation_id, medico_id, chip_id, inbox_id, direcao, autor, midia, texto, provider_msg_id,
    em, apagada_em)
  SELECT x.conversation_id, a.medico_id, x.chip_id, x.id, 'entrada', 'medico', x.midia, '', x.provider_msg_id, x.em,
    e.em
  FROM aberto x, a, e WHERE x.desfecho IS NOT NULL ON CONFLICT (inbox_id) DO NOTHING),
agenda AS (
  UPDATE mailbox b SET dead = NULL, tries = CASE WHEN b.dead IS NULL THEN b.tries ELSE 0 END,
    due_at = greatest(CASE WHEN b.tries > 0 AND b.dead IS NULL THEN b.due_at END,
      least(now() + make_interval(secs => :quieto_s), coalesce(b.primeira_em, now())
        + make_interval(secs => :quieto_max_s)))
  FROM aberto x WHERE b.conversation_id = x.conversation_id AND x.desfecho IS NULL),
feito AS (
  UPDATE inbox r SET desfecho = 'silencio: ' || CASE WHEN a.parada
    THEN CASE r.midia WHEN 'edicao' THEN 'edição' ELSE 'apagamento' END
      || ' de um pedido de parada, que vale'
    WHEN a.aberta THEN CASE r.midia WHEN 'edicao' THEN 'edição aplicada'
      ELSE 'apagamento aplicado' END || ' antes da resposta'
    ELSE CASE r.midia WHEN 'edicao' THEN 'edição' ELSE 'apagamento' END || ' de mensagem já respondida' END
  FROM a, dita WHERE r.id = dita.id AND r.desfecho LIKE 'silencio: % que ainda não chegou' RETURNING r.desfecho)
SELECT a.aberta AND NOT a.viva AS perdida, coalesce((SELECT desfecho FROM aberto), a.desfecho) AS desfecho,
  (SELECT desfecho FROM feito LIMIT 1) AS revisao FROM a
""")


@dataclass(frozen=True, slots=True)
class NewRevision:
    """An edit or a deletion as extracted; `alvo` is the message that it is about, `texto` the new words.

    `assinada` says that `telefone` or `lid` names its author for sure. `parada`: its new words are an explicit stop,
    which waits with the outcome `ainda_nao` while nobody knows whose it is. `nome_da_revisao` is its kind in words.
    """

    instancia: str
    source: str
    msg_id: str
    alvo: str
    assinada: bool
    telefone: str | None
    lid: str | None
    midia: str
    nome_da_revisao: str
    texto: str | None
    raw: bytes
    enviada_em: datetime | None
    desfecho: str | None
    ainda_nao: str | None
    parada: bool


async def store_revision(db: Database, revision: NewRevision, quieto_s: float, quieto_max_s: float) -> Stored | None:
    """Store an edit or a deletion and apply it, in one round trip; None when no chip has this instance.

    A repeated one changes nothing.
    """
    params = {name: getattr(revision, name) for name in NewRevision.__slots__}
    params |= {"quieto_s": 0.0 if revision.parada else quieto_s, "quieto_max_s": quieto_max_s}
    steps = [Step(_LOCK, params), Step(_STORE, params, writes=True), Step(AMEND, params)]
    [_, [row], met] = await settle(db, steps)
    if row["chip_id"] is None:
        return None
    desfecho = (met[0]["revisao"] if met else None) or row["desfecho"]
    return Stored(row["inbox_id"], row["conversation_id"], desfecho, imediata=revision.parada and desfecho is None)

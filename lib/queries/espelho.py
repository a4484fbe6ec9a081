"""The mirror's queue: which messages have a copy in Chatwoot, and what became of posting it.

One round trip enters what is new and claims what is due; nothing is written on the hot path.
"""

from __future__ import annotations

from uuid import UUID, uuid4

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.queries.transferencia import ABERTA

LOTE_MAX = 500
JANELA = 5_000  # how far behind the newest copy a message may still become visible: its transaction was open so long
TENTATIVAS = 5
FORA_S = 60.0

# Nothing is said of Chatwoot's being out of reach more than once: the flag holds since when, and until when all waits.
FORA = "EXISTS (SELECT FROM flag WHERE chave = 'chatwoot_fora' AND CAST(valor ->> 'ate' AS timestamptz) > now())"

_ABERTO = "('pendente', 'enviando', 'incerto')"

# Only the newest ids of both tables are compared, each side by its key. What an agent wrote in Chatwoot is there
# already: its row is born done.
_ENQUEUE = text("""-- espelho.enqueue
WITH comeco AS (SELECT CAST(valor #>> '{}' AS bigint) AS id FROM flag WHERE chave = 'espelho_inicio'),
primeira AS (
  INSERT INTO flag (chave, valor) SELECT 'espelho_inicio', to_jsonb(coalesce((SELECT max(id) FROM interacao), 0))
  WHERE NOT EXISTS (SELECT FROM comeco) ON CONFLICT (chave) DO NOTHING),
borda AS (
  SELECT greatest(id, coalesce((SELECT max(interacao_id) FROM espelho), 0) - :janela) AS id FROM comeco),
nova AS (
  (SELECT id FROM interacao WHERE id > (SELECT id FROM borda) ORDER BY id LIMIT :janela + :limite)
  EXCEPT
  (SELECT interacao_id FROM espelho WHERE interacao_id > (SELECT id FROM borda) ORDER BY interacao_id LIMIT :janela)
  ORDER BY id LIMIT :limite)
INSERT INTO espelho (interacao_id, conversation_id, estado, chatwoot_msg_id)
SELECT i.id, i.conversation_id, CASE WHEN o.id IS NULL THEN 'pendente' ELSE 'feito' END,
  CAST(substr(o.cause, 10) AS bigint)
FROM nova JOIN interacao i ON i.id = nova.id
LEFT JOIN outbox o ON o.id = i.outbox_id AND starts_with(o.cause, 'chatwoot:')
ORDER BY i.id
ON CONFLICT DO NOTHING
""")

# One per conversation, the oldest, and none while another is on its way. A lease that ran out leaves a doubt. The
# thread is the doctor's, by whichever conversation it was opened.
_CLAIM_OF = """-- espelho.claim
WITH devido AS (
  SELECT e.interacao_id FROM espelho e
  WHERE e.estado IN {aberto} AND e.next_at <= now() AND (e.lease_until IS NULL OR e.lease_until < now()) AND NOT {fora}
    AND NOT EXISTS (SELECT FROM espelho p WHERE p.conversation_id = e.conversation_id AND p.estado IN {aberto}
      AND p.interacao_id <> e.interacao_id AND (p.interacao_id < e.interacao_id OR p.lease_until >= now()))
  ORDER BY e.interacao_id LIMIT :limite FOR UPDATE OF e SKIP LOCKED),
tomado AS (
  UPDATE espelho e SET claim = :claim, lease_until = now() + make_interval(secs => :lease_s),
    estado = CASE WHEN e.estado = 'pendente' THEN 'enviando' ELSE 'incerto' END
  FROM devido d WHERE e.interacao_id = d.interacao_id
  RETURNING e.interacao_id, e.conversation_id, e.estado, e.claim, e.tentativas)
SELECT t.interacao_id, i.conversation_id, t.estado, t.claim, t.tentativas, i.autor, i.midia, i.texto, i.em,
  i.editada_em IS NOT NULL AS editada, i.apagada_em IS NOT NULL AS apagada, m.id AS medico_id, m.nome, m.telefone,
  m.lid, cc.chatwoot_id, coalesce((SELECT max(x.chatwoot_msg_id) FROM espelho x
    WHERE x.conversation_id = t.conversation_id AND x.interacao_id < t.interacao_id), 0) AS depois_de
FROM tomado t JOIN interacao i ON i.id = t.interacao_id JOIN medico m ON m.id = i.medico_id
LEFT JOIN LATERAL (
  SELECT z.chatwoot_id FROM chatwoot_conversa z JOIN conversa c ON c.id = z.conversation_id
  WHERE c.medico_id = i.medico_id
  ORDER BY z.conversation_id = i.conversation_id DESC, c.{aberta} DESC, c.id DESC LIMIT 1) cc ON true
ORDER BY t.interacao_id
"""
_CLAIM = text(_CLAIM_OF.format(aberto=_ABERTO, fora=FORA, aberta=ABERTA))

# Evidence needs no claim: the answer to the post, its webhook and the look-up all say the same. It also shows that
# Chatwoot is back, and that this thread is in use: one that rested is looked at now, for what people did there while
# nobody looked.
_DONE = text("""-- espelho.done
WITH e AS (
  UPDATE espelho SET estado = 'feito', chatwoot_msg_id = :msg_id, lease_until = NULL, claim = NULL, motivo = NULL
  WHERE interacao_id = :id AND estado <> 'feito' AND (claim = CAST(:claim AS uuid) OR EXISTS (
    SELECT FROM interacao i JOIN conversa c ON c.medico_id = i.medico_id JOIN chatwoot_conversa cc
      ON cc.conversation_id = c.id WHERE i.id = :id AND cc.chatwoot_id = :chatwoot_id))
  RETURNING interacao_id),
volta AS (DELETE FROM flag WHERE chave = 'chatwoot_fora')
UPDATE chatwoot_conversa SET conferir_em = now() FROM e
WHERE chatwoot_id = :chatwoot_id AND conferir_em IS NULL
""")

_LATER_OF = """-- espelho.later
WITH e AS (
  UPDATE espelho SET tentativas = tentativas + CASE WHEN :conta THEN 1 ELSE 0 END, motivo = :motivo, claim = NULL,
    lease_until = NULL, next_at = now() + make_interval(secs => :espera_s),
    estado = CASE WHEN :morre OR (:conta AND tentativas + 1 >= :max_tentativas) THEN 'morto' ELSE :estado END
  WHERE interacao_id = :id AND claim = :claim AND estado IN {aberto}
  RETURNING interacao_id, conversation_id, estado)
INSERT INTO aviso (chave, tipo, conversation_id, texto)
SELECT 'espelho:' || interacao_id, 'integracao', conversation_id, :aviso FROM e WHERE estado = 'morto'
ON CONFLICT (chave) DO NOTHING
"""
_LATER = text(_LATER_OF.format(aberto=_ABERTO))

# Where one kind of call is refused and another is not, one outage follows the other: they are told once an hour.
_OUTAGE = text("""-- espelho.outage
WITH f AS (
  INSERT INTO flag (chave, valor) VALUES ('chatwoot_fora',
    jsonb_build_object('desde', now(), 'ate', now() + make_interval(secs => :fora_s)))
  ON CONFLICT (chave) DO UPDATE SET valor = flag.valor || jsonb_build_object('ate', excluded.valor -> 'ate')
  RETURNING to_char(CAST(valor ->> 'desde' AS timestamptz) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24') AS desde)
INSERT INTO aviso (chave, tipo, texto) SELECT 'chatwoot_fora:' || desde, 'integracao', :aviso FROM f
ON CONFLICT (chave) DO NOTHING
""")

_NOTICE = text("""-- espelho.notice
INSERT INTO aviso (chave, tipo, texto) VALUES (:chave, 'integracao', :texto) ON CONFLICT (chave) DO NOTHING
""")

_BIND = text("""-- espelho.bind
INSERT INTO chatwoot_conversa (conversation_id, contato_id, source_id, chatwoot_id, ultima_msg_id, conferir_em)
VALUES (:conversation_id, :contato_id, :source_id, :chatwoot_id, :ultima_msg_id, now())
ON CONFLICT DO NOTHING
""")

_UNBIND = text("-- espelho.unbind\nDELETE FROM chatwoot_conversa WHERE chatwoot_id = :chatwoot_id")


async def enqueue_and_claim(db: Database, limite: int, lease_s: float) -> list[Row]:
    """Enter the messages that have no copy yet and claim up to `limite` due ones, in one round trip.

    A claimed row in `incerto` may have been posted already; `depois_de` is a message there that is older than it. The
    first call ever only marks where the mirror begins: what was said before is not copied.
    """
    _, rows = await db.round_trip(
        Step(_ENQUEUE, {"janela": JANELA, "limite": LOTE_MAX}, writes=True),
        Step(_CLAIM, {"claim": uuid4(), "limite": limite, "lease_s": lease_s}),
    )
    return rows


async def mark_done(db: Database, interacao_id: int, chatwoot_id: int, msg_id: int, claim: UUID | None = None) -> None:
    """Record a copy that is there: by its claimer, or by evidence in a thread of this message's doctor."""
    params = {"id": interacao_id, "claim": claim, "chatwoot_id": chatwoot_id, "msg_id": msg_id}
    await db.round_trip(Step(_DONE, params, writes=True))


async def mark_later(
    db: Database, row: Row, *, estado: str, motivo: str, espera_s: float, conta: bool, morre: bool = False
) -> None:
    """Give a claimed message back, `pendente` or `incerto`; `conta` makes it one of its five tries, `morre` the last.

    A person is told once of a message that will have no copy.
    """
    params = {
        "id": row["interacao_id"],
        "claim": row["claim"],
        "estado": estado,
        "motivo": motivo,
        "espera_s": espera_s,
        "conta": conta,
        "morre": morre,
        "max_tentativas": TENTATIVAS,
        "aviso": f"Uma mensagem não pôde ser copiada para o Chatwoot: {motivo}",
    }
    await db.round_trip(Step(_LATER, params, writes=True))


async def mark_outage(db: Database, motivo: str) -> None:
    """Let everything wait that would go to Chatwoot, for a minute; a person is told once of each outage."""
    aviso = f"O Chatwoot recusou o acesso; o espelho das conversas está parado até ele voltar: {motivo}"
    await db.round_trip(Step(_OUTAGE, {"fora_s": FORA_S, "aviso": aviso}, writes=True))


async def notice(db: Database, chave: str, texto: str) -> None:
    """Tell people once of something that is wrong with the bridge."""
    await db.round_trip(Step(_NOTICE, {"chave": chave, "texto": texto}, writes=True))


async def bind(
    db: Database, conversation_id: int, *, contato_id: int, source_id: str, chatwoot_id: int, ultima_msg_id: int
) -> None:
    """Record a conversation's thread; people's messages there count from `ultima_msg_id` on, excluded."""
    params = {
        "conversation_id": conversation_id,
        "contato_id": contato_id,
        "source_id": source_id,
        "chatwoot_id": chatwoot_id,
        "ultima_msg_id": ultima_msg_id,
    }
    await db.round_trip(Step(_BIND, params, writes=True))


async def unbind(db: Database, chatwoot_id: int) -> None:
    """Forget a thread that is gone there; the next copy opens another."""
    await db.round_trip(Step(_UNBIND, {"chatwoot_id": chatwoot_id}, writes=True))

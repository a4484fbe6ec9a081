"""What became of a send: recorded by its claimer, or found out later. After `sending` only evidence moves a row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.disjuntor import ClasseFalha
from lib.queries.disjuntor import FALHA, FECHA, Aberto, opened, opens
from lib.queries.quem import DESTINO

PERTO_S = 10.0

# Only what was really sent becomes a message, moves the doctor's state and the follow-up stage. `fence` NULL: evidence.
_SENT_OF = """-- envio.mark_sent
WITH o AS (
  UPDATE outbox SET state = 'sent', provider_msg_id = n.msg_id, enviada_em = now(), lease_until = NULL, motivo = NULL
  FROM unnest(CAST(:ids AS bigint[]), CAST(:fences AS bigint[]), CAST(:msg_ids AS text[])) AS n(oid, nfence, msg_id)
  WHERE outbox.id = n.oid AND (state IN ('sending', 'unknown') OR (state = 'parked' AND n.nfence IS NULL))
    AND fence = coalesce(n.nfence, fence)
  RETURNING outbox.*, n.nfence),
i AS (
  INSERT INTO interacao (conversation_id, medico_id, chip_id, outbox_id, direcao, autor, proativa, texto,
    provider_msg_id, entrega, em)
  SELECT o.conversation_id, o.medico_id, o.chip_id, o.id, 'saida', o.autor, o.proativa, o.body, o.provider_msg_id,
    coalesce((SELECT CASE WHEN bool_or(e.entrega = 'lida') THEN 'lida'
        WHEN bool_or(e.entrega = 'entregue') THEN 'entregue' WHEN bool_or(e.entrega = 'falhou') THEN 'falhou' END
      FROM delivery_event e WHERE e.provider_msg_id = o.provider_msg_id), 'enviada'), o.enviada_em
  FROM o ON CONFLICT (outbox_id) DO NOTHING),
s AS (
  UPDATE doctor_state d SET ultima_saida_em = o.enviada_em, ultima_saida_ator = o.autor,
    permissao = CASE d.permissao WHEN 'none' THEN 'initial' ELSE d.permissao END,
    ciclo = CASE d.ciclo WHEN 'novo' THEN 'prospecting' ELSE d.ciclo END
  FROM o WHERE d.medico_id = o.medico_id AND (d.ultima_saida_em IS NULL OR d.ultima_saida_em <= o.enviada_em)
  RETURNING d.medico_id),
c AS (
  UPDATE conversa c SET ultima_saida_em = greatest(c.ultima_saida_em, o.enviada_em), chip_id = o.chip_id,
    estagio = CASE WHEN o.estagio_apos IS NOT NULL AND coalesce(c.ultima_entrada_em <= o.criada_em, true)
      THEN o.estagio_apos ELSE c.estagio END,
    pausada_ate = CASE WHEN o.estagio_apos = 'nao_respondeu' THEN now() + make_interval(secs => :pausa_s)
      ELSE c.pausada_ate END
  FROM o WHERE c.id = o.conversation_id AND (SELECT count(*) FROM s) >= 0), -- so that the state is locked first
{fecha}
SELECT o.id, (SELECT min(p.next_at) FROM outbox p WHERE p.conversation_id = o.conversation_id AND p.state = 'pending'
  AND p.id <> o.id AND p.next_at <= now() + make_interval(secs => :perto_s)) AS proxima FROM o
"""
_SENT = text(_SENT_OF.format(fecha=FECHA))

_UNKNOWN = text(f"""-- envio.mark_unknown
WITH o AS (
  UPDATE outbox SET state = 'unknown', motivo = :motivo, lease_until = NULL, falhou_em = now(),
    next_at = now() + make_interval(secs => :espera_s)
  WHERE id = :id AND fence = :fence AND state = 'sending' RETURNING id),
{FALHA}
""")  # noqa: S608 - a statement of our own in two parts

_RETRY = text(f"""-- envio.mark_retry
WITH o AS (
  UPDATE outbox SET state = 'pending', motivo = :motivo, lease_until = NULL, enviando_em = NULL, falhou_em = now(),
    attempts = greatest(attempts - 1, 0), next_at = now() + make_interval(secs => :espera_s)
  WHERE id = :id AND fence = :fence AND state = 'sending' RETURNING id),
{FALHA}
""")  # noqa: S608 - a statement of our own in two parts

# A refusal that is the chip's: the chip counts as disconnected until it says otherwise, and another may take the row.
_REFUSED = text(f"""-- envio.mark_refused
WITH o AS (
  UPDATE outbox SET state = CASE WHEN :chip_fora AND attempts < :max_tentativas THEN 'pending' ELSE 'dead' END,
    motivo = :motivo, lease_until = NULL, falhou_em = now(), enviando_em = NULL, next_at = now()
  WHERE id = :id AND fence = :fence AND state = 'sending' RETURNING id, chip_id),
fora AS (
  UPDATE chip SET conectado = false, conexao_em = CASE WHEN conectado THEN now() ELSE conexao_em END,
    conexao_vista_em = now(),
    cooldown_ate = CASE WHEN :descanso_s > 0 THEN greatest(cooldown_ate, now() + make_interval(secs => :descanso_s))
      ELSE cooldown_ate END,
    cooldown_motivo = CASE WHEN :descanso_s > 0 THEN :motivo ELSE cooldown_motivo END
  FROM o WHERE chip.id = o.chip_id AND :chip_fora),
{FALHA}
""")  # noqa: S608 - a statement of our own in two parts

_REAP = text(f"""-- envio.reap
WITH o AS (
  UPDATE outbox SET state = 'unknown', motivo = 'lease_expirado', lease_until = NULL, falhou_em = now(),
    next_at = now() + make_interval(secs => :espera_s)
  WHERE state = 'sending' AND lease_until < now() RETURNING id),
{FALHA}
""")  # noqa: S608 - a statement of our own in two parts

# The gateway told us of a send from this chip, to this number, with this text: our unknown one, if nobody else's. One
# that was given to a person is settled only by what names it itself: Meta goes on telling for seven days.
_EVIDENCE = text("""-- envio.evidence
SELECT DISTINCT ON (id) id, provider_msg_id FROM (
SELECT o.id, e.provider_msg_id, e.em AS em FROM outbox o
JOIN delivery_event e ON e.outbox_id = o.id AND e.chip_id = o.chip_id AND e.em >= o.enviando_em - interval '5 seconds'
WHERE o.state = 'unknown' AND NOT EXISTS (SELECT FROM outbox u WHERE u.provider_msg_id = e.provider_msg_id)
UNION ALL
SELECT o.id, e.provider_msg_id, e.em FROM outbox o
JOIN delivery_event e ON e.outbox_id = o.id AND e.chip_id = o.chip_id AND e.em >= o.enviando_em - interval '5 seconds'
WHERE o.state = 'parked' AND o.enviando_em > now() - interval '8 days'
  AND NOT EXISTS (SELECT FROM outbox u WHERE u.provider_msg_id = e.provider_msg_id)
UNION ALL
SELECT o.id, e.provider_msg_id, e.received_at
FROM outbox o JOIN medico d ON d.id = o.medico_id
JOIN inbox e ON e.tipo = 'eco' AND e.chip_id = o.chip_id AND e.body_hash = o.body_hash
  AND e.endereco IN (d.telefone, d.lid || '@lid') AND e.received_at >= o.enviando_em - interval '5 seconds'
WHERE o.state = 'unknown' AND NOT EXISTS (SELECT FROM outbox u WHERE u.provider_msg_id = e.provider_msg_id)) found
ORDER BY id, em
""")

_UNCLAIMED = text("""-- envio.unclaimed
SELECT n.msg_id FROM unnest(CAST(:msg_ids AS text[])) WITH ORDINALITY AS n(msg_id, ordem)
WHERE NOT EXISTS (SELECT FROM outbox u WHERE u.provider_msg_id = n.msg_id) ORDER BY n.ordem
""")

_DOUBTS_OF = """-- envio.doubts
UPDATE outbox o SET next_at = now() + make_interval(secs => :espera_s)
FROM chip k, medico d
WHERE o.id IN (SELECT id FROM outbox WHERE state = 'unknown' AND next_at <= now() ORDER BY next_at LIMIT :limite
    FOR UPDATE SKIP LOCKED)
  AND k.id = o.chip_id AND d.id = o.medico_id
RETURNING o.id, o.fence, o.body, o.enviando_em, o.consultas, k.gateway, k.instancia, {destino} AS destino
"""
_DOUBTS = text(_DOUBTS_OF.format(destino=DESTINO))

_PARKED = text("""-- envio.mark_parked
UPDATE outbox SET state = 'parked', motivo = :motivo WHERE id = :id AND fence = :fence AND state = 'unknown'
""")

# Three looks at the gateway's history found nothing: a reply is sent again, a cold message waits for a person. So does
# a reply where the gateway keeps no history, for then nothing proves that it was not sent.
_ABSENT = text("""-- envio.absent
UPDATE outbox o SET consultas = o.consultas + 1,
  state = CASE WHEN o.consultas + 1 < :consultas THEN 'unknown' WHEN s.permissao = 'opted_out' AND NOT o.isenta_optout
    THEN 'cancelled' WHEN o.proativa OR NOT :prova OR o.attempts >= :max_tentativas THEN 'parked' ELSE 'pending' END,
  motivo = CASE WHEN o.consultas + 1 < :consultas THEN o.motivo ELSE 'sem_evidencia_de_envio' END,
  next_at = CASE WHEN o.consultas + 1 < :consultas THEN now() + make_interval(secs => :espera_s) ELSE now() END
FROM doctor_state s WHERE o.id = :id AND o.fence = :fence AND o.state = 'unknown' AND s.medico_id = o.medico_id
""")


async def mark_sent(db: Database, sent: Sequence[tuple[int, int | None, str]], pausa_s: float) -> datetime | None:
    """Record accepted sends, given as (outbox id, fence or None: evidence, provider's id).

    Returns when the next message is due that waits in one of their conversations, held back by these; None: no more,
    or none within `PERTO_S`.
    """
    params = {
        "ids": [row[0] for row in sent],
        "fences": [row[1] for row in sent],
        "msg_ids": [row[2] for row in sent],
        "pausa_s": pausa_s,
        "perto_s": PERTO_S,
    }
    [done] = await db.round_trip(Step(_SENT, params, writes=True))
    return min((row["proxima"] for row in done if row["proxima"]), default=None)


async def mark_unknown(db: Database, outbox_id: int, fence: int, motivo: str, espera_s: float) -> list[Aberto]:
    """Record that nobody knows whether this was sent; only evidence moves it from here. Returns breakers it opened."""
    params = {"id": outbox_id, "fence": fence, "motivo": motivo, "espera_s": espera_s, **opens(ClasseFalha.TEMPO)}
    [rows] = await db.round_trip(Step(_UNKNOWN, params, writes=True))
    return opened(rows)


async def mark_retry(
    db: Database,
    outbox_id: int,
    fence: int,
    motivo: str,
    espera_s: float,
    *,
    classe: ClasseFalha | None = None,
    pausa_min_s: float = 0.0,
) -> list[Aberto]:
    """Put back a message of which it is known that nothing was sent. Returns breakers it opened.

    `classe` is None when it says nothing of the channel. `pausa_min_s`: the gateway wants to be left alone so long.
    """
    params = {"id": outbox_id, "fence": fence, "motivo": motivo, "espera_s": espera_s, **opens(classe, pausa_min_s)}
    [rows] = await db.round_trip(Step(_RETRY, params, writes=True))
    return opened(rows)


async def mark_refused(
    db: Database,
    outbox_id: int,
    fence: int,
    motivo: str,
    *,
    chip_fora: bool,
    tentativas: int,
    descanso_s: float = 0.0,
) -> list[Aberto]:
    """Record a definite refusal: dead, or back in the queue for another chip when the chip was the reason.

    `descanso_s`: the chip sends nothing for so long, whatever it says of its connection. Returns breakers it opened.
    """
    params = {
        "id": outbox_id,
        "fence": fence,
        "motivo": motivo,
        "chip_fora": chip_fora,
        "max_tentativas": tentativas,
        "descanso_s": float(descanso_s),
        **opens(ClasseFalha.CANAL if chip_fora else None),
    }
    [rows] = await db.round_trip(Step(_REFUSED, params, writes=True))
    return opened(rows)


async def reap_and_match(db: Database, espera_s: float) -> list[tuple[int, str]]:
    """Turn expired sends into unknown ones and return (outbox id, provider's id) for those the gateway told us of."""
    reap = {"espera_s": espera_s, **opens(ClasseFalha.TEMPO)}
    _, found = await db.round_trip(Step(_REAP, reap, writes=True), Step(_EVIDENCE))
    return [(row["id"], row["provider_msg_id"]) for row in found]


async def claim_doubts(db: Database, limite: int, espera_s: float) -> list[Row]:
    """Take unknown sends whose grace is over, to be looked up at the gateway."""
    [found] = await db.round_trip(Step(_DOUBTS, {"limite": limite, "espera_s": espera_s}, writes=True))
    return found


async def unclaimed(db: Database, msg_ids: Sequence[str]) -> list[str]:
    """Return those of the gateway's message ids that belong to no message of ours yet, in their order."""
    [found] = await db.round_trip(Step(_UNCLAIMED, {"msg_ids": list(msg_ids)}))
    return [row["msg_id"] for row in found]


async def mark_parked(db: Database, outbox_id: int, fence: int, motivo: str) -> None:
    """Leave an unclear send to a person: its conversation goes on, it is never repeated."""
    await db.round_trip(Step(_PARKED, {"id": outbox_id, "fence": fence, "motivo": motivo}, writes=True))


async def mark_absent(
    db: Database, outbox_id: int, fence: int, consultas: int, espera_s: float, tentativas: int, *, prova: bool
) -> None:
    """Record a look-up that found nothing; the last of `consultas` decides, and `tentativas` sends are the most.

    `prova`: the history is whole, so that what is not in it was not sent.
    """
    params = {
        "id": outbox_id,
        "fence": fence,
        "consultas": consultas,
        "espera_s": espera_s,
        "max_tentativas": tentativas,
        "prova": prova,
    }
    await db.round_trip(Step(_ABSENT, params, writes=True))

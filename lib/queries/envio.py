"""The only way out: judge, choose a chip and claim under one lock; then record what became of it.

One round trip does it: `_LOCK` serialises the claims of all processes, so that counts cannot be overshot; `_GATE` locks
the due rows with their doctor and conversation and judges each; `_CLAIM`, a later statement with a fresh snapshot,
counts usage and gives each row a chip; `_DEFER` puts off what found none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.chip import TRUST_MINIMO, TRUST_MINIMO_RESERVA, TipoEnvio
from lib.domain.guardrails import CAP_CONTATOS, CAP_JANELA

SEM_CHIP_S = 5.0

_LOCK = text("-- envio.lock\nSELECT pg_advisory_xact_lock(hashtext('agente.envio'))")

# FOR SHARE on the doctor and the conversation: an opt-out or a take-over commits before this look or after `sending`.
# Everybody locks in this order: outbox rows, doctor's state, conversation. No reply waits behind a cold message.
_GATE = text("""-- envio.gate
WITH devida AS (
  SELECT o.id, o.proativa, o.tipo, o.conversation_id, o.criada_em, o.cause, o.isenta_optout,
    s.permissao, s.cooling_off_ate, s.proximo_contato_em,
    s.parada_perguntada_em, c.controle, d.telefone, j.proxima, cap.livre_em
  FROM outbox o
  JOIN doctor_state s ON s.medico_id = o.medico_id
  JOIN conversa c ON c.id = o.conversation_id
  JOIN medico d ON d.id = o.medico_id
  LEFT JOIN unnest(CAST(:ufs AS text[]), CAST(:proximas AS timestamptz[])) AS j(uf, proxima)
    ON j.uf = CASE WHEN upper(d.uf) = ANY(CAST(:ufs AS text[])) THEN upper(d.uf) ELSE '' END
  LEFT JOIN LATERAL (
    SELECT p.enviando_em + make_interval(secs => :cap_janela_s) AS livre_em FROM outbox p
    WHERE p.medico_id = o.medico_id AND p.proativa AND p.state IN ('sending', 'unknown', 'sent', 'parked')
      AND p.enviando_em > now() - make_interval(secs => :cap_janela_s)
    ORDER BY p.enviando_em DESC OFFSET :cap - 1 LIMIT 1) cap ON o.proativa
  WHERE o.state = 'pending' AND o.next_at <= now() AND NOT EXISTS (
    SELECT FROM outbox p WHERE p.conversation_id = o.conversation_id AND p.id <> o.id
      AND (p.state IN ('sending', 'unknown') OR (p.state = 'pending'
        AND CASE WHEN p.proativa = o.proativa THEN p.id < o.id ELSE o.proativa END)))
  ORDER BY o.prioridade DESC, o.id LIMIT :limite
  FOR UPDATE OF o SKIP LOCKED FOR SHARE OF s, c),
veredito AS (
  SELECT id, proativa, CASE
      WHEN permissao = 'opted_out' AND NOT isenta_optout THEN 'opted_out'
      WHEN NOT (:todos OR coalesce(telefone = ANY(CAST(:permitidos AS text[])), false)) THEN 'destino_nao_permitido'
      WHEN controle = 'humano' AND cause NOT LIKE 'transferencia:%' AND NOT isenta_optout THEN 'controle_humano'
      WHEN tipo = 'followup' AND EXISTS (SELECT FROM inbox i WHERE i.conversation_id = devida.conversation_id
        AND i.tipo = 'mensagem' AND i.received_at > devida.criada_em) THEN 'respondeu'
      WHEN proativa AND (SELECT valor = 'true' OR valor ->> 'ativo' = 'true' FROM flag WHERE chave = 'pausa')
        THEN 'pausado'
      WHEN NOT proativa THEN NULL
      WHEN proxima > now() THEN 'fora_do_horario'
      WHEN permissao = 'cooling_off' AND cooling_off_ate > now() THEN 'cooling_off'
      WHEN proximo_contato_em > now() THEN 'proximo_contato'
      WHEN livre_em > now() THEN 'limite_contatos'
      WHEN parada_perguntada_em > now() - make_interval(secs => :cap_janela_s) THEN 'parada_incerta' END AS bloqueio,
    CASE WHEN permissao = 'cooling_off' THEN cooling_off_ate END AS resfria_ate, proximo_contato_em, livre_em, proxima
  FROM devida)
UPDATE outbox o SET
  motivo = v.bloqueio,
  claim = CASE WHEN v.bloqueio IS NULL THEN CAST(:claim AS uuid) END,
  state = CASE WHEN v.bloqueio IN ('opted_out', 'controle_humano', 'respondeu') THEN 'cancelled'
    WHEN v.bloqueio = 'destino_nao_permitido' AND :verificado THEN 'dead' ELSE 'pending' END,
  next_at = CASE WHEN v.bloqueio IN ('parada_incerta', 'pausado') THEN now() + interval '1 hour'
    WHEN v.bloqueio = 'destino_nao_permitido' THEN now() + make_interval(secs => :sem_chip_s)
    WHEN v.bloqueio IS NULL THEN o.next_at
    ELSE greatest(now(), v.proxima, v.resfria_ate, v.proximo_contato_em, v.livre_em) END
FROM veredito v WHERE o.id = v.id
RETURNING o.id, o.state, v.bloqueio
""")

# The least used chip first; the n-th row of a batch begins at the n-th of them, or all would want the same one.
_CLAIM = text("""-- envio.claim
WITH uso AS (
  SELECT k.id, k.trust_score, k.pode_prospectar, k.pode_followup, k.pode_responder,
    least(k.limite_hora - count(u.id) FILTER (WHERE u.enviando_em > now() - interval '1 hour'),
          k.limite_dia - count(u.id)) AS folga,
    count(*) OVER () AS chips,
    row_number() OVER (ORDER BY count(u.id) FILTER (WHERE u.enviando_em > now() - interval '1 hour'),
      k.trust_score DESC, k.id) - 1 AS vez
  FROM chip k LEFT JOIN outbox u ON u.chip_id = k.id AND u.enviando_em > now() - interval '1 day'
    AND u.state IN ('sending', 'unknown', 'sent', 'parked')
  WHERE k.status = 'active' AND k.tipo = 'julia' AND k.conectado AND (k.cooldown_ate IS NULL OR k.cooldown_ate <= now())
  GROUP BY k.id),
pedida AS (
  SELECT o.id, o.tipo, o.prioridade, c.chip_id AS afim, row_number() OVER (ORDER BY o.prioridade DESC, o.id) - 1 AS n
  FROM outbox o JOIN conversa c ON c.id = o.conversation_id
  WHERE o.claim = :claim AND o.state = 'pending'),
escolha AS (
  SELECT p.id, p.prioridade, k.id AS chip_id, k.folga FROM pedida p
  JOIN unnest(CAST(:tipos AS text[]), CAST(:minimos AS int[]), CAST(:reservas AS int[])) AS t(tipo, minimo, reserva)
    ON t.tipo = p.tipo
  CROSS JOIN LATERAL (
    SELECT u.id, u.folga FROM uso u
    WHERE u.folga > 0 AND u.trust_score >= t.reserva
      AND CASE p.tipo WHEN 'prospeccao' THEN u.pode_prospectar WHEN 'followup' THEN u.pode_followup
        ELSE u.pode_responder END
    ORDER BY u.trust_score >= t.minimo DESC, (u.id = p.afim) IS TRUE DESC,
      mod(u.vez + u.chips - mod(p.n, u.chips), u.chips)
    LIMIT 1) k),
ordem AS (
  SELECT id, chip_id, folga, row_number() OVER (PARTITION BY chip_id ORDER BY prioridade DESC, id) AS n FROM escolha)
UPDATE outbox o SET
  state = 'sending', chip_id = e.chip_id, fence = o.fence + 1, attempts = o.attempts + 1, enviando_em = now(),
  lease_until = now() + make_interval(secs => :lease_s), claim = NULL, consultas = 0
FROM ordem e JOIN chip k ON k.id = e.chip_id, medico d
WHERE o.id = e.id AND e.n <= e.folga AND d.id = o.medico_id
RETURNING o.id, o.conversation_id, o.fence, o.body, o.attempts, k.instancia, o.criada_em, o.cause,
  coalesce(d.telefone, d.lid || '@lid') AS destino
""")

_DEFER = text("""-- envio.defer
UPDATE outbox SET claim = NULL, motivo = 'sem_chip', next_at = now() + make_interval(secs => :sem_chip_s)
WHERE claim = :claim AND state = 'pending' RETURNING id
""")

# Only what was really sent becomes a message, moves the doctor's state and the follow-up stage. `fence` NULL: evidence.
_SENT = text("""-- envio.mark_sent
WITH o AS (
  UPDATE outbox SET state = 'sent', provider_msg_id = n.msg_id, enviada_em = now(), lease_until = NULL, motivo = NULL
  FROM unnest(CAST(:ids AS bigint[]), CAST(:fences AS bigint[]), CAST(:msg_ids AS text[])) AS n(oid, nfence, msg_id)
  WHERE outbox.id = n.oid AND state IN ('sending', 'unknown') AND fence = coalesce(n.nfence, fence)
  RETURNING outbox.*),
i AS (
  INSERT INTO interacao (conversation_id, medico_id, chip_id, outbox_id, direcao, autor, proativa, texto,
    provider_msg_id, entrega, em)
  SELECT o.conversation_id, o.medico_id, o.chip_id, o.id, 'saida', 'julia', o.proativa, o.body, o.provider_msg_id,
    coalesce((SELECT CASE WHEN bool_or(e.status IN ('READ', 'PLAYED')) THEN 'lida'
        WHEN bool_or(e.status = 'DELIVERY_ACK') THEN 'entregue' WHEN bool_or(e.status = 'ERROR') THEN 'falhou' END
      FROM delivery_event e WHERE e.provider_msg_id = o.provider_msg_id), 'enviada'), o.enviada_em
  FROM o ON CONFLICT (outbox_id) DO NOTHING),
s AS (
  UPDATE doctor_state d SET ultima_saida_em = o.enviada_em, ultima_saida_ator = 'julia',
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
  FROM o WHERE c.id = o.conversation_id AND (SELECT count(*) FROM s) >= 0) -- so that the state is locked first
SELECT o.id, EXISTS (SELECT FROM outbox p WHERE p.conversation_id = o.conversation_id AND p.state = 'pending'
  AND p.id <> o.id) AS resta FROM o
""")

_UNKNOWN = text("""-- envio.mark_unknown
UPDATE outbox SET state = 'unknown', motivo = :motivo, lease_until = NULL, falhou_em = now(),
  next_at = now() + make_interval(secs => :espera_s)
WHERE id = :id AND fence = :fence AND state = 'sending'
""")

_RETRY = text("""-- envio.mark_retry
UPDATE outbox SET state = 'pending', motivo = :motivo, lease_until = NULL, enviando_em = NULL, falhou_em = now(),
  attempts = greatest(attempts - 1, 0),
  next_at = now() + make_interval(secs => :espera_s)
WHERE id = :id AND fence = :fence AND state = 'sending'
""")

# A refusal that is the chip's: the chip counts as disconnected until it says otherwise, and another may take the row.
_REFUSED = text("""-- envio.mark_refused
WITH o AS (
  UPDATE outbox SET state = CASE WHEN :chip_fora AND attempts < :max_tentativas THEN 'pending' ELSE 'dead' END,
    motivo = :motivo, lease_until = NULL, falhou_em = now(), enviando_em = NULL, next_at = now()
  WHERE id = :id AND fence = :fence AND state = 'sending' RETURNING chip_id)
UPDATE chip SET conectado = false, conexao_em = now() FROM o WHERE chip.id = o.chip_id AND :chip_fora
""")

_REAP = text("""-- envio.reap
UPDATE outbox SET state = 'unknown', motivo = 'lease_expirado', lease_until = NULL, falhou_em = now(),
  next_at = now() + make_interval(secs => :espera_s)
WHERE state = 'sending' AND lease_until < now() RETURNING id
""")

# The gateway told us of a send from this chip, to this number, with this text: our unknown one, if nobody else's.
_EVIDENCE = text("""-- envio.evidence
SELECT DISTINCT ON (o.id) o.id, e.provider_msg_id
FROM outbox o JOIN medico d ON d.id = o.medico_id
JOIN inbox e ON e.tipo = 'eco' AND e.chip_id = o.chip_id AND e.body_hash = o.body_hash AND e.endereco = d.telefone
  AND e.received_at >= o.enviando_em - interval '5 seconds'
WHERE o.state = 'unknown' AND NOT EXISTS (SELECT FROM outbox u WHERE u.provider_msg_id = e.provider_msg_id)
ORDER BY o.id, e.received_at
""")

_UNCLAIMED = text("""-- envio.unclaimed
SELECT n.msg_id FROM unnest(CAST(:msg_ids AS text[])) WITH ORDINALITY AS n(msg_id, ordem)
WHERE NOT EXISTS (SELECT FROM outbox u WHERE u.provider_msg_id = n.msg_id) ORDER BY n.ordem
""")

_DOUBTS = text("""-- envio.doubts
UPDATE outbox o SET next_at = now() + make_interval(secs => :espera_s)
FROM chip k, medico d
WHERE o.id IN (SELECT id FROM outbox WHERE state = 'unknown' AND next_at <= now() ORDER BY next_at LIMIT :limite
    FOR UPDATE SKIP LOCKED)
  AND k.id = o.chip_id AND d.id = o.medico_id
RETURNING o.id, o.fence, o.body, o.enviando_em, o.consultas, k.instancia,
  coalesce(d.telefone, d.lid || '@lid') AS destino
""")

_PARKED = text("""-- envio.mark_parked
UPDATE outbox SET state = 'parked', motivo = :motivo WHERE id = :id AND fence = :fence AND state = 'unknown'
""")

# Three looks at the gateway's history found nothing: a reply is sent again, a cold message waits for a person.
_ABSENT = text("""-- envio.absent
UPDATE outbox o SET consultas = o.consultas + 1,
  state = CASE WHEN o.consultas + 1 < :consultas THEN 'unknown' WHEN s.permissao = 'opted_out' AND NOT o.isenta_optout
    THEN 'cancelled' WHEN o.proativa OR o.attempts >= :max_tentativas THEN 'parked' ELSE 'pending' END,
  motivo = CASE WHEN o.consultas + 1 < :consultas THEN o.motivo ELSE 'sem_evidencia_de_envio' END,
  next_at = CASE WHEN o.consultas + 1 < :consultas THEN now() + make_interval(secs => :espera_s) ELSE now() END
FROM doctor_state s WHERE o.id = :id AND o.fence = :fence AND o.state = 'unknown' AND s.medico_id = o.medico_id
""")


@dataclass(frozen=True, slots=True)
class Destinos:
    """Where sends may go (decision D31): everywhere, or to the listed numbers alone.

    `verificado` is false while it could not be asked whether the gateway is the sandbox: then the others wait.
    """

    todos: bool
    permitidos: tuple[str, ...] = ()
    verificado: bool = True


@dataclass(frozen=True, slots=True)
class Judged:
    """What one claim did: rows to send now, rows judged out with their reason, rows put off for want of a chip."""

    claimed: list[Row]
    blocked: list[Row]
    deferred: int


async def claim_due(
    db: Database,
    claim: UUID,
    limite: int,
    *,
    lease_s: float,
    proximas: Mapping[str, datetime],
    destinos: Destinos,
) -> Judged:
    """Claim up to `limite` due messages, one per conversation, each with its chip, in one round trip.

    `proximas` maps a state (`''` for unknown) to the next instant at which its doctors may be written to first.
    """
    gate = {
        "claim": claim,
        "limite": limite,
        "ufs": list(proximas),
        "proximas": list(proximas.values()),
        "todos": destinos.todos,
        "permitidos": list(destinos.permitidos),
        "verificado": destinos.verificado,
        "sem_chip_s": SEM_CHIP_S,
        "cap": CAP_CONTATOS,
        "cap_janela_s": CAP_JANELA.total_seconds(),
    }
    choose = {
        "claim": claim,
        "lease_s": lease_s,
        "tipos": [tipo.value for tipo in TipoEnvio],
        "minimos": [TRUST_MINIMO[tipo] for tipo in TipoEnvio],
        "reservas": [TRUST_MINIMO_RESERVA[tipo] for tipo in TipoEnvio],
    }
    _, judged, claimed, deferred = await db.round_trip(
        Step(_LOCK),
        Step(_GATE, gate, writes=True),
        Step(_CLAIM, choose),
        Step(_DEFER, {"claim": claim, "sem_chip_s": SEM_CHIP_S}),
    )
    return Judged(claimed, [row for row in judged if row["bloqueio"]], len(deferred))


async def mark_sent(db: Database, sent: Sequence[tuple[int, int | None, str]], pausa_s: float) -> bool:
    """Record accepted sends, given as (outbox id, fence or None: evidence, provider's id).

    Tells whether more waits in one of their conversations, which was held back by these.
    """
    params = {
        "ids": [row[0] for row in sent],
        "fences": [row[1] for row in sent],
        "msg_ids": [row[2] for row in sent],
        "pausa_s": pausa_s,
    }
    [done] = await db.round_trip(Step(_SENT, params, writes=True))
    return any(row["resta"] for row in done)


async def mark_unknown(db: Database, outbox_id: int, fence: int, motivo: str, espera_s: float) -> None:
    """Record that nobody knows whether this was sent; only evidence moves it from here."""
    params = {"id": outbox_id, "fence": fence, "motivo": motivo, "espera_s": espera_s}
    await db.round_trip(Step(_UNKNOWN, params, writes=True))


async def mark_retry(db: Database, outbox_id: int, fence: int, motivo: str, espera_s: float) -> None:
    """Put back a message of which it is known that nothing was sent."""
    params = {"id": outbox_id, "fence": fence, "motivo": motivo, "espera_s": espera_s}
    await db.round_trip(Step(_RETRY, params, writes=True))


async def mark_refused(
    db: Database, outbox_id: int, fence: int, motivo: str, *, chip_fora: bool, tentativas: int
) -> None:
    """Record a definite refusal: dead, or back in the queue for another chip when the chip was the reason."""
    params = {"id": outbox_id, "fence": fence, "motivo": motivo, "chip_fora": chip_fora, "max_tentativas": tentativas}
    await db.round_trip(Step(_REFUSED, params, writes=True))


async def reap_and_match(db: Database, espera_s: float) -> list[tuple[int, str]]:
    """Turn expired sends into unknown ones and return (outbox id, provider's id) for those the gateway told us of."""
    _, found = await db.round_trip(Step(_REAP, {"espera_s": espera_s}, writes=True), Step(_EVIDENCE))
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
    db: Database, outbox_id: int, fence: int, consultas: int, espera_s: float, tentativas: int
) -> None:
    """Record a look-up that found nothing; the last of `consultas` decides, and `tentativas` sends are the most."""
    params = {
        "id": outbox_id,
        "fence": fence,
        "consultas": consultas,
        "espera_s": espera_s,
        "max_tentativas": tentativas,
    }
    await db.round_trip(Step(_ABSENT, params, writes=True))

"""The only way out: judge, choose a chip and claim under one lock. What becomes of it is in `envio_desfecho`.

One round trip does it: `LOCK` serialises the claims of all processes, so that counts cannot be overshot; `_GATE` locks
the due rows with their doctor and conversation and judges each; `_CLAIM`, a later statement with a fresh snapshot,
counts usage and gives each row a chip; `_DEFER` puts off what found none. While the operation is paused the gate opens
for nobody (decision D20): rows keep their due time and go on at once afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.chip import TRUST_MINIMO, TRUST_MINIMO_RESERVA, TipoEnvio
from lib.domain.guardrails import CAP_CONTATOS, CAP_JANELA
from lib.queries.quem import DESTINO

SEM_CHIP_S = 5.0
HUMANO_S = 900.0  # how long a reminder waits before it asks again whether the person is done

LOCK = text("-- envio.lock\nSELECT pg_advisory_xact_lock(hashtext('agente.envio'))")

# The operation is paused (decision D20): asked inside the gate, so that it holds for every process from its commit on.
PAUSADA = "EXISTS (SELECT FROM flag WHERE chave = 'pausa' AND (valor = 'true' OR valor ->> 'ativo' = 'true'))"

# Of one conversation a reply goes first, then a reminder that is due, then a cold message.
_ORDEM = "(CASE WHEN {0}.proativa THEN 2 WHEN {0}.tipo = 'lembrete' THEN 1 ELSE 0 END, {0}.id)"

# What holds a row back: one on its way, or one before it; a reminder for later is before nobody.
_ANTES = """
    SELECT FROM outbox p WHERE p.conversation_id = o.conversation_id AND p.id <> o.id
      AND (p.state IN ('sending', 'unknown') OR (p.state = 'pending' AND (p.tipo <> 'lembrete' OR p.next_at <= now())
        AND {p} < {o}))"""

# Who is in charge is the doctor's open conversation to say, also of what one that was joined into it left behind.
# FOR SHARE on the doctor and the conversation: an opt-out or a take-over commits before this look or after `sending`.
# Everybody locks in this order: outbox rows, doctor's state, conversation.
_DEVIDA = """
  SELECT o.id, o.proativa, o.tipo, o.conversation_id, o.medico_id, o.criada_em, o.cause, o.isenta_optout, o.autor,
    d.sem_whatsapp_em > coalesce(s.ultima_entrada_em, '-infinity') AS sem_whatsapp,
    s.permissao, s.cooling_off_ate, s.proximo_contato_em,
    s.parada_perguntada_em, CASE WHEN c.status IN ('active', 'paused', 'escalated') THEN c.controle
      ELSE coalesce((SELECT a.controle FROM conversa a WHERE a.medico_id = o.medico_id
        AND a.status IN ('active', 'paused', 'escalated')), c.controle) END AS controle,
    d.telefone, j.proxima, cap.livre_em
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
  WHERE o.state = 'pending' AND o.next_at <= now() AND NOT {pausada} AND NOT EXISTS ({antes})
  ORDER BY o.prioridade DESC, o.id LIMIT :limite
  FOR UPDATE OF o SKIP LOCKED FOR SHARE OF s, c"""

# `por_ler`: what the doctor wrote and nobody has read may be a stop, as after a pause; an explicit one, or an edit into
# one, holds back replies too.
_BLOQUEIO = """CASE
      WHEN permissao = 'opted_out' AND NOT isenta_optout THEN 'opted_out'
      WHEN NOT (:todos OR coalesce(telefone = ANY(CAST(:permitidos AS text[])), false)) THEN 'destino_nao_permitido'
      WHEN controle = 'humano' AND autor <> 'humano' AND cause NOT LIKE 'transferencia:%' AND NOT isenta_optout
        THEN 'controle_humano'
      WHEN tipo = 'followup' AND EXISTS (SELECT FROM inbox i WHERE i.conversation_id = devida.conversation_id
        AND i.tipo = 'mensagem' AND i.received_at > devida.criada_em) THEN 'respondeu'
      WHEN NOT isenta_optout AND EXISTS (SELECT FROM inbox i WHERE i.conversation_id = devida.conversation_id
        AND i.turn_id IS NULL AND i.tipo = 'mensagem' AND i.desfecho IS NULL
        AND (i.conteudo ? 'parada' OR i.midia = 'edicao')) THEN 'por_ler'
      WHEN NOT proativa THEN NULL
      WHEN sem_whatsapp THEN 'sem_whatsapp'
      WHEN EXISTS (SELECT FROM conversa a JOIN mailbox m ON m.conversation_id = a.id
        WHERE a.medico_id = devida.medico_id AND m.due_at IS NOT NULL) THEN 'por_ler'
      WHEN proxima > now() THEN 'fora_do_horario'
      WHEN permissao = 'cooling_off' AND cooling_off_ate > now() THEN 'cooling_off'
      WHEN proximo_contato_em > now() THEN 'proximo_contato'
      WHEN livre_em > now() THEN 'limite_contatos'
      WHEN parada_perguntada_em > now() - make_interval(secs => :cap_janela_s) THEN 'parada_incerta' END"""

_GATE_OF = """-- envio.gate
WITH devida AS ({devida}),
veredito AS (
  SELECT id, proativa, tipo, {bloqueio} AS bloqueio,
    CASE WHEN permissao = 'cooling_off' THEN cooling_off_ate END AS resfria_ate, proximo_contato_em, livre_em, proxima
  FROM devida)
UPDATE outbox o SET
  motivo = v.bloqueio,
  claim = CASE WHEN v.bloqueio IS NULL THEN CAST(:claim AS uuid) END,
  state = CASE WHEN v.bloqueio = 'controle_humano' AND v.tipo = 'lembrete' THEN 'pending'
    WHEN v.bloqueio IN ('opted_out', 'controle_humano', 'respondeu', 'sem_whatsapp') THEN 'cancelled'
    WHEN v.bloqueio = 'destino_nao_permitido' AND :verificado THEN 'dead' ELSE 'pending' END,
  next_at = CASE WHEN v.bloqueio IS NULL THEN o.next_at
    WHEN v.bloqueio = 'parada_incerta' THEN now() + interval '1 hour'
    WHEN v.bloqueio IN ('destino_nao_permitido', 'por_ler') THEN now() + make_interval(secs => :sem_chip_s)
    WHEN v.bloqueio = 'controle_humano' THEN now() + make_interval(secs => :humano_s)
    ELSE greatest(now(), v.proxima, v.resfria_ate, v.proximo_contato_em, v.livre_em) END
FROM veredito v WHERE o.id = v.id
RETURNING o.id, o.state, v.bloqueio
"""
_DUE = _DEVIDA.format(pausada=PAUSADA, antes=_ANTES.format(p=_ORDEM.format("p"), o=_ORDEM.format("o")))
_GATE = text(_GATE_OF.format(devida=_DUE, bloqueio=_BLOQUEIO))

# Meta lets anything be said for 24 hours after the doctor wrote to that number, a little less here; then only approved
# templates. Who is known by a Meta user id alone is reached through Meta alone, who by a LID through the others.
_JANELA = """CASE WHEN u.gateway = 'meta' THEN EXISTS (SELECT FROM interacao x
    WHERE x.medico_id = p.medico_id AND x.direcao = 'entrada' AND x.chip_id = u.id
      AND x.em > now() - interval '1435 minutes') END"""
_MODELO = """(SELECT m.corpo FROM modelo_meta m WHERE m.conta = u.conta AND m.nome = p.modelo ->> 'nome'
    AND m.idioma = p.modelo ->> 'idioma' AND m.status = 'APPROVED'
    AND m.parametros = jsonb_array_length(p.modelo -> 'parametros'))"""

# The least used chip first; the n-th row of a batch begins at the n-th of them, or all would want the same one. Why it
# was this chip is stored with the row: `lib.domain.chip.explicar_escolha` says it in words. A template's words take the
# place of the message's own, which stand beside it for a later attempt that may say them.
_CLAIM_OF = """-- envio.claim
WITH uso AS (
  SELECT k.id, k.gateway, k.conta, k.trust_score, k.pode_prospectar, k.pode_followup, k.pode_responder,
    least(k.limite_hora - count(u.id) FILTER (WHERE u.enviando_em > now() - interval '1 hour'),
          k.limite_dia - count(u.id)) AS folga,
    count(*) OVER () AS chips, count(u.id) FILTER (WHERE u.enviando_em > now() - interval '1 hour') AS uso_hora,
    row_number() OVER (ORDER BY count(u.id) FILTER (WHERE u.enviando_em > now() - interval '1 hour'),
      k.trust_score DESC, k.id) - 1 AS vez
  FROM chip k LEFT JOIN outbox u ON u.chip_id = k.id AND u.enviando_em > now() - interval '1 day'
    AND u.state IN ('sending', 'unknown', 'sent', 'parked')
  WHERE k.status = 'active' AND k.tipo = 'julia' AND k.conectado AND (k.cooldown_ate IS NULL OR k.cooldown_ate <= now())
  GROUP BY k.id),
pedida AS (
  SELECT o.id, o.medico_id, o.tipo, o.prioridade, o.modelo, c.chip_id AS afim,
    CASE WHEN d.telefone IS NULL THEN d.lid LIKE '%.%' END AS so_meta,
    row_number() OVER (ORDER BY o.prioridade DESC, o.id) - 1 AS n
  FROM outbox o JOIN conversa c ON c.id = o.conversation_id JOIN medico d ON d.id = o.medico_id
  WHERE o.claim = :claim AND o.state = 'pending'),
escolha AS (
  SELECT p.id, p.prioridade, k.id AS chip_id, k.folga, jsonb_build_object('chip_id', k.id, 'afim', p.afim,
    'tipo', p.tipo, 'trust', k.trust_score, 'minimo', t.minimo, 'reserva', t.reserva, 'folga', k.folga,
    'uso_hora', k.uso_hora, 'candidatos', k.candidatos, 'no_minimo', k.no_minimo, 'chips', k.chips, 'vez', k.vez,
    'lugar', p.n) AS escolha,
    CASE WHEN NOT k.janela THEN modelo_texto(k.corpo, p.modelo -> 'parametros') END AS texto
  FROM pedida p
  JOIN unnest(CAST(:tipos AS text[]), CAST(:minimos AS int[]), CAST(:reservas AS int[])) AS t(tipo, minimo, reserva)
    ON t.tipo = p.tipo
  CROSS JOIN LATERAL (
    SELECT u.*, j.janela, m.corpo, count(*) OVER () AS candidatos,
      count(*) FILTER (WHERE u.trust_score >= t.minimo) OVER () AS no_minimo
    FROM uso u CROSS JOIN LATERAL (SELECT {janela} AS janela) j
    CROSS JOIN LATERAL (SELECT CASE WHEN NOT j.janela THEN {modelo} END AS corpo) m
    WHERE u.folga > 0 AND u.trust_score >= t.reserva AND (j.janela IS NOT FALSE OR m.corpo IS NOT NULL)
      AND (p.so_meta IS NULL OR p.so_meta = (u.gateway = 'meta'))
      AND CASE p.tipo WHEN 'prospeccao' THEN u.pode_prospectar WHEN 'followup' THEN u.pode_followup
        ELSE u.pode_responder END
    ORDER BY u.trust_score >= t.minimo DESC, (u.id = p.afim) IS TRUE DESC,
      mod(u.vez + u.chips - mod(p.n, u.chips), u.chips)
    LIMIT 1) k),
ordem AS (
  SELECT id, chip_id, folga, escolha, texto, row_number() OVER (PARTITION BY chip_id ORDER BY prioridade DESC, id) AS n
  FROM escolha)
UPDATE outbox o SET
  body = coalesce(e.texto, o.modelo ->> 'texto', o.body),
  body_hash = coalesce(sha256(convert_to(coalesce(e.texto, o.modelo ->> 'texto'), 'UTF8')), o.body_hash),
  modelo = CASE WHEN e.texto IS NULL OR o.modelo ? 'texto' THEN o.modelo
    ELSE o.modelo || jsonb_build_object('texto', o.body) END,
  state = 'sending', chip_id = e.chip_id, escolha = e.escolha, fence = o.fence + 1, attempts = o.attempts + 1,
  enviando_em = now(), lease_until = now() + make_interval(secs => :lease_s), claim = NULL, consultas = 0
FROM ordem e JOIN chip k ON k.id = e.chip_id, medico d
WHERE o.id = e.id AND e.n <= e.folga AND d.id = o.medico_id
RETURNING o.id, o.conversation_id, o.fence, o.body, o.attempts, k.gateway, k.instancia, o.criada_em, o.cause,
  {destino} AS destino, CASE WHEN e.texto IS NOT NULL THEN o.modelo - 'texto' END AS modelo
"""
_CLAIM = text(_CLAIM_OF.format(janela=_JANELA, modelo=_MODELO, destino=DESTINO))

_DEFER = text("""-- envio.defer
UPDATE outbox SET claim = NULL, motivo = 'sem_chip', next_at = now() + make_interval(secs => :sem_chip_s)
WHERE claim = :claim AND state = 'pending' RETURNING id
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
        "humano_s": HUMANO_S,
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
        Step(LOCK),
        Step(_GATE, gate, writes=True),
        Step(_CLAIM, choose),
        Step(_DEFER, {"claim": claim, "sem_chip_s": SEM_CHIP_S}),
    )
    return Judged(claimed, [row for row in judged if row["bloqueio"]], len(deferred))

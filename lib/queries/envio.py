"""The only way out: judge, choose a chip and claim under one lock. What becomes of it is in `envio_desfecho`.

One round trip does it: `LOCK` serialises the claims of all processes, so that counts cannot be overshot; `_GATE` locks
the due rows with their doctor and conversation and judges each; `envio_escolha.CLAIM`, a later statement with a fresh
snapshot, counts usage, gives each row a chip or puts it off, and stores why. While the operation is paused the gate
opens for nobody (decision D20): rows keep their due time and go on at once afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.chip_ciclo import BANS_QUE_PAUSAM, JANELA_DE_BANS
from lib.domain.guardrails import CAP_CONTATOS, CAP_JANELA
from lib.queries.envio_escolha import CLAIM, SEM_CHIP_S, parametros

CAMPANHA_S = 60.0  # how long a first contact waits before it asks again whether campaigns go on
HUMANO_S = 900.0  # how long a reminder waits before it asks again whether the person is done

# Planned anew each time, the claim's statements take longer than they run: 15 ms against 5.
LOCK = text("""-- envio.lock
SELECT set_config('plan_cache_mode', 'force_generic_plan', true), pg_advisory_xact_lock(hashtext('agente.envio'))
""")

# The operation is paused (decision D20): asked inside the gate, so that it holds for every process from its commit on.
PAUSADA = "EXISTS (SELECT FROM flag WHERE chave = 'pausa' AND (valor = 'true' OR valor ->> 'ativo' = 'true'))"

# Campaigns are stopped: by a person or a flow, or because numbers were banned within the hour, and since a person last
# let them go on.
CAMPANHAS_PARADAS = """(EXISTS (SELECT FROM flag WHERE chave = 'campanhas' AND valor ->> 'ativo' = 'false')
  OR (SELECT count(*) FROM chip_transicao WHERE para = 'banned'
    AND em > greatest(now() - make_interval(secs => :janela_de_bans_s), (SELECT atualizado_em FROM flag
      WHERE chave = 'campanhas' AND valor ->> 'ativo' = 'true'))) >= :bans)"""

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
    d.telefone, j.proxima, cap.livre_em, k.status AS chip_status, k.reply_only_until AS chip_calado_ate,
    k.status_desde > o.criada_em AS chip_mudou, o.tipo = 'prospeccao' AND {campanhas} AS campanhas_paradas
  FROM outbox o
  JOIN doctor_state s ON s.medico_id = o.medico_id
  JOIN conversa c ON c.id = o.conversation_id
  JOIN medico d ON d.id = o.medico_id
  LEFT JOIN chip k ON k.id = c.chip_id
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

# What was queued for a doctor of a number that has been banned since is not said by another (decision D1), and what was
# queued for a restricted one waits for it: nothing bursts onto the others.
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
      WHEN chip_status = 'banned' AND chip_mudou THEN 'chip_banido'
      WHEN EXISTS (SELECT FROM conversa a JOIN mailbox m ON m.conversation_id = a.id
        WHERE a.medico_id = devida.medico_id AND m.due_at IS NOT NULL) THEN 'por_ler'
      WHEN campanhas_paradas THEN 'campanhas_pausadas'
      WHEN chip_calado_ate > now() AND chip_mudou THEN 'chip_restrito'
      WHEN proxima > now() THEN 'fora_do_horario'
      WHEN permissao = 'cooling_off' AND cooling_off_ate > now() THEN 'cooling_off'
      WHEN proximo_contato_em > now() THEN 'proximo_contato'
      WHEN livre_em > now() THEN 'limite_contatos'
      WHEN parada_perguntada_em > now() - make_interval(secs => :cap_janela_s) THEN 'parada_incerta' END"""

_GATE_OF = """-- envio.gate
WITH devida AS ({devida}),
veredito AS (
  SELECT id, proativa, tipo, {bloqueio} AS bloqueio,
    CASE WHEN permissao = 'cooling_off' THEN cooling_off_ate END AS resfria_ate, proximo_contato_em, livre_em, proxima,
    chip_calado_ate
  FROM devida)
UPDATE outbox o SET
  motivo = v.bloqueio,
  claim = CASE WHEN v.bloqueio IS NULL THEN CAST(:claim AS uuid) END,
  state = CASE WHEN v.bloqueio = 'controle_humano' AND v.tipo = 'lembrete' THEN 'pending'
    WHEN v.bloqueio IN ('opted_out', 'controle_humano', 'respondeu', 'sem_whatsapp', 'chip_banido') THEN 'cancelled'
    WHEN v.bloqueio = 'destino_nao_permitido' AND :verificado THEN 'dead' ELSE 'pending' END,
  next_at = CASE WHEN v.bloqueio IS NULL THEN o.next_at
    WHEN v.bloqueio = 'parada_incerta' THEN now() + interval '1 hour'
    WHEN v.bloqueio IN ('destino_nao_permitido', 'por_ler') THEN now() + make_interval(secs => :sem_chip_s)
    WHEN v.bloqueio = 'controle_humano' THEN now() + make_interval(secs => :humano_s)
    WHEN v.bloqueio = 'campanhas_pausadas' THEN now() + make_interval(secs => :campanha_s)
    WHEN v.bloqueio = 'chip_restrito' THEN v.chip_calado_ate
    ELSE greatest(now(), v.proxima, v.resfria_ate, v.proximo_contato_em, v.livre_em) END
FROM veredito v WHERE o.id = v.id
RETURNING o.id, o.state, v.bloqueio
"""
_DUE = _DEVIDA.format(
    pausada=PAUSADA, campanhas=CAMPANHAS_PARADAS, antes=_ANTES.format(p=_ORDEM.format("p"), o=_ORDEM.format("o"))
)
_GATE = text(_GATE_OF.format(devida=_DUE, bloqueio=_BLOQUEIO))


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
        "campanha_s": CAMPANHA_S,
        "bans": BANS_QUE_PAUSAM,
        "janela_de_bans_s": JANELA_DE_BANS.total_seconds(),
        "cap": CAP_CONTATOS,
        "cap_janela_s": CAP_JANELA.total_seconds(),
    }
    choose = {"claim": claim, "lease_s": lease_s, **parametros()}
    _, judged, done = await db.round_trip(Step(LOCK), Step(_GATE, gate, writes=True), Step(CLAIM, choose))
    claimed = [row for row in done if row["state"] == "sending"]
    return Judged(claimed, [row for row in judged if row["bloqueio"]], len(done) - len(claimed))

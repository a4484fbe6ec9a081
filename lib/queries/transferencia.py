"""Hand-offs: a person takes a conversation, gives it back, or falls silent. All lock the mailbox first, as turns do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.transferencia import SILENCIO_HUMANO

ABERTA = "status IN ('active', 'paused', 'escalated')"

# Locked first, then looked: a turn's commit, which locks it too, is over or will find its fence gone.
_LOCK_OF = """-- transferencia.lock
WITH c AS (SELECT id FROM conversa WHERE id = :id AND {aberta}),
nova AS (INSERT INTO mailbox (conversation_id) SELECT id FROM c ON CONFLICT DO NOTHING)
SELECT m.conversation_id FROM mailbox m JOIN c ON c.id = m.conversation_id FOR UPDATE OF m
"""
_LOCK = text(_LOCK_OF.format(aberta=ABERTA))

# What was queued as Júlia's answer is not said over a person's head; courtesies, opt-outs' answers and reminders stay.
_SILENCE_OF = """-- transferencia.silence
UPDATE outbox SET state = 'cancelled', motivo = 'controle_humano'
WHERE conversation_id = :id AND state = 'pending' AND NOT proativa AND tipo <> 'lembrete' AND NOT isenta_optout
  AND autor <> 'humano'
  AND cause NOT LIKE 'transferencia:%' AND EXISTS (SELECT FROM conversa WHERE id = :id AND {aberta})
"""
_SILENCE = text(_SILENCE_OF.format(aberta=ABERTA))

_TAKE_OF = """-- transferencia.take
WITH c AS (
  UPDATE conversa SET controle = 'humano', status = 'escalated', humano_em = :agora
  WHERE id = :id AND {aberta} RETURNING id),
t AS (
  INSERT INTO transferencia (conversation_id, gatilho, motivo, status, aberta_em, assumida_em, assumida_por)
  SELECT id, 'manual', :motivo, 'assumida', :agora, :agora, :por FROM c
  ON CONFLICT (conversation_id) WHERE status <> 'resolvida' DO UPDATE SET status = 'assumida', assumida_por = :por,
    assumida_em = coalesce(transferencia.assumida_em, :agora)
  RETURNING id, conversation_id),
a AS (
  UPDATE aviso SET visto_em = :agora, visto_por = :por FROM t
  WHERE aviso.conversation_id = t.conversation_id AND aviso.tipo = 'transferencia' AND aviso.visto_em IS NULL)
SELECT id AS transferencia_id FROM t
"""
_TAKE = text(_TAKE_OF.format(aberta=ABERTA))

# Reminders that a person's presence put off are due again; a courtesy that has not left is no longer true.
_OUTBOX = """UPDATE outbox SET
  state = CASE WHEN tipo = 'lembrete' THEN state ELSE 'cancelled' END,
  motivo = CASE WHEN tipo = 'lembrete' THEN motivo ELSE 'devolvida' END, next_at = least(next_at, now())
FROM alvo WHERE conversation_id = alvo.id AND state = 'pending'
  AND ((tipo = 'lembrete' AND motivo = 'controle_humano') OR cause LIKE 'transferencia:%')"""

_REMIND_OF = """-- transferencia.remind
WITH alvo AS (SELECT id FROM conversa WHERE id = :id AND controle = 'humano' AND {aberta})
{outbox}
"""
_REMIND = text(_REMIND_OF.format(aberta=ABERTA, outbox=_OUTBOX))

# `lib.domain.estado.apply` of a `TransferenciaResolvida`, written as a set.
_STATE_OF = """-- transferencia.state
UPDATE doctor_state s SET
  objecao_resolvida_em = CASE WHEN s.objecao IS NOT NULL AND s.objecao_resolvida_em IS NULL
    AND (s.objecao_em > :agora) IS NOT TRUE THEN :agora ELSE s.objecao_resolvida_em END,
  permissao = CASE WHEN s.permissao = 'cooling_off' AND {resolvida} THEN 'active' ELSE s.permissao END,
  cooling_off_ate = CASE WHEN s.permissao = 'cooling_off' AND {resolvida} THEN NULL ELSE s.cooling_off_ate END
FROM conversa c WHERE c.id = :id AND c.controle = 'humano' AND c.{aberta}
  AND s.medico_id = c.medico_id AND s.permissao <> 'opted_out'
"""
_RESOLVIDA = "(s.objecao IS NOT NULL AND s.objecao_resolvida_em IS NULL AND s.objecao_em > :agora) IS NOT TRUE"
_STATE = text(_STATE_OF.format(aberta=ABERTA, resolvida=_RESOLVIDA))

_RETURN_OF = """-- transferencia.return
WITH c AS (
  UPDATE conversa SET controle = 'ai', status = 'active', humano_em = NULL
  WHERE id = :id AND controle = 'humano' AND {aberta} RETURNING id),
t AS (
  UPDATE transferencia SET status = 'resolvida', resolvida_em = :agora, resolvida_por = :por, notas = :notas FROM c
  WHERE conversation_id = c.id AND transferencia.status <> 'resolvida' RETURNING transferencia.id),
sem AS (
  INSERT INTO transferencia (conversation_id, gatilho, motivo, status, aberta_em, resolvida_em, resolvida_por, notas)
  SELECT c.id, 'manual', :motivo, 'resolvida', :agora, :agora, :por, :notas FROM c WHERE NOT EXISTS (SELECT FROM t)
  RETURNING id),
a AS (
  UPDATE aviso SET visto_em = :agora, visto_por = :por FROM c
  WHERE aviso.conversation_id = c.id AND aviso.tipo = 'transferencia' AND aviso.visto_em IS NULL)
SELECT id AS transferencia_id FROM t UNION ALL SELECT id FROM sem
"""
_RETURN = text(_RETURN_OF.format(aberta=ABERTA))

# The turn that is being thought loses its fence; what waits to be read is due at once.
_WAKE_OF = """-- transferencia.wake
UPDATE mailbox m SET fence = m.fence + 1, claim = NULL, lease_until = NULL,
  due_at = CASE WHEN m.dead IS NOT NULL THEN m.due_at ELSE (SELECT now() WHERE EXISTS (
    SELECT FROM inbox i WHERE i.conversation_id = m.conversation_id AND i.turn_id IS NULL AND i.tipo = 'mensagem'
      AND i.desfecho IS NULL)) END
FROM conversa c WHERE m.conversation_id = :id AND c.id = m.conversation_id AND c.controle = :controle AND c.{aberta}
"""
_WAKE = text(_WAKE_OF.format(aberta=ABERTA))

# Of conversations that a person took: one that nobody took waits for a person, however long.
_SILENT = """
  SELECT c.id, c.humano_em FROM conversa c JOIN transferencia t ON t.conversation_id = c.id AND t.status = 'assumida'
  WHERE c.controle = 'humano' AND c.humano_em < :agora - make_interval(secs => coalesce(
    (SELECT 3600 * least(greatest(CAST(valor ->> 'horas' AS float8), 0), :horas_max) FROM flag
      WHERE chave = 'silencio_humano' AND jsonb_typeof(valor -> 'horas') = 'number'), :silencio_s))"""

_PREPARE_OF = """-- transferencia.prepare
WITH alvo AS ({silent}),
o AS ({outbox})
INSERT INTO mailbox (conversation_id) SELECT id FROM alvo ON CONFLICT DO NOTHING
"""
_PREPARE = text(_PREPARE_OF.format(silent=_SILENT, outbox=_OUTBOX))

# Mailboxes that a turn is just committing to are left to the next time. Silence ends the person's turn, not what the
# doctor objected to: the state stays as it is.
_RELEASE_OF = """-- transferencia.release
WITH alvo AS (
  SELECT s.id, s.humano_em FROM mailbox m JOIN ({silent}) s ON s.id = m.conversation_id
  ORDER BY 1 LIMIT :limite FOR UPDATE OF m SKIP LOCKED),
c AS (
  UPDATE conversa c SET controle = 'ai', status = 'active', humano_em = NULL FROM alvo
  WHERE c.id = alvo.id AND c.controle = 'humano' AND c.humano_em = alvo.humano_em RETURNING c.id),
t AS (
  UPDATE transferencia SET status = 'resolvida', resolvida_em = :agora, resolvida_por = 'silêncio' FROM c
  WHERE conversation_id = c.id AND transferencia.status <> 'resolvida'),
m AS (
  UPDATE mailbox SET fence = fence + 1, claim = NULL, lease_until = NULL, due_at = now() FROM c
  WHERE conversation_id = c.id AND due_at IS NOT NULL AND dead IS NULL)
SELECT id FROM c
"""
_RELEASE = text(_RELEASE_OF.format(silent=_SILENT))

_PAGE = text("""-- transferencia.page
SELECT t.id, t.conversation_id, t.turn_id AS turno_id, t.gatilho, t.motivo, t.status, t.aberta_em, t.assumida_em,
  t.assumida_por, t.resolvida_em, t.resolvida_por, t.notas, d.nome AS medico, d.telefone
FROM transferencia t JOIN conversa c ON c.id = t.conversation_id JOIN medico d ON d.id = c.medico_id
WHERE t.id < :antes_de AND (CAST(:status AS text) IS NULL OR t.status = :status)
ORDER BY t.id DESC LIMIT :limite
""")


LIBERADAS_POR_VEZ = 100
HORAS_MAX = 24 * 365


@dataclass(frozen=True, slots=True)
class Pessoa:
    """Who acts, when, and what is to be known of it."""

    por: str
    em: datetime
    notas: str | None = None


async def take(db: Database, conversation_id: int, pessoa: Pessoa) -> int | None:
    """Put a conversation into a person's hands and return its hand-off's id; None: no such open conversation.

    One round trip. What Júlia is thinking is discarded, what she queued as an answer cancelled; the doctor's waiting
    messages are due at once, to be stored without an answer. Repeating it changes nothing but who has it.
    """
    _, _, taken, _ = await db.round_trip(*taking(conversation_id, pessoa))
    return taken[0]["transferencia_id"] if taken else None


def taking(conversation_id: int, pessoa: Pessoa) -> tuple[Step, Step, Step, Step]:
    """Return the steps of `take`, for a round trip with more in it; the third gives its result."""
    key = {"id": conversation_id}
    who = {"por": pessoa.por, "agora": pessoa.em, "motivo": "assumida por uma pessoa"}
    return (
        Step(_LOCK, key, writes=True),
        Step(_SILENCE, key),
        Step(_TAKE, key | who),
        Step(_WAKE, key | {"controle": "humano"}),
    )


async def give_back(db: Database, conversation_id: int, pessoa: Pessoa) -> int | None:
    """Return a conversation to Júlia and return its hand-off's id; None: it is not with a person, or not open.

    One round trip. What a person settled is settled in the doctor's state too; waiting messages and reminders wake.
    """
    key = {"id": conversation_id}
    who = {"por": pessoa.por, "agora": pessoa.em, "notas": pessoa.notas, "motivo": "devolvida por uma pessoa"}
    _, _, _, returned, _ = await db.round_trip(
        Step(_LOCK, key, writes=True),
        Step(_REMIND, key),
        Step(_STATE, key | {"agora": pessoa.em}),
        Step(_RETURN, key | who),
        Step(_WAKE, key | {"controle": "ai"}),
    )
    return returned[0]["transferencia_id"] if returned else None


async def release_silent(db: Database, agora: datetime) -> list[int]:
    """Return to Júlia what people took and then left silent for too long; give the conversations' ids.

    How long is `SILENCIO_HUMANO`, or what the flag `silencio_humano` says: `{"horas": n}`.
    """
    params = {
        "agora": agora,
        "silencio_s": SILENCIO_HUMANO.total_seconds(),
        "horas_max": HORAS_MAX,
    }
    _, released = await db.round_trip(
        Step(_PREPARE, params, writes=True), Step(_RELEASE, params | {"limite": LIBERADAS_POR_VEZ})
    )
    return [row["id"] for row in released]


async def page(db: Database, antes_de: int, limite: int, status: str | None) -> list[Row]:
    """Return a page of hand-offs with their doctor, newest first; None does not filter."""
    [found] = await db.round_trip(Step(_PAGE, {"antes_de": antes_de, "limite": limite, "status": status}))
    return found

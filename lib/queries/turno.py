"""Committing a turn: lock first, then look and write, all in one round trip."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.queries import lembrete

# A message that landed unread before the lock, an edit or a deletion keep all but the last attempt from being written.
# Every later step hangs on the row that _OPEN writes, and _OPEN on the fence: one lost fence and nothing is written.
_LOCK = text("""-- turno.lock
SELECT fence FROM mailbox WHERE conversation_id = :conversation_id AND fence = :fence FOR UPDATE
""")

_OPEN = text("""-- turno.open
INSERT INTO turno (conversation_id, medico_id, fence, tentativa, desfecho, motivo, regra, versao_policy, modo, entrada,
  decisao, situacao, modelo, prompt_hash, prompts, chamadas, ferramentas, etapas, custos, custo_micro_usd, iniciado_em,
  terminado_em)
SELECT :conversation_id, :medico_id, :fence, :tentativa, :desfecho, :motivo, :regra, :versao_policy, :modo, :entrada,
  :decisao, :situacao, :modelo, :prompt_hash, :prompts, :chamadas, :ferramentas, :etapas, :custos, :custo_micro_usd,
  :iniciado_em, :terminado_em
FROM mailbox WHERE conversation_id = :conversation_id AND fence = :fence AND (:ultima OR NOT EXISTS (
  SELECT FROM unnest(CAST(:vistas AS bigint[]), CAST(:revisoes AS int[])) AS v(id, revisao)
  FULL JOIN (SELECT id, revisao FROM inbox WHERE conversation_id = :conversation_id AND turn_id IS NULL
    AND tipo = 'mensagem' AND desfecho IS NULL) i ON i.id = v.id AND i.revisao = v.revisao
  WHERE i.id IS NULL OR v.id IS NULL))
RETURNING id
""")

_CONSUME = text("""-- turno.consume
WITH t AS (SELECT id, medico_id FROM turno WHERE conversation_id = :conversation_id AND fence = :fence),
i AS (
  UPDATE inbox SET turn_id = t.id, desfecho = :desfecho
  FROM t, unnest(CAST(:vistas AS bigint[]), CAST(:revisoes AS int[])) AS v(id, revisao)
  WHERE inbox.id = v.id AND inbox.revisao = v.revisao AND inbox.turn_id IS NULL AND inbox.desfecho IS NULL
  RETURNING inbox.*)
INSERT INTO interacao (conversation_id, medico_id, chip_id, inbox_id, direcao, autor, midia, texto, provider_msg_id, em)
SELECT i.conversation_id, t.medico_id, i.chip_id, i.id, 'entrada', 'medico', i.midia, coalesce(i.texto, ''),
  i.provider_msg_id, coalesce(i.enviada_em, i.received_at)
FROM i, t ON CONFLICT (inbox_id) DO NOTHING
""")

_OUTBOX = text("""-- turno.outbox
INSERT INTO outbox (conversation_id, medico_id, turn_id, cause, body, body_hash, tipo, isenta_optout, prioridade,
  next_at)
SELECT t.conversation_id, t.medico_id, t.id, n.cause, n.body, sha256(convert_to(n.body, 'UTF8')), 'resposta', n.isenta,
  :prioridade, now() + make_interval(secs => n.pausa_s)
FROM turno t, unnest(CAST(:causes AS text[]), CAST(:bodies AS text[]), CAST(:isentas AS boolean[]),
  CAST(:pausas_s AS float8[])) WITH ORDINALITY AS n(cause, body, isenta, pausa_s, ordem)
WHERE t.conversation_id = :conversation_id AND t.fence = :fence
ORDER BY n.ordem
ON CONFLICT (cause) DO NOTHING
""")

# The pure function decided the state; what it did is written relative to what is stored, and never over an opt-out.
_STATE = text("""-- turno.state
UPDATE doctor_state s SET
  permissao = :permissao, cooling_off_ate = :cooling_off_ate, ciclo = :ciclo, tendencia = :tendencia,
  temperatura = least(1, greatest(0, s.temperatura + CAST(:delta_temperatura AS numeric(3, 2)))),
  ultima_entrada_em = greatest(s.ultima_entrada_em, :ultima_entrada_em),
  objecao = :objecao, objecao_severidade = :objecao_severidade, objecao_em = :objecao_em,
  objecao_resolvida_em = :objecao_resolvida_em, parada_perguntada_em = :parada_perguntada_em
FROM turno t
WHERE t.conversation_id = :conversation_id AND t.fence = :fence AND s.medico_id = t.medico_id
  AND (s.permissao <> 'opted_out' OR :permissao = 'opted_out')
""")

_CONVERSATION = text("""-- turno.conversation
UPDATE conversa c SET
  ultima_entrada_em = greatest(c.ultima_entrada_em, :ultima_entrada_em), chip_id = coalesce(:chip_id, c.chip_id),
  controle = coalesce(:controle, c.controle), status = coalesce(:status, c.status), pausada_ate = NULL,
  modo = coalesce(:modo, c.modo), modo_em = CASE WHEN CAST(:modo AS text) IS NULL THEN c.modo_em ELSE :modo_em END,
  modo_motivo = coalesce(:modo_motivo, c.modo_motivo),
  modo_pendente = CASE WHEN CAST(:modo AS text) IS NULL THEN c.modo_pendente ELSE :modo_pendente END,
  modo_pendente_em = CASE WHEN CAST(:modo AS text) IS NULL THEN c.modo_pendente_em ELSE :modo_pendente_em END,
  estagio = CASE WHEN CAST(:estagio AS text) IS NOT NULL THEN :estagio
    WHEN c.estagio IN ('novo', 'msg_enviada', 'followup_1_enviado', 'followup_2_enviado', 'nao_respondeu', 'recontato')
    THEN 'respondeu' ELSE c.estagio END
FROM turno t WHERE t.conversation_id = :conversation_id AND t.fence = :fence AND c.id = t.conversation_id
""")

# A reply or an opt-out stops what was queued by others at once. What is already on its way is left to the evidence.
_CANCEL = text("""-- turno.cancel
UPDATE outbox o SET state = 'cancelled',
  motivo = CASE WHEN o.tipo = 'lembrete' AND NOT :tudo THEN 'turno refeito' ELSE :motivo END
FROM turno t
WHERE t.conversation_id = :conversation_id AND t.fence = :fence AND o.medico_id = t.medico_id
  AND o.state IN ('pending', 'parked') AND o.turn_id IS DISTINCT FROM t.id
  AND (:tudo OR (o.proativa AND o.tipo = 'followup')
    OR (o.tipo = 'lembrete' AND starts_with(o.cause, :efeitos) AND o.cause <> ALL(CAST(:lembretes AS text[]))))
""")

# The hand-off and its notice belong to the turn's own transaction: state first, then the courtesy message.
_HANDOFF = text("""-- turno.handoff
INSERT INTO transferencia (conversation_id, turn_id, gatilho, motivo)
SELECT t.conversation_id, t.id, :gatilho, :motivo FROM turno t
WHERE t.conversation_id = :conversation_id AND t.fence = :fence
ON CONFLICT (conversation_id) WHERE status <> 'resolvida' DO NOTHING
""")

_NOTICES = text("""-- turno.notices
INSERT INTO aviso (chave, tipo, conversation_id, texto)
SELECT n.chave, n.tipo, t.conversation_id, n.texto
FROM turno t, unnest(CAST(:chaves AS text[]), CAST(:tipos AS text[]), CAST(:textos AS text[])) AS n(chave, tipo, texto)
WHERE t.conversation_id = :conversation_id AND t.fence = :fence
ON CONFLICT (chave) DO NOTHING
""")

_FORGET = text("""-- turno.forget
UPDATE memoria m SET esquecida_em = now(), texto = NULL FROM turno t
WHERE t.conversation_id = :conversation_id AND t.fence = :fence AND m.medico_id = t.medico_id
  AND m.esquecida_em IS NULL
""")

_SETTLE = text("""-- turno.settle
UPDATE mailbox m SET claim = NULL, lease_until = NULL, tries = 0, primeira_em = CASE WHEN resta THEN m.primeira_em END,
  due_at = CASE WHEN resta THEN now() + make_interval(secs => :quieto_s) END
FROM turno t, LATERAL (SELECT EXISTS (
  SELECT FROM inbox i WHERE i.conversation_id = :conversation_id AND i.turn_id IS NULL AND i.tipo = 'mensagem'
    AND i.desfecho IS NULL) AS resta) r
WHERE m.conversation_id = :conversation_id AND m.fence = :fence AND t.conversation_id = m.conversation_id
  AND t.fence = m.fence
""")

_WATERFALL = text("""-- turno.waterfall
SELECT t.*, coalesce((SELECT jsonb_agg(jsonb_build_object('id', i.id, 'recebida_em', i.received_at) ORDER BY i.id)
    FROM inbox i WHERE i.turn_id = t.id), '[]') AS entradas,
  coalesce((SELECT jsonb_agg(jsonb_build_object('id', o.id, 'estado', o.state, 'motivo', o.motivo, 'chip', k.instancia,
      'criada_em', o.criada_em, 'devida_em', o.next_at, 'enviando_em', o.enviando_em, 'enviada_em', o.enviada_em,
      'tentativas', o.attempts, 'recibos', coalesce((SELECT jsonb_object_agg(e.status, e.em) FROM delivery_event e
        WHERE e.provider_msg_id = o.provider_msg_id), '{}'))
      ORDER BY o.id) FROM outbox o LEFT JOIN chip k ON k.id = o.chip_id WHERE o.turn_id = t.id), '[]') AS saidas
FROM turno t WHERE t.id = :id
""")


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message to send: `cause` names what made it, `pausa_s` keeps it readable, `isenta`: the opt-out's answer."""

    cause: str
    body: str
    pausa_s: float = 0.0
    isenta: bool = False


@dataclass(frozen=True, slots=True)
class TurnRow:
    """The turn's own record; the dict fields are made by us and stored as jsonb."""

    conversation_id: int
    medico_id: int
    fence: int
    tentativa: int
    desfecho: str
    motivo: str
    regra: str | None
    versao_policy: str | None
    modo: str | None
    entrada: dict[str, Any] | None
    decisao: dict[str, Any] | None
    situacao: dict[str, Any] | None
    modelo: str | None
    prompt_hash: str | None
    prompts: dict[str, str] | None
    chamadas: list[dict[str, Any]] | None
    ferramentas: list[dict[str, Any]] | None
    etapas: dict[str, float]
    custos: dict[str, int]
    custo_micro_usd: int | None
    iniciado_em: datetime
    terminado_em: datetime


@dataclass(frozen=True, slots=True)
class StateChange:
    """What the turn's event changed of the doctor's state; the temperature as a difference, so that none is lost."""

    permissao: str
    cooling_off_ate: datetime | None
    ciclo: str
    tendencia: str
    delta_temperatura: float
    ultima_entrada_em: datetime | None
    objecao: str | None
    objecao_severidade: str | None
    objecao_em: datetime | None
    objecao_resolvida_em: datetime | None
    parada_perguntada_em: datetime | None


@dataclass(frozen=True, slots=True)
class ConversationChange:
    """What the turn changes of its conversation; None leaves a field as it is."""

    chip_id: int | None = None
    controle: str | None = None
    status: str | None = None
    estagio: str | None = None
    modo: str | None = None
    modo_em: datetime | None = None
    modo_motivo: str | None = None
    modo_pendente: str | None = None
    modo_pendente_em: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandoffRow:
    """The conversation goes to a person."""

    gatilho: str
    motivo: str


@dataclass(frozen=True, slots=True)
class AvisoRow:
    """A notice to people; one per `chave`."""

    chave: str
    tipo: str
    texto: str


class Commit(StrEnum):
    """What became of a turn's commit: written, lost to another claim, or overtaken by a message it has not read."""

    FEITO = "feito"
    PERDIDO = "perdido"
    ULTRAPASSADO = "ultrapassado"


@dataclass(frozen=True, slots=True)
class TurnCommit:
    """Everything one turn writes. `vistas` are the messages it read, as (id, revision).

    `cancela` is the reason for which what is queued for the doctor is cancelled; `esquece` wipes the doctor's memory.
    `lembretes` are the reminders it set; others that an earlier attempt set for `efeitos` were never confirmed and go.
    """

    turn: TurnRow
    vistas: tuple[tuple[int, int], ...]
    outbox: tuple[OutboxRow, ...]
    state: StateChange
    conversation: ConversationChange
    cancela: str
    handoff: HandoffRow | None = None
    avisos: tuple[AvisoRow, ...] = ()
    esquece: bool = False
    cancela_tudo: bool = False
    efeitos: str = ""
    lembretes: tuple[str, ...] = ()


async def commit(
    db: Database, done: TurnCommit, *, prioridade: int, quieto_s: float, ultima: bool
) -> tuple[Commit, int | None]:
    """Write the turn in one round trip and return what became of it, with its id when it was written.

    Unless this is the `ultima` attempt, a message that the turn has not read keeps it from being written: it is to be
    thought again with all of them (decision D28).
    """
    locked, opened, *_ = await db.round_trip(*_steps(done, prioridade, quieto_s, ultima=ultima))
    if opened:
        return Commit.FEITO, opened[0]["id"]
    return (Commit.ULTRAPASSADO if locked else Commit.PERDIDO), None


def _flat(row: TurnRow | StateChange | ConversationChange | HandoffRow) -> dict[str, Any]:
    """Return the row's columns as they are: `asdict` would copy everything in them."""
    return {name: getattr(row, name) for name in row.__slots__}


def _steps(done: TurnCommit, prioridade: int, quieto_s: float, *, ultima: bool) -> list[Step]:
    key = {"conversation_id": done.turn.conversation_id, "fence": done.turn.fence}
    turn = {name: Jsonb(value) if isinstance(value, dict | list) else value for name, value in _flat(done.turn).items()}
    seen = {"vistas": [i for i, _ in done.vistas], "revisoes": [revisao for _, revisao in done.vistas]}
    outbox = {
        "causes": [row.cause for row in done.outbox],
        "bodies": [row.body for row in done.outbox],
        "isentas": [row.isenta for row in done.outbox],
        "pausas_s": [row.pausa_s for row in done.outbox],
        "prioridade": prioridade,
    }
    conversation = _flat(done.conversation) | {"ultima_entrada_em": done.state.ultima_entrada_em}
    steps = [
        Step(_LOCK, key),
        Step(_OPEN, turn | seen | {"ultima": ultima}, writes=True),
        Step(_CONSUME, key | seen | {"desfecho": done.turn.desfecho}),
        Step(_OUTBOX, key | outbox),
        # In the order in which the send claim locks: outbox rows, the doctor's state, the conversation.
        Step(
            _CANCEL,
            key
            | {"motivo": done.cancela, "tudo": done.cancela_tudo}
            | {"efeitos": lembrete.prefixo(done.efeitos), "lembretes": list(done.lembretes)},
        ),
        Step(_STATE, key | _flat(done.state)),
        Step(_CONVERSATION, key | conversation),
        Step(_SETTLE, key | {"quieto_s": quieto_s}),
    ]
    if done.handoff is not None:
        steps.append(Step(_HANDOFF, key | _flat(done.handoff)))
    if done.avisos:
        notices = {name + "s": [getattr(aviso, name) for aviso in done.avisos] for name in ("chave", "tipo", "texto")}
        steps.append(Step(_NOTICES, key | notices))
    if done.esquece:
        steps.append(Step(_FORGET, key))
    return steps


async def waterfall(db: Database, turn_id: int) -> Row | None:
    """Return one turn with its inbound and outbound rows; no texts."""
    [found] = await db.round_trip(Step(_WATERFALL, {"id": turn_id}))
    return found[0] if found else None

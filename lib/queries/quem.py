"""The parts of statements by which an event finds, or makes, its doctor, conversation and mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.errors import DeadlockDetected, ForeignKeyViolation, UniqueViolation
from sqlalchemy import TextClause, text

from lib.db import Database, Step
from lib.errors import DatabaseUnavailableError

TENTATIVAS = 5

# Where a doctor `d` is reached: the number, a LID's address, or Meta's user id, which has a dot.
DESTINO = "coalesce(d.telefone, CASE WHEN d.lid LIKE '%.%' THEN d.lid ELSE d.lid || '@lid' END)"

_ABERTAS = "('active', 'paused', 'escalated')"

# A LID and a phone lead to each other through what earlier events named together.
_AUTOR = """t AS (SELECT
  coalesce(CAST(:telefone AS text), (SELECT telefone FROM lid_telefone WHERE lid = :lid)) AS telefone,
  coalesce(CAST(:lid AS text),
    (SELECT lid FROM lid_telefone WHERE telefone = :telefone ORDER BY visto_em DESC LIMIT 1)) AS lid),
conhecido AS (
  SELECT id, telefone, lid FROM medico
  WHERE telefone = (SELECT telefone FROM t) OR lid = (SELECT lid FROM t)
  ORDER BY telefone = (SELECT telefone FROM t) DESC NULLS LAST, id LIMIT 1)"""

_LIGA = """liga AS (
  INSERT INTO lid_telefone (lid, telefone) SELECT :lid, :telefone FROM k
  WHERE CAST(:lid AS text) IS NOT NULL AND CAST(:telefone AS text) IS NOT NULL
    AND NOT EXISTS (SELECT FROM lid_telefone WHERE lid = :lid AND telefone = :telefone)
  ON CONFLICT (lid) DO UPDATE SET telefone = excluded.telefone, visto_em = now())"""

# A doctor and a conversation that are known cost a read; unknown ones are made here, and two first messages at once
# meet at the unique indexes, where the second takes what the first made. A number is known to its own gateway alone:
# who may speak for one vendor's numbers says nothing of another's. The lock keeps a message apart from the edit or
# deletion that overtakes it: whichever comes second sees the other.
_QUEM = """k AS (SELECT id, pg_advisory_xact_lock(hashtextextended(:msg_id, 0)) FROM chip
  WHERE instancia = :instancia AND gateway = :source),
{autor},
{liga},
aprende AS (
  UPDATE medico m SET telefone = coalesce(:telefone, m.telefone, t.telefone), lid = coalesce(m.lid, livre.lid)
  FROM k, conhecido c, t LEFT JOIN LATERAL (
    SELECT t.lid WHERE NOT EXISTS (SELECT FROM medico o WHERE o.lid = t.lid)) livre ON true
  WHERE m.id = c.id AND (c.telefone IS DISTINCT FROM coalesce(:telefone, c.telefone, t.telefone)
    OR (c.lid IS NULL AND livre.lid IS NOT NULL))),
novo AS (
  INSERT INTO medico (telefone, lid, nome) SELECT t.telefone, t.lid, :nome FROM k, t
  WHERE NOT EXISTS (SELECT FROM conhecido)
  ON CONFLICT ({chave}) DO UPDATE SET nome = coalesce(medico.nome, excluded.nome) RETURNING id),
m AS (SELECT id FROM conhecido UNION ALL SELECT id FROM novo),
estado AS (INSERT INTO doctor_state (medico_id) SELECT id FROM novo ON CONFLICT DO NOTHING),
aberta AS (SELECT c.id FROM conversa c JOIN conhecido m ON c.medico_id = m.id WHERE c.status IN {abertas}),
iniciada AS (
  INSERT INTO conversa (medico_id, chip_id) SELECT m.id, k.id FROM m, k WHERE NOT EXISTS (SELECT FROM aberta)
  ON CONFLICT (medico_id) WHERE status IN {abertas} DO UPDATE SET status = conversa.status RETURNING id),
c AS (SELECT id FROM aberta UNION ALL SELECT id FROM iniciada)"""

# A message moves its conversation's due time; a stop makes whatever is being thought stale and is due at once.
_AGENDA = """agenda AS (
  INSERT INTO mailbox (conversation_id, due_at, primeira_em)
  SELECT c.id, now() + make_interval(secs => :quieto_s), now() FROM c, i WHERE i.desfecho IS NULL
  ON CONFLICT (conversation_id) DO UPDATE SET
    primeira_em = coalesce(mailbox.primeira_em, now()),
    dead = NULL, tries = CASE WHEN mailbox.dead IS NULL AND NOT :parada THEN mailbox.tries ELSE 0 END,
    fence = mailbox.fence + CASE WHEN :parada THEN 1 ELSE 0 END,
    claim = CASE WHEN NOT :parada THEN mailbox.claim END,
    lease_until = CASE WHEN NOT :parada THEN mailbox.lease_until END,
    due_at = greatest(
      CASE WHEN mailbox.tries > 0 AND mailbox.dead IS NULL AND NOT :parada THEN mailbox.due_at END,
      least(now() + make_interval(secs => :quieto_s),
            coalesce(mailbox.primeira_em, now()) + make_interval(secs => :quieto_max_s))))"""

# Two rows for one person: the event named the phone of one and the LID of the other.
_DOIS = """EXISTS (SELECT FROM medico o, t WHERE o.lid = t.lid AND o.telefone IS NULL
  AND o.id <> (SELECT id FROM conhecido)) AS dois"""

_PARTES = {"abertas": _ABERTAS, "autor": _AUTOR, "liga": _LIGA, "quem": _QUEM, "agenda": _AGENDA, "dois": _DOIS}


@dataclass(frozen=True, slots=True)
class Stored:
    """What a webhook became. `inbox_id` is None for a duplicate; `conversation_id` for what is no doctor's message.

    `desfecho` says why no turn will answer it. `lid` and `telefone` are set when they name two doctors who are one;
    `perdida` when the message landed in a conversation that had just been closed. `imediata`: a turn is due now.
    """

    inbox_id: int | None
    conversation_id: int | None = None
    desfecho: str | None = None
    lid: str | None = None
    telefone: str | None = None
    perdida: bool = False
    imediata: bool = False

    @property
    def acorda(self) -> bool:
        """Whether a turn may have become due; the others of a message's five webhooks wake nobody."""
        return self.conversation_id is not None and self.inbox_id is not None and self.desfecho is None


def compose(statement: str, chave: str = "telefone") -> TextClause:
    """Fill in a statement's named parts, all of them constants: `quem`, `autor`, `agenda`, `dois`, `abertas`.

    `chave` is the column of `medico` at which two first messages of one doctor meet.
    """
    while "{" in statement:
        statement = statement.format_map(_PARTES | {"chave": chave})
    return text(statement)


async def settle(db: Database, steps: Sequence[Step]) -> list[list[dict[str, Any]]]:
    """Run an arrival's steps; again when another of the same doctor took an address, or the doctor, meanwhile.

    Only first messages under both addresses at once, or the joining of two rows, ever need a second round trip.
    """
    for _ in range(TENTATIVAS - 1):
        try:
            return await db.round_trip(*steps)
        except (UniqueViolation, ForeignKeyViolation):
            continue
        except DatabaseUnavailableError as cause:
            if not isinstance(cause.__cause__, DeadlockDetected):
                raise
    return await db.round_trip(*steps)

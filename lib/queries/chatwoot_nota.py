"""Private notes for the people in Chatwoot: each told once, looked up before it is told again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.queries.espelho import FORA

TENTATIVAS = 5

# Nothing is told of a message that went out after all, but for the attachments that went without it.
_ADD = text("""-- chatwoot_nota.add
INSERT INTO chatwoot_nota (chave, chatwoot_id, texto)
SELECT n.tipo || ':' || n.msg_id, :chatwoot_id, n.texto
FROM unnest(CAST(:tipos AS text[]), CAST(:msg_ids AS bigint[]), CAST(:textos AS text[])) AS n(tipo, msg_id, texto)
WHERE n.tipo = 'anexo' OR NOT EXISTS (SELECT FROM outbox o WHERE o.cause = 'chatwoot:' || n.msg_id)
ON CONFLICT (chave) DO NOTHING RETURNING chave
""")

_SETTLE = text("""-- chatwoot_nota.settle
UPDATE chatwoot_nota n SET estado = CASE WHEN o.state = 'sent' THEN 'calada' ELSE 'pendente' END
FROM outbox o
WHERE n.estado = 'aguarda' AND o.id = n.outbox_id AND o.state IN ('sent', 'dead', 'cancelled', 'parked')
""")

_CLAIM_OF = """-- chatwoot_nota.claim
WITH devida AS (
  SELECT chave FROM chatwoot_nota n
  WHERE n.estado IN ('pendente', 'enviando', 'incerto') AND n.next_at <= now() AND NOT {fora}
    AND (n.lease_until IS NULL OR n.lease_until < now())
  ORDER BY n.criada_em LIMIT :limite FOR UPDATE SKIP LOCKED)
UPDATE chatwoot_nota n SET claim = :claim, lease_until = now() + make_interval(secs => :lease_s),
  estado = CASE WHEN n.estado = 'pendente' THEN 'enviando' ELSE 'incerto' END
FROM devida d WHERE n.chave = d.chave
RETURNING n.chave, n.chatwoot_id, n.texto, n.estado, n.claim, n.criada_em,
  CAST(split_part(n.chave, ':', 2) AS bigint) AS msg_id,
  (SELECT o.state FROM outbox o WHERE o.id = n.outbox_id) AS state,
  (SELECT o.motivo FROM outbox o WHERE o.id = n.outbox_id) AS motivo
"""
_CLAIM = text(_CLAIM_OF.format(fora=FORA))

_DONE = text("""-- chatwoot_nota.done
UPDATE chatwoot_nota SET estado = 'feito', claim = NULL, lease_until = NULL, motivo = NULL
WHERE chave = :chave AND claim = :claim
""")

_LATER = text("""-- chatwoot_nota.later
UPDATE chatwoot_nota SET tentativas = tentativas + CASE WHEN :conta THEN 1 ELSE 0 END, motivo = :motivo, claim = NULL,
  lease_until = NULL, next_at = now() + make_interval(secs => :espera_s),
  estado = CASE WHEN :morre OR (:conta AND tentativas + 1 >= :max_tentativas) THEN 'morto' ELSE :estado END
WHERE chave = :chave AND claim = :claim
""")


@dataclass(frozen=True, slots=True)
class Nota:
    """A note about a message there: `tipo` and the message's id name it."""

    tipo: str
    msg_id: int
    texto: str


async def add(db: Database, chatwoot_id: int, notas: Sequence[Nota]) -> int:
    """Queue notes about messages that were not forwarded, or not whole, each once ever; return how many are new."""
    params = {
        "chatwoot_id": chatwoot_id,
        "tipos": [nota.tipo for nota in notas],
        "msg_ids": [nota.msg_id for nota in notas],
        "textos": [nota.texto for nota in notas],
    }
    [rows] = await db.round_trip(Step(_ADD, params, writes=True))
    return len(rows)


async def settle_and_claim(db: Database, limite: int, lease_s: float) -> list[Row]:
    """Find out which of people's messages failed, and claim up to `limite` due notes, in one round trip.

    `state` and `motivo` are those of the message that failed; a row in `incerto` may have been told already.
    """
    params = {"claim": uuid4(), "limite": limite, "lease_s": lease_s}
    _, rows = await db.round_trip(Step(_SETTLE, writes=True), Step(_CLAIM, params))
    return rows


async def mark_done(db: Database, row: Row) -> None:
    """Record that a claimed note was told."""
    await db.round_trip(Step(_DONE, {"chave": row["chave"], "claim": row["claim"]}, writes=True))


async def mark_later(
    db: Database, row: Row, *, estado: str, motivo: str, espera_s: float, conta: bool, morre: bool
) -> None:
    """Give a claimed note back; `conta` makes it one of its five tries, `morre` the last."""
    params = {
        "chave": row["chave"],
        "claim": row["claim"],
        "estado": estado,
        "motivo": motivo,
        "espera_s": espera_s,
        "conta": conta,
        "morre": morre,
        "max_tentativas": TENTATIVAS,
    }
    await db.round_trip(Step(_LATER, params, writes=True))

"""The list of what went no further, and its ways back: always the same rows, so that nothing is said twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.queries.quem import DESTINO

_CONVERSAS = """
  SELECT 'c' || m.conversation_id AS id, 'conversa_morta' AS classe, m.dead AS motivo, m.conversation_id,
    coalesce((SELECT min(i.received_at) FROM inbox i WHERE i.conversation_id = m.conversation_id AND i.turn_id IS NULL
      AND i.tipo = 'mensagem' AND i.desfecho IS NULL), m.due_at, now()) AS em
  FROM mailbox m WHERE m.dead IS NOT NULL"""

_ILEGIVEIS = """
  SELECT 'e' || i.id, 'ilegivel', coalesce(i.desfecho, 'sem motivo guardado'), i.conversation_id, i.received_at
  FROM inbox i WHERE i.tipo = 'morta'"""

# Once anybody has written back, the message is answered.
_SEM_RESPOSTA = """
  SELECT 'e' || i.id, 'sem_resposta', i.desfecho, i.conversation_id, i.received_at
  FROM inbox i WHERE i.desfecho LIKE 'sem_resposta%' AND i.tipo = 'mensagem' AND NOT EXISTS (
    SELECT FROM interacao x WHERE x.conversation_id = i.conversation_id AND x.direcao = 'saida'
      AND x.em > i.received_at)"""

_ENVIOS = """
  SELECT 's' || o.id, CASE o.state WHEN 'dead' THEN 'envio_morto' ELSE 'envio_incerto' END,
    coalesce(o.motivo, 'sem motivo guardado'), o.conversation_id, coalesce(o.falhou_em, o.criada_em)
  FROM outbox o WHERE o.state IN ('dead', 'parked')"""

_PAGE_OF = """-- morta.page
WITH todas AS ({conversas} UNION ALL {ilegiveis} UNION ALL {sem_resposta} UNION ALL {envios})
SELECT t.id, t.classe, t.motivo, t.em, t.conversation_id, d.nome AS medico, coalesce(d.telefone, d.lid) AS endereco
FROM todas t LEFT JOIN conversa c ON c.id = t.conversation_id LEFT JOIN medico d ON d.id = c.medico_id
WHERE (CAST(:classe AS text) IS NULL OR t.classe = :classe) AND (CAST(:so AS text) IS NULL OR t.id = :so)
  AND (CAST(:em AS timestamptz) IS NULL OR (t.em, t.id) < (:em, :id))
ORDER BY t.em DESC, t.id DESC LIMIT :limite
"""
_PAGE = text(_PAGE_OF.format(conversas=_CONVERSAS, ilegiveis=_ILEGIVEIS, sem_resposta=_SEM_RESPOSTA, envios=_ENVIOS))

_REVIVE = text("""-- morta.revive
UPDATE mailbox SET dead = NULL, tries = 0, due_at = now(), claim = NULL, lease_until = NULL
WHERE conversation_id = :id AND dead IS NOT NULL RETURNING conversation_id
""")

# Whoever thinks about this conversation now finds a message it has not read, and thinks again.
_WAKE = text("""-- morta.wake
WITH i AS (
  UPDATE inbox SET desfecho = NULL WHERE id = :id AND tipo = 'mensagem' AND turn_id IS NULL
    AND desfecho LIKE 'sem_resposta%' AND conversation_id IS NOT NULL AND (texto IS NOT NULL OR midia <> 'desconhecida')
  RETURNING conversation_id)
INSERT INTO mailbox (conversation_id, due_at) SELECT conversation_id, now() FROM i
ON CONFLICT (conversation_id) DO UPDATE SET due_at = now(), dead = NULL, tries = 0 RETURNING conversation_id
""")

_RAW = text("""-- morta.raw
SELECT i.source, i.raw, i.received_at, k.instancia FROM inbox i JOIN chip k ON k.id = i.chip_id
WHERE i.id = :id AND i.tipo = 'morta'
""")

_READ = text("""-- morta.read
UPDATE inbox SET tipo = 'evento', desfecho = :desfecho WHERE id = :id AND tipo = 'morta' RETURNING id
""")

_PARKED_OF = """-- morta.parked
SELECT o.id, o.body, o.enviando_em, k.gateway, k.instancia, {destino} AS destino
FROM outbox o JOIN medico d ON d.id = o.medico_id LEFT JOIN chip k ON k.id = o.chip_id
WHERE o.id = :id AND o.state = 'parked'
"""
_PARKED = text(_PARKED_OF.format(destino=DESTINO))

# The same row with the same cause; the gate judges it anew, opt-out and all.
_REQUEUE = text("""-- morta.requeue
UPDATE outbox SET state = 'pending', motivo = 'reprocessada', attempts = 0, consultas = 0, next_at = now(),
  enviando_em = NULL, lease_until = NULL, claim = NULL
WHERE id = :id AND state = :state RETURNING id
""")


@dataclass(frozen=True, slots=True)
class Marca:
    """Where a page ended: the next one begins after this."""

    em: datetime
    id: str


async def page(
    db: Database, limite: int, *, depois_de: Marca | None = None, classe: str | None = None, so: str | None = None
) -> list[Row]:
    """Return a page of the list, newest first; `so` asks for one entry by its reference."""
    params = {
        "limite": limite,
        "em": depois_de and depois_de.em,
        "id": depois_de and depois_de.id,
        "classe": classe,
        "so": so,
    }
    [found] = await db.round_trip(Step(_PAGE, params))
    return found


async def revive(db: Database, conversation_id: int) -> bool:
    """Put a dead conversation back into the queue, with all it has not read."""
    [done] = await db.round_trip(Step(_REVIVE, {"id": conversation_id}, writes=True))
    return bool(done)


async def wake(db: Database, inbox_id: int) -> bool:
    """Give a message that was left unanswered to a turn; one that holds nothing readable stays where it is."""
    [done] = await db.round_trip(Step(_WAKE, {"id": inbox_id}, writes=True))
    return bool(done)


async def raw(db: Database, inbox_id: int) -> Row | None:
    """Return the bytes of what could not be read, when and from which instance they came."""
    [found] = await db.round_trip(Step(_RAW, {"id": inbox_id}))
    return found[0] if found else None


async def mark_read(db: Database, inbox_id: int, desfecho: str) -> None:
    """Take from the list what has been read at last; its bytes stay."""
    await db.round_trip(Step(_READ, {"id": inbox_id, "desfecho": desfecho}, writes=True))


async def parked(db: Database, outbox_id: int) -> Row | None:
    """Return a send of which nobody knows whether it arrived, as the gateway's history is asked for it."""
    [found] = await db.round_trip(Step(_PARKED, {"id": outbox_id}))
    return found[0] if found else None


async def requeue(db: Database, outbox_id: int, state: str) -> bool:
    """Put a send that is in this state back into the queue."""
    [done] = await db.round_trip(Step(_REQUEUE, {"id": outbox_id, "state": state}, writes=True))
    return bool(done)

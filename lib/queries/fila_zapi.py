"""Z-API's queues: which have to be looked through, and what becomes of the messages deleted from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from lib.db import Database, Step

FORA: timedelta = timedelta(minutes=1)

# After a reconnect once; while the phone is away now and then, so that nothing stale waits for it to come back.
_DUE = text("""-- fila_zapi.due
SELECT id AS chip_id, instancia FROM chip
WHERE gateway = 'zapi' AND status IN ('active', 'warming', 'ready', 'degraded', 'paused')
  AND (fila_conferida_em IS NULL OR fila_conferida_em < conexao_em
    OR (NOT conectado AND fila_conferida_em < :antes_de))
ORDER BY id
""")

_CHECKED = text("""-- fila_zapi.checked
UPDATE chip SET fila_conferida_em = :em WHERE id = :chip_id AND (fila_conferida_em IS NULL OR fila_conferida_em < :em)
""")

# Only what nobody received: a receipt that came meanwhile says more than the queue.
_FAILED = text("""-- fila_zapi.failed
WITH alvo AS (
  SELECT id FROM interacao WHERE chip_id = :chip_id AND direcao = 'saida' AND entrega = 'enviada'
    AND provider_msg_id = ANY(CAST(:msg_ids AS text[])) ORDER BY id FOR UPDATE)
UPDATE interacao SET entrega = 'falhou' FROM alvo WHERE interacao.id = alvo.id
""")

_NOTICE = text("""-- fila_zapi.notice
INSERT INTO aviso (chave, tipo, texto)
SELECT 'fila_zapi:' || id || ':' || coalesce(extract(epoch FROM conexao_em)::bigint, 0), 'entrega', :texto
FROM chip WHERE id = :chip_id
ON CONFLICT (chave) DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class ChipComFila:
    """A chip whose queue at Z-API has to be looked through."""

    chip_id: int
    instancia: str


async def due(db: Database, agora: datetime) -> Sequence[ChipComFila]:
    """Return the chips that connected or lost their connection since their queue was looked through, by id.

    One that is still without a connection comes again after a minute.
    """
    [rows] = await db.round_trip(Step(_DUE, {"antes_de": agora - FORA}))
    return [ChipComFila(**row) for row in rows]


async def mark_deleted(db: Database, chip_id: int, msg_ids: Sequence[str]) -> None:
    """Record messages that were deleted from the queue as failed."""
    await db.round_trip(Step(_FAILED, {"chip_id": chip_id, "msg_ids": list(msg_ids)}, writes=True))


async def settle(db: Database, chip_id: int, em: datetime, texto: str | None, *, conferida: bool) -> None:
    """Record that the queue was looked at, and tell `texto` of it, once a connection.

    `em` is when the look began. `conferida` false: it did not get to its end, and has to be done again.
    """
    steps = []
    if texto is not None:
        steps.append(Step(_NOTICE, {"chip_id": chip_id, "texto": texto}, writes=True))
    if conferida:
        steps.append(Step(_CHECKED, {"chip_id": chip_id, "em": em}, writes=True))
    if steps:
        await db.round_trip(*steps)

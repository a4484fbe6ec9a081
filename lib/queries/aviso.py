"""Notices to people: listed while nobody has seen them, and marked as seen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step

_PAGE = text("""-- aviso.page
SELECT a.id, a.tipo, a.texto, a.conversation_id, a.criado_em, a.visto_em, a.visto_por, d.nome AS medico, d.telefone
FROM aviso a LEFT JOIN conversa c ON c.id = a.conversation_id LEFT JOIN medico d ON d.id = c.medico_id
WHERE a.id < :antes_de AND (:todos OR a.visto_em IS NULL) ORDER BY a.id DESC LIMIT :limite
""")

_SEEN = text("""-- aviso.seen
WITH v AS (UPDATE aviso SET visto_em = :agora, visto_por = :por WHERE id = :id AND visto_em IS NULL RETURNING id)
SELECT EXISTS (SELECT FROM aviso WHERE id = :id) AS existe, EXISTS (SELECT FROM v) AS agora
""")


async def page(db: Database, antes_de: int, limite: int, *, todos: bool) -> list[Row]:
    """Return a page of notices, newest first; unless `todos`, those that nobody has seen."""
    [found] = await db.round_trip(Step(_PAGE, {"antes_de": antes_de, "limite": limite, "todos": todos}))
    return found


async def seen(db: Database, aviso_id: int, por: str, agora: datetime) -> bool:
    """Mark a notice as seen, the first time by whom; tell whether there is such a notice."""
    [[row]] = await db.round_trip(Step(_SEEN, {"id": aviso_id, "por": por, "agora": agora}, writes=True))
    return bool(row["existe"])

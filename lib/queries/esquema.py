"""At which revision the schema is."""

from __future__ import annotations

from psycopg.errors import UndefinedTable
from sqlalchemy import text

from lib.db import Database, Step

HEADS = text("""
SELECT version_num FROM alembic_version ORDER BY version_num
""")


async def revisions(db: Database) -> tuple[str, ...]:
    """Return the revisions that were applied last; empty when the database was never migrated. One round trip."""
    try:
        [rows] = await db.round_trip(Step(HEADS))
    except UndefinedTable:
        return ()
    return tuple(str(row["version_num"]) for row in rows)

"""Forgetting the text messages that Salvy delivered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Step
from lib.models.webhook import SMS_GUARDADO

_BLANK = text(f"""-- salvy.blank_sms
UPDATE webhook SET raw = '{{}}' WHERE {SMS_GUARDADO} AND recebido_em <= :ate RETURNING id
""")  # noqa: S608 - a constant of the schema


async def blank_sms(db: Database, ate: datetime) -> int:
    """Empty what was received up to `ate`, all but the numbers' own events, which hold no secret; return how many."""
    [rows] = await db.round_trip(Step(_BLANK, {"ate": ate}, writes=True))
    return len(rows)

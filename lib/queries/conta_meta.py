"""A business account at Meta: its numbers that are chips, and its tier."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Step

_NUMBERS = text("""-- conta_meta.numbers
SELECT instancia FROM chip WHERE gateway = 'meta' AND conta = :conta AND status <> 'cancelled'
  AND (CAST(:telefone AS text) IS NULL OR telefone = :telefone) ORDER BY id
""")

_PUT_TIER = text("""-- conta_meta.put_tier
INSERT INTO conta_meta (conta, tier, limite_dia, em) VALUES (:conta, :tier, :limite_dia, :em)
ON CONFLICT (conta) DO UPDATE SET tier = excluded.tier, limite_dia = excluded.limite_dia, em = excluded.em
WHERE conta_meta.em <= excluded.em
""")


async def numbers(db: Database, conta: str, telefone: str | None) -> list[str]:
    """Return the account's chips, or the one of this E.164 phone, by their phone number ids."""
    [rows] = await db.round_trip(Step(_NUMBERS, {"conta": conta, "telefone": telefone}))
    return [row["instancia"] for row in rows]


async def put_tier(db: Database, conta: str, tier: str, limite_dia: int, em: datetime) -> None:
    """Write the tier that Meta told at `em`, unless newer is known."""
    params = {"conta": conta, "tier": tier, "limite_dia": limite_dia, "em": em}
    await db.round_trip(Step(_PUT_TIER, params, writes=True))

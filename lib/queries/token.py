"""API tokens: found by their hash, listed and revoked by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.auth import Papel
from lib.db import Database, Step

FIND = text("""
SELECT nome, papel FROM token_api
WHERE hash = :hash AND revogado_em IS NULL AND expira_em > :agora
""")
CREATE = text("""
INSERT INTO token_api (nome, hash, papel, criado_em, expira_em)
VALUES (:nome, :hash, :papel, :agora, :expira_em)
""")
LIST = text("""
SELECT nome, papel, criado_em, expira_em, revogado_em FROM token_api ORDER BY criado_em DESC, id DESC
""")
REVOKE = text("""
UPDATE token_api SET revogado_em = :agora WHERE nome = :nome AND revogado_em IS NULL RETURNING id
""")


@dataclass(frozen=True, slots=True)
class Credencial:
    """Who calls, and as what."""

    nome: str
    papel: Papel


@dataclass(frozen=True, slots=True)
class TokenListado:
    """A token as shown: nothing of it but its name and its life."""

    nome: str
    papel: Papel
    criado_em: datetime
    expira_em: datetime
    revogado_em: datetime | None


async def find(db: Database, token_hash: bytes, now: datetime) -> Credencial | None:
    """Return whose token this is, unless it ended or was revoked. One round trip."""
    [rows] = await db.round_trip(Step(FIND, {"hash": token_hash, "agora": now}))
    return Credencial(rows[0]["nome"], Papel(rows[0]["papel"])) if rows else None


async def create(db: Database, nome: str, papel: Papel, token_hash: bytes, now: datetime, expira_em: datetime) -> None:
    """Store a token's hash."""
    values = {"nome": nome, "papel": papel.value, "hash": token_hash, "agora": now, "expira_em": expira_em}
    await db.round_trip(Step(CREATE, values, writes=True))


async def list_all(db: Database) -> Sequence[TokenListado]:
    """Return all tokens, newest first."""
    [rows] = await db.round_trip(Step(LIST))
    return [TokenListado(**{**row, "papel": Papel(row["papel"])}) for row in rows]


async def revoke(db: Database, nome: str, now: datetime) -> int:
    """Revoke the living tokens of this name and return how many there were."""
    [rows] = await db.round_trip(Step(REVOKE, {"nome": nome, "agora": now}, writes=True))
    return len(rows)

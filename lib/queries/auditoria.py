"""The audit log: added to, read newest first, and its chain recomputed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text

from lib.db import Database, Row, Step

_ADD = text("""-- auditoria.add
INSERT INTO auditoria (em, ator, origem, acao, alvo, detalhes, resultado)
VALUES (:em, :ator, :origem, :acao, :alvo, :detalhes, :resultado)
""")

_PAGE = text("""-- auditoria.page
SELECT id, em, ator, origem, acao, alvo, detalhes, resultado FROM auditoria
WHERE id < :antes_de AND (CAST(:ator AS text) IS NULL OR ator = :ator) ORDER BY id DESC LIMIT :limite
""")

# Written out, not asked of the function that the trigger uses: whoever rewrites rows may rewrite that too.
_VERIFY = text("""-- auditoria.verify
WITH lida AS (
  SELECT id, elo, elo_anterior, lag(elo) OVER (ORDER BY id) AS antes,
    row_number() OVER (ORDER BY id) = id AS no_lugar,
    sha256(convert_to(CAST(jsonb_build_array(id, extract(epoch FROM em), ator, origem, acao, alvo, detalhes, resultado,
      encode(elo_anterior, 'hex')) AS text), 'UTF8')) AS refeito
  FROM auditoria)
SELECT count(*) AS linhas, max(id) AS ultima, encode((SELECT elo FROM lida ORDER BY id DESC LIMIT 1), 'hex') AS elo,
  min(id) FILTER (WHERE NOT no_lugar OR elo IS DISTINCT FROM refeito OR elo_anterior IS DISTINCT FROM antes)
    AS quebrada
FROM lida
""")


@dataclass(frozen=True, slots=True)
class Ato:
    """One act: who (`ator`), from where (`origem`), what (`acao`), on whom (`alvo`, as `medico:12`), to what end.

    `detalhes` never hold what somebody wrote or a whole phone number.
    """

    em: datetime
    ator: str
    origem: str
    acao: str
    resultado: str
    alvo: str | None = None
    detalhes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Corrente:
    """How many rows there are, the last one's hash, and the id of the first row that does not fit, if any."""

    linhas: int
    elo: str | None
    quebrada: int | None


async def add(db: Database, *atos: Ato) -> None:
    """Add acts, in their order."""
    steps = [
        Step(
            _ADD,
            {name: getattr(ato, name) for name in Ato.__slots__} | {"detalhes": Jsonb(dict(ato.detalhes))},
            writes=True,
        )
        for ato in atos
    ]
    await db.round_trip(*steps)


async def page(db: Database, antes_de: int, limite: int, ator: str | None = None) -> list[Row]:
    """Return a page of acts, newest first; None does not filter."""
    [rows] = await db.round_trip(Step(_PAGE, {"antes_de": antes_de, "limite": limite, "ator": ator}))
    return rows


async def verify(db: Database) -> Corrente:
    """Recompute every row's hash and its link to the one before."""
    [[row]] = await db.round_trip(Step(_VERIFY))
    return Corrente(row["linhas"], row["elo"], row["quebrada"])

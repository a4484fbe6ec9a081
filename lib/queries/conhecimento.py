"""The knowledge base: imported from files as a whole, listed, searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.conhecimento import CANDIDATAS, PecaLida

_LOCK = text("-- conhecimento.lock\nSELECT pg_advisory_xact_lock(hashtext('agente.conhecimento'))")

# What is written as the files say; what is the same stays untouched, what the files hold no longer goes.
IMPORT = text("""-- conhecimento.import
WITH lida AS (
  SELECT * FROM unnest(CAST(:tipos AS text[]), CAST(:subtipos AS text[]), CAST(:titulos AS text[]),
    CAST(:gatilhos AS text[]), CAST(:textos AS text[]), CAST(:origens AS text[]))
    AS l(tipo, subtipo, titulo, gatilhos, texto, origem)),
antes AS (
  SELECT k.id, k.origem, k.titulo, l.origem IS NULL AS sumiu,
    (k.tipo, k.subtipo, k.gatilhos, k.texto) IS NOT DISTINCT FROM (l.tipo, l.subtipo, l.gatilhos, l.texto) AS igual
  FROM conhecimento k LEFT JOIN lida l USING (origem, titulo) WHERE starts_with(k.origem, :pasta)),
fora AS (DELETE FROM conhecimento WHERE :grava AND id IN (SELECT id FROM antes WHERE sumiu) RETURNING id),
dentro AS (
  INSERT INTO conhecimento (tipo, subtipo, titulo, gatilhos, texto, origem)
  SELECT l.tipo, l.subtipo, l.titulo, l.gatilhos, l.texto, l.origem FROM lida l
  WHERE :grava AND NOT EXISTS (SELECT FROM antes a WHERE a.origem = l.origem AND a.titulo = l.titulo AND a.igual)
  ON CONFLICT (origem, titulo) DO UPDATE SET tipo = excluded.tipo, subtipo = excluded.subtipo,
    gatilhos = excluded.gatilhos, texto = excluded.texto, importado_em = now()
  RETURNING id)
SELECT (SELECT count(*) FROM lida) AS lidas, count(*) FILTER (WHERE igual AND NOT sumiu) AS iguais,
  count(*) FILTER (WHERE NOT igual AND NOT sumiu) AS mudadas, count(*) FILTER (WHERE sumiu) AS removidas,
  (SELECT count(*) FROM fora) + (SELECT count(*) FROM dentro) AS gravadas
FROM antes
""")

_LIST = text("""-- conhecimento.list
SELECT id, tipo, subtipo, titulo, gatilhos, length(texto) AS caracteres, origem, importado_em FROM conhecimento
WHERE CAST(:tipo AS text) IS NULL OR tipo = :tipo ORDER BY origem, id
""")

_SEARCH = text("""-- conhecimento.search
SELECT k.id, k.tipo, k.subtipo, k.titulo, k.texto, k.origem, ts_rank(k.busca, consulta.q) AS relevancia
FROM (SELECT CAST(replace(CAST(plainto_tsquery('portuguese', :ditas) AS text), ' & ', ' | ') AS tsquery) AS q) consulta
JOIN conhecimento k ON k.busca @@ consulta.q
ORDER BY relevancia DESC, k.id LIMIT :limite
""")
_DITAS_MAX = 500  # characters: a longer word may be more bytes than a lexeme can have


@dataclass(frozen=True, slots=True)
class Importadas:
    """What an import did, or would do, in pieces."""

    novas: int
    mudadas: int
    iguais: int
    removidas: int


def import_params(pasta: str, pecas: Sequence[PecaLida], *, grava: bool) -> dict[str, Any]:
    """Return the parameters of `IMPORT`; `pasta` begins the origin of every piece, and of those that may be removed."""
    names = {"tipo": "tipos", "subtipo": "subtipos", "titulo": "titulos", "gatilhos": "gatilhos", "texto": "textos"}
    columns = {plural: [getattr(peca, name) for peca in pecas] for name, plural in names.items()}
    return {**columns, "origens": [peca.origem for peca in pecas], "pasta": pasta, "grava": grava}


async def import_pieces(db: Database, pasta: str, pecas: Sequence[PecaLida], *, grava: bool = True) -> Importadas:
    """Make the pieces whose origin begins with `pasta` be exactly these, in one transaction; a repeat changes nothing.

    Without `grava` nothing is written and the counts say what would be.
    """
    [_, [row]] = await db.round_trip(Step(_LOCK), Step(IMPORT, import_params(pasta, pecas, grava=grava), writes=grava))
    novas = row["lidas"] - row["iguais"] - row["mudadas"]
    return Importadas(novas, row["mudadas"], row["iguais"], row["removidas"])


async def list_all(db: Database, tipo: str | None = None) -> list[Row]:
    """Return all pieces without their texts, by file."""
    [found] = await db.round_trip(Step(_LIST, {"tipo": tipo}))
    return found


async def search(db: Database, ditas: str) -> list[Row]:
    """Return what the words of a message call for, as a turn would find it."""
    [found] = await db.round_trip(Step(_SEARCH, {"ditas": ditas[:_DITAS_MAX], "limite": CANDIDATAS}))
    return found

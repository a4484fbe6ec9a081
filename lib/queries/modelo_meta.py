"""Meta's message templates as last seen, and what else its account told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.modelo_meta import AUSENTE

_ACCOUNTS = text("""-- modelo_meta.accounts
SELECT min(id) AS chip_id, conta FROM chip
WHERE gateway = 'meta' AND conta IS NOT NULL AND status NOT IN ('banned', 'cancelled') GROUP BY conta ORDER BY 1
""")

_ACCOUNTS_OF = text("""-- modelo_meta.accounts_of
SELECT DISTINCT conta FROM chip WHERE id = ANY(CAST(:ids AS bigint[])) AND conta IS NOT NULL ORDER BY conta
""")

# What Meta lists is written as it says, what it lists no longer is marked, what is the same stays untouched; so does
# what Meta told of a template while the list was being read.
_SYNC = text("""-- modelo_meta.sync
WITH lido AS (
  SELECT * FROM unnest(CAST(:nomes AS text[]), CAST(:idiomas AS text[]), CAST(:categorias AS text[]),
    CAST(:statuses AS text[]), CAST(:corpos AS text[]), CAST(:parametros AS int[]))
    AS l(nome, idioma, categoria, status, corpo, parametros)),
antes AS (
  SELECT nome, idioma, l.nome IS NOT NULL AS listado, m.nome IS NOT NULL AS conhecido, m.status = :ausente AS ausente,
    coalesce((m.categoria, m.status, m.corpo, m.parametros) = (l.categoria, l.status, l.corpo, l.parametros), false)
      AS igual
  FROM (SELECT * FROM modelo_meta WHERE conta = :conta) m FULL JOIN lido l USING (nome, idioma)),
gravado AS (
  INSERT INTO modelo_meta (conta, nome, idioma, categoria, status, corpo, parametros, atualizado_em)
  SELECT :conta, l.nome, l.idioma, l.categoria, l.status, l.corpo, l.parametros, :agora
  FROM lido l JOIN antes a USING (nome, idioma) WHERE :grava AND NOT a.igual ORDER BY l.nome, l.idioma
  ON CONFLICT (conta, nome, idioma) DO UPDATE SET categoria = excluded.categoria, status = excluded.status,
    corpo = excluded.corpo, parametros = excluded.parametros, atualizado_em = excluded.atualizado_em
  WHERE modelo_meta.atualizado_em <= excluded.atualizado_em
  RETURNING 1),
sumido AS (
  UPDATE modelo_meta m SET status = :ausente, atualizado_em = :agora FROM antes a
  WHERE :grava AND m.conta = :conta AND (m.nome, m.idioma) = (a.nome, a.idioma) AND NOT a.listado AND NOT a.ausente
    AND m.atualizado_em <= :agora
  RETURNING 1)
SELECT count(*) FILTER (WHERE listado) AS lidos, count(*) FILTER (WHERE listado AND NOT conhecido) AS novos,
  count(*) FILTER (WHERE listado AND conhecido AND NOT igual) AS mudados,
  count(*) FILTER (WHERE NOT listado AND NOT ausente) AS ausentes,
  (SELECT count(*) FROM gravado) + (SELECT count(*) FROM sumido) AS gravados
FROM antes
""")

_CHANGE = text("""-- modelo_meta.change
UPDATE modelo_meta SET status = coalesce(CAST(:status AS text), status),
  categoria = coalesce(CAST(:categoria AS text), categoria), atualizado_em = :em
WHERE conta = :conta AND nome = :nome AND idioma = :idioma AND atualizado_em <= :em
RETURNING nome
""")

_TELL = text("""-- modelo_meta.tell
INSERT INTO aviso (chave, tipo, texto) VALUES (:chave, 'integracao', :texto) ON CONFLICT (chave) DO NOTHING
RETURNING id
""")

_LIST = text("""-- modelo_meta.list
SELECT conta, nome, idioma, categoria, status, corpo, parametros, atualizado_em FROM modelo_meta
WHERE CAST(:conta AS text) IS NULL OR conta = :conta ORDER BY conta, nome, idioma
""")


@dataclass(frozen=True, slots=True)
class Modelo:
    """A template as the account lists it; at most one for each name and language."""

    nome: str
    idioma: str
    categoria: str
    status: str
    corpo: str
    parametros: int


@dataclass(frozen=True, slots=True)
class Sincronia:
    """What a sync found, and how many rows it wrote: in a simulation none."""

    lidos: int
    novos: int
    mudados: int
    ausentes: int
    gravados: int


async def accounts(db: Database) -> list[tuple[int, str]]:
    """Return Meta's accounts of the numbers in use, each with the id of one of its chips."""
    [rows] = await db.round_trip(Step(_ACCOUNTS))
    return [(row["chip_id"], row["conta"]) for row in rows]


async def accounts_of(db: Database, chip_ids: Sequence[int]) -> list[str]:
    """Return the accounts of these chips."""
    [rows] = await db.round_trip(Step(_ACCOUNTS_OF, {"ids": list(chip_ids)}))
    return [row["conta"] for row in rows]


async def sync(db: Database, conta: str, modelos: Sequence[Modelo], agora: datetime, *, grava: bool) -> Sincronia:
    """Make an account's templates be exactly these, in one statement; a repeat writes nothing.

    Those that are listed no longer stay as AUSENTE. Without `grava` the counts say what would be.
    """
    unicos = {(modelo.nome, modelo.idioma): modelo for modelo in modelos}.values()
    columns = {
        "nomes": [modelo.nome for modelo in unicos],
        "idiomas": [modelo.idioma for modelo in unicos],
        "categorias": [modelo.categoria for modelo in unicos],
        "statuses": [modelo.status for modelo in unicos],
        "corpos": [modelo.corpo for modelo in unicos],
        "parametros": [modelo.parametros for modelo in unicos],
    }
    params = {**columns, "conta": conta, "agora": agora, "grava": grava, "ausente": AUSENTE}
    [[row]] = await db.round_trip(Step(_SYNC, params, writes=grava))
    return Sincronia(**row)


async def change(
    db: Database, conta: str, nome: str, idioma: str, em: datetime, *, status: str | None, categoria: str | None
) -> bool:
    """Write what Meta told of one template at `em`, unless newer is known; False when there is no such row."""
    params = {"conta": conta, "nome": nome, "idioma": idioma, "em": em, "status": status, "categoria": categoria}
    [rows] = await db.round_trip(Step(_CHANGE, params, writes=True))
    return bool(rows)


async def tell(db: Database, chave: str, texto: str) -> bool:
    """Tell people of something once per `chave`; False when it was told already."""
    [rows] = await db.round_trip(Step(_TELL, {"chave": chave, "texto": texto}, writes=True))
    return bool(rows)


async def list_all(db: Database, conta: str | None = None) -> list[Row]:
    """Return the templates of one account or of all, by name."""
    [rows] = await db.round_trip(Step(_LIST, {"conta": conta}))
    return rows

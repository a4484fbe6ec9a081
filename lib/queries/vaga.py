"""Open shifts and hospitals: every filter is in the statement, before its limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.horario import SAO_PAULO

# A shift whose pay is to be agreed, or a range that reaches it, passes a minimum.
_SEARCH = text("""-- vaga.search
WITH abertas AS (
  SELECT v.*, h.nome AS hospital, h.cidade, h.uf, e.nome AS especialidade,
    extract(hour FROM v.inicio AT TIME ZONE :fuso) AS hora, v.fim - v.inicio AS duracao,
    (CAST(:cidade AS text) IS NULL OR h.nome_normalizado LIKE '%' || :cidade || '%'
      OR translate(lower(h.cidade), 'áàâãéêíóôõúüç', 'aaaaeeiooouuc') = :cidade)
    AND (CAST(:uf AS text) IS NULL OR h.uf = :uf)
    AND CASE WHEN CAST(:especialidade AS text) IS NOT NULL THEN e.nome_normalizado LIKE '%' || :especialidade || '%'
      WHEN CAST(:especialidade_id AS bigint) IS NOT NULL THEN e.id = :especialidade_id ELSE true END AS serve
  FROM vaga v JOIN hospital h ON h.id = v.hospital_id JOIN especialidade e ON e.id = v.especialidade_id
  WHERE v.status = 'aberta' AND v.inicio > :agora)
SELECT a.*, count(*) OVER () AS servem FROM abertas a
WHERE serve AND (CAST(:minimo AS bigint) IS NULL OR valor_tipo = 'a_combinar'
    OR coalesce(valor_centavos, valor_max_centavos, valor_min_centavos) >= :minimo)
  AND CASE :periodo WHEN 'diurno' THEN hora BETWEEN 5 AND 17 WHEN 'noturno' THEN hora NOT BETWEEN 5 AND 17
    WHEN '12h' THEN duracao = interval '12 hours' WHEN '24h' THEN duracao = interval '24 hours' ELSE true END
ORDER BY CASE criticidade WHEN 'critica' THEN 0 WHEN 'urgente' THEN 1 ELSE 2 END, inicio, id
LIMIT :limite
""")

_TOTAL = text("""-- vaga.total
SELECT count(*) AS total FROM vaga WHERE status = 'aberta' AND inicio > :agora
""")

_HOSPITALS = text("""-- vaga.hospitals
SELECT nome, endereco, cidade, uf FROM hospital WHERE nome_normalizado LIKE '%' || :nome || '%' ORDER BY nome LIMIT 3
""")


@dataclass(frozen=True, slots=True)
class Filtro:
    """What is looked for; names folded to lower case without accents; None does not filter."""

    agora: datetime
    especialidade: str | None
    especialidade_id: int | None
    cidade: str | None
    uf: str | None
    periodo: str
    valor_minimo_centavos: int | None
    limite: int


@dataclass(frozen=True, slots=True)
class Achadas:
    """The shifts that fit, and how many are open without any filter."""

    vagas: list[Row]
    total: int


async def search(db: Database, filtro: Filtro) -> Achadas:
    """Return open future shifts that fit, most critical first, then soonest; one round trip."""
    params = {name: getattr(filtro, name) for name in Filtro.__slots__}
    params |= {"minimo": filtro.valor_minimo_centavos, "fuso": SAO_PAULO.key}
    found, [counted] = await db.round_trip(
        Step(_SEARCH, params | {name: like_literal(params[name]) for name in ("especialidade", "cidade")}),
        Step(_TOTAL, {"agora": filtro.agora}),
    )
    return Achadas(found, counted["total"])


async def hospitals(db: Database, nome: str) -> list[Row]:
    """Return up to three hospitals whose folded name holds these words; one round trip."""
    [found] = await db.round_trip(Step(_HOSPITALS, {"nome": like_literal(nome)}))
    return found


def like_literal(words: str | None) -> str | None:
    """Take the wildcards out of words that are matched with LIKE."""
    return None if words is None else words.replace("\\", "").replace("%", "").replace("_", " ")

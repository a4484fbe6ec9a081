"""The daily cooling of all doctors, set-based: decay, end of cool-offs, churn (decision D10).

The statement says in SQL what `lib.domain.estado.apply` says of `Decaimento`, `FimCoolingOff` and `Churn`; a property
test holds the two together. Datetimes are compared in whole days of 24 hours, whatever the session's time zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.temperatura import CHURN_DIAS, TAXA_DIARIA

_RANGES = text("""-- temperatura.ranges
WITH parte AS (
  SELECT medico_id,
    (row_number() OVER (ORDER BY medico_id) - 1)
      / greatest(:tamanho, ceil(count(*) OVER () / CAST(:maximo AS numeric))) AS posicao
  FROM doctor_state)
SELECT min(medico_id) AS de, max(medico_id) AS ate, count(*) AS quantos FROM parte GROUP BY floor(posicao) ORDER BY 1
""")

_DUE = """
WITH devida AS (
  SELECT s.medico_id, s.temperatura, m.referencia, m.dias, j.*
  FROM doctor_state s
  CROSS JOIN LATERAL (SELECT greatest(s.ultimo_decaimento_em, s.ultima_entrada_em) AS referencia,
    CAST(floor(extract(epoch FROM :agora - greatest(s.ultimo_decaimento_em, s.ultima_entrada_em)) / 86400) AS int)
      AS dias) m
  CROSS JOIN LATERAL (SELECT
    s.permissao <> 'opted_out' AND s.temperatura > 0 AND coalesce(m.dias >= 1, false) AS esfria,
    s.permissao = 'cooling_off' AND coalesce(s.cooling_off_ate <= :agora, true) AS libera,
    s.permissao <> 'opted_out' AND s.ciclo <> 'churned'
      AND coalesce(:agora - s.ultima_entrada_em > make_interval(hours => 24 * :churn_dias), false) AS perde) j
  WHERE s.medico_id BETWEEN :de AND :ate AND (j.esfria OR j.libera OR j.perde)"""

_COUNT = text(
    "-- temperatura.count"
    + _DUE
    + """)
SELECT count(*) AS devidas, count(*) AS mudadas, count(*) FILTER (WHERE esfria) AS esfriadas,
  count(*) FILTER (WHERE libera) AS liberadas, count(*) FILTER (WHERE perde) AS perdidas FROM devida
"""
)

_LIST = text(
    "-- temperatura.list"
    + _DUE
    + """)
SELECT medico_id, esfria, libera, perde, dias FROM devida ORDER BY medico_id LIMIT :limite
"""
)

# Locked before they are changed: a message that lands meanwhile warms the doctor before or after, never in between.
_COOL = text(
    "-- temperatura.cool"
    + _DUE
    + """
  ORDER BY s.medico_id FOR NO KEY UPDATE OF s),
mudada AS (
  UPDATE doctor_state s SET
    temperatura = CASE WHEN esfria THEN greatest(0, round(d.temperatura - CAST(:taxa AS numeric) * d.dias, 2))
      ELSE s.temperatura END,
    tendencia = CASE WHEN esfria THEN 'cooling' ELSE s.tendencia END,
    ultimo_decaimento_em = CASE WHEN esfria THEN d.referencia + make_interval(hours => 24 * d.dias)
      ELSE s.ultimo_decaimento_em END,
    permissao = CASE WHEN libera THEN 'active' ELSE s.permissao END,
    cooling_off_ate = CASE WHEN libera THEN NULL ELSE s.cooling_off_ate END,
    ciclo = CASE WHEN perde THEN 'churned' ELSE s.ciclo END
  FROM devida d WHERE s.medico_id = d.medico_id
  RETURNING s.medico_id)
SELECT count(*) AS devidas, count(m.medico_id) AS mudadas, count(m.medico_id) FILTER (WHERE esfria) AS esfriadas,
  count(m.medico_id) FILTER (WHERE libera) AS liberadas, count(m.medico_id) FILTER (WHERE perde) AS perdidas
FROM devida d LEFT JOIN mudada m ON m.medico_id = d.medico_id
"""
)


@dataclass(frozen=True, slots=True)
class Esfriamento:
    """Doctors that were due, doctors really changed, and how many of these in which way."""

    devidas: int
    mudadas: int
    esfriadas: int
    liberadas: int
    perdidas: int


async def ranges(db: Database, tamanho: int, maximo: int) -> list[tuple[int, int, int]]:
    """Cut all doctors into (first id, last id, how many) of about `tamanho`, at most `maximo` of them."""
    [rows] = await db.round_trip(Step(_RANGES, {"tamanho": tamanho, "maximo": maximo}))
    return [(row["de"], row["ate"], row["quantos"]) for row in rows]


async def cool(db: Database, de: int, ate: int, agora: datetime, *, aplicar: bool) -> Esfriamento:
    """Cool, release and lose the doctors of a range, in one statement; without `aplicar` only count them."""
    params = {**_params(de, ate, agora), **({"taxa": str(TAXA_DIARIA)} if aplicar else {})}
    [[row]] = await db.round_trip(Step(_COOL if aplicar else _COUNT, params, writes=aplicar))
    return Esfriamento(**row)


async def due(db: Database, de: int, ate: int, agora: datetime, limite: int) -> Sequence[Row]:
    """List the doctors of a range that are due: medico_id, esfria, libera, perde, dias."""
    [rows] = await db.round_trip(Step(_LIST, {**_params(de, ate, agora), "limite": limite}))
    return rows


def _params(de: int, ate: int, agora: datetime) -> dict[str, object]:
    return {"de": de, "ate": ate, "agora": agora, "churn_dias": CHURN_DIAS}

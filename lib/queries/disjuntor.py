"""The breaker of a chip at its gateway: parts of the statements that record what became of sends.

It is a row that all processes share, so it survives them. A part costs no round trip of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lib.db import Row
from lib.domain.disjuntor import ABRE, PAUSA_MAX, ClasseFalha

_PAUSA: Final = """make_interval(secs => least(CAST(:pausa_max_s AS float8),
    greatest(CAST(:pausa_min_s AS float8), CAST(:pausa_s AS float8) * power(2, least({vezes}, 16)))))"""
_ABRE: Final = """CASE WHEN d.aberto_ate IS NULL THEN d.falhas + excluded.falhas >= :abre_em
      ELSE d.aberto_ate <= now() AND excluded.em >= d.aberto_ate END"""

# `o` holds the ids of the sends that failed, which are read as they were before. Whoever else counts at the same time,
# enough in a row open it, and so does the probe of a half open one, for twice as long; what had begun before it opened
# says nothing new. Ends in the breakers that it opened.
_FALHA_OF: Final = """falhou AS (
  SELECT a.chip_id, k.gateway, max(a.enviando_em) AS em, count(*)::int AS falhas
  FROM o JOIN outbox a ON a.id = o.id JOIN chip k ON k.id = a.chip_id
  WHERE CAST(:classe AS text) IS NOT NULL GROUP BY a.chip_id, k.gateway ORDER BY a.chip_id),
contado AS (
  INSERT INTO disjuntor AS d (chip_id, gateway, falhas, aberturas, classe, aberto_ate, em)
  SELECT chip_id, gateway, falhas, (falhas >= :abre_em)::int, :classe,
    CASE WHEN falhas >= :abre_em THEN now() + {primeira} END, em FROM falhou
  ON CONFLICT (chip_id, gateway) DO UPDATE SET falhas = least(d.falhas + excluded.falhas, 30000),
    aberturas = d.aberturas + ({abre})::int, classe = excluded.classe, em = greatest(d.em, excluded.em),
    aberto_ate = CASE WHEN {abre} THEN now() + {outra} ELSE d.aberto_ate END
  RETURNING d.*),
aberto AS (
  INSERT INTO disjuntor_transicao (chip_id, gateway, de, para, classe, falhas, aberto_ate, em)
  SELECT chip_id, gateway, CASE WHEN aberturas > 1 THEN 'meio_aberto' ELSE 'fechado' END, 'aberto', classe, falhas,
    aberto_ate, now() FROM contado WHERE aberto_ate = now() + {esta} RETURNING chip_id, falhas, aberto_ate)
SELECT chip_id, falhas, aberto_ate FROM aberto"""
FALHA: Final = _FALHA_OF.format(
    abre=_ABRE,
    primeira=_PAUSA.format(vezes="0"),
    outra=_PAUSA.format(vezes="d.aberturas"),
    esta=_PAUSA.format(vezes="aberturas - 1"),
)

# `o` holds the sends that went through; `nfence` null: late evidence, which says nothing of now. One that began before
# the breaker opened does not close it.
FECHA: Final = """fecha AS (
  UPDATE disjuntor d SET falhas = 0, aberturas = 0, aberto_ate = NULL, classe = NULL, em = now()
  FROM o JOIN chip k ON k.id = o.chip_id
  WHERE o.nfence IS NOT NULL AND d.chip_id = k.id AND d.gateway = k.gateway
    AND (d.falhas > 0 OR d.aberto_ate IS NOT NULL) AND coalesce(o.enviando_em >= d.aberto_ate, true)
  RETURNING d.chip_id, d.gateway),
fechado AS (
  INSERT INTO disjuntor_transicao (chip_id, gateway, de, para, classe, falhas, em)
  SELECT v.chip_id, v.gateway, 'meio_aberto', 'fechado', v.classe, v.falhas, now()
  FROM fecha f JOIN disjuntor v ON v.chip_id = f.chip_id AND v.gateway = f.gateway WHERE v.aberto_ate IS NOT NULL)"""


@dataclass(frozen=True, slots=True)
class Aberto:
    """A breaker that opened, after so many failures in a row, until then."""

    chip_id: int
    falhas: int
    ate: datetime


def opens(classe: ClasseFalha | None, pausa_min_s: float = 0.0) -> dict[str, Any]:
    """Return what `FALHA` wants to know: None counts nothing; `pausa_min_s` is the gateway's own wish."""
    rule = ABRE[classe or ClasseFalha.TEMPO]
    return {
        "classe": classe,
        "abre_em": rule.falhas,
        "pausa_s": rule.pausa.total_seconds(),
        "pausa_min_s": pausa_min_s,
        "pausa_max_s": PAUSA_MAX.total_seconds(),
    }


def opened(rows: Sequence[Row]) -> list[Aberto]:
    """Read what `FALHA` ends in."""
    return [Aberto(row["chip_id"], row["falhas"], row["aberto_ate"]) for row in rows]

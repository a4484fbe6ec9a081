"""The way back from restrictions, of all chips in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.chip import EM_USO
from lib.domain.chip_ciclo import PRIMEIRA_PARTE, RESTRICAO
from lib.domain.rampup import INTEIRA, PARTES

# Whom WhatsApp still holds back, and who has not all of its limits back. A number that came back by another way, by a
# person's hand say, begins to get its share when its restriction is over. Locked: what is judged is what stands.
_DECIDIDO: Final = """WITH alvo AS MATERIALIZED (
  SELECT k.id, k.status, k.status_anterior, k.gateway, k.qualidade, k.rampup_parte, k.rampup_desde,
    coalesce(k.reply_only_until <= :agora, true) AS solto
  FROM chip k
  WHERE k.tipo = 'julia'
    AND (k.status = 'restricted' OR (k.status = ANY(CAST(:em_uso AS text[])) AND k.rampup_parte < :inteira))
  ORDER BY k.id {tranca}),
julgado AS (
  SELECT a.*, CASE
      WHEN a.status = 'restricted' THEN CASE WHEN NOT a.solto THEN NULL
        WHEN a.gateway = 'meta' AND a.qualidade = 'RED' THEN 'segue_restrito' ELSE 'volta' END
      WHEN a.rampup_desde IS NULL THEN CASE WHEN a.solto THEN 'volta' END
      WHEN p.parte > a.rampup_parte THEN CASE WHEN p.parte = :inteira THEN 'inteiro' ELSE 'sobe' END END AS passo,
    p.parte, CASE WHEN EXISTS (SELECT FROM chip_transicao_legal l WHERE l.de = 'restricted'
        AND l.para = a.status_anterior AND l.ator = 'fluxo') THEN a.status_anterior ELSE 'warming' END AS destino
  FROM alvo a LEFT JOIN LATERAL (
    SELECT max(t.parte) AS parte FROM unnest(CAST(:apos_s AS float8[]), CAST(:partes AS int[])) AS t(apos_s, parte)
    WHERE a.rampup_desde + make_interval(secs => t.apos_s) <= :agora) p ON true)"""

_RAISE_OF: Final = """-- rampup.raise
{base},
mudado AS (
  UPDATE chip k SET
    reply_only_until = CASE WHEN j.passo = 'segue_restrito' THEN :agora + make_interval(secs => :restricao_s)
      ELSE k.reply_only_until END,
    rampup_parte = CASE j.passo WHEN 'segue_restrito' THEN k.rampup_parte WHEN 'volta' THEN :primeira ELSE j.parte END,
    rampup_desde = CASE j.passo WHEN 'segue_restrito' THEN k.rampup_desde WHEN 'volta' THEN :agora
      WHEN 'sobe' THEN k.rampup_desde END,
    status = CASE WHEN j.passo = 'volta' AND k.status = 'restricted' THEN j.destino ELSE k.status END,
    status_desde = CASE WHEN j.passo = 'volta' AND k.status = 'restricted' THEN :agora ELSE k.status_desde END,
    status_ator = CASE WHEN j.passo = 'volta' AND k.status = 'restricted' THEN 'fluxo:rampup' ELSE k.status_ator END,
    status_motivo = CASE WHEN j.passo = 'volta' AND k.status = 'restricted'
      THEN 'restrição vencida: volta com ' || :primeira || ' % dos limites' ELSE k.status_motivo END
  FROM julgado j WHERE k.id = j.id AND j.passo IS NOT NULL RETURNING k.id)
SELECT j.passo, count(*) AS vistos, count(m.id) AS mudados FROM julgado j LEFT JOIN mudado m ON m.id = j.id
GROUP BY 1 ORDER BY 1
"""
_RAISE = text(_RAISE_OF.format(base=_DECIDIDO.format(tranca="FOR NO KEY UPDATE OF k")))

_COUNT_OF: Final = """-- rampup.count
{base}
SELECT passo, count(*) AS vistos, count(passo) AS mudados FROM julgado GROUP BY 1 ORDER BY 1
"""
_COUNT = text(_COUNT_OF.format(base=_DECIDIDO.format(tranca="")))

_LIST_OF: Final = """-- rampup.list
{base}
SELECT id AS chip_id, passo, status,
  CASE WHEN status = 'restricted' AND passo = 'volta' THEN destino ELSE status END AS para,
  CASE passo WHEN 'volta' THEN :primeira WHEN 'segue_restrito' THEN rampup_parte ELSE parte END AS parte
FROM julgado WHERE passo IS NOT NULL ORDER BY id LIMIT :limite
"""
_LIST = text(_LIST_OF.format(base=_DECIDIDO.format(tranca="")))


@dataclass(frozen=True, slots=True)
class Grupo:
    """Chips that make the same step (None: none is due); `mudados` of the `vistos` were really written."""

    passo: str | None
    vistos: int
    mudados: int


async def raise_shares(db: Database, agora: datetime, *, aplicar: bool) -> list[Grupo]:
    """Give every chip the share of its limits that is due, in one statement; without `aplicar` only count them.

    Steps: `volta` from a restriction with the first share, `sobe`, `inteiro` when all is back, and `segue_restrito` of
    a Meta number that is still RED.
    """
    [rows] = await db.round_trip(Step(_RAISE if aplicar else _COUNT, _params(agora, aplicar=aplicar), writes=aplicar))
    return [Grupo(**row) for row in rows]


async def due(db: Database, agora: datetime, limite: int) -> list[Row]:
    """List the chips with a step due: chip_id, passo, status, para, parte."""
    [rows] = await db.round_trip(Step(_LIST, {**_params(agora), "primeira": PRIMEIRA_PARTE, "limite": limite}))
    return rows


def _params(agora: datetime, *, aplicar: bool = False) -> dict[str, Any]:
    writing = {"primeira": PRIMEIRA_PARTE, "restricao_s": RESTRICAO.total_seconds()}
    return {
        "agora": agora,
        "em_uso": sorted(EM_USO),
        "inteira": INTEIRA,
        "apos_s": [after.total_seconds() for after, _ in PARTES],
        "partes": [percent for _, percent in PARTES],
        **(writing if aplicar else {}),
    }

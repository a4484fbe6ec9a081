"""What each chip carried on one day of São Paulo, in one statement for all chips."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import text

from lib.db import Database, Step
from lib.domain.horario import limites_do_dia

# Every chip that was there on that day and is not given back, and one that is if it carried something. A failure is an
# attempt that was refused or unclear, also of what another chip sent in the end, or a send that did not arrive.
_CONTADO: Final = """desistida AS MATERIALIZED (
  SELECT d.chip_id, count(*) AS vezes FROM chip_selecao s JOIN chip_decisao d ON d.selecao_id = s.id
  JOIN outbox o ON o.id = d.outbox_id AND o.fence > d.fence
  WHERE s.em >= :inicio AND s.em < :fim GROUP BY d.chip_id),
contado AS MATERIALIZED (
  SELECT k.id AS chip_id, m.enviadas, m.proativas, m.recebidas, m.entregues, m.lidas, m.falhas + f.falhas AS falhas,
    k.status, k.fase, k.trust_score, k.limite_hora, k.limite_dia
  FROM chip k
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE i.direcao = 'saida') AS enviadas,
      count(*) FILTER (WHERE i.direcao = 'saida' AND i.proativa) AS proativas,
      count(*) FILTER (WHERE i.direcao = 'entrada') AS recebidas,
      count(*) FILTER (WHERE i.direcao = 'saida' AND i.entrega IN ('entregue', 'lida')) AS entregues,
      count(*) FILTER (WHERE i.direcao = 'saida' AND i.entrega = 'lida') AS lidas,
      count(*) FILTER (WHERE i.direcao = 'saida' AND i.entrega = 'falhou') AS falhas
    FROM interacao i WHERE i.chip_id = k.id AND i.em >= :inicio AND i.em < :fim) m
  CROSS JOIN LATERAL (
    SELECT (SELECT count(*) FROM outbox o WHERE o.chip_id = k.id AND o.falhou_em >= :inicio AND o.falhou_em < :fim
        AND coalesce(o.falhou_em >= o.enviando_em, true))
      + coalesce((SELECT x.vezes FROM desistida x WHERE x.chip_id = k.id), 0) AS falhas) f
  WHERE k.criado_em < :fim AND (k.status <> 'cancelled' OR m.enviadas + m.recebidas > 0)),
devido AS (
  SELECT c.*, s.chip_id IS NULL AS novo FROM contado c
  LEFT JOIN chip_snapshot s ON s.chip_id = c.chip_id AND s.dia = :dia
  WHERE s.chip_id IS NULL OR (s.enviadas, s.proativas, s.recebidas, s.entregues, s.lidas, s.falhas)
    IS DISTINCT FROM (c.enviadas, c.proativas, c.recebidas, c.entregues, c.lidas, c.falhas))"""

# What came late, a receipt say, corrects the counts; how the chip stood stays as it was first written.
_WRITE_OF: Final = """-- snapshot.write
WITH {contado},
escrito AS (
  INSERT INTO chip_snapshot (chip_id, dia, enviadas, proativas, recebidas, entregues, lidas, falhas, status, fase,
    trust_score, limite_hora, limite_dia, em)
  SELECT chip_id, :dia, enviadas, proativas, recebidas, entregues, lidas, falhas, status, fase, trust_score,
    limite_hora, limite_dia, :agora FROM devido
  ON CONFLICT (chip_id, dia) DO UPDATE SET enviadas = excluded.enviadas, proativas = excluded.proativas,
    recebidas = excluded.recebidas, entregues = excluded.entregues, lidas = excluded.lidas, falhas = excluded.falhas
  RETURNING chip_id)
SELECT (SELECT count(*) FROM contado) AS vistos, count(d.chip_id) AS devidos, count(e.chip_id) AS escritos,
  count(e.chip_id) FILTER (WHERE d.novo) AS novos
FROM devido d LEFT JOIN escrito e ON e.chip_id = d.chip_id
"""
_WRITE = text(_WRITE_OF.format(contado=_CONTADO))
_COUNT_OF: Final = """-- snapshot.count
WITH {contado}
SELECT (SELECT count(*) FROM contado) AS vistos, count(*) AS devidos, count(*) AS escritos,
  count(*) FILTER (WHERE novo) AS novos FROM devido
"""
_COUNT = text(_COUNT_OF.format(contado=_CONTADO))


@dataclass(frozen=True, slots=True)
class Escrito:
    """Chips looked at, those whose row was due, those really written, and the rows among these that are new."""

    vistos: int
    devidos: int
    escritos: int
    novos: int


async def write(db: Database, dia: date, agora: datetime, *, aplicar: bool) -> Escrito:
    """Write the day of every chip, in one statement; without `aplicar` only count what is due."""
    inicio, fim = limites_do_dia(dia)
    params = {"dia": dia, "inicio": inicio, "fim": fim, **({"agora": agora} if aplicar else {})}
    [[row]] = await db.round_trip(Step(_WRITE if aplicar else _COUNT, params, writes=aplicar))
    return Escrito(**row)

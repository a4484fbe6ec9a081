"""The pool as a forecast wants it: every number of Júlia's with its sends of 24 hours, the accounts, the queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.chip import Gateway, StatusChip
from lib.domain.previsao import ContaPrevista
from lib.domain.previsao_pool import Inscrito
from lib.domain.selecao import TIER_MINIMO

_CHIPS = text("""-- previsao.chips
SELECT k.id AS chip_id, k.instancia AS nome, k.status, k.status_anterior, k.gateway, k.conta, k.trust_score AS trust,
  k.pode_prospectar, k.conectado, k.qualidade, k.limite_hora, k.limite_dia, k.delay_minimo_s AS intervalo_s,
  k.rampup_parte, k.rampup_desde, k.reply_only_until, k.cooldown_ate, d.aberto_ate, u.envios
FROM chip k
LEFT JOIN disjuntor d ON d.chip_id = k.id AND d.gateway = k.gateway
CROSS JOIN LATERAL (
  SELECT coalesce(array_agg(o.enviando_em ORDER BY o.enviando_em), '{}') AS envios FROM outbox o
  WHERE o.chip_id = k.id AND o.enviando_em > CAST(:agora AS timestamptz) - interval '1 day' AND o.enviando_em <= :agora
    AND o.state IN ('sending', 'unknown', 'sent', 'parked')) u
WHERE k.tipo = 'julia' AND k.status <> 'cancelled' ORDER BY k.trust_score DESC, k.id
""")

# A person whom two numbers of an account wrote to counts once, from the last time on.
_CONTAS = text("""-- previsao.contas
SELECT c.conta, coalesce(m.limite_dia, :tier_minimo) AS limite, p.contatos
FROM (SELECT DISTINCT conta FROM chip WHERE conta IS NOT NULL AND gateway = 'meta') c
LEFT JOIN conta_meta m ON m.conta = c.conta
CROSS JOIN LATERAL (
  SELECT coalesce(array_agg(x.em ORDER BY x.em), '{}') AS contatos FROM (
    SELECT max(o.enviando_em) AS em FROM chip k JOIN outbox o ON o.chip_id = k.id
    WHERE k.conta = c.conta AND o.proativa AND o.enviando_em > CAST(:agora AS timestamptz) - interval '1 day'
      AND o.enviando_em <= :agora AND o.state IN ('sending', 'unknown', 'sent', 'parked')
    GROUP BY o.medico_id) x) p
""")

_FILA = text("""-- previsao.fila
SELECT count(*) AS na_fila FROM outbox WHERE state = 'pending' AND tipo = 'prospeccao'
""")


@dataclass(frozen=True, slots=True)
class Pool:
    """Júlia's numbers, the best first, the accounts by name, and how many first contacts wait already."""

    chips: tuple[Inscrito, ...]
    contas: Mapping[str, ContaPrevista]
    na_fila: int


async def pool(db: Database, agora: datetime) -> Pool:
    """Read it in one round trip."""
    chips, contas, [fila] = await db.round_trip(
        Step(_CHIPS, {"agora": agora}), Step(_CONTAS, {"agora": agora, "tier_minimo": TIER_MINIMO}), Step(_FILA)
    )
    return Pool(
        tuple(_enrolled(row) for row in chips),
        {row["conta"]: ContaPrevista(row["limite"], tuple(row["contatos"])) for row in contas},
        fila["na_fila"],
    )


def _enrolled(row: Row) -> Inscrito:
    before = row["status_anterior"]
    values: Mapping[str, Any] = {
        **row,
        "status": StatusChip(row["status"]),
        "status_anterior": StatusChip(before) if before else None,
        "gateway": Gateway(row["gateway"]),
        "envios": tuple(row["envios"]),
    }
    return Inscrito(**values)

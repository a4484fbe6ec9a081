"""How each chip stands: status and since when, connection, trust, use against the limits in force, what holds it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step

# Use and limits as the send claim counts them. An account at Meta shares its tier among its chips.
_COLUNAS = """
SELECT c.id, c.instancia, c.telefone, c.tipo, c.gateway, c.conta, c.status, c.status_desde, c.status_motivo,
  c.status_ator, c.conectado, c.conexao_em, c.conexao_vista_em, c.queda_codigo, c.qualidade, c.fase, c.fase_desde,
  c.aquecimento_desde, c.trust_score, c.trust_nivel, coalesce(u.hora, 0) AS uso_hora, coalesce(u.dia, 0) AS uso_dia,
  c.limite_hora * c.rampup_parte / 100 AS limite_hora, c.limite_dia * c.rampup_parte / 100 AS limite_dia,
  c.rampup_parte, c.reply_only_until, c.cooldown_ate, c.cooldown_motivo, d.aberto_ate AS disjuntor_ate,
  d.classe AS disjuntor_classe, m.tier AS conta_tier, c.criado_em
FROM chip c
LEFT JOIN (
  SELECT o.chip_id, count(*) AS dia, count(*) FILTER (WHERE o.enviando_em > :agora - interval '1 hour') AS hora
  FROM outbox o WHERE o.enviando_em > :agora - interval '1 day' AND o.state IN ('sending', 'unknown', 'sent', 'parked')
  GROUP BY o.chip_id) u ON u.chip_id = c.id
LEFT JOIN disjuntor d ON d.chip_id = c.id AND d.gateway = c.gateway
LEFT JOIN conta_meta m ON m.conta = c.conta AND c.gateway = 'meta'
"""
_ALL = text(f"""-- chip_estado.all{_COLUNAS}
WHERE CASE WHEN CAST(:chip AS text) IS NULL THEN :cancelados OR c.status <> 'cancelled'
  ELSE c.id = (SELECT x.id FROM chip x WHERE x.instancia = :chip OR CAST(x.id AS text) = :chip
    ORDER BY x.instancia = :chip DESC LIMIT 1) END
ORDER BY c.tipo, c.instancia
""")  # noqa: S608 - a statement of our own in two parts
_PAGE = text(f"""-- chip_estado.page{_COLUNAS}
WHERE c.id < :antes_de AND (CAST(:status AS text) IS NULL OR c.status = :status) ORDER BY c.id DESC LIMIT :limite
""")

_HISTORY = text("""-- chip_estado.history
SELECT de, para, motivo, ator, em FROM chip_transicao WHERE chip_id = :chip_id ORDER BY em DESC, id DESC LIMIT :limite
""")


async def show(db: Database, agora: datetime, chip: str | None = None, *, cancelados: bool = False) -> list[Row]:
    """Return all chips by kind and name, or the one of this `instancia` or id."""
    [rows] = await db.round_trip(Step(_ALL, {"agora": agora, "chip": chip, "cancelados": cancelados}))
    return rows


async def page(db: Database, agora: datetime, antes_de: int, limite: int, status: str | None) -> list[Row]:
    """Return a page of chips, the newest first."""
    params = {"agora": agora, "antes_de": antes_de, "limite": limite, "status": status}
    [rows] = await db.round_trip(Step(_PAGE, params))
    return rows


async def history(db: Database, chip_id: int, limite: int) -> list[Row]:
    """Return a chip's last changes of status, the newest first."""
    [rows] = await db.round_trip(Step(_HISTORY, {"chip_id": chip_id, "limite": limite}))
    return rows

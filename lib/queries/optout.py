"""A stop that did not come as a message: by the gateway's own menu, or told to a person."""

from __future__ import annotations

from sqlalchemy import text

from lib.db import Database, Step

# `lib.domain.estado.apply` of an opt-out, written as a set. What is queued is cancelled by the send gate, which looks.
_OPT_OUT = text("""-- optout.opt_out
WITH m AS (
  SELECT id FROM medico WHERE id = :medico_id OR telefone = :telefone OR lid = :lid
    OR telefone = (SELECT telefone FROM lid_telefone WHERE lid = :lid)
  ORDER BY id LIMIT 1),
s AS (
  UPDATE doctor_state s SET permissao = 'opted_out', cooling_off_ate = NULL FROM m
  WHERE s.medico_id = m.id AND s.permissao <> 'opted_out' RETURNING s.medico_id),
c AS (
  UPDATE conversa c SET estagio = 'optout' FROM m WHERE c.medico_id = m.id AND c.estagio <> 'optout'
    AND c.status IN ('active', 'paused', 'escalated') AND (SELECT count(*) FROM s) >= 0) -- the state is locked first
SELECT m.id, (SELECT count(*) FROM s) AS mudou FROM m
""")


async def opt_out(
    db: Database, *, medico_id: int | None = None, telefone: str | None = None, lid: str | None = None
) -> tuple[int, bool] | None:
    """Opt a doctor out, for good and everywhere (decision D3); repeating it changes nothing.

    Returns the doctor's id and whether this was what did it; None when nobody has this id or address.
    """
    params = {"medico_id": medico_id, "telefone": telefone, "lid": lid}
    [rows] = await db.round_trip(Step(_OPT_OUT, params, writes=True))
    return (rows[0]["id"], bool(rows[0]["mudou"])) if rows else None

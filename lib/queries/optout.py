"""A stop that did not come as a message: by the gateway's own menu, or told to a person."""

from __future__ import annotations

from sqlalchemy import text

from lib.db import Database, Step

TENTATIVAS = 2

# `lib.domain.estado.apply` of an opt-out, written as a set. What is queued is cancelled by the send gate, which looks.
# Two rows that the addresses name are one doctor under two of them. Who is not known yet is from now on, as opted out:
# whatever brings them here later meets this row.
_OPT_OUT = text("""-- optout.opt_out
WITH conhecido AS (
  SELECT id FROM medico WHERE id = :medico_id OR telefone = :telefone OR lid = :lid
    OR telefone = (SELECT telefone FROM lid_telefone WHERE lid = :lid)
    OR lid IN (SELECT lid FROM lid_telefone WHERE telefone = :telefone)),
novo AS (
  INSERT INTO medico (telefone, lid) SELECT :telefone, :lid
  WHERE NOT EXISTS (SELECT FROM conhecido) AND coalesce(CAST(:telefone AS text), CAST(:lid AS text)) IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING id),
m AS (SELECT id FROM conhecido UNION ALL SELECT id FROM novo),
s AS (
  INSERT INTO doctor_state (medico_id, permissao) SELECT id, 'opted_out' FROM m ORDER BY id
  ON CONFLICT (medico_id) DO UPDATE SET permissao = 'opted_out', cooling_off_ate = NULL
  WHERE doctor_state.permissao <> 'opted_out' RETURNING medico_id),
c AS (
  UPDATE conversa c SET estagio = 'optout' FROM m WHERE c.medico_id = m.id AND c.estagio <> 'optout'
    AND c.status IN ('active', 'paused', 'escalated') AND (SELECT count(*) FROM s) >= 0) -- the state is locked first
SELECT m.id, (SELECT count(*) FROM s) AS mudou FROM m ORDER BY m.id
""")


async def opt_out(
    db: Database, *, medico_id: int | None = None, telefone: str | None = None, lid: str | None = None
) -> tuple[int, bool] | None:
    """Opt a doctor out, for good and everywhere (decision D3); repeating it changes nothing.

    Returns the doctor's id and whether this was what did it; None when nobody has this id. An address that nobody has
    yet is remembered.
    """
    params = {"medico_id": medico_id, "telefone": telefone, "lid": lid}
    for _ in range(TENTATIVAS):
        [rows] = await db.round_trip(Step(_OPT_OUT, params, writes=True))
        if rows:
            return rows[0]["id"], bool(rows[0]["mudou"])
        # Nobody has the id; or the doctor's own first message made the row at this moment.
    return None

"""Reminders that doctors ask for: rows of the outbox that keep their hour (decision D26)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text

from lib.db import Step
from lib.queries.efeito import NOVO

# Behind the replies of the moment, before everything that nobody waits for.
PRIORIDADE = 9

_SCHEDULE = text(f"""-- lembrete.schedule
WITH abertos AS (
  SELECT count(*) AS n FROM conversa c JOIN outbox o ON o.conversation_id = c.id
  WHERE c.medico_id = :medico_id AND o.tipo = 'lembrete' AND o.state IN ('pending', 'sending', 'unknown')),
marcado AS (
  INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, proativa, prioridade, next_at)
  SELECT c.id, c.medico_id, :cause, :body, sha256(convert_to(:body, 'UTF8')), 'lembrete', false, :prioridade, :quando
  FROM conversa c, abertos
  WHERE c.id = :conversation_id AND c.medico_id = :medico_id AND abertos.n < :maximo AND {NOVO}
  ON CONFLICT (cause) DO NOTHING RETURNING id)
UPDATE tool_effect SET resultado = CASE WHEN EXISTS (SELECT FROM marcado) THEN CAST(:feito AS jsonb)
  ELSE CAST(:recusado AS jsonb) END
WHERE cause = :efeito_cause AND tool = :efeito_tool AND args_hash = :efeito_hash AND resultado = 'null'
""")  # noqa: S608 — joined of our own constants


def prefixo(cause: str) -> str:
    """Return how the causes of the reminders begin that were set for this cause."""
    return f"lembrete:{cause}:"


def schedule_step(
    *,
    conversation_id: int,
    medico_id: int,
    cause: str,
    body: str,
    quando: datetime,
    maximo: int,
    feito: Mapping[str, Any],
    recusado: Mapping[str, Any],
) -> Step:
    """Return the effect that queues a reminder for its hour, unless the doctor has `maximo` open ones.

    It stores `feito` or `recusado` as the result.
    """
    params = {
        "conversation_id": conversation_id,
        "medico_id": medico_id,
        "cause": cause,
        "body": body,
        "quando": quando,
        "maximo": maximo,
        "prioridade": PRIORIDADE,
        "feito": Jsonb(dict(feito)),
        "recusado": Jsonb(dict(recusado)),
    }
    return Step(_SCHEDULE, params, writes=True)

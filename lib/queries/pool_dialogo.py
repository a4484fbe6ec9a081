"""Dialogues that live on a lost chip: what was queued of our own accord is dropped, answers go through another chip.

Two statements of one round trip, in the order in which everybody locks: outbox rows, then conversations. A dialogue in
which something proactive was queued in between stays where it is until the next run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from lib.db import Row, Step
from lib.domain.chip import TRUST_MINIMO, TipoEnvio
from lib.domain.pool import POOL

LIMITE: Final = 2_000  # dialogues that one run moves; the rest goes with the next one
MOTIVO_CANCELA: Final = "chip_perdido"

# A chip is lost when it is banned, given back or paused, or has been disconnected for longer than a short disconnect.
# Same gateway first: who is known by a LID or by Meta's user id alone is reached through that kind alone. Another
# number of Meta cannot take over from one that is not of Meta: nobody wrote to it within the day.
_BASE: Final = """perdido AS (
  SELECT k.id, k.gateway, CASE k.status WHEN 'banned' THEN 'banido' WHEN 'cancelled' THEN 'cancelado'
    WHEN 'paused' THEN 'pausado' ELSE 'desconectado há mais de ' || CAST(:fora_min AS int) || ' minutos' END AS motivo
  FROM chip k WHERE k.tipo = 'julia' AND (k.status IN ('banned', 'cancelled', 'paused')
    OR (k.status IN ('warming', 'ready', 'active', 'degraded', 'restricted') AND NOT k.conectado
      AND coalesce(k.conexao_em, k.status_desde) <= :fora_desde))),
destino AS MATERIALIZED (
  SELECT k.id, k.gateway, (SELECT count(*) FROM conversa v WHERE v.chip_id = k.id AND v.ultima_entrada_em > :vivo_desde
    AND v.status IN ('active', 'paused', 'escalated')) AS carga
  FROM chip k WHERE k.tipo = 'julia' AND k.status = 'active' AND k.conectado AND k.pode_responder
    AND k.trust_score >= :trust_resposta),
caminho AS (SELECT gateway, sum(carga) AS carga, count(*) AS chips FROM destino GROUP BY gateway),
dialogo AS MATERIALIZED (
  SELECT c.id, c.chip_id, p.motivo, CASE WHEN p.gateway IN (SELECT gateway FROM caminho) THEN p.gateway
    WHEN d.telefone IS NOT NULL OR d.lid NOT LIKE '%.%' THEN (SELECT w.gateway FROM caminho w
      WHERE w.gateway <> 'meta' ORDER BY w.carga / w.chips, w.gateway LIMIT 1) END AS caminho
  FROM perdido p JOIN conversa c ON c.chip_id = p.id JOIN medico d ON d.id = c.medico_id
  WHERE c.status IN ('active', 'paused', 'escalated') AND c.ultima_entrada_em > :vivo_desde
  ORDER BY c.id LIMIT :limite {tranca})"""

_CANCEL_OF: Final = """-- pool.cancel
WITH {base},
alvo AS (
  SELECT o.id FROM outbox o JOIN dialogo d ON d.id = o.conversation_id
  WHERE o.state = 'pending' AND o.proativa AND d.caminho IS NOT NULL ORDER BY o.id FOR UPDATE OF o)
UPDATE outbox SET state = 'cancelled', motivo = :motivo_cancela FROM alvo WHERE outbox.id = alvo.id RETURNING outbox.id
"""
_CANCEL = text(_CANCEL_OF.format(base=_BASE.format(tranca="")))

# Each goes where the fewest are: the places are numbered by how many a chip would have with it, up to the level that
# all of a gateway could reach together.
_VAGA: Final = """fila AS (
  SELECT d.*, EXISTS (SELECT FROM outbox o WHERE o.conversation_id = d.id AND o.state = 'pending' AND o.proativa)
    AS espera FROM dialogo d),
ordem AS (
  SELECT f.id, f.chip_id, f.motivo, f.caminho, row_number() OVER (PARTITION BY f.caminho ORDER BY f.id) AS vez
  FROM fila f WHERE f.caminho IS NOT NULL AND NOT f.espera),
vaga AS (
  SELECT k.id AS chip_id, k.gateway, row_number() OVER (PARTITION BY k.gateway ORDER BY k.carga + n, k.id) AS vez
  FROM destino k JOIN caminho w ON w.gateway = k.gateway
  JOIN (SELECT caminho, count(*) AS quantos FROM ordem GROUP BY 1) q ON q.caminho = k.gateway
  CROSS JOIN LATERAL generate_series(1, CAST(ceil((w.carga + q.quantos) / w.chips) - k.carga AS int)) n),
par AS (
  SELECT o.id, o.chip_id AS de, v.chip_id AS para, o.motivo FROM ordem o
  JOIN vaga v ON v.gateway = o.caminho AND v.vez = o.vez)"""
_MOVE_OF: Final = """-- pool.move
WITH {base},
{vaga},
movida AS (UPDATE conversa c SET chip_id = p.para FROM par p WHERE c.id = p.id RETURNING c.id),
escrita AS (
  INSERT INTO conversa_migracao (conversation_id, de_chip_id, para_chip_id, motivo, em)
  SELECT p.id, p.de, p.para, p.motivo, :agora FROM par p JOIN movida m ON m.id = p.id RETURNING id)
SELECT (SELECT count(*) FROM fila) AS dialogos, (SELECT count(*) FROM fila WHERE caminho IS NULL) AS sem_destino,
  (SELECT count(*) FROM fila WHERE caminho IS NOT NULL AND espera) AS com_fila, count(*) AS movidas FROM escrita
"""
_MOVE = text(_MOVE_OF.format(base=_BASE.format(tranca="FOR NO KEY UPDATE OF c"), vaga=_VAGA))

_COUNT_OF: Final = """-- pool.dialogues
WITH {base}
SELECT d.chip_id, d.motivo, count(*) AS dialogos, count(*) FILTER (WHERE d.caminho IS NULL) AS sem_destino
FROM dialogo d GROUP BY 1, 2 ORDER BY 1
"""
_COUNT = text(_COUNT_OF.format(base=_BASE.format(tranca="")))


@dataclass(frozen=True, slots=True)
class Mudadas:
    """Dialogues on lost chips: how many there were, found no other chip, had something queued anew, were moved.

    `cancelados` are the messages that were dropped from the queue.
    """

    dialogos: int
    sem_destino: int
    com_fila: int
    movidas: int
    cancelados: int = 0


def move_steps(agora: datetime) -> tuple[Step, Step]:
    """Return the two statements that take living dialogues off lost chips."""
    params = _params(agora)
    return (
        Step(_CANCEL, {**params, "motivo_cancela": MOTIVO_CANCELA}, writes=True),
        Step(_MOVE, {**params, "agora": agora}, writes=True),
    )


def read_moved(cancelados: Sequence[Row], row: Row) -> Mudadas:
    """Read what `move_steps` answer."""
    return Mudadas(**row, cancelados=len(cancelados))


def count_step(agora: datetime) -> Step:
    """Return the statement that counts them for each lost chip: chip_id, motivo, dialogos, sem_destino."""
    return Step(_COUNT, _params(agora))


def _params(agora: datetime) -> dict[str, Any]:
    return {
        "fora_desde": agora - POOL.fora,
        "fora_min": POOL.fora.total_seconds() / 60,
        "vivo_desde": agora - POOL.dialogo_vivo,
        "trust_resposta": TRUST_MINIMO[TipoEnvio.RESPOSTA],
        "limite": LIMITE,
    }

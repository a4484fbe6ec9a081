"""What managers count: periods compared in one statement, and how the operation stands now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.periodo import Intervalo

# Messages by their own instants. A contact is a doctor we wrote to first in the period; answered when that doctor wrote
# after it and before the period's end. A block by a manager counts as an opt-out beside those that doctors asked for.
_COUNT = text("""-- metricas.count
SELECT p.n,
  m.recebidas, m.enviadas, m.por_pessoas, m.proativas, m.entregues, m.lidas, m.falharam, m.medicos_que_escreveram,
  r.contatados, r.responderam,
  (SELECT count(*) FROM turno t WHERE t.desfecho = 'optout' AND t.iniciado_em >= p.inicio AND t.iniciado_em < p.fim)
    + (SELECT count(*) FROM auditoria a WHERE a.acao = 'bloquear_medico' AND a.resultado = 'feito'
      AND a.em >= p.inicio AND a.em < p.fim) AS optouts,
  (SELECT count(*) FROM transferencia t WHERE t.aberta_em >= p.inicio AND t.aberta_em < p.fim) AS transferencias,
  (SELECT count(*) FROM transferencia t WHERE t.resolvida_em >= p.inicio AND t.resolvida_em < p.fim) AS resolvidas,
  (SELECT count(*) FROM medico d WHERE d.criado_em >= p.inicio AND d.criado_em < p.fim) AS medicos_novos,
  (SELECT count(*) FROM interesse i WHERE i.em >= p.inicio AND i.em < p.fim) AS interesses
FROM unnest(CAST(:inicios AS timestamptz[]), CAST(:fins AS timestamptz[])) WITH ORDINALITY AS p(inicio, fim, n)
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE i.direcao = 'entrada') AS recebidas,
    count(*) FILTER (WHERE i.direcao = 'saida') AS enviadas,
    count(*) FILTER (WHERE i.direcao = 'saida' AND i.autor = 'humano') AS por_pessoas,
    count(*) FILTER (WHERE i.direcao = 'saida' AND i.proativa) AS proativas,
    count(*) FILTER (WHERE i.direcao = 'saida' AND i.entrega IN ('entregue', 'lida')) AS entregues,
    count(*) FILTER (WHERE i.direcao = 'saida' AND i.entrega = 'lida') AS lidas,
    count(*) FILTER (WHERE i.direcao = 'saida' AND i.entrega = 'falhou') AS falharam,
    count(DISTINCT i.medico_id) FILTER (WHERE i.direcao = 'entrada') AS medicos_que_escreveram
  FROM interacao i WHERE i.em >= p.inicio AND i.em < p.fim) m
CROSS JOIN LATERAL (
  SELECT count(*) AS contatados, count(*) FILTER (WHERE EXISTS (
    SELECT FROM interacao e WHERE e.medico_id = c.medico_id AND e.direcao = 'entrada' AND e.em > c.em AND e.em < p.fim))
    AS responderam
  FROM (SELECT i.medico_id, min(i.em) AS em FROM interacao i
    WHERE i.direcao = 'saida' AND i.proativa AND i.em >= p.inicio AND i.em < p.fim GROUP BY 1) c) r
ORDER BY p.n
""")

_STATUS = text("""-- metricas.status
SELECT
  (SELECT count(*) FROM outbox WHERE state = 'pending') AS na_fila,
  (SELECT count(*) FROM outbox WHERE state = 'pending' AND next_at <= :agora) AS devidas,
  (SELECT min(next_at) FROM outbox WHERE state = 'pending' AND next_at <= :agora) AS mais_antiga,
  (SELECT count(*) FROM outbox WHERE state IN ('sending', 'unknown')) AS em_voo,
  (SELECT count(*) FROM outbox WHERE state IN ('dead', 'parked')) AS envios_mortos,
  (SELECT count(*) FROM inbox WHERE tipo = 'morta') + (SELECT count(*) FROM mailbox WHERE dead IS NOT NULL)
    + (SELECT count(*) FROM webhook WHERE estado = 'morto') AS entradas_mortas,
  (SELECT count(*) FROM mailbox WHERE due_at IS NOT NULL AND dead IS NULL) AS por_ler,
  (SELECT min(due_at) FROM mailbox WHERE due_at <= :agora AND dead IS NULL) AS por_ler_desde,
  (SELECT count(*) FROM chip WHERE tipo = 'julia' AND status = 'active') AS chips,
  (SELECT count(*) FROM chip WHERE tipo = 'julia' AND status = 'active' AND conectado) AS conectados,
  (SELECT count(*) FROM transferencia WHERE status = 'pendente') AS esperando_pessoa,
  (SELECT max(terminado_em) FROM turno WHERE modelo IS NOT NULL) AS modelo_em,
  (SELECT t.modelo FROM turno t WHERE t.modelo IS NOT NULL ORDER BY t.id DESC LIMIT 1) AS modelo
""")


@dataclass(frozen=True, slots=True)
class Contagem:
    """One period in numbers: messages, deliveries, doctors, opt-outs, hand-offs."""

    recebidas: int
    enviadas: int
    por_pessoas: int
    proativas: int
    entregues: int
    lidas: int
    falharam: int
    medicos_que_escreveram: int
    contatados: int
    responderam: int
    optouts: int
    transferencias: int
    resolvidas: int
    medicos_novos: int
    interesses: int


async def count(db: Database, *intervalos: Intervalo) -> Sequence[Contagem]:
    """Count each period, all of them in one statement and in their order."""
    params = {"inicios": [i.inicio for i in intervalos], "fins": [i.fim for i in intervalos]}
    [rows] = await db.round_trip(Step(_COUNT, params))
    return [Contagem(**{name: row[name] for name in Contagem.__slots__}) for row in rows]


async def status(db: Database, agora: datetime) -> Row:
    """Return queues, their oldest due instants, chips, dead letters, and the model that answered last."""
    [[row]] = await db.round_trip(Step(_STATUS, {"agora": agora}))
    return row

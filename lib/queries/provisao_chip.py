"""The chip of an order: its row, made once, and its way into warm-up."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Step
from lib.queries.provisao import ATOR

# A number that was given back and came again takes up its old row, with nothing of what it was.
_MAKE = text("""-- provisao_chip.make
WITH p AS (SELECT id, telefone, salvy_id FROM provisao
  WHERE id = :id AND etapa = 'ativada' AND chip_id IS NULL AND parada_em IS NULL FOR UPDATE),
velho AS (
  UPDATE chip k SET status = 'provisioned', status_motivo = 'número comprado de novo', status_ator = :ator,
    status_desde = :agora, instancia = :instancia, salvy_id = p.salvy_id, tipo = 'julia', gateway = 'evolution',
    conta = NULL, fase = 'repouso', fase_desde = :agora, aquecimento_desde = NULL, conectado = false, conexao_em = NULL,
    conexao_vista_em = NULL, queda_codigo = NULL, qualidade = NULL, reply_only_until = NULL, rampup_desde = NULL,
    rampup_parte = 100, trust_score = 0, trust_nivel = 'critico', trust_partes = NULL, trust_formula = NULL,
    trust_em = NULL, pode_prospectar = false, pode_followup = false, pode_responder = false, limite_hora = 0,
    limite_dia = 0, cooldown_ate = NULL, cooldown_motivo = NULL, status_anterior = NULL
  FROM p WHERE k.telefone = p.telefone AND k.status = 'cancelled'
    AND NOT EXISTS (SELECT FROM chip o WHERE o.instancia = :instancia AND o.id <> k.id)
  RETURNING k.id),
novo AS (
  INSERT INTO chip (telefone, instancia, salvy_id, status_motivo, status_ator, status_desde, fase_desde, criado_em)
  SELECT telefone, :instancia, salvy_id, 'número comprado', :ator, :agora, :agora, :agora FROM p
  WHERE NOT EXISTS (SELECT FROM velho) ON CONFLICT DO NOTHING RETURNING id),
k AS (SELECT id FROM velho UNION ALL SELECT id FROM novo)
UPDATE provisao SET chip_id = k.id, mudada_em = :agora FROM k, p WHERE provisao.id = p.id RETURNING provisao.chip_id
""")

_MADE = text("""-- provisao_chip.instance_made
UPDATE provisao SET etapa = 'instanciada', motivo = NULL, mudada_em = :agora WHERE id = :id AND etapa = 'ativada'
""")

# The gateway may have told of the connection first: then the chip is in warm-up already.
_WARM = text("""-- provisao_chip.warm
WITH p AS (SELECT id, chip_id FROM provisao WHERE id = :id AND etapa = 'instanciada' FOR UPDATE),
k AS (
  UPDATE chip SET status = 'warming', status_motivo = 'conectou ao WhatsApp', status_ator = :ator,
    status_desde = :agora, fase = 'repouso', fase_desde = :agora,
    aquecimento_desde = coalesce(aquecimento_desde, :agora), conectado = true,
    conexao_em = CASE WHEN conectado THEN coalesce(conexao_em, :agora) ELSE :agora END,
    conexao_vista_em = greatest(conexao_vista_em, :agora)
  FROM p WHERE chip.id = p.chip_id AND EXISTS (
    SELECT FROM chip_transicao_legal l WHERE l.de = chip.status AND l.para = 'warming' AND l.ator = 'fluxo')
    AND chip.status = 'provisioned'
  RETURNING chip.id)
UPDATE provisao SET etapa = 'pronta', motivo = NULL, mudada_em = :agora FROM p
WHERE provisao.id = p.id AND (EXISTS (SELECT FROM k) OR EXISTS (
  SELECT FROM chip WHERE chip.id = p.chip_id AND chip.status IN ('warming', 'ready', 'active')))
RETURNING provisao.id
""")

_TELL = text("""-- provisao_chip.tell_pairing
INSERT INTO aviso (chave, tipo, texto) VALUES ('parear:' || CAST(:id AS text), 'chip', :aviso)
ON CONFLICT (chave) DO NOTHING
""")


async def make(db: Database, pedido_id: int, instancia: str, agora: datetime) -> int | None:
    """Make the order's chip, `provisioned`, and return its id; None when the number or the name is another chip's."""
    params = {"id": pedido_id, "instancia": instancia, "ator": ATOR, "agora": agora}
    [rows] = await db.round_trip(Step(_MAKE, params, writes=True))
    return rows[0]["chip_id"] if rows else None


async def instance_made(db: Database, pedido_id: int, agora: datetime) -> None:
    """Note that the gateway has the instance, reporting to us."""
    await db.round_trip(Step(_MADE, {"id": pedido_id, "agora": agora}, writes=True))


async def warm(db: Database, pedido_id: int, agora: datetime) -> bool:
    """Put the connected chip into warm-up and end the order; False when its status no longer allows it."""
    [rows] = await db.round_trip(Step(_WARM, {"id": pedido_id, "ator": ATOR, "agora": agora}, writes=True))
    return bool(rows)


async def tell_pairing(db: Database, pedido_id: int, aviso: str) -> None:
    """Tell people, once for an order, that its instance waits to be paired."""
    await db.round_trip(Step(_TELL, {"id": pedido_id, "aviso": aviso}, writes=True))

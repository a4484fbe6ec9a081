"""Trust of chips: inputs aggregated from the message tables, scores written with their history (decisions D11, D24)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.chip import FaseWarmup, NivelTrust
from lib.domain.trust import JANELA_CURTA_DIAS, JANELA_DIAS, EntradasTrust, Trust

# What a gateway says when it is the number that is blocked, not the message: words, Baileys' 463, Meta's 131048.
BLOQUEIO = r"\m(block|banned|restrict|spam|bloquead|banid|restrit|(463|131048)\M)"
EFEITO = timedelta(days=7)
# Whoever can send now or again soon; a banned or cancelled chip keeps its last score, a listener has none.
_PONTUADO = "tipo = 'julia' AND status IN ('active', 'warming', 'ready', 'degraded', 'restricted', 'paused')"

# A chip's trust as its row holds it, for `stored_trust`.
GUARDADO = """trust_score AS score, trust_nivel AS nivel, trust_partes AS partes, trust_formula AS formula,
    pode_prospectar, pode_followup, pode_responder, limite_hora, limite_dia, delay_minimo_s"""

_RANGES_OF = """-- trust.ranges
WITH parte AS (
  SELECT id, (row_number() OVER (ORDER BY id) - 1)
    / greatest(:tamanho, ceil(count(*) OVER () / CAST(:maximo AS numeric))) AS posicao
  FROM chip WHERE {pontuado})
SELECT min(id) AS de, max(id) AS ate, count(*) AS quantos FROM parte GROUP BY floor(posicao) ORDER BY 1
"""
_RANGES = text(_RANGES_OF.format(pontuado=_PONTUADO))

# A send was answered, or cost us the doctor, when the event came within seven days of it. A failed attempt is charged
# to the chip that made it: the last one of a message to the message's chip, one that was given up for another to the
# chip that was chosen then.
_INPUTS_OF = """-- trust.inputs
WITH alvo AS (
  SELECT id, fase, {guardado}, least(aquecimento_desde, conexao_em) AS conectado_desde
  FROM chip WHERE id BETWEEN :de AND :ate AND {pontuado}),
mensagem AS (
  SELECT i.chip_id, i.conversation_id, i.medico_id, i.direcao, i.midia, i.proativa, i.entrega, i.provider_msg_id, i.em,
    i.em > :recente AS recente
  FROM interacao i JOIN alvo a ON a.id = i.chip_id WHERE i.em > :desde AND i.em <= :agora),
envio AS (SELECT * FROM mensagem WHERE direcao = 'saida' AND proativa),
saida AS (
  SELECT m.chip_id, count(DISTINCT m.midia) AS tipos_midia FROM mensagem m WHERE m.direcao = 'saida' GROUP BY 1),
julgado AS MATERIALIZED (
  SELECT e.chip_id, e.recente, e.entrega IN ('entregue', 'lida') AS entregue,
    EXISTS (SELECT FROM interacao r WHERE r.medico_id = e.medico_id AND r.direcao = 'entrada'
      AND r.em > e.em AND r.em <= least(e.em + :efeito, :agora)) AS respondido,
    e.entrega = 'falhou' AND EXISTS (SELECT FROM delivery_event d WHERE d.provider_msg_id = e.provider_msg_id
      AND d.chip_id = e.chip_id AND d.erro ~* :bloqueio) AS recusado
  FROM envio e),
taxa AS (
  SELECT chip_id, count(*) AS envios, count(*) FILTER (WHERE recente) AS envios_7d,
    count(*) FILTER (WHERE entregue) AS entregues, count(*) FILTER (WHERE entregue AND recente) AS entregues_7d,
    count(*) FILTER (WHERE respondido) AS respondidas, count(*) FILTER (WHERE respondido AND recente) AS respondidas_7d,
    count(*) FILTER (WHERE recusado) AS recusados, count(*) FILTER (WHERE recusado AND recente) AS recusados_7d
  FROM julgado GROUP BY 1),
saiu AS (
  SELECT d.medico_id, coalesce(min(t.iniciado_em), CASE WHEN min(s.permissao) = 'opted_out'
    THEN min(s.ultima_entrada_em) END) AS em
  FROM (SELECT DISTINCT medico_id FROM envio) d
  JOIN doctor_state s ON s.medico_id = d.medico_id
  LEFT JOIN turno t ON t.medico_id = d.medico_id AND t.desfecho = 'optout' AND t.iniciado_em > :desde
  WHERE s.permissao = 'opted_out' OR t.id IS NOT NULL GROUP BY 1),
perda AS (
  SELECT e.chip_id, count(DISTINCT e.medico_id) AS optouts,
    count(DISTINCT e.medico_id) FILTER (WHERE e.recente) AS optouts_7d
  FROM envio e JOIN saiu ON saiu.medico_id = e.medico_id
    AND saiu.em >= e.em AND saiu.em <= least(e.em + :efeito, :agora) GROUP BY 1),
dois_lados AS (
  SELECT chip_id, count(*) AS conversas FROM (
    SELECT chip_id, conversation_id FROM mensagem GROUP BY 1, 2
    HAVING bool_or(direcao = 'saida') AND bool_or(direcao = 'entrada')) c GROUP BY 1),
tentativa AS (
  SELECT o.chip_id, o.falhou_em AS em, o.proativa AND o.motivo ~* :bloqueio AS bloqueada
  FROM outbox o JOIN alvo a ON a.id = o.chip_id
  WHERE o.falhou_em > :desde AND o.falhou_em <= :agora AND coalesce(o.falhou_em >= o.enviando_em, true)
  UNION ALL
  SELECT d.chip_id, d.em, false FROM chip_decisao d JOIN alvo a ON a.id = d.chip_id
  JOIN outbox o ON o.id = d.outbox_id AND o.fence > d.fence WHERE d.em > :desde AND d.em <= :agora),
falha AS (
  SELECT chip_id, max(em) AS ultima, count(*) FILTER (WHERE em > :agora - interval '24 hours') AS dia,
    count(*) FILTER (WHERE bloqueada) AS bloqueios, count(*) FILTER (WHERE bloqueada AND em > :recente) AS bloqueios_7d
  FROM tentativa GROUP BY 1)
SELECT a.*, greatest(0, floor(extract(epoch FROM :agora - a.conectado_desde) / 86400)) AS idade_dias,
  least(:janela_dias, greatest(0, floor(extract(epoch FROM :agora - greatest(a.conectado_desde, f.ultima)) / 86400)))
    AS dias_sem_erro,
  t.envios, t.entregues, t.respondidas, p.optouts, coalesce(f.bloqueios, 0) + coalesce(t.recusados, 0) AS bloqueios,
  t.envios_7d, t.entregues_7d, t.respondidas_7d, p.optouts_7d,
  coalesce(f.bloqueios_7d, 0) + coalesce(t.recusados_7d, 0) AS bloqueios_7d,
  s.tipos_midia, f.dia AS erros_24h, b.conversas AS conversas_bidirecionais
FROM alvo a LEFT JOIN taxa t ON t.chip_id = a.id LEFT JOIN perda p ON p.chip_id = a.id
LEFT JOIN saida s ON s.chip_id = a.id LEFT JOIN dois_lados b ON b.chip_id = a.id LEFT JOIN falha f ON f.chip_id = a.id
ORDER BY a.id
"""
_INPUTS = text(_INPUTS_OF.format(guardado=GUARDADO, pontuado=_PONTUADO))

# Locked in the order of ids first: whoever else changes many chips at once does the same.
_SAVE = text("""-- trust.save
WITH novo AS (
  SELECT * FROM unnest(CAST(:id AS bigint[]), CAST(:score AS int[]), CAST(:nivel AS text[]), CAST(:partes AS text[]),
    CAST(:formula AS text[]), CAST(:pode_prospectar AS bool[]), CAST(:pode_followup AS bool[]),
    CAST(:pode_responder AS bool[]), CAST(:limite_hora AS int[]), CAST(:limite_dia AS int[]),
    CAST(:delay_minimo_s AS int[]), CAST(:entradas AS text[]))
  AS n(id, score, nivel, partes, formula, prospecta, segue, responde, hora, dia, espera_s, entradas)),
tranca AS MATERIALIZED (SELECT id FROM chip WHERE id = ANY(CAST(:id AS bigint[])) ORDER BY id FOR NO KEY UPDATE),
mudado AS (
  UPDATE chip c SET trust_score = n.score, trust_nivel = n.nivel, trust_partes = CAST(n.partes AS jsonb),
    trust_formula = n.formula, trust_em = :agora, pode_prospectar = n.prospecta, pode_followup = n.segue,
    pode_responder = n.responde, limite_hora = n.hora, limite_dia = n.dia, delay_minimo_s = n.espera_s
  FROM novo n JOIN tranca t ON t.id = n.id WHERE c.id = n.id RETURNING c.id),
historico AS (
  INSERT INTO chip_trust_historico (chip_id, em, formula, score, nivel, partes, entradas)
  SELECT n.id, :agora, n.formula, n.score, n.nivel, CAST(n.partes AS jsonb), CAST(n.entradas AS jsonb)
  FROM novo n JOIN mudado m ON m.id = n.id RETURNING chip_id)
SELECT chip_id FROM historico
""")


@dataclass(frozen=True, slots=True)
class Medido:
    """One chip: what it did, and the trust that is stored of it; `nunca` when none was ever computed."""

    chip_id: int
    entradas: EntradasTrust
    guardado: Trust
    nunca: bool


async def ranges(db: Database, tamanho: int, maximo: int) -> list[tuple[int, int, int]]:
    """Cut the chips in use into (first id, last id, how many) of about `tamanho`, at most `maximo` of them."""
    [rows] = await db.round_trip(Step(_RANGES, {"tamanho": tamanho, "maximo": maximo}))
    return [(row["de"], row["ate"], row["quantos"]) for row in rows]


async def measure(db: Database, de: int, ate: int, agora: datetime) -> list[Medido]:
    """Return the chips of a range with their inputs up to `agora`, in one statement."""
    params = {
        "de": de,
        "ate": ate,
        "agora": agora,
        "desde": agora - timedelta(days=JANELA_DIAS),
        "janela_dias": JANELA_DIAS,
        "recente": agora - timedelta(days=JANELA_CURTA_DIAS),
        "efeito": EFEITO,
        "bloqueio": BLOQUEIO,
    }
    [rows] = await db.round_trip(Step(_INPUTS, params))
    return [_measured(row) for row in rows]


def _measured(row: Row) -> Medido:
    counted = {field.name: int(row[field.name] or 0) for field in fields(EntradasTrust) if field.name != "fase"}
    return Medido(
        chip_id=row["id"],
        entradas=EntradasTrust(fase=FaseWarmup(row["fase"]), **counted),
        guardado=stored_trust(row),
        nunca=row["partes"] is None,
    )


def stored_trust(row: Row) -> Trust:
    """Read a chip's trust out of a row that has `GUARDADO`; who was never scored has neither parts nor formula."""
    stored: Mapping[str, Any] = {name: row[name] for name in _STORED}
    return Trust(
        score=row["score"],
        nivel=NivelTrust(row["nivel"]),
        partes=row["partes"] or {},
        formula=row["formula"] or "",
        **stored,
    )


_STORED = ("pode_prospectar", "pode_followup", "pode_responder", "limite_hora", "limite_dia", "delay_minimo_s")


async def save(db: Database, novos: Sequence[tuple[Medido, Trust]], agora: datetime) -> int:
    """Write scores with one line of history each, in one statement; return how many were really written."""
    params: dict[str, Any] = {
        name: [getattr(trust, name) for _, trust in novos] for name in (*_STORED, "score", "formula")
    }
    params |= {
        "id": [medido.chip_id for medido, _ in novos],
        "nivel": [trust.nivel.value for _, trust in novos],
        "partes": [orjson.dumps(dict(trust.partes)).decode() for _, trust in novos],
        "entradas": [orjson.dumps(asdict(medido.entradas)).decode() for medido, _ in novos],
        "agora": agora,
    }
    [written] = await db.round_trip(Step(_SAVE, params, writes=True))
    return len(written)

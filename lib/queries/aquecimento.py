"""Warm-up of all chips in one statement: what each did, from the message tables, and the step that it may make.

The statement says in SQL what `lib.domain.aquecimento.falta` says; a property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.aquecimento import AQUECE, PASSOS, Exigencia, Medido
from lib.domain.chip import FaseWarmup
from lib.domain.trust import AMOSTRA_MINIMA, JANELA_DIAS
from lib.queries.trust import EFEITO

# A chip that was never seen to connect begins now, when it is connected. Locked, so that what is judged is what stands.
_ALVO: Final = """alvo AS MATERIALIZED (
  SELECT k.id, k.status, k.fase, k.conectado, k.trust_score, k.aquecimento_desde,
    coalesce(k.aquecimento_desde, CASE WHEN k.conectado THEN coalesce(k.conexao_em, :agora) END) AS desde
  FROM chip k WHERE k.tipo = 'julia' AND k.status = ANY(CAST(:aquece AS text[]))
    AND (k.fase <> 'operacao' OR k.status = 'warming')
  ORDER BY k.id {tranca})"""

# Each with what its next step asks; `cedo` and `fraco`: time or trust holds it back, whatever else.
_SITUADO: Final = """situado AS (
  SELECT a.*, p.*, coalesce(:agora - a.desde < make_interval(secs => p.pede_s), true) AS cedo,
    a.trust_score < p.pede_trust AS fraco
  FROM alvo a JOIN unnest(CAST(:de AS text[]), CAST(:para AS text[]), CAST(:tempo_s AS float8[]),
    CAST(:enviadas AS int[]), CAST(:recebidas AS int[]), CAST(:resposta AS int[]), CAST(:trust AS int[]),
    CAST(:bidirecionais AS int[]), CAST(:erros_24h AS int[]), CAST(:conectado AS bool[]))
    AS p(de, para, pede_s, pede_enviadas, pede_recebidas, pede_resposta, pede_trust, pede_bidirecionais, pede_erros,
      pede_conexao) ON p.de = a.fase)"""

# Counted chip by chip through the indexes: no estimate of the planner can turn this into a product of all with all.
# Whom time or trust holds back is not counted at all, unless all that is missing is asked for. A proactive send was
# answered when the doctor wrote within seven days of it. A failed attempt is the chip's that made it, also when the
# message was given up for another chip.
_MEDIDO: Final = """desistida AS MATERIALIZED (
  SELECT d.chip_id, count(*) AS vezes FROM chip_selecao s JOIN chip_decisao d ON d.selecao_id = s.id
  JOIN outbox o ON o.id = d.outbox_id AND o.fence > d.fence
  WHERE s.em > :agora - interval '24 hours' AND s.em <= :agora GROUP BY d.chip_id),
medido AS (
  SELECT a.*, c.enviadas, c.recebidas, c.bidirecionais, t.envios, t.respondidas, f.erros
  FROM situado a
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(x.saidas), 0) AS enviadas, coalesce(sum(x.entradas), 0) AS recebidas,
      count(*) FILTER (WHERE x.saidas > 0 AND x.entradas > 0) AS bidirecionais
    FROM (SELECT count(*) FILTER (WHERE i.direcao = 'saida') AS saidas,
        count(*) FILTER (WHERE i.direcao = 'entrada') AS entradas
      FROM interacao i WHERE (:tudo OR NOT (a.cedo OR a.fraco)) AND i.chip_id = a.id AND i.em >= a.desde
        AND i.em <= :agora GROUP BY i.conversation_id) x) c
  CROSS JOIN LATERAL (
    SELECT count(*) AS envios, count(*) FILTER (WHERE EXISTS (SELECT FROM interacao r
      WHERE r.medico_id = e.medico_id AND r.direcao = 'entrada' AND r.em > e.em
        AND r.em <= least(e.em + :efeito, :agora))) AS respondidas
    FROM interacao e WHERE (:tudo OR NOT (a.cedo OR a.fraco)) AND e.chip_id = a.id AND e.direcao = 'saida'
      AND e.proativa AND e.em >= a.desde AND e.em > :janela_desde AND e.em <= :agora) t
  CROSS JOIN LATERAL (
    SELECT (SELECT count(*) FROM outbox o WHERE o.chip_id = a.id AND o.falhou_em > :agora - interval '24 hours'
        AND o.falhou_em <= :agora AND coalesce(o.falhou_em >= o.enviando_em, true))
      + coalesce((SELECT x.vezes FROM desistida x WHERE x.chip_id = a.id), 0) AS erros) f)"""

_JULGADO: Final = """julgado AS (
  SELECT m.*, m.aquecimento_desde IS NULL AND m.desde IS NOT NULL AS comeca, array_remove(ARRAY[
    CASE WHEN m.pede_conexao AND NOT m.conectado THEN 'desconectado' END,
    CASE WHEN m.cedo THEN 'tempo' END,
    CASE WHEN m.erros > m.pede_erros THEN 'erros_24h' END,
    CASE WHEN m.fraco THEN 'trust' END,
    CASE WHEN m.enviadas < m.pede_enviadas THEN 'enviadas' END,
    CASE WHEN m.recebidas < m.pede_recebidas THEN 'recebidas' END,
    CASE WHEN m.bidirecionais < m.pede_bidirecionais THEN 'bidirecionais' END,
    CASE WHEN m.envios >= :amostra AND m.respondidas * 100 < m.pede_resposta * m.envios THEN 'resposta' END], NULL)
    AS faltas
  FROM medido m),
decidido AS (
  SELECT j.*, j.faltas = '{{}}' AND (j.para <> 'ready' OR EXISTS (SELECT FROM chip_transicao_legal l
    WHERE l.de = j.status AND l.para = 'ready' AND l.ator = 'fluxo')) AS vai
  FROM julgado j)"""

_BASE: Final = f"{_ALVO},\n{_SITUADO},\n{_MEDIDO},\n{_JULGADO}"
_GRUPOS: Final = """SELECT d.fase, d.para, d.vai, d.comeca, d.faltas[1] AS falta, count(*) AS vistos,
  count({contado}) AS mudados
FROM decidido d {junta} GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"""

# One step a run. A phase is left alone by its trigger; into reserve goes who was warming, with the reason.
_ADVANCE_OF: Final = """-- aquecimento.advance
WITH {base},
mudado AS (
  UPDATE chip k SET aquecimento_desde = d.desde,
    fase = CASE WHEN d.vai AND d.para <> 'ready' THEN d.para ELSE k.fase END,
    fase_desde = CASE WHEN d.vai AND d.para <> 'ready' THEN :agora ELSE k.fase_desde END,
    status = CASE WHEN d.vai AND d.para = 'ready' THEN 'ready' ELSE k.status END,
    status_desde = CASE WHEN d.vai AND d.para = 'ready' THEN :agora ELSE k.status_desde END,
    status_ator = CASE WHEN d.vai AND d.para = 'ready' THEN 'fluxo:aquecimento' ELSE k.status_ator END,
    status_motivo = CASE WHEN d.vai AND d.para = 'ready' THEN 'aquecimento completo: trust ' || d.trust_score
      || ' e ' || CAST(floor(extract(epoch FROM :agora - d.desde) / 86400) AS int) || ' dias' ELSE k.status_motivo END
  FROM decidido d WHERE k.id = d.id AND (d.vai OR d.comeca) RETURNING k.id)
{grupos}
"""
_ADVANCE = text(
    _ADVANCE_OF.format(
        base=_BASE.format(tranca="FOR NO KEY UPDATE OF k"),
        grupos=_GRUPOS.format(contado="u.id", junta="LEFT JOIN mudado u ON u.id = d.id"),
    )
)
_COUNT_OF: Final = "-- aquecimento.count\nWITH {base}\n{grupos}"
_COUNT = text(
    _COUNT_OF.format(
        base=_BASE.format(tranca=""),
        grupos=_GRUPOS.format(contado="CASE WHEN d.vai OR d.comeca THEN 1 END", junta=""),
    )
)
_LIST_OF: Final = """-- aquecimento.list
WITH {base}
SELECT d.id, d.fase, d.para, d.vai, d.faltas, d.conectado, d.trust_score, d.enviadas, d.recebidas, d.bidirecionais,
  d.envios, d.respondidas, d.erros, :agora - d.desde AS idade
FROM decidido d ORDER BY d.id LIMIT :limite
"""
_LIST = text(_LIST_OF.format(base=_BASE.format(tranca="")))


@dataclass(frozen=True, slots=True)
class Grupo:
    """Chips in the same place: `falta` is the first criterion that holds them back, None for those that go on.

    `comeca`: their warm-up is counted from now on. `mudados` of the `vistos` were really written.
    """

    fase: FaseWarmup
    para: str
    vai: bool
    comeca: bool
    falta: Exigencia | None
    vistos: int
    mudados: int


@dataclass(frozen=True, slots=True)
class Situacao:
    """One chip: its phase, what it did, the step that is next and whether it makes it."""

    chip_id: int
    fase: FaseWarmup
    para: str
    vai: bool
    faltas: tuple[Exigencia, ...]
    medido: Medido


async def advance(db: Database, agora: datetime, *, aplicar: bool) -> list[Grupo]:
    """Move every chip that may go on by one step, in one statement; without `aplicar` only count them."""
    [rows] = await db.round_trip(Step(_ADVANCE if aplicar else _COUNT, _params(agora), writes=aplicar))
    return [_group(row) for row in rows]


async def situations(db: Database, agora: datetime, limite: int) -> list[Situacao]:
    """Return the chips in warm-up with what they did up to `agora`, by id."""
    [rows] = await db.round_trip(Step(_LIST, {**_params(agora), "tudo": True, "limite": limite}))
    return [_situation(row) for row in rows]


def _group(row: Row) -> Grupo:
    values: Mapping[str, Any] = {
        **row,
        "fase": FaseWarmup(row["fase"]),
        "falta": Exigencia(row["falta"]) if row["falta"] else None,
    }
    return Grupo(**values)


def _situation(row: Row) -> Situacao:
    return Situacao(
        chip_id=row["id"],
        fase=FaseWarmup(row["fase"]),
        para=row["para"],
        vai=row["vai"],
        faltas=tuple(map(Exigencia, row["faltas"])),
        medido=Medido(
            idade=row["idade"],
            conectado=row["conectado"],
            enviadas=int(row["enviadas"]),
            recebidas=int(row["recebidas"]),
            envios=row["envios"],
            respondidas=row["respondidas"],
            trust=row["trust_score"],
            bidirecionais=row["bidirecionais"],
            erros_24h=row["erros"],
        ),
    )


def _params(agora: datetime) -> dict[str, Any]:
    passos = list(PASSOS.items())

    def column(name: str) -> Sequence[Any]:
        return [getattr(passo.criterio, name) for _, passo in passos]

    names = ("enviadas", "recebidas", "resposta", "trust", "bidirecionais", "erros_24h", "conectado")
    return {
        "agora": agora,
        "janela_desde": agora - timedelta(days=JANELA_DIAS),
        "efeito": EFEITO,
        "amostra": AMOSTRA_MINIMA,
        "aquece": sorted(AQUECE),
        "tudo": False,
        "de": [fase.value for fase, _ in passos],
        "para": [passo.para.value for _, passo in passos],
        "tempo_s": [passo.criterio.tempo.total_seconds() for _, passo in passos],
        **{name: column(name) for name in names},
    }

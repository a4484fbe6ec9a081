"""Trust of every chip from what it really did (decisions D11 and D24)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.chunks import Chunk, Faixa, Job, Keys, chunk_task, on_portal, run_flow, threads
from flows.outcome import Outcome, Parcial
from flows.parametros import Modo, Parametros
from lib.domain.trust import Trust, calcular
from lib.queries import trust
from lib.queries.trust import Medido
from lib.resources import Resources

CHUNKS_MAX = 50
PARALELOS = 2


class ParametrosTrust(Parametros):
    """Parâmetros do fluxo trust-score."""

    tamanho: int = Field(
        default=5_000,
        ge=10,
        le=10_000,
        title="Chips por lote",
        description="Quantos chips cada lote lê e grava de uma vez.",
    )


PADRAO = ParametrosTrust()


async def find_ranges(resources: Resources, parametros: ParametrosTrust, _as_of: datetime) -> Keys:
    """Cut the chips in use into ranges of ids."""
    return Keys([Faixa(*bounds) for bounds in await trust.ranges(resources.db, parametros.tamanho, CHUNKS_MAX)])


async def score(resources: Resources, faixa: Faixa, modo: Modo, as_of: datetime) -> Parcial:
    """Score one range of chips: one statement reads, one writes those that changed."""
    medidos = await trust.measure(resources.db, faixa.de, faixa.ate, as_of)
    novos = [(medido, novo) for medido in medidos if changed(medido, novo := calcular(medido.entradas))]
    written = len(novos)
    if novos and modo is Modo.APLICAR:
        written = await trust.save(resources.db, novos, as_of)
    plano = tuple(planned(medido, novo) for medido, novo in novos) if modo is Modo.PLANO else ()
    return Parcial(Outcome(seen=len(medidos), eligible=len(novos), changed=written), plano)


def changed(medido: Medido, novo: Trust) -> bool:
    """Tell whether anything stored would differ."""
    return medido.nunca or medido.guardado != novo


def planned(medido: Medido, novo: Trust) -> dict[str, Any]:
    """One line of the plan."""
    return {
        "chip_id": medido.chip_id,
        "de": medido.guardado.score,
        "para": novo.score,
        "nivel": novo.nivel.value,
        "limite_hora": novo.limite_hora,
        "limite_dia": novo.limite_dia,
    }


@chunk_task("pontuar chips")
def score_chunk(chunk: Chunk, modo: Modo, as_of: datetime) -> Parcial:
    """Score one range of chips."""
    return on_portal(score, Faixa(*chunk), modo, as_of)


JOB = Job("trust-score", find_ranges, score_chunk, nada="nenhum chip em uso: nada a pontuar")


@flow(name="trust-score", timeout_seconds=600, task_runner=threads(PARALELOS))
async def trust_flow(parametros: ParametrosTrust = PADRAO) -> State[Any]:
    """Recalcula a confiança de cada chip a partir das mensagens dos últimos 7 e 30 dias.

    Grava nota, nível, permissões e limites só de quem mudou, com histórico. Rodar de novo não muda nada.
    """
    return await run_flow(JOB, parametros)

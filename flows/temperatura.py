"""The daily cooling: decay, end of cool-offs, churn (decision D10)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.chunks import PLANO_MAX, Chunk, Faixa, Job, Keys, chunk_task, on_portal, run_flow, threads
from flows.outcome import Outcome, Parcial
from flows.parametros import Modo, Parametros
from lib.queries import temperatura
from lib.resources import Resources

CHUNKS_MAX = 50
PARALELOS = 2


class ParametrosTemperatura(Parametros):
    """Parâmetros do fluxo temperatura."""

    tamanho: int = Field(
        default=50_000,
        ge=1_000,
        le=200_000,
        title="Médicos por lote",
        description="Quantos médicos cada lote atualiza em um só comando.",
    )


PADRAO = ParametrosTemperatura()


async def find_ranges(resources: Resources, parametros: ParametrosTemperatura, _as_of: datetime) -> Keys:
    """Cut all doctors into ranges of ids."""
    found = await temperatura.ranges(resources.db, parametros.tamanho, CHUNKS_MAX)
    return Keys([Faixa(*bounds) for bounds in found])


async def cool(resources: Resources, faixa: Faixa, modo: Modo, as_of: datetime) -> Parcial:
    """Cool one range, in one statement."""
    db, (de, ate, quantos) = resources.db, faixa
    done = await temperatura.cool(db, de, ate, as_of, aplicar=modo is Modo.APLICAR)
    plano = await temperatura.due(db, de, ate, as_of, PLANO_MAX) if modo is Modo.PLANO else ()
    kinds = {"esfriados": done.esfriadas, "fim_de_pausa": done.liberadas, "perdidos": done.perdidas}
    seen = max(quantos, done.devidas)
    return Parcial(Outcome(seen=seen, eligible=done.devidas, changed=done.mudadas, kinds=kinds), tuple(plano))


@chunk_task("esfriar médicos")
def cool_chunk(chunk: Chunk, modo: Modo, as_of: datetime) -> Parcial:
    """Cool one range of doctors."""
    return on_portal(cool, Faixa(*chunk), modo, as_of)


JOB = Job("temperatura", find_ranges, cool_chunk, nada="nenhum médico com estado: nada a esfriar")


@flow(name="temperatura", timeout_seconds=1_800, task_runner=threads(PARALELOS))
async def temperatura_flow(parametros: ParametrosTemperatura = PADRAO) -> State[Any]:
    """Esfria os médicos calados: 0,05 por dia inteiro sem resposta.

    Também encerra as pausas de contato vencidas e marca como perdido quem não responde há 90 dias. Rodar de novo não
    muda nada.
    """
    return await run_flow(JOB, parametros)

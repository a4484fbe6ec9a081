"""Warm-up: who has done enough goes into the next phase, which raises the limits of real traffic (D15, D25)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.chunks import PLANO_MAX, Chunk, Job, chunk_task, everything, on_portal, run_flow, threads
from flows.outcome import Outcome, Parcial
from flows.parametros import Modo, Parametros
from lib.domain.aquecimento import falta
from lib.queries import aquecimento
from lib.queries.aquecimento import Situacao
from lib.resources import Resources


class ParametrosAquecimento(Parametros):
    """Parâmetros do fluxo aquecimento."""


PADRAO = ParametrosAquecimento()


async def advance(resources: Resources, modo: Modo, as_of: datetime) -> Parcial:
    """Move every chip that may go on by one step, in one statement; who stays is told by what it lacks first."""
    grupos = await aquecimento.advance(resources.db, as_of, aplicar=modo is Modo.APLICAR)
    seen, kinds, skipped = 0, Counter[str](), Counter[str]()
    for grupo in grupos:
        seen += grupo.vistos
        if grupo.vai:
            kinds[grupo.para] += grupo.mudados
        if grupo.comeca:
            kinds["iniciados"] += grupo.mudados
        if not grupo.vai and not grupo.comeca:
            skipped[f"falta_{grupo.falta}" if grupo.falta else "passo_ilegal"] += grupo.vistos
    changed = sum(grupo.mudados for grupo in grupos)
    outcome = Outcome(seen=seen, eligible=seen, changed=changed, skipped=skipped, kinds=kinds)
    if modo is not Modo.PLANO:
        return Parcial(outcome)
    found = await aquecimento.situations(resources.db, as_of, PLANO_MAX)
    return Parcial(outcome, tuple(map(planned, found)))


def planned(situacao: Situacao) -> dict[str, Any]:
    """One line of the plan: the step, or all that is missing for it."""
    lacking = "; ".join(one.texto for one in falta(situacao.fase, situacao.medido))
    return {
        "chip_id": situacao.chip_id,
        "fase": situacao.fase.value,
        "passo": situacao.para,
        "decisao": "avança" if situacao.vai else "fica",
        "falta": lacking,
    }


@chunk_task("avançar aquecimento")
def advance_chunk(_chunk: Chunk, modo: Modo, as_of: datetime) -> Parcial:
    """Move all chips in warm-up."""
    return on_portal(advance, modo, as_of)


JOB = Job("aquecimento", everything, advance_chunk, nada="nenhum chip em aquecimento")


@flow(name="aquecimento", timeout_seconds=300, task_runner=threads(1))
async def aquecimento_flow(parametros: ParametrosAquecimento = PADRAO) -> State[Any]:
    """Avança de fase cada chip que cumpriu os critérios: tempo, mensagens, respostas, trust e erros.

    Um passo por execução; no fim, vai para a reserva. Diz quem fica e o que lhe falta. Nenhuma mensagem é criada para
    aquecer um número. Rodar de novo não repete o passo.
    """
    return await run_flow(JOB, parametros)

"""Ramp-up: the limits of a number come back in quarters after a restriction (decision D15)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.chunks import PLANO_MAX, Chunk, Job, chunk_task, everything, on_portal, run_flow, threads
from flows.outcome import Outcome, Parcial
from flows.parametros import Modo, Parametros
from lib.queries import rampup
from lib.resources import Resources


class ParametrosRampup(Parametros):
    """Parâmetros do fluxo rampup."""


PADRAO = ParametrosRampup()


async def raise_shares(resources: Resources, modo: Modo, as_of: datetime) -> Parcial:
    """Give every chip the share of its limits that is due, in one statement."""
    grupos = await rampup.raise_shares(resources.db, as_of, aplicar=modo is Modo.APLICAR)
    due = [grupo for grupo in grupos if grupo.passo]
    outcome = Outcome(
        seen=sum(grupo.vistos for grupo in grupos),
        eligible=sum(grupo.vistos for grupo in due),
        changed=sum(grupo.mudados for grupo in due),
        kinds={str(grupo.passo): grupo.mudados for grupo in due},
    )
    plano = await rampup.due(resources.db, as_of, PLANO_MAX) if modo is Modo.PLANO else ()
    return Parcial(outcome, tuple(plano))


@chunk_task("devolver limites")
def raise_chunk(_chunk: Chunk, modo: Modo, as_of: datetime) -> Parcial:
    """Give all chips their share."""
    return on_portal(raise_shares, modo, as_of)


JOB = Job("rampup", everything, raise_chunk, nada="nenhum chip restrito nem voltando de restrição")


@flow(name="rampup", timeout_seconds=300, task_runner=threads(1))
async def rampup_flow(parametros: ParametrosRampup = PADRAO) -> State[Any]:
    """Traz de volta, aos poucos, os chips que o WhatsApp restringiu: 25, 50, 75 e 100 % dos limites em 12 horas.

    Quem ainda está em vermelho na Meta segue restrito por mais um dia. Uma execução atrasada vai direto à parte certa;
    rodar de novo não muda nada.
    """
    return await run_flow(JOB, parametros)

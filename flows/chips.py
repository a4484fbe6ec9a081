"""The five-minute look at every gateway: who is connected, restricted, banned, new, or gone for too long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.chunks import Chunk, Faixa, Job, Keys, chunk_task, on_portal, run_flow, threads
from flows.outcome import Outcome, Parcial
from flows.parametros import Modo, Parametros
from lib.queries.sincronia import FLUXO
from lib.resources import Resources
from lib.usecases.sincronizar_chips import sincronizar_chips

TUDO: Sequence[Chunk] = (Faixa(0, 0, 1),)


class ParametrosSincronizarChips(Parametros):
    """Parâmetros do fluxo sincronizar-chips."""


PADRAO = ParametrosSincronizarChips()


async def everything(_resources: Resources, _parametros: ParametrosSincronizarChips, _as_of: datetime) -> Keys:
    """Return the one chunk: what the gateways list is compared with all chips in one statement."""
    return Keys(TUDO)


async def sync(resources: Resources, modo: Modo, as_of: datetime) -> Parcial:
    """Take in what all gateways say of all chips."""
    done = await sincronizar_chips(resources, as_of, grava=modo is Modo.APLICAR)
    due = sum(done.mudancas.values())
    eligible = due + sum(done.pulados.values()) + sum(done.falhas.values())
    outcome = Outcome(
        seen=max(done.vistos, eligible),  # a gateway may fail without a chip of ours
        eligible=eligible,
        changed=due,
        skipped=done.pulados,
        failed=done.falhas,
        kinds={**done.mudancas, **({"avisados": done.avisados} if done.avisados else {})},
    )
    return Parcial(outcome, tuple(done.linhas) if modo is Modo.PLANO else ())


@chunk_task("sincronizar chips")
def sync_chunk(_chunk: Chunk, modo: Modo, as_of: datetime) -> Parcial:
    """Take in what all gateways say of all chips."""
    return on_portal(sync, modo, as_of)


JOB = Job(FLUXO, everything, sync_chunk, nada="nenhum chip e nenhuma instância: nada a sincronizar")


@flow(name=FLUXO, timeout_seconds=280, task_runner=threads(1))
async def sincronizar_chips_flow(parametros: ParametrosSincronizarChips = PADRAO) -> State[Any]:
    """Compara os chips com o que cada gateway lista: conexão, banimento, restrição, qualidade e limite da Meta.

    Adota como ouvinte, à espera de aprovação, a instância que ninguém cadastrou, e avisa de quem está fora há mais
    de 15 minutos. Um gateway que não responde não muda nada dos seus chips. Rodar de novo não muda nada.
    """
    return await run_flow(JOB, parametros)

"""New numbers on their way from an order to warm-up; a run takes up whatever another left, at any step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.chunks import Chunk, Job, Keys, chunk_task, cut, on_portal, run_flow, threads
from flows.outcome import Outcome, Parcial
from flows.parametros import Modo, Parametros
from lib.domain.provisao import PRAZO, PROXIMO, EtapaProvisao
from lib.queries import provisao
from lib.resources import Resources
from lib.usecases.provisionar import trabalhar

PARALELOS = 4


class ParametrosProvisionar(Parametros):
    """Parâmetros do fluxo provisionar-chip."""

    pedido: int | None = Field(
        default=None,
        ge=1,
        le=2_147_483_647,
        title="Pedido",
        description="Número do pedido, como em `agente chip pedidos`; vazio retoma todos os abertos.",
    )


PADRAO = ParametrosProvisionar()


async def find_orders(resources: Resources, parametros: ParametrosProvisionar, as_of: datetime) -> Keys:
    """Find the open orders, a chunk each; those that stopped before their instance was paired are open again."""
    if parametros.modo is Modo.APLICAR:
        await provisao.reopen_paired(resources.db, as_of + PRAZO)
    found = await provisao.open_ids(resources.db, parametros.pedido)
    return Keys(cut([row["id"] for row in found], 1))


async def work(resources: Resources, pedidos: Sequence[int], modo: Modo, _as_of: datetime) -> Parcial:
    """Take these orders as far as they go; what stops one is counted, and told to people elsewhere."""
    total, plano = Outcome(), list[dict[str, Any]]()
    for pedido_id in pedidos:
        if modo is Modo.APLICAR:
            done = await trabalhar(resources, pedido_id)
            moved = done.passos > 0
            skipped = {} if moved else {done.fim.value: 1}
            total += Outcome(1, 1, int(moved), skipped, kinds={done.fim.value: int(moved), "passos": done.passos})
            continue
        total += Outcome(seen=1, eligible=1, changed=1)
        plano += [
            {"pedido": row["id"], "etapa": row["etapa"], "próximo": PROXIMO[EtapaProvisao(row["etapa"])]}
            for row in await provisao.open_ids(resources.db, pedido_id)
        ]
    return Parcial(total, tuple(plano) if modo is Modo.PLANO else ())


@chunk_task("provisionar um número")
def work_chunk(chunk: Chunk, modo: Modo, as_of: datetime) -> Parcial:
    """Take the orders of one chunk as far as they go."""
    return on_portal(work, chunk, modo, as_of)


JOB = Job("provisionar-chip", find_orders, work_chunk, nada="nenhum pedido aberto: nada a provisionar", sozinho=False)


@flow(name="provisionar-chip", timeout_seconds=2_400, task_runner=threads(PARALELOS))
async def provisionar_flow(parametros: ParametrosProvisionar = PADRAO) -> State[Any]:
    """Leva cada pedido de número até o aquecimento: compra, ativação, instância com webhook e pareamento.

    Cada passo é guardado antes do seguinte: uma execução interrompida é retomada por outra, sem comprar nem ativar duas
    vezes. O que passa do prazo, ou foi recusado, para e avisa uma pessoa.
    """
    return await run_flow(JOB, parametros)

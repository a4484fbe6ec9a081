"""What each chip carried on each day of São Paulo, kept for people who look back."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.chunks import Chunk, Job, Keys, chunk_task, cut, on_portal, run_flow, threads
from flows.outcome import Outcome, Parcial
from flows.parametros import Modo, Parametros
from lib.domain.horario import dia_de
from lib.queries import snapshot
from lib.resources import Resources

DIAS = 7
PARALELOS = 2


class ParametrosSnapshot(Parametros):
    """Parâmetros do fluxo snapshot-chips."""

    dia: date | None = Field(
        default=None,
        title="Dia",
        description="Só este dia de São Paulo, já encerrado; vazio faz os sete dias anteriores.",
    )


PADRAO = ParametrosSnapshot()


async def find_days(_resources: Resources, parametros: ParametrosSnapshot, as_of: datetime) -> Keys:
    """Return the days to write, a chunk each, as ordinals.

    Always the last seven: one that was missed is made up for, and a receipt that came late is counted.

    Raises:
        ValueError: the day that was asked for is not over yet.
    """
    hoje = dia_de(as_of)
    if parametros.dia is None:
        return Keys(cut([(hoje - timedelta(days=n)).toordinal() for n in range(DIAS, 0, -1)], 1))
    if parametros.dia >= hoje:
        raise ValueError(f"o dia {parametros.dia:%d/%m/%Y} ainda não acabou em São Paulo")
    return Keys(cut([parametros.dia.toordinal()], 1))


async def write(resources: Resources, dias: tuple[int, ...], modo: Modo, as_of: datetime) -> Parcial:
    """Write these days, one statement each."""
    total, plano = Outcome(), list[dict[str, Any]]()
    for dia in map(date.fromordinal, dias):
        done = await snapshot.write(resources.db, dia, as_of, aplicar=modo is Modo.APLICAR)
        kinds = {"novos": done.novos, "corrigidos": done.escritos - done.novos}
        total += Outcome(seen=done.vistos, eligible=done.devidos, changed=done.escritos, kinds=kinds)
        plano.append({"dia": dia.isoformat(), "chips": done.vistos, **kinds})
    return Parcial(total, tuple(plano) if modo is Modo.PLANO else ())


@chunk_task("fotografar um dia")
def write_chunk(chunk: Chunk, modo: Modo, as_of: datetime) -> Parcial:
    """Write one day of all chips."""
    return on_portal(write, tuple(chunk), modo, as_of)


JOB = Job("snapshot-chips", find_days, write_chunk, nada="nenhum chip: nada a guardar")


@flow(name="snapshot-chips", timeout_seconds=600, task_runner=threads(PARALELOS))
async def snapshot_flow(parametros: ParametrosSnapshot = PADRAO) -> State[Any]:
    """Guarda o que cada chip enviou e recebeu em cada dia de São Paulo, e como o chip estava.

    Faz os sete dias anteriores: recupera os que faltaram e corrige o que chegou tarde. Rodar de novo só grava o que
    mudou.
    """
    return await run_flow(JOB, parametros)

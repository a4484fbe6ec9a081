"""The demonstration's second half: the four flows through Prefect's API, each with what it really did."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from lib.cli.demo_tela import Checagem, Tela
from lib.providers.prefect_api import Artefato, Execucao, PrefectApi, PrefectError
from lib.queries import fluxo
from lib.resources import Resources

FLUXOS: Final = ("trust-score", "temperatura", "followups", "qualidade")
PARAMETROS: Final = {"parametros": {"modo": "aplicar"}}
NOT_FOUND: Final = 404
SERVER_ERROR: Final = 500
IMPLANTA_S: Final = 90.0
ACEITA_S: Final = 30.0
TERMINA_S: Final = 180.0
OLHADA_S: Final = 0.5
HISTORICO: Final = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rodado:
    """One run at its end; `outcome` is None when the run left no row of ours."""

    nome: str
    run_id: UUID | None
    execucao: Execucao
    outcome: Mapping[str, Any] | None
    artefato: Artefato | None
    segundos: float


async def rodar(resources: Resources, prefect: PrefectApi, ui: str, tela: Tela) -> list[Checagem]:
    """Start the four flows together, show each as it ends, and return one check for each."""
    tela.secao("Os quatro fluxos, pela API do Prefect")
    async with tela.esperando("os fluxos rodam"):
        runs = [asyncio.create_task(_run(resources, prefect, nome)) for nome in FLUXOS]
        done: list[Rodado] = []
        for finished in asyncio.as_completed(runs):
            one = await finished
            done.append(one)
            tela.linha(_told(one, ui), feito=one.execucao.state_type == "COMPLETED")
    done.sort(key=lambda one: FLUXOS.index(one.nome))
    tela.tabela("", ("fluxo", "vistos", "elegíveis", "mudados", "pulados", "falhas", "tempo"), [_row(o) for o in done])
    return [_check(one) for one in done]


async def _run(resources: Resources, prefect: PrefectApi, nome: str) -> Rodado:
    began = monotonic()
    try:
        # All of it is safe to repeat, and Prefect's SQLite says 503 while it is busy with the deployments.
        deployment = await _patient(lambda: prefect.find_deployment(f"{nome}/{nome}"), IMPLANTA_S)
        key = f"demo-{uuid4()}"
        run_id = await _patient(lambda: prefect.create_run(deployment, PARAMETROS, key), ACEITA_S)
        execucao = await _ended(prefect, run_id)
        artefato = await _patient(lambda: prefect.artifact_latest(f"{nome}-latest"), ACEITA_S)
    except PrefectError as failure:
        execucao = Execucao(state_type="FAILED", state_name="Failed", message=str(failure))
        return Rodado(nome, None, execucao, None, None, monotonic() - began)
    rows = await fluxo.history(resources.db, nome, HISTORICO)
    outcome = next((row["outcome"] for row in rows if row["run_id"] == run_id), None)
    ours = artefato if artefato and artefato.flow_run_id == run_id else None
    return Rodado(nome, run_id, execucao, outcome, ours, monotonic() - began)


async def _patient(ask: Callable[[], Awaitable[T]], limit_s: float) -> T:
    """Ask again while Prefect is busy, unreached, or does not know the deployment yet; other refusals are final."""
    until = monotonic() + limit_s
    while True:
        try:
            return await ask()
        except PrefectError as failure:
            passing = failure.status is None or failure.status == NOT_FOUND or failure.status >= SERVER_ERROR
            if not passing or monotonic() > until:
                raise
            await asyncio.sleep(OLHADA_S)


async def _ended(prefect: PrefectApi, run_id: UUID) -> Execucao:
    until = monotonic() + TERMINA_S
    while True:
        execucao = await _patient(lambda: prefect.read_run(run_id), ACEITA_S)
        if execucao.terminou or monotonic() > until:
            return execucao
        await asyncio.sleep(OLHADA_S)


def _told(one: Rodado, ui: str) -> str:
    where = f"\n{ui}/runs/flow-run/{one.run_id}" if one.run_id else ""
    return f"{one.nome}: {one.execucao.state_name}. {one.execucao.message or ''}{where}"


def _row(one: Rodado) -> tuple[str, ...]:
    if one.outcome is None:
        return (one.nome, "-", "-", "-", "-", "-", f"{one.segundos:.1f} s")
    counts = (one.outcome[name] for name in ("seen", "eligible", "changed"))
    parts = (sum(one.outcome[name].values()) for name in ("skipped", "failed"))
    return (one.nome, *map(str, counts), *map(str, parts), f"{one.segundos:.1f} s")


def _check(one: Rodado) -> Checagem:
    passed = one.execucao.state_type == "COMPLETED" and one.artefato is not None
    missing = "" if one.artefato else "sem artefato"
    return Checagem(f"fluxo {one.nome} concluído, com artefato", passed, missing or one.execucao.state_name)

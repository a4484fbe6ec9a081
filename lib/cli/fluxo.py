"""`agente fluxo`: starts flows through Prefect's API, lists them, and shows what their runs did."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from time import monotonic
from typing import Annotated, Any, TypeVar
from uuid import UUID, uuid4

import typer
from rich.console import Console
from rich.table import Table

from lib.domain.horario import SAO_PAULO
from lib.errors import DatabaseUnavailableError
from lib.providers.prefect_api import PrefectApi, PrefectError
from lib.queries import fluxo
from lib.resources import Resources, open_resources
from lib.settings import load_settings

T = TypeVar("T")

app = typer.Typer(help="Fluxos: o trabalho agendado, pelo Prefect.", no_args_is_help=True)

OLHADA_S = 0.5
NAO_EXISTE = 404
OCUPADO = 503
TENTATIVAS = 10
Nome = Annotated[str, typer.Argument(help="Nome do fluxo, como em `agente fluxo listar`.")]
Json = Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")]


class Modo(StrEnum):
    """How to run."""

    APLICAR = "aplicar"
    PLANO = "plano"
    SIMULAR = "simular"


def with_resources(work: Callable[[Resources], Awaitable[T]]) -> T:
    """Run `work`; what is expected to go wrong ends with a message and exit code 1."""

    async def run() -> T:
        async with open_resources(load_settings(), nome="cli-fluxo") as resources:
            return await work(resources)

    try:
        return asyncio.run(run())
    except DatabaseUnavailableError:
        typer.echo("erro: o banco de dados não responde. Veja `agente doctor`.", err=True)
    except PrefectError as failure:
        hint = "Veja `agente fluxo listar`." if failure.status == NAO_EXISTE else "Veja `agente doctor`."
        typer.echo(f"erro: {failure}. {hint}", err=True)
    raise typer.Exit(1)


def prefect_of(resources: Resources) -> PrefectApi:
    """Return Prefect's API.

    Raises:
        PrefectError: its address is not set.
    """
    if resources.prefect is None:
        raise PrefectError("PREFECT_API_URL não está definida")
    return resources.prefect


async def start(prefect: PrefectApi, deployment: UUID, parametros: Mapping[str, Any]) -> UUID:
    """Start a run. Prefect on SQLite answers 503 while it is busy: the key makes it safe to ask again."""
    key = f"cli-{uuid4()}"
    for _ in range(TENTATIVAS - 1):
        try:
            return await prefect.create_run(deployment, {"parametros": parametros}, key)
        except PrefectError as failure:
            if failure.status != OCUPADO:
                raise
            await asyncio.sleep(OLHADA_S)
    return await prefect.create_run(deployment, {"parametros": parametros}, key)


async def run_and_wait(resources: Resources, nome: str, modo: Modo, espera_s: float) -> dict[str, Any]:
    """Start a run, wait for its end and return what it says."""
    prefect = prefect_of(resources)
    deployment = await prefect.find_deployment(f"{nome}/{nome}")
    run_id = await start(prefect, deployment, {"modo": modo.value})
    url = f"{(resources.settings.prefect_api_url or '').removesuffix('/api')}/runs/flow-run/{run_id}"
    typer.echo(f"{nome}: {url}", err=True)
    until, shown = monotonic() + espera_s, ""
    while True:
        execucao = await prefect.read_run(run_id)
        if execucao.state_name != shown:
            shown = execucao.state_name
            typer.echo(f"  {shown}", err=True)
        if execucao.terminou or monotonic() > until:
            break
        await asyncio.sleep(OLHADA_S)
    artefato = await prefect.artifact_latest(f"{nome}-{'latest' if modo is Modo.APLICAR else modo.value}")
    rows = json.loads(artefato.data) if artefato and artefato.flow_run_id == run_id and artefato.data else []
    return {
        "fluxo": nome,
        "modo": modo.value,
        "run_id": str(run_id),
        "estado": execucao.state_type,
        "mensagem": execucao.message or "",
        "tabela": rows,
        "url": url,
    }


@app.command("rodar")
def rodar(
    nome: Nome,
    modo: Annotated[
        Modo, typer.Option(help="aplicar grava; plano lista cada mudança; simular só conta.")
    ] = Modo.SIMULAR,
    espera: Annotated[int, typer.Option(min=1, help="Quantos segundos esperar pelo fim.")] = 300,
    *,
    em_json: Json = False,
) -> None:
    """Roda um fluxo pelo Prefect e espera o fim. Sem --modo, só simula. Sai com 1 se não terminar bem."""
    done = with_resources(lambda resources: run_and_wait(resources, nome, modo, espera))
    if em_json:
        typer.echo(json.dumps(done, ensure_ascii=False))
    else:
        typer.echo(f"{done['fluxo']} ({done['modo']}): {done['estado']}. {done['mensagem']}")
        if done["tabela"]:
            show(done["tabela"])
    raise typer.Exit(0 if done["estado"] == "COMPLETED" else 1)


@app.command("listar")
def listar(*, em_json: Json = False) -> None:
    """Lista os fluxos que o Prefect conhece."""

    async def names(resources: Resources) -> list[dict[str, Any]]:
        found = await prefect_of(resources).list_deployments()
        return [{"fluxo": d.name, "pausado": d.paused, "etiquetas": ", ".join(d.tags)} for d in found]

    rows = with_resources(names)
    if em_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    else:
        show(rows)


@app.command("historico")
def historico(
    nome: Nome,
    limite: Annotated[int, typer.Option(min=1, max=1_000, help="Quantas execuções mostrar.")] = 20,
    *,
    em_json: Json = False,
) -> None:
    """Mostra o que as últimas execuções de um fluxo fizeram, a mais nova primeiro."""

    async def past(resources: Resources) -> list[Mapping[str, Any]]:
        return list(await fluxo.history(resources.db, nome, limite))

    rows = with_resources(past)
    if em_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, default=str))
        return
    show(
        [
            {
                "início": f"{row['iniciado_em'].astimezone(SAO_PAULO):%d/%m/%Y %H:%M:%S}",
                "estado": row["estado"],
                "vistos": row["outcome"]["seen"],
                "mudados": row["outcome"]["changed"],
                "motivo": row["motivo"] or "",
            }
            for row in rows
        ]
    )


def show(rows: list[dict[str, Any]]) -> None:
    """Print rows as a table."""
    if not rows:
        typer.echo("Nada a mostrar.")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)

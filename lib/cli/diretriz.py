"""`agente diretriz`: what managers direct, in force from the next message on."""

from __future__ import annotations

import getpass
import json
import re
from dataclasses import asdict
from datetime import datetime, time, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from lib.cli.token import with_database
from lib.clock import utc_now
from lib.db import Database
from lib.domain.diretriz import EscopoDiretriz, TipoDiretriz, validar
from lib.domain.horario import SAO_PAULO
from lib.domain.telefone import normalizar
from lib.domain.texto import palavras
from lib.queries import diretriz as queries
from lib.queries.diretriz import NewDirective

app = typer.Typer(help="Diretrizes: o que a gestão manda, valendo a partir da próxima mensagem.", no_args_is_help=True)

_DAQUI = re.compile(r"(\d{1,3})\s*([hd])")
_FORMAS = ("%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M", "%d/%m/%Y", "%Y-%m-%d")
EmJson = Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")]


class _RefusedError(Exception):
    """What was asked for cannot be done; the message is for people, in Portuguese."""


@app.command(
    "criar",
    epilog="Exemplos: agente diretriz criar midia pessoa | agente diretriz criar margem_negociacao 10% --expira 7d",
)
def criar(
    tipo: Annotated[TipoDiretriz, typer.Argument(help="Sobre o que é.")],
    conteudo: Annotated[str, typer.Argument(help="O que ela manda. Margem: '10%'. Mídia: 'pessoa' ou 'texto'.")],
    *,
    medico: Annotated[str | None, typer.Option(help="Só para o médico deste telefone.")] = None,
    hospital: Annotated[str | None, typer.Option(help="Só para este hospital: nome ou id.")] = None,
    especialidade: Annotated[str | None, typer.Option(help="Só para esta especialidade: nome ou id.")] = None,
    vaga: Annotated[int | None, typer.Option(help="Só para a vaga deste id.")] = None,
    prioridade: Annotated[int, typer.Option(min=-100, max=100, help="Entre iguais, a maior vale.")] = 0,
    expira: Annotated[str | None, typer.Option(help="Até quando: 31/12/2026, '31/12/2026 18:00', 7d ou 12h.")] = None,
    por: Annotated[str | None, typer.Option(help="Quem manda; sem isso, o usuário desta máquina.")] = None,
    seco: Annotated[bool, typer.Option("--seco", help="Só confere e mostra; não grava.")] = False,
    em_json: EmJson = False,
) -> None:
    """Cria uma diretriz. A mais específica vale: vaga, médico, hospital, especialidade, todos."""
    scopes = {
        EscopoDiretriz.MEDICO: medico,
        EscopoDiretriz.HOSPITAL: hospital,
        EscopoDiretriz.ESPECIALIDADE: especialidade,
        EscopoDiretriz.VAGA: None if vaga is None else str(vaga),
    }

    async def work(db: Database) -> dict[str, Any]:
        escopo, escopo_id, alvo = await _target(db, scopes)
        nova = NewDirective(
            tipo, validar(tipo, conteudo), escopo, escopo_id, prioridade, por or getpass.getuser(), _until(expira)
        )
        return {"id": None if seco else await queries.create(db, nova), "alvo": alvo, **asdict(nova)}

    try:
        made = with_database(work)
    except (_RefusedError, ValueError) as refused:
        typer.echo(f"erro: {refused}.", err=True)
        raise typer.Exit(2) from None
    if em_json:
        typer.echo(json.dumps(made, ensure_ascii=False, default=_iso))
        return
    done = "conferida, nada gravado" if seco else f"{made['id']} criada"
    until = f", até {_when(made['expira_em'])}" if made["expira_em"] else ""
    typer.echo(f"Diretriz {done}: {tipo} para {made['alvo']}{until}: {made['conteudo']}")


@app.command("listar", epilog="Exemplos: agente diretriz listar | agente diretriz listar --todas --json")
def listar(
    *,
    todas: Annotated[bool, typer.Option("--todas", help="Também as encerradas e as vencidas.")] = False,
    limite: Annotated[int, typer.Option(min=1, max=1_000, help="Quantas, no máximo.")] = 100,
    em_json: EmJson = False,
) -> None:
    """Lista as diretrizes que valem, as mais novas primeiro."""
    found = with_database(lambda db: queries.list_all(db, todas=todas, limite=limite))
    if em_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=_iso))
        return
    if not found:
        typer.echo("Nenhuma diretriz. Crie uma com `agente diretriz criar`.")
        return
    now = utc_now()
    table = Table("Id", "Tipo", "Vale para", "Conteúdo", "Prioridade", "Até", "Por", "Situação")
    for row in found:
        expired = row["expira_em"] is not None and row["expira_em"] <= now
        state = "encerrada" if not row["ativa"] else "vencida" if expired else "vale"
        target = (
            "todos" if row["escopo"] == EscopoDiretriz.GERAL else f"{row['escopo']}: {row['alvo'] or 'não existe mais'}"
        )
        until = _when(row["expira_em"]) if row["expira_em"] else "sem prazo"
        table.add_row(
            str(row["id"]),
            row["tipo"],
            target,
            row["conteudo"],
            str(row["prioridade"]),
            until,
            row["criada_por"],
            state,
        )
    Console().print(table)


@app.command("encerrar", epilog="Exemplo: agente diretriz encerrar 3")
def encerrar(id_: Annotated[int, typer.Argument(metavar="ID", help="O id que `listar` mostra.")]) -> None:
    """Encerra uma diretriz; a próxima mensagem já não a segue."""
    if not with_database(lambda db: queries.end(db, id_)):
        typer.echo(f"erro: não há diretriz ativa com o id {id_}. Veja `agente diretriz listar`.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Diretriz {id_} encerrada.")


async def _target(db: Database, scopes: dict[EscopoDiretriz, str | None]) -> tuple[EscopoDiretriz, int | None, str]:
    """Find what the directive is for.

    Raises:
        _RefusedError: more than one scope, nothing found, or more than one thing meant.
    """
    named = {escopo: valor for escopo, valor in scopes.items() if valor is not None}
    if not named:
        return EscopoDiretriz.GERAL, None, "todos"
    if len(named) > 1:
        raise _RefusedError(f"escolha um alvo só; vieram {', '.join(f'--{escopo}' for escopo in named)}")
    [(escopo, valor)] = named.items()
    key = normalizar(valor) if escopo is EscopoDiretriz.MEDICO else palavras(valor)
    if not key:
        raise _RefusedError(f"--{escopo}: não entendi '{valor}'")
    found = await queries.targets(db, escopo, key)
    exact = [row for row in found if palavras(row["nome"].split(",")[0]) == key or str(row["id"]) == key]
    chosen = found if len(found) == 1 else exact
    if not found:
        raise _RefusedError(f"--{escopo}: não encontrei '{valor}'")
    if len(chosen) != 1:
        names = "; ".join(f"{row['id']}: {row['nome']}" for row in found[:5])
        raise _RefusedError(f"--{escopo}: '{valor}' pode ser mais de um; use o id ({names})")
    return escopo, chosen[0]["id"], f"{escopo} {chosen[0]['nome']}"


def _until(written: str | None) -> datetime | None:
    """Read an expiry, in São Paulo's time; a date alone lasts to its end.

    Raises:
        _RefusedError: it cannot be read, or is past.
    """
    if written is None:
        return None
    now, dito = utc_now(), " ".join(written.split())
    if ahead := _DAQUI.fullmatch(dito):
        return now + (timedelta(hours=int(ahead[1])) if ahead[2] == "h" else timedelta(days=int(ahead[1])))
    for form in _FORMAS:
        try:
            read = datetime.strptime(dito, form).replace(tzinfo=SAO_PAULO)
        except ValueError:
            continue
        until = read if "%H" in form else datetime.combine(read.date(), time(23, 59, 59), SAO_PAULO)
        if until <= now:
            raise _RefusedError(f"--expira: {dito} já passou")
        return until
    raise _RefusedError(f"--expira: não entendi '{dito}'; escreva 31/12/2026, '31/12/2026 18:00', 7d ou 12h")


def _when(em: datetime) -> str:
    return f"{em.astimezone(SAO_PAULO):%d/%m/%Y %H:%M}"


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)

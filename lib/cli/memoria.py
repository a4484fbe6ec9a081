"""`agente memoria`: what is remembered of a doctor, and forgetting it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from lib.cli.conversa import endereco
from lib.cli.palavras import em_palavras
from lib.cli.token import with_database
from lib.db import Database, Row
from lib.domain.horario import SAO_PAULO
from lib.domain.memoria import Assunto
from lib.domain.telefone import mascarar
from lib.queries import conversa
from lib.queries import memoria as queries

app = typer.Typer(help="Memória: o que a Júlia guarda de cada médico.", no_args_is_help=True)

Telefone = Annotated[
    str, typer.Argument(metavar="TELEFONE", help="Telefone do médico, LID, ou `c` e o número da conversa.")
]


@app.command("ver", epilog="Exemplos: agente memoria ver '11 91234-5678' | agente memoria ver c12 --todas")
def ver(
    telefone: Telefone,
    *,
    todas: Annotated[bool, typer.Option("--todas", help="Também o que foi substituído ou esquecido.")] = False,
    em_json: Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")] = False,
) -> None:
    """Mostra o que se sabe de um médico, de onde veio e o que ainda vale."""
    wanted = endereco(telefone)

    async def work(db: Database) -> list[Row]:
        return await queries.list_of(db, await _doctor(db, wanted), todas=todas)

    found = with_database(work)
    if em_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=_iso))
        return
    if not found:
        typer.echo(f"Nada guardado de {_shown(wanted)}.")
        return
    table = Table("Id", "Assunto", "Tipo", "O que se sabe", "Confiança", "De onde veio", "Desde", "Situação")
    for row in found:
        state = "esquecida" if row["esquecida_em"] else "substituída" if row["substituida_em"] else "vale"
        source = f"{row['fonte']} (mensagem e{row['inbox_id']})" if row["inbox_id"] else row["fonte"]
        table.add_row(
            str(row["id"]), row["assunto"], em_palavras(row["tipo"]), row["texto"] or "", em_palavras(row["confianca"]),
            source, f"{row['criada_em'].astimezone(SAO_PAULO):%d/%m/%Y %H:%M}", state,
        )  # fmt: skip
    Console().print(table)


@app.command(
    "esquecer", epilog="Exemplos: agente memoria esquecer c12 --assunto regiao | agente memoria esquecer c12 --sim"
)
def esquecer(
    telefone: Telefone,
    *,
    assunto: Annotated[Assunto | None, typer.Option(help="Só este assunto; sem isso, tudo.")] = None,
    sim: Annotated[bool, typer.Option("--sim", help="Não pergunta.")] = False,
) -> None:
    """Apaga o que se sabe de um médico; o texto não volta."""
    wanted = endereco(telefone)
    what = f"o assunto {assunto}" if assunto else "tudo"
    if not sim and not typer.confirm(f"Esquecer {what} de {_shown(wanted)}?"):
        raise typer.Exit(1)

    async def work(db: Database) -> int:
        return await queries.forget(db, await _doctor(db, wanted), assunto)

    count = with_database(work)
    typer.echo(f"{count} {'informação esquecida' if count == 1 else 'informações esquecidas'}.")


def _shown(wanted: str | int) -> str:
    return f"c{wanted}" if isinstance(wanted, int) else mascarar(wanted)


async def _doctor(db: Database, wanted: str | int) -> int:
    found = None if isinstance(wanted, int) else await queries.doctor_of_phone(db, wanted)
    if found is not None:
        return int(found["id"])
    of_conversation = await conversa.of(db, wanted)
    if of_conversation is None:
        typer.echo(f"erro: nenhum médico em {_shown(wanted)}.", err=True)
        raise typer.Exit(1)
    return int(of_conversation["medico_id"])


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)

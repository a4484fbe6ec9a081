"""`agente memoria`: what is remembered of a doctor, and forgetting it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from lib.cli.token import with_database
from lib.db import Database, Row
from lib.domain.horario import SAO_PAULO
from lib.domain.memoria import Assunto
from lib.domain.telefone import mascarar, normalizar
from lib.queries import memoria as queries

app = typer.Typer(help="Memória: o que a Júlia guarda de cada médico.", no_args_is_help=True)

Telefone = Annotated[str, typer.Argument(help="O telefone do médico, como se escreve.")]


@app.command("ver")
def ver(
    telefone: Telefone,
    *,
    todas: Annotated[bool, typer.Option("--todas", help="Também o que foi substituído ou esquecido.")] = False,
    em_json: Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")] = False,
) -> None:
    """Mostra o que se sabe de um médico, de onde veio e o que ainda vale."""
    number = _phone(telefone)

    async def work(db: Database) -> list[Row]:
        return await queries.list_of(db, await _doctor(db, number), todas=todas)

    found = with_database(work)
    if em_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=_iso))
        return
    if not found:
        typer.echo(f"Nada guardado de {mascarar(number)}.")
        return
    table = Table("Id", "Assunto", "Tipo", "O que se sabe", "Confiança", "De onde veio", "Desde", "Situação")
    for row in found:
        state = "esquecida" if row["esquecida_em"] else "substituída" if row["substituida_em"] else "vale"
        source = f"{row['fonte']} (mensagem {row['inbox_id']})" if row["inbox_id"] else row["fonte"]
        table.add_row(
            str(row["id"]), row["assunto"], row["tipo"], row["texto"] or "", row["confianca"], source,
            f"{row['criada_em'].astimezone(SAO_PAULO):%d/%m/%Y %H:%M}", state,
        )  # fmt: skip
    Console().print(table)


@app.command("esquecer")
def esquecer(
    telefone: Telefone,
    *,
    assunto: Annotated[Assunto | None, typer.Option(help="Só este assunto; sem isso, tudo.")] = None,
    sim: Annotated[bool, typer.Option("--sim", help="Não pergunta.")] = False,
) -> None:
    """Apaga o que se sabe de um médico; o texto não volta."""
    number = _phone(telefone)
    what = f"o assunto {assunto}" if assunto else "tudo"
    if not sim and not typer.confirm(f"Esquecer {what} de {mascarar(number)}?"):
        raise typer.Exit(1)

    async def work(db: Database) -> int:
        return await queries.forget(db, await _doctor(db, number), assunto)

    count = with_database(work)
    typer.echo(f"{count} {'informação esquecida' if count == 1 else 'informações esquecidas'}.")


def _phone(written: str) -> str:
    number = normalizar(written)
    if number is None:
        typer.echo("erro: não é um telefone; escreva com DDD, por exemplo 11 90001-0001.", err=True)
        raise typer.Exit(2)
    return number


async def _doctor(db: Database, number: str) -> int:
    found = await queries.doctor_of_phone(db, number)
    if found is None:
        typer.echo(f"erro: nenhum médico com o telefone {mascarar(number)}.", err=True)
        raise typer.Exit(1)
    return int(found["id"])


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)

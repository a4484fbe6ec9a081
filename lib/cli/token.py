"""`agente token`: API tokens, shown once and kept as a hash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from lib.auth import TOKEN_MAX_DAYS, Papel, new_token, token_hash
from lib.clock import utc_now
from lib.db import Database
from lib.domain.horario import SAO_PAULO
from lib.errors import DatabaseUnavailableError
from lib.queries import token as queries
from lib.settings import load_settings

T = TypeVar("T")

app = typer.Typer(help="Tokens de acesso à API.", no_args_is_help=True)

Nome = Annotated[str, typer.Argument(help="De quem ou do que é o token.")]


def with_database(work: Callable[[Database], Awaitable[T]]) -> T:
    """Run `work` on a database of its own; an unreachable one ends with a message and exit code 1."""

    async def run() -> T:
        database = Database.open(load_settings().database_url.get_secret_value(), size=1, name="cli")
        try:
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except DatabaseUnavailableError:
        typer.echo("erro: o banco de dados não responde. Veja `agente doctor`.", err=True)
        raise typer.Exit(1) from None


@app.command("criar")
def criar(
    nome: Nome,
    papel: Annotated[Papel, typer.Option(help="O que o token pode.")] = Papel.VIEWER,
    dias: Annotated[int, typer.Option(min=1, max=TOKEN_MAX_DAYS, help="Por quantos dias vale.")] = 30,
) -> None:
    """Cria um token e o mostra uma única vez."""
    token, now = new_token(), utc_now()
    expira_em = now + timedelta(days=dias)
    with_database(lambda db: queries.create(db, nome, papel, token_hash(token), now, expira_em))
    typer.echo(token)
    typer.echo(
        f"Token de {nome} ({papel}), válido até {_dia(expira_em)}. Guarde-o: não será mostrado de novo.", err=True
    )


@app.command("listar")
def listar() -> None:
    """Lista os tokens, sem mostrá-los."""
    now = utc_now()
    table = Table("Nome", "Papel", "Criado em", "Vale até", "Situação")
    for token in with_database(queries.list_all):
        state = "revogado" if token.revogado_em else "vencido" if token.expira_em <= now else "ativo"
        table.add_row(token.nome, token.papel, _dia(token.criado_em), _dia(token.expira_em), state)
    Console().print(table)


@app.command("revogar")
def revogar(nome: Nome) -> None:
    """Revoga, já, todos os tokens ativos deste nome."""
    count = with_database(lambda db: queries.revoke(db, nome, utc_now()))
    if not count:
        typer.echo(f"erro: nenhum token ativo com o nome {nome}.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{count} {'token revogado' if count == 1 else 'tokens revogados'}.")


def _dia(em: datetime) -> str:
    return f"{em.astimezone(SAO_PAULO):%d/%m/%Y %H:%M}"

"""`agente webhook`: what outside systems sent and nobody could work off."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lib.cli.token import with_database
from lib.domain.horario import SAO_PAULO
from lib.domain.referencia import ID_MAX
from lib.queries import webhook

app = typer.Typer(help="Webhooks de Chatwoot, Slack, Salvy e Meta que falharam.", no_args_is_help=True)


@app.command("listar", epilog="Exemplos: agente webhook listar | agente webhook listar --antes-de 120 --json")
def listar(
    *,
    antes_de: Annotated[int, typer.Option(min=1, max=ID_MAX, help="Só os de id menor que este.")] = ID_MAX,
    limite: Annotated[int, typer.Option(min=1, max=1_000, help="Quantos mostrar.")] = 50,
    em_json: Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")] = False,
) -> None:
    """Lista os que falharam cinco vezes, do mais novo ao mais antigo."""
    rows = with_database(lambda db: webhook.page_dead(db, antes_de, limite))
    if em_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, default=str))
        return
    if not rows:
        typer.echo("Nenhum webhook parado.")
        return
    table = Table("Id", "Chegou", "De", "Tipo", "Motivo", "Tentativas")
    for row in rows:
        em = f"{row['recebido_em'].astimezone(SAO_PAULO):%d/%m %H:%M}"
        table.add_row(
            str(row["id"]), em, row["source"], row["tipo"] or "-", row["motivo"] or "-", str(row["tentativas"])
        )
    Console().print(table)
    if len(rows) == limite:
        typer.echo(f"Há mais: agente webhook listar --antes-de {rows[-1]['id']}")
    typer.echo("Corrigida a causa: agente webhook reprocessar ID…")


@app.command("reprocessar", epilog="Exemplos: agente webhook reprocessar 12 15 | agente webhook reprocessar --todos")
def reprocessar(
    ids: Annotated[list[int] | None, typer.Argument(metavar="[ID]...", help="Os ids que `listar` mostra.")] = None,
    *,
    todos: Annotated[bool, typer.Option("--todos", help="Todos os parados.")] = False,
) -> None:
    """Devolve os parados à fila do worker. Repetir não faz nada duas vezes."""
    if bool(ids) == todos:
        typer.echo("erro: diga os ids, ou --todos. Veja `agente webhook listar`.", err=True)
        raise typer.Exit(2)
    done = with_database(lambda db: webhook.replay(db, None if todos else ids))
    typer.echo(f"{len(done)} de volta à fila: {', '.join(map(str, done))}" if done else "Nenhum estava parado.")
    if ids and len(done) < len(set(ids)):
        raise typer.Exit(1)

"""`agente aviso`: what asks for a person's attention."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lib.cli.pausa import Por, quem
from lib.cli.token import with_database
from lib.clock import utc_now
from lib.domain.horario import SAO_PAULO
from lib.domain.referencia import ID_MAX
from lib.domain.telefone import mascarar
from lib.queries import aviso

app = typer.Typer(help="Avisos: o que pede a atenção de uma pessoa.", no_args_is_help=True)


@app.command("listar")
def listar(
    *,
    todos: Annotated[bool, typer.Option("--todos", help="Também os já vistos.")] = False,
    limite: Annotated[int, typer.Option(min=1, max=1_000, help="Quantos mostrar.")] = 50,
    em_json: Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")] = False,
) -> None:
    """Lista os avisos que ninguém viu, do mais novo ao mais antigo."""
    rows = with_database(lambda db: aviso.page(db, ID_MAX, limite, todos=todos))
    for row in rows:
        row["telefone"] = row["telefone"] and mascarar(row["telefone"])
    if em_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, default=str))
        return
    if not rows:
        typer.echo("Nenhum aviso.")
        return
    table = Table("Id", "Quando", "Tipo", "Conversa", "Médico", "Aviso", "Visto por")
    for row in rows:
        em = f"{row['criado_em'].astimezone(SAO_PAULO):%d/%m %H:%M}"
        medico = f"{row['medico'] or '-'} {row['telefone'] or ''}".strip()
        conversa = str(row["conversation_id"] or "-")
        table.add_row(str(row["id"]), em, row["tipo"], conversa, medico, row["texto"], row["visto_por"] or "-")
    Console().print(table)


@app.command("visto")
def visto(aviso_id: Annotated[int, typer.Argument(min=1, max=ID_MAX, help="Id do aviso.")], *, por: Por = None) -> None:
    """Marca um aviso como visto. Repetir não muda nada."""
    if not with_database(lambda db: aviso.seen(db, aviso_id, quem(por), utc_now())):
        typer.echo(f"erro: não há aviso {aviso_id}.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Aviso {aviso_id} visto.")

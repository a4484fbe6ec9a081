"""`agente aviso`: what asks for a person's attention."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lib.cli.palavras import em_palavras
from lib.cli.pausa import Por, quem
from lib.cli.token import with_database
from lib.clock import utc_now
from lib.domain.horario import SAO_PAULO
from lib.domain.referencia import ID_MAX
from lib.domain.telefone import mascarar
from lib.queries import aviso

app = typer.Typer(help="Avisos: o que pede a atenção de uma pessoa.", no_args_is_help=True)


@app.command("listar", epilog="Exemplos: agente aviso listar | agente aviso listar --todos --limite 200 --json")
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
        conversa = f"c{row['conversation_id']}" if row["conversation_id"] else "-"
        tipo = em_palavras(row["tipo"])
        table.add_row(str(row["id"]), em, tipo, conversa, medico, row["texto"], row["visto_por"] or "-")
    Console().print(table)
    if len(rows) == limite:
        typer.echo(f"São os {limite} mais novos: para ver mais, use --limite.")
    typer.echo("Veja a conversa com `agente conversa ver c…`; marque com `agente aviso visto ID`.")


@app.command("visto", epilog="Exemplo: agente aviso visto 3 --por Ana")
def visto(
    aviso_id: Annotated[int, typer.Argument(metavar="ID", min=1, max=ID_MAX, help="O id que `listar` mostra.")],
    *,
    por: Por = None,
) -> None:
    """Marca um aviso como visto. Repetir não muda nada."""
    if not with_database(lambda db: aviso.seen(db, aviso_id, quem(por), utc_now())):
        typer.echo(f"erro: não há aviso {aviso_id}. Veja `agente aviso listar --todos`.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Aviso {aviso_id} visto.")

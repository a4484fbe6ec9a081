"""`agente slack`: who may do what in Slack, and the audit log of what was done."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from lib.auth import Papel
from lib.cli.pausa import Por, quem
from lib.cli.token import with_database
from lib.clock import utc_now
from lib.db import Database
from lib.domain.horario import SAO_PAULO
from lib.domain.referencia import ID_MAX
from lib.queries import auditoria
from lib.queries import slack as queries
from lib.usecases.auditar import auditar, verificar

ORIGEM = "cli"
_USUARIO = re.compile(r"[UW][A-Z0-9]{2,30}")

app = typer.Typer(help="Slack: quem pode o quê, e o que foi feito.", no_args_is_help=True)
usuarios = typer.Typer(help="Usuários do Slack e seus papéis.", no_args_is_help=True)
app.add_typer(usuarios, name="usuario")

Usuario = Annotated[str, typer.Argument(metavar="ID", help="O id do usuário no Slack, como U012AB3CD.")]
EmJson = Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")]


@usuarios.command(
    "autorizar",
    epilog="Exemplos: agente slack usuario autorizar U123 --papel operator --nome 'Ana Lima' | "
    "agente slack usuario autorizar U123 --papel viewer",
)
def autorizar(
    usuario: Usuario,
    *,
    papel: Annotated[Papel, typer.Option(help="viewer lê, operator age, admin administra.")] = Papel.VIEWER,
    nome: Annotated[str | None, typer.Option(help="Como a pessoa se chama.")] = None,
    por: Por = None,
) -> None:
    """Dá um papel a um usuário do Slack, ou troca o que ele tem."""
    _checked(usuario)

    async def work(db: Database) -> None:
        now = utc_now()
        await queries.authorize(db, usuario, nome, papel, now)
        await _note(db, now, "usuario_autorizado", usuario, quem(por), {"papel": papel.value})

    with_database(work)
    typer.echo(f"{usuario} pode usar a Júlia no Slack como {papel}.")


@usuarios.command("revogar", epilog="Exemplo: agente slack usuario revogar U123")
def revogar(usuario: Usuario, *, por: Por = None) -> None:
    """Tira, já, o papel de um usuário do Slack."""
    _checked(usuario)

    async def work(db: Database) -> bool:
        now = utc_now()
        done = await queries.revoke(db, usuario, now)
        if done:
            await _note(db, now, "usuario_revogado", usuario, quem(por), {})
        return done

    if not with_database(work):
        typer.echo(f"erro: {usuario} não tem papel no Slack. Veja `agente slack usuario listar`.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{usuario} não pode mais usar a Júlia no Slack.")


@usuarios.command("listar", epilog="Exemplos: agente slack usuario listar | agente slack usuario listar --todos --json")
def listar(
    *,
    todos: Annotated[bool, typer.Option("--todos", help="Também os revogados.")] = False,
    em_json: EmJson = False,
) -> None:
    """Lista quem pode usar a Júlia no Slack."""
    rows = with_database(lambda db: queries.list_users(db, todos=todos))
    if em_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, default=_iso))
        return
    if not rows:
        typer.echo("Ninguém. Autorize com `agente slack usuario autorizar ID --papel operator`.")
        return
    table = Table("Usuário", "Nome", "Papel", "Desde", "Situação")
    for row in rows:
        state = f"revogado em {_when(row['revogado_em'])}" if row["revogado_em"] else "ativo"
        table.add_row(row["usuario"], row["nome"] or "-", row["papel"], _when(row["criado_em"]), state)
    Console().print(table)


@app.command(
    "auditoria",
    epilog="Exemplos: agente slack auditoria | agente slack auditoria --antes 120 --limite 50 | "
    "agente slack auditoria --ator U123 --json | agente slack auditoria --verificar",
)
def mostrar_auditoria(
    *,
    limite: Annotated[int, typer.Option(min=1, max=1_000, help="Quantos atos, dos mais novos.")] = 30,
    antes: Annotated[
        int, typer.Option(min=1, max=ID_MAX, help="Só os de id menor que este: a próxima página.")
    ] = ID_MAX,
    ator: Annotated[str | None, typer.Option(help="Só os deste usuário.")] = None,
    conferir: Annotated[bool, typer.Option("--verificar", help="Confere a corrente em vez de listar.")] = False,
    em_json: EmJson = False,
) -> None:
    """Mostra quem fez o quê, do mais novo ao mais antigo; ou confere que nada foi mudado nem tirado."""
    if conferir:
        _verify(em_json=em_json)
        return
    rows = with_database(lambda db: auditoria.page(db, antes, limite, ator))
    if em_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, default=_iso))
        return
    if not rows:
        typer.echo("Nenhum ato.")
        return
    table = Table("Id", "Quando", "Quem", "De onde", "Ato", "Sobre", "Resultado", "Detalhes")
    for row in rows:
        kept = ", ".join(f"{nome}={valor}" for nome, valor in (row["detalhes"] or {}).items())
        table.add_row(
            str(row["id"]), _when(row["em"]), row["ator"], row["origem"], row["acao"], row["alvo"] or "-",
            row["resultado"], kept,
        )  # fmt: skip
    Console().print(table)
    if len(rows) == limite:
        typer.echo(f"Há mais: agente slack auditoria --antes {rows[-1]['id']}")


def _verify(*, em_json: bool) -> None:
    """Say whether the chain holds; exit code 1 when it does not."""
    found = with_database(verificar)
    if em_json:
        said = {"linhas": found.linhas, "elo": found.elo, "integra": found.quebrada is None, "quebrada": found.quebrada}
        typer.echo(json.dumps(said))
    elif found.quebrada is None:
        typer.echo(f"Íntegra: {found.linhas} atos. Último elo: {found.elo or '-'}")
        typer.echo("Guarde o último elo fora do banco: só assim se nota que os atos mais novos foram tirados.")
    else:
        typer.echo(f"erro: a corrente quebra no ato {found.quebrada}: algo foi mudado ou tirado.", err=True)
    if found.quebrada is not None:
        raise typer.Exit(1)


async def _note(db: Database, em: datetime, acao: str, usuario: str, por: str, detalhes: dict[str, Any]) -> None:
    await auditar(
        db, em, ator=por, origem=ORIGEM, acao=acao, alvo=f"slack:{usuario}", resultado="feito", detalhes=detalhes
    )


def _checked(usuario: str) -> None:
    if not _USUARIO.fullmatch(usuario):
        typer.echo("erro: o id de um usuário do Slack é como U012AB3CD; no Slack: perfil, ⋮, Copiar ID.", err=True)
        raise typer.Exit(2)


def _when(em: datetime) -> str:
    return f"{em.astimezone(SAO_PAULO):%d/%m/%Y %H:%M}"


def _iso(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)

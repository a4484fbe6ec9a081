"""`agente conversa`: a conversation in the terminal, taken from Júlia and given back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from lib.cli.conversa_falar import FalarError, conversar
from lib.cli.palavras import em_palavras
from lib.cli.pausa import Por, quem
from lib.cli.token import with_database
from lib.clock import utc_now
from lib.db import Database, Row
from lib.domain.horario import SAO_PAULO
from lib.domain.referencia import ID_MAX, Lado, ler_referencia
from lib.domain.telefone import mascarar, normalizar
from lib.errors import DatabaseUnavailableError
from lib.providers.sandbox import SandboxError
from lib.queries import conversa
from lib.resources import open_resources
from lib.settings import load_settings
from lib.usecases.transferir import NoSuchConversationError, WrongStateError, assumir, devolver

app = typer.Typer(help="Conversas com os médicos.", no_args_is_help=True)

Quem = Annotated[
    str, typer.Argument(metavar="TELEFONE", help="Telefone do médico, LID, ou `c` e o número da conversa.")
]
RECUO = 16
TEXTO_MAX = 1_000  # characters of one message
AUTORES = {"medico": "médico", "julia": "Júlia", "humano": "pessoa"}
TIQUES = {"enviada": "✓", "entregue": "✓✓", "lida": "✓✓ lida", "falhou": "✘ falhou"}


def endereco(escrito: str) -> str | int:
    """Return the E.164 number, the LID's digits, or the id of the conversation named `c12`; exit code 2 for none."""
    named = ler_referencia(escrito)
    if named is not None and named.lado is Lado.CONVERSA:
        return named.id
    found = normalizar(escrito)
    if found is None and escrito.removesuffix("@lid").isdigit():
        found = escrito.removesuffix("@lid")
    if found is None:
        raise typer.BadParameter(
            "escreva o telefone com DDD, como 11 91234-5678, ou a conversa, como c12", param_hint="TELEFONE"
        )
    return found


def no_conversation(escrito: str) -> typer.Exit:
    """Say that there is none; the exit code."""
    typer.echo(f"erro: nenhuma conversa com {escrito}.", err=True)
    return typer.Exit(1)


@app.command("ver", epilog="Exemplos: agente conversa ver '11 91234-5678' | agente conversa ver c12 --limite 200")
def ver(
    telefone: Quem,
    *,
    limite: Annotated[int, typer.Option(min=1, max=1_000, help="Quantas mensagens, as últimas.")] = 50,
    em_json: Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")] = False,
) -> None:
    """Mostra a conversa: quem escreveu, entregas, turnos, o que foi editado ou apagado, o que ainda espera."""
    wanted = endereco(telefone)

    async def read(db: Database) -> tuple[Row, list[Row], list[Row]] | None:
        found = await conversa.of(db, wanted)
        if found is None:
            return None
        thread = await conversa.thread(db, found["id"], ID_MAX, limite)
        return found, thread[::-1], await conversa.pending(db, found["id"], limite)

    done = with_database(read)
    if done is None:
        raise no_conversation(telefone)
    found, thread, waiting = done
    shown = {name: value for name, value in found.items() if name not in {"telefone", "lid"}}
    shown["telefone"] = mascarar(found["telefone"] or found["lid"])
    if em_json:
        typer.echo(json.dumps({**shown, "mensagens": thread, "esperam": waiting}, ensure_ascii=False, default=str))
        return
    show(shown, thread, waiting)
    if len(thread) == limite:
        typer.echo(f"São as {limite} últimas: para ver as de antes, use --limite.")


def show(found: dict[str, Any], thread: list[Row], waiting: list[Row]) -> None:
    """Print a conversation, oldest first."""
    console = Console(highlight=False)
    console.print(
        f"Conversa {found['id']} com {found['medico'] or 'médico sem nome'}, {found['telefone']}:"
        f" {em_palavras(found['status'])}, quem responde é {'a Júlia' if found['controle'] == 'ai' else 'uma pessoa'},"
        f" modo {found['modo']}, permissão {em_palavras(found['permissao'])}, temperatura {found['temperatura']},"
        f" chip {found['chip'] or '-'}"
    )
    if found["morta"]:
        console.print(Text(f"MORTA: {found['morta']}. Veja `agente mensagem mortas`.", style="red"))
    day = ""
    for row in thread:
        local = row["em"].astimezone(SAO_PAULO)
        if f"{local:%d/%m/%Y}" != day:
            day = f"{local:%d/%m/%Y}"
            console.print(Text(f"\n{day}", style="bold"))
        console.print(_message(row, f"{local:%H:%M}"), soft_wrap=True)
    for row in waiting:
        who = "médico" if row["direcao"] == "entrada" else "Júlia"
        state, _, why = row["estado"].partition(": ")
        told = ": ".join([em_palavras(state), *([why] if why else [])])
        line = f"  …  {row['referencia']:<8} {who}: {_words(row)}  ({told})"
        console.print(Text(line, style="yellow"), soft_wrap=True)
    if not thread and not waiting:
        console.print("Nenhuma mensagem ainda.")


def _words(row: Row) -> str:
    """Return the text after a mark for what else it is: the caption of a photo is no message by itself."""
    mark = "" if row["direcao"] == "saida" or row["midia"] == "texto" else f"[{em_palavras(row['midia'])}]"
    words = row["texto"] or ""
    if len(words) > TEXTO_MAX:
        words = f"{words[:TEXTO_MAX]}… [{len(words)} caracteres: `agente mensagem ver {row['referencia']}`]"
    return f"{mark} {words}".strip()


def _message(row: Row, hora: str) -> Text:
    words = _words(row) if not row["apagada_em"] else ""
    words = "\n".join(line if n == 0 else " " * RECUO + line for n, line in enumerate(words.splitlines()))
    marks = [
        "apagada" if row["apagada_em"] else "",
        "editada" if row["editada_em"] and not row["apagada_em"] else "",
        TIQUES.get(row["entrega"] or "", ""),
        f"turno {row['turno_id']}" if row["turno_id"] else "",
    ]
    style = "cyan" if row["autor"] == "medico" else "green" if row["autor"] == "julia" else "magenta"
    head = f"{hora}  {row['referencia'] or '-':<8} "
    told = ", ".join(mark for mark in marks if mark)
    return Text.assemble(
        (head, "dim"), (f"{AUTORES[row['autor']]}: ", style), words, (f"  ({told})" if told else "", "dim")
    )


async def find_id(db: Database, escrito: str) -> int | None:
    """Return the conversation's id, named as `c12` or by the doctor's address."""
    wanted = endereco(escrito)
    if isinstance(wanted, int):
        return wanted
    found = await conversa.of(db, wanted)
    return int(found["id"]) if found else None


def change(quem_: str, work: Callable[[Database, int], Awaitable[int]]) -> tuple[int, int]:
    """Change a conversation; return its id and the hand-off's, or exit with 1 and say why."""

    async def run(db: Database) -> tuple[int, int] | str:
        conversation_id = await find_id(db, quem_)
        if conversation_id is None:
            raise NoSuchConversationError
        try:
            return conversation_id, await work(db, conversation_id)
        except WrongStateError as wrong:
            return str(wrong)

    try:
        done = with_database(run)
    except NoSuchConversationError:
        raise no_conversation(quem_) from None
    if isinstance(done, str):
        typer.echo(f"erro: {done}.", err=True)
        raise typer.Exit(1)
    return done


@app.command("assumir", epilog="Exemplo: agente conversa assumir c12 --por Ana")
def conversa_assumir(conversa_: Quem, *, por: Por = None) -> None:
    """Uma pessoa assume: a resposta que a Júlia preparava é descartada, e ela se cala até a devolução."""
    conversation_id, mao = change(conversa_, lambda db, key: assumir(db, key, quem(por), utc_now()))
    typer.echo(f"Conversa {conversation_id} com {quem(por)} (transferência {mao}).")


@app.command("devolver", epilog="Exemplo: agente conversa devolver c12 --notas 'prefere fim de semana'")
def conversa_devolver(
    conversa_: Quem,
    *,
    notas: Annotated[str | None, typer.Option(help="O que a Júlia deve saber ao continuar.")] = None,
    por: Por = None,
) -> None:
    """Devolve a conversa à Júlia; ela lê as notas e o que a pessoa escreveu."""
    conversation_id, mao = change(conversa_, lambda db, key: devolver(db, key, quem(por), notas, utc_now()))
    typer.echo(f"Conversa {conversation_id} com a Júlia de novo (transferência {mao} resolvida).")


@app.command(
    "falar", epilog="Exemplos: agente conversa falar | echo 'tem plantão?' | agente conversa falar --medico Ana"
)
def falar(
    *,
    medico: Annotated[str | None, typer.Option(help="Nome do médico: um dos fictícios, ou um novo.")] = None,
    espera: Annotated[int, typer.Option(min=1, max=600, help="Segundos de espera por uma resposta.")] = 60,
) -> None:
    """Conversa com a Júlia pelo sandbox, no terminal; linhas também pela entrada padrão.

    Dentro: /foto [legenda], /audio, /ajuda, /sair.
    """

    async def run() -> int:
        async with open_resources(load_settings(), nome="cli-falar") as resources:
            return await conversar(resources, medico, espera)

    try:
        code = asyncio.run(run())
    except (FalarError, SandboxError) as failure:
        typer.echo(f"erro: {failure}", err=True)
        raise typer.Exit(1) from None
    except DatabaseUnavailableError:
        typer.echo("erro: o banco de dados não responde. Suba a pilha com `agente up`.", err=True)
        raise typer.Exit(1) from None
    raise typer.Exit(code)

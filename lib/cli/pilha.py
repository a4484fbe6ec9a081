"""`agente up`, `down`, `status`, `reset` and `doctor`: the embedded stack from the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Protocol

import psycopg
import typer

from lib.cli.pausa import line
from lib.clock import utc_now
from lib.db import Database
from lib.errors import DatabaseUnavailableError
from lib.queries import pausa
from lib.queries.pausa import Pausa
from lib.settings import variable
from lib.stack import diagnostico
from lib.stack.estado import PROJETO, Casa
from lib.stack.pilha import Pilha, apagar, derrubar, situacao

Json = Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")]
COLOURS = ("36", "35", "34", "33", "32", "96", "95", "94")
MARKS = {"ok": "32", "aviso": "33", "erro": "31", "desconhecido": "90"}
INTERRUPTED = 130


class Screen(Protocol):
    """Where `up` tells what happens."""

    def line(self, name: str, text: str) -> None:
        """Show one line of a child, or of ours (name "agente")."""

    def ready(self, urls: Mapping[str, str], *, own: bool) -> None:
        """Show that all is ready; `own` is False when another process has it up."""


def coloured(text: str, colour: str) -> str:
    """Return the text in a colour when a person is looking."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


def show(text: str) -> None:
    """Print a line; a terminal that went away must not stop the stack's own stopping."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


class Terminal:
    """Elapsed time, name and line, a colour for each child."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._colours: dict[str, str] = {"agente": "1"}

    def line(self, name: str, text: str) -> None:
        """Show one prefixed line."""
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        show(f"{time.monotonic() - self._began:6.1f}s {coloured(f'{name:<8} |', colour)} {text}")

    def ready(self, urls: Mapping[str, str], *, own: bool) -> None:
        """Show the addresses."""
        show("")
        show("Tudo pronto:" if own else "A pilha já está de pé:")
        for name, url in urls.items():
            show(f"  {name:<8} {url}")
        show("\nCtrl-C para tudo." if own else "\nPare com `agente down`.")


class JsonLines:
    """One JSON object per event; the children's lines are only in their logs."""

    def line(self, name: str, text: str) -> None:
        """Show our own lines."""
        if name == "agente":
            show(json.dumps({"evento": "linha", "texto": text}, ensure_ascii=False))

    def ready(self, urls: Mapping[str, str], *, own: bool) -> None:
        """Show the addresses."""
        show(json.dumps({"evento": "pronto", "propria": own, "urls": dict(urls)}, ensure_ascii=False))


async def hold(pilha: Pilha, screen: Screen) -> int:
    """Raise the stack and keep it until a signal; a second one kills at once. Return the exit code."""
    asked = asyncio.Event()

    def interrupt() -> None:
        if asked.is_set():
            screen.line("agente", "terminando à força")
            pilha.matar()
            return
        asked.set()
        screen.line("agente", "parando (Ctrl-C de novo termina à força)")

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, interrupt)
    raising, wish = asyncio.create_task(pilha.levantar()), asyncio.create_task(asked.wait())
    waiting: set[asyncio.Task[Any]] = {raising, wish}
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    if not raising.done():
        raising.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await raising
        return INTERRUPTED
    wish_or_fault: set[asyncio.Task[Any]] = {wish}
    try:
        await raising
        screen.ready(pilha.urls, own=pilha.propria)
        if not pilha.propria:
            return 0
        wish_or_fault.add(asyncio.create_task(pilha.quebrada()))
        done, _ = await asyncio.wait(wish_or_fault, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    finally:
        for task in wish_or_fault:
            task.cancel()
        await pilha.parar()
    return 0


def up(
    *,
    sem_prefect: Annotated[bool, typer.Option("--sem-prefect", help="Não inicia o Prefect nem os fluxos.")] = False,
    em_json: Json = False,
) -> None:
    """Raise the whole stack in the foreground."""
    screen: Screen = JsonLines() if em_json else Terminal()
    pilha = Pilha(com_prefect=not sem_prefect, linha=screen.line)
    raise typer.Exit(asyncio.run(hold(pilha, screen)))


def down() -> None:
    """Stop the running stack."""
    show("Pilha parada." if derrubar() else "Nada estava rodando.")


def paused(url: str | None) -> Pausa | None:
    """Return the operation's pause; None when the stack's database cannot be asked."""
    if url is None:
        return None

    async def ask(url: str) -> Pausa:
        database = Database.open(url, size=1, name="cli")
        try:
            return await pausa.get(database)
        finally:
            await database.close()

    with contextlib.suppress(DatabaseUnavailableError, psycopg.Error):
        return asyncio.run(ask(url))
    return None


def status(*, em_json: Json = False) -> None:
    """Say what runs; exit 1 when nothing does."""
    agora = situacao()
    parada = paused(agora.ambiente.get(variable("database_url"))) if agora.fase == "pronta" else None
    if em_json:
        shown = {name: value for name, value in asdict(agora).items() if name != "ambiente"}
        shown["pausada"] = parada.ativa if parada else None
        show(json.dumps({**shown, "logs": str(Casa(PROJETO).logs)}, ensure_ascii=False, indent=2))
    elif not agora.viva:
        show("Parada. Suba com `agente up`.")
    else:
        show(f"De pé ({agora.fase}), supervisor {agora.supervisor}, dados em {agora.dados}")
        for name, url in agora.urls.items():
            show(f"  {name:<8} {url}")
        show("  " + " ".join(f"{name}={pid}" for name, pid in agora.pids.items()))
        if parada and parada.ativa:
            show(line(parada))
    raise typer.Exit(0 if agora.viva else 1)


def reset(*, sim: Annotated[bool, typer.Option("--yes", help="Confirma: os dados serão apagados.")] = False) -> None:
    """Stop the stack and delete its data; usage error without --yes."""
    if not sim:
        raise typer.BadParameter(
            "isto apaga o banco, o Redis e o Prefect locais; confirme com --yes", param_hint="--yes"
        )
    show(f"Dados apagados em {apagar()}.")


def doctor(*, em_json: Json = False) -> None:
    """Check all that the stack needs; exit 1 when something is wrong."""
    results = diagnostico.examinar(PROJETO, utc_now)
    if em_json:
        show(json.dumps([asdict(result) for result in results], ensure_ascii=False, indent=2))
    else:
        for result in results:
            mark = coloured(f"{result.estado:<12}", MARKS[result.estado])
            show(f"{mark} {result.nome:<12} {result.achado}")
            if result.conserto:
                show(f"{'':<12} {'':<12} -> {result.conserto}")
    raise typer.Exit(1 if any(result.estado == "erro" for result in results) else 0)


UP = (
    "Sobe Postgres, Redis, sandbox, Prefect, fluxos e API em primeiro plano; Ctrl-C para tudo. Se já estiver de pé, só "
    "diz onde. AGENTE_DATABASE_URL, AGENTE_REDIS_URL, PREFECT_API_URL e AGENTE_EVOLUTION_URL com AGENTE_ANTHROPIC_URL "
    "usam servidores externos no lugar dos nossos."
)
COMMANDS: tuple[tuple[str, Callable[..., None], str, str], ...] = (
    ("up", up, UP, "Exemplos: agente up | agente up --sem-prefect | agente up --json"),
    ("down", down, "Para a pilha que está de pé neste projeto.", "Exemplo: agente down"),
    (
        "status",
        status,
        "Diz o que está rodando: endereços e processos. Sai com 1 se nada roda.",
        "Exemplos: agente status | agente status --json",
    ),
    ("reset", reset, "Para a pilha e apaga os dados locais. Recusa em produção.", "Exemplo: agente reset --yes"),
    (
        "doctor",
        doctor,
        "Examina a instalação, o banco, as migrações e os segredos, e diz como consertar. Sai com 1 se houver erro.",
        "Exemplos: agente doctor | agente doctor --json",
    ),
)

"""Puts the nouns together into one program."""

from __future__ import annotations

import logging
import os
import sys

import typer

from lib import log
from lib.cli import (
    aviso,
    chip,
    config,
    conhecimento,
    conversa,
    demo,
    diretriz,
    fluxo,
    memoria,
    mensagem,
    pausa,
    pilha,
    sandbox,
    seed,
    slack,
    token,
    webhook,
)
from lib.errors import SettingsError
from lib.stack.estado import StackError
from lib.stack.pilha import situacao

# A noun is a file of this package with its own Typer: ("chip", chip.app).
NOUNS: tuple[tuple[str, typer.Typer], ...] = (
    ("aviso", aviso.app),
    ("chip", chip.app),
    ("config", config.app),
    ("conhecimento", conhecimento.app),
    ("conversa", conversa.app),
    ("diretriz", diretriz.app),
    ("fluxo", fluxo.app),
    ("memoria", memoria.app),
    ("mensagem", mensagem.app),
    ("slack", slack.app),
    ("token", token.app),
    ("webhook", webhook.app),
)
# Commands without a noun, about the stack as a whole: (name, function, help).
COMMANDS = (*pilha.COMMANDS, *sandbox.COMMANDS, *pausa.COMMANDS, *seed.COMMANDS, *demo.COMMANDS)
# They must not take the running stack's addresses, or its sandbox's files, for their own.
ALONE = frozenset(name for name, *_ in (*pilha.COMMANDS, *sandbox.COMMANDS))

HELP = "Agente Júlia: preenche plantões conversando com médicos pelo WhatsApp."
EPILOG = "Comece com `agente demo` (sobe tudo e mostra) ou `agente up` e, em outro terminal, `agente status`."


def build() -> typer.Typer:
    """Return the program with every noun and command registered."""
    app = typer.Typer(
        name="agente",
        help=HELP,
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(enter)
    for name, function, text, examples in COMMANDS:
        app.command(name, help=text, epilog=examples)(function)
    for name, noun in NOUNS:
        app.add_typer(noun, name=name)
    return app


def enter(ctx: typer.Context) -> None:
    """Give every command that is not about the stack itself the addresses of the running stack.

    What the environment says wins.
    """
    if ctx.invoked_subcommand in ALONE:
        return
    for name, value in situacao().ambiente.items():
        os.environ.setdefault(name, value)


def run() -> None:
    """Run the program; expected faults become one message and an exit code, without a traceback."""
    # What a command has to say it prints itself; a line of a log among it would spoil `--json`.
    log.configure(stream=sys.stderr, level=logging.ERROR)
    try:
        build()()
    except StackError as error:
        sys.stderr.write(f"erro: {error}\n")
        raise SystemExit(1) from None
    except SettingsError as error:
        sys.stderr.write("".join(f"configuração: {line}\n" for line in error.lines))
        raise SystemExit(2) from None

"""`agente pausar` and `agente retomar`: nothing leaves, nothing is lost (decision D20)."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Annotated

import typer

from lib.cli.token import with_database
from lib.clock import utc_now
from lib.db import Database
from lib.domain.horario import SAO_PAULO
from lib.queries import pausa
from lib.queries.pausa import Pausa
from lib.usecases import pausar as uso

Por = Annotated[str | None, typer.Option(help="Quem; sem isso, o usuário desta máquina.")]


def quem(por: str | None) -> str:
    """Return who acts: as told, or the user of this machine."""
    return por or getpass.getuser()


def line(read: Pausa) -> str:
    """Say in one line how it stands."""
    if not read.ativa:
        return "Em operação."
    desde = f" desde {read.desde.astimezone(SAO_PAULO):%d/%m/%Y %H:%M}" if read.desde else ""
    por = f" por {read.por}" if read.por else ""
    motivo = f": {read.motivo}" if read.motivo else ""
    return f"PAUSADA{desde}{por}{motivo}. Na fila: {read.na_fila}; conversas por ler: {read.por_ler}."


def pausar(
    *,
    motivo: Annotated[str | None, typer.Option(help="Por quê; fica guardado.")] = None,
    por: Por = None,
) -> None:
    """Pause the operation."""

    async def work(db: Database) -> Pausa:
        await uso.pausar(db, quem(por), motivo, utc_now())
        return await pausa.get(db)

    typer.echo(line(with_database(work)))
    typer.echo("Nada sai até `agente retomar`.")


def retomar(*, por: Por = None) -> None:
    """Go on."""

    async def work(db: Database) -> Pausa:
        await uso.retomar(db, quem(por), utc_now())
        return await pausa.get(db)

    read = with_database(work)
    typer.echo(f"{line(read)} Na fila: {read.na_fila}; conversas por ler: {read.por_ler}.")


COMMANDS: tuple[tuple[str, Callable[..., None], str, str], ...] = (
    (
        "pausar",
        pausar,
        "Para todo envio, resposta e fluxo, em todos os processos, na hora. Nada se perde.",
        "Exemplos: agente pausar | agente pausar --motivo 'número em revisão'",
    ),
    ("retomar", retomar, "Retoma a operação: o que esperava segue na hora.", "Exemplo: agente retomar"),
)

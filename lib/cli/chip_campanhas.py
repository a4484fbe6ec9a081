"""`agente chip campanhas`: whether first contacts go on, and the person's word that stops them or lets them go on."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Final

import typer

from lib.cli.chip_acao import EmJson, Por
from lib.cli.pausa import quem
from lib.cli.token import with_database
from lib.clock import utc_now
from lib.db import Database
from lib.domain.horario import SAO_PAULO
from lib.queries import campanha
from lib.queries.campanha import Campanhas

EXEMPLOS: Final = (
    "Exemplos: agente chip campanhas estado | agente chip campanhas pausar --motivo 'lista em revisão'"
    " | agente chip campanhas retomar --motivo 'números trocados'"
)
Motivo = Annotated[str, typer.Option(help="Por quê; fica guardado. Sem telefones nem nomes de médicos.")]

app = typer.Typer(
    help="Campanhas: se os primeiros contatos saem. Respostas e follow-ups seguem sempre.",
    epilog=EXEMPLOS,
    no_args_is_help=True,
)


def show(read: Campanhas, *, em_json: bool) -> None:
    """Print how campaigns stand."""
    typer.echo(json.dumps(asdict(read), ensure_ascii=False, default=str) if em_json else line(read))


def line(read: Campanhas) -> str:
    """Say in one line how campaigns stand."""
    desde = f" desde {read.desde.astimezone(SAO_PAULO):%d/%m/%Y %H:%M}" if read.desde else ""
    por = f" por {read.por}" if read.por else ""
    motivo = f": {read.motivo}" if read.motivo else ""
    said = f"PAUSADAS{desde}{por}{motivo}." if read.paradas else "Em andamento."
    if read.travadas_ate:
        until = read.travadas_ate.astimezone(SAO_PAULO)
        said += f" {read.banidos} números banidos na última hora: nenhum primeiro contato sai antes das {until:%H:%M}."
    return f"{said} Primeiros contatos na fila: {read.na_fila}."


def _put(*, paradas: bool, por: str | None, motivo: str, em_json: bool) -> None:
    now = utc_now()

    async def work(db: Database) -> Campanhas:
        await campanha.put(db, paradas=paradas, por=quem(por), motivo=motivo, agora=now)
        return await campanha.get(db, now)

    show(with_database(work), em_json=em_json)


@app.command("pausar", epilog="Exemplo: agente chip campanhas pausar --motivo 'lista em revisão'")
def pausar(*, motivo: Motivo, por: Por = None, em_json: EmJson = False) -> None:
    """Para os primeiros contatos, em todos os processos, na hora. O que está na fila espera."""
    _put(paradas=True, por=por, motivo=motivo, em_json=em_json)


@app.command("retomar", epilog="Exemplo: agente chip campanhas retomar --motivo 'números trocados'")
def retomar(*, motivo: Motivo, por: Por = None, em_json: EmJson = False) -> None:
    """Deixa os primeiros contatos seguirem. Depois de uma pausa por banimentos só uma pessoa faz isso."""
    _put(paradas=False, por=por, motivo=motivo, em_json=em_json)


@app.command("estado", epilog="Exemplos: agente chip campanhas estado | agente chip campanhas estado --json")
def estado(*, em_json: EmJson = False) -> None:
    """Diz se as campanhas andam, quem as pausou e por quê, e quantos primeiros contatos esperam."""
    show(with_database(lambda db: campanha.get(db, utc_now())), em_json=em_json)

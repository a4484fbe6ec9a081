"""`agente chip previsao`: how long the pool needs for so many first contacts, what holds it back, what a loss costs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lib.cli.chip_acao import EmJson
from lib.cli.token import with_database
from lib.clock import utc_now
from lib.db import Database
from lib.domain.horario import SAO_PAULO
from lib.domain.previsao import HORIZONTE, Previsao
from lib.domain.previsao_leitura import duracao, gargalo, nomes
from lib.domain.selecao_leitura import DESCARTES
from lib.queries import campanha, pausa
from lib.usecases.prever import ForaDoPoolError, PrevisaoDoPool, prever_pool

EXEMPLOS: Final = (
    "Exemplos: agente chip previsao --mensagens 800 | agente chip previsao --mensagens 800 --sem julia-07 --json"
)
MENSAGENS_MAX: Final = 1_000_000
DIAS_MAX: Final = 15
SEMANA: Final = ("seg", "ter", "qua", "qui", "sex", "sáb", "dom")


def previsao(
    *,
    mensagens: Annotated[int, typer.Option(min=1, max=MENSAGENS_MAX, help="Quantos primeiros contatos.")],
    sem: Annotated[
        list[str] | None, typer.Option("--sem", metavar="CHIP", help="Sem este, pelo nome ou id; pode repetir.")
    ] = None,
    em_json: EmJson = False,
) -> None:
    """Prevê quando o pool termina tantos primeiros contatos, a partir de agora, e o que custa perder um chip.

    Simula cada envio de cada chip com os limites em vigor, o que já saiu nas últimas 24 horas e o horário de segunda a
    sexta, das 8 às 20, sem feriados. Nada é gravado nem enviado.
    """
    now = utc_now()

    async def work(db: Database) -> tuple[PrevisaoDoPool, bool, bool]:
        made = await prever_pool(db, mensagens, now, tuple(sem or ()))
        return made, (await campanha.get(db, now)).paradas, (await pausa.get(db)).ativa

    try:
        made, stopped, paused = with_database(work)
    except ForaDoPoolError as missing:
        typer.echo(f"erro: não há chip {missing} no pool; veja `agente chip estado`.", err=True)
        raise typer.Exit(1) from None
    if em_json:
        shown = _json(made) | {"campanhas_paradas": stopped, "operacao_pausada": paused}
        typer.echo(json.dumps(shown, ensure_ascii=False))
        return
    console = Console(highlight=False, markup=False)
    for line in (*_lines(made), *_warnings(made, stopped=stopped, paused=paused)):
        console.print(line)
    if made.perdas:
        console.print(_losses(made))


def _lines(made: PrevisaoDoPool) -> list[str]:
    one = made.previsao
    if one.fim is None:
        reach = f"até lá saem {one.enviadas}" if one.enviadas else "não sai nenhum"
        first = f"{one.mensagens} primeiros contatos não terminam em {HORIZONTE.days // 365} anos: {reach}."
    else:
        first = (
            f"{one.mensagens} primeiros contatos, a partir de agora, terminam em {_when(one.fim)}"
            f" ({duracao(one.fim - one.inicio)})."
        )
    out = "; ".join(f"{len(names)} {DESCARTES[regra]} ({nomes(names)})" for regra, names in made.fora.items())
    total = len(made.usados) + sum(map(len, made.fora.values()))
    without = f" Sem {', '.join(made.sem)}." if made.sem else ""
    return [
        first,
        *([f"Por dia: {_days(one)}."] if one.por_dia else []),
        f"Contam {len(made.usados)} de {total} chips{f'; fora: {out}' if out else ''}.{without}",
        f"Gargalo: {gargalo(one)}.",
    ]


def _warnings(made: PrevisaoDoPool, *, stopped: bool, paused: bool) -> list[str]:
    waiting = f"Já há {made.na_fila} primeiros contatos na fila: eles vão antes e não estão nesta conta."
    return [
        *([waiting] if made.na_fila else []),
        *(
            ["As campanhas estão pausadas: a conta vale a partir de `agente chip campanhas retomar`."]
            if stopped
            else []
        ),
        *(["A operação está pausada: a conta vale a partir de `agente retomar`."] if paused else []),
    ]


def _losses(made: PrevisaoDoPool) -> Table:
    table = Table("Se perder", "Leva", "Terminaria em", "Atraso", header_style="bold", box=SIMPLE_HEAD)
    for loss in made.perdas:
        late = "nenhum" if loss.atraso is not None and not loss.atraso else duracao(loss.atraso) if loss.atraso else "-"
        table.add_row(loss.nome, str(loss.mensagens), _when(loss.fim) if loss.fim else "nunca", late)
    return table


def _days(one: Previsao) -> str:
    days = [f"{SEMANA[day.weekday()]} {day:%d/%m} {n}" for day, n in one.por_dia.items()]
    return " · ".join(days[:DIAS_MAX]) + (f" · e mais {len(days) - DIAS_MAX} dias" if len(days) > DIAS_MAX else "")


def _when(instant: datetime) -> str:
    local = instant.astimezone(SAO_PAULO)
    return f"{SEMANA[local.weekday()]} {local:%d/%m/%Y %H:%M}"


def _json(made: PrevisaoDoPool) -> dict[str, Any]:
    one = made.previsao
    return {
        "mensagens": one.mensagens,
        "enviadas": one.enviadas,
        "inicio": one.inicio.isoformat(),
        "fim": one.fim.isoformat() if one.fim else None,
        "duracao_s": (one.fim - one.inicio).total_seconds() if one.fim else None,
        "por_dia": {day.isoformat(): n for day, n in one.por_dia.items()},
        "por_chip": dict(one.por_chip),
        "gargalo": gargalo(one),
        "esperas": [
            {"freio": wait.freio, "espera_s": wait.tempo.total_seconds(), "chips": list(wait.chips)}
            for wait in one.esperas
        ],
        "usados": list(made.usados),
        "fora": {regra: list(names) for regra, names in made.fora.items()},
        "sem": list(made.sem),
        "na_fila": made.na_fila,
        "perdas": [
            {
                "chip": loss.nome,
                "mensagens": loss.mensagens,
                "fim": loss.fim.isoformat() if loss.fim else None,
                "atraso_s": None if loss.atraso is None else loss.atraso.total_seconds(),
            }
            for loss in made.perdas
        ],
    }

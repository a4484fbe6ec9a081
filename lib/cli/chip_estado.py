"""`agente chip estado`: how each number stands, and what holds it back."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lib.cli.chip_acao import SITUACAO, EmJson
from lib.cli.palavras import em_palavras
from lib.cli.token import with_database
from lib.clock import utc_now
from lib.db import Database, Row
from lib.domain.chip import StatusChip
from lib.domain.horario import SAO_PAULO
from lib.domain.telefone import mascarar
from lib.queries import chip_estado

EXEMPLOS: Final = "Exemplos: agente chip estado | agente chip estado julia-07 | agente chip estado --json"
HISTORICO: Final = 10
CORES: Final = {
    StatusChip.ACTIVE: "green",
    StatusChip.RESTRICTED: "yellow",
    StatusChip.PAUSED: "dim",
    StatusChip.CANCELLED: "dim",
    StatusChip.BANNED: "red",
}


def estado(
    chip: Annotated[str | None, typer.Argument(metavar="[CHIP]", help="Só este, pelo nome ou id.")] = None,
    *,
    todos: Annotated[bool, typer.Option("--todos", help="Também os cancelados.")] = False,
    em_json: EmJson = False,
) -> None:
    """Mostra os chips: situação e desde quando, conexão, fase, trust, uso e limite em vigor, o que os segura."""
    now = utc_now()

    async def work(db: Database) -> tuple[list[Row], list[Row]]:
        rows = await chip_estado.show(db, now, chip, cancelados=todos)
        return rows, await chip_estado.history(db, rows[0]["id"], HISTORICO) if chip and rows else []

    rows, changes = with_database(work)
    if chip and not rows:
        typer.echo(f"erro: não há chip {chip}; veja `agente chip estado`.", err=True)
        raise typer.Exit(1)
    if em_json:
        shown = [row | {"telefone": mascarar(row["telefone"])} for row in rows]
        typer.echo(json.dumps(shown[0] | {"historico": changes} if chip else shown, ensure_ascii=False, default=_iso))
        return
    if not rows:
        typer.echo("Nenhum chip. Cadastre um: agente chip criar --telefone '11 90000-0101'")
        return
    console = Console(highlight=False)
    console.print(_table(rows, now))
    if not chip:
        return
    [row] = rows
    console.print(f"Número {mascarar(row['telefone'])}, gateway {row['gateway']}, id {row['id']}.")
    for change in changes:
        line = f"{_when(change['em'])}  {_status(change['de'])} → {_status(change['para'])}: {change['motivo']}"
        console.print(f"{line} ({change['ator']})", markup=False)


def _table(rows: list[Row], now: datetime) -> Table:
    columns = ("Chip", "Situação", "Desde", "Por quê", "Conexão", "Fase", "Trust", "1 h", "24 h", "O que o segura")
    table = Table(*columns, header_style="bold", box=SIMPLE_HEAD)
    for row in rows:
        kind = "" if row["tipo"] == "julia" else f" ({row['tipo']})"
        table.add_row(
            f"{row['instancia']}{kind}",
            _status(row["status"]),
            _when(row["status_desde"]),
            row["status_motivo"],
            _connection(row),
            em_palavras(row["fase"]),
            f"{row['trust_score']} {row['trust_nivel']}",
            f"{row['uso_hora']}/{row['limite_hora']}",
            f"{row['uso_dia']}/{row['limite_dia']}",
            "; ".join(_holds(row, now)) or "-",
            style=CORES.get(StatusChip(row["status"])),
        )
    return table


def _status(status: str) -> str:
    return SITUACAO[StatusChip(status)]


def _connection(row: Row) -> str:
    if row["conectado"]:
        return "conectado"
    since = f" desde {_when(row['conexao_em'])}" if row["conexao_em"] else ""
    code = f" ({row['queda_codigo']})" if row["queda_codigo"] else ""
    return f"fora{since}{code}"


def _holds(row: Row, now: datetime) -> list[str]:
    """Say what keeps a chip from sending all that its phase and trust allow."""
    held: list[str] = []
    if row["reply_only_until"] and row["reply_only_until"] > now:
        held.append(f"só responde até {_when(row['reply_only_until'])}")
    if row["cooldown_ate"] and row["cooldown_ate"] > now:
        because = f" ({row['cooldown_motivo']})" if row["cooldown_motivo"] else ""
        held.append(f"descansa até {_when(row['cooldown_ate'])}{because}")
    if row["disjuntor_ate"]:
        half = row["disjuntor_ate"] <= now
        held.append(
            "disjuntor à espera de uma prova" if half else f"disjuntor aberto até {_when(row['disjuntor_ate'])}"
        )
    if row["rampup_parte"] < 100:  # noqa: PLR2004 - percent
        held.append(f"{row['rampup_parte']} % dos limites")
    if row["qualidade"]:
        held.append(f"qualidade {row['qualidade']}")
    return held


def _when(em: datetime) -> str:
    return f"{em.astimezone(SAO_PAULO):%d/%m %H:%M}"


def _iso(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)

"""`agente chip porque`: why a message went, or did not go, through its chip."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lib.cli.mensagem import referencia
from lib.cli.token import with_database
from lib.domain.horario import SAO_PAULO
from lib.usecases.ler_decisao import CandidatoVisto, DecisaoVista, decisoes_da_mensagem

EXEMPLOS: Final = "Exemplos: agente chip porque s12 | agente chip porque e40 --todas --json"


def porque(
    mensagem: Annotated[str, typer.Argument(metavar="MENSAGEM", help="Enviada: s12. Recebida: e12, ou só 12.")],
    *,
    todas: Annotated[bool, typer.Option("--todas", help="Todas as tentativas, não só a última de cada envio.")] = False,
    em_json: Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")] = False,
) -> None:
    """Mostra por que uma mensagem saiu por um chip, por que não por outro, e o que teria mudado isso.

    Tudo é recalculado das entradas guardadas no momento da escolha. Sai com 1 se a mensagem não existe.
    """
    wanted = referencia(mensagem)
    found = with_database(lambda db: decisoes_da_mensagem(db, wanted))
    if found is None:
        typer.echo(f"erro: não há mensagem {wanted}.", err=True)
        raise typer.Exit(1)
    shown = found if todas else _newest(found)
    if em_json:
        typer.echo(json.dumps([asdict(one) for one in shown], ensure_ascii=False, default=str))
        return
    if not shown:
        typer.echo("Nenhuma escolha de chip ainda: a mensagem não chegou à vez de sair.")
    for one in shown:
        show(one, Console(highlight=False))


def _newest(found: list[DecisaoVista]) -> list[DecisaoVista]:
    kept: dict[str, DecisaoVista] = {}
    for one in found:
        kept.setdefault(one.envio, one)
    return list(kept.values())


def show(one: DecisaoVista, console: Console) -> None:
    """Print one choice: the verdict, the pool by rule, and the candidates with what would have changed each."""
    when = f"{one.em.astimezone(SAO_PAULO):%d/%m/%Y %H:%M:%S}"
    verdict = f"[bold green]{one.chip}[/]" if one.chip else "[bold red]nenhum chip[/]"
    console.print(f"\nEnvio {one.envio} ({one.tipo}), escolha {one.id} de {when}: {verdict}: {one.porque}.")
    wants = f"trust mínimo {one.minimo}, reserva {one.reserva}"
    affinity = one.afim_conversa or one.afim_medico
    whose = "da conversa" if one.afim_conversa else "do médico"
    console.print(f"Pedia {wants}{f'; chip {whose}: {affinity}' if affinity else '; sem chip anterior'}.")
    dropped = "; ".join(f"{n} {why}" for why, n in one.descartes.items())
    console.print(f"Pool: {one.chips} chips, {one.elegiveis} podiam{f'; fora: {dropped}' if dropped else ''}.")
    columns = ("Chip", "Trust", "Hora", "24 h", "Por que sim, por que não", "O que mudaria")
    table = Table(*columns, header_style="bold", box=SIMPLE_HEAD)
    for candidate in sorted(one.candidatos, key=lambda found: not found.venceu):
        table.add_row(*_row(candidate), style="green" if candidate.venceu else None)
    console.print(table)
    if len(one.candidatos) < one.chips:
        console.print(f"Os {len(one.candidatos)} mais próximos de {one.chips}.")


def _row(candidate: CandidatoVisto) -> tuple[str, ...]:
    inputs = candidate.entradas
    return (
        f"{'✔ ' if candidate.venceu else ''}{candidate.chip}",
        str(inputs.trust),
        f"{inputs.uso_hora}/{inputs.limite_hora}",
        f"{inputs.uso_dia}/{inputs.limite_dia}",
        candidate.porque,
        candidate.mudaria or ("-" if candidate.venceu else "nada"),
    )

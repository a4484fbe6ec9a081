"""`agente chip backtest`: formulas of trust beside each other over the history of scores."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from lib.cli.token import with_database
from lib.clock import utc_now
from lib.domain.horario import SAO_PAULO
from lib.domain.trust import FORMULAS
from lib.domain.trust_backtest import HORIZONTE, Comparacao, Ganho, Ordenacao, Resultado, Troca
from lib.domain.trust_leitura import conta
from lib.usecases.backtest_trust import backtest as compare

EXEMPLOS: Final = "Exemplos: agente chip backtest | agente chip backtest --formulas v1,v2 --dias 30 --json"
POUCAS_QUEDAS: Final = 10
_O_QUE: Final = {Ganho.PROSPECTAR: "primeiro contato", Ganho.FOLLOWUP: "follow-up", Ganho.NIVEL: "nível"}


def backtest(
    *,
    formulas: Annotated[
        str, typer.Option(help="Fórmulas separadas por vírgula; as outras são comparadas com a primeira.")
    ] = ",".join(FORMULAS),
    dias: Annotated[int, typer.Option(min=1, max=3_650, help="Quantos dias de história.")] = 90,
    em_json: Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")] = False,
) -> None:
    """Compara fórmulas de nota sobre a história: quem ganharia ou perderia o quê, e qual previu as quedas.

    Queda é o chip ficar restrito ou banido em até 7 dias. Não muda nada.
    """
    names = list(dict.fromkeys(name.strip() for name in formulas.split(",") if name.strip()))
    unknown = [name for name in names if name not in FORMULAS]
    if unknown or not names:
        known = ", ".join(FORMULAS)
        typer.echo(f"erro: fórmula desconhecida: {', '.join(unknown) or '(nenhuma)'}. As que há: {known}.", err=True)
        raise typer.Exit(2)
    found = with_database(lambda db: compare(db, names, dias, utc_now()))
    if em_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False, default=str))
        return
    if not found.notas:
        typer.echo("Nenhuma nota no período: o fluxo trust-score dá a primeira (agente fluxo rodar trust-score).")
        return
    show(found, Console())


def show(found: Resultado, console: Console) -> None:
    """Print the comparison."""
    since, until = (f"{em.astimezone(SAO_PAULO):%d/%m/%Y}" for em in (found.desde, found.agora))
    console.print(
        f"\n{conta(found.notas, 'nota', 'notas')} de {conta(found.chips, 'chip', 'chips')}, de {since} a {until}."
    )
    if found.notas_sem_semana:
        console.print(
            f"De antes de se contarem os últimos 7 dias: {conta(found.notas_sem_semana, 'nota', 'notas')}, em que uma"
            " fórmula que os usa não reage."
        )
    for comparison in found.comparacoes:
        console.print(_exchanges(comparison))
    ranking = Table("Fórmula", "AUC", "O que diz", title="Quem previu as quedas", header_style="bold")
    for one in found.ordenacoes:
        ranking.add_row(one.formula, _auc(one), _meaning(one, found))
    console.print(ranking)
    console.print(
        f"{conta(found.quedas, 'queda', 'quedas')} de {conta(found.chips_que_cairam, 'chip', 'chips')}. Dias de chip em"
        f" uso: {_n(found.dias_antes_de_queda)} a menos de {HORIZONTE.days} dias de uma queda,"
        f" {_n(found.dias_sem_queda)} sem queda,"
        f" {_n(found.dias_sem_desfecho)} ainda sem desfecho."
    )
    if 0 < found.quedas < POUCAS_QUEDAS:
        console.print(f"[yellow]Com menos de {POUCAS_QUEDAS} quedas, a diferença entre fórmulas pode ser acaso.[/]")


def _exchanges(comparison: Comparacao) -> Table:
    title = f"{comparison.formula} no lugar de {comparison.em_vez_de}"
    table = Table(
        *("O quê", "Ganhariam agora", "Perderiam agora", "Ganhariam no período", "Perderiam no período"),
        title=title,
        header_style="bold",
    )
    for one in comparison.trocas:
        table.add_row(_O_QUE[one.o_que], *_now(one), *_period(one))
    return table


def _now(one: Troca) -> tuple[str, str]:
    sides = ((one.ganham_agora, one.ganham_nomes), (one.perdem_agora, one.perdem_nomes))
    gain, lose = (f"{n}: {', '.join(names)}{' …' if n > len(names) else ''}" if n else "0" for n, names in sides)
    return gain, lose


def _period(one: Troca) -> tuple[str, str]:
    sides = ((one.ganham, one.ganham_dias), (one.perdem, one.perdem_dias))
    gain, lose = (f"{conta(n, 'chip', 'chips')}, {_n(days)} dias de chip" if n else "0" for n, days in sides)
    return gain, lose


def _auc(one: Ordenacao) -> str:
    return "desconhecida" if one.auc is None else f"{one.auc:.3f}".replace(".", ",")


def _meaning(one: Ordenacao, found: Resultado) -> str:
    if one.auc is None:
        return "nenhuma queda no período" if not found.dias_antes_de_queda else "nenhum tempo sem queda para comparar"
    return f"em {one.auc:.0%} dos pares, o chip que cairia tinha nota menor (empate vale meio; 50% é acaso)"


def _n(days: float) -> str:
    return f"{days:.1f}".replace(".", ",")

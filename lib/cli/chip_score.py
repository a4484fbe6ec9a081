"""`agente chip score`: a chip's score, where each point comes from, what changed, and what to do next."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from lib.cli.token import with_database
from lib.clock import utc_now
from lib.domain.chip import NivelTrust, TipoChip
from lib.domain.horario import SAO_PAULO
from lib.domain.trust import TETO_CRITICO
from lib.domain.trust_leitura import NOMES, MudancaDeParte, Parte, fase_em_palavras
from lib.domain.trust_passo import Passo
from lib.usecases.ler_trust import NotaVista, ScoreVisto, UnknownFormulaError, ver_score

EXEMPLOS: Final = "Exemplos: agente chip score julia-01 | agente chip score 3 --json"
_CORES: Final = {
    "verde": "green",
    "amarelo": "yellow",
    "laranja": "dark_orange",
    "vermelho": "red",
    "critico": "bold red",
}


def score(
    chip: Annotated[str, typer.Argument(metavar="CHIP", help="A instância (julia-01) ou o id.")],
    *,
    em_json: Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")] = False,
) -> None:
    """Mostra a nota de um chip: partes, limites, o que mudou desde a última nota e o próximo passo.

    Tudo é recalculado das entradas guardadas com a nota. Sai com 1 se o chip não existe.
    """
    try:
        found = with_database(lambda db: ver_score(db, chip))
    except UnknownFormulaError as unknown:
        typer.echo(
            f"erro: a nota é da fórmula {unknown}, que esta versão não conhece; espere a próxima nota.", err=True
        )
        raise typer.Exit(1) from None
    if found is None:
        typer.echo(f"erro: não há chip {chip}.", err=True)
        raise typer.Exit(1)
    if em_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False, default=str))
        return
    if found.nota is None:
        typer.echo(f"{found.chip}: {_sem_nota(found)}")
        return
    show(found, found.nota, Console())


def _sem_nota(found: ScoreVisto) -> str:
    if found.tipo is TipoChip.LISTENER:
        return "só escuta grupos e nunca envia; não recebe nota."
    return "ainda sem nota; o fluxo trust-score dá uma a cada 15 minutos (agente fluxo rodar trust-score)."


def show(found: ScoreVisto, nota: NotaVista, console: Console) -> None:
    """Print one score."""
    when = f"{nota.em.astimezone(SAO_PAULO):%d/%m/%Y %H:%M}"
    level = f"[{_CORES[nota.nivel]}]{nota.score}, {nota.nivel}[/]"
    console.print(f"\n{found.chip} ({found.status}): nota {level}, fórmula {nota.formula}, de {when}.")
    console.print(f"{_permissoes(nota)}; intervalo mínimo de {nota.delay_minimo_s} s.")
    console.print(_limites(found, nota))
    table = Table("Parte", "Pontos", "De", "A", "Entrada", header_style="bold")
    for parte in nota.partes:
        table.add_row(*_row(parte))
    console.print(table)
    _show_changes(nota, console)
    console.print(f"Próximo passo: {_passo(nota.passo)}.")
    if nota.diverge:
        fields = ", ".join(nota.diverge)
        console.print(f"[yellow]Atenção:[/] o cadastro do chip diz outra coisa em {fields}; a próxima nota acerta.")


def _permissoes(nota: NotaVista) -> str:
    asked = (
        ("primeiro contato", nota.pode_prospectar),
        ("follow-up", nota.pode_followup),
        ("resposta", nota.pode_responder),
    )
    return "Pode: " + ", ".join(f"{nome} {'sim' if pode else 'não'}" for nome, pode in asked)


def _limites(found: ScoreVisto, nota: NotaVista) -> str:
    seen = nota.limites
    teto = f", no máximo {_envios(*TETO_CRITICO)}" if nota.nivel is NivelTrust.CRITICO else ""
    said = (
        f"Limites: {seen.hora} por hora e {seen.dia} por dia. Fase {fase_em_palavras(seen.fase)}:"
        f" {_envios(seen.fase_hora, seen.fase_dia)}; nível {nota.nivel} deixa {seen.parte_nivel}%{teto}:"
        f" {_envios(seen.nivel_hora, seen.nivel_dia)}; rampa de {seen.parte_rampup}%: {_envios(seen.hora, seen.dia)}."
    )
    if found.fase is not seen.fase:
        said += f" A fase agora é {fase_em_palavras(found.fase)}, e vale a partir da próxima nota."
    if found.limite_conta is not None:
        said += f" A conta na Meta escreve primeiro a {found.limite_conta} pessoas em 24 h, todos os números juntos."
    if found.reply_only_until is not None and found.reply_only_until > utc_now():
        said += f" Só responde até {found.reply_only_until.astimezone(SAO_PAULO):%d/%m %H:%M}."
    return said


def _envios(hora: int, dia: int) -> str:
    return f"{hora} e {dia}"


def _row(parte: Parte) -> tuple[str, ...]:
    least, most = ("-" if value is None else _pontos(value) for value in (parte.minimo, parte.maximo))
    return NOMES.get(parte.nome, parte.nome), _pontos(parte.valor), least, most, parte.entrada


def _show_changes(nota: NotaVista, console: Console) -> None:
    if nota.anterior_em is None:
        console.print("É a primeira nota.")
        return
    since = f"{nota.anterior_em.astimezone(SAO_PAULO):%d/%m/%Y %H:%M}"
    console.print(f"Desde a nota anterior, {nota.anterior_score} em {since}:")
    for mudou in nota.mudancas:
        console.print(f"  {_delta(mudou)}  {mudou.porque}")
    if not nota.mudancas:
        console.print("  nenhuma parte mudou.")
    if nota.consequencias:
        console.print(f"  Com isso: {'; '.join(nota.consequencias)}.")


def _delta(mudou: MudancaDeParte) -> str:
    said = _pontos(mudou.delta)
    return f"{said if said.startswith('-') else f'+{said}':>6}"


def _passo(passo: Passo) -> str:
    if passo.parte is None:
        return passo.texto
    muda = f", com {'; '.join(passo.muda)}" if passo.muda else ""
    return f"{passo.texto}: +{_pontos(passo.pontos)} pontos, e a nota iria a {passo.score}{muda}"


def _pontos(valor: float) -> str:
    return f"{valor:.1f}".replace(".", ",").removesuffix(",0")

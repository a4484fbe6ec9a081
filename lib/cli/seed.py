"""`agente seed`: a fictional business to look at."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import psycopg
import typer

from lib.clock import utc_now
from lib.seed.plano import Plano
from lib.seed.semear import SeedRefusedError, semear
from lib.settings import Ambiente, load_settings


def seed(
    *,
    medicos: Annotated[int, typer.Option(help="Médicos.")] = 500,
    chips: Annotated[int, typer.Option(help="Chips, em todas as fases.")] = 20,
    hospitais: Annotated[int, typer.Option(help="Hospitais.")] = 30,
    vagas: Annotated[int, typer.Option(help="Plantões, a maioria nos próximos 30 dias.")] = 300,
    conversas: Annotated[int, typer.Option(help="Conversas com histórico.")] = 2_000,
    semente: Annotated[int, typer.Option(help="A mesma semente faz os mesmos dados.")] = 59,
    limpar: Annotated[bool, typer.Option("--limpar", help="Apaga antes os dados do negócio que houver.")] = False,
    em_json: Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")] = False,
) -> None:
    """Seed the database; exit 1 when refused or unreachable, 2 for wrong numbers."""
    try:
        plano = Plano(medicos, chips, hospitais, vagas, conversas, semente)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    settings = load_settings()
    try:
        feito = semear(
            settings.database_url.get_secret_value(),
            plano,
            utc_now(),
            limpar=limpar,
            producao=settings.ambiente is Ambiente.PRODUCAO,
        )
    except SeedRefusedError as error:
        sys.stderr.write(f"erro: {error}\n")
        raise typer.Exit(1) from None
    except psycopg.OperationalError:
        # The driver's text may name the address with its password.
        sys.stderr.write("erro: não foi possível usar o banco de AGENTE_DATABASE_URL; confira com `agente doctor`.\n")
        raise typer.Exit(1) from None
    if em_json:
        print(json.dumps(asdict(feito), ensure_ascii=False))
    elif feito.ja_estava:
        print(f"Já semeado (semente {semente}): nada mudou.")
    else:
        print(f"Semeado em {feito.segundos:.1f} s (semente {semente}):")
        for tabela, linhas in feito.counts.items():
            print(f"  {tabela:<22} {linhas:>9}")


COMMANDS: tuple[tuple[str, Callable[..., None], str, str], ...] = (
    (
        "seed",
        seed,
        (
            "Cria um negócio fictício no banco: médicos, chips, hospitais, plantões e conversas com histórico."
            " Repetir não muda nada. Recusa em produção, e sobre outros dados sem --limpar."
        ),
        "Exemplos: agente seed | agente seed --medicos 100000 --limpar | agente seed --json",
    ),
)

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner, Result

from lib.cli.seed import COMMANDS

MENOR = ["--medicos", "20", "--chips", "4", "--hospitais", "3", "--vagas", "10", "--conversas", "30"]
ADDRESSES = {
    "AGENTE_EVOLUTION_URL": "http://127.0.0.1:9",
    "AGENTE_EVOLUTION_API_KEY": "k",
    "AGENTE_EVOLUTION_WEBHOOK_SECRET": "t" * 40,
    "AGENTE_ANTHROPIC_URL": "http://127.0.0.1:9",
    "AGENTE_ANTHROPIC_API_KEY": "k",
}


def run(url: str, *arguments: str, ambiente: str = "teste") -> Result:
    app = typer.Typer()
    for name, function, text, _ in COMMANDS:
        app.command(name, help=text)(function)
    env = {**ADDRESSES, "AGENTE_DATABASE_URL": url, "AGENTE_AMBIENTE": ambiente}
    return CliRunner(env=env).invoke(app, list(arguments))


@pytest.fixture
def seeded(pg_url: str) -> str:
    assert run(pg_url, *MENOR).exit_code == 0
    return pg_url


def test_it_says_what_it_made_and_the_second_time_that_it_was_there(pg_url: str) -> None:
    first = run(pg_url, *MENOR)
    assert first.exit_code == 0
    assert "Semeado em" in first.stdout
    assert "interacao" in first.stdout
    second = run(pg_url, *MENOR)
    assert second.exit_code == 0
    assert "Já semeado" in second.stdout


def test_programs_get_json(pg_url: str) -> None:
    made = json.loads(run(pg_url, *MENOR, "--json").stdout)
    assert made["counts"]["medico"] == 20
    assert made["ja_estava"] is False


def test_production_is_refused_with_and_without_clearing(seeded: str) -> None:
    for extra in ([], ["--limpar"]):
        refused = run(seeded, *MENOR, *extra, ambiente="producao")
        assert refused.exit_code == 1
        assert "produção" in refused.stderr


def test_another_plan_on_the_same_database_needs_clearing(seeded: str) -> None:
    refused = run(seeded, *MENOR, "--semente", "7")
    assert refused.exit_code == 1
    assert "--limpar" in refused.stderr
    assert run(seeded, *MENOR, "--semente", "7", "--limpar").exit_code == 0


def test_wrong_numbers_are_wrong_usage_and_an_absent_database_shows_no_password(pg_url: str) -> None:
    assert run(pg_url, "--medicos", "0").exit_code == 2
    absent = run("postgresql://ana:segredo-longo@127.0.0.1:9/nada")
    assert absent.exit_code == 1
    assert "AGENTE_DATABASE_URL" in absent.stderr
    assert "segredo" not in absent.output

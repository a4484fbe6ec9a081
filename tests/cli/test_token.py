"""`agente token`: made once, shown once, listed without being shown, revoked at once."""

from __future__ import annotations

import re

import psycopg
import pytest
from typer.testing import CliRunner

from lib.auth import TOKEN_PREFIX, token_hash
from lib.cli.config import app as config_app
from lib.cli.config import example
from lib.cli.token import app
from lib.settings import Settings, variable


@pytest.fixture
def run(settings: Settings) -> CliRunner:
    values = {
        "database_url": settings.database_url.get_secret_value(),
        "evolution_url": settings.evolution_url,
        "evolution_api_key": "chave",
        "evolution_webhook_secret": "s" * 40,
        "anthropic_api_key": "chave",
    }
    return CliRunner(env={variable(name): value for name, value in values.items()} | {"COLUMNS": "200"})


def test_a_token_is_shown_once_and_kept_as_a_hash(run: CliRunner, pg_url: str) -> None:
    made = run.invoke(app, ["criar", "painel", "--papel", "operator", "--dias", "7"])
    assert made.exit_code == 0
    token = made.stdout.strip()
    assert token.startswith(TOKEN_PREFIX)
    with psycopg.connect(pg_url) as connection:
        rows = connection.execute("SELECT nome, papel, hash, expira_em - criado_em FROM token_api").fetchall()
    [(nome, papel, kept, life)] = rows
    assert (nome, papel, bytes(kept), life.days) == ("painel", "operator", token_hash(token), 7)
    listed = run.invoke(app, ["listar"])
    assert "painel" in listed.stdout
    assert "ativo" in listed.stdout
    assert token not in listed.stdout


def test_revoking_ends_all_tokens_of_a_name_and_says_how_many(run: CliRunner) -> None:
    for _ in range(2):
        run.invoke(app, ["criar", "painel"])
    assert run.invoke(app, ["revogar", "painel"]).stdout == "2 tokens revogados.\n"
    assert "revogado" in run.invoke(app, ["listar"]).stdout
    again = run.invoke(app, ["revogar", "painel"])
    assert again.exit_code == 1
    assert "nenhum token ativo" in again.stderr


@pytest.mark.parametrize("wrong", [["--papel", "rei"], ["--dias", "0"], ["--dias", "91"], ["--dias", "x"]])
def test_a_wrong_role_or_life_is_refused_with_2(run: CliRunner, wrong: list[str]) -> None:
    assert run.invoke(app, ["criar", "painel", *wrong]).exit_code == 2


def test_a_database_that_is_away_is_said_in_one_line(run: CliRunner) -> None:
    away = {variable("database_url"): "postgresql://x:y@127.0.0.1:1/z"}
    done = run.invoke(app, ["listar"], env=away)
    assert done.exit_code == 1
    assert re.fullmatch(r"erro: [^\n]+\n", done.stderr)


def test_the_example_of_settings_is_printed_as_the_file_holds_it() -> None:
    assert CliRunner().invoke(config_app, ["exemplo"]).stdout == example()

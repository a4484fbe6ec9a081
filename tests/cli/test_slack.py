"""`agente slack`: who may do what there, and the audit log."""

from __future__ import annotations

import json

import psycopg
import pytest
from typer.testing import CliRunner

from lib.cli import slack
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
    return CliRunner(env={variable(name): value for name, value in values.items()} | {"COLUMNS": "250"})


def test_a_user_is_authorised_changed_listed_and_revoked(run: CliRunner) -> None:
    assert "Ninguém" in run.invoke(slack.app, ["usuario", "listar"]).output
    made = run.invoke(slack.app, ["usuario", "autorizar", "U123", "--papel", "operator", "--nome", "Ana Lima"])
    assert made.exit_code == 0, made.output
    run.invoke(slack.app, ["usuario", "autorizar", "U123", "--papel", "admin"])
    [row] = json.loads(run.invoke(slack.app, ["usuario", "listar", "--json"]).output)
    assert (row["usuario"], row["nome"], row["papel"]) == ("U123", "Ana Lima", "admin")
    assert "Ana Lima" in run.invoke(slack.app, ["usuario", "listar"]).output
    assert run.invoke(slack.app, ["usuario", "revogar", "U123"]).exit_code == 0
    assert run.invoke(slack.app, ["usuario", "revogar", "U123"]).exit_code == 1
    assert json.loads(run.invoke(slack.app, ["usuario", "listar", "--json"]).output) == []
    assert "revogado em" in run.invoke(slack.app, ["usuario", "listar", "--todos"]).output
    assert run.invoke(slack.app, ["usuario", "autorizar", "U123"]).exit_code == 0
    [row] = json.loads(run.invoke(slack.app, ["usuario", "listar", "--json"]).output)
    assert (row["papel"], row["revogado_em"]) == ("viewer", None)


@pytest.mark.parametrize("usuario", ["ana", "@ana", "u123", "U1; DROP", "C123"])
def test_what_is_no_slack_user_is_refused(run: CliRunner, usuario: str) -> None:
    assert run.invoke(slack.app, ["usuario", "autorizar", usuario]).exit_code == 2


def test_the_log_is_paged_newest_first_and_verified(run: CliRunner, pg_url: str) -> None:
    assert "Nenhum ato" in run.invoke(slack.app, ["auditoria"]).output
    for n in range(3):
        run.invoke(slack.app, ["usuario", "autorizar", f"U10{n}", "--por", "ana"])
    rows = json.loads(run.invoke(slack.app, ["auditoria", "--limite", "2", "--json"]).output)
    assert [(row["id"], row["ator"], row["alvo"]) for row in rows] == [
        (3, "ana", "slack:U102"),
        (2, "ana", "slack:U101"),
    ]
    shown = run.invoke(slack.app, ["auditoria", "--limite", "2"]).output
    assert "--antes 2" in shown
    rows = json.loads(run.invoke(slack.app, ["auditoria", "--antes", "2", "--json"]).output)
    assert [row["id"] for row in rows] == [1]
    assert json.loads(run.invoke(slack.app, ["auditoria", "--ator", "bia", "--json"]).output) == []
    whole = json.loads(run.invoke(slack.app, ["auditoria", "--verificar", "--json"]).output)
    assert (whole["linhas"], whole["integra"]) == (3, True)
    assert whole["elo"] in run.invoke(slack.app, ["auditoria", "--verificar"]).output
    with psycopg.connect(pg_url) as connection:
        connection.execute("ALTER TABLE auditoria DISABLE TRIGGER ALL")
        connection.execute("""UPDATE auditoria SET detalhes = '{"papel": "admin"}' WHERE id = 2""")
    broken = run.invoke(slack.app, ["auditoria", "--verificar"])
    assert broken.exit_code == 1
    assert "ato 2" in broken.output


def test_help_shows_examples(run: CliRunner) -> None:
    for command in (["usuario", "autorizar"], ["usuario", "revogar"], ["usuario", "listar"], ["auditoria"]):
        assert "Exemplo" in run.invoke(slack.app, [*command, "--help"]).output

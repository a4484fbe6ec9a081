"""`agente webhook`: what failed five times is listed, comes back once, and says so."""

from __future__ import annotations

import json

import psycopg
import pytest
from typer.testing import CliRunner

from lib.cli import webhook
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


@pytest.fixture
def mortos(pg_url: str) -> list[int]:
    with psycopg.connect(pg_url) as connection:
        rows = connection.execute(
            "INSERT INTO webhook (source, chave, raw, estado, motivo, tentativas) "
            "SELECT 'slack', 'Ev' || n, '{}', CASE WHEN n < 4 THEN 'morto' ELSE 'feito' END, 'KeyError', 5 "
            "FROM generate_series(1, 4) n RETURNING id"
        ).fetchall()
    return [row[0] for row in rows]


def test_what_is_dead_is_listed_in_pages_without_its_bytes(run: CliRunner, mortos: list[int]) -> None:
    shown = json.loads(run.invoke(webhook.app, ["listar", "--json", "--limite", "2"]).stdout)
    assert [row["id"] for row in shown] == [mortos[2], mortos[1]]
    assert "raw" not in shown[0]
    rest = run.invoke(webhook.app, ["listar", "--antes-de", str(mortos[1])])
    assert "KeyError" in rest.stdout
    assert f"│ {mortos[0]} " in rest.stdout
    assert "Há mais" not in rest.stdout


def test_it_comes_back_once_by_id_or_all_at_once(run: CliRunner, mortos: list[int]) -> None:
    assert run.invoke(webhook.app, ["reprocessar"]).exit_code == 2
    assert run.invoke(webhook.app, ["reprocessar", str(mortos[0]), "--todos"]).exit_code == 2
    assert run.invoke(webhook.app, ["reprocessar", str(mortos[0])]).exit_code == 0
    again = run.invoke(webhook.app, ["reprocessar", str(mortos[0])])
    assert (again.exit_code, again.stdout) == (1, "Nenhum estava parado.\n")
    assert "2 de volta à fila" in run.invoke(webhook.app, ["reprocessar", "--todos"]).stdout
    assert run.invoke(webhook.app, ["listar"]).stdout == "Nenhum webhook parado.\n"

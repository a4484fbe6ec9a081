from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lib.clock import utc_now
from lib.stack.diagnostico import Exame, banco, examinar, segredos
from lib.stack.estado import PROJETO, free_port, temporary_dir
from lib.stack.postgres import Postgres

pytestmark = pytest.mark.processo


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with temporary_dir() as place, Postgres(place / "pg", fsync=False) as server:
        yield server.url


def by_name(results: Iterator[Exame] | list[Exame]) -> dict[str, Exame]:
    return {result.nome: result for result in results}


def test_a_database_without_our_schema_is_an_error_that_says_how_to_mend_it(url: str) -> None:
    results = by_name(banco(url, PROJETO, utc_now))
    assert results["banco"].estado == "ok"
    assert results["banco"].achado.startswith("PostgreSQL 18")
    assert results["relógio"].estado == "ok"
    assert results["migrações"].estado == "erro"
    assert "upgrade head" in results["migrações"].conserto


def test_a_clock_that_is_two_seconds_off_is_an_error(url: str) -> None:
    results = by_name(banco(url, PROJETO, lambda: datetime.now(UTC) + timedelta(seconds=2.5)))
    assert results["relógio"].estado == "erro"


def test_what_cannot_be_examined_is_unknown_and_never_ok() -> None:
    absent = by_name(banco(None, PROJETO, utc_now))
    assert {result.estado for result in absent.values()} == {"desconhecido"}
    dead = by_name(banco(f"postgresql://x@127.0.0.1:{free_port()}/x", PROJETO, utc_now))
    assert dead["banco"].estado == "erro"
    assert dead["relógio"].estado == dead["migrações"].estado == "desconhecido"


def test_a_short_or_sandbox_secret_is_an_error_where_it_matters_and_no_value_is_shown() -> None:
    found = list(segredos({"AGENTE_EVOLUTION_WEBHOOK_SECRET": "curto-demais"}))
    assert [result.estado for result in found] == ["desconhecido", "erro", "desconhecido"]
    sandbox = {"AGENTE_AMBIENTE": "producao", "AGENTE_EVOLUTION_API_KEY": "sandbox-evolution-key"}
    assert next(iter(segredos(sandbox))).estado == "erro"
    assert all("curto-demais" not in result.achado + result.conserto for result in found)


def test_a_stopped_checkout_is_examined_without_an_exception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTE_DADOS_DIR", str(tmp_path / "dados"))
    for name in ("AGENTE_DATABASE_URL", "AGENTE_REDIS_URL", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    results = by_name(examinar(tmp_path, utc_now))
    assert results["postgres"].estado == results["valkey"].estado == results["python"].estado == "ok"
    assert results["banco"].estado == "desconhecido"
    assert by_name(examinar(PROJETO, utc_now))["pacote prefect"].estado == "ok"

"""Settings: complete, safe in production, and each fault named in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lib.cli.config import example
from lib.errors import SettingsError
from lib.settings import Settings, load_settings, variable

ROOT = Path(__file__).resolve().parents[2]
GOOD: dict[str, Any] = {
    "database_url": "postgresql://u:p@127.0.0.1/x",
    "evolution_url": "http://127.0.0.1:8080",
    "evolution_api_key": "chave",
    "evolution_webhook_secret": "s" * 32,
    "anthropic_api_key": "chave",
}
PRODUCTION: dict[str, Any] = {**GOOD, "ambiente": "producao"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment with all that is required and nothing else, in a folder without a `.env`."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(variable(name), value)
    return monkeypatch


def faults(environment: pytest.MonkeyPatch, **values: str) -> tuple[str, ...]:
    for name, value in values.items():
        environment.setenv(variable(name), value)
    with pytest.raises(SettingsError) as wrong:
        load_settings()
    return wrong.value.lines


def test_the_required_settings_are_enough(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    assert settings.redis_url is None
    assert settings.prefect_api_url is None
    assert settings.destinos_permitidos == ()


def test_each_missing_setting_is_named_in_a_line_of_its_own(environment: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        environment.delenv(variable(name))
    with pytest.raises(SettingsError) as wrong:
        load_settings()
    assert set(wrong.value.lines) == {f"{variable(name)}: is missing" for name in GOOD}


def test_an_empty_required_setting_is_a_missing_one(environment: pytest.MonkeyPatch) -> None:
    assert faults(environment, database_url="", anthropic_api_key="") == (
        "AGENTE_DATABASE_URL: is missing",
        "AGENTE_ANTHROPIC_API_KEY: is missing",
    )


def test_a_bad_value_is_named_and_not_shown(environment: pytest.MonkeyPatch) -> None:
    [line] = faults(environment, db_conexoes="segredo")
    assert line.startswith("AGENTE_DB_CONEXOES: ")
    assert "segredo" not in line


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"lease_s": "55"}, "lease_s must be longer"),
        ({"envio_max_s": "51"}, "lease_s must be longer"),
        ({"evolution_webhook_secret": "curta"}, "32 characters"),
        ({"evolution_webhook_secret": "s" * 32 + ",curta"}, "32 characters"),
        ({"evolution_webhook_secret": ","}, "32 characters"),
        ({"pausa_leitura_max_s": "3"}, "AGENTE_PAUSA_LEITURA_MAX_S"),
    ],
)
def test_values_that_do_not_hold_together_are_refused(
    environment: pytest.MonkeyPatch, values: dict[str, str], said: str
) -> None:
    [line] = faults(environment, **values)
    assert said in line


def test_lists_are_read_from_commas_and_prefects_names_are_prefects(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AGENTE_DESTINOS_PERMITIDOS", " +5511900000001, +5511900000002 ,")
    environment.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    environment.setenv("AGENTE_REDIS_URL", "")
    settings = load_settings()
    assert settings.destinos_permitidos == ("+5511900000001", "+5511900000002")
    assert settings.prefect_api_url == "http://127.0.0.1:4200/api"
    assert settings.redis_url is None


@pytest.mark.parametrize(
    "change",
    [
        {"database_url": "postgresql://u:p@db.exemplo/x"},
        {"database_url": "postgresql://u:p@db.exemplo/x?sslmode=prefer"},
        {"crashpoint": "S5"},
        {"evolution_url": "http://evolution.exemplo"},
        {"anthropic_url": "http://anthropic.exemplo"},
        {"evolution_api_key": "sandbox-evolution-key"},
        {"anthropic_api_key": "sandbox-anthropic-key"},
    ],
)
def test_production_refuses_what_is_unsafe_there(change: dict[str, str]) -> None:
    Settings.model_validate({**GOOD, **{name: value for name, value in change.items() if "url" in name}})
    with pytest.raises(ValidationError):
        Settings.model_validate({**PRODUCTION, **change})


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"database_url": "postgresql://u:p@db.exemplo/x?sslmode=verify-full"},
        {"evolution_url": "https://evolution.exemplo"},
    ],
)
def test_production_takes_what_is_safe(change: dict[str, str]) -> None:
    assert Settings.model_validate({**PRODUCTION, **change}).ambiente == "producao"


def test_no_secret_is_in_what_is_printed() -> None:
    shown = repr(
        Settings.model_validate({**GOOD, "evolution_api_key": "muito-secreta", "redis_url": "redis://:senha@x"})
    )
    assert "muito-secreta" not in shown
    assert "senha" not in shown


def test_the_example_file_is_what_the_settings_say() -> None:
    assert (ROOT / ".env.example").read_text() == example()
    for name in Settings.model_fields:
        assert f"{variable(name)}=" in example()

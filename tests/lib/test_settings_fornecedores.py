"""The start with each outside system switched on: whole, safe where it runs, or refused in a line that names what."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from lib.errors import SettingsError
from lib.settings import FORNECEDORES, Settings, load_settings, variable

ROOT = Path(__file__).resolve().parents[2]
DIGEST = "ab" * 32
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BASE: dict[str, Any] = {
    "ambiente": "producao",
    "database_url": "postgresql://u:senha-do-banco@127.0.0.1/x",
    "redis_url": "redis://:senha-do-redis@127.0.0.1",
    "evolution_url": "https://evolution.exemplo",
    "evolution_api_key": "segredo-evolution",
    "evolution_webhook_secret": "segredo-ev-" + "e" * 32,
    "anthropic_api_key": "segredo-anthropic",
}
# Each vendor as it is used in production.
LIGADO: dict[str, dict[str, Any]] = {
    "zapi_url": {
        "zapi_url": "https://zapi.exemplo",
        "zapi_client_token": "segredo-zapi-conta",
        "zapi_instancias": {"3C01": "segredo-zapi-instancia"},
        "zapi_webhook_secret": "segredo-za-" + "z" * 32,
    },
    "meta_url": {
        "meta_url": "https://meta.exemplo",
        "meta_token": "segredo-meta",
        "meta_app_secret": "segredo-meta-app",
        "meta_verify_token": "segredo-meta-verify",
    },
    "chatwoot_url": {
        "chatwoot_url": "https://chatwoot.exemplo",
        "chatwoot_token": "segredo-chatwoot",
        "chatwoot_conta": 1,
        "chatwoot_caixa": 2,
        "chatwoot_webhook_secret": "segredo-chatwoot-webhook",
    },
    "slack_url": {
        "slack_url": "https://slack.exemplo/api",
        "slack_token": "xoxb-segredo-slack",
        "slack_signing_secret": "segredo-slack-assinatura",
        "slack_canal": "C00000001",
    },
    "salvy_url": {
        "salvy_url": "https://salvy.exemplo",
        "salvy_api_key": "salvy_live_segredo",
        "salvy_webhook_secret": WHSEC,
    },
    "ativador_url": {
        "ativador_url": "https://203.0.113.7",
        "ativador_api_key": "segredo-ativador",
        "ativador_sha256": DIGEST,
    },
    "busca_url": {"busca_url": "https://busca.exemplo", "busca_api_key": "segredo-busca"},
}
TUDO: dict[str, Any] = BASE | {name: value for one in LIGADO.values() for name, value in one.items()}
SEGREDOS = [name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)]
CHAVES = [name for name in SEGREDOS if name not in {"database_url", "redis_url", "prefect_api_auth_string"}]
SEM = [(url, name, value) for url, needed in FORNECEDORES.items() for name in needed for value in (None, "")]
EM_BRANCO = [(url, name, value) for url, name, _ in SEM[::2] if name in SEGREDOS for value in (" ", " , ")]


def text_of(value: Any) -> str:
    return orjson.dumps(value).decode() if isinstance(value, dict) else str(value)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A whole production's environment, in a folder without a `.env`."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    for name, value in TUDO.items():
        monkeypatch.setenv(variable(name), text_of(value))
    return monkeypatch


def refused(**change: Any) -> str:
    """Return what is said of a production with this change."""
    with pytest.raises(ValidationError) as wrong:
        Settings.model_validate(TUDO | change)
    [error] = wrong.value.errors()
    return f"{'.'.join(map(str, error['loc']))} {error['msg']}"


def test_every_vendor_has_its_place_in_this_matrix() -> None:
    assert set(LIGADO) == set(FORNECEDORES)
    for url, needed in FORNECEDORES.items():
        assert {url, *needed} <= set(LIGADO[url]), url


@pytest.mark.parametrize("url", LIGADO)
def test_one_vendor_alone_all_together_and_none_are_each_enough(url: str) -> None:
    for given in (BASE, BASE | LIGADO[url], TUDO):
        settings = Settings.model_validate(given)
        assert (getattr(settings, url) is not None) == (url in given)


@pytest.mark.parametrize(("url", "name", "value"), [*SEM, *EM_BRANCO, ("slack_url", "slack_canal", " ")])
def test_a_vendor_without_one_thing_that_it_needs_does_not_start(
    environment: pytest.MonkeyPatch, url: str, name: str, value: str | None
) -> None:
    if value is None:
        environment.delenv(variable(name))
    else:
        environment.setenv(variable(name), value)
    with pytest.raises(SettingsError) as wrong:
        load_settings()
    [line] = wrong.value.lines
    assert variable(name) in line
    assert variable(url) in line
    assert "segredo" not in line


@pytest.mark.parametrize("url", LIGADO)
def test_a_vendor_of_which_only_the_address_is_given_does_not_start_anywhere(url: str) -> None:
    for ambiente in ("producao", "desenvolvimento", "teste"):
        alone = {url: "http://127.0.0.1:9"} if url == "ativador_url" else {url: "https://vendor.exemplo"}
        with pytest.raises(ValidationError) as wrong:
            Settings.model_validate(BASE | {"ambiente": ambiente} | alone)
        assert all(variable(name) in str(wrong.value) for name in FORNECEDORES[url])


@pytest.mark.parametrize("url", ["evolution_url", "anthropic_url", *LIGADO])
@pytest.mark.parametrize(
    "address", ["http://vendor.exemplo", "vendor.exemplo", "ftp://vendor.exemplo", "https://", "http:///x"]
)
def test_production_talks_to_nobody_in_the_clear(url: str, address: str) -> None:
    assert variable(url) in refused(**{url: address})


@pytest.mark.parametrize("url", LIGADO)
def test_this_machine_may_be_talked_to_in_the_clear(url: str) -> None:
    pin = {"ativador_sha256": None} if url == "ativador_url" else {}
    assert Settings.model_validate(TUDO | {url: "http://127.0.0.1:9"} | pin).ambiente == "producao"


@pytest.mark.parametrize("name", CHAVES)
def test_the_sandboxs_keys_do_not_start_in_production(name: str) -> None:
    known: dict[str, Any] = {
        "zapi_instancias": {"3C01": "segredo", "3C02": "sandbox-zapi-token"},
        "salvy_webhook_secret": "whsec_c2FuZGJveC1zYWx2eS13ZWJob29rLXNlY3JldA==",
        "salvy_api_key": "salvy_live_sandbox",
    }
    said = refused(**{name: known.get(name, "sandbox-" + "x" * 32)})
    assert variable(name) in said
    assert "sandbox-" not in said


def test_a_live_salvy_key_stays_in_production_and_a_test_key_out_of_it() -> None:
    assert "AGENTE_SALVY_API_KEY" in refused(salvy_api_key="salvy_test_abc")
    for ambiente in ("desenvolvimento", "teste"):
        with pytest.raises(ValidationError, match="AGENTE_SALVY_API_KEY"):
            Settings.model_validate(TUDO | {"ambiente": ambiente})
        assert Settings.model_validate(TUDO | {"ambiente": ambiente, "salvy_api_key": "salvy_test_abc"})


@pytest.mark.parametrize("secret", ["whsec_", "whsec_não", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", f"{WHSEC},whsec_*"])
def test_a_salvy_webhook_secret_that_could_match_nothing_does_not_start(secret: str) -> None:
    assert "AGENTE_SALVY_WEBHOOK_SECRET" in refused(salvy_webhook_secret=secret)


@pytest.mark.parametrize("secret", ["curta", "z" * 31, f"{'z' * 32},curta"])
def test_a_short_root_of_z_apis_addresses_does_not_start(secret: str) -> None:
    assert "AGENTE_ZAPI_WEBHOOK_SECRET" in refused(zapi_webhook_secret=secret)


@pytest.mark.parametrize(
    "change",
    [
        {"ativador_sha256": None},
        {"ativador_sha256": "ab" * 31},
        {"ativador_sha256": "zz" * 32},
        {"ativador_url": "http://127.0.0.1:9"},
        {"ativador_sha256": None, "ativador_certificado": "/nao/existe.pem"},
    ],
)
def test_the_activator_is_talked_to_only_with_a_pin_that_can_hold(change: dict[str, Any]) -> None:
    assert "ativador" in refused(**change).lower()


def test_the_activators_pin_is_a_fingerprint_or_a_file(tmp_path: Path) -> None:
    pem = tmp_path / "ativador.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----")
    with_colons = ":".join(["AB"] * 32)
    for pin in ({"ativador_sha256": with_colons}, {"ativador_sha256": None, "ativador_certificado": str(pem)}):
        assert Settings.model_validate(TUDO | pin).ativador_url
    for ambiente in ("desenvolvimento", "teste"):
        with pytest.raises(ValidationError, match="AGENTE_ATIVADOR_SHA256"):
            Settings.model_validate(BASE | LIGADO["ativador_url"] | {"ambiente": ambiente, "ativador_sha256": None})


@pytest.mark.parametrize(
    "written",
    [
        '{"3C01": "segredo-da-instancia"',
        "3C01=segredo-da-instancia",
        '["segredo-da-instancia"]',
        '{"3C01": ["segredo-da-instancia"]}',
        '{"3C01": {"token": "segredo-da-instancia"}}',
        '"segredo-da-instancia"',
        '{"segredo-da-instancia": ""}',
        '{"segredo-da-instancia": 7}',
    ],
)
def test_instances_that_cannot_be_read_are_named_and_their_tokens_are_not_shown(
    environment: pytest.MonkeyPatch, written: str
) -> None:
    environment.setenv("AGENTE_ZAPI_INSTANCIAS", written)
    with pytest.raises(SettingsError) as wrong:
        load_settings()
    [line] = wrong.value.lines
    assert line.startswith("AGENTE_ZAPI_INSTANCIAS")
    assert "segredo" not in line


def test_no_secret_is_in_what_is_printed_nor_in_what_is_raised(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    with pytest.raises(ValidationError) as wrong:
        Settings.model_validate(TUDO | {"meta_token": None})
    shown += f"{wrong.value!r} {wrong.value}"
    given = [value for name in SEGREDOS for value in _texts(TUDO.get(name))]
    assert len(given) == len(CHAVES) + 2
    assert [one for one in [*given, "senha-do-banco", "senha-do-redis"] if one in shown] == []


def _texts(value: Any) -> list[str]:
    return list(value.values()) if isinstance(value, dict) else [value] if value else []


def test_the_program_itself_ends_with_2_and_says_which_variable(tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AGENTE_", "PREFECT_"))}
    lacking = {name: value for name, value in TUDO.items() if name != "meta_app_secret"}
    env = kept | {variable(name): text_of(value) for name, value in lacking.items()} | {"PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-c", "from api.app import create_app; create_app()"]
    done = subprocess.run(program, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["AGENTE_META_URL is set, so these are needed too: AGENTE_META_APP_SECRET"]
    assert "segredo" not in done.stdout

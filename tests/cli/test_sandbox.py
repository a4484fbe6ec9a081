"""`agente sandbox` as a person starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lib.settings import FORNECEDORES, Settings

AGENTE = str(Path(sys.executable).with_name("agente"))
LIMPO = {name: value for name, value in os.environ.items() if not name.startswith("AGENTE_")}


@pytest.fixture(scope="module")
def pronto() -> Iterator[dict[str, Any]]:
    """What it says when it is up."""
    command = [AGENTE, "sandbox", "--port", "0", "--api-url", "http://127.0.0.1:9/", "--json"]
    process = subprocess.Popen(command, env=LIMPO, stdout=subprocess.PIPE)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    process.stdout.close()


def test_it_says_where_it_is_and_its_page_answers_there(pronto: dict[str, Any]) -> None:
    assert pronto["programa"] == "http://127.0.0.1:9"
    page = httpx.get(pronto["pagina"], trust_env=False)
    assert page.status_code == 200
    assert "Sandbox" in page.text
    summary = httpx.get(f"{pronto['pagina']}_sandbox/resumo", trust_env=False).json()
    assert summary["programa"] == pronto["programa"]


def test_what_it_prints_is_all_that_the_program_needs(pronto: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in pronto["ambiente"].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AGENTE_DATABASE_URL", "postgresql://u@127.0.0.1/x")
    settings = Settings()
    assert all(getattr(settings, address) for address in FORNECEDORES)
    profile = httpx.get(
        f"{settings.chatwoot_url}/api/v1/profile",
        headers={"api_access_token": pronto["ambiente"]["AGENTE_CHATWOOT_TOKEN"]},
        trust_env=False,
    )
    assert profile.status_code == 200


def test_a_port_in_use_is_said_in_one_line(pronto: dict[str, Any]) -> None:
    port = httpx.URL(pronto["pagina"]).port
    done = subprocess.run(
        [AGENTE, "sandbox", "--port", str(port)], env=LIMPO, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"erro: não foi possível atender em 127.0.0.1:{port}: a porta está em uso; escolha outra com --port\n"
    )


def test_a_bad_setting_is_said_in_one_line() -> None:
    env = LIMPO | {"AGENTE_ZAPI_INSTANCIAS": "{"}
    done = subprocess.run([AGENTE, "sandbox"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("erro: configuração inválida: AGENTE_ZAPI_INSTANCIAS")

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import prefect
import pytest

from lib.http import open_client
from lib.providers.prefect_api import PrefectApi
from lib.resources import Resources, open_resources
from lib.settings import Settings
from lib.stack.estado import free_port
from lib.stack.filhos import PREFECT_SETTINGS
from lib.stack.postgres import criar_banco
from tests.conftest import ROOT, WEBHOOK_SECRET

START_S = 120.0
STOP_S = 5.0


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    async with open_resources(settings, nome="testes") as opened:
        yield opened


@contextmanager
def process(*arguments: str, env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python process of ours and stop it, killed if need be."""
    with log.open("ab") as output:
        child = subprocess.Popen([sys.executable, *arguments], env={**env}, cwd=ROOT, stdout=output, stderr=output)
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_S * 2)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def answers(url: str) -> bool:
    """Whether a GET gives 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def wait_for(url: str, child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while not answers(url):
        assert child.poll() is None, log.read_text()[-4_000:]
        assert time.monotonic() < deadline, log.read_text()[-4_000:]
        time.sleep(0.2)


def wait_said(log: Path, words: str, child: subprocess.Popen[bytes]) -> None:
    """Wait until a process has written these words."""
    deadline = time.monotonic() + START_S
    while words not in log.read_text():
        assert child.poll() is None, log.read_text()[-4_000:]
        assert time.monotonic() < deadline, log.read_text()[-4_000:]
        time.sleep(0.1)


@pytest.fixture(scope="session")
def prefect_env(home: Path, pytestconfig: pytest.Config) -> Iterator[dict[str, str]]:
    """Environment of a client of the session's one Prefect server; its migrated database is kept between sessions."""
    place = home / "prefect"
    place.mkdir()
    cache = pytestconfig.cache
    template = Path(cache.mkdir("prefect")) / f"{prefect.__version__}.db" if cache else None
    database, port = place / "prefect.db", free_port()
    if template and template.exists():
        shutil.copyfile(template, database)
    given = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "AGENTE_"))}
    env = {
        **given,
        **PREFECT_SETTINGS,
        "PREFECT_HOME": str(place),
        "PREFECT_PROFILES_PATH": str(place / "profiles.toml"),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database}",
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
    }
    start, log = ("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)), place / "server.log"
    if template and not template.exists():
        upgrade = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
        subprocess.run(upgrade, env=env, check=True, capture_output=True)
        shutil.copyfile(database, template)
    with process(*start, env=env, log=log) as server:
        wait_for(f"{env['PREFECT_API_URL']}/ready", server, log)
        yield env


@pytest.fixture(scope="session")
def sandbox_url(home: Path) -> Iterator[str]:
    port, log = free_port(), home / "sandbox-fluxos.log"
    with process("-m", "lib.sandbox", "--port", str(port), env=os.environ, log=log) as child:
        url = f"http://127.0.0.1:{port}"
        wait_for(f"{url}/_sandbox/pronto", child, log)
        yield url


@pytest.fixture(scope="session")
def flows_url(server_url: str, template: str) -> str:
    """Address of the database that the session's flow runs work on."""
    return criar_banco(server_url, f"fluxos_{uuid4().hex}", template)


@pytest.fixture(scope="session")
def flows_env(prefect_env: dict[str, str], flows_url: str, sandbox_url: str) -> dict[str, str]:
    """Environment of a process that runs flows."""
    return {
        **prefect_env,
        "AGENTE_AMBIENTE": "teste",
        "AGENTE_DATABASE_URL": flows_url,
        "AGENTE_EVOLUTION_URL": sandbox_url,
        "AGENTE_EVOLUTION_API_KEY": "sandbox-evolution-key",
        "AGENTE_EVOLUTION_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "AGENTE_ANTHROPIC_URL": sandbox_url,
        "AGENTE_ANTHROPIC_API_KEY": "sandbox-anthropic-key",
        "AGENTE_SALVY_URL": f"{sandbox_url}/salvy",
        "AGENTE_SALVY_API_KEY": "salvy_test_sandbox",
        "AGENTE_SALVY_WEBHOOK_SECRET": "whsec_c2FuZGJveC1zYWx2eS13ZWJob29rLXNlY3JldA==",
        "AGENTE_ATIVADOR_URL": f"{sandbox_url}/ativador",
        "AGENTE_ATIVADOR_API_KEY": "sandbox-ativador-api-key",
        "AGENTE_PROVISAO_OLHADA_S": "0.2",
        "AGENTE_RETRY_S": "0.1",
    }


@pytest.fixture(scope="session")
def runner(flows_env: dict[str, str], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The session's runner."""
    log = home / "runner.log"
    with process("-m", "flows.runner", env=flows_env, log=log) as child:
        wait_said(log, "started!", child)
        yield child


@pytest.fixture
async def prefect_api(prefect_env: dict[str, str]) -> AsyncIterator[PrefectApi]:
    async with open_client(prefect_env["PREFECT_API_URL"]) as client:
        yield PrefectApi(client)

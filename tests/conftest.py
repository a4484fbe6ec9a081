"""Real servers for every test: one Postgres and one Redis-compatible server per session, one database per test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from lib import log
from lib.db import Database
from lib.settings import Settings
from lib.stack.estado import temporary_dir
from lib.stack.postgres import Postgres, criar_banco
from lib.stack.redis import Redis

log.configure(json=True)
ROOT = Path(__file__).resolve().parents[1]
WEBHOOK_SECRET = "t" * 40
MEMORIA = Path("/dev/shm")  # noqa: S108 - a new directory of our own is made in it
MEMORIA_MIN = 4 << 30  # bytes
PRIMEIROS = ("tests/flows/test_runs", "tests/e2e/", "tests/characterization/", "tests/stack/", "tests/seed/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow files first: side by side with the rest they cost less than after it."""
    items.sort(key=lambda item: not item.nodeid.startswith(PRIMEIROS))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A directory of this session, in memory where there is room: a test's database is 350 files, 400 ms on a disk."""
    if not MEMORIA.is_dir() or shutil.disk_usage(MEMORIA).free < MEMORIA_MIN:
        with temporary_dir("agente-testes-") as place:
            yield place
        return
    for left in MEMORIA.glob("agente-testes-*"):  # of a session that was killed
        if not Path(f"/proc/{left.name.split('-')[2]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"agente-testes-{os.getpid()}-", dir=MEMORIA) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="session")
def server_url(home: Path) -> Iterator[str]:
    """Address of the session's Postgres, which keeps its data only as long as the tests run."""
    with Postgres(home / "pg", fsync=False, settings={"max_wal_size": "256MB"}) as postgres:
        yield postgres.url


@pytest.fixture(scope="session")
def template(server_url: str) -> str:
    """Name of a database with all migrations applied, from which each test's own is copied."""
    url = criar_banco(server_url, "modelo")
    command = [sys.executable, "-m", "alembic", "-c", str(ROOT / "lib/migrations/alembic.ini"), "upgrade", "head"]
    subprocess.run(command, check=True, env={**os.environ, "AGENTE_DATABASE_URL": url}, cwd=ROOT, capture_output=True)
    return "modelo"


@pytest.fixture
def pg_url(server_url: str, template: str) -> Iterator[str]:
    """Address of a migrated, empty database of this test alone."""
    name = f"t_{uuid4().hex}"
    yield criar_banco(server_url, name, template)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def redis_url(home: Path) -> Iterator[str]:
    with Redis(home / "redis") as redis:
        yield redis.url


@pytest.fixture
async def db(pg_url: str) -> AsyncIterator[Database]:
    database = Database.open(pg_url, size=8, name="testes")
    yield database
    await database.close()


@pytest.fixture
def settings(pg_url: str) -> Settings:
    """Settings of a process under test: no pauses, no waiting, nowhere to send to but the sandbox."""
    return Settings.model_validate(
        {
            "ambiente": "teste",
            "database_url": pg_url,
            "evolution_url": "http://127.0.0.1:9",
            "evolution_api_key": "sandbox-evolution-key",
            "evolution_webhook_secret": WEBHOOK_SECRET,
            "anthropic_url": "http://127.0.0.1:9",
            "anthropic_api_key": "sandbox-anthropic-key",
            "quieto_s": 0,
            "quieto_max_s": 0,
            "poll_s": 0.05,
            "pausa_leitura_max_s": 0,
        }
    )

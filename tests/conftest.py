"""Real servers for every test: one Postgres and one Redis-compatible server per session, one database per test."""

from __future__ import annotations

import os
import subprocess
import sys
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


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    with temporary_dir("agente-testes-") as place:
        yield place


@pytest.fixture(scope="session")
def server_url(home: Path) -> Iterator[str]:
    """Address of the session's Postgres, which keeps its data only as long as the tests run."""
    with Postgres(home / "pg", fsync=False) as postgres:
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

"""The schema's history goes up and down, ends where the models are, and indexes what it refers to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from lib.stack.postgres import criar_banco

ROOT = Path(__file__).resolve().parents[2]
TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
BARE_FOREIGN_KEYS = """
SELECT c.conrelid::regclass || '.' || a.attname FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND NOT EXISTS (
  SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])
ORDER BY 1
"""


def alembic(url: str, *words: str) -> str:
    command = [sys.executable, "-m", "alembic", "-c", str(ROOT / "lib/migrations/alembic.ini"), *words]
    environment = {**os.environ, "AGENTE_DATABASE_URL": url}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def bare_url(server_url: str) -> Iterator[str]:
    name = f"m_{uuid4().hex}"
    yield criar_banco(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def count(url: str, query: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_all_migrations_go_up_and_down_and_up_and_match_the_models(bare_url: str) -> None:
    alembic(bare_url, "upgrade", "head")
    assert count(bare_url, TABLES) > 15
    assert "No new upgrade operations" in alembic(bare_url, "check")
    alembic(bare_url, "downgrade", "base")
    assert count(bare_url, TABLES) == 1, "only Alembic's own table is left"
    alembic(bare_url, "upgrade", "head")
    assert count(bare_url, TABLES) > 15


def test_every_foreign_key_has_an_index(pg_url: str) -> None:
    with psycopg.connect(pg_url) as connection:
        bare = connection.execute(BARE_FOREIGN_KEYS).fetchall()
    assert bare == []

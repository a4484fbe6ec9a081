"""One sandbox process per session; a fresh stage per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.criadouro import Criadouro
from tests.e2e.palco import Palco, sandbox_process


@pytest.fixture(scope="session")
def sandbox_url(home: Path) -> Iterator[str]:
    with sandbox_process(home) as url:
        yield url


@pytest.fixture(scope="session")
def criadouro() -> Iterator[Criadouro]:
    home = Criadouro()
    yield home
    home.close()


@pytest.fixture
def palco(pg_url: str, sandbox_url: str, tmp_path: Path) -> Iterator[Palco]:
    stage = Palco(pg_url, sandbox_url, tmp_path / "api.log")
    stage.sandbox("DELETE", "/_sandbox/tudo")
    yield stage
    stage.stop_api()
    stage.http.close()

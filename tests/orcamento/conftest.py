"""A warm process and a sandbox process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.e2e.conftest import palco, sandbox_url
from tests.e2e.palco import Palco
from tests.e2e.processo import ajustes, processo
from tests.orcamento.medidas import Bancada, montar

__all__ = ["palco", "sandbox_url"]


@pytest.fixture
async def bancada(palco: Palco, redis_url: str) -> AsyncIterator[Bancada]:
    settings = ajustes(palco.pg_url, palco.sandbox_url, redis_url=redis_url)
    async with processo(settings) as dentro:
        yield await montar(palco, dentro)

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lib.resources import Resources, open_resources
from lib.settings import Settings


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    async with open_resources(settings, nome="testes") as opened:
        yield opened

"""The API on a real socket with real servers behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from api.app import create_app
from lib.settings import Settings
from tests.api.viva import Api
from tests.providers.caixa import serving


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    app = create_app(settings)
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        yield Api(app, client)

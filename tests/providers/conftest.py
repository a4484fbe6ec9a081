"""The sandbox over real HTTP, and clients as the program builds them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lib.http import HttpPool, Upstream
from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig
from tests.providers.caixa import Sandbox, serving


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving(create_app(SandboxConfig(pair_ms=10))) as url:
        yield Sandbox(url)


@pytest.fixture
async def pool(sandbox: Sandbox) -> AsyncIterator[HttpPool]:
    opened = HttpPool({name: Upstream(name, sandbox.url, read_s=5.0) for name in ("evolution", "anthropic")})
    yield opened
    await opened.close_http_client()

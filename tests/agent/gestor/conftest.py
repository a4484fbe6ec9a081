"""A desk with a sandbox's model behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import pytest

from lib.providers.slack import Slack
from lib.resources import open_resources
from lib.sandbox.config import SandboxConfig
from lib.settings import Settings
from tests.agent.gestor.mesa import Mesa, SlackFalso
from tests.sandbox.live import KEY, serve


@pytest.fixture(scope="session")
def sandbox_modelo() -> Iterator[str]:
    with serve(SandboxConfig(api_key=KEY)) as url:
        yield url


@pytest.fixture
async def mesa(settings: Settings, sandbox_modelo: str) -> AsyncIterator[Mesa]:
    falso = SlackFalso()
    with_model = settings.model_copy(update={"anthropic_url": sandbox_modelo})
    async with (
        open_resources(with_model, nome="testes") as resources,
        httpx.AsyncClient(transport=httpx.MockTransport(falso.answer), base_url="https://slack.com/api") as client,
    ):
        desk = Mesa(replace(resources, slack=Slack(client, "xoxb-teste")), falso, sandbox_modelo)
        await desk.modelo("julia")
        await desk.autoriza()
        yield desk

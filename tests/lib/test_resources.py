"""What a process opens: everything, without anything having to be alive, and nothing stays open."""

from __future__ import annotations

from typing import Any

import pytest

from lib.errors import DatabaseUnavailableError
from lib.queries import esquema
from lib.resources import open_resources
from lib.settings import Settings

pytestmark = pytest.mark.anyio


def changed(settings: Settings, **values: Any) -> Settings:
    return Settings.model_validate({**settings.model_dump(), **values})


async def test_everything_opens_with_nothing_alive_and_says_so_when_used(settings: Settings) -> None:
    away = changed(settings, database_url="postgresql://x:y@127.0.0.1:1/z", redis_url="redis://127.0.0.1:1/0")

    async def load() -> str:
        return "valor"

    async with open_resources(away, nome="teste") as resources:
        assert await resources.cache.get_or_load("k", 60, load) == "valor"
        assert await resources.gateways.is_sandbox() is None
        with pytest.raises(DatabaseUnavailableError):
            await esquema.revisions(resources.db)


async def test_prefect_is_there_only_where_its_address_is_set(settings: Settings) -> None:
    async with open_resources(settings, nome="teste") as resources:
        assert resources.prefect is None
        with pytest.raises(KeyError):
            resources.get_http_client("prefect")
    url = "http://127.0.0.1:1/api"
    async with open_resources(changed(settings, prefect_api_url=url), nome="teste") as resources:
        assert resources.prefect is not None
        assert str(resources.get_http_client("prefect").base_url).startswith(url)


async def test_the_end_closes_all_connections(settings: Settings) -> None:
    async with open_resources(settings, nome="teste") as resources:
        await esquema.revisions(resources.db)
        await esquema.revisions(resources.db_entrada)
        clients = [resources.get_http_client(name) for name in ("evolution", "anthropic")]
        assert resources.db.idle == 1
    assert all(client.is_closed for client in clients)
    assert resources.db.idle == 0

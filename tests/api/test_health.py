"""Probes: alive as long as the loop turns, ready only when work may come."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from sqlalchemy import text

from api.app import create_app
from lib.db import Database, Step
from lib.settings import Settings
from tests.api.viva import Api
from tests.providers.caixa import serving

pytestmark = pytest.mark.anyio


async def test_a_healthy_api_is_alive_and_ready(api: Api) -> None:
    alive, ready = await api.client.get("/livez"), await api.client.get("/readyz")
    assert (alive.status_code, alive.json()) == (200, {"situacao": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"situacao": "ok", "modelo": "não verificado"})


async def test_a_draining_api_is_alive_and_not_ready(api: Api) -> None:
    api.app.state.drenando = True
    assert (await api.client.get("/livez")).status_code == 200
    answer = await api.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"situacao": "encerrando"})


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE alembic_version SET version_num = 'de-outra-versao'",
        "DELETE FROM alembic_version",
        "DROP TABLE alembic_version",
    ],
)
async def test_a_schema_of_another_revision_is_not_ready(api: Api, db: Database, change: str) -> None:
    await db.round_trip(Step(text(change), writes=True))
    answer = await api.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"situacao": "migrações pendentes"})


async def test_without_a_database_it_starts_lives_and_is_not_ready(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    await _unready(settings, f"postgresql://x:y@127.0.0.1:{port}/z")


async def test_a_database_that_hangs_is_given_one_second(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        await _unready(settings, f"postgresql://x:y@127.0.0.1:{hanging.getsockname()[1]}/z")


async def _unready(settings: Settings, url: str) -> None:
    away = Settings.model_validate({**settings.model_dump(), "database_url": url, "drenagem_s": 0})
    loop = asyncio.get_running_loop()
    async with serving(create_app(away)) as address, httpx.AsyncClient(base_url=address, timeout=10) as client:
        assert (await client.get("/livez")).status_code == 200
        began = loop.time()
        assert (await client.get("/readyz")).status_code == 503
        assert loop.time() - began < 2.5

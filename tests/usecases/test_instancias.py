"""Each number in use has its instance at the gateway, with our webhook."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from lib.auth import webhook_key
from lib.db import Database
from lib.domain.chip import StatusChip, TipoChip
from lib.models import Chip
from lib.queries import chip
from lib.resources import Resources, open_resources
from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig
from lib.settings import Settings
from lib.usecases.instancias import RealGatewayError, ligar_chips
from tests.builders import gravar, um_chip
from tests.conftest import WEBHOOK_SECRET
from tests.providers.caixa import Sandbox, serving

pytestmark = pytest.mark.anyio

API = "http://agente.test:8000"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving(create_app(SandboxConfig(pair_ms=10))) as url:
        yield Sandbox(url)


@pytest.fixture
async def resources(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Resources]:
    given = settings.model_copy(update={"evolution_url": sandbox.url, "api_url": API})
    async with open_resources(given, nome="teste") as opened:
        yield opened


async def three_of_ours(db: Database) -> None:
    """Numbers that should be connected, and some that should not."""
    ours = [
        um_chip(instancia=f"julia-{status.value}", status=status, conectado=False)
        for status in (StatusChip.ACTIVE, StatusChip.WARMING, StatusChip.READY)
    ]
    others = [
        um_chip(instancia="escuta-01", tipo=TipoChip.LISTENER),
        *[um_chip(instancia=f"fora-{s.value}", status=s) for s in (StatusChip.BANNED, StatusChip.PAUSED)],
    ]
    await gravar(db, *ours, *others)


async def webhook_of(resources: Resources, instancia: str) -> dict[str, Any]:
    """What the gateway has stored."""
    answer = await resources.get_http_client("evolution").get(
        f"/webhook/find/{instancia}", headers={"apikey": "sandbox-evolution-key"}
    )
    found: dict[str, Any] = answer.json()
    return found


async def test_only_numbers_in_use_are_connected_with_our_webhook_and_its_key(
    resources: Resources, db: Database
) -> None:
    await three_of_ours(db)
    done = await ligar_chips(resources)
    assert sorted(done.abertas) == ["julia-active", "julia-ready", "julia-warming"]
    assert (done.criadas, done.atualizadas, done.fechadas, dict(done.falhas)) == (3, 0, (), {})
    assert {instance.nome for instance in await resources.evolution.fetch_instances()} == set(done.abertas)
    webhook = await webhook_of(resources, "julia-active")
    assert webhook["url"] == f"{API}/webhooks/evolution/julia-active"
    assert webhook["headers"]["x-agente-webhook-key"] == webhook_key(WEBHOOK_SECRET, "julia-active")


async def test_what_the_gateway_says_of_the_connection_is_stored(resources: Resources, db: Database) -> None:
    await three_of_ours(db)
    await ligar_chips(resources)
    async with db.session() as session:
        rows = [await session.get(Chip, n) for n in (1, 2, 3)]
    assert [row.conectado for row in rows if row] == [True] * 3
    assert await chip.mark_connections(db, {"julia-active": True}, resources.clock()) == 0


async def test_repeating_it_creates_nothing_and_puts_a_changed_webhook_right(
    resources: Resources, db: Database
) -> None:
    await three_of_ours(db)
    await ligar_chips(resources)
    await resources.evolution.set_webhook("julia-active", "http://outro.test/velho", {})
    again = await ligar_chips(resources)
    assert (again.criadas, again.atualizadas, len(again.abertas)) == (0, 3, 3)
    assert (await webhook_of(resources, "julia-active"))["url"] == f"{API}/webhooks/evolution/julia-active"


async def test_one_number_that_the_gateway_refuses_does_not_stop_the_others(
    resources: Resources, db: Database, sandbox: Sandbox
) -> None:
    await three_of_ours(db)
    await sandbox.control("PUT", "/falhas", {"alvo": "evolution.create", "status": 500, "vezes": 1})
    done = await ligar_chips(resources)
    assert (len(done.abertas), len(done.falhas), done.total) == (2, 1, 3)


async def test_a_gateway_that_is_not_the_sandbox_is_not_touched_outside_production(
    settings: Settings, db: Database
) -> None:
    await three_of_ours(db)
    async with open_resources(settings, nome="teste") as resources:
        with pytest.raises(RealGatewayError):
            await ligar_chips(resources)
        asked = await ligar_chips(resources, gateway_real=True)
    assert len(asked.falhas) == 3

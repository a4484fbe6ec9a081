"""Meta rates a number, and our API and our sync make the same of it: by its signed webhook, and by its list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from api.app import create_app
from lib.clock import utc_now
from lib.db import Database, Row
from lib.domain.chip import Gateway
from lib.resources import Resources, open_resources
from lib.sandbox.app import create_app as create_sandbox
from lib.sandbox.config import SandboxConfig
from lib.settings import Settings
from lib.usecases.sincronizar_chips import sincronizar_chips
from tests.builders import gravar, um_chip
from tests.providers.caixa import Sandbox, serving
from tests.queries.fabrica import consulta

pytestmark = pytest.mark.anyio

UM, CONTA = "200000000000001", "100000000000001"
DIA = timedelta(days=1)


@dataclass
class Palco:
    sandbox: Sandbox
    resources: Resources
    db: Database

    async def nota(self, **muda: Any) -> None:
        await self.sandbox.control("PUT", f"/meta/numeros/{UM}", muda)

    async def chip(self) -> Row:
        [row] = await consulta(self.db, "SELECT * FROM chip")
        return row

    async def ate(self, verdade: Callable[[], Awaitable[object]]) -> None:
        async with asyncio.timeout(10):
            while not await verdade():  # noqa: ASYNC110 - what is waited for comes over a socket
                await asyncio.sleep(0.02)

    async def ate_status(self, status: str) -> None:
        async def there() -> bool:
            return bool((await self.chip())["status"] == status)

        await self.ate(there)

    async def limite(self) -> list[Row]:
        return await consulta(self.db, "SELECT tier, limite_dia FROM conta_meta")


@pytest.fixture
async def palco(settings: Settings, db: Database) -> AsyncIterator[Palco]:
    keys = SandboxConfig(retry_s=0.05)
    async with serving(create_sandbox(keys)) as url:
        given = {
            "evolution_url": url,
            "meta_url": f"{url}/meta",
            "meta_token": keys.meta_token,
            "meta_app_secret": keys.meta_app_secret,
            "meta_verify_token": keys.meta_verify_token,
        }
        here = Settings.model_validate({**settings.model_dump(), **given})
        sandbox = Sandbox(url)
        async with serving(create_app(here)) as api_url, open_resources(here, nome="testes") as resources:
            await sandbox.control("PUT", "/programa", {"url": api_url})
            await sandbox.control("PUT", f"/instancias/{UM}", {"provedor": "meta", "numero": "5511900000100"})
            days = utc_now() - 9 * DIA
            chip = {"gateway": Gateway.META, "conta": CONTA, "status_desde": days, "conexao_em": days}
            await gravar(db, um_chip(instancia=UM, telefone="+5511900000100", **chip))
            yield Palco(sandbox, resources, db)


async def test_red_quality_comes_by_webhook_and_the_restriction_outlasts_a_better_one(palco: Palco) -> None:
    await palco.nota(qualidade="RED")
    await palco.ate_status("restricted")
    row = await palco.chip()
    assert (row["qualidade"], row["conectado"], row["rampup_parte"]) == ("RED", True, 25)
    until = row["reply_only_until"]
    await palco.nota(qualidade="GREEN")
    await sincronizar_chips(palco.resources, utc_now() + timedelta(minutes=2))
    row = await palco.chip()
    assert (row["status"], row["qualidade"], row["reply_only_until"]) == ("restricted", "GREEN", until)


async def test_a_ban_comes_by_webhook(palco: Palco) -> None:
    await palco.nota(status="BANNED")
    await palco.ate_status("banned")
    row = await palco.chip()
    assert (row["conectado"], row["status_ator"]) == (False, "gateway:meta")


async def test_a_restriction_comes_by_webhook_with_its_end(palco: Palco) -> None:
    await palco.nota(status="RESTRICTED")
    await palco.ate_status("restricted")
    assert (await palco.chip())["reply_only_until"] > utc_now()


async def test_a_new_limit_comes_by_webhook_and_the_list_says_the_same(palco: Palco) -> None:
    await palco.nota(limite="TIER_10K")
    await palco.ate(palco.limite)
    assert await palco.limite() == [{"tier": "TIER_10K", "limite_dia": 10_000}]
    done = await sincronizar_chips(palco.resources, utc_now() + timedelta(minutes=2))
    assert "tiers" not in done.mudancas


async def test_what_no_webhook_tells_is_in_the_list(palco: Palco) -> None:
    await palco.nota(qualidade="YELLOW")
    await sincronizar_chips(palco.resources, utc_now())
    row = await palco.chip()
    assert (row["status"], row["qualidade"]) == ("active", "YELLOW")


async def test_a_list_that_fails_changes_nothing(palco: Palco) -> None:
    await palco.sandbox.control("PUT", "/falhas", {"alvo": "meta.phone_numbers", "status": 500, "vezes": 1})
    done = await sincronizar_chips(palco.resources, utc_now())
    assert (done.falhas, done.mudancas) == ({"GatewayError": 1}, {})

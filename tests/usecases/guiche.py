"""Orders for numbers against a sandbox in the test's own loop, with the clock in the test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from lib.clock import utc_now
from lib.queries import fluxo
from lib.resources import Resources, open_resources
from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig
from lib.settings import Settings
from lib.usecases import pedidos
from lib.usecases.provisionar import Trabalho, trabalhar, trava
from tests.providers.caixa import Sandbox, serving

API: Final = "http://agente.test:8000"
POR: Final = "ana"


@dataclass
class Guiche:
    """A place to order numbers at. `adiante` is how far the clock is ahead."""

    resources: Resources
    sandbox: Sandbox
    adiante: list[timedelta] = field(default_factory=lambda: [timedelta()])

    async def pedir(self) -> int:
        return await pedidos.pedir(self.resources, 41, POR)

    async def rodar(self, pedido: int, segundos: float = 20) -> Trabalho:
        async with asyncio.timeout(segundos):
            return await trabalhar(self.resources, pedido)

    async def ate(self, pedido: int, etapa: str) -> None:
        """Work on an order until it is this far, then drop the run."""
        run = asyncio.create_task(self.rodar(pedido))
        async with asyncio.timeout(20):
            while (await pedidos.ver(self.resources, pedido)).etapa != etapa:
                assert not run.done(), run
                await asyncio.sleep(0.005)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        async with asyncio.timeout(10):
            while not await self._livre(pedido):  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.005)

    async def _livre(self, pedido: int) -> bool:
        """Whether nobody works on an order: a dropped connection keeps its lock for a moment."""
        async with fluxo.lock(self.resources.db, trava(pedido)) as vez:
            return vez.obtida

    async def falha(self, alvo: str, **como: Any) -> None:
        await self.sandbox.control("PUT", "/falhas", {"alvo": alvo, **como})

    async def numeros(self) -> list[dict[str, Any]]:
        return list(await self.sandbox.control("GET", "/salvy/numeros"))

    async def ativacoes(self) -> list[dict[str, Any]]:
        return list((await self.sandbox.control("GET", "/ativador"))["ativacoes"])

    async def instancias(self) -> dict[str, dict[str, Any]]:
        found = await self.sandbox.control("GET", "/instancias")
        return {one["nome"]: one for one in found if one["provedor"] == "evolution"}

    async def sql(self, statement: str, *params: Any) -> list[dict[str, Any]]:
        async with self.resources.db.connection() as driver:
            cursor = await driver.execute(statement, params)
            if cursor.description is None:
                return []
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]

    async def quando(self, lido: Callable[[], Awaitable[object]], palavras: str) -> None:
        """Wait until what is read has these words."""
        async with asyncio.timeout(10):
            while palavras not in str(await lido()):  # noqa: ASYNC110 - a run of its own writes them
                await asyncio.sleep(0.01)

    def de(self, resources: Resources) -> Guiche:
        """The same place with other resources."""
        return Guiche(resources, self.sandbox, self.adiante)

    def com(self, **over: Any) -> Guiche:
        """The same place with other settings."""
        settings = self.resources.settings.model_copy(update=over)
        return self.de(replace(self.resources, settings=settings))

    def agora(self) -> datetime:
        return utc_now() + self.adiante[0]


def de_guiche(settings: Settings, url: str) -> Settings:
    """Settings of a program whose vendors are all this sandbox."""
    given = {
        "evolution_url": url,
        "api_url": API,
        "salvy_url": f"{url}/salvy",
        "salvy_api_key": "salvy_test_sandbox",
        "salvy_webhook_secret": "whsec_c2FuZGJveC1zYWx2eS13ZWJob29rLXNlY3JldA==",
        "ativador_url": f"{url}/ativador",
        "ativador_api_key": "sandbox-ativador-api-key",
        "provisao_olhada_s": 0.03,
        "retry_s": 0.01,
        "carencia_s": 0.2,
        "margem_s": 0.1,
    }
    return Settings.model_validate({**settings.model_dump(), **given})


@asynccontextmanager
async def guiche(settings: Settings, *, pair_ms: int = 10, passo_ms: int = 20) -> AsyncIterator[Guiche]:
    """Open one."""
    adiante = [timedelta()]
    async with serving(create_app(SandboxConfig(pair_ms=pair_ms))) as url:
        sandbox = Sandbox(url)
        await sandbox.control("PUT", "/ativador", {"passo_ms": passo_ms})
        given = de_guiche(settings, url)
        async with open_resources(given, nome="teste", clock=lambda: utc_now() + adiante[0]) as resources:
            yield Guiche(resources, sandbox, adiante)

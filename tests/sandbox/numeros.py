"""The sandbox's part for numbers, search and batches on a real socket, in the test's own loop, and clients of it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from lib.http import HttpPool, Upstream, open_client
from lib.providers.anthropic_lotes import LotesAnthropic
from lib.providers.ativador import Ativador
from lib.providers.busca import Brave
from lib.providers.salvy import Salvy
from lib.sandbox.ativador import AtivadorWorld, ativador_routes
from lib.sandbox.busca import BuscaWorld, busca_routes
from lib.sandbox.config import SandboxConfig
from lib.sandbox.courier import Courier
from lib.sandbox.evolution_wire import Desk
from lib.sandbox.messages_api import Oracle, anthropic_routes
from lib.sandbox.messages_batches import LotesWorld, batch_routes
from lib.sandbox.poster import Poster
from lib.sandbox.salvy import salvy_routes
from lib.sandbox.salvy_world import SalvyWorld
from lib.sandbox.world import World
from tests.providers.caixa import serving

SEGREDO: Final = f"whsec_{base64.b64encode(b'segredo de teste da salvy').decode()}"
CHAVE: Final = "salvy_test_sandbox"


async def until(true: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - it is another program
            await asyncio.sleep(0.01)


@dataclass
class Chegadas:
    """What came to the webhook, and what to answer next (then 202)."""

    respostas: list[int] = field(default_factory=list)
    vieram: list[tuple[float, bytes, dict[str, str]]] = field(default_factory=list)

    async def door(self, request: Request) -> Response:
        self.vieram.append((monotonic(), await request.body(), dict(request.headers)))
        return Response(status_code=self.respostas.pop(0) if self.respostas else 202)


@dataclass(frozen=True)
class Numeros:
    """All of it, running."""

    world: World
    pool: HttpPool
    chegadas: Chegadas
    salvy_world: SalvyWorld
    ativador_world: AtivadorWorld
    busca_world: BuscaWorld
    lotes_world: LotesWorld
    salvy: Salvy
    ativador: Ativador
    busca: Brave
    lotes: LotesAnthropic


@asynccontextmanager
async def numeros(*, retry_s: float = 0.005) -> AsyncIterator[Numeros]:
    """Serve it; `retry_s` stands for the five seconds before a webhook comes again."""
    world, chegadas, door = World(SandboxConfig(retry_s=retry_s)), Chegadas(), Starlette()
    door.add_route("/webhooks/salvy", chegadas.door, methods=["POST"])
    desk, oracle, app = Desk(world), Oracle(), Starlette()
    async with serving(door) as hook:
        salvy_world = SalvyWorld(desk, CHAVE, SEGREDO, f"{hook}/webhooks/salvy")
        ativador_world, busca_world = (
            AtivadorWorld("chave-ativador", salvy_world.send_sms, 0.05),
            BuscaWorld("chave-busca"),
        )
        lotes_world = LotesWorld(0.1)
        for method, path, endpoint in (
            *salvy_routes(desk, salvy_world),
            *ativador_routes(desk, ativador_world),
            *busca_routes(desk, busca_world),
            *batch_routes(oracle, world.faults, lotes_world),
            *anthropic_routes(oracle, world.faults),
        ):
            app.add_route(path, endpoint, methods=[method])
        desk.courier_now = Courier(Poster(5.0), open_client(), desk.fresh_policy(), "http://sandbox.test", world.rng)
        async with serving(app) as url:
            vendors = ("salvy", "ativador", "busca")
            upstreams = {name: Upstream(name, f"{url}/{name}", read_s=5.0) for name in vendors}
            pool = HttpPool({**upstreams, "anthropic": Upstream("anthropic", url, read_s=5.0)})
            client = pool.get_http_client
            yield Numeros(
                world,
                pool,
                chegadas,
                salvy_world,
                ativador_world,
                busca_world,
                lotes_world,
                Salvy(client("salvy"), CHAVE, 5.0),
                Ativador(client("ativador"), "chave-ativador", 5.0),
                Brave(client("busca"), "chave-busca", 5.0),
                LotesAnthropic(client("anthropic"), "chave", 5.0),
            )
            await pool.close_http_client()
            await desk.courier().close()
        world.close()

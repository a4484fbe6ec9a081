"""The sandbox's Chatwoot on a real socket, a client of it, and what its webhooks deliver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from lib.http import HttpPool, Upstream, open_client
from lib.providers.chatwoot import Chatwoot
from lib.sandbox.chatwoot import chatwoot_routes
from lib.sandbox.chatwoot_central import Central
from lib.sandbox.chatwoot_world import ChatwootWorld
from lib.sandbox.config import SandboxConfig
from lib.sandbox.courier import Courier
from lib.sandbox.evolution_wire import Desk
from lib.sandbox.world import World
from tests.providers.caixa import serving

SEGREDO = "s" * 40
TOKEN = "sandbox-chatwoot-token"


@dataclass
class Chegadas:
    """What came, in its order; `status` is the answer to each."""

    status: int = 200
    came: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    def bodies(self, event: str | None = None) -> list[dict[str, Any]]:
        found = [orjson.loads(raw) for raw, _ in self.came]
        return [body for body in found if event in {None, body["event"]}]


@dataclass(frozen=True)
class Vivo:
    """A running sandbox Chatwoot with one webhook."""

    url: str
    desk: Desk
    central: Central
    mundo: ChatwootWorld
    chegadas: Chegadas
    client: Chatwoot

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not true():  # noqa: ASYNC110 - what is waited for comes over a socket
                await asyncio.sleep(0.005)

    async def quiet(self) -> None:
        """Wait until nothing is under way."""
        await self.until(lambda: self.desk.courier().pending == 0)


@asynccontextmanager
async def vivo() -> AsyncIterator[Vivo]:
    chegadas = Chegadas()

    async def door(request: Request) -> Response:
        chegadas.came.append((await request.body(), dict(request.headers)))
        return Response(status_code=chegadas.status)

    desk = Desk(World(SandboxConfig()))
    mundo = ChatwootWorld(TOKEN, SEGREDO)
    central = Central(desk, mundo)
    app = FastAPI()
    app.add_route("/hook", door, methods=["POST"])
    for method, path, endpoint in chatwoot_routes(desk, central):
        app.add_route(path, endpoint, methods=[method])
    client = open_client(timeout_s=5.0, limit=4)
    async with serving(app) as url:
        mundo.url = f"{url}/hook"
        mundo.clear()
        desk.courier_now = Courier(client, client, desk.fresh_policy(), url, desk.world.rng)
        pool = HttpPool({"chatwoot": Upstream("chatwoot", f"{url}/chatwoot")})
        cliente = Chatwoot(pool.get_http_client("chatwoot"), TOKEN, mundo.conta, mundo.caixa, 2.0)
        try:
            yield Vivo(url, desk, central, mundo, chegadas, cliente)
        finally:
            await pool.close_http_client()
            await desk.courier().close()

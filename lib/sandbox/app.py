"""One ASGI program that stands in for every outside system."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response

from lib.http import open_client
from lib.sandbox.config import SandboxConfig
from lib.sandbox.control import control_router
from lib.sandbox.courier import Courier
from lib.sandbox.evolution_sessao import Sessoes
from lib.sandbox.mundos import all_routes, no_route, open_mundos
from lib.sandbox.page import page_router
from lib.sandbox.poster import Poster
from lib.sandbox.replies import CUT, json_reply

_WEBHOOK_TIMEOUT_S = 30.0


class SandboxApp(FastAPI):
    """FastAPI that lets a fault reach the server's own `send`, and so its socket, under all middleware."""

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve one connection."""
        scope[CUT] = send
        await super().__call__(scope, receive, send)


def create_app(config: SandboxConfig | None = None) -> FastAPI:
    """The sandbox; without a config it reads the environment.

    Raises:
        ValueError: a variable of the environment is unusable.
    """
    config = config or SandboxConfig.from_env(os.environ)
    mundos = open_mundos(config)
    desk = mundos.desk

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        plain, secure = Poster(_WEBHOOK_TIMEOUT_S), open_client(timeout_s=_WEBHOOK_TIMEOUT_S, limit=4)
        desk.courier_now = Courier(plain, secure, desk.fresh_policy(), config.server_url, desk.world.rng)
        Sessoes(desk).resume()
        try:
            yield
        finally:
            await mundos.close()

    app = SandboxApp(title="Sandbox do Agente Júlia", version="1", lifespan=lifespan)
    for method, path, endpoint in all_routes(mundos):
        app.add_route(path, endpoint, methods=[method], include_in_schema=False)
    app.include_router(control_router(mundos))
    app.include_router(page_router())
    app.add_exception_handler(404, _no_route)
    app.add_exception_handler(405, _no_route)
    return app


async def _no_route(request: Request, error: Exception) -> Response:
    """What is ours says so itself; the rest as its vendor would."""
    path = request.url.path
    if path.startswith("/_sandbox"):
        return json_reply({"detail": getattr(error, "detail", "não existe")}, getattr(error, "status_code", 404))
    return no_route(request.method, path)

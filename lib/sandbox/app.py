"""One ASGI program that stands in for every outside system."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from lib.http import open_client
from lib.sandbox.config import SandboxConfig
from lib.sandbox.control import control_router, only_loopback
from lib.sandbox.courier import Courier
from lib.sandbox.evolution_instances import instance_routes
from lib.sandbox.evolution_messages import message_routes
from lib.sandbox.evolution_wire import Desk
from lib.sandbox.messages_api import Oracle, anthropic_routes
from lib.sandbox.page import page
from lib.sandbox.poster import Poster
from lib.sandbox.replies import CUT, anthropic_error, evolution_error, json_reply
from lib.sandbox.world import World

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
    world = World(config)
    desk = Desk(world)
    oracle = Oracle()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        plain, secure = Poster(_WEBHOOK_TIMEOUT_S), open_client(timeout_s=_WEBHOOK_TIMEOUT_S, limit=4)
        desk.courier_now = Courier(plain, secure, desk.fresh_policy(), config.server_url, world.rng)
        try:
            yield
        finally:
            await desk.courier().close()
            world.close()

    app = SandboxApp(title="Sandbox do Agente Júlia", version="1", lifespan=lifespan)
    for method, path, endpoint in (
        *message_routes(desk),
        *anthropic_routes(oracle, world.faults),
        *instance_routes(desk),
    ):
        app.add_route(path, endpoint, methods=[method], include_in_schema=False)
    app.include_router(control_router(desk, oracle))
    app.add_exception_handler(404, _no_route)
    app.add_exception_handler(405, _no_route)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False, dependencies=[Depends(only_loopback)])
    async def home() -> str:
        return page(world, desk.courier(), oracle)

    return app


async def _no_route(request: Request, error: Exception) -> Response:
    """Each vendor's own way to say that there is no such route."""
    path = request.url.path
    if path.startswith("/_sandbox"):
        return json_reply({"detail": getattr(error, "detail", "não existe")}, getattr(error, "status_code", 404))
    if path.startswith("/v1/"):
        return anthropic_error(404, "Not found")
    return evolution_error(404, [f"Cannot {request.method} {path}"])

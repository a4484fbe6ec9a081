"""The real-time service: `uvicorn api.app:create_app --factory`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

from alembic.script import ScriptDirectory
from fastapi import FastAPI
from starlette.routing import BaseRoute, Route

import lib
from api import chips, conversas, fornecedores, leitura, mensagens, problemas
from api.deps import Rotas
from api.health import livez, readyz
from api.modelo import EstadoModelo, conferido
from api.porta import Porta
from api.webhooks import chatwoot, evolution, meta, salvy, slack, zapi
from api.worker import Worker
from lib import log
from lib.errors import SettingsError
from lib.resources import open_resources
from lib.settings import Ambiente, Settings, load_settings
from lib.usecases.receber import juntar_recibos

# Those with a name at their end leave the framework at the door: five of them come with each message.
DIRETAS: Final = {evolution.CAMINHO: evolution.evolution, zapi.CAMINHO: zapi.zapi}
WEBHOOKS: Final = {
    meta.CAMINHO: (meta.meta, ["GET", "POST"]),
    chatwoot.CAMINHO: (chatwoot.chatwoot, ["POST"]),
    slack.CAMINHO: (slack.slack, ["GET", "POST"]),
    salvy.CAMINHO: (salvy.salvy, ["POST"]),
}
ABERTAS: Final = frozenset({"/livez", "/readyz", *DIRETAS, *WEBHOOKS})
DOCUMENTACAO: Final = frozenset({"/docs", "/docs/oauth2-redirect", "/openapi.json"})
RECOMECO_S: Final = 1.0
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

# The routers of the application, each made by `api.deps.rotas`, which asks for its role.
ROTAS: Final[tuple[Rotas, ...]] = (
    chips.router,
    chips.acoes,
    leitura.router,
    conversas.router,
    conversas.acoes,
    mensagens.router,
    mensagens.acoes,
    fornecedores.router,
)

logger = log.get_logger(__name__)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the application. Without settings it is the program's door: it reads them and sets up the logs.

    Raises:
        SystemExit: 2, when settings are missing or wrong; each is named in a line of its own on stderr.
    """
    if settings is None:
        settings = _settings_or_exit()
        log.configure()
    documented = settings.ambiente is not Ambiente.PRODUCAO
    app = FastAPI(
        title="Agente Júlia",
        version="1",
        lifespan=_lifespan(settings),
        docs_url="/docs" if documented else None,
        openapi_url="/openapi.json" if documented else None,
        redoc_url=None,
    )
    app.state.drenando = False
    app.state.recusados = 0
    app.state.modelo = EstadoModelo.NAO_VERIFICADO
    app.state.revisoes = newest_revisions()
    problemas.install(app)
    app.add_middleware(Porta, settings=settings, diretas=DIRETAS)
    app.add_route("/livez", livez, include_in_schema=False)
    app.add_route("/readyz", readyz, include_in_schema=False)
    for path, endpoint in DIRETAS.items():
        app.add_route(path, endpoint, methods=["POST"], include_in_schema=False)
    for path, (endpoint, methods) in WEBHOOKS.items():
        app.add_route(path, endpoint, methods=methods, include_in_schema=False)
    for router in ROTAS:
        app.include_router(router)
    refuse_undeclared(app)
    return app


def refuse_undeclared(app: FastAPI) -> None:
    """Default deny, checked at the start: a route is on the open list or belongs to a router with a declared role.

    Raises:
        RuntimeError: a route is neither.
    """
    undeclared = [route for route in app.routes if not _declared(route)]
    if undeclared:
        raise RuntimeError(f"routes without a declared policy: {undeclared}")


def newest_revisions() -> tuple[str, ...]:
    """Return the newest migrations of this program, which the database must be at."""
    scripts = ScriptDirectory(Path(lib.__file__).parent / "migrations")
    return tuple(sorted(scripts.get_heads()))


def _declared(route: BaseRoute) -> bool:
    if isinstance(route, Route):
        return route.path in ABERTAS | DOCUMENTACAO
    return isinstance(getattr(route, "original_router", None), Rotas)


def _settings_or_exit() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        sys.stderr.write("".join(f"{line}\n" for line in error.lines))
        raise SystemExit(2) from None


@asynccontextmanager
async def _worker(app: FastAPI, worker: Worker) -> AsyncIterator[None]:
    """Run the worker beside the requests, and drain it before anything it uses is closed."""
    running = asyncio.create_task(keep_running(worker), name="worker")
    try:
        yield
    finally:
        app.state.drenando = True
        await worker.drain()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def keep_running(worker: Worker) -> None:
    """Start the worker again whenever it breaks: an API that stores and never answers is worse than a restart."""
    while True:
        try:
            await worker.run()
        except Exception:
            logger.exception("worker broke, starts again")
            await asyncio.sleep(RECOMECO_S)
        else:
            return


def _lifespan(settings: Settings) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_resources(settings, nome="api") as resources:
            worker = Worker(resources)
            app.state.resources = resources
            app.state.worker = worker
            app.state.recibos = juntar_recibos(resources.db_entrada)
            async with conferido(app, resources), _worker(app, worker):
                yield

    return lifespan

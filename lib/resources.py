"""All that a process opens and closes, in one value that is handed down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx

from lib.cache import Cache
from lib.clock import Clock, utc_now
from lib.db import Database
from lib.http import HttpPool, Upstream
from lib.providers.anthropic_api import Anthropic
from lib.providers.evolution import Evolution
from lib.providers.llm import Catalogo, ComReserva, Modelo
from lib.providers.prefect_api import PrefectApi
from lib.providers.whatsapp import WhatsApp
from lib.settings import Settings

EVOLUTION: Final = "evolution"
ANTHROPIC: Final = "anthropic"
PREFECT: Final = "prefect"
ENTRADA_CONEXOES: Final = 2
ENTRADA_ESPERA_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Resources:
    """What an operation may use. `db_entrada` is the ingest's own small pool, so that no turn can starve it.

    `catalogo` tells which models exist; a model that was handed in has none.
    """

    settings: Settings
    db: Database
    db_entrada: Database
    http: HttpPool
    cache: Cache
    whatsapp: WhatsApp
    modelo: Modelo
    catalogo: Catalogo | None
    prefect: PrefectApi | None
    clock: Clock

    def get_http_client(self, upstream: str) -> httpx.AsyncClient:
        """Return the pooled client of `evolution`, `anthropic` or `prefect`.

        Raises:
            KeyError: there is no such upstream here.
        """
        return self.http.get_http_client(upstream)

    async def close_http_client(self) -> None:
        """Close all HTTP connections; `open_resources` does it at its end."""
        await self.http.close_http_client()


def upstreams(settings: Settings) -> dict[str, Upstream]:
    """Return the outside systems with their time-outs; Prefect only where its address is set."""
    evolution = Upstream(EVOLUTION, settings.evolution_url, read_s=settings.envio_max_s, limit=64)
    tls = urlsplit(settings.anthropic_url).scheme == "https"
    anthropic = Upstream(ANTHROPIC, settings.anthropic_url, read_s=settings.turno_max_s, http2=tls)
    found = {EVOLUTION: evolution, ANTHROPIC: anthropic}
    if settings.prefect_api_url is not None:
        found[PREFECT] = Upstream(PREFECT, settings.prefect_api_url, read_s=30.0, limit=8)
    return found


@asynccontextmanager
async def open_resources(
    settings: Settings, *, nome: str, clock: Clock = utc_now, modelo: Modelo | None = None
) -> AsyncIterator[Resources]:
    """Open everything, close it at the end. Connects to nothing yet: a dead Redis or gateway does not stop a start.

    `nome` tells this process from others in `pg_stat_activity`. `modelo` takes the place of Anthropic's.
    """
    url = settings.database_url.get_secret_value()
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    async with AsyncExitStack() as stack:
        db = Database.open(url, size=settings.db_conexoes, name=nome)
        stack.push_async_callback(db.close)
        db_entrada = Database.open(url, size=ENTRADA_CONEXOES, name=f"{nome}-entrada", wait_s=ENTRADA_ESPERA_S)
        stack.push_async_callback(db_entrada.close)
        cache = Cache.open(redis_url)
        stack.push_async_callback(cache.close)
        http = HttpPool(upstreams(settings))
        stack.push_async_callback(http.close_http_client)
        evolution = Evolution(
            http.get_http_client(EVOLUTION), settings.evolution_api_key.get_secret_value(), settings.envio_max_s
        )
        anthropic = Anthropic(
            http.get_http_client(ANTHROPIC), settings.anthropic_api_key.get_secret_value(), settings.anthropic_url
        )
        yield Resources(
            settings=settings,
            db=db,
            db_entrada=db_entrada,
            http=http,
            cache=cache,
            whatsapp=evolution,
            modelo=modelo or _with_reserve(anthropic, settings.llm_modelo_reserva),
            catalogo=None if modelo else anthropic,
            prefect=_prefect(settings, http),
            clock=clock,
        )


def _with_reserve(modelo: Modelo, reserva: str | None) -> Modelo:
    return ComReserva(modelo, reserva) if reserva else modelo


def _prefect(settings: Settings, http: HttpPool) -> PrefectApi | None:
    if settings.prefect_api_url is None:
        return None
    auth = settings.prefect_api_auth_string
    return PrefectApi(http.get_http_client(PREFECT), auth.get_secret_value() if auth else None)

"""All that a process opens and closes, in one value that is handed down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from lib.cache import Cache
from lib.clock import Clock, utc_now
from lib.db import Database
from lib.domain.chip import Gateway
from lib.http import HttpPool, Upstream
from lib.providers.anthropic_api import Anthropic
from lib.providers.ativador import Ativador
from lib.providers.busca import Brave, Busca
from lib.providers.chatwoot import Chatwoot
from lib.providers.evolution import Evolution
from lib.providers.llm import Catalogo, ComReserva, Modelo
from lib.providers.meta import Meta
from lib.providers.prefect_api import PrefectApi
from lib.providers.salvy import Salvy
from lib.providers.slack import Origens, Slack
from lib.providers.whatsapp import Gateways, WhatsApp
from lib.providers.zapi import Zapi
from lib.settings import Settings

EVOLUTION: Final = "evolution"
ANTHROPIC: Final = "anthropic"
PREFECT: Final = "prefect"
ZAPI: Final = "zapi"
META: Final = "meta"
CHATWOOT: Final = "chatwoot"
SLACK: Final = "slack"
SALVY: Final = "salvy"
ATIVADOR: Final = "ativador"
BUSCA: Final = "busca"
ENTRADA_CONEXOES: Final = 2
ENTRADA_ESPERA_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Resources:
    """What an operation may use. `db_entrada` is the ingest's own small pool, so that no turn can starve it.

    `catalogo` tells which models exist; a model that was handed in has none. `evolution` makes and finds instances,
    `gateways` sends through whichever a chip has. A vendor without settings is None.
    """

    settings: Settings
    db: Database
    db_entrada: Database
    http: HttpPool
    cache: Cache
    gateways: Gateways
    evolution: Evolution
    zapi: Zapi | None
    meta: Meta | None
    modelo: Modelo
    catalogo: Catalogo | None
    prefect: PrefectApi | None
    chatwoot: Chatwoot | None
    slack: Slack | None
    salvy: Salvy | None
    ativador: Ativador | None
    busca: Busca | None
    clock: Clock

    def get_http_client(self, upstream: str) -> httpx.AsyncClient:
        """Return the pooled client of an upstream, by its name.

        Raises:
            KeyError: there is no such upstream here.
        """
        return self.http.get_http_client(upstream)

    async def close_http_client(self) -> None:
        """Close all HTTP connections; `open_resources` does it at its end."""
        await self.http.close_http_client()


def upstreams(settings: Settings) -> dict[str, Upstream]:
    """Return the outside systems with their time-outs and limits; of the optional ones those that are set up."""
    send_s = settings.envio_max_s
    known = (
        _upstream(EVOLUTION, settings.evolution_url, read_s=send_s, limit=64),
        _upstream(ANTHROPIC, settings.anthropic_url, read_s=settings.turno_max_s, http2=True),
        _upstream(PREFECT, settings.prefect_api_url, limit=8),
        _upstream(ZAPI, settings.zapi_url, read_s=send_s, http2=True),
        _upstream(META, settings.meta_url, read_s=send_s, http2=True),
        _upstream(CHATWOOT, settings.chatwoot_url, read_s=10.0, limit=16),
        _upstream(SLACK, settings.slack_url, read_s=10.0, limit=8, http2=True),
        _upstream(SALVY, settings.salvy_url, limit=4, http2=True),
        _ativador(settings),
        _upstream(BUSCA, settings.busca_url, limit=4, http2=True),
    )
    return {one.name: one for one in known if one is not None}


def _upstream(
    name: str, url: str | None, *, read_s: float = 30.0, limit: int = 32, http2: bool = False
) -> Upstream | None:
    """HTTP/2 is agreed upon in TLS, so never without it."""
    if url is None:
        return None
    tls = urlsplit(url).scheme == "https"
    return Upstream(name, url, read_s=read_s, limit=limit, http2=http2 and tls)


def _ativador(settings: Settings) -> Upstream | None:
    if settings.ativador_url is None:
        return None
    pem = settings.ativador_certificado
    return Upstream(
        ATIVADOR,
        settings.ativador_url,
        connect_s=10.0,
        limit=4,
        ca_file=pem,
        sem_nome=pem is not None,
        sha256=settings.ativador_sha256,
    )


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
        zapi, meta = _zapi(settings, http), _meta(settings, http)
        yield Resources(
            settings=settings,
            db=db,
            db_entrada=db_entrada,
            http=http,
            cache=cache,
            gateways=_gateways(evolution, zapi, meta),
            evolution=evolution,
            zapi=zapi,
            meta=meta,
            modelo=modelo or _with_reserve(anthropic, settings.llm_modelo_reserva),
            catalogo=None if modelo else anthropic,
            prefect=_prefect(settings, http),
            chatwoot=_chatwoot(settings, http),
            slack=_slack(settings, http),
            salvy=Salvy(http.get_http_client(SALVY), _key(settings.salvy_api_key)) if settings.salvy_url else None,
            ativador=Ativador(http.get_http_client(ATIVADOR), _key(settings.ativador_api_key))
            if settings.ativador_url
            else None,
            busca=Brave(http.get_http_client(BUSCA), _key(settings.busca_api_key)) if settings.busca_url else None,
            clock=clock,
        )


def _with_reserve(modelo: Modelo, reserva: str | None) -> Modelo:
    return ComReserva(modelo, reserva) if reserva else modelo


def _prefect(settings: Settings, http: HttpPool) -> PrefectApi | None:
    if settings.prefect_api_url is None:
        return None
    auth = settings.prefect_api_auth_string
    return PrefectApi(http.get_http_client(PREFECT), auth.get_secret_value() if auth else None)


def _key(value: SecretStr | None) -> str:
    """Return a key that the settings made sure of."""
    return value.get_secret_value() if value else ""


def _gateways(evolution: Evolution, zapi: Zapi | None, meta: Meta | None) -> Gateways:
    found: dict[Gateway, WhatsApp | None] = {Gateway.EVOLUTION: evolution, Gateway.ZAPI: zapi, Gateway.META: meta}
    return Gateways({gateway: client for gateway, client in found.items() if client is not None})


def _zapi(settings: Settings, http: HttpPool) -> Zapi | None:
    if settings.zapi_url is None:
        return None
    tokens = {name: token.get_secret_value() for name, token in settings.zapi_instancias.items()}
    return Zapi(http.get_http_client(ZAPI), _key(settings.zapi_client_token), tokens, settings.envio_max_s)


def _meta(settings: Settings, http: HttpPool) -> Meta | None:
    if settings.meta_url is None:
        return None
    return Meta(http.get_http_client(META), _key(settings.meta_token), settings.envio_max_s)


def _chatwoot(settings: Settings, http: HttpPool) -> Chatwoot | None:
    if settings.chatwoot_url is None or settings.chatwoot_conta is None or settings.chatwoot_caixa is None:
        return None
    token = _key(settings.chatwoot_token)
    return Chatwoot(http.get_http_client(CHATWOOT), token, settings.chatwoot_conta, settings.chatwoot_caixa)


def _slack(settings: Settings, http: HttpPool) -> Slack | None:
    if settings.slack_url is None:
        return None
    origens = Origens.of(settings.slack_url)
    return Slack(http.get_http_client(SLACK), _key(settings.slack_token), origens=origens)

"""The pooled HTTP clients: the only place that builds one.

A client is made once per upstream and lives as long as its `HttpPool`. The ledger hears of every request and of every
new TCP connection, so that a warm operation can be shown to open none.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from lib import ledger
from lib.wire import Backend

KEEPALIVE_S = 60.0


@dataclass(frozen=True, slots=True)
class Upstream:
    """One outside system: where it is and how long to wait for it. `read_s` bounds a whole answer, not a byte."""

    name: str
    base_url: str
    connect_s: float = 3.0
    read_s: float = 30.0
    limit: int = 32
    http2: bool = False


async def _trace(event: str, _info: Mapping[str, Any]) -> None:
    if event == "connection.connect_tcp.complete":
        ledger.count("tcp_connections")


async def _on_request(request: httpx.Request) -> None:
    ledger.count("http_requests")
    request.extensions["trace"] = _trace


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's own transport on a pool with our wire; its constructor does nothing but make another pool."""

    def __init__(self, upstream: Upstream, context: ssl.SSLContext) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=upstream.limit,
            max_keepalive_connections=upstream.limit,
            keepalive_expiry=KEEPALIVE_S,
            http2=upstream.http2,
            network_backend=Backend(),
        )


def _build(upstream: Upstream, context: ssl.SSLContext) -> httpx.AsyncClient:
    timeout = httpx.Timeout(upstream.read_s, connect=upstream.connect_s, pool=5.0)
    return httpx.AsyncClient(
        base_url=upstream.base_url,
        timeout=timeout,
        transport=_Transport(upstream, context),
        trust_env=False,
        follow_redirects=False,
        event_hooks={"request": [_on_request]},
    )


def open_client(base_url: str = "", *, timeout_s: float = 30.0, limit: int = 64) -> httpx.AsyncClient:
    """Return one pooled client for a program that talks to one place; its owner closes it."""
    return _build(Upstream("own", base_url, read_s=timeout_s, limit=limit), ssl.create_default_context())


class HttpPool:
    """The clients of one process, one per upstream, sharing one TLS context (building one costs 50 ms)."""

    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        context = ssl.create_default_context()
        self._clients = {name: _build(upstream, context) for name, upstream in upstreams.items()}

    def get_http_client(self, upstream: str) -> httpx.AsyncClient:
        """Return the upstream's client.

        Raises:
            KeyError: nobody declared this upstream.
        """
        return self._clients[upstream]

    async def close_http_client(self) -> None:
        """Close all clients and their connections."""
        for client in self._clients.values():
            await client.aclose()

"""The pooled HTTP clients: the only place that builds one, and the only one that says whom TLS trusts.

A client is made once per upstream and lives as long as its `HttpPool`. The ledger hears of every request and, from the
socket, of every new TCP connection, so that a warm operation can be shown to open none.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final, cast

import httpcore
import httpx

from lib import ledger
from lib.wire import Backend, Stream

KEEPALIVE_S: Final = 60.0
POOL_S: Final = 5.0
SHA256_HEX: Final = 64


@dataclass(frozen=True, slots=True)
class Upstream:
    """One outside system: where it is, how long to wait for it, whom to believe that it is it.

    `read_s` bounds a whole answer, not a byte. `ca_file` takes the place of the public authorities; `sem_nome` then
    accepts its certificate under any host name, for one without a name in it. `sha256` is the fingerprint (hex, colons
    allowed) that the server's own certificate must have, checked before a byte of HTTP leaves; without a `ca_file` it
    alone is believed.

    Raises:
        ValueError: `sem_nome` without `ca_file`, a fingerprint that is none, or either where there is no TLS.
    """

    name: str
    base_url: str
    connect_s: float = 3.0
    read_s: float = 30.0
    limit: int = 32
    http2: bool = False
    ca_file: Path | None = None
    sem_nome: bool = False
    sha256: str | None = None

    def __post_init__(self) -> None:
        if self.sem_nome and self.ca_file is None:
            raise ValueError(f"{self.name}: a certificate without a name needs its own authority")
        if (self.ca_file or self.sha256) and not self.base_url.startswith("https://"):
            raise ValueError(f"{self.name}: a pinned certificate needs an https address")
        if self.sha256 is not None and len(self.fingerprint or b"") * 2 != SHA256_HEX:
            raise ValueError(f"{self.name}: a SHA-256 fingerprint has {SHA256_HEX} hexadecimal digits")

    @property
    def fingerprint(self) -> bytes | None:
        """The pinned fingerprint's bytes."""
        if self.sha256 is None:
            return None
        try:
            return bytes.fromhex(self.sha256.replace(":", ""))
        except ValueError:
            return b""


@dataclass(frozen=True, slots=True)
class Medida:
    """What one upstream has cost this process since its start.

    `sem_resposta` are the requests that ended without a whole answer, whatever the reason; `segundos` is the time all
    of them took, from asking for a connection to the last byte.
    """

    pedidos: int
    sem_resposta: int
    conexoes: int
    em_voo: int
    segundos: float


class _Medidor:
    """The running counts of one upstream."""

    __slots__ = ("conexoes", "em_voo", "pedidos", "segundos", "sem_resposta")

    def __init__(self) -> None:
        self.pedidos = self.sem_resposta = self.conexoes = self.em_voo = 0
        self.segundos = 0.0

    def connected(self) -> None:
        """Count a TCP connection."""
        self.conexoes += 1
        ledger.count("tcp_connections")

    def ended(self, began: float, *, whole: bool) -> None:
        """Count the end of a request."""
        self.em_voo -= 1
        self.sem_resposta += not whole
        self.segundos += perf_counter() - began

    def medida(self) -> Medida:
        return Medida(self.pedidos, self.sem_resposta, self.conexoes, self.em_voo, self.segundos)


class _Body(httpx.AsyncByteStream):
    """An answer's body, which ends its request's measure when it ends."""

    __slots__ = ("_began", "_broken", "_medidor", "_stream")

    def __init__(self, stream: httpx.AsyncByteStream, medidor: _Medidor, began: float) -> None:
        self._stream, self._medidor, self._began, self._broken = stream, medidor, began, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for part in self._stream:
                yield part
        except (Exception, asyncio.CancelledError):
            self._broken = True
            raise

    async def aclose(self) -> None:
        self._medidor.ended(self._began, whole=not self._broken)
        await self._stream.aclose()


class _Connection(httpcore.AsyncHTTPConnection):
    """A connection that is not used again once its server has hung up or a request on it was given up.

    Over HTTP/2 the pool itself would look at neither: what still comes for a request given up eats the window of the
    whole connection, until nothing comes any more.
    """

    _stream: Stream | None = None
    _spoilt = False

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        try:
            return await super().handle_async_request(request)
        except httpcore.ConnectionNotAvailable:  # the pool gives the request to another
            raise
        except BaseException:
            self._spoilt = True
            raise

    def is_available(self) -> bool:
        return not self._spoilt and super().is_available()

    def has_expired(self) -> bool:
        return super().has_expired() or ((self._spoilt or self._hung_up()) and self.is_idle())

    def _hung_up(self) -> bool:
        return self._stream is not None and self._stream.ended

    async def _connect(self, request: httpcore.Request) -> httpcore.AsyncNetworkStream:
        stream = await super()._connect(request)
        self._stream = stream if isinstance(stream, Stream) else None
        return stream


class _Pool(httpcore.AsyncConnectionPool):
    """httpcore's pool over our connections."""

    def create_connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        return _Connection(
            origin=origin,
            ssl_context=self._ssl_context,
            keepalive_expiry=self._keepalive_expiry,
            http1=self._http1,
            http2=self._http2,
            network_backend=self._network_backend,
        )


class _Transport(httpx.AsyncHTTPTransport):
    """httpx's own transport on a pool with our wire; its constructor does nothing but make another pool."""

    def __init__(self, upstream: Upstream, context: ssl.SSLContext, medidor: _Medidor) -> None:
        self._medidor = medidor
        self._pool = _Pool(
            ssl_context=context,
            max_connections=upstream.limit,
            max_keepalive_connections=upstream.limit,
            keepalive_expiry=KEEPALIVE_S,
            http2=upstream.http2,
            network_backend=Backend(medidor.connected, upstream.fingerprint),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        medidor, began = self._medidor, perf_counter()
        medidor.pedidos += 1
        medidor.em_voo += 1
        ledger.count("http_requests")
        try:
            answer = await super().handle_async_request(request)
        except BaseException:
            medidor.ended(began, whole=False)
            raise
        answer.stream = _Body(cast("httpx.AsyncByteStream", answer.stream), medidor, began)
        return answer


class _Trust:
    """TLS contexts, one per policy: loading the public authorities costs 50 ms.

    HTTP/2 has its own, because the pool writes the protocols it offers into the context, at each connection.
    """

    def __init__(self) -> None:
        self._contexts: dict[tuple[object, ...], ssl.SSLContext] = {}

    def context(self, upstream: Upstream) -> ssl.SSLContext:
        pinned_alone = upstream.sha256 is not None and upstream.ca_file is None
        key = (upstream.http2, upstream.ca_file, upstream.sem_nome, pinned_alone)
        if key not in self._contexts:
            self._contexts[key] = _context(upstream, pinned_alone=pinned_alone)
        return self._contexts[key]


def _context(upstream: Upstream, *, pinned_alone: bool) -> ssl.SSLContext:
    """Build the context; what is relaxed in it is made good by a named authority or by the fingerprint."""
    if pinned_alone:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context = ssl.create_default_context(cafile=str(upstream.ca_file) if upstream.ca_file else None)
    context.check_hostname = not upstream.sem_nome
    return context


def _build(upstream: Upstream, context: ssl.SSLContext, medidor: _Medidor) -> httpx.AsyncClient:
    timeout = httpx.Timeout(upstream.read_s, connect=upstream.connect_s, pool=POOL_S)
    return httpx.AsyncClient(
        base_url=upstream.base_url,
        timeout=timeout,
        transport=_Transport(upstream, context, medidor),
        trust_env=False,
        follow_redirects=False,
    )


def open_client(base_url: str = "", *, timeout_s: float = 30.0, limit: int = 64) -> httpx.AsyncClient:
    """Return one pooled client for a program that talks to one place; its owner closes it."""
    upstream = Upstream("own", base_url, read_s=timeout_s, limit=limit)
    return _build(upstream, _Trust().context(upstream), _Medidor())


class HttpPool:
    """The clients of one process, one per upstream, each with connections of its own: who hangs, hangs alone."""

    def __init__(self, upstreams: Mapping[str, Upstream]) -> None:
        trust = _Trust()
        self._medidores = {name: _Medidor() for name in upstreams}
        self._clients = {
            name: _build(upstream, trust.context(upstream), self._medidores[name])
            for name, upstream in upstreams.items()
        }

    def get_http_client(self, upstream: str) -> httpx.AsyncClient:
        """Return the upstream's client.

        Raises:
            KeyError: nobody declared this upstream.
        """
        return self._clients[upstream]

    def medidas(self) -> Mapping[str, Medida]:
        """Return what each upstream has cost so far."""
        return {name: medidor.medida() for name, medidor in self._medidores.items()}

    async def close_http_client(self) -> None:
        """Close all clients and their connections."""
        for client in self._clients.values():
            await client.aclose()

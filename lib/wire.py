"""Connections of the HTTP pool straight on the event loop: the pool asks each before each use whether it still lives.

The pool's own way goes through anyio: a system call for that question, and cancel scopes around each read and write.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

import httpcore

BUFFER_MAX: Final = 1 << 20


class _Line(asyncio.Protocol):
    """One connection: what has come and was not read yet, and whoever waits for more of it or for room to write."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.ended = False
        self.error: Exception | None = None
        self.transport: asyncio.Transport | None = None
        self._full = False
        self._waiting: set[asyncio.Future[None]] = set()  # HTTP/2 reads and writes at once

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit it

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if len(self.buffer) > BUFFER_MAX and self.transport:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self.ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended, self.error = True, exc
        self._wake()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake()

    def _wake(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def more(self, limit_s: float | None) -> bytes:
        """Return what has come, waiting for it if need be; nothing at the end."""
        while not self.buffer and not self.ended:
            await self._wait(limit_s)
        if not self.buffer and self.error:
            raise self.error
        found = bytes(self.buffer)
        self.buffer.clear()
        if len(found) > BUFFER_MAX and self.transport:
            self.transport.resume_reading()
        return found

    async def send(self, data: bytes, limit_s: float | None) -> None:
        """Write, and wait while too much is unsent."""
        if self.ended or self.transport is None:
            raise self.error or ConnectionResetError("closed")
        self.transport.write(data)
        while self._full and not self.ended:
            await self._wait(limit_s)

    async def _wait(self, limit_s: float | None) -> None:
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            async with asyncio.timeout(limit_s):
                await waiting
        finally:
            self._waiting.discard(waiting)


class Stream(httpcore.AsyncNetworkStream):
    """A connection as the pool wants it. `fingerprint` is the SHA-256 that the server's certificate must have."""

    def __init__(self, line: _Line, fingerprint: bytes | None = None) -> None:
        self._line, self._fingerprint = line, fingerprint

    @property
    def ended(self) -> bool:
        """Whether the other side has hung up."""
        return self._line.ended

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 - httpcore's
        """Return what has come, which may be more than `max_bytes`: the pool only bounds its own calls by it."""
        try:
            return await self._line.more(timeout)
        except TimeoutError as cause:
            raise httpcore.ReadTimeout(str(cause)) from cause
        except OSError as cause:
            raise httpcore.ReadError(str(cause)) from cause

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Write all of it."""
        if not buffer:
            return
        try:
            await self._line.send(buffer, timeout)
        except TimeoutError as cause:
            raise httpcore.WriteTimeout(str(cause)) from cause
        except OSError as cause:
            raise httpcore.WriteError(str(cause)) from cause

    async def aclose(self) -> None:
        """Close, at the latest with the next turn of the loop."""
        transport = self._line.transport
        if transport is not None:
            transport.close()
            await asyncio.sleep(0)
            transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
    ) -> httpcore.AsyncNetworkStream:
        """Speak TLS from here on."""
        line, loop = self._line, asyncio.get_running_loop()
        if line.transport is None:
            raise httpcore.ConnectError("not connected")
        try:
            async with asyncio.timeout(timeout):
                secure = await loop.start_tls(line.transport, line, ssl_context, server_hostname=server_hostname)
        except TimeoutError as cause:
            await self.aclose()
            raise httpcore.ConnectTimeout(str(cause)) from cause
        except OSError as cause:  # an SSLError is one
            await self.aclose()
            raise httpcore.ConnectError(str(cause)) from cause
        if secure is None:
            raise httpcore.ConnectError("closed during the TLS handshake")
        line.transport = secure
        if self._fingerprint is not None and not _is_pinned(secure, self._fingerprint):
            await self.aclose()
            raise httpcore.ConnectError("the server's certificate is not the pinned one")
        return self

    def get_extra_info(self, info: str) -> Any:
        """Say whether there is something to read, or what the transport knows."""
        if info == "is_readable":
            return self._line.ended or bool(self._line.buffer)
        name = {"client_addr": "sockname", "server_addr": "peername"}.get(info, info)
        return self._line.transport.get_extra_info(name) if self._line.transport else None


def _is_pinned(secure: asyncio.Transport, fingerprint: bytes) -> bool:
    session = secure.get_extra_info("ssl_object")
    der = session.getpeercert(binary_form=True) if session else None
    return der is not None and hmac.compare_digest(hashlib.sha256(der).digest(), fingerprint)


class Backend(httpcore.AsyncNetworkBackend):
    """Opens connections on the running event loop and tells `connected` of each; TLS ones must show `fingerprint`."""

    def __init__(self, connected: Callable[[], None] | None = None, fingerprint: bytes | None = None) -> None:
        self._connected, self._fingerprint = connected, fingerprint

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect; nobody here asks for a local address or for options."""
        if local_address is not None or socket_options is not None:
            raise httpcore.UnsupportedProtocol("no local address and no socket options")
        try:
            async with asyncio.timeout(timeout):
                _, line = await asyncio.get_running_loop().create_connection(_Line, host, port)
        except TimeoutError as cause:
            raise httpcore.ConnectTimeout(str(cause)) from cause
        except OSError as cause:
            raise httpcore.ConnectError(str(cause)) from cause
        if self._connected is not None:
            self._connected()
        return Stream(line, self._fingerprint)

    async def sleep(self, seconds: float) -> None:
        """Wait between two attempts to connect."""
        await asyncio.sleep(seconds)

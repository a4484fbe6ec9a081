"""POSTs to plain `http://` addresses over kept connections, cheap enough for thousands of webhooks per second.

The pooled client costs 0.7 ms of CPU per request, and its pool's bookkeeping grows with the square of its open
connections: at four events per accepted message that was ten times the rest of the sandbox. This one knows a POST, a
status line and a `content-length`, and reuses a connection only after an answer that has one.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

_STATUS: Final = re.compile(rb"^HTTP/1\.[01] (\d{3})")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE: Final = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_LARGEST_HEAD: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class PostAnswer:
    """The status alone: nobody reads a webhook's answer."""

    status_code: int


class _Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self.open = True
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bool]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports do not inherit it

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("closed without an answer"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _LARGEST_HEAD:
                self.close()
            return
        head = bytes(self._buffer[: end + 2])
        status, length = _STATUS.match(head), _LENGTH.search(head)
        if length and len(self._buffer) < end + 4 + int(length[1]):
            return
        self._buffer.clear()
        if self._answer and not self._answer.done():
            self._answer.set_result((int(status[1]) if status else 0, bool(length) and not _CLOSE.search(head)))

    async def exchange(self, request: bytes) -> tuple[int, bool]:
        """Status of the answer, and whether the connection may be used again."""
        if self._transport is None or not self.open:
            raise ConnectionResetError("not connected")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        self.open = False
        if self._transport:
            self._transport.abort()


class Poster:
    """Kept connections by address; `timeout_s` bounds a whole exchange."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._idle: defaultdict[tuple[str, int], list[_Line]] = defaultdict(list)

    async def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> PostAnswer:
        """Send one body to an `http://` URL.

        Raises:
            OSError: no connection, or it broke before an answer; TimeoutError among them.
            ValueError: not an `http://` URL.
        """
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"not an http:// URL: {url}")
        address = (parts.hostname, parts.port or 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if "\n" not in value)
        head = f"POST {target} HTTP/1.1\r\nhost: {parts.netloc}\r\n{fields}content-length: {len(content)}\r\n\r\n"
        async with asyncio.timeout(self._timeout_s):
            line = await self._line(address)
            try:
                status, reusable = await line.exchange(head.encode("utf-8") + content)
            except BaseException:
                line.close()
                raise
        if reusable:
            self._idle[address].append(line)
        else:
            line.close()
        return PostAnswer(status)

    async def aclose(self) -> None:
        """Hang up all kept connections."""
        for lines in self._idle.values():
            for line in lines:
                line.close()
        self._idle.clear()

    async def _line(self, address: tuple[str, int]) -> _Line:
        idle = self._idle[address]
        while idle:
            line = idle.pop()
            if line.open:
                return line
        _, line = await asyncio.get_running_loop().create_connection(_Line, *address)
        return line

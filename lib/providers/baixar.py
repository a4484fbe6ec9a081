"""The one way to fetch a file whose address came from outside: an address chosen by others must not reach our network.

https only, a host on the provider's list, its addresses resolved once and all public, the connection made to the
address that was checked, every redirect checked again, the size bounded while it streams, the kind told by its bytes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx

from lib.errors import AgenteError

BYTES_MAX: Final = 16 * 1024 * 1024
PRAZO_S: Final = 10.0
REDIRECIONAMENTOS_MAX: Final = 3
HTTPS: Final = 443
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
# Begins with, at an offset: a kind is what the bytes say, never what the sender says.
_ASSINATURAS: Final = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (8, b"WEBP", "image/webp"),
    (0, b"GIF8", "image/gif"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"\xff\xf9", "audio/aac"),
    (0, b"#!AMR", "audio/amr"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp3g", "video/3gpp"),
    (4, b"ftyp", "video/mp4"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"PK\x03\x04", "application/zip"),
)

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class BaixarError(AgenteError):
    """The file was not fetched: refused, gone, too big, too slow or of no allowed kind. Never holds the address."""


@dataclass(frozen=True, slots=True)
class Arquivo:
    """A file as it came. `mimetype` is told by its bytes."""

    conteudo: bytes = field(repr=False)
    mimetype: str


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """Return a host's addresses by the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


@dataclass(frozen=True, slots=True)
class Baixador:
    """Fetches from the hosts of one provider, on a pooled client of its own.

    `origem` is the provider's address as the operator configured it, where that is not on the internet: only exactly
    there neither https nor a public address is asked for. It is None wherever the provider is the real one.
    """

    client: httpx.AsyncClient
    hosts: frozenset[str]
    resolver: Resolver = system_resolver
    origem: str | None = None
    prazo_s: float = PRAZO_S

    async def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Arquivo:
        """Fetch a file within `prazo_s`, 10 s. `headers` go to the first host alone, to no other that it redirects to.

        Safe to repeat.

        Raises:
            BaixarError: it was not fetched.
        """
        try:
            async with asyncio.timeout(self.prazo_s):
                content = await self._follow(url, dict(headers or {}))
        except TimeoutError as cause:
            raise BaixarError(f"not there within {self.prazo_s:g} s") from cause
        except (httpx.HTTPError, httpx.InvalidURL) as cause:
            raise BaixarError(f"broken off: {type(cause).__name__}") from cause
        mimetype = kind(content)
        if mimetype is None:
            raise BaixarError("of no allowed kind")
        return Arquivo(content, mimetype)

    async def _follow(self, url: str, headers: dict[str, str]) -> bytes:
        first = _place(url)
        for _ in range(REDIRECIONAMENTOS_MAX + 1):
            given = headers if _place(url) == first else {}
            request = await self._request(url, given)
            answer = await self.client.send(request, stream=True)
            try:
                if not answer.has_redirect_location:
                    return await _content(answer)
                url = urljoin(url, answer.headers["location"])
            finally:
                await answer.aclose()
        raise BaixarError(f"more than {REDIRECIONAMENTOS_MAX} redirects")

    async def _request(self, url: str, headers: Mapping[str, str]) -> httpx.Request:
        """Make the request to an address that was checked; nothing is connected to before that."""
        sent = {**headers, "accept-encoding": "identity", "accept": "*/*"}
        if self.origem is not None and _place(url) == _place(self.origem):
            return self.client.build_request("GET", url, headers=sent)
        host = self._allowed(url)
        try:
            addresses = await self.resolver(host, HTTPS)
        except OSError as cause:
            raise BaixarError("its host has no address") from cause
        if not addresses or not all(public(address) for address in addresses):
            raise BaixarError("its host is not on the internet")
        pinned = httpx.URL(url).copy_with(scheme="https", host=addresses[0], port=None, userinfo=b"", fragment=None)
        # The certificate is checked for the name, the connection goes to the number.
        return self.client.build_request(
            "GET", pinned, headers={**sent, "host": host}, extensions={"sni_hostname": host}
        )

    def _allowed(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError as cause:
            raise BaixarError("no valid address") from cause
        if parts.scheme != "https" or port not in {None, HTTPS} or "@" in parts.netloc:
            raise BaixarError("neither plain https nor its port")
        if host not in self.hosts:
            raise BaixarError("of a host that is not the provider's")
        return host


def public(address: str) -> bool:
    """Tell whether an address is one of the internet's own; what embeds another address is not."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (
        ip.ipv4_mapped is not None or ip.sixtofour is not None or ip.teredo is not None or ip in _NAT64
    ):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback)


def kind(content: bytes) -> str | None:
    """Tell a file's kind by its first bytes; None for what is not allowed: markup, scripts, programs, anything else."""
    for offset, magic, mimetype in _ASSINATURAS:
        if content[offset : offset + len(magic)] == magic:
            return mimetype
    return None


def _place(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        place = parts.scheme, parts.hostname, parts.port
    except ValueError as cause:
        raise BaixarError("no valid address") from cause
    return place


async def _content(answer: httpx.Response) -> bytes:
    if answer.status_code != HTTPStatus.OK:
        raise BaixarError(f"answered {answer.status_code}")
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise BaixarError("compressed")
    announced = answer.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > BYTES_MAX:
        raise BaixarError(f"more than {BYTES_MAX} bytes")
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > BYTES_MAX:
            raise BaixarError(f"more than {BYTES_MAX} bytes")
    return bytes(body)

"""The door of every request: host, request id, security headers, and the last catch. Plain ASGI: 10 µs a request.

Webhooks leave the framework here: five come with each message, and four more layers cost as much as storing one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problemas import known, problem
from lib.log import bind, get_logger
from lib.settings import Ambiente, Settings

LOCAL: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
SONDAS: Final = frozenset({"/livez", "/readyz"})  # asked by address, whatever it is today
COM_SCRIPTS: Final = frozenset({"/docs", "/docs/oauth2-redirect"})
REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9_-]{8,64}")
SEGURANCA: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
SEM_CONTEUDO: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
FECHAR: Final = (b"connection", b"close")
SO_TLS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")

Endpoint = Callable[[Request], Awaitable[Response]]

log = get_logger(__name__)


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Return the names that this API answers to, in lower case, without ports."""
    return frozenset({(urlsplit(settings.api_url).hostname or "").lower(), *map(str.lower, settings.hosts), *LOCAL})


class Porta:
    """Wraps the whole application. `diretas` are POST routes by path, the last part of it a name in braces."""

    def __init__(self, app: ASGIApp, settings: Settings, diretas: Mapping[str, Endpoint] | None = None) -> None:
        self._app = app
        cut = {path.rpartition("{"): endpoint for path, endpoint in (diretas or {}).items()}
        self._diretas = {start: (name.rstrip("}"), endpoint) for (start, _, name), endpoint in cut.items()}
        self._hosts: Collection[bytes] = frozenset(host.encode() for host in allowed_hosts(settings))
        self._extra = [*SEGURANCA, SO_TLS] if settings.ambiente is Ambiente.PRODUCAO else list(SEGURANCA)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; everything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8).encode()
        path = scope["path"]
        added = [*self._extra, (b"x-request-id", request_id)]
        if path not in COM_SCRIPTS:
            added.append(SEM_CONTEUDO)
        started = False
        body = _Corpo(receive, headers)

        async def out(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                added.extend(body.ending(message.get("headers", ())))
                # A new list: answers are shared between requests, so theirs must not grow.
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        name = request_id.decode()
        scope.setdefault("state", {})["request_id"] = name
        with bind(request_id=name):
            # A webhook proves itself by its key, and a 400 would make its sender drop the message for good.
            named = path in SONDAS or path.startswith("/webhooks/")
            if not named and _host(headers.get(b"host", b"")) not in self._hosts:
                await problem(400, name, detail="endereço desconhecido (cabeçalho Host)")(scope, body, out)
                return
            try:
                if not await self._directly(scope, body, out):
                    await self._app(scope, body, out)
            except Exception as failure:
                log.exception("request failed", rota=path, erro=type(failure).__name__)
                if started:
                    raise
                await problem(500, name)(scope, body, out)

    async def _directly(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer a direct route's request; tell whether it was one."""
        start, slash, value = scope["path"].rpartition("/")
        found = self._diretas.get(start + slash)
        if found is None or not value or scope["method"] != "POST":
            return False
        name, endpoint = found
        scope["path_params"] = {name: value}
        request = Request(scope, receive)
        try:
            answer = await endpoint(request)
        except Exception as error:
            expected = await known(request, error)
            if expected is None:
                raise
            answer = expected
        await answer(scope, receive, send)
        return True


class _Corpo:
    """A request's body on its way to whoever reads it."""

    __slots__ = ("_receive", "_unread")

    def __init__(self, receive: Receive, headers: Mapping[bytes, bytes]) -> None:
        self._receive = receive
        self._unread = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers

    async def __call__(self) -> Message:
        message = await self._receive()
        self._unread = self._unread and message.get("more_body", False)
        return message

    def ending(self, given: Iterable[tuple[bytes, bytes]]) -> Iterable[tuple[bytes, bytes]]:
        """Close after an answer that did not wait for the body: a byte a second would keep the connection for ever."""
        return (FECHAR,) if self._unread and FECHAR not in given else ()


def _host(header: bytes) -> bytes:
    """Return the name of a Host header, without its port."""
    name, colon, port = header.lower().rpartition(b":")
    return name if colon and port.isdigit() else header.lower()

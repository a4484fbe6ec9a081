"""Programs on a real socket, in the test's own loop, and the sandbox's switches."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.types import ASGIApp


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    url: str

    async def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Turn one of its switches."""
        return await asyncio.to_thread(self._control, method, path, body)

    def _control(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        with contextlib.closing(connection):
            headers = {"content-type": "application/json"}
            connection.request(method, f"/_sandbox{path}", json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            assert answer.status < 300, answer.read()
            return json.loads(answer.read() or b"null")

    async def open_instance(self, nome: str) -> None:
        await self.control("PUT", f"/instancias/{nome}", {"estado": "open", "numero": "5511900000100"})


@contextlib.asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Serve the program on a free port of this machine and give its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:  # noqa: ASYNC110 - uvicorn tells by an attribute
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()

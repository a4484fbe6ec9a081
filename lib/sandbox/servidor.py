"""The sandbox on a socket of one's own, telling when it answers."""

import contextlib
import socket
from collections.abc import Callable

import uvicorn

from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig


class Servidor(uvicorn.Server):
    """A server that tells when it answers."""

    def __init__(self, config: uvicorn.Config, pronto: Callable[[], None]) -> None:
        super().__init__(config)
        self._pronto = pronto

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then tell."""
        await super().startup(sockets)
        if self.started:
            self._pronto()


def serve(config: SandboxConfig, door: socket.socket, pronto: Callable[[], None]) -> None:
    """Serve until stopped; Ctrl-C is an orderly end."""
    server = Servidor(uvicorn.Config(create_app(config), access_log=False, log_level="warning"), pronto)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[door])

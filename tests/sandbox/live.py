"""A sandbox on a real socket, and what its webhooks reach."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig

KEY = "probe-global-key"


@contextmanager
def serve(config: SandboxConfig) -> Iterator[str]:
    """Run a sandbox in a thread; gives its base URL."""
    server = uvicorn.Server(uvicorn.Config(create_app(config), port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def wait_for(true: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something is so, or fail."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


@dataclass
class Receiver:
    """Where webhooks arrive: what came when, and what to answer next (then 202)."""

    url: str
    answers: list[int] = field(default_factory=list)
    came: list[tuple[float, dict[str, Any], dict[str, str]]] = field(default_factory=list)

    def bodies(self, event: str | None = None) -> list[dict[str, Any]]:
        return [body for _, body, _ in list(self.came) if event is None or body.get("event") == event]

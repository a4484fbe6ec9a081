"""A sandbox on a real socket, and a receiver for its webhooks that answers what a test wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import httpx
import orjson
import pytest

from lib.sandbox.config import SandboxConfig
from tests.sandbox.live import KEY, Receiver, serve, wait_for


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            kind = self.headers["content-type"]
            body = orjson.loads(raw) if kind == "application/json" else dict(parse_qsl(raw.decode()))
            here.came.append((time.monotonic(), body, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(here.answers.pop(0) if here.answers else 202)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's signature
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    here = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield here
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def running() -> Iterator[str]:
    with serve(SandboxConfig(api_key=KEY, retry_s=0.2, receipts_ms=(10, 20, 30), pair_ms=50)) as url:
        yield url


@pytest.fixture
def sandbox(running: str) -> Iterator[httpx.Client]:
    """A client of an emptied sandbox, with Evolution's key."""
    with httpx.Client(base_url=running, headers={"apikey": KEY}, timeout=10) as client:
        client.delete("/_sandbox/tudo").raise_for_status()
        yield client


@pytest.fixture
def chip(sandbox: httpx.Client, receiver: Receiver) -> str:
    """An open instance whose webhooks reach the receiver."""
    webhook = {"webhook_url": receiver.url, "webhook_headers": {"x-segredo": "s3gredo"}}
    sandbox.put("/_sandbox/instancias/chip-01", json={"numero": "5511900000100", **webhook}).raise_for_status()
    wait_for(lambda: receiver.bodies("connection.update"))
    return "chip-01"

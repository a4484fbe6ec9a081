"""The pool's connections against real sockets: large bodies, endings, time-outs, TLS."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from lib import ledger
from lib.http import HttpPool, Upstream, open_client
from lib.wire import Backend

pytestmark = pytest.mark.anyio

GRANDE = b"x" * 3_000_000
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _large(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request with much, after reading its body."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
            await reader.readexactly(length)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(GRANDE) + GRANDE)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as if the connection would be kept, and hang up."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
    writer.close()


async def _deaf(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Neither read nor answer."""
    await asyncio.sleep(0.5)
    writer.transport.abort()


async def _cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hang up in the middle of the answer."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
    writer.close()


@asynccontextmanager
async def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"{'https' if tls else 'http'}://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_large_bodies_both_ways_and_one_connection_for_all_of_them() -> None:
    async with serving(_large) as url, open_client(url) as client:
        with ledger.measure("x") as cost:
            for _ in range(3):
                assert (await client.post("/", content=GRANDE)).content == GRANDE
    assert (cost.tcp_connections, cost.http_requests) == (1, 3)


async def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    async with serving(_once) as url, open_client(url) as client:
        for _ in range(5):
            assert (await client.get("/")).text == "ok"
            await asyncio.sleep(0.01)


async def test_each_way_to_fail_has_the_clients_own_error() -> None:
    async with serving(_deaf) as url, open_client(url, timeout_s=0.1) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/")
        with pytest.raises(httpx.WriteTimeout):
            await client.post("/", content=GRANDE * 4)
        await asyncio.sleep(0.5)
    async with serving(_cut) as url, open_client(url) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/")
    async with open_client("http://127.0.0.1:9") as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("/")


async def test_reading_and_writing_at_once_do_not_put_each_other_to_sleep() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
        writer.close()

    async with serving(echo) as url:
        stream = await Backend().connect_tcp("localhost", int(url.rpartition(":")[2]))
        received = bytearray()

        async def read() -> None:
            while len(received) < len(GRANDE):
                received.extend(await stream.read(1 << 16, timeout=5))

        await asyncio.gather(read(), stream.write(GRANDE, timeout=5))
        assert received == GRANDE
        await stream.aclose()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of its own for localhost, its key in the same file."""
    place = tmp_path_factory.mktemp("tls")
    key, certificate = place / "k.pem", place / "c.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + key.read_text())
    return certificate


@pytest.fixture
def secure(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


async def test_a_certificate_nobody_vouches_for_is_refused(secure: ssl.SSLContext) -> None:
    async with serving(_large, secure) as url:
        pool = HttpPool({"a": Upstream("a", url, http2=True)})
        with pytest.raises(httpx.ConnectError):
            await pool.get_http_client("a").get("/")
        await pool.close_http_client()


async def test_an_answer_under_a_certificate_we_trust_comes_whole(
    certificate: Path, secure: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with serving(_large, secure) as url, open_client(url) as client:
        for _ in range(2):
            assert (await client.post("/", content=b"oi")).content == GRANDE

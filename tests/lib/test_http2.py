"""HTTP/2 over our own connections, against a real server that speaks it over TLS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, RequestReceived, StreamEnded

from lib import ledger
from lib.http import HttpPool, Upstream
from tests.lib.tls import Kept, fingerprint, self_signed, server_context, serving

pytestmark = pytest.mark.anyio

GRANDE = b"x" * 300_000


class Server:
    """Answers with what was sent, or with `GRANDE` where nothing was; `/feche` then hangs up, `/espere` waits."""

    def __init__(self) -> None:
        self.connections = self.requests = self.together = self.most = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        line = Line(self, writer)
        while (data := await reader.read(65536)) and not line.take(data):
            pass
        writer.close()


class Line:
    """One connection of the server."""

    def __init__(self, server: Server, writer: asyncio.StreamWriter) -> None:
        self._server, self._writer = server, writer
        self._speech = H2Connection(H2Configuration(client_side=False))
        self._speech.initiate_connection()
        self._paths: dict[int, bytes] = {}
        self._bodies: dict[int, bytes] = {}
        self._unsent: dict[int, bytes] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._push()

    def take(self, data: bytes) -> bool:
        """Read what came; tell whether it is time to hang up."""
        for event in self._speech.receive_data(data):
            self._event(event)
        self._push()
        return not self._unsent and b"/feche" in self._paths.values() and not self._bodies

    def _event(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=int(stream), headers=list(headers)):
                self._server.requests += 1
                self._bodies[stream], self._paths[stream] = b"", dict(headers)[b":path"]
            case DataReceived(stream_id=int(stream), data=bytes(data), flow_controlled_length=int(length)):
                self._bodies[stream] += data
                self._speech.acknowledge_received_data(length, stream)
            case StreamEnded(stream_id=int(stream)) if self._paths[stream] == b"/espere":
                task = asyncio.create_task(self._later(stream))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case StreamEnded(stream_id=int(stream)):
                self._answer(stream)

    async def _later(self, stream: int) -> None:
        server = self._server
        server.together += 1
        server.most = max(server.most, server.together)
        await asyncio.sleep(0.1)
        server.together -= 1
        self._answer(stream)

    def _answer(self, stream: int) -> None:
        self._speech.send_headers(stream, [(":status", "200")])
        self._unsent[stream] = self._bodies.pop(stream) or GRANDE
        self._push()

    def _push(self) -> None:
        for stream in list(self._unsent):
            while self._unsent[stream] and (room := self._speech.local_flow_control_window(stream)) > 0:
                size = min(room, self._speech.max_outbound_frame_size)
                part, self._unsent[stream] = self._unsent[stream][:size], self._unsent[stream][size:]
                self._speech.send_data(stream, part, end_stream=not self._unsent[stream])
            if not self._unsent[stream]:
                del self._unsent[stream]
        self._writer.write(self._speech.data_to_send())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("h2"), nome="localhost")


@asynccontextmanager
async def speaking(server: Server, certificate: Path) -> AsyncIterator[HttpPool]:
    async with serving(server, server_context(certificate, "h2", "http/1.1")) as url:
        pool = HttpPool(
            {
                "novo": Upstream("novo", url, http2=True, ca_file=certificate, sha256=fingerprint(certificate)),
                "alheio": Upstream("alheio", url, http2=True, sha256="ab" * 32),
            }
        )
        try:
            yield pool
        finally:
            await pool.close_http_client()


async def test_large_bodies_go_both_ways_over_one_connection(certificate: Path) -> None:
    server = Server()
    async with speaking(server, certificate) as pool:
        client = pool.get_http_client("novo")
        with ledger.measure("x") as cost:
            first = await client.post("/", content=GRANDE)
            rest = [await client.get("/") for _ in range(5)]
    assert first.http_version == "HTTP/2"
    assert [answer.content for answer in (first, *rest)] == [GRANDE] * 6
    assert (server.connections, server.requests) == (1, 6)
    assert (cost.http_requests, cost.tcp_connections) == (6, 1)


async def test_many_requests_share_the_connection_at_once(certificate: Path) -> None:
    server = Server()
    async with speaking(server, certificate) as pool:
        client = pool.get_http_client("novo")
        await client.post("/", content=b"oi")
        answers = await asyncio.gather(*(client.post("/espere", content=b"%d" % n) for n in range(20)))
        assert [answer.content for answer in answers] == [b"%d" % n for n in range(20)]
        assert (server.connections, server.most) == (1, 20)
        assert pool.medidas()["novo"].em_voo == 0


async def test_a_connection_that_the_server_closed_is_not_used_again(certificate: Path) -> None:
    server = Server()
    async with speaking(server, certificate) as pool:
        for _ in range(5):
            assert (await pool.get_http_client("novo").post("/feche", content=b"oi")).content == b"oi"
            await asyncio.sleep(0.05)
        assert (server.connections, pool.medidas()["novo"].sem_resposta) == (5, 0)


async def test_a_request_given_up_does_not_take_the_others_with_it(certificate: Path) -> None:
    server = Server()
    async with speaking(server, certificate) as pool:
        client = pool.get_http_client("novo")
        await client.post("/", content=b"oi")
        kept = asyncio.create_task(client.post("/espere", content=b"fico"))
        await asyncio.sleep(0.02)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await client.post("/espere", content=GRANDE)
        assert (await client.post("/", content=b"novo")).content == b"novo"
        assert (await kept).content == b"fico"
        assert server.connections == 2
        for _ in range(3):
            await client.post("/", content=b"oi")
        assert server.connections == 2, "the first one is gone, the second one stays"


async def test_the_pin_is_looked_at_before_the_first_frame(certificate: Path) -> None:
    server = Server()
    async with speaking(server, certificate) as pool:
        with pytest.raises(Exception, match="not the pinned one"):
            await pool.get_http_client("alheio").get("/")
        assert server.requests == 0


async def test_a_server_without_http2_is_spoken_to_as_before(certificate: Path) -> None:
    server = Kept()
    async with serving(server, server_context(certificate, "http/1.1")) as url:
        pool = HttpPool({"a": Upstream("a", url, http2=True, ca_file=certificate)})
        answer = await pool.get_http_client("a").get("/")
        await pool.close_http_client()
    assert (answer.http_version, answer.text) == ("HTTP/1.1", "ok")

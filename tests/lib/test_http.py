"""The pooled clients: one per upstream, measured, trusting whom they are told to, and closed together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import respx

from lib import ledger
from lib.http import HttpPool, Medida, Upstream
from lib.providers.chamada import Chamada, Falha, ProviderError, call
from tests.lib.tls import Kept, fingerprint, self_signed, server_context, serving

pytestmark = pytest.mark.anyio

ALHEIO = "ab" * 32


@asynccontextmanager
async def opened(*upstreams: Upstream) -> AsyncIterator[HttpPool]:
    pool = HttpPool({upstream.name: upstream for upstream in upstreams})
    try:
        yield pool
    finally:
        await pool.close_http_client()


async def test_each_upstream_has_one_client_for_its_life() -> None:
    pool = HttpPool({"a": Upstream("a", "http://a.test"), "b": Upstream("b", "http://b.test")})
    assert pool.get_http_client("a") is pool.get_http_client("a")
    assert pool.get_http_client("a") is not pool.get_http_client("b")
    with pytest.raises(KeyError):
        pool.get_http_client("c")
    await pool.close_http_client()
    assert pool.get_http_client("a").is_closed
    assert pool.get_http_client("b").is_closed


@respx.mock
async def test_requests_are_counted_and_redirects_are_not_followed() -> None:
    respx.get("http://a.test/x").respond(302, headers={"location": "http://b.test/"})
    async with opened(Upstream("a", "http://a.test")) as pool:
        with ledger.measure("x") as cost:
            answer = await pool.get_http_client("a").get("/x")
    assert (answer.status_code, cost.http_requests) == (302, 1)


def test_the_environments_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:1")
    pool = HttpPool({"a": Upstream("a", "http://a.test")})
    assert not pool.get_http_client("a").trust_env


async def test_a_warm_upstream_opens_no_connection_and_each_has_its_own_measure() -> None:
    server = Kept()
    async with serving(server) as url, opened(Upstream("a", url), Upstream("b", url)) as pool:
        client = pool.get_http_client("a")
        assert (await client.get("/")).text == "ok"
        with ledger.measure("warm") as cost:
            for _ in range(20):
                await client.get("/")
        medida = pool.medidas()["a"]
    assert (cost.http_requests, cost.tcp_connections) == (20, 0)
    assert server.connections == 1
    assert (medida.pedidos, medida.sem_resposta, medida.conexoes, medida.em_voo) == (21, 0, 1, 0)
    assert medida.segundos > 0
    assert pool.medidas()["b"] == Medida(0, 0, 0, 0, 0.0)


async def test_what_ends_without_a_whole_answer_is_counted_whatever_ended_it() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")
        writer.close()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()
        writer.close()

    async with serving(half) as cut, serving(deaf) as hung:
        upstreams = Upstream("cut", cut), Upstream("hung", hung), Upstream("away", "http://127.0.0.1:9")
        async with opened(*upstreams) as pool:
            with pytest.raises(httpx.RemoteProtocolError):
                await pool.get_http_client("cut").get("/")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await pool.get_http_client("hung").get("/")
            with pytest.raises(httpx.ConnectError):
                await pool.get_http_client("away").get("/")
            found = {name: (m.pedidos, m.sem_resposta, m.conexoes, m.em_voo) for name, m in pool.medidas().items()}
    assert found == {"cut": (1, 1, 1, 0), "hung": (1, 1, 1, 0), "away": (1, 1, 0, 0)}


async def test_a_vendor_that_hangs_with_all_its_connections_taken_starves_no_other() -> None:
    async def hung(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    awake = Kept()
    async with serving(hung) as slow, serving(awake) as quick:
        async with opened(Upstream("slow", slow, limit=2), Upstream("quick", quick, limit=2)) as pool:
            stuck = [asyncio.create_task(pool.get_http_client("slow").get("/")) for _ in range(20)]
            while pool.medidas()["slow"].conexoes < 2:  # noqa: ASYNC110 - nobody rings when a connection is there
                await asyncio.sleep(0.01)
            async with asyncio.timeout(2):
                for _ in range(50):
                    assert (await pool.get_http_client("quick").get("/")).text == "ok"
            assert pool.medidas()["slow"].em_voo == 20
            assert not any(task.done() for task in stuck)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)
        assert pool.medidas()["slow"].em_voo == 0


@pytest.fixture(scope="module")
def nameless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("nameless"), nome=None)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("named"), nome="localhost")


async def test_a_named_authority_is_the_only_one(nameless: Path, named: Path) -> None:
    server = Kept()
    async with serving(server, server_context(named)) as url:
        upstreams = (
            Upstream("public", url),
            Upstream("own", url, ca_file=named),
            Upstream("other", url, ca_file=nameless, sem_nome=True),
        )
        async with opened(*upstreams) as pool:
            assert (await pool.get_http_client("own").get("/")).text == "ok"
            for name in ("public", "other"):
                with pytest.raises(httpx.ConnectError):
                    await pool.get_http_client(name).get("/")


async def test_a_certificate_without_a_name_is_accepted_only_where_that_is_said(nameless: Path) -> None:
    server = Kept()
    async with serving(server, server_context(nameless)) as url:
        strict, loose = Upstream("a", url, ca_file=nameless), Upstream("b", url, ca_file=nameless, sem_nome=True)
        async with opened(strict, loose) as pool:
            assert (await pool.get_http_client("b").get("/")).text == "ok"
            with pytest.raises(httpx.ConnectError):
                await pool.get_http_client("a").get("/")


@pytest.mark.parametrize("com_autoridade", [False, True])
async def test_a_pinned_certificate_is_believed_and_any_other_hears_not_a_byte(
    nameless: Path, com_autoridade: bool
) -> None:
    server = Kept()
    more = {"ca_file": nameless, "sem_nome": True} if com_autoridade else {}
    async with serving(server, server_context(nameless)) as url:
        right = Upstream("right", url, sha256=fingerprint(nameless), **more)  # type: ignore[arg-type] # a test's table
        wrong = Upstream("wrong", url, sha256=ALHEIO, **more)  # type: ignore[arg-type] # a test's table
        async with opened(right, wrong) as pool:
            for _ in range(3):
                assert (await pool.get_http_client("right").get("/")).text == "ok"
            heard = server.bytes
            chamada = Chamada("ativador", "enqueue", segura=False, prazo_s=2)
            headers = {"x-api-key": "segredo"}
            with pytest.raises(ProviderError, match="not reached: ConnectError") as refused:
                await call(
                    pool.get_http_client("wrong"), chamada, "POST", "/activate", julga=lambda *_: None, headers=headers
                )
            await asyncio.sleep(0.05)
            assert (server.bytes, server.requests) == (heard, 3)
            assert refused.value.falha is Falha.REPETIR
            assert pool.medidas()["right"].conexoes == 1


@pytest.mark.parametrize(
    "values",
    [
        {"sem_nome": True},
        {"sha256": "abc"},
        {"sha256": "zz" * 32},
        {"sha256": "ab" * 31},
        {"base_url": "http://a.test", "sha256": ALHEIO},
        {"base_url": "http://a.test", "ca_file": Path("x.pem")},
    ],
)
def test_a_trust_that_proves_nothing_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a: "):
        Upstream(**{"name": "a", "base_url": "https://a.test", **values})  # type: ignore[arg-type] # a test's table

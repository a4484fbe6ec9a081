"""No address that somebody else chose makes us connect into our own network, or take what is no file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import respx

from lib.http import HttpPool, Upstream, open_client
from lib.providers.baixar import BYTES_MAX, Baixador, BaixarError, kind, public
from tests.lib.tls import Kept, self_signed, server_context, serving

HOST = "lookaside.fbsbx.com"
URL = f"https://{HOST}/whatsapp_business/attachments/?mid=1"
FORA = "157.240.12.34"
JPEG = b"\xff\xd8\xff\xe0" + b"j" * 100
TOKEN = {"authorization": "Bearer segredo"}


def to(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolver


@asynccontextmanager
async def baixador(
    resolver: Callable[[str, int], Awaitable[Sequence[str]]], origem: str | None = None
) -> AsyncIterator[Baixador]:
    async with open_client() as client:
        yield Baixador(client, frozenset({HOST, "scontent.whatsapp.net"}), resolver, origem)


class Servidor:
    """A plain HTTP server that gives one raw answer to every request, and counts its connections."""

    def __init__(self, answer: bytes, *, pause_s: float = 0.0) -> None:
        self.answer, self.pause_s, self.connections, self.heads = answer, pause_s, 0, list[bytes]()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answer)
            await writer.drain()
            await asyncio.sleep(self.pause_s)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def reply(content: bytes, *headers: str) -> bytes:
    lines = ["HTTP/1.1 200 OK", f"content-length: {len(content)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + content


def redirect(where: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nlocation: {where}\r\ncontent-length: 0\r\n\r\n".encode()


@respx.mock
async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    route = respx.get(f"https://{FORA}/whatsapp_business/attachments/").respond(200, content=JPEG)
    async with baixador(to(FORA, "157.240.12.35")) as one:
        found = await one.fetch(URL, TOKEN)
    assert (found.conteudo, found.mimetype) == (JPEG, "image/jpeg")
    request = route.calls.last.request
    assert request.url.host == FORA
    assert request.headers["host"] == HOST
    assert request.headers["authorization"] == "Bearer segredo"
    assert request.headers["accept-encoding"] == "identity"
    assert request.extensions["sni_hostname"] == HOST
    assert "segredo" not in repr(found)


async def test_a_pinned_connection_is_still_checked_for_the_hosts_name(tmp_path: Path) -> None:
    certificate, seen = self_signed(tmp_path, nome=HOST), Kept()
    async with serving(seen, server_context(certificate)) as url:
        port = httpx.URL(url).port
        pool = HttpPool({"midia": Upstream("midia", f"https://localhost:{port}", ca_file=certificate)})
        client = pool.get_http_client("midia")
        pinned = f"https://127.0.0.1:{port}/"
        answer = await client.get(pinned, headers={"host": HOST}, extensions={"sni_hostname": HOST})
        assert answer.status_code == 200
        await pool.close_http_client()
        pool = HttpPool({"midia": Upstream("midia", f"https://localhost:{port}", ca_file=certificate)})
        with pytest.raises(httpx.ConnectError):
            await pool.get_http_client("midia").get(pinned, extensions={"sni_hostname": "evil.example"})
        await pool.close_http_client()


PRIVADOS = (
    "169.254.169.254",
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",  # noqa: S104 - an address to refuse
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "0x7f.1",
    "localhost",
    "",
)


@respx.mock
@pytest.mark.parametrize("address", PRIVADOS)
async def test_a_host_that_resolves_into_our_network_is_never_connected_to(address: str) -> None:
    assert not public(address)
    for resolver in (to(address), to(FORA, address)):
        async with baixador(resolver) as one:
            with pytest.raises(BaixarError, match="not on the internet"):
                await one.fetch(URL)
    assert respx.calls.call_count == 0


@pytest.mark.parametrize("address", [FORA, "8.8.8.8", "2a03:2880:f10c:83:face:b00c:0:25de"])
def test_the_internets_own_addresses_are_public(address: str) -> None:
    assert public(address)


@respx.mock
@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/",
        f"https://{HOST}:8443/",
        f"https://{HOST}@127.0.0.1/",
        f"https://user:pw@{HOST}/",
        f"https://{HOST}.evil.example/",
        "https://evil.example/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:127.0.0.1]/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://localhost/",
        f"ftp://{HOST}/",
        f"//{HOST}/",
        "file:///etc/passwd",
        "https://[::1/",
        f"https://{HOST}:99999/",
        "",
        "não é um endereço",
        f"https://{HOST}/\x00",
    ],
)
async def test_an_address_that_is_not_the_providers_is_refused_unresolved(url: str) -> None:
    asked: list[str] = []

    async def resolver(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return ("127.0.0.1",)

    async with baixador(resolver) as one:
        with pytest.raises(BaixarError) as caught:
            await one.fetch(url, TOKEN)
    assert respx.calls.call_count == 0
    assert set(asked) <= {HOST}
    assert "evil" not in str(caught.value)


@respx.mock
async def test_a_name_that_changes_its_address_after_the_check_gains_nothing() -> None:
    given = iter([(FORA,), ("127.0.0.1",), ("127.0.0.1",)])

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        return next(given)

    respx.get(host=FORA).respond(302, headers={"location": URL})
    async with baixador(rebinding) as one:
        with pytest.raises(BaixarError, match="not on the internet"):
            await one.fetch(URL)
    assert [call.request.url.host for call in respx.calls] == [FORA]


@respx.mock
async def test_a_host_without_an_address_is_a_typed_error() -> None:
    async def nobody(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such host")

    for resolver in (nobody, to()):
        async with baixador(resolver) as one:
            with pytest.raises(BaixarError):
                await one.fetch(URL)


async def test_a_redirect_into_our_network_reaches_nobody() -> None:
    trap = Servidor(reply(JPEG))
    async with serving(trap) as inside:
        port = httpx.URL(inside).port
        for where in (
            inside,
            f"http://127.0.0.1:{port}/x",
            f"https://127.0.0.1:{port}/x",
            f"http://[::ffff:127.0.0.1]:{port}/",
            f"http://0x7f.1:{port}/",
            f"//127.0.0.1:{port}/",
            f"https://{HOST}:{port}/",
        ):
            async with serving(Servidor(redirect(where))) as door, baixador(to("127.0.0.1"), origem=door) as one:
                with pytest.raises(BaixarError):
                    await one.fetch(f"{door}/midia/1", TOKEN)
    assert trap.connections == 0


@respx.mock
async def test_a_redirect_to_the_providers_other_host_goes_without_our_token() -> None:
    respx.get(host=FORA, headers={"host": HOST}).respond(302, headers={"location": "https://scontent.whatsapp.net/f"})
    other = respx.get(host=FORA, headers={"host": "scontent.whatsapp.net"}).respond(200, content=JPEG)
    async with baixador(to(FORA)) as one:
        assert (await one.fetch(URL, TOKEN)).mimetype == "image/jpeg"
    assert "authorization" not in other.calls.last.request.headers


@respx.mock
async def test_the_fourth_redirect_is_one_too_many() -> None:
    route = respx.get(host=FORA).respond(302, headers={"location": "/again"})
    async with baixador(to(FORA)) as one:
        with pytest.raises(BaixarError, match="more than 3 redirects"):
            await one.fetch(URL)
    assert route.call_count == 4


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (reply(b"<html><script>"), "no allowed kind"),
        (reply(b"<svg xmlns='http://www.w3.org/2000/svg'>", "content-type: image/jpeg"), "no allowed kind"),
        (reply(b"\xd0\xcf\x11\xe0macro"), "no allowed kind"),
        (reply(b""), "no allowed kind"),
        (reply(JPEG, "content-encoding: gzip"), "compressed"),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "answered 404"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", "more than"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n" + JPEG, "broken off"),
        (b"no http\r\n\r\n", "broken off"),
    ],
)
async def test_what_is_no_file_is_a_typed_error(answer: bytes, why: str) -> None:
    async with serving(Servidor(answer)) as door, baixador(to(), origem=door) as one:
        with pytest.raises(BaixarError, match=why):
            await one.fetch(f"{door}/midia/1")


async def test_a_stream_without_a_length_is_cut_at_its_limit() -> None:
    endless = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + JPEG + b"\0" * BYTES_MAX
    async with serving(Servidor(endless)) as door, baixador(to(), origem=door) as one:
        with pytest.raises(BaixarError, match="more than"):
            await one.fetch(f"{door}/midia/1")


async def test_a_slow_stream_is_given_up() -> None:
    slow = Servidor(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n" + JPEG, pause_s=5.0)
    begun = time.monotonic()
    async with serving(slow) as door, baixador(to(), origem=door) as one:
        with pytest.raises(BaixarError, match="not there within"):
            await replace(one, prazo_s=0.2).fetch(f"{door}/midia/1")
    assert time.monotonic() - begun < 2.0


async def test_the_operators_own_address_is_trusted_exactly_and_no_further() -> None:
    async with serving(Servidor(reply(JPEG))) as door, serving(trap := Servidor(reply(JPEG))) as other:
        async with baixador(to("127.0.0.1"), origem=f"{door}/meta") as one:
            assert (await one.fetch(f"{door}/meta/_midia/1", TOKEN)).conteudo == JPEG
            with pytest.raises(BaixarError):
                await one.fetch(f"{other}/meta/_midia/1", TOKEN)
        async with baixador(to("127.0.0.1")) as real:
            with pytest.raises(BaixarError):
                await real.fetch(f"{door}/meta/_midia/1", TOKEN)
    assert trap.connections == 0


@pytest.mark.parametrize(
    ("begins", "mimetype"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
        (b"OggS\x00", "audio/ogg"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x20ftyp3gp5", "video/3gpp"),
        (b"#!AMR\n", "audio/amr"),
        (b"ID3\x04", "audio/mpeg"),
        (b"%PDF-1.7", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"MZ\x90", None),
        (b"#!/bin/sh", None),
        (b"<!DOCTYPE html>", None),
        (b"<?xml version", None),
        (b"", None),
    ],
)
def test_a_kind_is_told_by_the_bytes(begins: bytes, mimetype: str | None) -> None:
    assert kind(begins) == mimetype

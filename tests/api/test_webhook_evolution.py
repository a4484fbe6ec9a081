"""The webhook's door: what is stored before 2xx, and what Evolution must or must not send again."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import structlog
from sqlalchemy import text
from starlette.requests import Request

from api.app import create_app
from api.webhooks.corpo import CORPO_MAX, read_raw
from lib.auth import webhook_key
from lib.db import Database, Step
from lib.errors import PayloadTooSlowError
from lib.settings import Settings
from tests.api.viva import Api
from tests.builders import um_chip
from tests.conftest import WEBHOOK_SECRET
from tests.providers.caixa import serving

pytestmark = pytest.mark.anyio

INSTANCIA = "chip-01"
PATH = f"/webhooks/evolution/{INSTANCIA}"
KEY = {"x-agente-webhook-key": webhook_key(WEBHOOK_SECRET, INSTANCIA)}


def event(**over: Any) -> dict[str, Any]:
    """A doctor's message, as Evolution sends it."""
    body: dict[str, Any] = {
        "event": "messages.upsert",
        "instance": INSTANCIA,
        "data": {
            "key": {"remoteJid": "5511900001001@s.whatsapp.net", "fromMe": False, "id": "3A000000000000000001"},
            "pushName": "Dra. Fictícia",
            "message": {"conversation": "Bom dia!"},
            "messageType": "conversation",
            "messageTimestamp": 1763827202,
        },
        "apikey": None,
    }
    return {**body, **over}


@pytest.fixture
async def _chip(db: Database) -> None:
    async with db.session() as session:
        session.add(um_chip(instancia=INSTANCIA))


async def stored(db: Database) -> int:
    [[row]] = await db.round_trip(Step(text("SELECT count(*) AS n FROM inbox")))
    return int(row["n"])


@pytest.mark.usefixtures("_chip")
async def test_a_message_is_stored_before_it_is_accepted_and_a_duplicate_changes_nothing(
    api: Api, db: Database
) -> None:
    for _ in range(2):
        answer = await api.client.post(PATH, json=event(), headers=KEY)
        assert (answer.status_code, answer.content) == (202, b"")
        assert await stored(db) == 1


@pytest.mark.usefixtures("_chip")
async def test_a_duplicate_fifty_times_at_once_is_one_row(api: Api, db: Database) -> None:
    answers = await asyncio.gather(*(api.client.post(PATH, json=event(), headers=KEY) for _ in range(50)))
    assert {answer.status_code for answer in answers} <= {202, 503}
    assert 202 in {answer.status_code for answer in answers}
    assert await stored(db) == 1


@pytest.mark.usefixtures("_chip")
@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"null", b"[]", b"7", b'"x"', b"\x00\xff", b"[" * 100_000, b'{"event":"evento.novo"}', b"{}", b"NaN"],
)
async def test_what_is_authentic_and_not_understood_is_stored_and_accepted(api: Api, db: Database, raw: bytes) -> None:
    answer = await api.client.post(PATH, content=raw, headers=KEY)
    assert answer.status_code == 202
    [[row]] = await db.round_trip(Step(text("SELECT raw, desfecho FROM inbox")))
    assert bytes(row["raw"]) == raw
    assert row["desfecho"]


@pytest.mark.usefixtures("_chip")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-agente-webhook-key": ""},
        {"x-agente-webhook-key": "errada"},
        {"x-agente-webhook-key": "é"},
        {"x-agente-webhook-key": webhook_key(WEBHOOK_SECRET, "chip-02")},
        {"authorization": f"Bearer {KEY['x-agente-webhook-key']}"},
    ],
)
async def test_a_wrong_key_is_401_counted_and_nothing_is_stored(
    api: Api, db: Database, headers: dict[str, str]
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = await api.client.post(PATH, content=json.dumps(event()), headers=raw)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await stored(db), api.app.state.recusados) == (0, 1)


@pytest.mark.usefixtures("_chip")
async def test_a_body_of_another_instance_is_401_although_its_key_is_right(api: Api, db: Database) -> None:
    answer = await api.client.post(PATH, json=event(instance="chip-02"), headers=KEY)
    assert answer.status_code == 401
    assert await stored(db) == 0


async def test_an_instance_that_we_do_not_know_yet_is_asked_to_come_again(api: Api, db: Database) -> None:
    answer = await api.client.post(PATH, json=event(), headers=KEY)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert await stored(db) == 0


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "GZIP"])
async def test_a_compressed_body_is_415(api: Api, encoding: str) -> None:
    answer = await api.client.post(PATH, content=gzip.compress(b"{}"), headers={**KEY, "content-encoding": encoding})
    assert answer.status_code == 415


@pytest.mark.usefixtures("_chip")
async def test_a_body_up_to_the_limit_is_taken_and_one_byte_more_is_413(api: Api, db: Database) -> None:
    assert (await api.client.post(PATH, content=b"x" * CORPO_MAX, headers=KEY)).status_code == 202
    assert (await api.client.post(PATH, content=b"x" * (CORPO_MAX + 1), headers=KEY)).status_code == 413
    assert await stored(db) == 1


@pytest.mark.usefixtures("_chip")
async def test_a_body_without_an_announced_length_is_cut_at_the_limit(api: Api, db: Database) -> None:
    sent = 0

    async def body(size: int) -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < size:
            sent += 65_536
            yield b"x" * 65_536

    assert (await api.client.post(PATH, content=body(CORPO_MAX + 65_536), headers=KEY)).status_code == 413
    with suppress(httpx.WriteError, httpx.ReadError):  # the API closed while we still wrote
        assert (await api.client.post(PATH, content=body(100 * CORPO_MAX), headers=KEY)).status_code == 413
    assert sent < 50 * CORPO_MAX
    assert await stored(db) == 0


async def test_a_body_that_does_not_arrive_is_given_up() -> None:
    parts = iter([b"{", b'"event"'])

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.03)
        return {"type": "http.request", "body": next(parts, b" "), "more_body": True}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    with pytest.raises(PayloadTooSlowError):
        await read_raw(request, CORPO_MAX, 0.2)


async def test_a_sender_that_hangs_up_is_no_fault_of_ours(api: Api) -> None:
    def hang_up() -> None:
        place = urlsplit(str(api.client.base_url))
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=5) as link:
            head = f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n"
            link.sendall(f"{head}x-agente-webhook-key: {KEY['x-agente-webhook-key']}\r\n\r\n{{".encode())

    with structlog.testing.capture_logs() as logs:
        await asyncio.to_thread(hang_up)
        await asyncio.sleep(0.2)
    assert not [one for one in logs if one["event"] == "request failed"]
    assert (await api.client.get("/livez")).status_code == 200


async def test_an_announced_length_is_believed_without_waiting_for_it(api: Api) -> None:
    answer = await asyncio.to_thread(raw_request, api, b"content-length: 99999999999\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_other_methods_and_paths_are_problems(api: Api) -> None:
    assert (await api.client.get(PATH, headers=KEY)).status_code == 405
    assert (await api.client.post(f"{PATH}/messages-upsert", json=event(), headers=KEY)).status_code == 404


async def test_without_a_database_nothing_is_accepted(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    url = f"postgresql://x:y@127.0.0.1:{port}/z"
    away = Settings.model_validate({**settings.model_dump(), "database_url": url, "drenagem_s": 0})
    async with serving(create_app(away)) as address, httpx.AsyncClient(base_url=address, timeout=10) as client:
        answer = await client.post(PATH, json=event(), headers=KEY)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert (await client.post(PATH, json=event())).status_code == 401


@pytest.mark.usefixtures("_chip")
async def test_both_keys_are_right_while_the_secret_rotates(settings: Settings, db: Database) -> None:
    rotating = Settings.model_validate(
        {**settings.model_dump(), "evolution_webhook_secret": f"{'n' * 40},{WEBHOOK_SECRET}"}
    )
    async with serving(create_app(rotating)) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        for secret in ("n" * 40, WEBHOOK_SECRET):
            headers = {"x-agente-webhook-key": webhook_key(secret, INSTANCIA)}
            assert (await client.post(PATH, json=event(), headers=headers)).status_code == 202
    assert await stored(db) == 1


def raw_request(api: Api, headers: bytes) -> bytes:
    """Speak HTTP by hand and return what comes back."""
    place = urlsplit(str(api.client.base_url))
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as link:
        head = f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\nx-agente-webhook-key: {KEY['x-agente-webhook-key']}\r\n"
        link.sendall(head.encode() + headers + b"\r\n")
        return link.recv(4096)

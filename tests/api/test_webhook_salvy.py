"""Salvy's door: signed bytes or nothing, a message once however it is delivered, no code that outlives its use."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import pytest
from sqlalchemy import text

from api.app import create_app
from api.webhooks.corpo import CORPO_MAX
from lib import log
from lib.clock import utc_now
from lib.db import Database, Row, Step
from lib.queries.webhook import Webhook
from lib.settings import Settings
from lib.usecases.salvy import GUARDA, atender, esquecer_sms
from tests.api.viva import Api
from tests.providers.caixa import serving

pytestmark = pytest.mark.anyio

PATH: Final = "/webhooks/salvy"
PASTA: Final = Path(__file__).parents[1] / "fixtures/salvy"
SPAM: Final = (PASTA / "webhook.sms.received_spam_no_code.json").read_bytes()
CONTA: Final = (PASTA / "webhook.phone-account.reactivated.json").read_bytes()
NOVO, VELHO, ALHEIO = (f"whsec_{base64.b64encode(name * 8).decode()}" for name in (b"novo", b"velh", b"alhe"))


def signed(
    raw: bytes, msg_id: str = "msg_1", segredo: str = NOVO, idade_s: float = 0, nome: str = "svix"
) -> dict[str, str]:
    timestamp = str(int(time.time() - idade_s))
    key = base64.b64decode(segredo.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{msg_id}.{timestamp}.".encode() + raw, hashlib.sha256)
    signature = f"v1a,xxx v1,{base64.b64encode(digest).decode()}"
    return {f"{nome}-id": msg_id, f"{nome}-timestamp": timestamp, f"{nome}-signature": signature}


def com_codigo(id_: str = "b9") -> bytes:
    data = {
        "id": id_,
        "phoneAccountId": "a1",
        "message": "Seu código do WhatsApp: 123-456",
        "receivedAt": "2026-11-20T12:00:00Z",
    }
    return orjson.dumps({"type": "sms.received", "data": data})


@pytest.fixture
def com_salvy(settings: Settings) -> Settings:
    salvy = {
        "salvy_url": "http://127.0.0.1:9",
        "salvy_api_key": "salvy_test_sandbox",
        "salvy_webhook_secret": f"{NOVO},{VELHO}",
    }
    return Settings.model_validate({**settings.model_dump(), **salvy})


@pytest.fixture
async def api(com_salvy: Settings) -> AsyncIterator[Api]:
    app = create_app(com_salvy)
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        yield Api(app, client)


async def rows(db: Database) -> list[Row]:
    [found] = await db.round_trip(Step(text("SELECT * FROM webhook ORDER BY id")))
    return found


async def test_a_message_is_stored_once_however_it_is_delivered(api: Api, db: Database) -> None:
    for headers in (signed(SPAM), signed(SPAM), signed(SPAM, "msg_2"), signed(SPAM, "msg_3", VELHO, nome="webhook")):
        answer = await api.client.post(PATH, content=SPAM, headers=headers)
        assert (answer.status_code, answer.content) == (202, b"")
    [row] = await rows(db)
    assert (row["source"], row["tipo"], row["raw"]) == ("salvy", "sms.received", SPAM)
    assert row["chave"] == "sms:00000000-0000-4000-8000-00000000b002"


async def test_a_numbers_events_are_told_apart_by_their_delivery(api: Api, db: Database) -> None:
    for msg_id in ("msg_1", "msg_1", "msg_2"):
        assert (await api.client.post(PATH, content=CONTA, headers=signed(CONTA, msg_id))).status_code == 202
    assert [row["chave"] for row in await rows(db)] == ["evento:msg_1", "evento:msg_2"]


@pytest.mark.parametrize("raw", [b"", b"not json", b"[]", b'{"type": "esim.teleported"}', b'{"type": "sms.received"}'])
async def test_what_is_signed_and_not_understood_is_kept(api: Api, db: Database, raw: bytes) -> None:
    assert (await api.client.post(PATH, content=raw, headers=signed(raw))).status_code == 202
    assert [row["raw"] for row in await rows(db)] in ([raw], [b"{}"] if raw else [b""])


def without(headers: Mapping[str, str], part: str) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.endswith(part)}


FALSAS: Final[Mapping[str, Callable[[], Mapping[str, str]]]] = {
    "nothing": dict,
    "another secret": lambda: signed(SPAM, segredo=ALHEIO),
    "old": lambda: signed(SPAM, idade_s=301),
    "from the future": lambda: signed(SPAM, idade_s=-330),
    "of other bytes": lambda: signed(orjson.dumps(orjson.loads(SPAM))),
    "of another delivery": lambda: signed(SPAM) | {"svix-id": "msg_2"},
    "empty": lambda: signed(SPAM) | {"svix-signature": "v1,"},
    "no time": lambda: signed(SPAM) | {"svix-timestamp": "agora"},
    "without id": lambda: without(signed(SPAM), "-id"),
    "without time": lambda: without(signed(SPAM), "-timestamp"),
    "without signature": lambda: without(signed(SPAM), "-signature"),
}


@pytest.mark.parametrize("falsa", FALSAS)
async def test_what_is_not_signed_as_it_came_is_refused_and_not_stored(api: Api, db: Database, falsa: str) -> None:
    headers = FALSAS[falsa]()
    answer = await api.client.post(PATH, content=SPAM, headers=headers)
    assert answer.status_code == 401
    assert await rows(db) == []


async def test_the_same_values_written_anew_are_not_the_same_bytes(api: Api, db: Database) -> None:
    anew = orjson.dumps(orjson.loads(SPAM))
    assert anew != SPAM
    assert (await api.client.post(PATH, content=anew, headers=signed(SPAM))).status_code == 401
    assert await rows(db) == []


async def test_what_is_too_long_or_too_deep_is_not_stored(api: Api, db: Database) -> None:
    long, deep = b" " * (CORPO_MAX + 1), b"[" * 100 + b"]" * 100
    assert (await api.client.post(PATH, content=long, headers=signed(long))).status_code == 413
    assert (await api.client.post(PATH, content=deep, headers=signed(deep))).status_code in {400, 413}
    assert await rows(db) == []


async def test_without_its_secret_the_door_is_shut(settings: Settings, db: Database) -> None:
    async with serving(create_app(settings)) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        assert (await client.post(PATH, content=SPAM, headers=signed(SPAM))).status_code in {401, 404}
    assert await rows(db) == []


async def test_a_code_is_neither_logged_nor_kept(api: Api, db: Database) -> None:
    resources: Any = api.app.state.resources
    out = io.StringIO()
    log.configure(json=True, stream=out)
    try:
        raw = com_codigo()
        await api.client.post(PATH, content=raw, headers=signed(raw))
        await api.client.post(PATH, content=CONTA, headers=signed(CONTA, "msg_2"))
        for row in await rows(db):
            linha = Webhook(row["id"], "salvy", row["tipo"], row["chave"], row["raw"], row["recebido_em"])
            await atender(resources, linha)
    finally:
        log.configure(json=True)
    told = out.getvalue()
    assert '"com_codigo":true' in told
    assert not any(secret in told for secret in ("123456", "123-456", "WhatsApp"))
    assert [row["raw"] for row in await rows(db)] == [raw, CONTA], "kept for those who need it now"
    agora = utc_now()
    assert await esquecer_sms(db, agora + GUARDA - timedelta(minutes=1)) == 0
    assert await esquecer_sms(db, agora + GUARDA) == 1
    assert await esquecer_sms(db, agora + GUARDA) == 0
    assert [row["raw"] for row in await rows(db)] == [b"{}", CONTA]


async def test_what_was_forgotten_before_it_was_read_is_no_trouble(api: Api, db: Database) -> None:
    resources: Any = api.app.state.resources
    await atender(resources, Webhook(1, "salvy", "sms.received", "sms:1", b"{}", utc_now()))

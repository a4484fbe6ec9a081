"""Chatwoot's door: only what is signed now is stored, once, and only then answered with 200."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import uuid4

import httpx
import orjson
import psycopg
import pytest
from fastapi import FastAPI

from api import problemas
from api.webhooks.chatwoot import CAMINHO, chatwoot
from lib.db import Database
from tests.fixtures.chatwoot_amostras import amostra, bruta, webhooks

pytestmark = pytest.mark.anyio

NOVO, VELHO = "n" * 40, "v" * 40
AGORA = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Porta:
    """The door, the database behind it, and how to knock."""

    client: httpx.AsyncClient
    pg_url: str
    app: FastAPI

    async def knock(self, raw: bytes, headers: dict[str, str]) -> int:
        return (await self.client.post(CAMINHO, content=raw, headers=headers)).status_code

    def stored(self) -> list[tuple[str, str, bytes]]:
        with psycopg.connect(self.pg_url) as connection:
            rows = connection.execute("SELECT chave, tipo, raw FROM webhook WHERE source = 'chatwoot' ORDER BY id")
            return [(key, kind, bytes(raw)) for key, kind, raw in rows]


@pytest.fixture
async def porta(db: Database, pg_url: str) -> AsyncIterator[Porta]:
    app = FastAPI()
    problemas.install(app)
    app.state.recusados = 0
    app.state.resources = SimpleNamespace(
        settings=SimpleNamespace(chatwoot_webhook_secrets=(NOVO, VELHO)), db_entrada=db, clock=lambda: AGORA
    )
    app.add_route(CAMINHO, chatwoot, methods=["POST"])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        yield Porta(client, pg_url, app)


def signed(raw: bytes, secret: str = NOVO, at: datetime = AGORA) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + raw, hashlib.sha256).hexdigest()
    return {
        "x-chatwoot-timestamp": stamp,
        "x-chatwoot-signature": f"sha256={digest}",
        "x-chatwoot-delivery": str(uuid4()),
        "content-type": "application/json",
    }


@pytest.mark.parametrize("nome", webhooks())
async def test_every_sample_is_stored_as_it_came(porta: Porta, nome: str) -> None:
    raw = bruta(nome)
    assert await porta.knock(raw, signed(raw)) == 200
    [(_, kind, kept)] = porta.stored()
    assert (kind, kept) == (nome.split(".", maxsplit=1)[0], raw)


async def test_the_secret_being_rotated_out_still_opens(porta: Porta) -> None:
    raw = bruta("contact_updated")
    assert await porta.knock(raw, signed(raw, VELHO)) == 200
    assert len(porta.stored()) == 1


def without(name: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda headers: {key: value for key, value in headers.items() if key != name}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: {},
        without("x-chatwoot-timestamp"),
        without("x-chatwoot-signature"),
        without("x-chatwoot-delivery"),
        lambda headers: headers | {"x-chatwoot-signature": "sha256=" + "0" * 64},
        lambda headers: headers | {"x-chatwoot-signature": headers["x-chatwoot-signature"].removeprefix("sha256=")},
        lambda headers: headers | {"x-chatwoot-timestamp": str(int(headers["x-chatwoot-timestamp"]) + 1)},
        lambda headers: headers | {"x-chatwoot-timestamp": "now"},
    ],
)
async def test_what_is_not_signed_is_not_stored(
    porta: Porta, spoil: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    raw = bruta("message_created.outgoing_agent")
    assert await porta.knock(raw, spoil(signed(raw))) == 401
    assert porta.stored() == []
    assert porta.app.state.recusados == 1


async def test_a_wrong_key_and_a_body_written_anew_are_refused(porta: Porta) -> None:
    raw = bruta("message_created.outgoing_agent")
    assert await porta.knock(raw, signed(raw, "x" * 40)) == 401
    assert await porta.knock(orjson.dumps(orjson.loads(raw)), signed(raw)) == 401
    assert porta.stored() == []


async def test_without_a_secret_of_ours_nobody_comes_in(porta: Porta) -> None:
    porta.app.state.resources.settings.chatwoot_webhook_secrets = ()
    raw = bruta("contact_updated")
    for secret in ("", NOVO):
        assert await porta.knock(raw, signed(raw, secret)) == 401
    assert porta.stored() == []


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-299, 200), (299, 200), (301, 401)])
async def test_the_window_is_five_minutes_both_ways(porta: Porta, seconds: int, status: int) -> None:
    raw = bruta("contact_updated")
    assert await porta.knock(raw, signed(raw, at=AGORA + timedelta(seconds=seconds))) == status
    assert len(porta.stored()) == (status == 200)


async def test_the_same_message_under_another_delivery_is_stored_once(porta: Porta) -> None:
    raw = bruta("message_created.outgoing_agent")
    headers = signed(raw)
    for _ in range(20):
        assert await porta.knock(raw, headers) == 200
    again = orjson.dumps(amostra("message_created.outgoing_agent") | {"brand_new": 1})
    assert await porta.knock(again, signed(again)) == 200
    [(key, _, kept)] = porta.stored()
    assert (key, kept) == ("message_created:12346", raw)


async def test_two_changes_of_a_conversation_are_two(porta: Porta) -> None:
    for nome in ("conversation_updated.label_added", "conversation_updated.assignee_changed"):
        raw = bruta(nome)
        assert await porta.knock(raw, signed(raw)) == 200
    assert len(porta.stored()) == 2


async def test_what_is_signed_and_no_event_is_kept_for_whoever_looks(porta: Porta) -> None:
    for raw in (b"", b"not json", b"[]"):
        assert await porta.knock(raw, signed(raw)) == 200
    assert [kind for _, kind, _ in porta.stored()] == ["", "", ""]


async def test_too_long_too_deep_and_compressed_are_refused(porta: Porta) -> None:
    long = b'{"x": "' + b"a" * 1_000_001 + b'"}'
    assert await porta.knock(long, signed(long)) == 413
    deep = b"[" * 100 + b"]" * 100
    assert await porta.knock(deep, signed(deep)) == 413
    packed = bruta("contact_updated")
    assert await porta.knock(packed, signed(packed) | {"content-encoding": "gzip"}) == 415
    assert porta.stored() == []


async def test_without_a_database_it_is_asked_to_come_again(porta: Porta) -> None:
    away = Database.open("postgresql://nobody@127.0.0.1:9/none", size=1, name="fora", wait_s=0.2)
    resources = porta.app.state.resources
    porta.app.state.resources = replace_db(resources, away)
    raw = bruta("contact_updated")
    try:
        assert await porta.knock(raw, signed(raw)) == 503
    finally:
        await away.close()
    assert porta.stored() == []


def replace_db(resources: SimpleNamespace, db: Database) -> SimpleNamespace:
    return SimpleNamespace(settings=resources.settings, clock=resources.clock, db_entrada=db)

"""Slack's door: signed and recent or 401; stored once; answered at once and with nothing in it."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import httpx
import orjson
import pytest
from sqlalchemy import text

from api.app import create_app
from api.webhooks.corpo import CORPO_MAX
from lib.assinatura import slack_valida
from lib.db import Database, Row, Step
from lib.settings import Settings
from tests.api.viva import Api
from tests.providers.caixa import serving

pytestmark = pytest.mark.anyio

SEGREDO = "s" * 40
PATH = "/webhooks/slack"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
PASTA = Path(__file__).parents[1] / "fixtures/slack"
MENCAO = (PASTA / "event.app_mention.json").read_bytes()
CLIQUE = urlencode({"payload": (PASTA / "interactive.block_actions_payload_decoded.json").read_text()}).encode()
COMANDO = urlencode(
    {"command": "/julia", "text": "ajuda", "user_id": "U1", "channel_id": "C1", "trigger_id": "1.2.3"}
).encode()


@pytest.fixture
def com_slack(settings: Settings) -> Settings:
    slack = {
        "slack_url": "http://127.0.0.1:9",
        "slack_token": "xoxb-teste",
        "slack_signing_secret": f"{'n' * 40},{SEGREDO}",
        "slack_canal": "C00000001",
        "worker_embutido": False,
    }
    return Settings.model_validate({**settings.model_dump(), **slack})


@pytest.fixture
async def api(com_slack: Settings) -> AsyncIterator[Api]:
    app = create_app(com_slack)
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        yield Api(app, client)


def assinado(
    raw: bytes, *, kind: str = JSON, segredo: str = SEGREDO, ha_s: float = 0, stamp: str | None = None
) -> dict[str, str]:
    stamp = stamp or str(int(time.time() - ha_s))
    mac = hmac.new(segredo.encode(), b"v0:%s:%s" % (stamp.encode(), raw), hashlib.sha256).hexdigest()
    return {"content-type": kind, "x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={mac}"}


async def manda(api: Api, raw: bytes, headers: Mapping[str, str] | None = None, *, kind: str = JSON) -> httpx.Response:
    return await api.client.post(PATH, content=raw, headers=headers or assinado(raw, kind=kind))


async def guardados(db: Database) -> list[Row]:
    [rows] = await db.round_trip(Step(text("SELECT source, chave, tipo, raw FROM webhook ORDER BY id")))
    return rows


async def test_events_commands_and_interactions_are_stored_as_they_came(api: Api, db: Database) -> None:
    for raw, kind in ((MENCAO, JSON), (COMANDO, FORM), (CLIQUE, f"{FORM}; charset=utf-8")):
        began = time.monotonic()
        answer = await manda(api, raw, kind=kind)
        assert (answer.status_code, answer.content) == (200, b"")
        assert time.monotonic() - began < 3
    rows = await guardados(db)
    assert [(row["source"], row["tipo"], row["raw"]) for row in rows] == [
        ("slack", JSON, MENCAO), ("slack", FORM, COMANDO), ("slack", f"{FORM}; charset=utf-8", CLIQUE),
    ]  # fmt: skip


async def test_retries_doubles_and_double_clicks_are_stored_once(api: Api, db: Database) -> None:
    double = orjson.loads(MENCAO)
    double["event_id"] = "Ev2"
    double["event"] |= {"type": "message", "channel_type": "channel"}
    again = CLIQUE.replace(b"1763827300.000500", b"1763827301.000600")
    for raw, kind in ((MENCAO, JSON), (MENCAO, JSON), (orjson.dumps(double), JSON), (CLIQUE, FORM), (again, FORM)):
        assert (await manda(api, raw, {**assinado(raw, kind=kind), "x-slack-retry-num": "1"})).status_code == 200
    assert len(await guardados(db)) == 2


async def test_the_challenge_is_given_back_only_when_signed(api: Api, db: Database) -> None:
    raw = b'{"type":"url_verification","challenge":"abc","token":"x"}'
    answer = await manda(api, raw)
    assert (answer.status_code, answer.text) == (200, "abc")
    assert (await manda(api, raw, {"content-type": JSON})).status_code == 401
    assert await guardados(db) == []


@pytest.mark.parametrize("name", ["event.message_bot_echo_ignore", "event.message_changed"])
async def test_what_is_nothing_to_us_is_answered_and_not_kept(api: Api, db: Database, name: str) -> None:
    assert (await manda(api, (PASTA / f"{name}.json").read_bytes())).status_code == 200
    assert (await manda(api, b"{")).status_code == 200
    assert await guardados(db) == []


async def test_slack_may_look_at_the_certificate(api: Api, db: Database) -> None:
    assert (await api.client.post(f"{PATH}?ssl_check=1")).status_code == 200
    assert (await manda(api, b"ssl_check=1&token=x", kind=FORM)).status_code == 200
    assert await guardados(db) == []


async def test_the_old_secret_counts_while_it_is_rotated_out(api: Api) -> None:
    assert (await manda(api, MENCAO, assinado(MENCAO, segredo="n" * 40))).status_code == 200


async def test_nothing_that_is_not_authentic_is_stored(api: Api, db: Database) -> None:
    good = assinado(MENCAO)
    again = orjson.dumps(orjson.loads(MENCAO))
    tries: list[tuple[bytes, Mapping[str, str]]] = [
        (MENCAO, {"content-type": JSON}),
        (MENCAO, {**good, "x-slack-signature": ""}),
        (MENCAO, {**good, "x-slack-signature": good["x-slack-signature"][3:]}),
        (MENCAO, {**good, "x-slack-signature": good["x-slack-signature"].upper()}),
        (MENCAO, assinado(MENCAO, segredo="errado")),
        (MENCAO, assinado(MENCAO, ha_s=302)),
        (MENCAO, assinado(MENCAO, ha_s=-302)),
        (MENCAO, assinado(MENCAO, stamp="agora")),
        (MENCAO, assinado(MENCAO, stamp="1e9")),
        (MENCAO, assinado(MENCAO, stamp="9" * 40)),
        (again, good),
        (CLIQUE, assinado(COMANDO, kind=FORM)),
    ]
    for raw, headers in tries:
        assert (await manda(api, raw, headers)).status_code == 401, headers
    assert await guardados(db) == []
    assert (await manda(api, MENCAO, assinado(MENCAO, ha_s=298))).status_code == 200


async def test_a_body_beyond_its_limits_is_refused(api: Api, db: Database) -> None:
    big = b"x" * (CORPO_MAX + 1)
    assert (await manda(api, big, assinado(big))).status_code == 413
    deep = b"[" * 5_000
    assert (await manda(api, deep, assinado(deep))).status_code == 413
    assert (await manda(api, MENCAO, {**assinado(MENCAO), "content-encoding": "gzip"})).status_code == 415
    assert await guardados(db) == []


def test_the_signature_slack_publishes_is_the_one_we_accept() -> None:
    raw = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    secret, stamp = "8f742231b10e8888abcd99yyyzzz85a5", "1531420618"
    then = datetime.fromtimestamp(1531420618, UTC)
    assert slack_valida(raw, stamp, signature, [secret], then)
    assert not slack_valida(raw + b"&", stamp, signature, [secret], then)

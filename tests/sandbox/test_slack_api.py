"""The sandbox's Slack: its refusals, its limits, and how it tells the app what people do."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lib.sandbox.slack_pessoa import SEM_RESPOSTA
from tests.providers.caixa import serving
from tests.sandbox.slack_vivo import CANAL, GESTORA, SEGREDO, TOKEN, SlackVivo, slack_no_ar

pytestmark = pytest.mark.anyio


@dataclass
class Porta:
    """Where the webhooks arrive: what came, and what to answer next (then 200)."""

    came: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    slow_s: float = 0.0

    async def __call__(self, request: Request) -> Response:
        self.came.append((await request.body(), dict(request.headers)))
        status = self.answers.pop(0) if self.answers else 200
        await asyncio.sleep(self.slow_s)
        return Response(status_code=status)

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.came) < count:  # noqa: ASYNC110 - a list tells nobody
                await asyncio.sleep(0.01)


@asynccontextmanager
async def com_porta() -> AsyncIterator[tuple[SlackVivo, Porta]]:
    porta = Porta()
    app = Starlette(routes=[Route("/webhooks/slack", porta.__call__, methods=["POST"])])
    async with serving(app) as url, slack_no_ar(url) as vivo:
        vivo.mundo.esperas_s = (0.0, 0.05, 0.05)
        yield vivo, porta


@pytest.fixture
async def vivo() -> AsyncIterator[SlackVivo]:
    async with slack_no_ar() as running:
        yield running


async def pede(vivo: SlackVivo, metodo: str, body: object = None, token: str = TOKEN, **query: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=vivo.api, headers=headers) as client:
        if query:
            return await client.get(f"/{metodo}", params=query)
        return await client.post(f"/{metodo}", json=body if body is not None else {})


BOTAO = {"type": "button", "text": {"type": "plain_text", "text": "Ok"}, "action_id": "ok", "value": "7"}


@pytest.mark.parametrize(
    ("metodo", "body", "error"),
    [
        ("chat.postMessage", {"channel": "C9", "text": "a"}, "channel_not_found"),
        ("chat.postMessage", {"channel": CANAL}, "no_text"),
        ("chat.postMessage", {"channel": CANAL, "text": "a" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": CANAL, "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ("chat.postMessage", {"channel": CANAL, "blocks": [{"type": "nada"}]}, "invalid_blocks"),
        ("chat.postMessage", {"channel": CANAL, "text": "a", "metadata": {"x": 1}}, "invalid_metadata_format"),
        ("chat.update", {"channel": CANAL, "ts": "1.1", "text": "a"}, "message_not_found"),
        ("chat.postEphemeral", {"channel": CANAL, "user": "U9", "text": "a"}, "user_not_in_channel"),
        ("views.open", {"trigger_id": "x", "view": {}}, "invalid_trigger_id"),
        ("files.completeUploadExternal", {"files": [{"id": "F9"}], "channel_id": CANAL}, "file_not_found"),
        ("conversations.history", {"channel": CANAL}, "channel_not_found"),  # no JSON there
        ("users.info", {"user": GESTORA}, "user_not_found"),
        ("chat.nada", {}, "unknown_method"),
    ],
)
async def test_it_refuses_with_200_and_a_code(vivo: SlackVivo, metodo: str, body: object, error: str) -> None:
    answer = await pede(vivo, metodo, body)
    assert (answer.status_code, answer.json()["ok"], answer.json()["error"]) == (200, False, error)


async def test_tokens_channels_and_triggers_have_their_own_refusals(vivo: SlackVivo) -> None:
    assert (await pede(vivo, "auth.test", token="")).json()["error"] == "not_authed"
    assert (await pede(vivo, "auth.test", token="xoxb-outro")).json()["error"] == "invalid_auth"
    vivo.mundo.canais[CANAL].membro = False
    assert (await pede(vivo, "chat.postMessage", {"channel": CANAL, "text": "a"})).json()["error"] == "not_in_channel"
    vivo.mundo.canais[CANAL].arquivado = True
    assert (await pede(vivo, "chat.postMessage", {"channel": CANAL, "text": "a"})).json()["error"] == "is_archived"
    trigger, blocks = vivo.mundo.trigger(GESTORA), [{"type": "divider"}]
    view = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": blocks}
    assert (
        await pede(vivo, "views.open", {"trigger_id": trigger, "view": {**view, "title": {"text": "x" * 25}}})
    ).json()["error"] == "invalid_arguments"
    assert (await pede(vivo, "views.open", {"trigger_id": trigger, "view": view})).json()["ok"]
    assert (await pede(vivo, "views.open", {"trigger_id": trigger, "view": view})).json()[
        "error"
    ] == "exchanged_trigger_id"
    late = vivo.mundo.trigger(GESTORA)
    vivo.mundo.gatilhos[late].ate_s = 0
    assert (await pede(vivo, "views.open", {"trigger_id": late, "view": view})).json()["error"] == "expired_trigger_id"


async def test_limits_hold_per_method_and_per_channel(vivo: SlackVivo) -> None:
    vivo.mundo.limites["chat.postMessage"] = 2
    says = {"channel": CANAL, "text": "a"}
    assert [(await pede(vivo, "chat.postMessage", says)).status_code for _ in range(3)] == [200, 200, 429]
    full = await pede(vivo, "chat.postMessage", says)
    assert full.json() == {"ok": False, "error": "ratelimited"}
    assert 1 <= int(full.headers["retry-after"]) <= 61
    assert (await pede(vivo, "chat.postMessage", {"channel": "C00000002", "text": "a"})).json()["ok"]
    assert (await pede(vivo, "auth.test")).json()["ok"]


async def test_history_has_pages_metadata_and_a_lag_and_hides_threads_and_ephemerals(vivo: SlackVivo) -> None:
    metadata = {"event_type": "t", "event_payload": {"id": "1"}}
    for n in range(5):
        body = {"channel": CANAL, "text": f"m{n}", "metadata": metadata}
        assert (await pede(vivo, "chat.postMessage", body)).json()["ok"]
    first = vivo.postadas()[0].ts
    await pede(vivo, "chat.postMessage", {"channel": CANAL, "text": "na conversa", "thread_ts": first})
    await pede(vivo, "chat.postEphemeral", {"channel": CANAL, "user": GESTORA, "text": "só você"})
    page = (await pede(vivo, "conversations.history", channel=CANAL, oldest=first, limit="3")).json()
    assert [m["text"] for m in page["messages"]] == ["m2", "m1", "m0"]
    assert "metadata" not in page["messages"][0]
    cursor = page["response_metadata"]["next_cursor"]
    rest = (
        await pede(vivo, "conversations.history", channel=CANAL, oldest=first, limit="3", cursor=cursor,
                   include_all_metadata="true")
    ).json()  # fmt: skip
    assert [(m["text"], m["metadata"]) for m in rest["messages"]] == [("m4", metadata), ("m3", metadata)]
    vivo.mundo.historico_atraso_s = 60
    assert (await pede(vivo, "conversations.history", channel=CANAL)).json()["messages"] == []


async def test_an_event_is_signed_and_sent_again_until_it_is_answered() -> None:
    async with com_porta() as (vivo, porta):
        porta.answers = [500, 500]
        vivo.pessoas.escreve_direto(GESTORA, "a < b")
        await porta.wait(3)
        raw, headers = porta.came[0]
        signed = b"v0:%s:%s" % (headers["x-slack-request-timestamp"].encode(), raw)
        assert headers["x-slack-signature"] == f"v0={hmac.new(SEGREDO.encode(), signed, hashlib.sha256).hexdigest()}"
        assert "x-slack-retry-num" not in headers
        again = [(h["x-slack-retry-num"], h["x-slack-retry-reason"]) for _, h in porta.came[1:]]
        assert again == [("1", "http_error"), ("2", "http_error")]
        assert {body for body, _ in porta.came} == {raw}
        event = orjson.loads(raw)["event"]
        assert (event["text"], event["channel_type"]) == ("a &lt; b", "im")


async def test_an_event_that_is_not_answered_in_time_comes_again_as_a_timeout() -> None:
    async with com_porta() as (vivo, porta):
        vivo.mundo.prazo_s, porta.slow_s = 0.1, 0.3
        vivo.pessoas.fala(GESTORA, CANAL, "bom dia")
        await porta.wait(4)
        assert porta.came[1][1]["x-slack-retry-reason"] == "http_timeout"
        assert porta.came[3][1]["x-slack-retry-num"] == "3"


async def test_a_mention_comes_as_two_events_of_one_message() -> None:
    async with com_porta() as (vivo, porta):
        vivo.pessoas.menciona(GESTORA, CANAL, "quantos plantões?")
        await porta.wait(2)
        bodies = [orjson.loads(raw) for raw, _ in porta.came]
        assert {body["event"]["type"] for body in bodies} == {"app_mention", "message"}
        assert len({body["event"]["ts"] for body in bodies}) == 1
        assert len({body["event_id"] for body in bodies}) == 2


async def test_commands_and_buttons_come_once_and_their_user_sees_when_nobody_answered() -> None:
    async with com_porta() as (vivo, porta):
        body = {"channel": CANAL, "text": "a", "blocks": [{"type": "actions", "elements": [BOTAO]}]}
        ts = (await pede(vivo, "chat.postMessage", body)).json()["ts"]
        porta.answers = [200, 500]
        trigger = vivo.pessoas.escreve_comando(GESTORA, CANAL, "ajuda")
        await porta.wait(1)
        fields = {name: value[0] for name, value in parse_qs(porta.came[0][0].decode()).items()}
        assert (fields["command"], fields["text"], fields["trigger_id"]) == ("/julia", "ajuda", trigger)
        vivo.pessoas.aperta(GESTORA, CANAL, ts, "ok")
        await porta.wait(2)
        payload: dict[str, Any] = orjson.loads(parse_qs(porta.came[1][0].decode())["payload"][0])
        assert payload["actions"][0]["value"] == "7"
        async with asyncio.timeout(5):
            while not any(m.para == GESTORA for m in vivo.mundo.mensagens):  # noqa: ASYNC110 - a list tells nobody
                await asyncio.sleep(0.01)
        assert [m.texto for m in vivo.mundo.mensagens if m.para == GESTORA] == [SEM_RESPOSTA]
        assert len(porta.came) == 2
        with pytest.raises(LookupError):
            vivo.pessoas.aperta(GESTORA, CANAL, ts, "outro")
        url = payload["response_url"]
        async with httpx.AsyncClient() as client:
            assert (await client.post(url, json={"text": "feito", "replace_original": True})).text == "ok"
            assert (await client.post(url, json={"text": "só você"})).text == "ok"
            assert (await client.post(url, content=b"x")).status_code == 400
            vivo.mundo.ganchos[url.rsplit("/", 1)[1]].ate_s = 0
            late = await client.post(url, json={"text": "tarde"})
        assert (late.status_code, late.json()["error"]) == (404, "expired_url")
        assert vivo.postadas()[0].texto == "feito"
        assert vivo.mundo.mensagens[-1].para == GESTORA


async def test_a_view_that_is_sent_comes_with_what_was_entered() -> None:
    async with com_porta() as (vivo, porta):
        view = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": [{"type": "divider"}],
                "callback_id": "pausar"}  # fmt: skip
        opened = await pede(vivo, "views.open", {"trigger_id": vivo.mundo.trigger(GESTORA), "view": view})
        vivo.pessoas.envia_tela(opened.json()["view"]["id"], {"motivo": {"texto": "banimento"}})
        await porta.wait(1)
        payload = orjson.loads(parse_qs(porta.came[0][0].decode())["payload"][0])
        assert payload["view"]["state"]["values"]["motivo"]["texto"]["value"] == "banimento"
        with pytest.raises(LookupError):
            vivo.pessoas.envia_tela(opened.json()["view"]["id"], {})

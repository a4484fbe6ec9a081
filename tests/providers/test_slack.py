"""Slack's Web API: what is asked, and what each of its answers means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest
import respx

from lib import ledger
from lib.http import HttpPool, Upstream
from lib.providers.chamada import Falha, ProviderError
from lib.providers.slack import Identidade, Origens, Slack, UsuarioSlack
from lib.providers.slack_blocos import divider, section
from lib.providers.slack_erros import FORA, INCERTAS, PERMANENTES, REPETIR
from tests.sandbox.slack_vivo import CANAL, GESTORA, TOKEN, SlackVivo, slack_no_ar

pytestmark = pytest.mark.anyio

BASE = "https://slack.com/api"
POST = f"{BASE}/chat.postMessage"
HOOK = "https://hooks.slack.com/actions/T1/2/x"
DESDE = datetime(2026, 3, 10, 13, tzinfo=UTC)


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    pool = HttpPool({"slack": Upstream("slack", BASE)})
    yield Slack(pool.get_http_client("slack"), "xoxb-secreta", 0.5)
    await pool.close_http_client()


@pytest.fixture
async def vivo() -> AsyncIterator[SlackVivo]:
    async with slack_no_ar() as running:
        yield running


@pytest.fixture
async def contra(vivo: SlackVivo) -> AsyncIterator[Slack]:
    """A client in front of the sandbox."""
    pool = HttpPool({"slack": Upstream("slack", vivo.api)})
    yield Slack(pool.get_http_client("slack"), TOKEN, 2.0)
    await pool.close_http_client()


@respx.mock
async def test_a_post_says_channel_text_blocks_thread_and_its_own_name(slack: Slack) -> None:
    route = respx.post(POST).respond(json={"ok": True, "ts": "1.2", "channel": "C1", "novidade": {}})
    assert await slack.post_message("C1", "oi <!channel>", [section("a & b")], "0.9", ("tipo", "id-1")) == "1.2"
    request = route.calls.last.request
    assert request.headers["authorization"] == "Bearer xoxb-secreta"
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert orjson.loads(request.content) == {
        "channel": "C1",
        "text": "oi &lt;!channel&gt;",
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "a &amp; b"}}],
        "unfurl_links": False,
        "thread_ts": "0.9",
        "metadata": {"event_type": "tipo", "event_payload": {"id": "id-1"}},
    }


@respx.mock
@pytest.mark.parametrize(
    ("metodo", "act", "body"),
    [
        (
            "chat.update",
            lambda s: s.update("C1", "1.2", "oi"),
            {"channel": "C1", "ts": "1.2", "text": "oi", "blocks": []},
        ),
        (
            "chat.postEphemeral",
            lambda s: s.post_ephemeral("C1", "U1", "oi"),
            {"channel": "C1", "user": "U1", "text": "oi"},
        ),
        ("views.open", lambda s: s.open_view("t1", {"type": "modal"}), {"trigger_id": "t1", "view": {"type": "modal"}}),
        ("auth.test", lambda s: s.auth_test(), {}),
    ],
)
async def test_each_method_is_asked_as_documented(
    slack: Slack, metodo: str, act: Callable[[Slack], Awaitable[object]], body: dict[str, object]
) -> None:
    answer = {"ok": True, "view": {"id": "V1"}, "team_id": "T1", "user_id": "U1", "message_ts": "1.1"}
    route = respx.post(f"{BASE}/{metodo}").respond(json=answer)
    await act(slack)
    assert orjson.loads(route.calls.last.request.content) == body


@respx.mock
async def test_methods_that_read_are_asked_by_query(slack: Slack) -> None:
    user = {"id": "U1", "name": "ana", "profile": {"display_name": "Ana"}, "deleted": True}
    route = respx.get(f"{BASE}/users.info", params={"user": "U1"}).respond(json={"ok": True, "user": user})
    assert await slack.users_info("U1") == UsuarioSlack("U1", "Ana", robo=False, ativo=False)
    assert "content-type" not in route.calls.last.request.headers


@respx.mock
async def test_the_history_is_read_page_by_page_for_the_metadata(slack: Slack) -> None:
    other = {"ts": "1.1", "metadata": {"event_type": "tipo", "event_payload": {"id": "outro"}}}
    found = {"ts": "1.3", "metadata": {"event_type": "tipo", "event_payload": {"id": "id-1"}}}
    first = {"ok": True, "messages": [other, {"ts": "1.2"}, None, 7], "response_metadata": {"next_cursor": "c2"}}
    pages = [first, {"ok": True, "messages": [found]}, {"ok": True, "messages": "?"}]
    route = respx.get(f"{BASE}/conversations.history").mock(side_effect=[httpx.Response(200, json=p) for p in pages])
    assert await slack.find_posted("C1", ("tipo", "id-1"), DESDE) == "1.3"
    asked = dict(route.calls[1].request.url.params)
    assert asked["cursor"] == "c2"
    assert asked["include_all_metadata"] == "true"
    assert float(asked["oldest"]) == DESDE.timestamp()
    assert await slack.find_posted("C1", ("tipo", "id-1"), DESDE) is None


def no(error: str, **more: object) -> dict[str, object]:
    """A refusal as Slack words it."""
    return {"ok": False, "error": error, **more}


ERRORS = [
    *((code, Falha.CANAL_FORA) for code in sorted(FORA)),
    *((code, Falha.REPETIR) for code in sorted(REPETIR)),
    *((code, Falha.INCERTA) for code in sorted(INCERTAS)),
    *((code, Falha.PERMANENTE) for code in sorted(PERMANENTES)),
    ("a_code_of_tomorrow", Falha.PERMANENTE),
]


@respx.mock
@pytest.mark.parametrize(("code", "falha"), ERRORS)
async def test_every_documented_error_means_one_thing(slack: Slack, code: str, falha: Falha) -> None:
    respx.post(POST).respond(json={"ok": False, "error": code}, headers={"x-slack-req-id": "req-1"})
    with pytest.raises(ProviderError) as caught:
        await slack.post_message("C1", "oi")
    assert (caught.value.falha, caught.value.codigo, caught.value.request_id) == (falha, code, "req-1")
    assert "slack chat.postMessage" in str(caught.value)


@respx.mock
@pytest.mark.parametrize(
    ("answer", "falha", "said"),
    [
        (httpx.Response(429, json=no("ratelimited"), headers={"retry-after": "7"}), Falha.REPETIR, "ratel"),
        (httpx.Response(429, text="slow down", headers={"retry-after": "7"}), Falha.REPETIR, "ratel"),
        (httpx.Response(500, json={"ok": False, "error": "x"}), Falha.INCERTA, "x"),
        (httpx.Response(503, text="<html>"), Falha.INCERTA, ""),
        (httpx.Response(200, html="<html>proxy</html>"), Falha.INCERTA, "not JSON (text/html"),
        (httpx.Response(200, content=b'{"ok":tr'), Falha.INCERTA, "not JSON"),
        (httpx.Response(200, json=[1]), Falha.INCERTA, "without ok"),
        (httpx.Response(200, json={"ok": "true", "ts": "1.2"}), Falha.INCERTA, "without ok"),
        (httpx.Response(200, json={"ok": True}), Falha.INCERTA, "without ts"),
        (httpx.Response(200, json={"ok": True, "ts": 12}), Falha.INCERTA, "without ts"),
        (httpx.Response(200, json={"ok": False}), Falha.PERMANENTE, "unknown error"),
        (httpx.Response(302, headers={"location": "https://evil.test"}), Falha.PERMANENTE, ""),
        (httpx.Response(200, json=no("missing_scope", needed="chat:write")), Falha.CANAL_FORA,
         "missing_scope: needs chat:write"),
        (httpx.Response(200, json=no("invalid_blocks", response_metadata={"messages": ["[ERROR] a", 1]})),
         Falha.PERMANENTE, "invalid_blocks: [ERROR] a"),
    ],
)  # fmt: skip
async def test_every_strange_answer_is_an_error_with_a_meaning(
    slack: Slack, answer: httpx.Response, falha: Falha, said: str
) -> None:
    respx.post(POST).mock(return_value=answer)
    with pytest.raises(ProviderError) as caught:
        await slack.post_message("C1", "texto do médico")
    assert caught.value.falha is falha
    assert said in caught.value.motivo
    assert caught.value.retry_after_s == (7.0 if answer.status_code == 429 else None)
    assert "xoxb" not in str(caught.value) + repr(slack)
    assert "médico" not in str(caught.value)


@respx.mock
@pytest.mark.parametrize(
    ("broken", "falha"),
    [
        (httpx.ConnectError("x"), Falha.REPETIR),
        (httpx.ReadTimeout("x"), Falha.INCERTA),
        (httpx.ReadError("x"), Falha.INCERTA),
    ],
)
async def test_a_call_that_never_arrived_may_be_repeated_and_one_without_answer_is_unclear(
    slack: Slack, broken: Exception, falha: Falha
) -> None:
    respx.post(POST).mock(side_effect=broken)
    with pytest.raises(ProviderError) as caught:
        await slack.post_message("C1", "oi")
    assert caught.value.falha is falha


@respx.mock
async def test_what_is_safe_to_repeat_is_never_unclear(slack: Slack) -> None:
    respx.post(f"{BASE}/chat.update").respond(500)
    respx.get(f"{BASE}/users.info").respond(200, html="<html>")
    for act in (slack.update("C1", "1.2", "oi"), slack.users_info("U1")):
        with pytest.raises(ProviderError) as caught:
            await act
        assert caught.value.falha is Falha.REPETIR


@respx.mock
async def test_a_late_answer_carries_no_token(slack: Slack) -> None:
    route = respx.post(HOOK).respond(200, text="ok")
    await slack.respond(HOOK, {"text": "<!here>", "blocks": [divider()], "replace_original": True})
    request = route.calls.last.request
    assert "authorization" not in request.headers
    assert orjson.loads(request.content) == {
        "text": "&lt;!here&gt;", "blocks": [{"type": "divider"}], "replace_original": True,
    }  # fmt: skip


@respx.mock
@pytest.mark.parametrize(
    ("answer", "falha"),
    [
        (httpx.Response(404, json={"ok": False, "error": "used_url"}), Falha.PERMANENTE),
        (httpx.Response(404, text="no_service"), Falha.PERMANENTE),
        (httpx.Response(403, text="action_prohibited"), Falha.CANAL_FORA),
        (httpx.Response(429, headers={"retry-after": "1"}), Falha.REPETIR),
        (httpx.Response(200, html="<html>"), Falha.INCERTA),
        (httpx.Response(500), Falha.INCERTA),
    ],
)
async def test_what_a_response_url_answers_is_judged(slack: Slack, answer: httpx.Response, falha: Falha) -> None:
    respx.post(HOOK).mock(return_value=answer)
    with pytest.raises(ProviderError) as caught:
        await slack.respond(HOOK, {"text": "oi"})
    assert caught.value.falha is falha


@respx.mock
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/actions", "http://hooks.slack.com/x", "https://hooks.slack.com:444/x", "https://hooks.slack.com@evil.test/",
        "https://u:p@hooks.slack.com/x", "https://hooks.slack.com.evil.test/", "//hooks.slack.com/x", "/x", "", "file:///etc/passwd",
    ],
)  # fmt: skip
async def test_nothing_is_sent_to_an_address_that_is_not_slacks(slack: Slack, url: str) -> None:
    with pytest.raises(ProviderError) as caught:
        await slack.respond(url, {"text": "oi"})
    assert caught.value.falha is Falha.PERMANENTE
    assert respx.calls.call_count == 0


@respx.mock
async def test_a_file_goes_in_three_steps_and_never_to_another_host(slack: Slack) -> None:
    ask = respx.get(f"{BASE}/files.getUploadURLExternal", params={"filename": "a.csv", "length": "3"})
    ask.respond(json={"ok": True, "upload_url": "https://files.slack.com/upload/v1/x", "file_id": "F1"})
    put = respx.post("https://files.slack.com/upload/v1/x").respond(text="OK - 3")
    done = respx.post(f"{BASE}/files.completeUploadExternal").respond(json={"ok": True, "files": [{"id": "F1"}]})
    assert await slack.upload("C1", "a.csv", b"a;b", "Relatório") == "F1"
    assert put.calls.last.request.content == b"a;b"
    assert "authorization" not in put.calls.last.request.headers
    assert orjson.loads(done.calls.last.request.content) == {
        "files": [{"id": "F1", "title": "Relatório"}], "channel_id": "C1",
    }  # fmt: skip
    ask.respond(json={"ok": True, "upload_url": "https://evil.test/upload", "file_id": "F1"})
    with pytest.raises(ProviderError, match="another host"):
        await slack.upload("C1", "a.csv", b"a;b", "Relatório")
    assert put.call_count == 1


def test_late_answers_and_files_go_where_slack_has_them_or_the_sandbox_is() -> None:
    assert Origens.of(BASE) == Origens("https://hooks.slack.com", "https://files.slack.com")
    assert Origens.of("http://127.0.0.1:8080/slack/api").resposta == "http://127.0.0.1:8080"


async def test_a_warm_client_opens_no_connection(contra: Slack) -> None:
    await contra.auth_test()
    with ledger.measure("slack") as conta:
        assert await contra.auth_test() == Identidade("T00000001", "U0BOT0001", "B00000001")
        await contra.post_message(CANAL, "oi")
    assert conta.counts().get("tcp_connections", 0) == 0


async def test_the_whole_client_against_the_sandbox(contra: Slack, vivo: SlackVivo) -> None:
    ts = await contra.post_message(CANAL, "oi", [section("oi")], evento=("tipo", "id-1"))
    assert await contra.find_posted(CANAL, ("tipo", "id-1"), datetime.now(UTC) - timedelta(minutes=1)) == ts
    assert await contra.find_posted(CANAL, ("tipo", "id-2"), datetime.now(UTC) - timedelta(minutes=1)) is None
    await contra.update(CANAL, ts, "mudou")
    await contra.post_ephemeral(CANAL, GESTORA, "só para você")
    file_id = await contra.upload(CANAL, "a.csv", b"a;b", "Relatório")
    assert vivo.mundo.arquivos[file_id].conteudo == b"a;b"
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Pausar"}, "blocks": [divider()]}
    assert (await contra.open_view(vivo.mundo.trigger(GESTORA), view)) in vivo.mundo.telas
    assert (await contra.users_info(GESTORA)).nome == "gestora"
    url = vivo.mundo.hook(CANAL, GESTORA, ts)
    for _ in range(5):
        await contra.respond(url, {"text": "respondido", "replace_original": True})
    with pytest.raises(ProviderError, match="used_url"):
        await contra.respond(url, {"text": "de novo"})
    assert [m.texto for m in vivo.postadas()] == ["respondido", ""]

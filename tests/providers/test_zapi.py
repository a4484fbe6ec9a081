"""Z-API: what is asked, what its errors mean, and that the token in its address is never shown."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
import respx

from lib import ledger
from lib.errors import SendRefusedError, SendUnknownError
from lib.http import HttpPool, Upstream
from lib.providers.chamada import Falha, ProviderError
from lib.providers.whatsapp import GatewayError, NothingSentError, WhatsApp
from lib.providers.zapi import Zapi
from tests.providers.zapi_chamadas import (
    AQUI,
    BASE,
    CHAMADAS,
    CONTA,
    INSTANCIA,
    PASTA,
    PHONE,
    PNG,
    TOKEN,
    Pedido,
    um_envio,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def zapi() -> AsyncIterator[Zapi]:
    pool = HttpPool({"zapi": Upstream("zapi", BASE)})
    yield Zapi(pool.get_http_client("zapi"), CONTA, {INSTANCIA: TOKEN}, 0.5)
    await pool.close_http_client()


def answer_of(answer: Any) -> httpx.Response:
    match answer:
        case int(status), content:
            return httpx.Response(status, content=content)
        case _:
            return httpx.Response(200, json=answer)


@pytest.mark.parametrize("nome", CHAMADAS)
@respx.mock
async def test_a_call_is_made_as_documented_and_its_answer_read(zapi: Zapi, nome: str) -> None:
    call, method, path, body, answer, expected = CHAMADAS[nome]
    route = respx.route(method=method).mock(return_value=answer_of(answer))
    assert await call(zapi) == expected
    [seen] = [made.request for made in route.calls]
    assert str(seen.url) == f"{AQUI}{path}"
    assert seen.headers["client-token"] == CONTA
    assert (orjson.loads(seen.content) if seen.content else None) == body
    assert seen.headers.get("content-type") == ("application/json" if body is not None else None)


async def test_presence_is_no_call_of_this_gateway(zapi: Zapi) -> None:
    gateway: WhatsApp = zapi
    with respx.mock, ledger.measure("x") as cost:
        await gateway.send_presence(INSTANCIA, PHONE, 3_000)
    assert cost.http_requests == 0


ERROS: dict[str, tuple[int, Any, Falha]] = {
    "no client token": (403, orjson.loads((PASTA / "http.client_token_missing.json").read_bytes()), Falha.CANAL_FORA),
    "no client token, as 400": (400, {"error": "null not allowed"}, Falha.CANAL_FORA),
    "no client token, as 200": (200, {"error": "null not allowed"}, Falha.CANAL_FORA),
    "wrong client token": (401, {"error": f"{CONTA} not allowed"}, Falha.CANAL_FORA),
    "blocked address": (403, {"error": "[200.1.2.3] not allowed"}, Falha.CANAL_FORA),
    "unknown instance": (404, {"error": "NOT_FOUND", "message": "Instance not found"}, Falha.CANAL_FORA),
    "unknown instance, as 400": (400, {"error": "NOT_FOUND", "message": "Instance not found"}, Falha.CANAL_FORA),
    "a path that shows the token": (404, {"error": "Not Found", "message": f"Cannot POST {AQUI}"}, Falha.CANAL_FORA),
    "not found, a page": (404, "<html>", Falha.CANAL_FORA),
    "not connected": (400, {"error": "You are not connected.", "message": "…"}, Falha.CANAL_FORA),
    "not connected, as 500": (500, {"error": "You are not connected."}, Falha.CANAL_FORA),
    "any other 4xx with an error": (400, {"error": "algo da conta"}, Falha.CANAL_FORA),
    "about the message itself": (400, {"error": "Phone is invalid"}, Falha.PERMANENTE),
    "wrong method": (405, "", Falha.PERMANENTE),
    "wrong method in JSON": (405, {"error": "Method Not Allowed"}, Falha.PERMANENTE),
    "wrong content type": (415, {"error": "Unsupported Media Type"}, Falha.PERMANENTE),
    "too many": (429, {"error": "too many"}, Falha.REPETIR),
    "redirect": (302, "", Falha.PERMANENTE),
    "their fault": (500, {"error": "Internal error"}, Falha.INCERTA),
    "a proxy's page": (502, "<html>Bad gateway</html>", Falha.INCERTA),
    "a page with 200": (200, "<html>maintenance</html>", Falha.INCERTA),
    "half an answer": (200, '{"zaapId": "39Z', Falha.INCERTA),
    "an unknown error with 200": (200, {"error": "algo inesperado"}, Falha.INCERTA),
    "accepted without an id": (200, {"zaapId": "z"}, Falha.INCERTA),
    "accepted with a list": (200, [], Falha.INCERTA),
}


@pytest.mark.parametrize("nome", ERROS)
@respx.mock
async def test_each_error_of_a_send_says_what_may_be_done_next(zapi: Zapi, nome: str) -> None:
    status, body, falha = ERROS[nome]
    answer = httpx.Response(status, text=body) if isinstance(body, str) else httpx.Response(status, json=body)
    respx.post(f"{AQUI}/send-text").mock(return_value=answer)
    with pytest.raises((SendRefusedError, SendUnknownError)) as caught:
        await zapi.send_text(um_envio())
    error = caught.value
    match falha:
        case Falha.PERMANENTE | Falha.CANAL_FORA:
            assert isinstance(error, SendRefusedError)
            assert error.chip_down is (falha is Falha.CANAL_FORA)
        case Falha.REPETIR:
            assert isinstance(error, NothingSentError)
        case Falha.INCERTA:
            assert type(error) is SendUnknownError
    assert "zapi send-text" in str(error)
    nothing_leaks(error)


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (httpx.ConnectError("x"), NothingSentError),
        (httpx.ConnectTimeout("x"), NothingSentError),
        (httpx.PoolTimeout("x"), NothingSentError),
        (httpx.ReadTimeout("x"), SendUnknownError),
        (httpx.ReadError("x"), SendUnknownError),
        (httpx.RemoteProtocolError("x"), SendUnknownError),
        (httpx.WriteError("x"), SendUnknownError),
    ],
)
@respx.mock
async def test_a_broken_send_is_unknown_unless_it_never_left(
    zapi: Zapi, cause: Exception, expected: type[Exception]
) -> None:
    respx.post(f"{AQUI}/send-text").mock(side_effect=cause)
    with pytest.raises(SendUnknownError) as caught:
        await zapi.send_text(um_envio())
    assert type(caught.value) is expected
    nothing_leaks(caught.value)


@respx.mock
async def test_the_vendors_wish_when_to_ask_again_is_kept(zapi: Zapi) -> None:
    respx.post(f"{AQUI}/send-text").respond(429, headers={"retry-after": "7"}, json={"error": "slow down"})
    with pytest.raises(NothingSentError) as caught:
        await zapi.send_text(um_envio())
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize(
    "numero",
    ["", "abc", "120363019502650977-group", "5511900001001-1632228955", "1@g.us", "x@newsletter", "1-broadcast", "5"],
)
async def test_groups_lists_and_what_is_no_address_are_refused_here(zapi: Zapi, numero: str) -> None:
    with pytest.raises(SendRefusedError) as refused, respx.mock:
        await zapi.send_text(um_envio("oi", numero))
    assert not refused.value.chip_down
    assert not numero or numero not in str(refused.value)


@pytest.mark.parametrize("source", ["iVBORw0KGgo=", "", "file:///etc/passwd"])
async def test_a_file_without_its_prefix_is_refused_here(zapi: Zapi, source: str) -> None:
    with pytest.raises(SendRefusedError), respx.mock:
        await zapi.send_image(INSTANCIA, PHONE, source)


@pytest.mark.parametrize("nome", ["contrato", "contrato.", "x.p/f", ".."])
async def test_a_document_without_an_ending_is_refused_here(zapi: Zapi, nome: str) -> None:
    with pytest.raises(SendRefusedError), respx.mock:
        await zapi.send_document(INSTANCIA, PHONE, PNG, nome)


async def test_half_a_character_is_refused_here(zapi: Zapi) -> None:
    with pytest.raises(SendRefusedError), respx.mock:
        await zapi.send_text(um_envio("\ud83d"))


async def test_an_instance_without_a_token_is_a_chip_that_is_down(zapi: Zapi) -> None:
    with respx.mock:
        with pytest.raises(SendRefusedError) as refused:
            await zapi.send_text(um_envio(instancia="outra"))
        assert refused.value.chip_down
        with pytest.raises(GatewayError):
            await zapi.connection_state("outra")


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda z: z.connection_state(INSTANCIA), httpx.Response(200, json={"error": "null not allowed"})),
        (lambda z: z.connection_state(INSTANCIA), httpx.Response(200, json=[])),
        (lambda z: z.connection_state(INSTANCIA), httpx.Response(503, text="<html>")),
        (lambda z: z.qr_code(INSTANCIA), httpx.Response(200, json={"connected": True})),
        (lambda z: z.qr_code(INSTANCIA), httpx.Response(200, text="<html>")),
        (lambda z: z.qr_code_image(INSTANCIA), httpx.Response(200, json={"error": "You are not connected."})),
        (lambda z: z.phone_exists(INSTANCIA, PHONE), httpx.Response(200, json=[])),
        (lambda z: z.phone_exists(INSTANCIA, PHONE), httpx.Response(200, json=[None])),
        (lambda z: z.phones_exist(INSTANCIA, [PHONE]), httpx.Response(200, json={"ok": 1})),
        (lambda z: z.list_groups(INSTANCIA), httpx.Response(200, json={"value": []})),
        (lambda z: z.list_queue(INSTANCIA), httpx.Response(200, json={"size": 3})),
        (lambda z: z.list_queue(INSTANCIA), httpx.Response(200, json="x")),
        (lambda z: z.clear_queue(INSTANCIA), httpx.Response(200, text="<html>")),
        (lambda z: z.clear_queue(INSTANCIA), httpx.Response(200, json={"error": "NOT_FOUND"})),
        (lambda z: z.mark_read(INSTANCIA, PHONE, ["a"]), httpx.Response(404, json={"error": "NOT_FOUND"})),
    ],
)
@respx.mock
async def test_an_answer_that_is_not_what_was_asked_for_is_an_error(
    zapi: Zapi, call: Pedido, answer: httpx.Response
) -> None:
    respx.route().mock(return_value=answer)
    with pytest.raises(GatewayError) as caught:
        await call(zapi)
    assert caught.value.status == answer.status_code
    nothing_leaks(caught.value)


@pytest.mark.parametrize(
    "call",
    [lambda z: z.restart(INSTANCIA), lambda z: z.disconnect(INSTANCIA), lambda z: z.accept_invitation(INSTANCIA, "u")],
)
@respx.mock
async def test_a_get_that_does_something_is_made_once_and_a_lost_answer_is_unknown(zapi: Zapi, call: Pedido) -> None:
    route = respx.get(path__regex=".*").mock(side_effect=httpx.ReadTimeout("x"))
    with pytest.raises(GatewayError) as caught:
        await call(zapi)
    assert route.call_count == 1
    cause = caught.value.__cause__
    assert isinstance(cause, ProviderError)
    assert cause.falha is Falha.INCERTA


@respx.mock
async def test_what_is_safe_to_repeat_is_never_unknown(zapi: Zapi) -> None:
    respx.get(path__regex=".*").mock(side_effect=httpx.ReadTimeout("x"))
    with pytest.raises(GatewayError) as caught:
        await zapi.connection_state(INSTANCIA)
    assert isinstance(caught.value.__cause__, ProviderError)
    assert caught.value.__cause__.falha is Falha.REPETIR


def row(n: int, **over: Any) -> dict[str, Any]:
    """A message as the queue lists it."""
    base = {"_id": f"39Z{n}", "ZaapId": f"39Z{n}", "MessageId": f"D{n}", "Phone": PHONE, "Message": f"oi {n}"}
    return base | {"DelayMessage": -1, "IsTrial": False, "InstanceId": INSTANCIA, "Created": 1763827200000 + n} | over


def pages(*found: Any) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.params["pageSize"] == "100"
        page = int(request.url.params["page"])
        return httpx.Response(200, json=found[page - 1] if page <= len(found) else [])

    return answer


@pytest.mark.parametrize("wrapped", [False, True])
@respx.mock
async def test_the_queue_is_read_page_by_page_bare_or_wrapped(zapi: Zapi, wrapped: bool) -> None:
    lists = [[row(n) for n in range(100)], [row(n) for n in range(100, 130)]]
    route = respx.get(f"{AQUI}/queue").mock(
        side_effect=pages(*({"messages": one} if wrapped else one for one in lists))
    )
    found = await zapi.list_queue(INSTANCIA)
    assert [one.msg_id for one in found] == [f"D{n}" for n in range(130)]
    assert found[0].criada_em == datetime(2025, 11, 22, 16, 0, tzinfo=UTC)
    assert route.call_count == 2


@respx.mock
async def test_a_queue_that_gives_the_same_page_for_ever_ends(zapi: Zapi) -> None:
    route = respx.get(f"{AQUI}/queue").respond(json=[row(n) for n in range(100)])
    assert len(await zapi.list_queue(INSTANCIA)) == 100
    assert route.call_count == 2


@respx.mock
async def test_rows_nobody_can_name_are_left_out_and_an_empty_queue_is_empty(zapi: Zapi) -> None:
    respx.get(f"{AQUI}/queue").respond(json=[None, {}, row(1, Created=None, MessageId=None)])
    [only] = await zapi.list_queue(INSTANCIA)
    assert (only.zaap_id, only.msg_id, only.criada_em) == ("39Z1", None, None)
    answers: list[Any] = [[], {}, {"messages": []}]
    for empty in answers:
        respx.get(f"{AQUI}/queue").respond(json=empty)
        assert not await zapi.list_queue(INSTANCIA)


@respx.mock
async def test_what_is_still_queued_is_found_and_nothing_is_proven_by_absence(zapi: Zapi) -> None:
    rows = [
        row(0, Created=1763820000000),
        row(1),
        row(2, Phone="5511900002002"),
        row(3, Phone="201000000001001@lid"),
        row(4),
    ]
    respx.get(f"{AQUI}/queue").respond(json=rows)
    since = datetime(2025, 11, 22, 16, 0, tzinfo=UTC)
    found = await zapi.find_sent(INSTANCIA, "+5511900001001", since)
    assert [(one.id, one.texto) for one in found.enviadas] == [("D4", "oi 4"), ("D1", "oi 1")]
    assert not found.completo
    by_lid = await zapi.find_sent(INSTANCIA, "201000000001001@lid", since)
    assert [one.id for one in by_lid.enviadas] == ["D3"]
    without_nine = row(5, Phone="554190000101", Created=1763827200000)
    respx.get(f"{AQUI}/queue").respond(json=[without_nine])
    assert (await zapi.find_sent(INSTANCIA, "5541990000101", since + timedelta(milliseconds=900))).enviadas
    with pytest.raises(GatewayError):
        await zapi.find_sent(INSTANCIA, "1203-group@g.us", since)


@respx.mock
async def test_each_message_is_marked_as_read_by_a_call_of_its_own(zapi: Zapi) -> None:
    route = respx.post(f"{AQUI}/read-message").respond(204)
    await zapi.mark_read(INSTANCIA, PHONE, ["a", "b"])
    assert [orjson.loads(made.request.content)["messageId"] for made in route.calls] == ["a", "b"]
    with pytest.raises(GatewayError):
        await zapi.mark_read(INSTANCIA, "1203-group", ["a"])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (httpx.Response(200, json={"pronto": True}), True),
        (httpx.Response(200, json={"pronto": 1}), False),
        (httpx.Response(200, json=["x"]), False),
        (httpx.Response(404, json={"error": "NOT_FOUND"}), False),
        (httpx.Response(200, text="<html>"), False),
        (httpx.ConnectError("x"), None),
    ],
)
@respx.mock
async def test_the_sandbox_is_known_by_its_own_route_asked_without_tokens(
    zapi: Zapi, answer: httpx.Response | Exception, expected: bool | None
) -> None:
    route = respx.get(f"{BASE}/_sandbox/pronto")
    route.mock(side_effect=answer) if isinstance(answer, Exception) else route.mock(return_value=answer)
    assert await zapi.is_sandbox() is expected
    assert "client-token" not in route.calls.last.request.headers


async def test_more_numbers_than_a_batch_holds_are_not_asked_for(zapi: Zapi) -> None:
    with pytest.raises(GatewayError), respx.mock:
        await zapi.phones_exist(INSTANCIA, [PHONE] * 50_001)


@respx.mock
async def test_neither_token_is_logged_or_shown(zapi: Zapi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    respx.post(f"{AQUI}/send-text").mock(side_effect=httpx.ReadTimeout(f"timed out at {AQUI}"))
    with pytest.raises(SendUnknownError) as caught:
        await zapi.send_text(um_envio())
    nothing_leaks(caught.value)
    assert not hides(caplog.text)
    assert not hides(repr(zapi))


def hides(text: str) -> bool:
    return any(secret in text for secret in (CONTA, TOKEN, quote(TOKEN, safe="")))


def nothing_leaks(error: BaseException) -> None:
    """Neither an error nor what it stems from holds a token or the request that does."""
    shown = "".join(traceback.format_exception(error))
    assert not hides(shown)
    link: BaseException | None = error
    while link is not None:
        assert not isinstance(link, httpx.HTTPError)
        assert not hides(f"{link!r} {link!s} {link.args} {vars(link)}")
        assert PHONE not in f"{link!r}"
        link = link.__cause__ or link.__context__

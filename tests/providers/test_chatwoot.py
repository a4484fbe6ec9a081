"""Chatwoot's client: what it asks, what it makes of the answers, and what each failure means."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx

from lib.http import HttpPool, Upstream
from lib.providers.chamada import Falha, ProviderError
from lib.providers.chatwoot import Chatwoot, Contato, ConversaChatwoot, DuplicateContactError
from tests.fixtures.chatwoot_amostras import amostra

pytestmark = pytest.mark.anyio

BASE = "http://chatwoot.test/sub"
CONTA = f"{BASE}/api/v1/accounts/1"
CONVERSA = f"{CONTA}/conversations/50"
TOKEN = "user-token"
FONE = "+5511900001001"
SOURCE = "b5a0c1de-0000-4000-8000-000000000001"
DRA = Contato(100, "Dra. Ficticia", FONE, "5511900001001", SOURCE)


@pytest.fixture
async def chatwoot() -> AsyncIterator[Chatwoot]:
    pool = HttpPool({"chatwoot": Upstream("chatwoot", BASE)})
    yield Chatwoot(pool.get_http_client("chatwoot"), TOKEN, 1, 4, 0.5)
    await pool.close_http_client()


def sent(route: respx.Route, call: int = -1) -> Any:
    request = route.calls[call].request
    assert request.headers["api_access_token"] == TOKEN
    assert "authorization" not in request.headers
    return json.loads(request.content)


@respx.mock
async def test_a_contact_is_found_by_its_exact_phone(chatwoot: Chatwoot) -> None:
    route = respx.post(f"{CONTA}/contacts/filter").respond(json=amostra("http.contacts_search_200"))
    assert await chatwoot.find_contact(FONE, "5511900001001") == DRA
    assert route.call_count == 1
    first, second = sent(route)["payload"]
    phone = {"attribute_key": "phone_number", "filter_operator": "equal_to"}
    assert first == {**phone, "values": [FONE], "query_operator": "OR"}
    assert second == {**phone, "values": ["5511900001001"]}


@respx.mock
@pytest.mark.parametrize(("telefone", "calls"), [(FONE, 2), (None, 1)])
async def test_without_a_phone_it_is_found_by_its_identifier(
    chatwoot: Chatwoot, telefone: str | None, calls: int
) -> None:
    nobody, found = {"meta": {"count": 0, "current_page": 1}, "payload": []}, amostra("http.contacts_search_200")
    answers = [httpx.Response(200, json=nobody), httpx.Response(200, json=found)][-calls:]
    route = respx.post(f"{CONTA}/contacts/filter").mock(side_effect=answers)
    assert await chatwoot.find_contact(telefone, "lid:9") == DRA
    [rule] = sent(route)["payload"]
    assert rule == {"attribute_key": "identifier", "filter_operator": "equal_to", "values": ["lid:9"]}


@respx.mock
async def test_nobody_is_nobody_and_another_inboxs_address_is_not_ours(chatwoot: Chatwoot) -> None:
    found = amostra("http.contacts_search_200")
    found["payload"][0]["contact_inboxes"][0]["inbox"]["id"] = 9
    answers = [httpx.Response(200, json=found), *[httpx.Response(200, json={"payload": []})] * 2]
    respx.post(f"{CONTA}/contacts/filter").mock(side_effect=answers)
    elsewhere = await chatwoot.find_contact(FONE, "x")
    assert elsewhere is not None
    assert elsewhere.source_id is None
    assert await chatwoot.find_contact(FONE, "x") is None


@respx.mock
async def test_a_new_contact_gets_an_address_in_our_inbox(chatwoot: Chatwoot) -> None:
    route = respx.post(f"{CONTA}/contacts").respond(json=amostra("http.contact_create_200"))
    assert await chatwoot.create_contact("Dra. Ficticia", FONE, "5511900001001") == DRA
    expected = {"inbox_id": 4, "name": "Dra. Ficticia", "phone_number": FONE, "identifier": "5511900001001"}
    assert sent(route) == expected
    await chatwoot.create_contact("Dra.", None, "lid:9")
    assert sent(route) == {"inbox_id": 4, "name": "Dra.", "identifier": "lid:9"}


@respx.mock
@pytest.mark.parametrize("attribute", ["phone_number", "identifier"])
@pytest.mark.parametrize("message", ["Phone number has already been taken", "já está em uso"])
async def test_a_contact_that_exists_is_told_by_the_attribute_whatever_the_language(
    chatwoot: Chatwoot, attribute: str, message: str
) -> None:
    body = amostra("http.contact_create_422") | {"message": message, "attributes": [attribute]}
    respx.post(f"{CONTA}/contacts").respond(422, json=body)
    with pytest.raises(DuplicateContactError) as caught:
        await chatwoot.create_contact("Dra.", FONE, "x")
    assert caught.value.atributos == (attribute,)
    assert (caught.value.falha, caught.value.status) == (Falha.PERMANENTE, 422)


@respx.mock
async def test_another_refused_attribute_is_no_duplicate(chatwoot: Chatwoot) -> None:
    respx.post(f"{CONTA}/contacts").respond(422, json={"message": "Email is invalid", "attributes": ["email"]})
    with pytest.raises(ProviderError) as caught:
        await chatwoot.create_contact("Dra.", FONE, "x")
    assert not isinstance(caught.value, DuplicateContactError)
    assert caught.value.falha is Falha.PERMANENTE


@respx.mock
async def test_the_address_asked_for_a_contact_is_always_the_same(chatwoot: Chatwoot) -> None:
    route = respx.post(f"{CONTA}/contacts/100/contact_inboxes").mock(
        side_effect=lambda request: httpx.Response(200, json={**json.loads(request.content), "inbox": {"id": 4}})
    )
    first, second = await chatwoot.link_inbox(100), await chatwoot.link_inbox(100)
    assert first == second == sent(route)["source_id"]
    assert sent(route)["inbox_id"] == 4


@respx.mock
async def test_the_conversations_of_a_contact_are_those_of_our_inbox_newest_first(chatwoot: Chatwoot) -> None:
    sample = amostra("conversation_updated.label_added")
    rows = [{**sample, "id": 50}, {**sample, "id": 51, "inbox_id": 9}, {**sample, "id": 52, "status": "brand_new"}]
    rows[0]["custom_attributes"] = {"agente_conversa": "7"}
    respx.get(f"{CONTA}/contacts/100/conversations").respond(json={"payload": [*rows, "odd", {}]})
    newest, oldest = await chatwoot.conversations_of(100)
    assert (newest.id, newest.status) == (52, "brand_new")
    assert oldest == ConversaChatwoot(50, "open", ("humano",), None, 100, FONE, 4, "7")


@respx.mock
async def test_a_conversation_is_opened_with_our_own_id_on_it(chatwoot: Chatwoot) -> None:
    route = respx.post(f"{CONTA}/conversations").respond(json={"id": 50, "account_id": 1, "inbox_id": 4})
    assert await chatwoot.create_conversation(100, SOURCE, "7") == 50
    expected = {"source_id": SOURCE, "inbox_id": 4, "contact_id": 100, "custom_attributes": {"agente_conversa": "7"}}
    assert sent(route) == expected


@respx.mock
async def test_a_conversation_is_read_as_it_is_now(chatwoot: Chatwoot) -> None:
    sample = amostra("conversation_updated.assignee_changed")
    route = respx.get(CONVERSA).mock(
        side_effect=[
            httpx.Response(200, json=sample),
            httpx.Response(200, json={**sample, "meta": {**sample["meta"], "assignee_type": "AgentBot"}}),
            httpx.Response(200, json={"id": 50, "meta": None, "labels": [{"title": "VIP"}, 3], "status": None}),
        ]
    )
    assert (await chatwoot.get_conversation(50)).responsavel_id == 5
    assert (await chatwoot.get_conversation(50)).responsavel_id is None
    assert await chatwoot.get_conversation(50) == ConversaChatwoot(50, "", ("VIP",), None, None, None)
    assert route.call_count == 3


@respx.mock
async def test_messages_come_oldest_first_from_where_we_left_off(chatwoot: Chatwoot) -> None:
    sample = amostra("http.create_message_200")
    rows = [{**sample, "id": key, "message_type": kind} for key, kind in ((9, 9), (7, 0), (8, "3"))]
    route = respx.get(f"{CONVERSA}/messages").respond(json={"meta": {}, "payload": rows})
    found = await chatwoot.list_messages(50, after=6)
    assert [(one.id, one.tipo) for one in found] == [(7, "incoming"), (8, "template"), (9, "9")]
    assert dict(route.calls[-1].request.url.params) == {"after": "6"}
    await chatwoot.list_messages(50, before=9)
    assert dict(route.calls[-1].request.url.params) == {"before": "9"}
    await chatwoot.list_messages(50)
    assert not route.calls[-1].request.url.params


@respx.mock
async def test_a_message_is_posted_with_our_mark_and_its_answer_read(chatwoot: Chatwoot) -> None:
    answer = amostra("http.create_message_200") | {"content_attributes": {"agente_eco": "i:7"}}
    route = respx.post(f"{CONVERSA}/messages").respond(json=answer)
    posted = await chatwoot.post_message(50, "Oi Dra! Temos um plantão", "outgoing", "i:7")
    assert sent(route) == {
        "content": "Oi Dra! Temos um plantão",
        "message_type": "outgoing",
        "private": False,
        "content_type": "text",
        "content_attributes": {"agente_eco": "i:7"},
        "source_id": "i:7",
    }
    assert (posted.id, posted.tipo, posted.eco_id, posted.conversa_id) == (12347, "outgoing", "i:7", 50)
    assert posted.em == datetime.fromtimestamp(1763827201, UTC)
    assert (posted.autor_tipo, posted.autor_nome) == ("user", "Gestora Fictícia")
    await chatwoot.post_message(50, "nota", "outgoing", "n:1", privada=True)
    assert sent(route)["private"] is True


@respx.mock
@pytest.mark.parametrize("status", ["open", "resolved", "pending", "snoozed"])
async def test_the_status_is_always_said(chatwoot: Chatwoot, status: str) -> None:
    payload = {"success": None, "current_status": status, "conversation_id": 50}
    route = respx.post(f"{CONVERSA}/toggle_status").respond(json={"meta": {}, "payload": payload})
    await chatwoot.set_status(50, status)
    assert sent(route) == {"status": status}


@respx.mock
async def test_a_status_that_did_not_change_is_an_error(chatwoot: Chatwoot) -> None:
    respx.post(f"{CONVERSA}/toggle_status").respond(json={"payload": {"success": False, "current_status": "open"}})
    with pytest.raises(ProviderError, match="stayed"):
        await chatwoot.set_status(50, "resolved")


@respx.mock
async def test_a_conversation_is_given_to_somebody_or_to_nobody(chatwoot: Chatwoot) -> None:
    route = respx.post(f"{CONVERSA}/assignments").respond(content=b"null")
    await chatwoot.assign(50, 5)
    assert sent(route) == {"assignee_id": 5}
    await chatwoot.assign(50, None)
    assert sent(route) == {"assignee_id": 0}


@respx.mock
@pytest.mark.parametrize(
    ("before", "present", "after"),
    [
        (["VIP", "urgente"], True, ["VIP", "urgente", "humano"]),
        (["VIP", "humano", "urgente"], False, ["VIP", "urgente"]),
        (["Humano"], True, ["Humano", "humano"]),
        (["humano"], True, None),
        ([], False, None),
    ],
)
async def test_a_label_keeps_the_others_and_is_posted_only_when_it_changes_something(
    chatwoot: Chatwoot, before: list[str], present: bool, after: list[str] | None
) -> None:
    respx.get(f"{CONVERSA}/labels").respond(json={"payload": before})
    posted = respx.post(f"{CONVERSA}/labels").mock(
        side_effect=lambda request: httpx.Response(200, json={"payload": json.loads(request.content)["labels"]})
    )
    assert await chatwoot.set_label(50, "humano", present) == tuple(before if after is None else after)
    assert posted.call_count == (after is not None)
    if after is not None:
        assert sent(posted) == {"labels": after}


@respx.mock
async def test_a_webhook_is_made_and_its_secret_told_where_the_server_signs(chatwoot: Chatwoot) -> None:
    url = "https://x.test/webhooks/chatwoot"
    row = {"id": 3, "url": url, "subscriptions": ["message_created"], "secret": "s"}
    route = respx.post(f"{CONTA}/webhooks").mock(
        side_effect=[
            httpx.Response(200, json={"payload": {"webhook": row}}),
            httpx.Response(200, json={"payload": {"webhook": {"id": 3}}}),
        ]
    )
    assert await chatwoot.create_webhook(url, ["message_created"]) == "s"
    assert sent(route) == {"url": url, "name": "Agente Júlia", "subscriptions": ["message_created"]}
    assert await chatwoot.create_webhook("https://x.test/2", ["message_created"]) is None
    respx.get(f"{CONTA}/webhooks").respond(json={"payload": {"webhooks": [row, {}]}})
    [webhook] = await chatwoot.list_webhooks()
    assert (webhook.id, webhook.segredo, webhook.eventos) == (3, "s", ("message_created",))
    assert "segredo" not in repr(webhook)


@respx.mock
async def test_the_accounts_lists_are_read(chatwoot: Chatwoot) -> None:
    inbox = {"id": 4, "name": "WhatsApp Julia", "channel_type": "Channel::Api", "new": 1}
    respx.get(f"{CONTA}/inboxes").respond(json={"payload": [inbox, {"name": "no id"}]})
    respx.get(f"{CONTA}/agents").respond(json=[{"id": 5, "name": "Gestora", "role": "custom"}])
    respx.get(f"{CONTA}/labels").respond(json={"payload": [{"id": 1, "title": "humano"}]})
    respx.get(f"{BASE}/api/v1/profile").respond(json={"id": 2, "name": "Júlia"})
    assert [(one.id, one.nome, one.canal) for one in await chatwoot.list_inboxes()] == [
        (4, "WhatsApp Julia", "Channel::Api")
    ]
    assert [(one.id, one.papel) for one in await chatwoot.list_agents()] == [(5, "custom")]
    assert await chatwoot.list_labels() == ("humano",)
    assert await chatwoot.eu() == 2


def said(status: int, *, json: Any = None, text: str = "", headers: dict[str, str] | None = None) -> httpx.Response:
    if json is not None:
        return httpx.Response(status, json=json, headers=headers)
    return httpx.Response(status, text=text, headers=headers)


SAFE: Callable[[Chatwoot], Awaitable[object]] = lambda chatwoot: chatwoot.get_conversation(50)  # noqa: E731 - a row
UNSAFE: Callable[[Chatwoot], Awaitable[object]] = lambda chatwoot: chatwoot.post_message(  # noqa: E731 - a row
    50, "oi", "outgoing", "i:7"
)
NEW: Callable[[Chatwoot], Awaitable[object]] = lambda chatwoot: chatwoot.create_conversation(  # noqa: E731 - a row
    100, SOURCE, "7"
)
NO_SESSION = {"errors": ["You need to sign in or sign up before continuing."]}


@respx.mock
@pytest.mark.parametrize(
    ("answer", "safe", "unsafe"),
    [
        (said(401, json={"error": "Invalid Access Token"}), Falha.CANAL_FORA, Falha.CANAL_FORA),
        (said(401, json=NO_SESSION), Falha.CANAL_FORA, Falha.CANAL_FORA),
        (said(401, json={"error": "You are not authorized to do this action"}), Falha.CANAL_FORA, Falha.CANAL_FORA),
        (
            said(401, json={"error": "Access to this endpoint is not authorized for bots"}),
            Falha.CANAL_FORA,
            Falha.CANAL_FORA,
        ),
        (said(404, json={"error": "Resource could not be found"}), Falha.PERMANENTE, Falha.PERMANENTE),
        (said(404, text="404 page not found\n"), Falha.CANAL_FORA, Falha.CANAL_FORA),  # a proxy's, not Chatwoot's
        (said(422, json={"error": "param is missing"}), Falha.PERMANENTE, Falha.PERMANENTE),
        (said(429, text="Retry later\n", headers={"retry-after": "17"}), Falha.REPETIR, Falha.REPETIR),
        (said(429), Falha.REPETIR, Falha.REPETIR),
        (said(500, json={"status": 500, "error": "Internal Server Error"}), Falha.REPETIR, Falha.INCERTA),
        (said(502, text="<html>Bad gateway</html>"), Falha.REPETIR, Falha.INCERTA),
        (said(200, text="<html>login</html>", headers={"content-type": "text/html"}), Falha.REPETIR, Falha.INCERTA),
        (said(200, text='{"id": 5'), Falha.REPETIR, Falha.INCERTA),
        (said(200, json={"error": "something broke"}), Falha.REPETIR, Falha.INCERTA),
        (said(200, json={}), Falha.REPETIR, Falha.INCERTA),
        (said(200, json=[1, 2]), Falha.REPETIR, Falha.INCERTA),
        (said(302, headers={"location": "/app/login"}), Falha.PERMANENTE, Falha.PERMANENTE),
    ],
)
async def test_each_failure_says_whether_it_may_be_asked_again(
    chatwoot: Chatwoot, answer: httpx.Response, safe: Falha, unsafe: Falha
) -> None:
    respx.route().mock(return_value=answer)
    for ask, falha in ((SAFE, safe), (UNSAFE, unsafe), (NEW, unsafe)):
        with pytest.raises(ProviderError) as caught:
            await ask(chatwoot)
        assert (caught.value.falha, caught.value.status) == (falha, answer.status_code)
        assert caught.value.chamada.fornecedor == "chatwoot"
        assert TOKEN not in str(caught.value)
        if "retry-after" in answer.headers:
            assert caught.value.retry_after_s == 17


@respx.mock
async def test_silence_is_unknown_for_what_may_not_be_asked_twice(chatwoot: Chatwoot) -> None:
    for fault, safe, unsafe in (
        (httpx.ReadTimeout, Falha.REPETIR, Falha.INCERTA),
        (httpx.ConnectError, Falha.REPETIR, Falha.REPETIR),
    ):
        respx.route().mock(side_effect=fault)
        for ask, falha in ((SAFE, safe), (UNSAFE, unsafe)):
            with pytest.raises(ProviderError) as caught:
                await ask(chatwoot)
            assert caught.value.falha is falha


async def test_the_token_is_not_shown(chatwoot: Chatwoot) -> None:
    assert TOKEN not in repr(chatwoot)


@respx.mock
async def test_an_error_names_the_vendor_the_call_and_its_request_but_nobodys_phone(chatwoot: Chatwoot) -> None:
    body = {"error": f"no contact with {FONE}"}
    respx.get(CONVERSA).respond(404, json=body, headers={"x-request-id": "req-7"})
    with pytest.raises(ProviderError) as caught:
        await chatwoot.get_conversation(50)
    assert str(caught.value) == "chatwoot get_conversation 404: no contact with ****1001 (request req-7)"

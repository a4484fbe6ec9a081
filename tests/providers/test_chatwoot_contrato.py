"""Every request of the client is one that Chatwoot's description of its operations allows."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import jsonschema
import orjson
import pytest
import respx

from lib.http import HttpPool, Upstream
from lib.providers.chatwoot import EVENTOS, Chatwoot
from tests.fixtures.chatwoot_amostras import amostra

pytestmark = pytest.mark.anyio

BASE = "http://chatwoot.test"
CONTRATO = amostra("openapi")
ALEM = {"message-create": {"source_id"}}  # what servers take and the description does not name

Ask = Callable[[Chatwoot], Awaitable[object]]
CHAMADAS: dict[str, tuple[Ask, list[str]]] = {
    "eu": (lambda it: it.eu(), ["profile"]),
    "find_contact": (lambda it: it.find_contact("+5511900001001", "x"), ["contact-filter", "contact-filter"]),
    "create_contact": (lambda it: it.create_contact("Dra.", "+5511900001001", "x"), ["contact-create"]),
    "link_inbox": (lambda it: it.link_inbox(100), ["contact-inbox-create"]),
    "conversations_of": (lambda it: it.conversations_of(100), ["contact-conversations"]),
    "create_conversation": (lambda it: it.create_conversation(100, "s", "7"), ["conversation-create"]),
    "get_conversation": (lambda it: it.get_conversation(50), ["conversation-show"]),
    "list_messages": (lambda it: it.list_messages(50, after=1, before=9), ["messages-list"]),
    "post_message": (lambda it: it.post_message(50, "oi", "incoming", "i:7", privada=True), ["message-create"]),
    "set_status": (lambda it: it.set_status(50, "snoozed"), ["status-set"]),
    "assign": (lambda it: it.assign(50, None), ["assign"]),
    "set_label": (lambda it: it.set_label(50, "humano", presente=True), ["labels-of-conversation", "labels-replace"]),
    "create_webhook": (lambda it: it.create_webhook("https://x.test", EVENTOS), ["webhook-create"]),
    "list_webhooks": (lambda it: it.list_webhooks(), ["webhooks"]),
    "list_inboxes": (lambda it: it.list_inboxes(), ["inboxes"]),
    "list_agents": (lambda it: it.list_agents(), ["agents"]),
    "list_labels": (lambda it: it.list_labels(), ["labels"]),
}
CRIADO = amostra("http.contact_create_200")["payload"]
RESPOSTAS: dict[str, object] = {
    "contact-create": {"payload": CRIADO},
    "contact-inbox-create": {"source_id": "s"},
    "status-set": {"payload": {}},
    "agents": [],
    "webhook-create": {"payload": {"webhook": {"id": 1}}},
    "webhooks": {"payload": {"webhooks": []}},
}


def operation(request: httpx.Request) -> dict[str, Any]:
    """The described operation of a request."""
    for template, methods in CONTRATO["paths"].items():
        pattern = re.sub(r"\{\w+\}", r"\\d+", template)
        if re.fullmatch(pattern, request.url.path) and request.method.lower() in methods:
            found: dict[str, Any] = methods[request.method.lower()]
            return found
    raise AssertionError(f"not described: {request.method} {request.url.path}")


def check(request: httpx.Request) -> str:
    """Hold a request against its operation; gives the operation's name."""
    described = operation(request)
    name = str(described["operationId"])
    scheme = CONTRATO["components"]["securitySchemes"]["userApiKey"]
    assert request.headers[scheme["name"]] == "t"
    known = {each["name"]: each["schema"] for each in described.get("parameters", ())}
    for key, value in request.url.params.items():
        jsonschema.validate(int(value), known[key])
    if "requestBody" not in described:
        assert not request.content
        return name
    assert request.headers["content-type"] == "application/json"
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    body = orjson.loads(request.content)
    jsonschema.validate(body, schema, cls=jsonschema.Draft202012Validator)
    assert body.keys() - schema["properties"].keys() == ALEM.get(name, set())
    return name


@pytest.fixture
async def chatwoot() -> AsyncIterator[Chatwoot]:
    pool = HttpPool({"chatwoot": Upstream("chatwoot", BASE)})
    yield Chatwoot(pool.get_http_client("chatwoot"), "t", 1, 4)
    await pool.close_http_client()


def test_every_call_of_the_client_is_held_against_the_description() -> None:
    calls = {name for name, what in inspect.getmembers(Chatwoot, inspect.iscoroutinefunction) if name[0] != "_"}
    assert calls == CHAMADAS.keys()
    described = {each["operationId"] for methods in CONTRATO["paths"].values() for each in methods.values()}
    assert described == {name for _, names in CHAMADAS.values() for name in names}


@respx.mock
@pytest.mark.parametrize("nome", CHAMADAS)
async def test_its_requests_are_allowed(chatwoot: Chatwoot, nome: str) -> None:
    names: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        names.append(check(request))
        return httpx.Response(200, json=RESPOSTAS.get(names[-1], {"id": 1, "payload": []}))

    respx.route().mock(side_effect=answer)
    ask, expected = CHAMADAS[nome]
    await ask(chatwoot)
    assert names == expected


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("contacts", {"name": "no inbox"}),
        ("contacts", {"inbox_id": "4"}),
        ("conversations/50/messages", {"content": None}),
        ("conversations/50/messages", {"content": "oi", "message_type": 1}),
        ("conversations/50/toggle_status", {}),
        ("conversations/50/toggle_status", {"status": "closed"}),
        ("conversations/50/labels", {"labels": "humano"}),
        ("conversations/50/assignments", {"assignee_id": None}),
        ("contacts/filter", {"payload": [{"query_operator": None}]}),
    ],
)
def test_the_description_refuses_what_chatwoot_would(path: str, body: dict[str, Any]) -> None:
    request = httpx.Request("POST", f"{BASE}/api/v1/accounts/1/{path}", json=body, headers={"api_access_token": "t"})
    with pytest.raises(jsonschema.ValidationError):
        check(request)

"""Chatwoot's REST routes under `/chatwoot`, with its authentication, its error shapes and its limit of searches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import orjson
from fastapi import Request, Response

from lib.sandbox import chatwoot_calls as calls
from lib.sandbox.chatwoot_calls import Pedido, RecusaError
from lib.sandbox.chatwoot_central import Central
from lib.sandbox.evolution_wire import Desk, Endpoint
from lib.sandbox.replies import json_reply

PREFIXO: Final = "/chatwoot/api/v1"
CONTA: Final = "/accounts/{conta}"
CONTATO: Final = CONTA + "/contacts/{contato}"
CONVERSA: Final = CONTA + "/conversations/{conversa}"
ROTAS: Final[tuple[tuple[str, str, str, Callable[[Pedido], object]], ...]] = (
    ("GET", "/profile", "profile", calls.profile),
    ("GET", CONTA + "/contacts/search", "search", calls.search),
    ("POST", CONTA + "/contacts/filter", "filter", calls.filtered),
    ("POST", CONTA + "/contacts", "create_contact", calls.create_contact),
    ("GET", CONTATO, "show_contact", calls.show_contact),
    ("POST", CONTATO + "/contact_inboxes", "link_inbox", calls.link_inbox),
    ("GET", CONTATO + "/conversations", "conversations_of", calls.conversations_of),
    ("POST", CONTA + "/conversations", "create_conversation", calls.create_conversation),
    ("GET", CONVERSA, "show_conversation", calls.show_conversation),
    ("GET", CONVERSA + "/messages", "list_messages", calls.list_messages),
    ("POST", CONVERSA + "/messages", "post_message", calls.post_message),
    ("GET", CONVERSA + "/labels", "get_labels", calls.get_labels),
    ("POST", CONVERSA + "/labels", "set_labels", calls.set_labels),
    ("POST", CONVERSA + "/toggle_status", "set_status", calls.set_status),
    ("POST", CONVERSA + "/assignments", "assign", calls.assign),
    ("GET", CONTA + "/inboxes", "list_inboxes", calls.list_inboxes),
    ("GET", CONTA + "/agents", "list_agents", calls.list_agents),
    ("GET", CONTA + "/labels", "list_labels", calls.list_labels),
    ("GET", CONTA + "/webhooks", "list_webhooks", calls.list_webhooks),
    ("POST", CONTA + "/webhooks", "create_webhook", calls.create_webhook),
)


def chatwoot_routes(desk: Desk, central: Central) -> Iterable[tuple[str, str, Endpoint]]:
    """(method, path, endpoint) of everything the program asks of Chatwoot."""
    for method, path, alvo, answer in ROTAS:
        yield method, PREFIXO + path, _route(desk, central, f"chatwoot.{alvo}", answer)


def _route(desk: Desk, central: Central, alvo: str, answer: Callable[[Pedido], object]) -> Endpoint:
    faults = desk.world.faults

    async def endpoint(request: Request) -> Response:
        fault = faults.take(alvo, None)
        if fault and not fault.depois_de_aceitar and (forced := await fault.strike("chatwoot")):
            return forced
        try:
            reply = json_reply(answer(await _read(central, request)))
        except RecusaError as refusal:
            if isinstance(refusal.corpo, str):
                return Response(refusal.corpo, refusal.status, media_type="text/plain")
            return json_reply(refusal.corpo, refusal.status)
        if fault and fault.depois_de_aceitar and (forced := await fault.strike("chatwoot")):
            return forced
        return reply

    return endpoint


async def _read(central: Central, request: Request) -> Pedido:
    mundo = central.mundo
    token = request.headers.get("api_access_token")
    if token is None:
        raise RecusaError(401, {"errors": ["You need to sign in or sign up before continuing."]})
    pessoa = mundo.pessoas.get(mundo.tokens.get(token, 0))
    if pessoa is None:
        raise RecusaError(401, {"error": "Invalid Access Token"})
    if str(request.path_params.get("conta", mundo.conta)) != str(mundo.conta):
        raise RecusaError(404, {"error": "Resource could not be found"})
    raw = await request.body()
    try:
        body = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError as cause:
        raise RecusaError(400, {"status": 400, "error": "Bad Request"}) from cause
    return Pedido(central, pessoa, body if isinstance(body, dict) else {}, request.path_params, request.query_params)

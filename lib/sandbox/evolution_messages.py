"""Evolution's message and chat routes: the busy ones, plain dictionaries throughout."""

import asyncio
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_groups import group_routes
from lib.sandbox.evolution_media import media_routes
from lib.sandbox.evolution_send import NO_SOCKET, Saida, deliver, is_stranger, refuse_unless_open, whole
from lib.sandbox.evolution_wire import Desk, Endpoint, RefusalError, guarded, history_record, read_body, require, route
from lib.sandbox.jid import create_jid, lid_of
from lib.sandbox.replies import json_reply
from lib.sandbox.world import Instance, World

_PAGE: Final = 50
_TOO_FEW: Final = "numbers does not meet minimum length of 1"
_CLOSED: Final = MappingProxyType(
    {
        "data": None,
        "isBoom": True,
        "isServer": False,
        "output": {
            "statusCode": 428,
            "payload": {"statusCode": 428, "error": "Precondition Required", "message": "Connection Closed"},
            "headers": {},
        },
    }
)


def message_routes(desk: Desk) -> tuple[tuple[str, str, Endpoint], ...]:
    """(method, path, endpoint) of everything about messages."""
    world = desk.world

    async def send_text(request: Request) -> Response:
        body = await read_body(request)
        instance = guarded(world, request)
        number, text, delay_ms = _text_of(body)
        return await deliver(desk, request, instance, Saida(number, text, delay_ms))

    async def presence(request: Request) -> Response:
        body = await read_body(request)
        instance = guarded(world, request)
        require(body, "number", "presence", "delay")
        if not whole(body["delay"]):
            raise RefusalError(400, [["delay is not of a type(s) integer"]])
        error = "TypeError" if not instance.had_socket else "Error"
        refuse_unless_open(instance, 400, error + ": {error}", "onWhatsApp", listed=True)
        await asyncio.sleep(body["delay"] / 1000)
        return json_reply({"presence": body["presence"]}, 201)

    async def mark_read(request: Request) -> Response:
        body = await read_body(request)
        instance = guarded(world, request)
        require(body, "readMessages")
        if instance.state != "open":
            error = (
                "Error: Connection Closed"
                if instance.had_socket
                else f"TypeError: {NO_SOCKET.format(method='readMessages')}"
            )
            raise RefusalError(500, ["Read messages fail", error])
        return json_reply({"message": "Read messages", "read": "success"}, 201)

    async def find(request: Request) -> Response:
        body = await read_body(request)
        return _found(world, guarded(world, request), body)

    async def numbers(request: Request) -> Response:
        body = await read_body(request)
        return _numbers(world, guarded(world, request), body)

    return (
        ("POST", "/message/sendText/{instance}", route(desk, "evolution.sendText", send_text)),
        ("POST", "/chat/sendPresence/{instance}", route(desk, "evolution.sendPresence", presence)),
        ("POST", "/chat/markMessageAsRead/{instance}", route(desk, "evolution.markMessageAsRead", mark_read)),
        ("POST", "/chat/findMessages/{instance}", route(desk, "evolution.findMessages", find)),
        ("POST", "/chat/whatsappNumbers/{instance}", route(desk, "evolution.whatsappNumbers", numbers)),
        *media_routes(desk),
        *group_routes(desk),
    )


def _text_of(body: Mapping[str, Any]) -> tuple[str, str, int]:
    """Number, text and delay in ms of a send; the schema speaks before the socket is asked."""
    require(body, "number", "text")
    number, text, delay = body["number"], body["text"], body.get("delay", 0)
    wrong = []
    if not isinstance(number, str):
        wrong.append("Invalid format")
    if not isinstance(text, str):
        wrong.append("text is not of a type(s) string")
    if not whole(delay):
        wrong.append("Enter a value in milliseconds")
    if wrong:
        raise RefusalError(400, [wrong])
    if not text:
        raise RefusalError(400, ["Text is required"])
    return number, text, delay


def _found(world: World, instance: Instance, body: Mapping[str, Any]) -> Response:
    """A page of the history, newest first; `offset` is the size of a page, as Evolution has it."""
    where = body.get("where")
    key = (where.get("key") if isinstance(where, dict) else None) or {}
    size = body["offset"] if whole(body.get("offset")) and body["offset"] > 0 else _PAGE
    page = body["page"] if whole(body.get("page")) and body["page"] > 0 else 1
    found = world.search(instance.name, jid=key.get("remoteJid"), message_id=key.get("id"), from_me=key.get("fromMe"))
    records = [history_record(message, instance.id) for message in found[(page - 1) * size : page * size]]
    pages = math.ceil(len(found) / size)
    return json_reply({"messages": {"total": len(found), "pages": pages, "currentPage": page, "records": records}})


def _numbers(world: World, instance: Instance, body: Mapping[str, Any]) -> Response:
    """Which numbers exist: groups first, then LIDs, then phones. This route alone answers its errors bare."""
    numbers = body.get("numbers")
    if not isinstance(numbers, list) or not numbers:
        missing = 'instance requires property "numbers"' if numbers is None else _TOO_FEW
        return json_reply({"status": 400, "error": "Bad Request", "message": [[missing]]}, 400)
    if instance.state != "open":
        return json_reply(dict(_CLOSED) if instance.had_socket else {}, 400)
    rows = [_number_row(world, str(number)) for number in numbers]
    order = {"g.us": 0, "lid": 1}
    return json_reply(sorted(rows, key=lambda row: order.get(row["jid"].partition("@")[2], 2)))


def _number_row(world: World, number: str) -> dict[str, Any]:
    jid = create_jid(number)
    if not jid.endswith("@s.whatsapp.net"):
        return {"jid": jid, "exists": True, "number": number}
    if is_stranger(world, jid):
        return {"jid": jid, "exists": False, "number": number}
    return {"jid": jid, "exists": True, "number": number, "name": None, "lid": lid_of(jid)}

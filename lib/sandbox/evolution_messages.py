"""Evolution's message and chat routes: the busy ones, plain dictionaries throughout."""

import asyncio
import math
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_wire import (
    Desk,
    Endpoint,
    RefusalError,
    guarded,
    history_record,
    read_body,
    receipt_payload,
    require,
    route,
    sent_payload,
)
from lib.sandbox.jid import create_jid, phone_of
from lib.sandbox.replies import json_reply
from lib.sandbox.world import Aceita, Instance, World

RECEIPTS: Final = ("SERVER_ACK", "DELIVERY_ACK", "READ")
_SHORTEST_NUMBER: Final = 8
_PAGE: Final = 50
_NO_SOCKET: Final = "Cannot read properties of undefined (reading '{method}')"


def message_routes(desk: Desk) -> tuple[tuple[str, str, Endpoint], ...]:
    """(method, path, endpoint) of everything about messages."""
    world = desk.world

    async def send_text(request: Request) -> Response:
        body = await read_body(request)
        instance = guarded(world, request)
        number, text, delay_ms = _text_of(body)
        _refuse_unless_open(instance, 500, "{error}", "onWhatsApp")
        _refuse_strangers(world, number)
        if delay_ms:
            await asyncio.sleep(delay_ms / 1000)
        aceita = world.accept(instance.name, number, text, request.headers.get("x-request-id"))
        payload = sent_payload(aceita, instance.id)
        courier = desk.courier()
        courier.emit(instance, "send.message", payload)
        _send_receipts(desk, instance, aceita)
        return json_reply(payload, 201)

    async def presence(request: Request) -> Response:
        body = await read_body(request)
        instance = guarded(world, request)
        require(body, "number", "presence", "delay")
        if not _whole(body["delay"]):
            raise RefusalError(400, [["delay is not of a type(s) integer"]])
        error = "TypeError" if not instance.had_socket else "Error"
        _refuse_unless_open(instance, 400, error + ": {error}", "onWhatsApp", listed=True)
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
                else f"TypeError: {_NO_SOCKET.format(method='readMessages')}"
            )
            raise RefusalError(500, ["Read messages fail", error])
        return json_reply({"message": "Read messages", "read": "success"}, 201)

    async def find(request: Request) -> Response:
        body = await read_body(request)
        return _found(world, guarded(world, request), body)

    return (
        ("POST", "/message/sendText/{instance}", route(desk, "evolution.sendText", send_text)),
        ("POST", "/chat/sendPresence/{instance}", route(desk, "evolution.sendPresence", presence)),
        ("POST", "/chat/markMessageAsRead/{instance}", route(desk, "evolution.markMessageAsRead", mark_read)),
        ("POST", "/chat/findMessages/{instance}", route(desk, "evolution.findMessages", find)),
    )


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text_of(body: Mapping[str, Any]) -> tuple[str, str, int]:
    """Number, text and delay in ms of a send; the schema speaks before the socket is asked."""
    require(body, "number", "text")
    number, text, delay = body["number"], body["text"], body.get("delay", 0)
    wrong = []
    if not isinstance(number, str):
        wrong.append("Invalid format")
    if not isinstance(text, str):
        wrong.append("text is not of a type(s) string")
    if not _whole(delay):
        wrong.append("Enter a value in milliseconds")
    if wrong:
        raise RefusalError(400, [wrong])
    if not text:
        raise RefusalError(400, ["Text is required"])
    return number, text, delay


def _refuse_unless_open(instance: Instance, status: int, template: str, method: str, *, listed: bool = False) -> None:
    """Raise what the route says on a dead socket: one text when it never lived, another when it closed."""
    if instance.state == "open":
        return
    error = "Connection Closed" if instance.had_socket else _NO_SOCKET.format(method=method)
    message = template.format(error=error)
    raise RefusalError(status, [message] if listed else message)


def _refuse_strangers(world: World, number: str) -> None:
    """Numbers that have no WhatsApp: too short, or declared so by the control."""
    jid = create_jid(number)
    if jid in world.inexistentes or len(phone_of(jid)) < _SHORTEST_NUMBER:
        raise RefusalError(400, [{"jid": jid, "exists": False, "number": number}])


def _send_receipts(desk: Desk, instance: Instance, aceita: Aceita) -> None:
    courier = desk.courier()
    if not courier.policy.receipts:
        return
    stored_id = "c" + aceita.id.lower()
    for status, delay_ms in zip(RECEIPTS, courier.policy.receipts_ms, strict=True):
        data = receipt_payload(aceita, instance.id, status, stored_id)
        courier.later(delay_ms / 1000, instance, "messages.update", data)


def _found(world: World, instance: Instance, body: Mapping[str, Any]) -> Response:
    """A page of the history, newest first; `offset` is the size of a page, as Evolution has it."""
    where = body.get("where")
    key = (where.get("key") if isinstance(where, dict) else None) or {}
    size = body["offset"] if _whole(body.get("offset")) and body["offset"] > 0 else _PAGE
    page = body["page"] if _whole(body.get("page")) and body["page"] > 0 else 1
    found = world.search(instance.name, jid=key.get("remoteJid"), message_id=key.get("id"), from_me=key.get("fromMe"))
    records = [history_record(message, instance.id) for message in found[(page - 1) * size : page * size]]
    pages = math.ceil(len(found) / size)
    return json_reply({"messages": {"total": len(found), "pages": pages, "currentPage": page, "records": records}})

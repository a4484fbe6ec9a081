"""How every kind of send goes: look-up, delay, acceptance, events."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_memory import Arquivo
from lib.sandbox.evolution_wire import Desk, RefusalError, receipt_payload, sent_payload
from lib.sandbox.jid import create_jid, phone_of
from lib.sandbox.replies import json_reply
from lib.sandbox.world import Aceita, Instance, World

RECEIPTS: Final = ("SERVER_ACK", "DELIVERY_ACK", "READ")
NO_SOCKET: Final = "Cannot read properties of undefined (reading '{method}')"
REACH_OUT_LOCK: Final = "463"
_SHORTEST_NUMBER: Final = 8


@dataclass(frozen=True, slots=True)
class Saida:
    """One message on its way out. `texto` is what the log of accepted messages shows; `message` None is plain text."""

    numero: str
    texto: str
    delay_ms: int = 0
    message: Mapping[str, Any] | None = None
    arquivo: Arquivo | None = None


async def deliver(desk: Desk, request: Request, instance: Instance, saida: Saida) -> Response:
    """Accept a message, tell the webhook of it and of its receipts, and answer as every send does.

    Raises:
        RefusalError: no socket, or a number without WhatsApp.
    """
    refuse_unless_open(instance, 500, "{error}", "onWhatsApp")
    _refuse_strangers(desk.world, saida.numero)
    if saida.delay_ms:
        await asyncio.sleep(saida.delay_ms / 1000)
    locked = desk.world.locked(instance, create_jid(saida.numero))
    sent = instance.name, saida.numero, saida.texto, request.headers.get("x-request-id")
    aceita = desk.world.refuse(*sent, REACH_OUT_LOCK) if locked else desk.world.accept(*sent)
    payload = sent_payload(aceita, instance.id)
    if saida.message is not None:
        payload |= {"message": saida.message, "messageType": next(iter(saida.message))}
    if saida.arquivo is not None:
        desk.memory.arquivos[aceita.id] = saida.arquivo
    desk.courier().emit(instance, "send.message", payload)
    (_send_refusal if locked else _send_receipts)(desk, instance, aceita)
    return json_reply(payload, 201)


def whole(value: object) -> bool:
    """Tell whether it is a whole number of at least 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def refuse_unless_open(instance: Instance, status: int, template: str, method: str, *, listed: bool = False) -> None:
    """Raise what the route says on a dead socket: one text when it never lived, another when it closed."""
    if instance.state == "open":
        return
    error = "Connection Closed" if instance.had_socket else NO_SOCKET.format(method=method)
    message = template.format(error=error)
    raise RefusalError(status, [message] if listed else message)


def dead(instance: Instance, method: str) -> str:
    """What an exception says on a dead socket."""
    return "Error: Connection Closed" if instance.had_socket else f"TypeError: {NO_SOCKET.format(method=method)}"


def is_stranger(world: World, jid: str) -> bool:
    """Tell whether a phone has no WhatsApp: too short, or declared so by the control."""
    return jid in world.inexistentes or len(phone_of(jid)) < _SHORTEST_NUMBER


def _refuse_strangers(world: World, number: str) -> None:
    jid = create_jid(number)
    if is_stranger(world, jid):
        raise RefusalError(400, [{"jid": jid, "exists": False, "number": number}])


def _send_receipts(desk: Desk, instance: Instance, aceita: Aceita) -> None:
    courier = desk.courier()
    if not courier.policy.receipts:
        return
    stored_id = "c" + aceita.id.lower()
    for status, delay_ms in zip(RECEIPTS, courier.policy.receipts_ms, strict=True):
        data = receipt_payload(aceita, instance.id, status, stored_id)
        courier.later(delay_ms / 1000, instance, "messages.update", data)


def _send_refusal(desk: Desk, instance: Instance, aceita: Aceita) -> None:
    """Tell what became of a message to somebody whom a locked number may not write to first."""
    courier = desk.courier()
    if courier.policy.receipts:
        data = receipt_payload(aceita, instance.id, "ERROR", "c" + aceita.id.lower())
        data["messageStubParameters"] = [REACH_OUT_LOCK]
        courier.later(courier.policy.receipts_ms[0] / 1000, instance, "messages.update", data)

"""Z-API's routes: the instance's token stands in the path, the account's in a header."""

import re
import time
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import Request, Response

from lib.sandbox.evolution_wire import Desk, Endpoint
from lib.sandbox.jid import create_jid, lid_of, phone_of
from lib.sandbox.replies import json_reply, zapi_error
from lib.sandbox.world import Instance
from lib.sandbox.zapi_world import CALLBACKS, FILA_MAX, NaFila, ZapiWorld, new_id

PREFIXO: Final = "/zapi/instances/{instance}/token/{token}"
_PHONE: Final = re.compile(r"[0-9]{8,20}(-group|-[0-9]+|@lid)?")
_QR_PIXEL: Final = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
_MEDIA: Final = ("image", "video", "audio", "document", "sticker")
# Which kinds each call of its own turns on.
_SINGLE: Final = {
    "update-webhook-received": ("ReceivedCallback",),
    "update-webhook-received-delivery": ("ReceivedCallback",),
    "update-webhook-delivery": ("DeliveryCallback",),
    "update-webhook-message-status": ("MessageStatusCallback",),
    "update-webhook-connected": ("ConnectedCallback",),
    "update-webhook-disconnected": ("DisconnectedCallback",),
    "update-webhook-chat-presence": ("PresenceChatCallback",),
}

Call = Callable[[Instance, Request, dict[str, Any]], Awaitable[Response]]


class ZapiRefusalError(Exception):
    """A request that Z-API answers with an error body."""

    def __init__(self, status: int, error: str | None = None, message: str | None = None) -> None:
        super().__init__(status, error)
        self.reply = (status, error, message)


def zapi_routes(desk: Desk, mundo: ZapiWorld) -> Iterable[tuple[str, str, Endpoint]]:
    """(method, path, endpoint) of everything under `/zapi`."""
    calls = (*_sends(mundo), *_session(mundo), *_queue(mundo), *_numbers(desk), *_webhooks(mundo))
    for method, path, call in calls:
        name = path.partition("/{")[0]
        yield method, f"{PREFIXO}/{path}", _route(desk, mundo, f"zapi.{name}", call)
    yield "GET", "/zapi/_sandbox/pronto", _ready


async def _ready(_request: Request) -> Response:
    return json_reply({"pronto": True})


def _route(desk: Desk, mundo: ZapiWorld, alvo: str, call: Call) -> Endpoint:
    """An endpoint with its faults around it and refusals turned into error bodies."""

    async def endpoint(request: Request) -> Response:
        fault = desk.world.faults.take(alvo, request.path_params["instance"])
        if fault and not fault.depois_de_aceitar and (forced := await fault.strike("zapi")):
            return forced
        try:
            reply = await call(_guarded(mundo, request), request, await _body(request))
        except ZapiRefusalError as refusal:
            return zapi_error(*refusal.reply)
        if fault and fault.depois_de_aceitar and (forced := await fault.strike("zapi")):
            return forced
        return reply

    return endpoint


def _guarded(mundo: ZapiWorld, request: Request) -> Instance:
    """The instance whose token the path holds, after the account's own token, which the refusal repeats."""
    given = request.headers.get("client-token")
    if given != mundo.client_token:
        raise ZapiRefusalError(403, f"{given if given is not None else 'null'} not allowed")
    instance = mundo.instance(request.path_params["instance"])
    if instance is None or request.path_params["token"] != instance.token:
        raise ZapiRefusalError(404)
    return instance


async def _body(request: Request) -> dict[str, Any]:
    if request.method not in {"POST", "PUT"}:
        return {}
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise ZapiRefusalError(415, "Unsupported Media Type")
    try:
        body = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise ZapiRefusalError(400, "Invalid JSON in the request") from error
    return body if isinstance(body, dict) else {}


def _done() -> Response:
    return json_reply({"value": True})


def _sends(mundo: ZapiWorld) -> Iterable[tuple[str, str, Call]]:
    def queued(said: Callable[[dict[str, Any]], str]) -> Call:
        async def call(instance: Instance, request: Request, body: dict[str, Any]) -> Response:
            return _take(mundo, instance, request, body, said(body))

        return call

    yield "POST", "send-text", queued(lambda body: _required(body, "message"))
    yield "POST", "send-reaction", queued(lambda body: _required(body, "reaction"))
    yield "POST", "send-remove-reaction", queued(lambda body: f"[reação retirada de {_required(body, 'messageId')}]")
    for kind in _MEDIA:
        path = "send-document/{extension}" if kind == "document" else f"send-{kind}"
        yield "POST", path, queued(lambda body, kind=kind: _media(body, kind))  # type: ignore[misc]

    async def read(_instance: Instance, _request: Request, body: dict[str, Any]) -> Response:
        _required(body, "phone")
        _required(body, "messageId")
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def chat(_instance: Instance, _request: Request, body: dict[str, Any]) -> Response:
        _required(body, "phone")
        _required(body, "action")
        return _done()

    async def delete(_instance: Instance, request: Request, _body: dict[str, Any]) -> Response:
        _required(dict(request.query_params), "messageId")
        return Response(status_code=HTTPStatus.NO_CONTENT)

    yield "POST", "read-message", read
    yield "POST", "modify-chat", chat
    yield "DELETE", "messages", delete


def _required(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ZapiRefusalError(400, f"{name} is required")
    return value


def _media(body: dict[str, Any], kind: str) -> str:
    source = _required(body, kind)
    if not source.startswith(("data:", "http://", "https://")):
        raise ZapiRefusalError(400, f"{kind} is not a URL or a data URI")
    return f"[{kind}] {body.get('caption') or body.get('fileName') or ''}".strip()


def _take(mundo: ZapiWorld, instance: Instance, request: Request, body: dict[str, Any], texto: str) -> Response:
    """Put a message into the queue; a disconnected phone does not keep it out, unless the instance is set so."""
    phone = _required(body, "phone")
    if not _PHONE.fullmatch(phone):
        raise ZapiRefusalError(400, "Phone is invalid")
    if instance.state != "open" and not mundo.enfileira_desconectado:
        raise ZapiRefusalError(400, "You are not connected.", "You need to be connected to send a message")
    if len(mundo.filas[instance.name]) >= FILA_MAX:
        raise ZapiRefusalError(400, "Queue limit reached, you are not connected.")
    message = NaFila(
        new_id(),
        new_id()[:20],
        phone,
        texto,
        int(time.time() * 1000),
        request.headers.get("x-request-id"),
        _seconds(body.get("delayMessage")),
        _seconds(body.get("delayTyping")) or 0.0,
    )
    mundo.enqueue(instance, message)
    return json_reply({"zaapId": message.zaap_id, "messageId": message.message_id, "id": message.message_id})


def _seconds(value: Any) -> float | None:
    """Whole seconds from 0 to 15, as the vendor has them."""
    return float(min(max(value, 0), 15)) if isinstance(value, int) and not isinstance(value, bool) else None


def _session(mundo: ZapiWorld) -> Iterable[tuple[str, str, Call]]:
    async def status(instance: Instance, _request: Request, _body: dict[str, Any]) -> Response:
        is_open = instance.state == "open"
        error = "You are already connected." if is_open else "You are not connected."
        return json_reply({"connected": is_open, "error": error, "smartphoneConnected": is_open})

    async def code(instance: Instance, request: Request, _body: dict[str, Any]) -> Response:
        if instance.state == "open":
            return json_reply({"connected": True})
        if request.url.path.endswith("/image"):
            return json_reply({"value": _QR_PIXEL})
        if "phone" in request.path_params:
            return json_reply({"code": "SAND-BOX1"})
        return Response(f"2@{instance.name}", media_type="text/plain")

    async def restart(instance: Instance, _request: Request, _body: dict[str, Any]) -> Response:
        mundo.move(instance, "open")
        return _done()

    async def disconnect(instance: Instance, _request: Request, _body: dict[str, Any]) -> Response:
        mundo.move(instance, "close")
        return _done()

    yield "GET", "status", status
    yield "GET", "qr-code", code
    yield "GET", "qr-code/image", code
    yield "GET", "phone-code/{phone}", code
    yield "GET", "restart", restart
    yield "GET", "restore-session", restart
    yield "GET", "disconnect", disconnect


def _queue(mundo: ZapiWorld) -> Iterable[tuple[str, str, Call]]:
    async def listing(instance: Instance, request: Request, _body: dict[str, Any]) -> Response:
        page, size = (_whole(request.query_params.get(name)) for name in ("page", "pageSize"))
        found = mundo.filas[instance.name][(page - 1) * size : page * size]
        return json_reply([message.row(instance.name) for message in found])

    async def drop(instance: Instance, request: Request, _body: dict[str, Any]) -> Response:
        mundo.drop(instance.name, request.path_params.get("zaap_id"))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    yield "GET", "queue", listing
    yield "DELETE", "queue", drop
    yield "DELETE", "queue/{zaap_id}", drop


def _whole(text: str | None) -> int:
    if text is None or not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise ZapiRefusalError(400, "page and pageSize are required")
    return int(text)


def _numbers(desk: Desk) -> Iterable[tuple[str, str, Call]]:
    def known(phone: str) -> dict[str, Any]:
        jid = create_jid(phone)
        exists = jid not in desk.world.inexistentes
        return {"exists": exists, "phone": phone_of(jid), "lid": lid_of(jid) if exists else None}

    async def one(_instance: Instance, request: Request, _body: dict[str, Any]) -> Response:
        return json_reply([known(request.path_params["phone"])])

    async def many(_instance: Instance, _request: Request, body: dict[str, Any]) -> Response:
        phones = [str(phone) for phone in body.get("phones") or ()]
        answers = [(phone, known(phone)) for phone in phones]
        return json_reply(
            [
                {"exists": "true" if found["exists"] else "false", "inputPhone": phone, "outputPhone": found["phone"]}
                | {"lid": found["lid"]}
                for phone, found in answers
            ]
        )

    async def groups(_instance: Instance, _request: Request, _body: dict[str, Any]) -> Response:
        return json_reply([{"isGroup": True, "name": "Plantões (fictício)", "phone": "120363000000000001-group"}])

    async def invitation(_instance: Instance, request: Request, _body: dict[str, Any]) -> Response:
        url = _required(dict(request.query_params), "url")
        subject = {"phone": "120363000000000001-group", "subject": "Plantões (fictício)", "participantsCount": 3}
        return json_reply(subject | {"invitationLink": url, "participants": []})

    async def accept(_instance: Instance, request: Request, _body: dict[str, Any]) -> Response:
        _required(dict(request.query_params), "url")
        return json_reply({"success": True})

    yield "GET", "phone-exists/{phone}", one
    yield "POST", "phone-exists-batch", many
    yield "GET", "groups", groups
    yield "GET", "group-invitation-metadata", invitation
    yield "GET", "accept-invite-group", accept


def _webhooks(mundo: ZapiWorld) -> Iterable[tuple[str, str, Call]]:
    def setting(kinds: tuple[str, ...], *, from_me: bool | None = None) -> Call:
        async def call(instance: Instance, _request: Request, body: dict[str, Any]) -> Response:
            wanted = body.get("notifySentByMe", from_me)
            mundo.subscribe(
                instance, _required(body, "value"), kinds, from_me=wanted is True if wanted is not None else None
            )
            return _done()

        return call

    async def sent_by_me(instance: Instance, _request: Request, body: dict[str, Any]) -> Response:
        url = instance.webhook.url if instance.webhook else ""
        mundo.subscribe(instance, url, (), from_me=body.get("notifySentByMe") is True)
        return _done()

    yield "PUT", "update-every-webhooks", setting(CALLBACKS)
    for name, kinds in _SINGLE.items():
        yield "PUT", name, setting(kinds, from_me=True if name.endswith("received-delivery") else None)
    yield "PUT", "update-notify-sent-by-me", sent_by_me

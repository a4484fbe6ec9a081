"""Evolution's instance and webhook routes."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_settings import settings_routes
from lib.sandbox.evolution_wire import (
    Desk,
    Endpoint,
    RefusalError,
    guarded,
    instance_row,
    read_body,
    require,
    route,
    settings_block,
    webhook_row,
)
from lib.sandbox.jid import create_jid
from lib.sandbox.replies import json_reply
from lib.sandbox.world import EVENTS, Instance, Webhook, World, iso, row_id

_INTEGRATIONS: Final = ("WHATSAPP-BAILEYS", "WHATSAPP-BUSINESS", "EVOLUTION")
_REMOVAL_S: Final = 0.3
_LOGGED_OUT: Final = 401
_QR_PIXEL: Final = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def instance_routes(desk: Desk) -> tuple[tuple[str, str, Endpoint], ...]:
    """(method, path, endpoint) of everything about instances."""
    pairing = Pairing(desk)

    async def create(request: Request) -> Response:
        return await _create(desk, pairing, request)

    async def connect(request: Request) -> Response:
        return pairing.connect(guarded(desk.world, request), request.query_params.get("number"))

    async def state(request: Request) -> Response:
        instance = guarded(desk.world, request)
        return json_reply({"instance": {"instanceName": instance.name, "state": instance.state}})

    async def restart(request: Request) -> Response:
        return pairing.restart(guarded(desk.world, request))

    async def fetch(request: Request) -> Response:
        return _fetch(desk, request)

    async def logout(request: Request) -> Response:
        return pairing.logout(guarded(desk.world, request))

    async def delete(request: Request) -> Response:
        instance = guarded(desk.world, request)
        asyncio.get_running_loop().call_later(_REMOVAL_S, desk.world.remove, instance.name)
        return _success("Instance deleted")

    async def set_webhook(request: Request) -> Response:
        return await _set_webhook(desk.world, request)

    async def find_webhook(request: Request) -> Response:
        instance = guarded(desk.world, request)
        return json_reply(webhook_row(instance.webhook, instance.id) if instance.webhook else None)

    return (
        ("POST", "/instance/create", route(desk, "evolution.create", create)),
        ("GET", "/instance/connect/{instance}", route(desk, "evolution.connect", connect)),
        ("GET", "/instance/connectionState/{instance}", route(desk, "evolution.connectionState", state)),
        ("GET", "/instance/fetchInstances", route(desk, "evolution.fetchInstances", fetch)),
        ("POST", "/instance/restart/{instance}", route(desk, "evolution.restart", restart)),
        ("DELETE", "/instance/logout/{instance}", route(desk, "evolution.logout", logout)),
        ("DELETE", "/instance/delete/{instance}", route(desk, "evolution.delete", delete)),
        ("POST", "/webhook/set/{instance}", route(desk, "evolution.webhookSet", set_webhook)),
        ("GET", "/webhook/find/{instance}", route(desk, "evolution.webhookFind", find_webhook)),
        *settings_routes(desk),
    )


class Pairing:
    """Moves instances between `close`, `connecting` and `open`, telling their webhooks.

    A QR code counts as scanned after the configured time; a negative time means nobody ever scans it.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def connect(self, instance: Instance, number: str | None) -> Response:
        """Start connecting; the first call has no QR code yet, later ones show it."""
        if instance.state == "open":
            return json_reply({"instance": {"instanceName": instance.name, "state": "open"}})
        if instance.state == "connecting":
            if self._desk.world.config.pair_ms < 0:
                return json_reply({"count": 0})
            code = f"2@{instance.id}"
            return json_reply({"pairingCode": None, "code": code, "base64": _QR_PIXEL, "count": 1})
        if number:
            instance.number = number
        self.start(instance)
        return json_reply({"count": 0})

    def restart(self, instance: Instance) -> Response:
        """Open the connection anew; on a closed one Evolution says 200 and means no."""
        if instance.state == "close":
            return json_reply({"error": True, "message": "[object Object]"})
        return self.connect(instance, None)

    def start(self, instance: Instance) -> None:
        """Open the socket and wait for the scan."""
        self.move(instance, "connecting", 200)
        wait_ms = self._desk.world.config.pair_ms
        if wait_ms >= 0:
            asyncio.get_running_loop().call_later(wait_ms / 1000, self._scanned, instance)

    def logout(self, instance: Instance) -> Response:
        """End the session; the state follows a moment later, as recorded."""
        if instance.state == "close":
            raise RefusalError(400, [f'The "{instance.name}" instance is not connected'])
        asyncio.get_running_loop().call_later(_REMOVAL_S, self.move, instance, "close", _LOGGED_OUT)
        return _success("Instance logged out")

    def move(self, instance: Instance, state: str, reason: int) -> None:
        """Set a state, keep it and emit `connection.update`."""
        instance.state = state
        instance.had_socket = True
        instance.updated_at = iso(time.time())
        instance.reason_code = reason if state == "close" else None
        data: dict[str, Any] = {"instance": instance.name}
        if state == "open":
            instance.owner_jid = instance.owner_jid or create_jid(instance.number or _invented_number(instance))
            data |= {"wuid": instance.owner_jid, "profileName": "Júlia", "profilePictureUrl": None}
        self._desk.world.save(instance)
        self._desk.courier().emit(instance, "connection.update", data | {"state": state, "statusReason": reason})

    def _scanned(self, instance: Instance) -> None:
        if instance.state == "connecting" and self._desk.world.instances.get(instance.name) is instance:
            self.move(instance, "open", 200)


def _invented_number(instance: Instance) -> str:
    return f"551190000{uuid.UUID(instance.id).int % 10_000:04d}"


def _success(message: str) -> Response:
    return json_reply({"status": "SUCCESS", "error": False, "response": {"message": message}})


async def _create(desk: Desk, pairing: Pairing, request: Request) -> Response:
    """Guards in Evolution's order: the name's freedom, then the key, then the body."""
    body = await read_body(request)
    name = body.get("instanceName")
    if name in desk.world.instances:
        raise RefusalError(403, [f'This name "{name}" is already in use.'])
    if request.headers.get("apikey") != desk.world.config.api_key:
        raise RefusalError(401, "Unauthorized")
    require(body, "instanceName")
    if not isinstance(name, str) or not name:
        raise RefusalError(400, [["instanceName does not meet minimum length of 1"]])
    if body.get("integration") not in _INTEGRATIONS:
        raise RefusalError(400, ["Invalid integration"])
    instance = new_instance(name, body)
    if isinstance(body.get("webhook"), dict) and body["webhook"].get("url"):
        instance.webhook = make_webhook(body["webhook"], None)
    desk.world.save(instance)
    answer = _created(instance)
    if body.get("qrcode") is True:
        pairing.start(instance)
        answer["qrcode"] = {"count": 0}
    return json_reply(answer, 201)


def new_instance(name: str, body: Mapping[str, Any]) -> Instance:
    """A fresh instance in `close`; `number`, `token` and `groupsIgnore` of the body are honoured."""
    now = iso(time.time())
    return Instance(
        name=name,
        id=str(uuid.uuid4()),
        token=str(body.get("token") or str(uuid.uuid4()).upper()),
        created_at=now,
        updated_at=now,
        number=body.get("number"),
        groups_ignore=bool(body.get("groupsIgnore", False)),
    )


def _created(instance: Instance) -> dict[str, Any]:
    webhook = instance.webhook
    shown = (
        {
            "webhookUrl": webhook.url,
            "webhookHeaders": webhook.headers,
            "webhookByEvents": webhook.by_events,
            "webhookBase64": webhook.base64,
        }
        if webhook
        else {}
    )
    return {
        "instance": {
            "instanceName": instance.name,
            "instanceId": instance.id,
            "integration": "WHATSAPP-BAILEYS",
            "webhookWaBusiness": None,
            "accessTokenWaBusiness": "",
            "status": "close",
        },
        "hash": instance.token,
        "webhook": shown,
        "websocket": {},
        "rabbitmq": {},
        "nats": {},
        "sqs": {},
        "settings": settings_block(instance),
    }


def _fetch(desk: Desk, request: Request) -> Response:
    world, settings = desk.world, desk.memory.ajustes
    key = request.headers.get("apikey")
    owner = world.by_token(key) if key else None
    if key != world.config.api_key and owner is None:
        raise RefusalError(401, "Unauthorized")
    chosen = [owner] if owner else [one for one in world.instances.values() if one.provedor == "evolution"]
    name = request.query_params.get("instanceName")
    if name is not None:
        chosen = [instance for instance in chosen if instance.name == name]
        if not chosen:
            raise RefusalError(404, [f'Instance "{name}" not found'])
    return json_reply([instance_row(one, world.history_size(one.name), settings.get(one.id)) for one in chosen])


async def _set_webhook(world: World, request: Request) -> Response:
    body = await read_body(request)
    instance = guarded(world, request)
    require(body, "webhook")
    wanted = body["webhook"]
    if not isinstance(wanted, dict):
        raise RefusalError(400, [["webhook is not of a type(s) object"]])
    missing = [f'webhook requires property "{name}"' for name in ("enabled", "url") if name not in wanted]
    if missing:
        raise RefusalError(400, [missing])
    instance.webhook = make_webhook(wanted, instance.webhook)
    world.save(instance)
    return json_reply(webhook_row(instance.webhook, instance.id), 201)


def make_webhook(wanted: Mapping[str, Any], old: Webhook | None) -> Webhook:
    """The stored webhook of a request, changed in place; optional fields left out keep their old value.

    `events: []` means all, `events` left out is Evolution's own 500.
    """
    events = wanted.get("events")
    if events is None and wanted.get("enabled"):
        raise RefusalError(500, "Cannot read properties of undefined (reading 'length')")
    wrong = [
        f"webhook.events[{index}] is not one of enum values: {','.join(EVENTS)}"
        for index, event in enumerate(events or ())
        if event not in EVENTS
    ]
    if wrong:
        raise RefusalError(400, [wrong])
    now = iso(time.time())
    made = old or Webhook(id=row_id(), url="", events=[], created_at=now, updated_at=now)
    made.url = str(wanted.get("url") or "")
    made.enabled = bool(wanted.get("enabled"))
    made.events = list(events or EVENTS)
    made.updated_at = now
    if isinstance(wanted.get("headers"), dict):
        made.headers = {str(name): str(value) for name, value in wanted["headers"].items()}
    made.by_events = bool(wanted.get("byEvents", made.by_events))
    made.base64 = bool(wanted.get("base64", made.base64))
    return made

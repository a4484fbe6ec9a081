"""Evolution's instance and webhook routes."""

import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_qr import data_uri
from lib.sandbox.evolution_sessao import Sessoes
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
from lib.sandbox.replies import json_reply
from lib.sandbox.world import EVENTS, Instance, Webhook, World, iso, row_id

_INTEGRATIONS: Final = ("WHATSAPP-BAILEYS", "WHATSAPP-BUSINESS", "EVOLUTION")


def instance_routes(desk: Desk) -> tuple[tuple[str, str, Endpoint], ...]:
    """(method, path, endpoint) of everything about instances."""
    sessoes = Sessoes(desk)

    async def create(request: Request) -> Response:
        return await _create(desk, sessoes, request)

    async def connect(request: Request) -> Response:
        return _connect(sessoes, guarded(desk.world, request), request.query_params.get("number"))

    async def state(request: Request) -> Response:
        instance = guarded(desk.world, request)
        return json_reply({"instance": {"instanceName": instance.name, "state": instance.state}})

    async def restart(request: Request) -> Response:
        return _restart(sessoes, guarded(desk.world, request))

    async def fetch(request: Request) -> Response:
        return _fetch(desk, request)

    async def logout(request: Request) -> Response:
        return _logout(sessoes, guarded(desk.world, request))

    async def delete(request: Request) -> Response:
        sessoes.delete(guarded(desk.world, request))
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


def _connect(sessoes: Sessoes, instance: Instance, number: str | None) -> Response:
    """Start connecting; the first call has no QR code yet, later ones show it. `number` counts only at the start."""
    if instance.state == "open":
        return json_reply({"instance": {"instanceName": instance.name, "state": "open"}})
    if instance.state == "close":
        instance.number = number or instance.number
        sessoes.start(instance, number)
    if instance.qr_code is None:
        return json_reply({"count": 0})
    shown = {"pairingCode": instance.pairing_code, "code": instance.qr_code, "base64": data_uri(instance.qr_code)}
    return json_reply(shown | {"count": instance.qr_count})


def _restart(sessoes: Sessoes, instance: Instance) -> Response:
    """Open the connection anew; on a closed one Evolution says 200 and means no."""
    if instance.state == "close":
        return json_reply({"error": True, "message": "[object Object]"})
    return _connect(sessoes, instance, None)


def _logout(sessoes: Sessoes, instance: Instance) -> Response:
    if instance.state == "close":
        raise RefusalError(400, [f'The "{instance.name}" instance is not connected'])
    sessoes.logout(instance)
    return _success("Instance logged out")


def _success(message: str) -> Response:
    return json_reply({"status": "SUCCESS", "error": False, "response": {"message": message}})


async def _create(desk: Desk, sessoes: Sessoes, request: Request) -> Response:
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
        sessoes.start(instance, instance.number)
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

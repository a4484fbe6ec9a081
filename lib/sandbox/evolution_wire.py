"""The common ground of Evolution's routes: body, guards, envelopes, JSON shapes."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from fastapi import Request, Response

from lib.sandbox.courier import Courier, DeliveryPolicy
from lib.sandbox.evolution_memory import Memory
from lib.sandbox.jid import lid_of
from lib.sandbox.replies import evolution_error
from lib.sandbox.world import Aceita, ChatMessage, Coluna, Instance, Webhook, World, row_id

Endpoint = Callable[[Request], Awaitable[Response]]


class RefusalError(Exception):
    """A request Evolution answers with its error envelope; `message` in the shape of that route."""

    def __init__(self, status: int, message: object, error: str | None = None) -> None:
        super().__init__(status, message)
        self.reply = (status, message, error)


class Desk:
    """What every route needs: the world, what instances hold besides it, and the courier once the program runs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.memory = Memory()
        self.courier_now: Courier | None = None

    def courier(self) -> Courier:
        """The courier of this run.

        Raises:
            RuntimeError: the lifespan has not begun.
        """
        if self.courier_now is None:
            raise RuntimeError("the sandbox is not running: its lifespan opens the courier")
        return self.courier_now

    def fresh_policy(self) -> DeliveryPolicy:
        """Delivery as the configuration wants it."""
        return DeliveryPolicy(self.world.config.retry_s, self.world.config.receipts_ms)


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object of a request; no body is an empty object, as Express has it.

    Raises:
        RefusalError: not JSON; the envelope then names the wrong error, as recorded.
    """
    raw = await request.body()
    if not raw:
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise RefusalError(400, str(error), "Internal Server Error") from error
    return body if isinstance(body, dict) else {}


def guarded(world: World, request: Request) -> Instance:
    """The instance a route speaks of; existence is checked before the key, which leaks it, as recorded.

    Raises:
        RefusalError: 404 unknown whatever the key, 401 known but neither the global key nor its own token.
    """
    name = request.path_params["instance"]
    instance = world.instances.get(name)
    if instance is None or instance.provedor != "evolution":
        raise RefusalError(404, [f'The "{name}" instance does not exist'])
    if request.headers.get("apikey") not in {world.config.api_key, instance.token}:
        raise RefusalError(401, "Unauthorized")
    return instance


def require(body: Mapping[str, Any], *names: str) -> None:
    """Raise the schema error that lists every missing property."""
    missing = [f'instance requires property "{name}"' for name in names if name not in body]
    if missing:
        raise RefusalError(400, [missing])


def route(desk: Desk, alvo: str, answer: Callable[[Request], Awaitable[Response]]) -> Endpoint:
    """An endpoint with its faults around it and refusals turned into envelopes."""
    faults = desk.world.faults

    async def endpoint(request: Request) -> Response:
        fault = faults.take(alvo, request.path_params.get("instance"))
        if fault and not fault.depois_de_aceitar and (forced := await fault.strike("evolution")):
            return forced
        try:
            reply = await answer(request)
        except RefusalError as refusal:
            return evolution_error(*refusal.reply)
        if fault and fault.depois_de_aceitar and (forced := await fault.strike("evolution")):
            return forced
        return reply

    return endpoint


def sent_payload(aceita: Aceita, instance_id: str) -> dict[str, Any]:
    """Answer of sendText and data of `send.message`."""
    return {
        "key": {"remoteJid": aceita.jid, "fromMe": True, "id": aceita.id},
        "pushName": "Você",
        "status": "PENDING",
        "message": {"conversation": aceita.texto},
        "contextInfo": {"mentionedJid": [], "groupMentions": [], "disappearingMode": {"initiator": 0}},
        "messageType": "conversation",
        "messageTimestamp": int(aceita.em_s),
        "instanceId": instance_id,
        "source": "web",
    }


def upsert_payload(message: ChatMessage, instance_id: str) -> dict[str, Any]:
    """Data of `messages.upsert` for a doctor's text in a phone-number chat."""
    return {
        "key": {
            "remoteJid": message.jid,
            "remoteJidAlt": lid_of(message.jid),
            "fromMe": message.from_me,
            "id": message.id,
            "addressingMode": "pn",
        },
        "pushName": message.push_name,
        "status": "DELIVERY_ACK",
        "message": {"conversation": message.texto},
        "messageType": "conversation",
        "messageTimestamp": int(message.at_s),
        "instanceId": instance_id,
        "source": "android",
    }


def receipt_payload(aceita: Aceita, instance_id: str, status: str, stored_id: str) -> dict[str, Any]:
    """Data of `messages.update`; `stored_id` is the message's id in Evolution's own database."""
    return {
        "keyId": aceita.id,
        "remoteJid": aceita.jid,
        "fromMe": True,
        "status": status,
        "instanceId": instance_id,
        "messageId": stored_id,
    }


def history_record(message: ChatMessage, instance_id: str) -> dict[str, Any]:
    """One record of findMessages."""
    return {
        "id": "c" + message.id.lower(),
        "key": {"id": message.id, "fromMe": message.from_me, "remoteJid": message.jid},
        "pushName": message.push_name,
        "messageType": "conversation",
        "message": {"conversation": message.texto},
        "messageTimestamp": int(message.at_s),
        "instanceId": instance_id,
        "source": "web" if message.from_me else "android",
        "contextInfo": None,
        "MessageUpdate": [],
    }


def webhook_row(webhook: Webhook, instance_id: str) -> dict[str, Any]:
    """The database row that webhook/set and webhook/find answer, with its own field names."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "headers": webhook.headers,
        "enabled": webhook.enabled,
        "events": webhook.events,
        "webhookByEvents": webhook.by_events,
        "webhookBase64": webhook.base64,
        "createdAt": webhook.created_at,
        "updatedAt": webhook.updated_at,
        "instanceId": instance_id,
    }


def settings_block(instance: Instance, wanted: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The settings every instance shows, with what was set since."""
    return {
        "rejectCall": False,
        "msgCall": "",
        "groupsIgnore": instance.groups_ignore,
        "alwaysOnline": False,
        "readMessages": False,
        "readStatus": False,
        "syncFullHistory": False,
        "wavoipToken": "",
        **(wanted or {}),
    }


def instance_row(instance: Instance, messages: int, wanted: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One entry of fetchInstances: the connection as the database has it, which is behind the socket."""
    coluna = instance.coluna or Coluna("open" if instance.state == "open" else "close")
    stamps = {"createdAt": instance.created_at, "updatedAt": instance.updated_at}
    return {
        "id": instance.id,
        "name": instance.name,
        "connectionStatus": coluna.status,
        "ownerJid": instance.owner_jid,
        "profileName": "Júlia" if instance.owner_jid else None,
        "profilePicUrl": None,
        "integration": "WHATSAPP-BAILEYS",
        "number": instance.number,
        "businessId": None,
        "token": instance.token,
        "clientName": "sandbox",
        "disconnectionReasonCode": coluna.reason_code,
        "disconnectionObject": coluna.reason_object,
        "disconnectionAt": coluna.disconnected_at,
        **stamps,
        "Chatwoot": None,
        "Proxy": None,
        "Rabbitmq": None,
        "Nats": None,
        "Sqs": None,
        "Websocket": None,
        "Setting": {"id": row_id(), **settings_block(instance, wanted), **stamps, "instanceId": instance.id},
        "_count": {"Message": messages, "Contact": 0, "Chat": 0},
    }

"""What stands behind Z-API's routes: each instance's queue, what it does with it, and the webhooks it sends.

A send is queued and goes out later, one message every one to three seconds. While the phone is disconnected the queue
keeps up to 1000 messages and lets them all go at the reconnect. Webhooks are sent once, never again.
"""

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from lib.sandbox.courier import Remessa
from lib.sandbox.evolution_wire import Desk
from lib.sandbox.jid import create_jid, lid_of, phone_of
from lib.sandbox.world import Aceita, ChatMessage, Instance, Webhook, iso, row_id

PROVEDOR: Final = "zapi"
FILA_MAX: Final = 1_000
ESPACO_S: Final = (1.0, 3.0)
DO_APARELHO: Final = "notifySentByMe"
CALLBACKS: Final = (
    "ReceivedCallback",
    "DeliveryCallback",
    "MessageStatusCallback",
    "ConnectedCallback",
    "DisconnectedCallback",
    "PresenceChatCallback",
)
RECIBOS: Final = ("SENT", "RECEIVED", "READ")


@dataclass(slots=True)
class NaFila:
    """A message that waits. `espera_s` takes the place of the queue's own spacing; `digita_s` comes on top."""

    zaap_id: str
    message_id: str
    phone: str
    texto: str
    created_ms: int
    request_id: str | None
    espera_s: float | None = None
    digita_s: float = 0.0

    def row(self, instance: str) -> dict[str, Any]:
        """The message as the queue lists it."""
        return {
            "_id": self.zaap_id,
            "DelayMessage": -1 if self.espera_s is None else int(self.espera_s),
            "Message": self.texto,
            "IsTrial": False,
            "InstanceId": instance,
            "Phone": self.phone,
            "ZaapId": self.zaap_id,
            "DelayTyping": int(self.digita_s),
            "MessageId": self.message_id,
            "Created": self.created_ms,
        }


class ZapiWorld:
    """The account of one sandbox: its security token, its instances' tokens by id, and their queues.

    `espaco_s` is the spacing of sends; `enfileira_desconectado` false is the vendor's `disableEnqueueWhenDisconnected`.
    """

    def __init__(
        self, desk: Desk, client_token: str, tokens: Mapping[str, str], espaco_s: tuple[float, float] = ESPACO_S
    ) -> None:
        self.client_token, self.tokens = client_token, dict(tokens)
        self.espaco_s = espaco_s
        self.enfileira_desconectado = True
        self.filas: defaultdict[str, list[NaFila]] = defaultdict(list)
        self._desk = desk
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def instance(self, name: str) -> Instance | None:
        """The instance of this id, connected from the start; None when nobody configured it."""
        if name not in self.tokens:
            return None
        found = self._desk.world.instances.get(name)
        if found is None:
            now = iso(time.time())
            found = Instance(name, name, self.tokens[name], now, now, state="open", had_socket=True, provedor=PROVEDOR)
            self._desk.world.save(found)
        return found

    def subscribe(self, instance: Instance, url: str, kinds: tuple[str, ...], *, from_me: bool | None = None) -> None:
        """Send these kinds to this address, one for all kinds; `from_me` turns the phone's own messages on or off."""
        now = iso(time.time())
        webhook = instance.webhook or Webhook(id=row_id(), url=url, events=[], created_at=now, updated_at=now)
        kept = {*webhook.events, *kinds} | ({DO_APARELHO} if from_me else set())
        webhook.events = sorted(kept - ({DO_APARELHO} if from_me is False else set()))
        webhook.url, webhook.updated_at = url, now
        instance.webhook = webhook
        self._desk.world.save(instance)

    def enqueue(self, instance: Instance, message: NaFila) -> None:
        """Take a message; it goes out while the instance is connected."""
        self.filas[instance.name].append(message)
        self._run(instance)

    def drop(self, name: str, zaap_id: str | None = None) -> None:
        """Forget one waiting message, or all of an instance."""
        self.filas[name] = [one for one in self.filas[name] if zaap_id is not None and one.zaap_id != zaap_id]

    def move(self, instance: Instance, state: str, error: str = "Device has been disconnected") -> None:
        """Connect (`open`) or disconnect (`close`), tell the webhook, and let the queue go when connected."""
        instance.state, instance.had_socket, instance.updated_at = state, True, iso(time.time())
        self._desk.world.save(instance)
        if state == "open":
            said = {"connected": True, "phone": instance.number, "momment": _now_ms()}
            emit(self._desk, instance, "ConnectedCallback", said)
            self._run(instance)
        else:
            said = {"momment": int(time.time()), "error": error, "disconnected": True}
            emit(self._desk, instance, "DisconnectedCallback", said)

    def clear(self) -> None:
        """Forget all queues."""
        self.filas.clear()
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    async def close(self) -> None:
        """Stop sending."""
        tasks = list(self._tasks.values())
        self.clear()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _run(self, instance: Instance) -> None:
        if instance.state == "open" and self.filas[instance.name] and instance.name not in self._tasks:
            task = asyncio.create_task(self._drain(instance))
            self._tasks[instance.name] = task

    async def _drain(self, instance: Instance) -> None:
        """Send what waits, oldest first; what is deleted during its pause is not sent."""
        try:
            while instance.state == "open" and (queue := self.filas[instance.name]):
                first = queue[0]
                spacing = self._desk.world.rng.uniform(*self.espaco_s)
                await asyncio.sleep((spacing if first.espera_s is None else first.espera_s) + first.digita_s)
                queue = self.filas[instance.name]
                if instance.state == "open" and queue and queue[0] is first:
                    queue.pop(0)
                    self._send(instance, first)
        finally:
            if self._tasks.get(instance.name) is asyncio.current_task():
                del self._tasks[instance.name]

    def _send(self, instance: Instance, message: NaFila) -> None:
        """Hand a message to WhatsApp and report what became of it."""
        desk = self._desk
        named = {"phone": message.phone, "zaapId": message.zaap_id, "messageId": message.message_id}
        if create_jid(message.phone) in desk.world.inexistentes:
            emit(desk, instance, "DeliveryCallback", named | {"error": "Phone number does not exist"})
            return
        aceita = desk.world.accept(instance.name, message.phone, message.texto, message.request_id, message.message_id)
        emit(desk, instance, "DeliveryCallback", named)
        said = ChatMessage(aceita.id, instance.name, aceita.jid, True, aceita.texto, "Você", aceita.em_s)  # noqa: FBT003 - a row
        deliver(desk, instance, said, from_api=True)
        self._receipts(instance, aceita)

    def _receipts(self, instance: Instance, aceita: Aceita) -> None:
        policy, loop = self._desk.courier().policy, asyncio.get_running_loop()
        if not policy.receipts:
            return
        for status, delay_ms in zip(RECIBOS, policy.receipts_ms, strict=True):
            said = {"status": status, "ids": [aceita.id], "phoneDevice": 0, "isGroup": False, "momment": _now_ms()}
            said["phone"] = _phone(aceita.jid)
            loop.call_later(delay_ms / 1000, emit, self._desk, instance, "MessageStatusCallback", said)


def new_id() -> str:
    """An id as Z-API's own: 32 hexadecimal digits."""
    return uuid.uuid4().hex.upper()


def emit(desk: Desk, instance: Instance, kind: str, said: Mapping[str, Any], copies: int = 1) -> None:
    """Send an event of this kind, if the instance reports it anywhere; it is never sent again."""
    webhook = instance.webhook
    if webhook is None or kind not in webhook.events:
        return
    content = orjson.dumps({**said, "type": kind, "instanceId": instance.name})
    headers = {"content-type": "application/json", "user-agent": "Z-API"}
    desk.courier().dispatch(Remessa(instance.name, kind, webhook.url, content, lambda _attempt: headers), copies=copies)


def deliver(desk: Desk, instance: Instance, message: ChatMessage, copies: int = 1, *, from_api: bool = False) -> None:
    """Report a message of a chat: a doctor's, or one of the number itself, if it is told of those."""
    if message.from_me and (instance.webhook is None or DO_APARELHO not in instance.webhook.events):
        return
    emit(desk, instance, "ReceivedCallback", received(instance, message, from_api=from_api), copies)


def received(instance: Instance, message: ChatMessage, *, from_api: bool = False) -> dict[str, Any]:
    """A text as Z-API reports it."""
    return {
        "isStatusReply": False,
        "chatLid": message.jid if message.jid.endswith("@lid") else lid_of(message.jid),
        "connectedPhone": instance.number,
        "waitingMessage": False,
        "isEdit": False,
        "isGroup": False,
        "isNewsletter": False,
        "messageId": message.id,
        "phone": _phone(message.jid),
        "fromMe": message.from_me,
        "momment": int(message.at_s * 1000),
        "status": "SENT" if message.from_me else "RECEIVED",
        "chatName": message.push_name,
        "senderPhoto": None,
        "senderName": message.push_name,
        "participantPhone": None,
        "participantLid": None,
        "photo": None,
        "broadcast": False,
        "forwarded": False,
        "fromApi": from_api,
        "text": {"message": message.texto},
    }


def _phone(jid: str) -> str:
    return jid if jid.endswith("@lid") else phone_of(jid)


def _now_ms() -> int:
    return int(time.time() * 1000)

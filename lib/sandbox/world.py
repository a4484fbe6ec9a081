"""Everything the sandbox knows: instances, chats, accepted messages."""

import random
import time
import uuid
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from lib.sandbox.config import SandboxConfig
from lib.sandbox.faults import Faults
from lib.sandbox.jid import create_jid, phone_of
from lib.sandbox.journal import Journal

EVENTS: Final = (
    "APPLICATION_STARTUP", "QRCODE_UPDATED", "MESSAGES_SET", "MESSAGES_UPSERT", "MESSAGES_EDITED", "MESSAGES_UPDATE",
    "MESSAGES_DELETE", "SEND_MESSAGE", "SEND_MESSAGE_UPDATE", "CONTACTS_SET", "CONTACTS_UPSERT", "CONTACTS_UPDATE",
    "PRESENCE_UPDATE", "CHATS_SET", "CHATS_UPSERT", "CHATS_UPDATE", "CHATS_DELETE", "GROUPS_UPSERT", "GROUP_UPDATE",
    "GROUP_PARTICIPANTS_UPDATE", "CONNECTION_UPDATE", "LABELS_EDIT", "LABELS_ASSOCIATION", "CALL", "TYPEBOT_START",
    "TYPEBOT_CHANGE_STATUS", "REMOVE_INSTANCE", "LOGOUT_INSTANCE", "INSTANCE_CREATE", "INSTANCE_DELETE",
    "STATUS_INSTANCE",
)  # fmt: skip


def iso(seconds: float) -> str:
    """UTC, milliseconds, `Z`: as JavaScript writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def row_id() -> str:
    """A database id shaped like Prisma's cuid."""
    return "c" + uuid.uuid4().hex[:24]


@dataclass(slots=True)
class Webhook:
    """Where an instance's events go."""

    id: str
    url: str
    events: list[str]
    created_at: str
    updated_at: str
    headers: dict[str, str] = field(default_factory=dict)
    enabled: bool = True
    by_events: bool = False
    base64: bool = False


@dataclass(slots=True)
class Instance:
    """One WhatsApp number; `had_socket` tells "never connected" from "connection closed" in error texts."""

    name: str
    id: str
    token: str
    created_at: str
    updated_at: str
    number: str | None = None
    state: str = "close"
    had_socket: bool = False
    owner_jid: str | None = None
    groups_ignore: bool = False
    reason_code: int | None = None
    webhook: Webhook | None = None
    provedor: str = "evolution"


@dataclass(frozen=True, slots=True)
class Aceita:
    """An outgoing message that WhatsApp took: the truth of the tests. `numero` is as the caller wrote it."""

    seq: int
    instance: str
    numero: str
    jid: str
    texto: str
    id: str
    em: str
    em_s: float
    request_id: str | None


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a chat, either way, as its history shows it."""

    id: str
    instance: str
    jid: str
    from_me: bool
    texto: str
    push_name: str
    at_s: float


class World:
    """State of one sandbox process, reloaded from its journal."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.rng = random.Random(config.seed)
        self.faults = Faults(self.rng)
        self.instances: dict[str, Instance] = {}
        self.aceitas: list[Aceita] = []
        self.chats: defaultdict[tuple[str, str], list[ChatMessage]] = defaultdict(list)
        self._histories: defaultdict[str, list[ChatMessage]] = defaultdict(list)
        self.inexistentes: set[str] = set()
        self.history_lag_s = 0.0
        self._journal = Journal(config.directory)
        for fact in self._journal.replay():
            self._restore(fact.pop("t"), fact)

    def save(self, instance: Instance) -> None:
        """Keep an instance, new or changed."""
        self.instances[instance.name] = instance
        self._journal.append("instancia", asdict(instance))

    def remove(self, name: str) -> None:
        """Forget an instance; its messages stay in the log."""
        if self.instances.pop(name, None):
            self._journal.append("removida", {"name": name})

    def by_token(self, token: str) -> Instance | None:
        """The instance a token belongs to."""
        return next((instance for instance in self.instances.values() if instance.token == token), None)

    def accept(
        self, instance: str, numero: str, texto: str, request_id: str | None, message_id: str | None = None
    ) -> Aceita:
        """Take an outgoing message for delivery; from here on it counts as sent. Its id is made here unless given."""
        now = time.time()
        seq = self.aceitas[-1].seq + 1 if self.aceitas else 1
        message_id = message_id or f"3EB0{uuid.uuid4().hex[:18].upper()}"
        aceita = Aceita(seq, instance, numero, create_jid(numero), texto, message_id, iso(now), now, request_id)
        self._journal.append(
            "aceita",
            {
                "seq": seq,
                "instance": instance,
                "numero": numero,
                "jid": aceita.jid,
                "texto": texto,
                "id": message_id,
                "em": aceita.em,
                "em_s": now,
                "request_id": request_id,
            },
        )
        self._remember(aceita)
        return aceita

    def receive(self, message: ChatMessage) -> None:
        """Put a doctor's message into the chat's history."""
        self._journal.append("recebida", asdict(message))
        self._show(message)

    def search(
        self, instance: str, *, jid: str | None, message_id: str | None, from_me: bool | None
    ) -> list[ChatMessage]:
        """History of one chat or of all, newest first, as old as the configured lag wants."""
        until = time.time() - self.history_lag_s
        messages = self._histories.get(instance, []) if jid is None else self.chats.get((instance, jid), [])
        found = [
            message
            for message in messages
            if message.at_s <= until
            and message_id in {None, message.id}
            and (from_me is None or message.from_me is from_me)
        ]
        return sorted(found, key=lambda message: message.at_s, reverse=True)

    def last_of(self, aceitas_of: str) -> list[Aceita]:
        """Accepted messages of one phone, canonical or not."""
        jid = create_jid(aceitas_of)
        return [aceita for aceita in self.aceitas if aceita.jid == jid or phone_of(aceita.jid) == aceitas_of]

    def clear(self) -> None:
        """Back to an empty world; faults go too."""
        self.instances.clear()
        self.aceitas.clear()
        self.chats.clear()
        self._histories.clear()
        self.inexistentes.clear()
        self.history_lag_s = 0.0
        self.faults.clear()
        self._journal.clear()

    def close(self) -> None:
        """Give the journal's file back."""
        self._journal.close()

    def _remember(self, aceita: Aceita) -> None:
        self.aceitas.append(aceita)
        message = ChatMessage(aceita.id, aceita.instance, aceita.jid, True, aceita.texto, "Você", aceita.em_s)  # noqa: FBT003 - a row
        self._show(message)

    def _show(self, message: ChatMessage) -> None:
        self.chats[message.instance, message.jid].append(message)
        self._histories[message.instance].append(message)

    def history_size(self, instance: str) -> int:
        """How many messages an instance's history holds."""
        return len(self._histories.get(instance, []))

    def _restore(self, kind: str, fact: dict[str, Any]) -> None:
        match kind:
            case "instancia":
                webhook = fact.pop("webhook")
                self.instances[fact["name"]] = Instance(**fact, webhook=Webhook(**webhook) if webhook else None)
            case "removida":
                self.instances.pop(fact["name"], None)
            case "aceita":
                self._remember(Aceita(**fact))
            case _:
                self._show(ChatMessage(**fact))

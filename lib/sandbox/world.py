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
LATELY_S: Final = 7 * 24 * 3600.0


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


@dataclass(frozen=True, slots=True)
class Coluna:
    """What Evolution's database says of an instance's connection; it is written after the socket changed."""

    status: str
    reason_code: int | None = None
    reason_object: str | None = None
    disconnected_at: str | None = None


@dataclass(frozen=True, slots=True)
class NumeroMeta:
    """What Meta thinks of a number: without a `status` of its own it is what its registration makes it."""

    conta: str = "100000000000001"
    qualidade: str = "GREEN"
    limite: str = "TIER_2K"
    status: str | None = None


@dataclass(slots=True)
class Instance:
    """One WhatsApp number; `had_socket` tells "never connected" from "connection closed" in error texts.

    `moves` counts its changes of state: what was put off is dropped when another one came first. While it waits to be
    paired it shows `qr_code`, its `qr_count`th, and, where `pairing_number` asked for one, a `pairing_code` to type.
    A dropped connection comes back at `back_at_s`. WhatsApp closed a `banned` number; one `locked_until_s` reaches only
    those who wrote to it.
    """

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
    coluna: Coluna | None = None
    meta: NumeroMeta = NumeroMeta()
    moves: int = 0
    qr_code: str | None = None
    qr_count: int = 0
    pairing_number: str | None = None
    pairing_code: str | None = None
    back_at_s: float | None = None
    banned: bool = False
    locked_until_s: float | None = None


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
class Recusada:
    """An outgoing message that Evolution took and WhatsApp did not: nobody got it."""

    mensagem: Aceita
    codigo: str


@dataclass(slots=True)
class Ritmo:
    """How Evolution's instances take their time, in ms.

    `parear_ms` until a code counts as scanned (negative: nobody does), `qr_ms` until the first code is there (negative:
    never), `qr_troca_ms` how long a code lives, `coluna_ms` how far the database is behind. After `qr_limite` codes
    Evolution gives up.
    """

    parear_ms: int
    qr_ms: int = 0
    qr_troca_ms: int = 45_000
    qr_limite: int = 30
    coluna_ms: int = 0


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
        self.ritmo = Ritmo(config.pair_ms, config.qr_ms)
        self.instances: dict[str, Instance] = {}
        self.zumbis: dict[str, Instance] = {}
        self.aceitas: list[Aceita] = []
        self.recusadas: dict[str, Recusada] = {}
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

    def haunt(self, instance: Instance) -> None:
        """Keep a deleted instance whose socket goes on trying to connect."""
        self.zumbis[instance.id] = instance
        self._journal.append("zumbi", asdict(instance))

    def exorcise(self) -> list[str]:
        """End all sockets without an instance, as Evolution's own restart does; their names."""
        names = [instance.name for instance in self.zumbis.values()]
        self.zumbis.clear()
        self._journal.append("sem_zumbis", {})
        return names

    def by_token(self, token: str) -> Instance | None:
        """The instance a token belongs to."""
        return next((instance for instance in self.instances.values() if instance.token == token), None)

    def accept(
        self, instance: str, numero: str, texto: str, request_id: str | None, message_id: str | None = None
    ) -> Aceita:
        """Take an outgoing message for delivery; from here on it counts as sent. Its id is made here unless given."""
        seq = self.aceitas[-1].seq + 1 if self.aceitas else 1
        aceita = _outgoing(seq, instance, numero, texto, request_id, message_id)
        self._journal.append("aceita", asdict(aceita))
        self._remember(aceita)
        return aceita

    def refuse(self, instance: str, numero: str, texto: str, request_id: str | None, codigo: str) -> Aceita:
        """Take an outgoing message that WhatsApp will not have; it stands in the history, and is not accepted."""
        recusada = Recusada(_outgoing(0, instance, numero, texto, request_id, None), codigo)
        self._journal.append("recusada", asdict(recusada))
        self._remember_refused(recusada)
        return recusada.mensagem

    def locked(self, instance: Instance, jid: str) -> bool:
        """Whether the instance's lock keeps it from writing to this address: who wrote to it lately is reached."""
        now = time.time()
        if instance.locked_until_s is None or now >= instance.locked_until_s:
            return False
        chat = self.chats.get((instance.name, jid), [])
        return not any(not said.from_me and said.at_s > now - LATELY_S for said in reversed(chat))

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
        self.ritmo = Ritmo(self.config.pair_ms, self.config.qr_ms)
        self.instances.clear()
        self.zumbis.clear()
        self.aceitas.clear()
        self.recusadas.clear()
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
        self._show(_ours(aceita))

    def _remember_refused(self, recusada: Recusada) -> None:
        self.recusadas[recusada.mensagem.id] = recusada
        self._show(_ours(recusada.mensagem))

    def _show(self, message: ChatMessage) -> None:
        self.chats[message.instance, message.jid].append(message)
        self._histories[message.instance].append(message)

    def history_size(self, instance: str) -> int:
        """How many messages an instance's history holds."""
        return len(self._histories.get(instance, []))

    def _restore(self, kind: str, fact: dict[str, Any]) -> None:
        match kind:
            case "instancia":
                self.instances[fact["name"]] = _instance_of(fact)
            case "removida":
                self.instances.pop(fact["name"], None)
            case "zumbi":
                self.zumbis[fact["id"]] = _instance_of(fact)
            case "sem_zumbis":
                self.zumbis.clear()
            case "aceita":
                self._remember(Aceita(**fact))
            case "recusada":
                self._remember_refused(Recusada(Aceita(**fact["mensagem"]), fact["codigo"]))
            case _:
                self._show(ChatMessage(**fact))


def _outgoing(
    seq: int, instance: str, numero: str, texto: str, request_id: str | None, message_id: str | None
) -> Aceita:
    now = time.time()
    message_id = message_id or f"3EB0{uuid.uuid4().hex[:18].upper()}"
    return Aceita(seq, instance, numero, create_jid(numero), texto, message_id, iso(now), now, request_id)


def _ours(aceita: Aceita) -> ChatMessage:
    return ChatMessage(aceita.id, aceita.instance, aceita.jid, True, aceita.texto, "Você", aceita.em_s)  # noqa: FBT003 - a row


def _instance_of(fact: dict[str, Any]) -> Instance:
    webhook, coluna, meta = fact.pop("webhook"), fact.pop("coluna", None), fact.pop("meta", {})
    instance = Instance(**fact)
    instance.webhook = Webhook(**webhook) if webhook else None
    instance.coluna, instance.meta = Coluna(**coluna) if coluna else None, NumeroMeta(**meta)
    return instance

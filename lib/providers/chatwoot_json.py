"""What Chatwoot says of contacts, conversations and messages, over REST and in webhooks; an odd field is absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from lib.domain.telefone import normalizar
from lib.providers.evolution_json import YEAR_2100, items, number, tree, whole, words

ECO: Final = "agente_eco"
AGENTE: Final = "agente_conversa"
NOME_MAX: Final = 200
ID_MAX: Final = 200
# REST writes the number, webhooks the word.
TIPOS: Final[Mapping[int, str]] = MappingProxyType({0: "incoming", 1: "outgoing", 2: "activity", 3: "template"})
AUTORES: Final[Mapping[str, str]] = MappingProxyType({"agentbot": "agent_bot"})
ROBOS: Final = frozenset({"agent_bot", "agentbot", "captain_assistant", "captain::assistant"})


@dataclass(frozen=True, slots=True)
class Contato:
    """A contact. `telefone` in E.164 with a plus; `source_id` is its address in our inbox, where it has one."""

    id: int
    nome: str
    telefone: str | None
    identificador: str | None
    source_id: str | None


@dataclass(frozen=True, slots=True)
class ConversaChatwoot:
    """A conversation. `id` is the display id, which all calls take; `status` open, resolved, pending, snoozed or else.

    `responsavel_id` is a person's: a bot that has it counts as nobody. `agente_conversa` is our conversation's id where
    we opened it.
    """

    id: int
    status: str
    labels: tuple[str, ...]
    responsavel_id: int | None
    contato_id: int | None
    telefone: str | None
    caixa_id: int | None = None
    agente_conversa: str | None = None


@dataclass(frozen=True, slots=True)
class MensagemChatwoot:
    """A message. `tipo` is incoming, outgoing, activity, template, or what else a server says.

    `autor_tipo` is user, contact or agent_bot, None for an automation's. `eco_id` is the id under which we posted it,
    None for others' messages; `conversa_id` is a display id. Of a deleted one, `apagada`, `texto` is the server's own
    words in its stead.
    """

    id: int
    texto: str | None
    tipo: str
    privada: bool
    autor_tipo: str | None
    autor_nome: str | None
    source_id: str | None
    eco_id: str | None
    conversa_id: int | None
    em: datetime | None
    anexos: bool = False
    apagada: bool = False


@dataclass(frozen=True, slots=True)
class WebhookChatwoot:
    """An account webhook. `segredo` signs it; None on servers that do not sign, or do not tell."""

    id: int
    url: str
    eventos: tuple[str, ...]
    segredo: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class CaixaChatwoot:
    """An inbox. `canal` is like `Channel::Api`, the only kind that takes incoming messages over REST."""

    id: int
    nome: str
    canal: str


@dataclass(frozen=True, slots=True)
class AgenteChatwoot:
    """A person of the account. `papel` is agent, administrator, or another role's name."""

    id: int
    nome: str
    papel: str


def contact(value: Any, caixa: int | None = None) -> Contato | None:
    """Read a contact, with its address in `caixa`; None without an id."""
    body = tree(value)
    contato_id = whole(body.get("id"))
    if contato_id is None:
        return None
    return Contato(
        contato_id,
        words(body.get("name"), NOME_MAX) or "",
        phone(body.get("phone_number")),
        words(body.get("identifier"), ID_MAX),
        _address(body.get("contact_inboxes"), caixa),
    )


def conversation(value: Any) -> ConversaChatwoot | None:
    """Read a conversation; None without an id."""
    body = tree(value)
    conversa_id = whole(body.get("id"))
    if conversa_id is None:
        return None
    meta = tree(body.get("meta"))
    sender = tree(meta.get("sender"))
    link = tree(body.get("contact_inbox"))
    return ConversaChatwoot(
        conversa_id,
        words(body.get("status"), NOME_MAX) or "",
        labels(body.get("labels")),
        _person(meta),
        whole(sender.get("id")) or whole(link.get("contact_id")) or whole(body.get("contact_id")),
        phone(sender.get("phone_number")),
        whole(body.get("inbox_id")) or whole(link.get("inbox_id")),
        words(tree(body.get("custom_attributes")).get(AGENTE), ID_MAX),
    )


def message(value: Any) -> MensagemChatwoot | None:
    """Read a message; None without an id."""
    body = tree(value)
    mensagem_id = whole(body.get("id"))
    if mensagem_id is None:
        return None
    sender = tree(body.get("sender"))
    extra = tree(body.get("content_attributes"))
    conversa_id = whole(tree(body.get("conversation")).get("id"))
    return MensagemChatwoot(
        mensagem_id,
        words(body.get("content")),
        _kind(body.get("message_type")),
        body.get("private") not in (None, False),  # whatever is not clearly for the doctor is a note
        _author(sender.get("type") or body.get("sender_type")),
        words(sender.get("name"), NOME_MAX) or words(sender.get("available_name"), NOME_MAX),
        words(body.get("source_id"), ID_MAX),
        words(extra.get(ECO), ID_MAX),
        whole(body.get("conversation_id")) if conversa_id is None else conversa_id,
        instant(body.get("created_at")),
        anexos=bool(items(body.get("attachments"))),
        apagada=extra.get("deleted") not in (None, False),
    )


def labels(value: Any) -> tuple[str, ...]:
    """Read a list of label names, or of objects with a title, in its order and its case."""
    found = (label.get("title") if isinstance(label, dict) else label for label in items(value))
    return tuple(name for label in found if (name := words(label, NOME_MAX)))


def phone(value: Any) -> str | None:
    """Read a phone as E.164; None for what is none."""
    said = words(value, NOME_MAX)
    return normalizar(said) if said else None


def instant(value: Any) -> datetime | None:
    """Read ISO 8601, or seconds since 1970, whole or not; a time without a zone is UTC."""
    if isinstance(value, str) and not value.isdigit():
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    seconds = number(value) if not isinstance(value, str) else float(whole(value) or 0)
    return datetime.fromtimestamp(seconds, UTC) if seconds and 0 < seconds < YEAR_2100 else None


def webhook(value: Any) -> WebhookChatwoot | None:
    """Read a webhook's row; None without an id."""
    body = tree(value)
    key = whole(body.get("id"))
    if key is None:
        return None
    events = tuple(event for event in items(body.get("subscriptions")) if isinstance(event, str))
    return WebhookChatwoot(key, said(body, "url"), events, words(body.get("secret")))


def keyed(rows: list[Any]) -> list[tuple[int, dict[str, Any]]]:
    """Return the objects that have an id, with it."""
    return [(key, row) for row in map(tree, rows) if (key := whole(row.get("id"))) is not None]


def said(row: dict[str, Any], name: str) -> str:
    """Return a text of an object, empty where it has none."""
    return words(row.get(name)) or ""


def _address(value: Any, caixa: int | None) -> str | None:
    for link in map(tree, items(value)):
        if caixa is not None and whole(tree(link.get("inbox")).get("id")) == caixa:
            return words(link.get("source_id"), ID_MAX)
    return None


def _person(meta: dict[str, Any]) -> int | None:
    assignee = tree(meta.get("assignee"))
    kinds = {str(kind).lower() for kind in (meta.get("assignee_type"), assignee.get("type")) if kind}
    return None if kinds & ROBOS else whole(assignee.get("id")) or None


def _kind(value: Any) -> str:
    code = whole(value)
    return (words(value, NOME_MAX) or "") if code is None else TIPOS.get(code, str(code))


def _author(value: Any) -> str | None:
    said = words(value, NOME_MAX)
    return AUTORES.get(said.lower(), said.lower()) if said else None

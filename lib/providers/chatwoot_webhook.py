"""What a Chatwoot webhook says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import orjson

from lib.providers.chatwoot_json import (
    Contato,
    ConversaChatwoot,
    MensagemChatwoot,
    contact,
    conversation,
    message,
)
from lib.providers.evolution_json import items, tree, whole, words

CRIADA: Final = "message_created"
ATUALIZADA: Final = "message_updated"
CONVERSA: Final = frozenset({"conversation_updated", "conversation_status_changed"})
CONTATO: Final = "contact_updated"
NOME_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class MensagemCriada:
    """A message was written, by anybody: a person, the contact, an automation, or us."""

    mensagem: MensagemChatwoot
    conversa: ConversaChatwoot


@dataclass(frozen=True, slots=True)
class ConversaMudou:
    """Something of a conversation changed. `mudou` holds (before, after) by attribute, as the server writes them.

    `label_list` has two lists, `assignee_id` two ids or None, `status` two words; empty where the server says nothing.
    """

    conversa: ConversaChatwoot
    mudou: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class ContatoMudou:
    """Something of a contact changed."""

    contato: Contato


@dataclass(frozen=True, slots=True)
class OutroEvento:
    """An event nobody here waits for, or one without what it should say."""

    nome: str


EventoChatwoot = MensagemCriada | ConversaMudou | ContatoMudou | OutroEvento


def read(raw: bytes) -> EventoChatwoot:
    """Read one webhook; what is no JSON, or lacks its subject, is an `OutroEvento`."""
    body = _body(raw)
    nome = _event(body)
    if nome == CRIADA:
        mensagem, conversa = message(body), conversation(body.get("conversation"))
        if mensagem and conversa:
            return MensagemCriada(mensagem, conversa)
    elif nome in CONVERSA:
        if conversa := conversation(body):
            return ConversaMudou(conversa, _changes(body.get("changed_attributes")))
    elif nome == CONTATO and (contato := contact(body)):
        return ContatoMudou(contato)
    return OutroEvento(nome)


def evento(raw: bytes) -> str:
    """Return the event's name, empty where it has none."""
    return _event(_body(raw))


def chave(raw: bytes) -> str:
    """Return what this event is known by, however often and by whichever of two webhooks it is delivered.

    A message by its id, with the instant of its change for an update; everything else by its body. Not the delivery id:
    an account's webhook and an inbox's deliver the same message under two of them.
    """
    body = _body(raw)
    nome, key = _event(body), whole(body.get("id"))
    if nome == CRIADA and key is not None:
        return f"{nome}:{key}"
    changed = body.get("updated_at")
    if nome == ATUALIZADA and key is not None and isinstance(changed, str | int | float):
        return f"{nome}:{key}:{str(changed)[:NOME_MAX]}"
    return f"{nome}:{hashlib.sha256(raw).hexdigest()}"


def _body(raw: bytes) -> dict[str, Any]:
    try:
        return tree(orjson.loads(raw))
    except orjson.JSONDecodeError:
        return {}


def _event(body: dict[str, Any]) -> str:
    return words(body.get("event"), NOME_MAX) or ""


def _changes(value: Any) -> Mapping[str, tuple[Any, Any]]:
    """Join a list of one-key objects; one object with all keys, as one version sends, says the same."""
    pairs = [pair for part in ([value] if isinstance(value, dict) else items(value)) for pair in tree(part).items()]
    said = {name: tree(change) for name, change in pairs}
    changed = {name: (change.get("previous_value"), change.get("current_value")) for name, change in said.items()}
    return MappingProxyType(changed)

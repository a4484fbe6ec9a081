"""Chatwoot's REST API, as far as a mirror of our conversations needs it.

One attempt per call. No call has an idempotency key: what may not be asked twice says so, and carries a mark of ours by
which it is found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from uuid import NAMESPACE_URL, uuid5

import httpx

from lib.domain.telefone import digitos
from lib.providers.chamada import Chamada, Falha, Resposta, call, failed, unclear
from lib.providers.chatwoot_erros import DuplicateContactError, judge, judge_contact
from lib.providers.chatwoot_json import (
    AGENTE,
    ECO,
    AgenteChatwoot,
    CaixaChatwoot,
    Contato,
    ConversaChatwoot,
    MensagemChatwoot,
    WebhookChatwoot,
    contact,
    conversation,
    keyed,
    labels,
    message,
    said,
    webhook,
)
from lib.providers.evolution_json import items, tree, whole, words

__all__ = [
    "AgenteChatwoot",
    "CaixaChatwoot",
    "Chatwoot",
    "Contato",
    "ConversaChatwoot",
    "DuplicateContactError",
    "MensagemChatwoot",
    "WebhookChatwoot",
]

FORNECEDOR: Final = "chatwoot"
T = TypeVar("T")
EVENTOS: Final = (
    *("message_created", "message_updated", "conversation_created", "conversation_updated"),
    *("conversation_status_changed", "contact_updated"),
)


@dataclass(frozen=True, slots=True)
class Chatwoot:
    """One inbox `caixa` of one account `conta`, with a user's token, on a pooled client.

    Every error is a `ProviderError`. 401 takes the channel down: it is a wrong token, or a right one without the right.
    The header's name has underscores: nginx drops it unless `underscores_in_headers on`, and everything is 401 then.
    """

    client: httpx.AsyncClient
    token: str = field(repr=False)
    conta: int
    caixa: int
    prazo_s: float = 10.0

    async def eu(self) -> int:
        """Return the id of the token's own user. Safe to repeat."""
        answer = await self._call("profile", "GET", "/api/v1/profile")
        return self._need("profile", answer, whole(answer.objeto.get("id")))

    async def find_contact(self, telefone_e164: str | None, identificador: str) -> Contato | None:
        """Find a contact by its exact phone, else by its exact identifier. Safe to repeat.

        An identifier is compared in lower case by the server: only lower-case ones are found.
        """
        found: list[Contato] = []
        if telefone_e164 is not None:
            found = await self._filter(_phone_filter(telefone_e164))
        if not found:
            found = await self._filter([_equals("identifier", identificador)])
        return next((one for one in found if one.source_id), found[0] if found else None)

    async def create_contact(self, nome: str, telefone: str | None, identificador: str) -> Contato:
        """Create a contact with an address in our inbox. Safe to repeat: a second one is refused.

        Raises:
            DuplicateContactError: phone or identifier are somebody's already (or the phone is malformed).
        """
        body = {"inbox_id": self.caixa, "name": nome, "identifier": identificador}
        if telefone is not None:
            body["phone_number"] = telefone
        answer = await self._call("create_contact", "POST", self._path("contacts"), body, julga=judge_contact)
        payload = tree(answer.objeto.get("payload"))
        made = self._need("create_contact", answer, contact(payload.get("contact"), self.caixa))
        source_id = words(tree(payload.get("contact_inbox")).get("source_id")) or made.source_id
        return Contato(made.id, made.nome, made.telefone, made.identificador, source_id)

    async def link_inbox(self, contato_id: int) -> str:
        """Give a contact an address in our inbox, made from its id, and return it. Safe to repeat."""
        source_id = str(uuid5(NAMESPACE_URL, f"agente:{self.conta}/{self.caixa}/{contato_id}"))
        body = {"inbox_id": self.caixa, "source_id": source_id}
        answer = await self._call("link_inbox", "POST", self._path("contacts", contato_id, "contact_inboxes"), body)
        return self._need("link_inbox", answer, words(answer.objeto.get("source_id")))

    async def conversations_of(self, contato_id: int) -> Sequence[ConversaChatwoot]:
        """Return a contact's latest conversations in our inbox, newest first. Safe to repeat."""
        path = self._path("contacts", contato_id, "conversations")
        answer = await self._call("conversations_of", "GET", path)
        found = [one for row in self._list("conversations_of", answer, "payload") if (one := conversation(row))]
        ours = [one for one in found if one.caixa_id in {None, self.caixa}]
        return sorted(ours, key=lambda one: one.id, reverse=True)

    async def create_conversation(self, contato_id: int, source_id: str, agente_id: str) -> int:
        """Open a conversation marked with our conversation's id; return its display id.

        Not safe to repeat: each call opens one more, unless the inbox is locked to a single conversation.
        `conversations_of` finds it again by its `agente_conversa`.
        """
        body = {
            "source_id": source_id,
            "inbox_id": self.caixa,
            "contact_id": contato_id,
            "custom_attributes": {AGENTE: agente_id},
        }
        answer = await self._call("create_conversation", "POST", self._path("conversations"), body, segura=False)
        return self._need("create_conversation", answer, whole(answer.objeto.get("id")), segura=False)

    async def get_conversation(self, conversa_id: int) -> ConversaChatwoot:
        """Return a conversation as it is now. Safe to repeat."""
        answer = await self._call("get_conversation", "GET", self._path("conversations", conversa_id))
        return self._need("get_conversation", answer, conversation(answer.corpo))

    async def list_messages(
        self, conversa_id: int, after: int | None = None, before: int | None = None
    ) -> Sequence[MensagemChatwoot]:
        """Return messages, oldest first: up to 100 after an id, or 20 before one, or the latest 20. Safe to repeat."""
        params = {name: value for name, value in (("after", after), ("before", before)) if value is not None}
        path = self._path("conversations", conversa_id, "messages")
        answer = await self._call("list_messages", "GET", path, params=params or None)
        found = [one for row in self._list("list_messages", answer, "payload") if (one := message(row))]
        return sorted(found, key=lambda one: one.id)

    async def post_message(
        self, conversa_id: int, texto: str, tipo: str, eco_id: str, privada: bool = False
    ) -> MensagemChatwoot:
        """Post a message, `incoming` or `outgoing`, marked as ours by `eco_id`.

        Not safe to repeat. It comes back as a webhook and in `list_messages` with its `eco_id`; older servers
        keep the `source_id` alone, or neither.
        """
        body = {
            "content": texto,
            "message_type": tipo,
            "private": privada,
            "content_type": "text",
            "content_attributes": {ECO: eco_id},
            "source_id": eco_id,
        }
        path = self._path("conversations", conversa_id, "messages")
        answer = await self._call("post_message", "POST", path, body, segura=False)
        return self._need("post_message", answer, message(answer.corpo), segura=False)

    async def set_status(self, conversa_id: int, status: str) -> None:
        """Set a status: open, resolved, pending or snoozed. Safe to repeat.

        `open` by a token of role agent assigns the conversation to that agent.
        """
        path = self._path("conversations", conversa_id, "toggle_status")
        answer = await self._call("set_status", "POST", path, {"status": status})
        now = tree(answer.objeto.get("payload")).get("current_status")
        if now not in {None, status}:
            raise failed(self._chamada("set_status"), answer, Falha.PERMANENTE, "the status stayed what it was")

    async def assign(self, conversa_id: int, responsavel_id: int | None) -> None:
        """Give a conversation to a person, or to nobody. Safe to repeat."""
        path = self._path("conversations", conversa_id, "assignments")
        await self._call("assign", "POST", path, {"assignee_id": responsavel_id or 0})

    async def set_label(self, conversa_id: int, nome: str, presente: bool) -> tuple[str, ...]:
        """Put a label on or take it off, keeping the others; return what is on it afterwards. Safe to repeat.

        The server replaces the whole list: what somebody changes between our two calls is lost. Some servers drop a
        label that the account does not define, so the answer may lack it.
        """
        path = self._path("conversations", conversa_id, "labels")
        answer = await self._call("get_labels", "GET", path)
        now = labels(self._list("get_labels", answer, "payload"))
        if (nome in now) is presente:
            return now
        wanted = [*now, nome] if presente else [name for name in now if name != nome]
        answer = await self._call("set_labels", "POST", path, {"labels": wanted})
        return labels(self._list("set_labels", answer, "payload"))

    async def create_webhook(self, url: str, eventos: Sequence[str] = EVENTOS) -> str | None:
        """Subscribe to the account's events; return the secret they are signed with, where the server says it.

        Not safe to repeat: an address is taken once, and its second try is refused. `list_webhooks` tells.
        """
        body = {"url": url, "name": "Agente Júlia", "subscriptions": list(eventos)}
        answer = await self._call("create_webhook", "POST", self._path("webhooks"), body, segura=False)
        made = webhook(tree(answer.objeto.get("payload")).get("webhook") or answer.objeto)
        return self._need("create_webhook", answer, made, segura=False).segredo

    async def list_webhooks(self) -> Sequence[WebhookChatwoot]:
        """Return the account's webhooks. Safe to repeat."""
        answer = await self._call("list_webhooks", "GET", self._path("webhooks"))
        rows = items(tree(answer.objeto.get("payload")).get("webhooks")) or items(answer.objeto.get("payload"))
        return [one for row in rows if (one := webhook(row))]

    async def list_inboxes(self) -> Sequence[CaixaChatwoot]:
        """Return the account's inboxes. Safe to repeat."""
        answer = await self._call("list_inboxes", "GET", self._path("inboxes"))
        rows = self._list("list_inboxes", answer, "payload")
        return [CaixaChatwoot(key, said(row, "name"), said(row, "channel_type")) for key, row in keyed(rows)]

    async def list_agents(self) -> Sequence[AgenteChatwoot]:
        """Return the account's people. Safe to repeat."""
        answer = await self._call("list_agents", "GET", self._path("agents"))
        rows = items(answer.corpo)
        return [AgenteChatwoot(key, said(row, "name"), said(row, "role")) for key, row in keyed(rows)]

    async def list_labels(self) -> tuple[str, ...]:
        """Return the labels the account defines. Safe to repeat."""
        answer = await self._call("list_labels", "GET", self._path("labels"))
        return labels(self._list("list_labels", answer, "payload"))

    async def _filter(self, conditions: list[dict[str, Any]]) -> list[Contato]:
        answer = await self._call("find_contact", "POST", self._path("contacts", "filter"), {"payload": conditions})
        rows = self._list("find_contact", answer, "payload")
        return [one for row in rows if (one := contact(row, self.caixa))]

    def _path(self, *parts: str | int) -> str:
        return "/".join(("/api/v1/accounts", str(self.conta), *map(str, parts)))

    def _chamada(self, nome: str, *, segura: bool = True) -> Chamada:
        return Chamada(FORNECEDOR, nome, segura, self.prazo_s)

    async def _call(
        self, nome: str, method: str, path: str, body: object = None, *, segura: bool = True, **extra: Any
    ) -> Resposta:
        headers = {"api_access_token": self.token, "accept": "application/json"}
        extra.setdefault("julga", judge)
        chamada = self._chamada(nome, segura=segura)
        return await call(self.client, chamada, method, path, headers=headers, body=body, **extra)

    def _need(self, nome: str, answer: Resposta, value: T | None, *, segura: bool = True) -> T:
        if value is None:
            chamada = self._chamada(nome, segura=segura)
            raise failed(chamada, answer, unclear(chamada), "the answer lacks what was asked for")
        return value

    def _list(self, nome: str, answer: Resposta, name: str) -> list[Any]:
        value = answer.objeto.get(name)
        return self._need(nome, answer, value if isinstance(value, list) else None)


def _equals(key: str, value: str) -> dict[str, Any]:
    return {"attribute_key": key, "filter_operator": "equal_to", "values": [value]}


def _phone_filter(telefone: str) -> list[dict[str, Any]]:
    """Ask for the phone with and without its plus: older servers put one before whatever they get."""
    return [
        _equals("phone_number", telefone) | {"query_operator": "OR"},
        _equals("phone_number", digitos(telefone)),
    ]

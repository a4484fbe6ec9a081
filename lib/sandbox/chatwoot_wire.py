"""Chatwoot's JSON: numbers and Unix seconds over REST, words and ISO dates in webhooks."""

from __future__ import annotations

from typing import Any, Final

from lib.sandbox.chatwoot_world import (
    CAIXA_NOME,
    CONTA_NOME,
    ENTRA,
    ChatwootWorld,
    ContatoCw,
    ConversaCw,
    MensagemCw,
    Pessoa,
    WebhookCw,
)
from lib.sandbox.world import iso

TIPOS: Final = ("incoming", "outgoing", "activity", "template")
_CANAL: Final = "Channel::Api"


def rest_contact(mundo: ChatwootWorld, contato: ContatoCw) -> dict[str, Any]:
    """A contact with its addresses."""
    inbox = {"id": mundo.caixa, "name": CAIXA_NOME, "channel_type": _CANAL}
    return {
        **_contact(contato),
        "availability_status": "offline",
        "created_at": int(contato.criado_s),
        "contact_inboxes": [{"source_id": source_id, "inbox": inbox} for _, source_id in contato.enderecos],
    }


def rest_conversation(mundo: ChatwootWorld, conversa: ConversaCw) -> dict[str, Any]:
    """A conversation as show and the lists have it."""
    contato = mundo.contatos[conversa.contato_id]
    pessoa = mundo.pessoas.get(conversa.responsavel_id or 0)
    last = mundo.da_conversa(conversa.id)[-1:]
    meta = {"sender": rest_contact(mundo, contato), "channel": _CANAL, "hmac_verified": False}
    return {
        "meta": meta | ({"assignee": agent(mundo, pessoa)} if pessoa else {}),
        "id": conversa.id,
        "messages": [rest_message(mundo, message) for message in last],
        "account_id": mundo.conta,
        "additional_attributes": {},
        "can_reply": True,
        "custom_attributes": conversa.atributos,
        "inbox_id": conversa.caixa_id,
        "labels": list(conversa.labels),
        "muted": False,
        "snoozed_until": None,
        "status": conversa.status,
        "created_at": int(conversa.criada_s),
        "timestamp": int(conversa.mudou_s),
        "unread_count": 0,
        "last_activity_at": int(conversa.mudou_s),
        "priority": None,
    }


def rest_message(mundo: ChatwootWorld, mensagem: MensagemCw) -> dict[str, Any]:
    """A message as REST has it; `echo_id` is said once, to whoever posted it."""
    sender = _sender(mundo, mensagem)
    return {
        "id": mensagem.id,
        "content": mensagem.texto,
        "inbox_id": mundo.caixa,
        **({"echo_id": mensagem.echo_id} if mensagem.echo_id else {}),
        "conversation_id": mensagem.conversa_id,
        "message_type": mensagem.tipo,
        "content_type": "text",
        "status": "sent",
        "content_attributes": mensagem.atributos,
        "created_at": int(mensagem.criada_s),
        "private": mensagem.privada,
        "source_id": mensagem.source_id,
        **({"sender": sender} if sender else {}),
    }


def agent(mundo: ChatwootWorld, pessoa: Pessoa) -> dict[str, Any]:
    """A user of the account."""
    return {
        "id": pessoa.id,
        "account_id": mundo.conta,
        "availability_status": "online",
        "auto_offline": True,
        "confirmed": True,
        "email": pessoa.email,
        "available_name": pessoa.nome,
        "name": pessoa.nome,
        "role": pessoa.papel,
        "thumbnail": "",
    }


def webhook_row(mundo: ChatwootWorld, webhook: WebhookCw) -> dict[str, Any]:
    """A webhook; its secret where it is signed."""
    row = {"id": webhook.id, "name": webhook.nome, "url": webhook.url, "account_id": mundo.conta}
    secret = {"secret": webhook.segredo} if webhook.segredo else {}
    return row | {"subscriptions": list(webhook.eventos)} | secret


def inbox_row(mundo: ChatwootWorld) -> dict[str, Any]:
    """The one inbox."""
    locked = {"lock_to_single_conversation": mundo.trava_unica}
    return {"id": mundo.caixa, "name": CAIXA_NOME, "channel_type": _CANAL, "enable_auto_assignment": False} | locked


def event_conversation(mundo: ChatwootWorld, conversa: ConversaCw) -> dict[str, Any]:
    """A conversation inside an event."""
    contato = mundo.contatos[conversa.contato_id]
    pessoa = mundo.pessoas.get(conversa.responsavel_id or 0)
    link = {"id": contato.id + 1, "contact_id": contato.id, "inbox_id": conversa.caixa_id}
    assignee = {"id": pessoa.id, "name": pessoa.nome, "email": pessoa.email, "type": "user"} if pessoa else None
    return {
        "additional_attributes": {},
        "can_reply": True,
        "channel": _CANAL,
        "contact_inbox": {**link, "source_id": conversa.source_id, "hmac_verified": False},
        "id": conversa.id,
        "inbox_id": conversa.caixa_id,
        "messages": [],
        "labels": list(conversa.labels),
        "meta": {
            "sender": {**_contact(contato), "type": "contact"},
            "assignee": assignee,
            "assignee_type": "User" if pessoa else None,
            "team": None,
            "hmac_verified": False,
        },
        "status": conversa.status,
        "custom_attributes": conversa.atributos,
        "snoozed_until": None,
        "unread_count": 0,
        "first_reply_created_at": None,
        "priority": None,
        "waiting_since": 0,
        "agent_last_seen_at": 0,
        "contact_last_seen_at": 0,
        "last_activity_at": int(conversa.mudou_s),
        "timestamp": int(conversa.mudou_s),
        "created_at": int(conversa.criada_s),
        "updated_at": conversa.mudou_s,
    }


def event_message(mundo: ChatwootWorld, mensagem: MensagemCw) -> dict[str, Any]:
    """Data of `message_created`."""
    return {
        "account": {"id": mundo.conta, "name": CONTA_NOME},
        "additional_attributes": {},
        "content_attributes": mensagem.atributos,
        "content_type": "text",
        "content": mensagem.texto,
        "conversation": event_conversation(mundo, mundo.conversas[mensagem.conversa_id]),
        "created_at": iso(mensagem.criada_s),
        "id": mensagem.id,
        "inbox": {"id": mundo.caixa, "name": CAIXA_NOME},
        "message_type": TIPOS[mensagem.tipo],
        "private": mensagem.privada,
        "sender": _sender(mundo, mensagem),
        "source_id": mensagem.source_id,
    }


def event_contact(mundo: ChatwootWorld, contato: ContatoCw) -> dict[str, Any]:
    """Data of `contact_created` and `contact_updated`."""
    return {**_contact(contato), "account": {"id": mundo.conta, "name": CONTA_NOME}, "avatar": ""}


def _contact(contato: ContatoCw) -> dict[str, Any]:
    return {
        "additional_attributes": {},
        "custom_attributes": contato.atributos,
        "email": contato.email,
        "id": contato.id,
        "identifier": contato.identificador,
        "name": contato.nome,
        "phone_number": contato.telefone,
        "thumbnail": "",
        "blocked": False,
    }


def _sender(mundo: ChatwootWorld, mensagem: MensagemCw) -> dict[str, Any] | None:
    if mensagem.tipo == ENTRA:
        contato = mundo.contatos[mundo.conversas[mensagem.conversa_id].contato_id]
        return {**_contact(contato), "type": "contact"}
    pessoa = mundo.pessoas.get(mensagem.autor_id or 0)
    return {"id": pessoa.id, "name": pessoa.nome, "email": pessoa.email, "type": "user"} if pessoa else None

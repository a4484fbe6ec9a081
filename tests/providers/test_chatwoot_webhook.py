"""What Chatwoot's webhooks mean: every sample, and the shapes that other versions send."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from lib.providers.chatwoot_json import Contato, ConversaChatwoot
from lib.providers.chatwoot_webhook import (
    ContatoMudou,
    ConversaMudou,
    MensagemCriada,
    OutroEvento,
    chave,
    evento,
    read,
)
from tests.fixtures.chatwoot_amostras import amostra, bruta, webhooks

FONE = "+5511900001001"
EM = datetime(2025, 11, 22, 16, tzinfo=UTC)
# id, text, kind, private, author's kind, author, source id
MENSAGENS: dict[str, tuple[Any, ...]] = {
    "message_created.outgoing_agent": (
        *(12346, "Assumi a conversa", "outgoing", False, "user", "Gestora Fictícia", None),
    ),
    "message_created.outgoing_echo_of_our_api_post": (
        *(12347, "Oi Dra! Temos um plantão", "outgoing", False, "user", "Gestora Fictícia"),
        "outbox:01J0000000000000000000000",
    ),
    "message_created.private_note": (
        *(12348, "Nota interna: médica pediu retorno", "outgoing", True, "user", "Gestora Fictícia", None),
    ),
    "message_created.template_csat": (12350, "Avalie", "template", False, None, None, None),
}
CONVERSAS: dict[str, tuple[ConversaChatwoot, dict[str, tuple[Any, Any]]]] = {
    "conversation_status_changed.resolved": (
        ConversaChatwoot(50, "resolved", ("concluido",), None, 100, FONE, 4),
        {
            "status": ("open", "resolved"),
            "updated_at": ("2025-11-22T15:59:00.000Z", "2025-11-22T16:00:00.000Z"),
        },
    ),
    "conversation_updated.assignee_changed": (
        ConversaChatwoot(50, "open", (), 5, 100, FONE, 4),
        {"assignee_id": (None, 5)},
    ),
    "conversation_updated.label_added": (
        ConversaChatwoot(50, "open", ("humano",), None, 100, FONE, 4),
        {"label_list": ([], ["humano"])},
    ),
}
OUTROS = {
    "contact_updated": ContatoMudou(Contato(100, "Dra. Ficticia", FONE, "5511900001001", None)),
    "message_updated.deleted": OutroEvento("message_updated"),
}


def raw(body: object) -> bytes:
    return orjson.dumps(body)


def test_every_sample_has_its_meaning_here() -> None:
    assert sorted([*MENSAGENS, *CONVERSAS, *OUTROS]) == webhooks()


@pytest.mark.parametrize("nome", MENSAGENS)
def test_a_message_says_who_wrote_what_to_whom(nome: str) -> None:
    event = read(bruta(nome))
    assert isinstance(event, MensagemCriada)
    said = event.mensagem
    found = (said.id, said.texto, said.tipo, said.privada, said.autor_tipo, said.autor_nome, said.source_id)
    assert found == MENSAGENS[nome]
    assert (said.eco_id, said.conversa_id, said.em) == (None, 50, EM)
    assert (event.conversa.id, event.conversa.contato_id, event.conversa.telefone) == (50, 100, FONE)


@pytest.mark.parametrize("nome", CONVERSAS)
def test_a_change_of_a_conversation_says_what_it_was_and_is(nome: str) -> None:
    event = read(bruta(nome))
    assert isinstance(event, ConversaMudou)
    conversa, changes = CONVERSAS[nome]
    assert event.conversa == conversa
    assert dict(event.mudou) == changes


@pytest.mark.parametrize("nome", OUTROS)
def test_the_other_samples(nome: str) -> None:
    assert read(bruta(nome)) == OUTROS[nome]


def test_our_own_message_is_known_by_its_mark() -> None:
    body = amostra("message_created.outgoing_echo_of_our_api_post")
    body["content_attributes"]["agente_eco"] = "i:7"
    event = read(raw(body))
    assert isinstance(event, MensagemCriada)
    assert event.mensagem.eco_id == "i:7"


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({"content": None}, "texto", None),
        ({"content": ""}, "texto", None),
        ({"content": "a\x00b"}, "texto", "ab"),
        ({"content": {"odd": 1}}, "texto", None),
        ({"sender": None}, "autor_tipo", None),
        ({"sender": {"type": "agent_bot", "id": 3}}, "autor_tipo", "agent_bot"),
        ({"sender": {"id": 3}, "sender_type": "AgentBot"}, "autor_tipo", "agent_bot"),
        ({"sender": {"id": 3}, "sender_type": "User"}, "autor_tipo", "user"),
        ({"sender": "odd"}, "autor_nome", None),
        ({"message_type": 0}, "tipo", "incoming"),
        ({"message_type": "1"}, "tipo", "outgoing"),
        ({"message_type": 2}, "tipo", "activity"),
        ({"message_type": "brand_new"}, "tipo", "brand_new"),
        ({"message_type": None}, "tipo", ""),
        ({"private": None}, "privada", False),
        ({"private": "true"}, "privada", True),
        ({"private": 1}, "privada", True),
        ({"attachments": [{"id": 1, "file_type": "file"}]}, "anexos", True),
        ({"attachments": None}, "anexos", False),
        ({"content_attributes": {"deleted": True}}, "apagada", True),
        ({"created_at": 1763827200}, "em", EM),
        ({"created_at": 1763827200.0}, "em", EM),
        ({"created_at": "1763827200"}, "em", EM),
        ({"created_at": "2025-11-22T13:00:00-03:00"}, "em", EM),
        ({"created_at": "2025-11-22 16:00:00"}, "em", EM),
        ({"created_at": "soon"}, "em", None),
        ({"created_at": "9" * 30}, "em", None),
        ({"created_at": None}, "em", None),
        ({"created_at": -5}, "em", None),
        ({"created_at": True}, "em", None),
        ({"content_attributes": None}, "eco_id", None),
        ({"content_attributes": "{}"}, "eco_id", None),
        ({"id": "12346"}, "id", 12346),
        ({"brand_new": {"x": [1]}}, "id", 12346),
    ],
)
def test_odd_shapes_of_a_message_never_crash(change: dict[str, Any], name: str, value: object) -> None:
    event = read(raw(amostra("message_created.outgoing_agent") | change))
    assert isinstance(event, MensagemCriada)
    assert getattr(event.mensagem, name) == value


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({"labels": None}, "labels", ()),
        ({"labels": [{"title": "Humano"}, None, 3, "VIP"]}, "labels", ("Humano", "VIP")),
        ({"status": "brand_new"}, "status", "brand_new"),
        ({"status": 7}, "status", ""),
        ({"meta": None}, "telefone", None),
        ({"meta": None}, "contato_id", 100),
        ({"meta": {"assignee": {"id": 9, "type": "agent_bot"}}}, "responsavel_id", None),
        ({"meta": {"assignee": "odd", "sender": []}}, "responsavel_id", None),
        ({"meta": {"sender": {"id": 100, "phone_number": "551190000-1001"}}}, "telefone", FONE),
        ({"meta": {"sender": {"id": 100, "phone_number": "123@lid"}}}, "telefone", None),
        ({"custom_attributes": {"agente_conversa": "7"}}, "agente_conversa", "7"),
        ({"updated_at": "x", "created_at": None}, "id", 50),
    ],
)
def test_odd_shapes_of_a_conversation_never_crash(change: dict[str, Any], name: str, value: object) -> None:
    event = read(raw(amostra("conversation_updated.label_added") | change))
    assert isinstance(event, ConversaMudou)
    assert getattr(event.conversa, name) == value


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        (None, {}),
        ([], {}),
        ("odd", {}),
        ([3, "x", {"status": None}], {"status": (None, None)}),
        ({"status": {"previous_value": "open", "current_value": "resolved"}}, {"status": ("open", "resolved")}),
        ([{"assignee_id": {"previous_value": 5, "current_value": None}}], {"assignee_id": (5, None)}),
    ],
)
def test_odd_lists_of_changes_never_crash(said: object, changes: dict[str, Any]) -> None:
    event = read(raw(amostra("conversation_updated.label_added") | {"changed_attributes": said}))
    assert isinstance(event, ConversaMudou)
    assert dict(event.mudou) == changes


@pytest.mark.parametrize(
    ("body", "nome"),
    [
        (b"", ""),
        (b"{", ""),
        (b"[]", ""),
        (b"null", ""),
        (b'{"event": 3}', ""),
        (b'{"event": "conversation_typing_on"}', "conversation_typing_on"),
        (b'{"event": "message_created"}', "message_created"),
        (b'{"event": "message_created", "id": 3}', "message_created"),
        (b'{"event": "conversation_updated", "id": null}', "conversation_updated"),
        (b'{"event": "contact_updated", "id": -1}', "contact_updated"),
    ],
)
def test_what_says_nothing_is_another_event(body: bytes, nome: str) -> None:
    assert read(body) == OutroEvento(nome)
    assert evento(body) == nome
    assert chave(body)


def test_a_message_is_one_whatever_else_its_body_says() -> None:
    first = amostra("message_created.outgoing_agent")
    second = amostra("message_created.outgoing_agent")
    second["conversation"]["updated_at"] += 1
    assert chave(raw(first)) == chave(raw(second)) == "message_created:12346"
    assert chave(raw(first | {"id": 1})) != chave(raw(first))


def test_two_changes_of_a_message_are_two() -> None:
    body = amostra("message_updated.deleted")
    keys = {
        chave(raw(body)),
        chave(raw(body | {"content": "another"})),
        chave(raw(body | {"updated_at": 1763827200.5})),
        chave(raw(body | {"updated_at": 1763827201.5})),
    }
    assert len(keys) == 4


def test_changes_of_a_conversation_are_told_apart_by_their_bodies() -> None:
    added = amostra("conversation_updated.label_added")
    again = added | {"updated_at": added["updated_at"] + 1}
    assert chave(raw(added)) == chave(raw(added)) != chave(raw(again))

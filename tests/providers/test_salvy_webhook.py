"""What Salvy's webhooks say, and which six digits are a WhatsApp code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from lib.providers.salvy_sms import codigo_whatsapp, sms
from lib.providers.salvy_webhook import ContaMudou, OutroEvento, SmsRecebido, read

PASTA = Path(__file__).resolve().parents[1] / "fixtures" / "salvy"
CONTA = "00000000-0000-4000-8000-00000000a001"
TODAS = {"whatsapp": {"verificationCode": "654321"}}
DETECTA_TUDO = {"google": {"verificationCode": "111111"}, "telegram": {"verificationCode": "222222"}, **TODAS}


def test_a_text_message_without_a_code() -> None:
    evento = read((PASTA / "webhook.sms.received_spam_no_code.json").read_bytes())
    assert isinstance(evento, SmsRecebido)
    assert (evento.sms.id, evento.sms.conta_id) == ("00000000-0000-4000-8000-00000000b002", CONTA)
    assert evento.sms.codigo_whatsapp is None
    assert evento.sms.recebido_em == datetime(2026, 11, 20, 12, 4, 58, tzinfo=UTC)


def test_a_number_of_which_something_changed() -> None:
    evento = read((PASTA / "webhook.phone-account.reactivated.json").read_bytes())
    assert evento == ContaMudou(CONTA, "phone-account.reactivated")


def test_a_code_is_read_and_is_not_shown() -> None:
    data = {"id": "b1", "phoneAccountId": "novo", "virtualPhoneAccountId": "velho", "message": "WhatsApp 123-456"}
    evento = read(orjson.dumps({"type": "sms.received", "data": data}))
    assert isinstance(evento, SmsRecebido)
    assert (evento.sms.codigo_whatsapp, evento.sms.conta_id) == ("123456", "novo")
    assert "123" not in repr(evento)


@pytest.mark.parametrize(
    ("texto", "deteccoes", "codigo"),
    [
        ("", DETECTA_TUDO, "654321"),
        ("", {"google": {"verificationCode": "111111"}}, None),
        ("", {"whatsapp": {"verificationCode": "654-321"}}, "654321"),
        ("Seu código do WhatsApp: 123-456", {"whatsapp": {}}, "123456"),
        ("Seu código do WhatsApp: 123-456", {"whatsapp": {"verificationCode": "12345"}}, "123456"),
        ("Seu código do WhatsApp: 123-456", {}, "123456"),
        ("<#> WhatsApp code 123 456\n4sgLq1p5sV6", None, "123456"),
        ("Seu código do WhatsApp Business é 123456. Não compartilhe", {}, "123456"),
        ("WhatsApp code: 123-456\nv.whatsapp.com/123456", {}, "123456"),
        ("Seu código do Google: 123-456", {}, None),
        ("Promoção! Ligue 4002-8922 ou chame no WhatsApp", {}, None),
        ("WhatsApp (11) 98765-4321", {}, None),
        ("Chame no WhatsApp: 0800 123 456", {}, None),
        ("WhatsApp 123-456 ou 654-321", {}, None),
        ("WhatsApp sem código", {}, None),
        ("WhatsApp 123-456", [1], "123456"),
    ],
)
def test_only_whatsapps_own_code_is_one(texto: str, deteccoes: object, codigo: str | None) -> None:
    assert codigo_whatsapp(texto, deteccoes) == codigo


@pytest.mark.parametrize(
    ("recebido", "tarde"),
    [
        ("2026-11-20T12:00:00Z", False),
        ("2026-11-20T11:49:59Z", True),
        ("2026-11-20T09:00:00-03:00", False),
        ("2026-11-20T12:00:00", False),
        ("ontem", True),
        (None, True),
        (7, True),
    ],
)
def test_a_code_that_came_late_is_known_to_be_late(recebido: object, tarde: bool) -> None:
    agora = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert sms({"id": "b1", "receivedAt": recebido}).tarde(agora) is tarde
    assert sms({"id": "b1", "receivedAt": recebido}).tarde(agora + timedelta(hours=1))


@pytest.mark.parametrize(
    ("corpo", "tipo"),
    [
        (b"", ""),
        (b"{}", ""),
        (b"[1]", ""),
        (b'{"type": 7, "data": {}}', ""),
        (b'{"type": "sms.received"}', "sms.received"),
        (b'{"type": "sms.received", "data": {"id": 7}}', "sms.received"),
        (b'{"type": "phone-account.activated", "data": {}}', "phone-account.activated"),
        (b'{"type": "esim.teleported", "data": {"x": 1}}', "esim.teleported"),
    ],
)
def test_whatever_comes_is_something(corpo: bytes, tipo: str) -> None:
    assert read(corpo) == OutroEvento(tipo)


def test_extra_fields_and_kinds_of_events_to_come_are_no_trouble() -> None:
    body: dict[str, Any] = {"type": "phone-account.teleported", "x": 1, "data": {"phoneAccountId": "a", "y": {"z": []}}}
    assert read(orjson.dumps(body)) == ContaMudou("a", "phone-account.teleported")

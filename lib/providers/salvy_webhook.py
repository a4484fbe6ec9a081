"""What Salvy's webhooks say. They come in any order and more than once: a state is asked for, not inferred."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from lib.providers.salvy_sms import Sms, sms

SMS_RECEBIDO = "sms.received"
_CONTA = "phone-account."


@dataclass(frozen=True, slots=True)
class SmsRecebido:
    """A number got a text message."""

    sms: Sms


@dataclass(frozen=True, slots=True)
class ContaMudou:
    """Something happened to a number; `tipo` is not to be trusted as its state."""

    conta_id: str
    tipo: str


@dataclass(frozen=True, slots=True)
class OutroEvento:
    """A kind that nobody knows yet, or a body without what its kind must have."""

    tipo: str


EventoSalvy = SmsRecebido | ContaMudou | OutroEvento


def read(raw: bytes) -> EventoSalvy:
    """Read one webhook; whatever its shape, it is something."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return OutroEvento("")
    if not isinstance(body, dict):
        return OutroEvento("")
    tipo = body["type"][:100] if isinstance(body.get("type"), str) else ""
    data = body.get("data")
    if not isinstance(data, dict):
        return OutroEvento(tipo)
    if tipo == SMS_RECEBIDO and (received := sms(data)).id:
        return SmsRecebido(received)
    conta = data.get("phoneAccountId") or data.get("virtualPhoneAccountId")
    if tipo.startswith(_CONTA) and isinstance(conta, str) and conta:
        return ContaMudou(conta[:100], tipo)
    return OutroEvento(tipo)

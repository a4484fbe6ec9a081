"""Text messages that Salvy's numbers receive, and the WhatsApp code that one may carry. Their text is a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

VALIDADE: Final = timedelta(minutes=10)
CODIGO: Final = re.compile(r"\d{6}")
_WHATSAPP: Final = re.compile(r"whats\s?app", re.IGNORECASE)
# Six digits that are no part of a longer number, of a telephone number written in groups above all.
_SEIS: Final = re.compile(r"(?<!\d)(?<!\d[- .])(\d{3})[- ]?(\d{3})(?!\d)(?![- .]\d)")


@dataclass(frozen=True, slots=True)
class Sms:
    """One text message. `codigo_whatsapp` is six digits, or None when it carries none."""

    id: str
    conta_id: str
    recebido_em: datetime | None
    origem: str = field(repr=False)
    destino: str = field(repr=False)
    codigo_whatsapp: str | None = field(repr=False)

    def tarde(self, agora: datetime) -> bool:
        """Tell whether a code in it has expired (10 minutes), which also holds when nobody knows how old it is."""
        return self.recebido_em is None or agora - self.recebido_em > VALIDADE


def sms(dados: Mapping[str, Any], conta_id: str = "") -> Sms:
    """Read a text message as the API and the webhook show it; what is missing is empty."""
    return Sms(
        id=_text(dados.get("id")),
        conta_id=_text(dados.get("phoneAccountId")) or _text(dados.get("virtualPhoneAccountId")) or conta_id,
        recebido_em=instant(dados.get("receivedAt")),
        origem=_text(dados.get("originPhoneNumber")),
        destino=_text(dados.get("destinationPhoneNumber")),
        codigo_whatsapp=codigo_whatsapp(_text(dados.get("message")), dados.get("detections")),
    )


def codigo_whatsapp(texto: str, deteccoes: object) -> str | None:
    """Return the WhatsApp code that Salvy detected, else the only six digits of a text that names WhatsApp.

    Codes of other services are none: every message that a number gets comes here.
    """
    whatsapp = deteccoes.get("whatsapp") if isinstance(deteccoes, dict) else None
    detected = whatsapp.get("verificationCode") if isinstance(whatsapp, dict) else None
    if isinstance(detected, str) and CODIGO.fullmatch(digits := re.sub(r"[- ]", "", detected)):
        return digits
    if not _WHATSAPP.search(texto):
        return None
    found = {first + last for first, last in _SEIS.findall(texto)}
    return found.pop() if len(found) == 1 else None


def instant(value: object) -> datetime | None:
    """Read an ISO 8601 instant, UTC where it names no zone; None when it is none."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def _text(value: object) -> str:
    return value[:2_000] if isinstance(value, str) else ""

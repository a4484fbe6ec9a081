"""Salvy's webhooks, delivered by Svix: signed over the raw bytes, tried again for days until they hear 2xx.

A text message holds a code that opens a WhatsApp account: nothing of it is logged, and its bytes are kept for minutes.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from api.webhooks.corpo import read_raw, refuse_deep, refused
from lib.assinatura import svix_valida
from lib.providers.salvy_webhook import ContaMudou, EventoSalvy, SmsRecebido, read
from lib.resources import Resources
from lib.usecases.webhook import guardar

CAMINHO: Final = "/webhooks/salvy"
ACEITO: Final = Response(status_code=202)
PREFIXOS: Final = ("svix", "webhook")  # Svix's own names, then those of Standard Webhooks


async def salvy(request: Request) -> Response:
    """Store one event and answer 202.

    Raises:
        UnauthorizedError: the signature is missing, wrong or more than 5 minutes old; nothing was stored.
        DatabaseUnavailableError: nothing is known to be stored.
    """
    resources: Resources = request.app.state.resources
    raw = await read_raw(request)
    msg_id, timestamp, signature = (_header(request, part) for part in ("id", "timestamp", "signature"))
    secrets = resources.settings.salvy_webhook_secrets
    if not svix_valida(raw, msg_id, timestamp, signature, secrets, resources.clock()):
        raise refused(request, "salvy", "signature")
    refuse_deep(raw)
    evento = read(raw)
    if await guardar(resources.db_entrada, "salvy", _chave(evento, msg_id or ""), raw, _tipo(evento)):
        request.app.state.worker.webhook_stored()  # a code in it is waited for
    return ACEITO


def _header(request: Request, part: str) -> str | None:
    return next((found for prefix in PREFIXOS if (found := request.headers.get(f"{prefix}-{part}"))), None)


def _chave(evento: EventoSalvy, msg_id: str) -> str:
    """Name an event once, however it is delivered: the same text message also comes under another delivery's id."""
    return f"sms:{evento.sms.id}" if isinstance(evento, SmsRecebido) else f"evento:{msg_id}"


def _tipo(evento: EventoSalvy) -> str:
    match evento:
        case SmsRecebido():
            return "sms.received"
        case ContaMudou(tipo=tipo):
            return tipo
        case _:
            return evento.tipo or "desconhecido"

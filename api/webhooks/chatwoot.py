"""Chatwoot's webhooks: signed, recent, stored, 200; who sends once only hears 200 after the commit.

A server too old to sign is refused: it has to be updated, there is no way around the signature.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from api.webhooks.corpo import read_raw, refuse_deep, refused
from lib.assinatura import chatwoot_valida
from lib.providers import chatwoot_webhook
from lib.resources import Resources
from lib.usecases.webhook import guardar

CAMINHO: Final = "/webhooks/chatwoot"
FORNECEDOR: Final = "chatwoot"
TIMESTAMP: Final = "x-chatwoot-timestamp"
ASSINATURA: Final = "x-chatwoot-signature"
ENTREGA: Final = "x-chatwoot-delivery"


async def chatwoot(request: Request) -> Response:
    """Store one event and answer 200, or say why it was not stored.

    Raises:
        UnauthorizedError: without its three headers, wrongly signed, older than 300 s, or no secret is set.
        PayloadTooLargeError: more than 1 MB.
        DatabaseUnavailableError: not stored.
    """
    resources: Resources = request.app.state.resources
    headers = request.headers
    if not all(headers.get(name) for name in (TIMESTAMP, ASSINATURA, ENTREGA)):
        raise refused(request, FORNECEDOR, "no signature")
    raw = await read_raw(request)
    segredos = resources.settings.chatwoot_webhook_secrets
    if not chatwoot_valida(raw, headers.get(TIMESTAMP), headers.get(ASSINATURA), segredos, resources.clock()):
        raise refused(request, FORNECEDOR, "signature")
    refuse_deep(raw)
    event = chatwoot_webhook.evento(raw)
    await guardar(resources.db_entrada, FORNECEDOR, chatwoot_webhook.chave(raw), raw, tipo=event)
    return Response(status_code=200)

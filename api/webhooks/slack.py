"""Slack's webhooks, one address for events, commands and interactions: signed, recent, stored, 200 within its 3 s.

A command or a button is sent once: it hears 200 only after the commit. The answer is empty; what is to be said comes
later, over the Web API or the `response_url`.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api.webhooks.corpo import read_raw, refuse_deep, refused
from lib.assinatura import slack_valida
from lib.log import get_logger
from lib.providers.slack_webhook import Ignorado, SslCheck, UrlVerification, chave, read
from lib.resources import Resources
from lib.usecases.webhook import guardar

CAMINHO: Final = "/webhooks/slack"
FORNECEDOR: Final = "slack"
TIMESTAMP: Final = "x-slack-request-timestamp"
ASSINATURA: Final = "x-slack-signature"

log = get_logger(__name__)


async def slack(request: Request) -> Response:
    """Store one webhook once and answer 200; Slack's questions about the address are answered and not stored.

    GET is for Slack's look at the certificate alone. What is nothing to us is answered and not stored either: other
    people's talk does not belong here.

    Raises:
        UnauthorizedError: without its two headers, wrongly signed, more than 300 s old, or no secret is set.
        PayloadTooLargeError: more than 1 MB.
        DatabaseUnavailableError: not stored.
    """
    resources: Resources = request.app.state.resources
    headers = request.headers
    if request.query_params.get("ssl_check") == "1":  # comes without a signature
        return Response(status_code=200)
    if request.method != "POST":
        return Response(status_code=405)
    if not (headers.get(TIMESTAMP) and headers.get(ASSINATURA)):
        raise refused(request, FORNECEDOR, "no signature")
    raw = await read_raw(request)
    segredos = resources.settings.slack_signing_secrets
    if not slack_valida(raw, headers.get(TIMESTAMP), headers.get(ASSINATURA), segredos, resources.clock()):
        raise refused(request, FORNECEDOR, "signature")
    refuse_deep(unquote_to_bytes(raw))  # a form hides its brackets
    kind = headers.get("content-type", "")[:100]
    pedido = read(raw, kind)
    if isinstance(pedido, UrlVerification):
        return PlainTextResponse(pedido.challenge)
    if isinstance(pedido, Ignorado):
        log.info("slack.ignorado", motivo=pedido.motivo)
    elif not isinstance(pedido, SslCheck):
        await guardar(resources.db_entrada, FORNECEDOR, chave(pedido, raw), raw, tipo=kind)
    return Response(status_code=200)

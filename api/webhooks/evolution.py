"""Evolution's webhooks. 2xx means stored; what Evolution must send again never looks like 400, 401, 403, 404 or 422.

A plain Starlette endpoint on raw bytes: nothing is validated before it is stored, the record is the bytes as they came.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from lib.auth import webhook_key_valid
from lib.errors import (
    PayloadTooLargeError,
    PayloadTooSlowError,
    UnauthorizedError,
    UnknownInstanceError,
    UnsupportedEncodingError,
)
from lib.log import get_logger
from lib.resources import Resources
from lib.usecases.receber import Debounce, receber

CAMINHO: Final = "/webhooks/evolution/{instancia}"
CHAVE: Final = "x-agente-webhook-key"
CORPO_MAX: Final = 1_000_000
CORPO_S: Final = 10.0
DESCARTE_MAX: Final = 4_000_000
DESCARTE_S: Final = 1.0
ACEITO: Final = Response(status_code=202)

log = get_logger(__name__)


async def evolution(request: Request) -> Response:
    """Store one event and answer 202, or say why it was not stored."""
    state = request.app.state
    resources: Resources = state.resources
    instancia = str(request.path_params["instancia"])
    if not webhook_key_valid(request.headers.get(CHAVE), instancia, resources.settings.webhook_secrets):
        raise _refused(request, instancia, "key")
    if request.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise UnsupportedEncodingError("compressed body")
    raw = await read_body(request, CORPO_MAX, CORPO_S)
    settings = resources.settings
    try:
        debounce = Debounce(settings.quieto_s, settings.quieto_max_s)
        stored = await receber(resources.db_entrada, instancia, raw, resources.clock(), debounce, state.recibos)
    except UnauthorizedError as cause:
        raise _refused(request, instancia, "instance of the body") from cause
    except UnknownInstanceError:
        log.error("webhook of an unknown instance, asked to come again", instancia=instancia)  # noqa: TRY400 - no trace
        raise
    if stored.acorda:
        state.worker.stored(after_s=0.0 if stored.imediata else settings.quieto_s)
    return ACEITO


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """Read the body, but never keep more than `limit` bytes and never wait longer than `seconds`.

    Raises:
        PayloadTooLargeError: announced or found to be longer.
        PayloadTooSlowError: it took longer.
    """
    announced = request.headers.get("content-length", "")
    too_long = announced.isascii() and announced.isdigit() and int(announced[:20]) > limit
    body = bytearray()
    stream = request.stream()
    try:
        async with asyncio.timeout(seconds):
            while not too_long and (chunk := await anext(stream, None)) is not None:
                body += chunk
                too_long = len(body) > limit
    except TimeoutError as cause:
        raise PayloadTooSlowError(f"more than {seconds} s") from cause
    if too_long:
        await _discard(stream)
        raise PayloadTooLargeError(f"more than {limit} bytes")
    return bytes(body)


async def _discard(stream: AsyncGenerator[bytes, None]) -> None:
    """Let a little of the rest go by: closing on unread bytes resets the connection and with it the answer."""
    gone = 0
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(DESCARTE_S):
            async for chunk in stream:
                gone += len(chunk)
                if gone > DESCARTE_MAX:
                    return


def _refused(request: Request, instancia: str, motivo: str) -> UnauthorizedError:
    """Count a refusal: nothing of it is stored."""
    state = request.app.state
    state.recusados += 1
    log.warning("webhook refused", instancia=instancia[:64], motivo=motivo, total=state.recusados)
    return UnauthorizedError(motivo)

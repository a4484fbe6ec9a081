"""Reading a webhook's body within its limits: size, time, encoding and depth. Nothing is parsed here."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

from starlette.requests import ClientDisconnect, Request

from lib.errors import (
    PayloadTooDeepError,
    PayloadTooLargeError,
    PayloadTooSlowError,
    UnauthorizedError,
    UnsupportedEncodingError,
)
from lib.log import get_logger

CORPO_MAX: Final = 1_000_000
CORPO_S: Final = 10.0
DESCARTE_MAX: Final = 4_000_000
DESCARTE_S: Final = 1.0
NIVEIS_MAX: Final = 64
CHAVES_MAX: Final = 20_000
# A string, or a bracket; what is neither does not matter to depth. Possessive: it takes no memory to go back.
_ESTRUTURA: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)

log = get_logger(__name__)


async def read_raw(request: Request, limit: int = CORPO_MAX, seconds: float = CORPO_S) -> bytes:
    """Read the body, but never keep more than `limit` bytes and never wait longer than `seconds`.

    Raises:
        UnsupportedEncodingError: it is compressed.
        PayloadTooLargeError: announced or found to be longer.
        PayloadTooSlowError: it took longer.
    """
    if request.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise UnsupportedEncodingError("compressed body")
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


def refuse_deep(raw: bytes, chaves: int = CHAVES_MAX) -> None:
    """Refuse JSON that nests deeper, or has more keys, than any vendor's: before a parser recurses into it.

    Raises:
        PayloadTooDeepError: more than 64 levels or `chaves` keys.
    """
    if raw.count(b":") > chaves and raw.count(b'":') + raw.count(b'" :') > chaves:
        raise PayloadTooDeepError(f"more than {chaves} keys")
    if raw.count(b"[") + raw.count(b"{") <= NIVEIS_MAX:
        return
    level = 0
    for found in _ESTRUTURA.finditer(raw):
        mark = raw[found.start()]
        level += (mark in b"[{") - (mark in b"]}")
        if level > NIVEIS_MAX:
            raise PayloadTooDeepError(f"more than {NIVEIS_MAX} levels")


async def _discard(stream: AsyncGenerator[bytes, None]) -> None:
    """Let a little of the rest go by: closing on unread bytes resets the connection and with it the answer."""
    gone = 0
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(DESCARTE_S):
            async for chunk in stream:
                gone += len(chunk)
                if gone > DESCARTE_MAX:
                    return


def refused(request: Request, fornecedor: str, motivo: str) -> UnauthorizedError:
    """Count a refusal: nothing of it is stored."""
    state = request.app.state
    state.recusados += 1
    log.warning("webhook refused", fornecedor=fornecedor, motivo=motivo, total=state.recusados)
    return UnauthorizedError(motivo)

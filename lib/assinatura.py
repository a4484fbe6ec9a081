"""Signatures of incoming webhooks, over the raw bytes, in constant time. Nothing here raises: a bad one is just false.

Several secrets are tried, all of them, so that a rotation refuses nobody.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Final

TOLERANCIA_S: Final = 300
SVIX_PREFIXO: Final = "whsec_"


def igual(given: str | None, secrets: Sequence[str]) -> bool:
    """Compare a plain token with each secret in use."""
    offered = _bytes(given)
    matches = [hmac.compare_digest(offered, secret.encode()) for secret in secrets]
    return any(matches)


def meta_valida(raw: bytes, header: str | None, segredos: Sequence[str]) -> bool:
    """Check `X-Hub-Signature-256` of Meta: `sha256=<hex>` over the body."""
    return _matches(header, [f"sha256={_hex(secret, raw)}" for secret in segredos])


def slack_valida(
    raw: bytes, timestamp: str | None, assinatura: str | None, segredos: Sequence[str], agora: datetime
) -> bool:
    """Check `X-Slack-Signature`, `v0=<hex>` over `v0:<timestamp>:<body>`, and that it is at most 300 s old."""
    signed = b"v0:%s:%s" % (_bytes(timestamp), raw)
    return _recent(timestamp, agora) & _matches(assinatura, [f"v0={_hex(secret, signed)}" for secret in segredos])


def chatwoot_valida(
    raw: bytes, timestamp: str | None, assinatura: str | None, segredos: Sequence[str], agora: datetime
) -> bool:
    """Check `X-Chatwoot-Signature`, `sha256=<hex>` over `<timestamp>.<body>`, at most 300 s old."""
    signed = b"%s.%s" % (_bytes(timestamp), raw)
    return _recent(timestamp, agora) & _matches(assinatura, [f"sha256={_hex(secret, signed)}" for secret in segredos])


def svix_valida(
    raw: bytes,
    msg_id: str | None,
    timestamp: str | None,
    assinatura: str | None,
    segredos: Sequence[str],
    agora: datetime,
) -> bool:
    """Check Svix's header: any of its space-separated `v1,<base64>` over `<id>.<timestamp>.<body>`, at most 300 s old.

    A secret is `whsec_` and base64; one that is not decodes to no key, which matches nothing.
    """
    signed = b"%s.%s.%s" % (_bytes(msg_id), _bytes(timestamp), raw)
    keys = [key for secret in segredos if (key := _svix_key(secret))]
    expected = [f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}" for key in keys]
    offered = (assinatura or "").split()[:20]
    matches = [_matches(one, expected) for one in offered]
    return bool(msg_id) & _recent(timestamp, agora) & any(matches)


def _svix_key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(SVIX_PREFIXO), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _hex(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _bytes(text: str | None) -> bytes:
    return (text or "").encode(errors="replace")


def _matches(given: str | None, expected: Sequence[str]) -> bool:
    offered = _bytes(given)
    matches = [hmac.compare_digest(offered, one.encode()) for one in expected]
    return any(matches)


def _recent(timestamp: str | None, agora: datetime) -> bool:
    text = timestamp or ""
    if not (text.isascii() and text.isdigit() and len(text) < 16):  # noqa: PLR2004 - more digits than any clock has
        return False
    return abs(agora.timestamp() - int(text)) <= TOLERANCIA_S

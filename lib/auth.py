"""Who may call what: hashed API tokens with roles, and the webhook keys derived per instance."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from enum import StrEnum

TOKEN_BYTES = 32
TOKEN_PREFIX = "agj_"  # noqa: S105 - the public prefix of a token, for secret scanners
TOKEN_MAX_DAYS = 90


class Papel(StrEnum):
    """Roles, each including the ones before it, except `dpo`, who reads and answers subject requests."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    DPO = "dpo"


GRANTS: dict[Papel, frozenset[Papel]] = {
    Papel.VIEWER: frozenset({Papel.VIEWER, Papel.OPERATOR, Papel.ADMIN, Papel.DPO}),
    Papel.OPERATOR: frozenset({Papel.OPERATOR, Papel.ADMIN}),
    Papel.ADMIN: frozenset({Papel.ADMIN}),
    Papel.DPO: frozenset({Papel.DPO}),
}


def allows(held: Papel, needed: Papel) -> bool:
    """Tell whether a holder of one role may do what another role is needed for."""
    return held in GRANTS[needed]


def new_token() -> str:
    """Return a fresh token; it is shown once and only its hash is kept."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """Return what is stored of a token. It has 256 random bits, so a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(token.encode()).digest()


def webhook_key(secret: str, instance: str) -> str:
    """Return the static header that a gateway instance sends us: its own 256 bits, derived, so nothing is stored."""
    return hmac.new(secret.encode(), f"evolution:{instance}".encode(), hashlib.sha256).hexdigest()


def webhook_key_valid(given: str | None, instance: str, webhook_secrets: Sequence[str]) -> bool:
    """Compare in constant time with the key of each secret in use; all are tried, so rotation loses nothing."""
    offered = (given or "").encode(errors="replace")
    matches = [hmac.compare_digest(offered, webhook_key(secret, instance).encode()) for secret in webhook_secrets]
    return any(matches)

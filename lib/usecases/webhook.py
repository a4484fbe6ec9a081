"""Webhooks that are no WhatsApp message: stored once before their sender hears 2xx, then worked off by the worker."""

from __future__ import annotations

from lib.db import Database
from lib.queries import webhook
from lib.queries.webhook import Webhook

__all__ = ["Webhook", "guardar"]


async def guardar(db: Database, source: str, chave: str, raw: bytes, tipo: str | None = None) -> bool:
    """Store an authentic webhook once per (source, chave), in one round trip; False when it was there already.

    Raises:
        DatabaseUnavailableError: nothing is known to be stored.
    """
    return await webhook.store(db, source, chave[:200], raw, tipo)

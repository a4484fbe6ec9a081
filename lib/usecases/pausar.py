"""Pausing the whole operation and going on (decision D20)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lib.db import Database
from lib.log import get_logger
from lib.queries import pausa

MOTIVO_MAX: Final = 500

log = get_logger(__name__)


async def pausar(db: Database, por: str, motivo: str | None, agora: datetime) -> None:
    """Stop every send, turn and flow of every process. When this returns, no send begins any more."""
    await pausa.put(db, ativa=True, por=por, motivo=(motivo or "")[:MOTIVO_MAX] or None, agora=agora)
    log.warning("operacao.pausada")


async def retomar(db: Database, por: str, agora: datetime) -> None:
    """Go on: what waited keeps its due time, so it goes at once."""
    await pausa.put(db, ativa=False, por=por, motivo=None, agora=agora)
    log.warning("operacao.retomada")

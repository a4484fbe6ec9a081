"""Evolution API v2 as a `WhatsApp` gateway."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final

import httpx
import orjson

from lib.providers.evolution_conversas import Conversas
from lib.providers.evolution_envios import Envios
from lib.providers.evolution_grupos import Grupos
from lib.providers.evolution_instancias import Controle

SONDA_S: Final = 2.0


class Evolution(Envios, Conversas, Controle, Grupos):
    """All that we ask of Evolution, by subject: sends, conversations, instances, groups."""

    __slots__ = ()

    async def is_sandbox(self) -> bool | None:
        """Ask the sandbox's own route, without our key. Safe to repeat."""
        try:
            async with asyncio.timeout(SONDA_S):
                answer = await self.client.get("/_sandbox/pronto")
        except (httpx.HTTPError, TimeoutError):
            return None
        try:
            body = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            return False
        return answer.status_code == HTTPStatus.OK and isinstance(body, dict) and body.get("pronto") is True

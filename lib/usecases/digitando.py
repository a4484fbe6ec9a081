"""Showing "typing" while a reply waits out its reading pause: best effort, delays nothing, fails nothing."""

from __future__ import annotations

import asyncio
from contextvars import Context
from dataclasses import dataclass, field
from datetime import timedelta

from lib.domain.chip import Gateway
from lib.domain.telefone import digitos
from lib.errors import SendRefusedError
from lib.log import get_logger
from lib.providers.whatsapp import GatewayError, Gateways

# The gateway holds each call for as long as it shows: more at once would take the connections that sends need.
AO_MESMO_TEMPO = 8
CURTA = timedelta(milliseconds=300)
LONGA = timedelta(seconds=5)

log = get_logger(__name__)


def numero(destino: str) -> str:
    """Write a destination as the gateway wants it: digits; a LID's address and Meta's user id as they are."""
    return destino if "@" in destino or "." in destino else digitos(destino)


@dataclass(frozen=True, slots=True)
class Canal:
    """Through which number whom."""

    gateway: Gateway
    instancia: str
    destino: str


@dataclass(slots=True)
class Digitando:
    """The indicators that one process shows now."""

    gateways: Gateways
    _tarefas: set[asyncio.Task[None]] = field(default_factory=set)

    def mostrar(self, canal: Canal, pausa: timedelta) -> None:
        """Show "typing" for this long and return at once; too short a pause, or too many at once, shows nothing."""
        if pausa < CURTA or len(self._tarefas) >= AO_MESMO_TEMPO:
            return
        duracao_ms = int(min(pausa, LONGA) / timedelta(milliseconds=1))
        # In a context of its own: what it costs is no cost of the send beside which it runs.
        task = asyncio.create_task(self._show(canal, duracao_ms), context=Context())
        self._tarefas.add(task)
        task.add_done_callback(self._tarefas.discard)

    async def parar(self) -> None:
        """Drop what is shown still, before the connections are closed."""
        for task in self._tarefas:
            task.cancel()
        await asyncio.gather(*self._tarefas, return_exceptions=True)

    async def _show(self, canal: Canal, duracao_ms: int) -> None:
        try:
            gateway = self.gateways.de(canal.gateway)
            await gateway.send_presence(canal.instancia, numero(canal.destino), duracao_ms)
        except (GatewayError, SendRefusedError) as failure:
            log.debug("digitando.falhou", motivo=failure.reason[:200])

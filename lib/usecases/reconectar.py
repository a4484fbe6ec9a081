"""Numbers that a refused send or an event took out come back as soon as their gateway says that they are connected."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from lib.aio import gather_limited
from lib.errors import SendRefusedError
from lib.log import get_logger
from lib.providers.whatsapp import EstadoConexao, GatewayError
from lib.queries import chip
from lib.queries.chip import ChipFora
from lib.resources import Resources

DE_CADA_VEZ: Final = 10  # of each gateway
AO_MESMO_TEMPO: Final = 30
PRAZO_S: Final = 3.0  # so that a vendor that hangs keeps nobody else's numbers out
DESCANSO: Final = timedelta(seconds=3)

log = get_logger(__name__)


async def reconectar(resources: Resources) -> int:
    """Ask after the numbers at work that count as disconnected; return how many are back. To be done every 5 s.

    A webhook says the same, unless it was lost or none is sent. What cannot be asked stays as it is.
    """
    agora = resources.clock()
    fora = await chip.out(resources.db, agora - DESCANSO, DE_CADA_VEZ)
    if not fora:
        return 0
    states = await gather_limited(fora, lambda one: _is_open(resources, one), AO_MESMO_TEMPO)
    for failure in states:
        if isinstance(failure, Exception) and not isinstance(failure, GatewayError | SendRefusedError):
            raise failure
    back = {one.instancia: True for one, state in zip(fora, states, strict=True) if state is True}
    changed = await chip.mark_connections(resources.db, back, agora) if back else 0
    if changed:
        log.info("chip.reconectado", chips=changed)
    return changed


async def _is_open(resources: Resources, one: ChipFora) -> bool:
    try:
        async with asyncio.timeout(PRAZO_S):
            state = await resources.gateways.de(one.gateway).connection_state(one.instancia)
    except TimeoutError:
        return False
    return state is EstadoConexao.ABERTA

"""What waited too long in Z-API's queue is not sent at the reconnect: a storm of old messages serves nobody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from lib.db import Database
from lib.log import get_logger
from lib.providers.whatsapp import GatewayError
from lib.providers.zapi import Zapi
from lib.queries import fila_zapi
from lib.queries.fila_zapi import ChipComFila
from lib.resources import Resources

VELHA: Final = timedelta(minutes=10)

log = get_logger(__name__)


async def conferir_filas(resources: Resources) -> int:
    """Delete what is older than ten minutes from the queues that have to be looked through; return how many.

    The deleted messages count as failed and a person is told once. A queue that cannot be read is tried again.
    """
    zapi = resources.zapi
    return 0 if zapi is None else await look_through(resources.db, zapi, resources.clock())


async def look_through(db: Database, zapi: Zapi, agora: datetime) -> int:
    """Do it through this client."""
    return sum([await _check(db, zapi, one, agora) for one in await fila_zapi.due(db, agora)])


async def _check(db: Database, zapi: Zapi, chip: ChipComFila, agora: datetime) -> int:
    count, whole = 0, False
    try:
        for message in await zapi.list_queue(chip.instancia):
            if message.criada_em is not None and message.criada_em < agora - VELHA:
                await zapi.delete_queued(chip.instancia, message.zaap_id)
                count += 1
                if message.msg_id:  # at once: nothing else would tell of it any more
                    await fila_zapi.mark_deleted(db, chip.chip_id, [message.msg_id])
        whole = True
    except GatewayError as failure:
        log.warning("fila_zapi.nao_conferida", chip_id=chip.chip_id, motivo=failure.reason)
    texto = f"{count} mensagem(ns) com mais de 10 minutos foram retiradas da fila da Z-API e não serão enviadas."
    await fila_zapi.settle(db, chip.chip_id, agora, texto if count else None, conferida=whole)
    if count:
        log.warning("fila_zapi.retiradas", chip_id=chip.chip_id, quantas=count)
    return count

"""What Salvy tells of our numbers, worked off by the worker: a code goes on to the activation that waits for it.

A text message is forgotten a quarter of an hour later.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from lib.db import Database
from lib.log import get_logger
from lib.providers.salvy_webhook import ContaMudou, SmsRecebido, read
from lib.queries import salvy
from lib.queries.webhook import Webhook
from lib.resources import Resources
from lib.usecases.provisao_codigo import entregar

GUARDA: Final = timedelta(minutes=15)

log = get_logger(__name__)


async def atender(resources: Resources, linha: Webhook) -> None:
    """Hand on the code of a text message, and take note of the event without a word of what it says.

    Raises:
        CodigoNaoEntregueError: the activator did not take the code; the webhook comes again.
        DatabaseUnavailableError: ask again later.
    """
    agora = resources.clock()
    match read(linha.raw):
        case SmsRecebido(sms):
            com_codigo = sms.codigo_whatsapp is not None
            log.info("sms received", conta=sms.conta_id, com_codigo=com_codigo, tarde=sms.tarde(agora))
            await entregar(resources, sms)
        case ContaMudou(conta_id, tipo):
            log.info("salvy number changed", conta=conta_id, tipo=tipo)
        case _:
            log.warning("salvy event of an unknown kind", tipo=linha.tipo, webhook=linha.id)
    await esquecer_sms(resources.db, agora)


async def esquecer_sms(db: Database, agora: datetime) -> int:
    """Empty the stored bytes of text messages 15 minutes old; return of how many. To be done every minute.

    Raises:
        DatabaseUnavailableError: ask again later.
    """
    return await salvy.blank_sms(db, agora - GUARDA)

"""A new number, step by step: what comes after what, and when it is given up."""

from datetime import timedelta
from enum import StrEnum
from typing import Final


class EtapaProvisao(StrEnum):
    """How far an order is; each names what is done, and the next step is what follows it."""

    PEDIDA = "pedida"
    COMPRADA = "comprada"
    NA_FILA = "na_fila"
    ATIVADA = "ativada"
    INSTANCIADA = "instanciada"
    PRONTA = "pronta"
    DESISTIDA = "desistida"


PRAZO: Final = timedelta(minutes=30)
"""From the order to a number in warm-up; after it the order waits for a person."""
ATIVACOES_POR_DIA: Final = 2
"""WhatsApp makes a number that asks for codes too often wait for hours."""

"""How warm a doctor is: bands, rates and the daily cooling (decision D10)."""

from datetime import datetime
from enum import StrEnum

from lib.domain.estado import CHURN_DIAS, GANHO_ENTRADA, TAXA_DIARIA, Decaimento, DoctorState, apply

__all__ = ["CHURN_DIAS", "GANHO_ENTRADA", "TAXA_DIARIA", "Banda", "banda", "decay"]

LIMITE_FRIO = 0.33
LIMITE_QUENTE = 0.66


class Banda(StrEnum):
    """Band of a temperature; the lower bound belongs to the warmer band."""

    FRIO = "frio"
    MORNO = "morno"
    QUENTE = "quente"


def banda(temperatura: float) -> Banda:
    """Band of a temperature in [0, 1]: below 0.33 cold, below 0.66 lukewarm, else hot."""
    if temperatura < LIMITE_FRIO:
        return Banda.FRIO
    return Banda.MORNO if temperatura < LIMITE_QUENTE else Banda.QUENTE


def decay(state: DoctorState, now: datetime) -> DoctorState:
    """Cool a silent doctor by 0.05 per whole day since the last decay or the last inbound, whichever is later.

    temperature in [0, 1]; now aware. `ultimo_decaimento_em` advances by the whole days charged. Returns the same object
    when nothing changes. Source: domain facts 2.7, decision D10.
    """
    return apply(state, Decaimento(now))

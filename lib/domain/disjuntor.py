"""The breaker of one chip at one gateway: when failures open it, for how long, and how it closes (decision D14).

A ban or a restriction is a status of the chip and no failure; a doctor's number that is not on WhatsApp is neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class EstadoDisjuntor(StrEnum):
    """`meio_aberto` lets one send through: its end decides."""

    FECHADO = "fechado"
    ABERTO = "aberto"
    MEIO_ABERTO = "meio_aberto"


class ClasseFalha(StrEnum):
    """What went wrong with a send, as far as its channel is concerned."""

    TEMPO = "tempo"
    """No answer in time, or none that tells: it may have been sent."""
    GATEWAY = "gateway"
    """The gateway took nothing: unreachable, its own error, our key."""
    LIMITE = "limite"
    """The gateway says that it is too much."""
    CANAL = "canal"
    """The gateway's own connection to WhatsApp is down."""


@dataclass(frozen=True, slots=True)
class Abertura:
    """After how many failures in a row a class opens the breaker, and for how long the first time."""

    falhas: int
    pausa: timedelta


ABRE: Final[Mapping[ClasseFalha, Abertura]] = MappingProxyType(
    {
        ClasseFalha.TEMPO: Abertura(5, timedelta(seconds=30)),
        ClasseFalha.GATEWAY: Abertura(5, timedelta(seconds=30)),
        ClasseFalha.LIMITE: Abertura(3, timedelta(minutes=5)),
        ClasseFalha.CANAL: Abertura(3, timedelta(seconds=30)),
    }
)
PAUSA_MAX: Final = timedelta(minutes=10)


def estado(aberto_ate: datetime | None, agora: datetime) -> EstadoDisjuntor:
    """Return the state that the stored instant means."""
    if aberto_ate is None:
        return EstadoDisjuntor.FECHADO
    return EstadoDisjuntor.ABERTO if aberto_ate > agora else EstadoDisjuntor.MEIO_ABERTO


def pausa(classe: ClasseFalha, aberturas: int) -> timedelta:
    """Return how long it stays open the `aberturas`-th time in a row, from 1: doubled each time, 10 minutes at most."""
    dobras: int = 2 ** min(aberturas - 1, 16)
    return min(PAUSA_MAX, ABRE[classe].pausa * dobras)

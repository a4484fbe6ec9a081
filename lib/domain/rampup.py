"""Ramp-up: how much of its limits a number has back after WhatsApp restricted it (decision D15)."""

from datetime import datetime, timedelta
from typing import Final

from lib.domain.chip_ciclo import PRIMEIRA_PARTE

INTEIRA: Final = 100
PARTES: Final = (
    (timedelta(0), PRIMEIRA_PARTE),
    (timedelta(hours=2), 50),
    (timedelta(hours=6), 75),
    (timedelta(hours=12), INTEIRA),
)
"""From how long after its return a number has which share of its limits, in percent."""


def parte(desde: datetime, agora: datetime) -> int:
    """Return the share in percent that a number restored at `desde` has now."""
    return max((percent for after, percent in PARTES if desde + after <= agora), default=PRIMEIRA_PARTE)

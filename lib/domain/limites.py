"""How much a number may send: what its phase, its level, its ramp-up and its account leave, whichever is least.

The send claim computes the same in SQL (`lib.queries.envio_escolha`).
"""

from dataclasses import dataclass

from lib.domain.chip import FaseWarmup, NivelTrust
from lib.domain.rampup import INTEIRA
from lib.domain.trust import limites


@dataclass(frozen=True, slots=True)
class Limite:
    """Sends per rolling hour and per rolling 24 hours."""

    hora: int
    dia: int


def em_vigor(guardado: Limite, parte: int = INTEIRA, portfolio: int | None = None) -> Limite:
    """Return the limit in force of a number whose phase and level give `guardado`.

    `parte` is its ramp-up share in percent, rounded down; `portfolio` how many people its Meta account may write first
    in 24 hours, all its numbers together (None: no Meta number), which bounds each alone too.
    """
    hora, dia = guardado.hora * parte // INTEIRA, guardado.dia * parte // INTEIRA
    if portfolio is None:
        return Limite(hora, dia)
    return Limite(min(hora, max(0, portfolio)), min(dia, max(0, portfolio)))


def limite_efetivo(nivel: NivelTrust, fase: FaseWarmup, parte: int = INTEIRA, portfolio: int | None = None) -> Limite:
    """Return the limit in force of a number of this level in this phase; arguments as `em_vigor`."""
    return em_vigor(Limite(*limites(nivel, fase)), parte, portfolio)

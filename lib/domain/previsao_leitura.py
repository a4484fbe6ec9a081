"""A forecast in words."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from lib.domain.previsao import Freio, Previsao

NOMES_MAX: Final = 3
_FREIOS: Final[Mapping[Freio, str]] = MappingProxyType(
    {
        Freio.INTERVALO: "o intervalo mínimo entre dois envios de um chip",
        Freio.LIMITE_HORA: "o limite por hora",
        Freio.LIMITE_DIA: "o limite por 24 horas",
        Freio.RAMPUP: "a volta gradual depois de uma restrição",
        Freio.PORTFOLIO: "o limite da conta na Meta, que os números dela dividem",
        Freio.LIBERACAO: "a restrição ou o descanso em que o chip está",
    }
)
_HORA: Final = timedelta(hours=1)
_DIA: Final = timedelta(days=1)
_MINUTO: Final = timedelta(minutes=1)


def gargalo(previsao: Previsao) -> str:
    """Say which limit of which chips binds most."""
    if not previsao.enviadas:
        return "nenhum chip pode escrever primeiro"
    if not previsao.esperas:
        return "nada segura: cabe de uma vez, dentro do horário"
    first = previsao.esperas[0]
    share = 100 * first.tempo // sum((wait.tempo for wait in previsao.esperas), timedelta(0))
    return (
        f"{_FREIOS[first.freio]} segura {nomes(first.chips)}: {_horas(first.tempo)} de espera, somadas dentro do"
        f" horário, {share} % de toda a espera"
    )


def nomes(chips: Sequence[str]) -> str:
    """Name the first few chips and count the others."""
    few, more = ", ".join(chips[:NOMES_MAX]), len(chips) - NOMES_MAX
    return f"{few} e mais {more}" if more > 0 else few


def duracao(tempo: timedelta) -> str:
    """Write a span with its two largest units, rounded down."""
    days, hours, minutes = tempo // _DIA, tempo % _DIA // _HORA, tempo % _HORA // _MINUTO
    if days:
        word = f"{days} dia{'s' if days > 1 else ''}"
        return f"{word} e {hours} h" if hours else word
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else "menos de 1 min"


def _horas(tempo: timedelta) -> str:
    """Write open time, whose days have twelve hours, in hours."""
    return f"{tempo // _HORA} h" if tempo >= _HORA else duracao(tempo)

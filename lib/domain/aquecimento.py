"""Warm-up: what a chip must have done to enter each phase (decisions D15 and D25, domain facts 3.3).

A phase raises the limits of real traffic and nothing else: no message is ever made up to get there (decision D1).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from lib.domain.chip import FaseWarmup, StatusChip
from lib.domain.trust import AMOSTRA_MINIMA

ERROS_24H_MAX: Final = 5
TRUST_PRONTO: Final = 85


class Exigencia(StrEnum):
    """What may be missing, in the order in which it is told."""

    DESCONECTADO = "desconectado"
    TEMPO = "tempo"
    ERROS = "erros_24h"
    TRUST = "trust"
    ENVIADAS = "enviadas"
    RECEBIDAS = "recebidas"
    BIDIRECIONAIS = "bidirecionais"
    RESPOSTA = "resposta"


@dataclass(frozen=True, slots=True)
class Criterio:
    """What it takes to make one step.

    `tempo` is counted from the first connection, so that a short disconnect restarts nothing; the counts of messages
    and of conversations both ways are counted since then too. `resposta` is the percentage of the proactive sends of
    30 days that were answered; below 20 such sends it is unknown and not asked. `erros_24h` is the most that there may
    be (None: not asked).
    """

    tempo: timedelta
    enviadas: int = 0
    recebidas: int = 0
    resposta: int = 0
    trust: int = 0
    bidirecionais: int = 0
    erros_24h: int | None = ERROS_24H_MAX
    conectado: bool = False


@dataclass(frozen=True, slots=True)
class Passo:
    """One step of warm-up: into the next phase, or at the end from `warming` into reserve."""

    para: FaseWarmup | StatusChip
    criterio: Criterio


@dataclass(frozen=True, slots=True)
class Medido:
    """What a chip has done, as `Criterio` counts it.

    `idade` is None for one that never connected; `envios` are the proactive sends of 30 days and `respondidas` those of
    them that were answered within 7 days.
    """

    idade: timedelta | None
    conectado: bool = True
    enviadas: int = 0
    recebidas: int = 0
    envios: int = 0
    respondidas: int = 0
    trust: int = 0
    bidirecionais: int = 0
    erros_24h: int = 0


@dataclass(frozen=True, slots=True)
class Falta:
    """One criterion that does not hold: how much there is and how much is asked, time in whole hours, rates in %."""

    exigencia: Exigencia
    tem: int
    pede: int

    @property
    def texto(self) -> str:
        """Say it in Portuguese."""
        match self.exigencia:
            case Exigencia.DESCONECTADO:
                return "desconectado"
            case Exigencia.TEMPO:
                return f"{self.tem} de {self.pede} horas"
            case Exigencia.ERROS:
                return f"{self.tem} erros em 24 horas, {self.pede} no máximo"
            case Exigencia.RESPOSTA:
                return f"{self.tem} % de resposta, {self.pede} % no mínimo"
            case _:
                return f"{self.exigencia.value}: {self.tem} de {self.pede}"


def _dias(dias: int) -> timedelta:
    return timedelta(days=dias)


_F = FaseWarmup
PASSOS: Final[Mapping[FaseWarmup, Passo]] = MappingProxyType(
    {
        _F.REPOUSO: Passo(_F.SETUP, Criterio(_dias(1), erros_24h=None, conectado=True)),
        _F.SETUP: Passo(_F.PRIMEIROS_CONTATOS, Criterio(_dias(3), 20, 10, 40, 50, 5)),
        _F.PRIMEIROS_CONTATOS: Passo(_F.EXPANSAO, Criterio(_dias(7), 50, 25, 40, 55, 12)),
        _F.EXPANSAO: Passo(_F.PRE_OPERACAO, Criterio(_dias(14), 100, 40, 35, 60, 18)),
        _F.PRE_OPERACAO: Passo(_F.TESTE_GRADUACAO, Criterio(_dias(21), 150, 50, 30, 70, 23)),
        _F.TESTE_GRADUACAO: Passo(_F.OPERACAO, Criterio(_dias(28), 200, 60, 25, 75, 28)),
        _F.OPERACAO: Passo(StatusChip.READY, Criterio(_dias(21), trust=TRUST_PRONTO, erros_24h=None)),
    }
)
# In which a chip goes on through the phases; one that rests, is restricted or is out waits.
AQUECE: Final = frozenset({StatusChip.WARMING, StatusChip.READY, StatusChip.ACTIVE})


def falta(fase: FaseWarmup, medido: Medido) -> tuple[Falta, ...]:
    """Return what a chip in this phase still lacks for its next step; empty when it may make it."""
    pede = PASSOS[fase].criterio
    idade = medido.idade if medido.idade is not None else timedelta(0)
    jovem = medido.idade is None or idade < pede.tempo
    erros = pede.erros_24h
    amostra = medido.envios >= AMOSTRA_MINIMA
    rara = amostra and medido.respondidas * 100 < pede.resposta * medido.envios
    resposta = medido.respondidas * 100 // medido.envios if amostra else 0
    minimos = (
        (Exigencia.TRUST, medido.trust, pede.trust),
        (Exigencia.ENVIADAS, medido.enviadas, pede.enviadas),
        (Exigencia.RECEBIDAS, medido.recebidas, pede.recebidas),
        (Exigencia.BIDIRECIONAIS, medido.bidirecionais, pede.bidirecionais),
    )
    faltas = (
        (pede.conectado and not medido.conectado, Falta(Exigencia.DESCONECTADO, 0, 1)),
        (jovem, Falta(Exigencia.TEMPO, _horas(idade), _horas(pede.tempo))),
        (erros is not None and medido.erros_24h > erros, Falta(Exigencia.ERROS, medido.erros_24h, erros or 0)),
        *((tem < quer, Falta(nome, tem, quer)) for nome, tem, quer in minimos),
        (rara, Falta(Exigencia.RESPOSTA, resposta, pede.resposta)),
    )
    return tuple(one for lacking, one in faltas if lacking)


def _horas(tempo: timedelta) -> int:
    return max(0, tempo // timedelta(hours=1))

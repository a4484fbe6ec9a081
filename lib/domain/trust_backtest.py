"""Formulas beside each other over stored scores: who would gain or lose what, and which one saw losses coming.

A stored score holds until the next one, so everything is weighed by the time for which it held, in whole seconds, and
only while its chip was at work. A moment counts as before a loss when the chip was restricted or banned within
`HORIZONTE` of it, as without one when it was not, and as neither while that time is not over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from lib.domain.chip import EM_USO, NivelTrust, StatusChip
from lib.domain.trust import EntradasTrust, Trust, calcular

HORIZONTE: Final = timedelta(days=7)
PERDIDO: Final = frozenset({StatusChip.RESTRICTED, StatusChip.BANNED})
NOMES_MAX: Final = 20
Trecho = tuple[int, int]
"""From and to, in unix seconds, the end not included."""

_DIA_S: Final = 86_400
_ORDEM: Final = {nivel: -n for n, nivel in enumerate(NivelTrust)}


class Ganho(StrEnum):
    """What a chip has more or less of under another formula."""

    PROSPECTAR = "prospectar"
    FOLLOWUP = "followup"
    NIVEL = "nivel"


@dataclass(frozen=True, slots=True)
class NotaGuardada:
    """One stored score with its chip as it is now; `conta_semana` says whether the last 7 days were counted for it."""

    chip_id: int
    instancia: str
    status: StatusChip
    id: int
    em: datetime
    entradas: EntradasTrust
    conta_semana: bool


@dataclass(frozen=True, slots=True)
class Transicao:
    """A change of status."""

    de: StatusChip
    para: StatusChip
    em: datetime


@dataclass(frozen=True, slots=True)
class Vida:
    """What befell a chip: when it was at work, when it was lost, and the time before each loss, merged."""

    em_uso: tuple[Trecho, ...]
    quedas: tuple[int, ...]
    antes_de_queda: tuple[Trecho, ...]
    em_uso_agora: bool


@dataclass(frozen=True, slots=True)
class Troca:
    """Chips that would gain something and chips that would lose it: now, and at some time, with the days of each.

    Of the names of those of now there are `NOMES_MAX` at the most.
    """

    o_que: Ganho
    ganham_agora: int
    ganham_nomes: tuple[str, ...]
    ganham: int
    ganham_dias: float
    perdem_agora: int
    perdem_nomes: tuple[str, ...]
    perdem: int
    perdem_dias: float


@dataclass(frozen=True, slots=True)
class Comparacao:
    """One formula in the place of another."""

    formula: str
    em_vez_de: str
    trocas: tuple[Troca, ...]


@dataclass(frozen=True, slots=True)
class Ordenacao:
    """How well a formula ranked: the chance that a chip about to be lost scored less than one that was not.

    A tie counts half. None: nothing to tell apart.
    """

    formula: str
    auc: float | None


@dataclass(frozen=True, slots=True)
class Resultado:
    """A backtest: what it looked at, how each formula ranked, and each beside the first.

    `notas_sem_semana` were stored before 7 days were counted. Days are those of all chips together.
    """

    desde: datetime
    agora: datetime
    chips: int
    notas: int
    notas_sem_semana: int
    quedas: int
    chips_que_cairam: int
    dias_antes_de_queda: float
    dias_sem_queda: float
    dias_sem_desfecho: float
    ordenacoes: tuple[Ordenacao, ...]
    comparacoes: tuple[Comparacao, ...]


def auc(antes_de_queda: Mapping[int, int], sem_queda: Mapping[int, int]) -> float | None:
    """Return the area under the ROC curve, given how often each score was seen in both cases; low scores warn.

    It is the rank statistic with ties counted half, exact up to its last division.
    """
    pairs = antes_de_queda_total = above = 0
    for score in sorted({*antes_de_queda, *sem_queda}, reverse=True):
        seen, equal = antes_de_queda.get(score, 0), sem_queda.get(score, 0)
        pairs += seen * (2 * above + equal)
        above += equal
        antes_de_queda_total += seen
    if not antes_de_queda_total or not above:
        return None
    return pairs / (2 * antes_de_queda_total * above)


def vida(status: StatusChip, transicoes: Sequence[Transicao], desde: datetime, agora: datetime) -> Vida:
    """Read a chip's changes of status, in their order; `status` is its own where there was none."""
    inicio, fim = _s(desde), _s(agora)
    em_uso: list[Trecho] = []
    atual, entrou = (transicoes[0].de if transicoes else status), inicio
    for change in transicoes:
        if atual in EM_USO:
            em_uso.append((entrou, max(inicio, _s(change.em))))
        atual, entrou = change.para, max(inicio, _s(change.em))
    if atual in EM_USO:
        em_uso.append((entrou, fim))
    quedas = tuple(_s(t.em) for t in transicoes if t.para in PERDIDO and t.de not in PERDIDO)
    horizonte = int(HORIZONTE.total_seconds())
    return Vida(tuple(em_uso), quedas, merged((queda - horizonte, queda) for queda in quedas), atual in EM_USO)


def merged(trechos: Iterable[Trecho]) -> tuple[Trecho, ...]:
    """Return the same time in stretches that do not touch."""
    found: list[Trecho] = []
    for de, ate in sorted(trechos):
        if found and de <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], ate))
        else:
            found.append((de, ate))
    return tuple(found)


def both(left: Iterable[Trecho], right: Iterable[Trecho]) -> list[Trecho]:
    """Return the time that is in both."""
    return [(max(a, c), min(b, d)) for a, b in left for c, d in right if max(a, c) < min(b, d)]


@dataclass(slots=True)
class _Lado:
    """One side of an exchange while it is counted; scores come chip by chip."""

    agora: int = 0
    nomes: list[str] = field(default_factory=list)
    chips: int = 0
    segundos: int = 0
    ultimo: int | None = None

    def add(self, nota: NotaGuardada, segundos: int, *, agora: bool) -> None:
        if segundos:
            self.chips += nota.chip_id != self.ultimo
            self.ultimo = nota.chip_id
            self.segundos += segundos
        if agora:
            self.agora += 1
            if len(self.nomes) < NOMES_MAX:
                self.nomes.append(nota.instancia)


class Backtest:
    """Counts scores one by one, chip by chip, in memory that does not grow with them."""

    def __init__(self, formulas: Sequence[str], desde: datetime, agora: datetime) -> None:
        self._formulas = tuple(formulas)
        self._desde, self._agora = desde, agora
        self._antes: dict[str, Counter[int]] = {formula: Counter() for formula in formulas}
        self._sem: dict[str, Counter[int]] = {formula: Counter() for formula in formulas}
        self._ganham = {(formula, o_que): _Lado() for formula in formulas[1:] for o_que in Ganho}
        self._perdem = {(formula, o_que): _Lado() for formula in formulas[1:] for o_que in Ganho}
        self._chips = self._notas = self._sem_semana = self._aberto_s = 0
        self._chip: int | None = None
        self._quedas: set[tuple[int, int]] = set()

    def add(self, nota: NotaGuardada, ate: datetime, de_vida: Vida) -> None:
        """Count a score that held until `ate`: of each chip the newest first."""
        self._notas += 1
        self._sem_semana += not nota.conta_semana
        self._chips += nota.chip_id != self._chip
        self._chip = nota.chip_id
        valeu = both([(max(_s(nota.em), _s(self._desde)), _s(ate))], de_vida.em_uso)
        trusts = {formula: calcular(nota.entradas, formula) for formula in self._formulas}
        self._rank(nota, trusts, valeu, de_vida)
        total, agora = _length(valeu), ate == self._agora and de_vida.em_uso_agora
        base = trusts[self._formulas[0]]
        for formula in self._formulas[1:]:
            for o_que in Ganho:
                mais = _mais(o_que, trusts[formula], base)
                side = {1: self._ganham, -1: self._perdem}.get(mais)
                if side is not None:
                    side[formula, o_que].add(nota, total, agora=agora)

    def _rank(self, nota: NotaGuardada, trusts: Mapping[str, Trust], valeu: Sequence[Trecho], de_vida: Vida) -> None:
        antes = both(valeu, de_vida.antes_de_queda)
        aberto = [(_s(self._agora - HORIZONTE), _s(self._agora))]
        antes_s = _length(antes)
        aberto_s = _length(both(valeu, aberto)) - _length(both(antes, aberto))
        sem_s = _length(valeu) - antes_s - aberto_s
        self._aberto_s += aberto_s
        for formula, trust in trusts.items():
            if antes_s:
                self._antes[formula][trust.score] += antes_s
            if sem_s:
                self._sem[formula][trust.score] += sem_s
        horizonte = int(HORIZONTE.total_seconds())
        self._quedas |= {(nota.chip_id, q) for q in de_vida.quedas if both(antes, [(q - horizonte, q)])}

    def resultado(self) -> Resultado:
        """Return what was counted."""
        first, *others = self._formulas
        return Resultado(
            desde=self._desde,
            agora=self._agora,
            chips=self._chips,
            notas=self._notas,
            notas_sem_semana=self._sem_semana,
            quedas=len(self._quedas),
            chips_que_cairam=len({chip_id for chip_id, _ in self._quedas}),
            dias_antes_de_queda=_dias(self._antes[first].total()),
            dias_sem_queda=_dias(self._sem[first].total()),
            dias_sem_desfecho=_dias(self._aberto_s),
            ordenacoes=tuple(Ordenacao(f, auc(self._antes[f], self._sem[f])) for f in self._formulas),
            comparacoes=tuple(
                Comparacao(formula, first, tuple(self._troca(formula, o_que) for o_que in Ganho)) for formula in others
            ),
        )

    def _troca(self, formula: str, o_que: Ganho) -> Troca:
        ganham, perdem = self._ganham[formula, o_que], self._perdem[formula, o_que]
        return Troca(
            o_que=o_que,
            ganham_agora=ganham.agora,
            ganham_nomes=tuple(ganham.nomes),
            ganham=ganham.chips,
            ganham_dias=_dias(ganham.segundos),
            perdem_agora=perdem.agora,
            perdem_nomes=tuple(perdem.nomes),
            perdem=perdem.chips,
            perdem_dias=_dias(perdem.segundos),
        )


def _mais(o_que: Ganho, novo: Trust, base: Trust) -> int:
    """Return 1 where the chip would have more of it, -1 where less, 0 where the same."""
    a, b = {
        Ganho.PROSPECTAR: (int(novo.pode_prospectar), int(base.pode_prospectar)),
        Ganho.FOLLOWUP: (int(novo.pode_followup), int(base.pode_followup)),
        Ganho.NIVEL: (_ORDEM[novo.nivel], _ORDEM[base.nivel]),
    }[o_que]
    return (a > b) - (a < b)


def _length(trechos: Iterable[Trecho]) -> int:
    return sum(ate - de for de, ate in trechos)


def _dias(segundos: int) -> float:
    return round(segundos / _DIA_S, 2)


def _s(em: datetime) -> int:
    return int(em.timestamp())

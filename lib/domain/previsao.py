"""How long the pool needs for so many first contacts: each send of each number simulated, one after the other.

The rules are the send claim's: rolling hour and 24 hours, least delay, Meta's tier shared by the numbers of an account,
the share that a ramp-up leaves, and the hours in which we may write first. Only what is known now counts: that nobody
writes to us, that no number is lost or gained, and that trust and phases stay as they are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from heapq import heapify, heappop, heappush
from typing import Final

from lib.domain.horario import dia_de, janela
from lib.domain.limites import Limite, em_vigor
from lib.domain.rampup import INTEIRA, PARTES

HORIZONTE: Final = timedelta(days=730)
"""Beyond it no forecast is made: what does not end by then does not end."""
_HORA: Final = timedelta(hours=1)
_DIA: Final = timedelta(days=1)
_NUNCA: Final = datetime.max.replace(tzinfo=UTC)


class Freio(StrEnum):
    """What a number waits for before it may write to the next person."""

    INTERVALO = "intervalo"
    LIMITE_HORA = "limite_hora"
    LIMITE_DIA = "limite_dia"
    RAMPUP = "rampup"
    PORTFOLIO = "portfolio"
    LIBERACAO = "liberacao"


@dataclass(frozen=True, slots=True)
class ChipPrevisto:
    """A number that may write first.

    `limite` is what phase and level give, whole; `rampup_desde` since when its share of it grows (None: it has all).
    `envios` are its sends of the last 24 hours, of any kind, the oldest first. Before `livre_em` it sends nothing.
    """

    nome: str
    limite: Limite
    intervalo: timedelta
    envios: tuple[datetime, ...] = ()
    livre_em: datetime | None = None
    rampup_desde: datetime | None = None
    conta: str | None = None


@dataclass(frozen=True, slots=True)
class ContaPrevista:
    """A Meta account: `contatos` is when each person of the last 24 hours was last written to first, oldest first."""

    limite: int
    contatos: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Espera:
    """What all numbers together waited for one brake, counted in the hours in which we may write; and which did."""

    freio: Freio
    tempo: timedelta
    chips: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Previsao:
    """The forecast. `fim` is the instant of the last send, None when they do not all go out within `HORIZONTE`.

    `enviadas` of the `mensagens` go out; `por_dia` by day of São Paulo, `por_chip` by number. `esperas`: the longest
    first.
    """

    mensagens: int
    enviadas: int
    inicio: datetime
    fim: datetime | None
    por_dia: Mapping[date, int]
    por_chip: Mapping[str, int]
    esperas: tuple[Espera, ...]


@dataclass(frozen=True, slots=True)
class Perda:
    """What it would cost to lose a number: when it would end, and how much later (None: not within `HORIZONTE`)."""

    nome: str
    mensagens: int
    fim: datetime | None
    atraso: timedelta | None


class _Relogio:
    """The hours in which we may write first, from the start on, made as they are needed."""

    def __init__(self, inicio: datetime) -> None:
        self.abre: list[datetime] = []
        self.fecha: list[datetime] = []
        self.antes: list[timedelta] = []  # open time before each window
        self._mais(inicio)

    def _mais(self, desde: datetime) -> None:
        before = self.antes[-1] + (self.fecha[-1] - self.abre[-1]) if self.antes else timedelta(0)
        abre, fecha = janela(desde, None)
        self.abre.append(abre)
        self.fecha.append(fecha)
        self.antes.append(before)

    def lugar(self, quando: datetime) -> int:
        """Return which window is open then, or opens next."""
        while self.fecha[-1] <= quando:
            self._mais(self.fecha[-1])
        return bisect_right(self.fecha, quando)

    def aberto(self, quando: datetime) -> datetime:
        """Return the first instant from then on at which we may write."""
        return max(quando, self.abre[self.lugar(quando)])

    def decorrido(self, quando: datetime) -> timedelta:
        """Return how much open time has passed until then."""
        n = self.lugar(quando)
        return self.antes[n] + max(timedelta(0), quando - self.abre[n])


@dataclass(slots=True)
class _Chip:
    """A number on its way through the simulation; `desde` is since when it waits, for `freios` until then."""

    previsto: ChipPrevisto
    envios: list[datetime]
    desde: datetime
    freios: list[tuple[Freio, datetime]]


def prever(
    chips: Sequence[ChipPrevisto], contas: Mapping[str, ContaPrevista], mensagens: int, inicio: datetime
) -> Previsao:
    """Simulate `mensagens` first contacts from `inicio` on; of numbers that may send at once, the earlier of `chips`.

    Raises:
        KeyError: a number's account is not among `contas`.
    """
    relogio, fim_max = _Relogio(inicio), inicio + HORIZONTE
    todos = [_Chip(chip, list(chip.envios), relogio.aberto(inicio), []) for chip in chips]
    contatos = {nome: list(conta.contatos) for nome, conta in contas.items()}
    fila = [(_proximo(chip, inicio, relogio), n) for n, chip in enumerate(todos)]
    heapify(fila)
    enviadas, fim, por_dia, por_chip = 0, inicio, Counter[int](), Counter[str]()
    esperas: dict[tuple[Freio, str], timedelta] = {}
    while fila and enviadas < mensagens and fila[0][0] <= fim_max:
        quando, n = heappop(fila)
        chip = todos[n]
        conta = chip.previsto.conta
        if conta is not None:
            livre = _livre(contatos[conta], contas[conta].limite)
            if livre > quando:
                chip.freios.append((Freio.PORTFOLIO, livre))
                heappush(fila, (_NUNCA if livre is _NUNCA else relogio.aberto(livre), n))
                continue
            contatos[conta].append(quando)
        _conta_espera(chip, quando, relogio, esperas)
        chip.envios.append(quando)
        enviadas, fim = enviadas + 1, quando
        por_dia[relogio.lugar(quando)] += 1
        por_chip[chip.previsto.nome] += 1
        heappush(fila, (_proximo(chip, quando, relogio), n))
    todas = enviadas == mensagens
    for chip in todos:
        _conta_espera(chip, fim if todas else fim_max, relogio, esperas)
    return Previsao(
        mensagens=mensagens,
        enviadas=enviadas,
        inicio=inicio,
        fim=fim if todas else None,
        por_dia={dia_de(relogio.abre[place]): n for place, n in sorted(por_dia.items())},
        por_chip=dict(por_chip),
        esperas=_somadas(esperas),
    )


def perdas(
    chips: Sequence[ChipPrevisto], contas: Mapping[str, ContaPrevista], feita: Previsao, quantas: int
) -> tuple[Perda, ...]:
    """Return what losing each of the `quantas` numbers that carry most would cost, the dearest first."""
    maiores = sorted(feita.por_chip, key=lambda nome: (-feita.por_chip[nome], nome))[:quantas]
    found = []
    for nome in maiores:
        sem = prever([chip for chip in chips if chip.nome != nome], contas, feita.mensagens, feita.inicio)
        atraso = sem.fim - feita.fim if sem.fim and feita.fim else None
        found.append(Perda(nome, feita.por_chip[nome], sem.fim, atraso))
    return tuple(sorted(found, key=lambda one: (one.atraso is not None, -(one.atraso or timedelta(0)), one.nome)))


def _proximo(chip: _Chip, agora: datetime, relogio: _Relogio) -> datetime:
    """Say when a number may send next, alone, and keep what it waits for until then."""
    previsto, envios = chip.previsto, chip.envios
    chip.desde = relogio.aberto(agora)
    chip.freios.clear()
    base = agora
    if previsto.livre_em is not None and previsto.livre_em > base:
        base = previsto.livre_em
        chip.freios.append((Freio.LIBERACAO, base))
    if envios and envios[-1] + previsto.intervalo > base:
        base = envios[-1] + previsto.intervalo
        chip.freios.append((Freio.INTERVALO, base))
    cheio = _cabe(previsto.limite, envios)
    for freio, quando in cheio:
        if quando > base:
            base = quando
            chip.freios.append((freio, base))
    if base is not _NUNCA and previsto.rampup_desde is not None:
        subindo = _subindo(previsto, previsto.rampup_desde, envios, base)
        if subindo > base:
            base = subindo
            chip.freios.append((Freio.RAMPUP, base))
    return _NUNCA if base is _NUNCA else relogio.aberto(base)


def _cabe(limite: Limite, envios: Sequence[datetime]) -> tuple[tuple[Freio, datetime], ...]:
    """Say when each rolling limit has room; a limit of nothing never has."""
    return (
        (Freio.LIMITE_HORA, _janela_livre(envios, limite.hora, _HORA)),
        (Freio.LIMITE_DIA, _janela_livre(envios, limite.dia, _DIA)),
    )


def _janela_livre(envios: Sequence[datetime], limite: int, tamanho: timedelta) -> datetime:
    if limite <= 0:
        return _NUNCA
    return envios[-limite] + tamanho if len(envios) >= limite else datetime.min.replace(tzinfo=UTC)


def _livre(contatos: Sequence[datetime], limite: int) -> datetime:
    return _janela_livre(contatos, limite, _DIA)


def _subindo(chip: ChipPrevisto, desde: datetime, envios: Sequence[datetime], base: datetime) -> datetime:
    """Say when a number whose share still grows may send, not before `base`."""
    depois = [desde + after for after, _ in PARTES[1:]]
    for (_, percent), ate in zip(PARTES, [*depois, _NUNCA], strict=True):
        if ate <= base:
            continue
        quando = max(base, *(instant for _, instant in _cabe(em_vigor(chip.limite, percent), envios)))
        if quando < ate or percent == INTEIRA:
            return quando
        base = max(base, ate)
    return base


def _conta_espera(chip: _Chip, ate: datetime, relogio: _Relogio, esperas: dict[tuple[Freio, str], timedelta]) -> None:
    """Charge each brake with the open time that it held this number back, up to `ate`."""
    desde = chip.desde
    for freio, fim in chip.freios:
        fim_ = min(fim, ate)
        if fim_ > desde:
            key = (freio, chip.previsto.nome)
            waited = relogio.decorrido(fim_) - relogio.decorrido(desde)
            esperas[key] = esperas.get(key, timedelta(0)) + waited
            desde = fim_
    chip.freios.clear()


def _somadas(esperas: Mapping[tuple[Freio, str], timedelta]) -> tuple[Espera, ...]:
    total = Counter[Freio]()
    de: dict[Freio, list[tuple[timedelta, str]]] = {}
    for (freio, nome), tempo in esperas.items():
        if tempo > timedelta(0):
            total[freio] += tempo // timedelta(microseconds=1)
            de.setdefault(freio, []).append((-tempo, nome))
    ordem = sorted(total, key=lambda freio: (-total[freio], freio))
    return tuple(
        Espera(freio, timedelta(microseconds=total[freio]), tuple(nome for _, nome in sorted(de[freio])))
        for freio in ordem
    )

"""The forecast against what can be computed by hand, and against a simulation that looks at every minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.domain.horario import SAO_PAULO, dia_de, janela_proativa
from lib.domain.limites import Limite
from lib.domain.previsao import ChipPrevisto, ContaPrevista, Freio, perdas, prever
from lib.domain.rampup import parte

MUITO = 10**9
MINUTO, HORA, DIA = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def sp(dia: int, hora: int, minuto: int = 0, mes: int = 3) -> datetime:
    return datetime(2026, mes, dia, hora, minuto, tzinfo=SAO_PAULO)


TERCA = sp(10, 8)  # 10 March 2026 is a Tuesday without a holiday


def chip(nome: str = "a", hora: int = MUITO, dia: int = MUITO, minutos: int = 0, **over: object) -> ChipPrevisto:
    return replace(ChipPrevisto(nome, Limite(hora, dia), minutos * MINUTO), **over)  # type: ignore[arg-type]


def fim(*chips: ChipPrevisto, n: int, inicio: datetime = TERCA, **contas: ContaPrevista) -> datetime | None:
    return prever(chips, contas, n, inicio).fim


@pytest.mark.parametrize("n", [1, 2, 50, 240])
def test_one_chip_with_a_delay_alone_needs_n_minus_one_delays(n: int) -> None:
    assert fim(chip(minutos=3), n=n) == TERCA + (n - 1) * 3 * MINUTO


@pytest.mark.parametrize("n", [1, 30, 31, 60, 61, 360])
def test_an_hourly_cap_alone_lets_so_many_go_each_hour(n: int) -> None:
    assert fim(chip(hora=30), n=n) == TERCA + (n - 1) // 30 * HORA


@pytest.mark.parametrize(("n", "dias"), [(1, 0), (20, 0), (21, 1), (40, 1), (80, 3), (81, 6), (101, 7)])
def test_a_daily_cap_alone_lets_so_many_go_each_working_day(n: int, dias: int) -> None:
    assert fim(chip(dia=20), n=n) == TERCA + dias * DIA, "the fifth day after a Tuesday is the Monday"


@pytest.mark.parametrize("n", [1, 2, 3, 100, 101])
def test_two_equal_chips_need_half(n: int) -> None:
    assert fim(chip("a", minutos=2), chip("b", minutos=2), n=n) == TERCA + ((n + 1) // 2 - 1) * 2 * MINUTO


@pytest.mark.parametrize(("n", "dias"), [(1, 0), (25, 0), (26, 1), (50, 1), (51, 2)])
def test_the_numbers_of_one_account_share_its_portfolio(n: int, dias: int) -> None:
    chips = [chip(nome, conta="m") for nome in "abc"]
    assert fim(*chips, n=n, m=ContaPrevista(25)) == TERCA + dias * DIA


def test_delay_hour_and_day_together() -> None:
    """5 an hour, a minute apart, 12 a day: from 8:00, from 9:00, the last two from 10:00, and so on the next day."""
    one = chip(hora=5, dia=12, minutos=1)
    assert fim(one, n=12) == sp(10, 10, 1)
    assert fim(one, n=13) == sp(11, 8)
    assert fim(one, n=24) == sp(11, 10, 1)


def test_what_was_sent_in_the_last_day_is_counted() -> None:
    sent = tuple(TERCA - DIA + n * HORA for n in range(1, 11))  # from 9:00 on, one an hour
    assert fim(chip(dia=10, envios=sent), n=1) == sp(10, 9)
    assert fim(chip(dia=10, envios=sent), n=3) == sp(10, 11)
    assert fim(chip(dia=11, envios=sent), n=1) == TERCA
    assert fim(chip(minutos=9, envios=(TERCA - MINUTO,)), n=1) == TERCA + 8 * MINUTO
    assert fim(chip(conta="m"), n=1, m=ContaPrevista(2, (TERCA - 20 * HORA, TERCA - HORA))) == sp(10, 12)


@pytest.mark.parametrize(
    ("inicio", "primeiro"),
    [
        (sp(10, 7, 59), sp(10, 8)),
        (sp(10, 19, 59), sp(10, 19, 59)),
        (sp(10, 20), sp(11, 8)),
        (sp(13, 20), sp(16, 8)),
        (sp(14, 12), sp(16, 8)),
        (sp(2, 20, mes=4), sp(6, 8, mes=4)),  # Thursday before Good Friday
    ],
)
def test_nobody_is_written_to_first_at_night_on_a_weekend_or_a_holiday(inicio: datetime, primeiro: datetime) -> None:
    assert fim(chip(), n=1, inicio=inicio) == primeiro


def test_a_day_that_closes_carries_on_with_the_next() -> None:
    made = prever([chip(minutos=60)], {}, 15, TERCA)
    assert made.por_dia == {date(2026, 3, 10): 12, date(2026, 3, 11): 3}
    assert made.fim == sp(11, 10)


def test_a_share_that_grows_lets_more_go_hour_by_hour() -> None:
    one = chip(hora=4, rampup_desde=TERCA)
    assert [fim(one, n=n) for n in (1, 2, 3, 4, 5)] == [
        TERCA,
        TERCA + HORA,
        TERCA + 2 * HORA,
        TERCA + 2 * HORA,
        TERCA + 3 * HORA,
    ]
    tiny = chip(hora=2, rampup_desde=TERCA)
    assert fim(tiny, n=1) == TERCA + 2 * HORA, "a quarter of two is nothing"
    assert fim(chip(hora=4, rampup_desde=TERCA, livre_em=TERCA + 6 * HORA), n=3) == TERCA + 6 * HORA


def test_what_never_ends_says_so() -> None:
    for never in (prever([], {}, 3, TERCA), prever([chip(hora=0)], {}, 3, TERCA)):
        assert (never.fim, never.enviadas, never.por_chip) == (None, 0, {})
    assert prever([chip(conta="m")], {"m": ContaPrevista(0)}, 3, TERCA).fim is None
    slow = prever([chip(dia=1)], {}, 5_000, TERCA)
    assert slow.fim is None
    assert 400 < slow.enviadas < 600, "about one each working day of two years"


@pytest.mark.parametrize(
    ("one", "contas", "freio"),
    [
        (chip(minutos=3), {}, Freio.INTERVALO),
        (chip(hora=5, minutos=1), {}, Freio.LIMITE_HORA),
        (chip(hora=30, dia=40, minutos=1), {}, Freio.LIMITE_DIA),
        (chip(conta="m"), {"m": ContaPrevista(9)}, Freio.PORTFOLIO),
        (chip(hora=4, rampup_desde=TERCA), {}, Freio.RAMPUP),
        (chip(livre_em=TERCA + 5 * HORA), {}, Freio.LIBERACAO),
    ],
)
def test_the_longest_wait_names_what_binds(
    one: ChipPrevisto, contas: Mapping[str, ContaPrevista], freio: Freio
) -> None:
    made = prever([one], contas, 100 if freio is not Freio.RAMPUP else 3, TERCA)
    assert made.esperas[0].freio is freio
    assert made.esperas[0].chips == ("a",)


def test_waits_are_counted_in_open_hours_up_to_the_end() -> None:
    made = prever([chip("a", dia=1), chip("b", dia=3)], {}, 5, TERCA)
    assert made.fim == sp(11, 8)
    [wait] = made.esperas
    assert (wait.freio, wait.tempo, wait.chips) == (Freio.LIMITE_DIA, 24 * HORA, ("a", "b")), "a Tuesday each"
    assert prever([chip()], {}, 500, TERCA).esperas == ()


def test_losing_the_chip_that_carries_most_costs_most() -> None:
    chips = [chip("forte", dia=60), chip("fraco", dia=20), chip("mudo", hora=0)]
    made = prever(chips, {}, 160, TERCA)
    lost = perdas(chips, {}, made, 5)
    assert made.fim == TERCA + DIA
    assert [(one.nome, one.fim, one.atraso) for one in lost] == [
        ("forte", TERCA + 9 * DIA, 8 * DIA),
        ("fraco", TERCA + 2 * DIA, DIA),
    ]
    assert perdas(chips[:1], {}, prever(chips[:1], {}, 9, TERCA), 5)[0].fim is None
    assert len(perdas(chips, {}, made, 1)) == 1


def test_a_hundred_thousand_messages_take_seconds() -> None:
    chips = [chip(f"c{n:02d}", hora=30, dia=100, minutos=1, conta="m" if n % 5 == 0 else None) for n in range(50)]
    began = perf_counter()
    made = prever(chips, {"m": ContaPrevista(250)}, 100_000, TERCA)
    assert made.enviadas == sum(made.por_chip.values()) == sum(made.por_dia.values()) == 100_000
    assert perf_counter() - began < 20


@dataclass(slots=True)
class Ingenuo:
    """A number in the simulation that looks at every minute and counts everything from the start."""

    chip: ChipPrevisto
    envios: list[datetime] = field(default_factory=list)

    def pode(self, agora: datetime) -> bool:
        share = 100 if self.chip.rampup_desde is None else parte(self.chip.rampup_desde, agora)
        hour = sum(agora - HORA < em <= agora for em in self.envios)
        day = sum(agora - DIA < em <= agora for em in self.envios)
        return (
            (self.chip.livre_em is None or self.chip.livre_em <= agora)
            and all(em + self.chip.intervalo <= agora for em in self.envios)
            and hour < self.chip.limite.hora * share // 100
            and day < self.chip.limite.dia * share // 100
        )


def minuto_a_minuto(
    chips: Sequence[ChipPrevisto], contas: Mapping[str, ContaPrevista], n: int, inicio: datetime, ate: datetime
) -> list[tuple[datetime, str]]:
    """Return when which number sends, looking at each minute up to `ate`."""
    all_of = [Ingenuo(one, list(one.envios)) for one in chips]
    reached = {nome: list(conta.contatos) for nome, conta in contas.items()}
    sent: list[tuple[datetime, str]] = []
    agora = inicio
    while agora <= ate and len(sent) < n:
        for one in all_of if janela_proativa(agora, None) else ():
            while len(sent) < n and one.pode(agora):
                conta = one.chip.conta
                if conta is not None:
                    if sum(agora - DIA < em <= agora for em in reached[conta]) >= contas[conta].limite:
                        break
                    reached[conta].append(agora)
                one.envios.append(agora)
                sent.append((agora, one.chip.nome))
        agora += MINUTO
    return sent


def _em_ordem(inicio: datetime, minutes: list[int]) -> tuple[datetime, ...]:
    return tuple(inicio - m * MINUTO for m in sorted(minutes, reverse=True))


@st.composite
def pools(draw: st.DrawFn) -> tuple[list[ChipPrevisto], dict[str, ContaPrevista], int, datetime]:
    inicio = sp(10, 8) + draw(st.integers(0, 7 * 24 * 60)) * MINUTO
    before = st.lists(st.integers(1, 24 * 60 - 1), max_size=8)
    later = st.none() | st.integers(-300, 900).map(lambda m: inicio + m * MINUTO)
    chips = [
        ChipPrevisto(
            nome=nome,
            limite=Limite(draw(st.integers(0, 6)), draw(st.integers(1, 12))),
            intervalo=draw(st.integers(0, 45)) * MINUTO,
            envios=_em_ordem(inicio, draw(before)),
            livre_em=draw(later),
            rampup_desde=draw(later),
            conta=draw(st.sampled_from([None, None, "m"])),
        )
        for nome in "abcd"[: draw(st.integers(1, 4))]
    ]
    contas = {"m": ContaPrevista(draw(st.integers(0, 10)), _em_ordem(inicio, draw(before)))}
    return chips, contas, draw(st.integers(1, 40)), inicio


@settings(max_examples=60, deadline=None)
@given(pools())
def test_it_is_what_a_look_at_every_minute_gives(
    pool: tuple[list[ChipPrevisto], dict[str, ContaPrevista], int, datetime],
) -> None:
    chips, contas, n, inicio = pool
    made = prever(chips, contas, n, inicio)
    ate = made.fim or inicio + 4 * DIA
    naive = minuto_a_minuto(chips, contas, n, inicio, min(ate, inicio + 12 * DIA))
    if made.fim is None or made.fim > inicio + 12 * DIA:
        assert len(naive) < n
        return
    assert naive[-1][0] == made.fim
    assert Counter(nome for _, nome in naive) == made.por_chip
    assert Counter(dia_de(em) for em, _ in naive) == made.por_dia


@settings(max_examples=60, deadline=None)
@given(pools())
def test_a_better_pool_never_takes_longer(
    pool: tuple[list[ChipPrevisto], dict[str, ContaPrevista], int, datetime],
) -> None:
    chips, contas, n, inicio = pool
    made = prever(chips, contas, n, inicio)
    alone = [replace(one, conta=None) for one in chips]
    more = [replace(one, limite=Limite(one.limite.hora + 1, one.limite.dia + 1), rampup_desde=None) for one in alone]
    for better in (
        prever(alone, {}, n, inicio),
        prever(more, {}, n, inicio),
        prever([*chips, chip("z")], contas, n, inicio),
    ):
        assert better.enviadas >= made.enviadas
        assert made.fim is None or (better.fim is not None and better.fim <= made.fim)

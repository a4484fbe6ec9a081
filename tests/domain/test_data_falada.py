"""Dates as people say them: what is understood, what is refused, and what holds whatever is said."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.data_falada import MAX_DIAS, Lida, ler, ler_dia, por_extenso
from lib.domain.horario import SAO_PAULO

# A Tuesday.
TERCA = datetime(2026, 11, 24, 10, 0, tzinfo=SAO_PAULO)
DEZEMBRO = datetime(2026, 12, 20, 10, 0, tzinfo=SAO_PAULO)

DITAS = (
    ("amanhã às 9", "25/11 09:00", True),
    ("amanhã de manhã", "25/11 09:00", False),
    ("AMANHÃ CEDO", "25/11 09:00", False),
    ("amanhã", "25/11 09:00", False),
    ("depois de amanhã 8h", "26/11 08:00", True),
    ("quinta às 19h", "26/11 19:00", True),
    ("quinta", "26/11 09:00", False),
    ("quinta que vem", "26/11 09:00", False),
    ("na próxima sexta às 8h", "27/11 08:00", True),
    ("sexta 20h30", "27/11 20:30", True),
    ("segunda", "30/11 09:00", False),
    ("terça", "01/12 09:00", False),
    ("terça às 9h", "01/12 09:00", True),
    ("terça às 19h", "24/11 19:00", True),
    ("terça que vem às 19h", "01/12 19:00", True),
    ("semana que vem", "30/11 09:00", False),
    ("quinta da semana que vem", "03/12 09:00", False),
    ("semana que vem, na quinta à tarde", "03/12 14:00", False),
    ("no fim de semana", "28/11 09:00", False),
    ("dia 5 às 14:30", "05/12 14:30", True),
    ("dia 1º às 8h", "01/12 08:00", True),
    ("dia 31", "31/12 09:00", False),
    ("dia 10 do mês que vem", "10/12 09:00", False),
    ("mês que vem, dia 10, 8h", "10/12 08:00", True),
    ("5 de dezembro às oito e meia", "05/12 08:30", True),
    ("26/11 às 19h", "26/11 19:00", True),
    ("quinta-feira, 26/11, às 19h", "26/11 19:00", True),
    ("quinta, dia 26, 7 da noite", "26/11 19:00", True),
    ("daqui a 2 horas", "24/11 12:00", True),
    ("em meia hora", "24/11 10:30", True),
    ("daqui a uma hora e meia", "24/11 11:30", True),
    ("em 1h30", "24/11 11:30", True),
    ("dentro de 45 minutos", "24/11 10:45", True),
    ("daqui a três dias às 8", "27/11 08:00", True),
    ("em duas semanas", "08/12 09:00", False),
    ("daqui a 1 mês", "24/12 09:00", False),
    ("hoje à noite", "24/11 19:00", False),
    ("hoje à noite às 8", "24/11 20:00", True),
    ("hoje às 7", "24/11 19:00", True),
    ("às 7 da noite", "24/11 19:00", True),
    ("às 7", "25/11 07:00", True),
    ("à uma da tarde", "24/11 13:00", True),
    ("meio-dia", "24/11 12:00", True),
    ("amanhã ao meio-dia e meia", "25/11 12:30", True),
    ("hoje à meia-noite", "25/11 00:00", True),
    ("fim da tarde", "24/11 18:00", False),
    ("às vinte e uma horas", "24/11 21:00", True),
    ("me lembra amanhã às 10 hrs, por favor", "25/11 10:00", True),
    ("amanhã às 9 (horário de Brasília)", "25/11 09:00", True),
    ("2026-11-27", "27/11 09:00", False),
    ("2026-11-27T19:00", "27/11 19:00", True),
    ("2026-11-27 19:00:00", "27/11 19:00", True),
    ("2026-11-27T22:00:00Z", "27/11 19:00", True),
    ("2026-11-27T19:00-03:00", "27/11 19:00", True),
)  # fmt: skip

NADA = (
    "", "   ", "quando der", "ontem", "hoje", "hoje às 8 da manhã", "quinta passada", "daqui a pouco",
    "antes de quinta", "até sexta",
    "sexta, 26/11", "amanhã, sexta", "segunda e terça", "das 8 às 12", "às 20h da manhã", "domingo às 25h", "dia 0",
    "dia 99", "31/04", "29/02", "10/11", "26/11/2025", "26/11/2027", "2026-11-23", "2026-13-01", "9999-12-31",
    "9999-12-31 à meia-noite", "em 200 dias", "em 999 horas e tal", "mês que vem", "amanhã, mês que vem",
    "de madrugada", "não amanhã", "amanhã?; DROP TABLE outbox", "amanhã às 9 ou às 10", "às 9:75", "٣ dias",
    "amanhã " * 60, "2026-11-27T19:00+99:99", "0001-01-01T00:00+23:59", "em meia minuto", "semana que vem, amanhã",
    "daqui a 2 horas amanhã", "meia-noite e meia",
)  # fmt: skip


@pytest.mark.parametrize(("texto", "quando", "hora_dita"), DITAS)
def test_what_doctors_say_is_understood_on_sao_paulos_clock(texto: str, quando: str, *, hora_dita: bool) -> None:
    lida = ler(texto, TERCA)
    assert lida is not None
    assert (f"{lida.quando.astimezone(SAO_PAULO):%d/%m %H:%M}", lida.hora_dita) == (quando, hora_dita)
    assert lida.quando.tzinfo is UTC


@pytest.mark.parametrize("texto", NADA)
def test_what_is_unclear_over_or_too_far_is_no_date(texto: str) -> None:
    assert ler(texto, TERCA) is None


def test_a_day_of_january_said_in_december_is_next_years() -> None:
    assert ler("05/01", DEZEMBRO) == Lida(datetime(2027, 1, 5, 12, tzinfo=UTC), hora_dita=False)
    assert ler_dia("05/01", DEZEMBRO) == date(2027, 1, 5)


def test_a_day_alone_may_be_today_and_has_no_hour() -> None:
    assert [ler_dia(texto, TERCA) for texto in ("hoje", "terça", "24/11", "2026-11-24")] == [TERCA.date()] * 4
    assert [
        ler_dia(texto, TERCA) for texto in ("amanhã às 9", "ontem", "meia-noite", "em 2 horas", "sexta, 26/11")
    ] == [None] * 5


def test_the_hour_is_sao_paulos_wherever_the_clock_reads_it_from() -> None:
    tokyo = TERCA.astimezone(timezone(timedelta(hours=9)))
    assert ler("hoje às 20h", tokyo) == ler("hoje às 20h", TERCA)
    assert por_extenso(datetime(2026, 11, 28, 1, 30, tzinfo=UTC), tokyo) == "sexta-feira, 27/11, às 22h30"


def test_a_naive_instant_is_refused() -> None:
    for call in (ler, ler_dia):
        with pytest.raises(ValueError, match="aware"):
            call("amanhã", TERCA.replace(tzinfo=None))


def test_the_words_name_today_and_tomorrow() -> None:
    assert por_extenso(TERCA.replace(hour=13), TERCA) == "hoje, terça-feira, 24/11, às 13h"
    assert por_extenso(TERCA.replace(day=25, hour=1), TERCA) == "amanhã, quarta-feira, 25/11, à 1h"


agoras = st.datetimes(datetime(2026, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 — the strategy sets the zone
falas = st.one_of(
    st.sampled_from([texto for texto, _, _ in DITAS] + list(NADA)),
    st.lists(st.sampled_from(" ".join(texto for texto, _, _ in DITAS).split()), min_size=1, max_size=5).map(" ".join),
    st.text(max_size=30),
)


@given(agoras, st.integers(1, MAX_DIAS * 24 * 60 - 1))
def test_what_is_written_out_is_read_back_to_the_minute(agora: datetime, minutos: int) -> None:
    quando = agora.replace(second=0, microsecond=0) + timedelta(minutes=minutos)
    assert ler(por_extenso(quando, agora), agora) == Lida(quando, hora_dita=True)


@given(falas, st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 — as above
def test_nothing_that_is_read_is_past_or_too_far(texto: str, agora: datetime) -> None:
    lida = ler(texto, agora)
    assert lida is None or agora < lida.quando <= agora + timedelta(days=MAX_DIAS)
    dia = ler_dia(texto, agora)
    hoje = agora.astimezone(SAO_PAULO).date()
    assert dia is None or hoje <= dia <= hoje + timedelta(days=MAX_DIAS)


@given(falas, agoras, st.integers(0, 60 * 24 * 40))
def test_the_same_words_said_later_never_mean_something_earlier(texto: str, agora: datetime, minutos: int) -> None:
    antes, depois = ler(texto, agora), ler(texto, agora + timedelta(minutes=minutos))
    assert antes is None or depois is None or antes.quando <= depois.quando

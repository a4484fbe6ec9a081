from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.horario import (
    SAO_PAULO,
    dia_de,
    feriado,
    fuso,
    janela,
    janela_proativa,
    limites_do_dia,
    proxima_janela,
)

UFS = st.none() | st.sampled_from(["SP", "AM", "AC", "MT", "RJ", "BA", "XX", "rr"])
INSTANTES = st.datetimes(datetime(2025, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


def sp(dia: int, hora: int, minuto: int = 0, mes: int = 3) -> datetime:
    return datetime(2026, mes, dia, hora, minuto, tzinfo=SAO_PAULO).astimezone(UTC)


@pytest.mark.parametrize(
    ("uf", "zona"),
    [
        ("SP", "America/Sao_Paulo"),
        ("AM", "America/Manaus"),
        ("AC", "America/Rio_Branco"),
        ("MT", "America/Cuiaba"),
        ("MS", "America/Campo_Grande"),
        ("RO", "America/Porto_Velho"),
        ("rr", "America/Boa_Vista"),
        (None, "America/Sao_Paulo"),
        ("XX", "America/Sao_Paulo"),
    ],
)
def test_each_state_has_its_zone(uf: str | None, zona: str) -> None:
    assert fuso(uf) == ZoneInfo(zona)


@pytest.mark.parametrize(
    ("agora", "aberta"),
    [
        (sp(16, 8), True),
        (sp(16, 7, 59), False),
        (sp(16, 19, 59), True),
        (sp(16, 20), False),
        (sp(20, 12), True),
        (sp(21, 12), False),
        (sp(22, 12), False),
        (sp(17, 12, mes=2), False),
        (sp(21, 12, mes=4), False),
        (sp(9, 12, mes=7), True),
    ],
)
def test_the_window_is_monday_to_friday_eight_to_before_twenty(agora: datetime, aberta: bool) -> None:
    assert janela_proativa(agora, None) is aberta


def test_the_window_is_the_doctors_own_not_brasilias() -> None:
    oito_em_sp = sp(16, 8)
    assert janela_proativa(oito_em_sp, "SP")
    assert not janela_proativa(oito_em_sp, "AM")
    assert not janela_proativa(oito_em_sp + timedelta(hours=1), "AC")
    assert janela_proativa(oito_em_sp + timedelta(hours=12, minutes=59), "AM")


def test_carnaval_and_state_holidays_count() -> None:
    assert feriado(date(2026, 2, 17), None) is not None
    assert feriado(date(2026, 7, 9), "SP") is not None
    assert feriado(date(2026, 7, 9), "RJ") is None
    assert feriado(date(2026, 12, 25), "xx") == "Natal"
    assert feriado(date(2026, 3, 16), "SP") is None


def test_a_holiday_eve_night_goes_to_the_next_working_morning() -> None:
    sexta_antes_do_carnaval = sp(13, 20, mes=2)
    assert proxima_janela(sexta_antes_do_carnaval, "SP") == sp(19, 8, mes=2)
    assert proxima_janela(sp(16, 7), "SP") == sp(16, 8)


@given(INSTANTES, UFS)
def test_the_next_window_is_open_not_earlier_and_stays(agora: datetime, uf: str | None) -> None:
    proxima = proxima_janela(agora, uf)
    assert proxima >= agora
    assert proxima.tzinfo is UTC
    assert janela_proativa(proxima, uf)
    assert proxima_janela(proxima, uf) == proxima
    assert (proxima == agora) == janela_proativa(agora, uf)


@given(INSTANTES, UFS, st.floats(0, 1, exclude_max=True))
def test_nothing_between_now_and_the_next_window_is_open(agora: datetime, uf: str | None, parte: float) -> None:
    proxima = proxima_janela(agora, uf)
    entre = agora + (proxima - agora) * parte
    assert entre >= proxima or not janela_proativa(entre, uf)


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        janela_proativa(datetime(2026, 3, 16, 12), None)  # noqa: DTZ001 - the naive instant is the point


@given(INSTANTES, UFS)
def test_a_window_is_open_from_its_first_to_before_its_last_instant(agora: datetime, uf: str | None) -> None:
    abre, fecha = janela(agora, uf)
    assert abre == proxima_janela(agora, uf)
    assert janela_proativa(abre, uf)
    assert janela_proativa(fecha - timedelta(microseconds=1), uf)
    assert not janela_proativa(fecha, uf)
    assert fecha - abre <= timedelta(hours=12)


@given(INSTANTES)
def test_a_day_of_sao_paulo_holds_the_instants_that_its_clock_gives_it(agora: datetime) -> None:
    inicio, fim = limites_do_dia(dia_de(agora))
    assert inicio <= agora < fim
    assert dia_de(inicio) == dia_de(fim - timedelta(microseconds=1)) == dia_de(agora)
    assert dia_de(fim) > dia_de(agora)


def test_half_past_nine_in_the_evening_is_still_the_same_day() -> None:
    assert dia_de(sp(9, 21, 30)) == date(2026, 3, 9)
    assert limites_do_dia(date(2026, 3, 9)) == (
        datetime(2026, 3, 9, 3, tzinfo=UTC),
        datetime(2026, 3, 10, 3, tzinfo=UTC),
    )

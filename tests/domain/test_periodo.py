from datetime import UTC, datetime

import pytest

from lib.domain.periodo import NOMES, Periodo, intervalo

AGORA = datetime(2026, 3, 11, 2, 30, tzinfo=UTC)  # Tuesday 10 March, 23:30 in São Paulo


@pytest.mark.parametrize(
    ("periodo", "de", "ate"),
    [
        (Periodo.HOJE, datetime(2026, 3, 10, 3, tzinfo=UTC), AGORA),
        (Periodo.ONTEM, datetime(2026, 3, 9, 3, tzinfo=UTC), datetime(2026, 3, 10, 3, tzinfo=UTC)),
        (Periodo.SEMANA, datetime(2026, 3, 9, 3, tzinfo=UTC), AGORA),
        (Periodo.SEMANA_PASSADA, datetime(2026, 3, 2, 3, tzinfo=UTC), datetime(2026, 3, 9, 3, tzinfo=UTC)),
        (Periodo.MES, datetime(2026, 3, 1, 3, tzinfo=UTC), AGORA),
        (Periodo.MES_PASSADO, datetime(2026, 2, 1, 3, tzinfo=UTC), datetime(2026, 3, 1, 3, tzinfo=UTC)),
    ],
)
def test_a_period_is_days_of_sao_paulo(periodo: Periodo, de: datetime, ate: datetime) -> None:
    found = intervalo(periodo, AGORA)
    assert (found.inicio, found.fim) == (de, ate)
    assert NOMES[periodo]


def test_last_month_of_january_is_december() -> None:
    assert intervalo(Periodo.MES_PASSADO, datetime(2026, 1, 15, tzinfo=UTC)).inicio == datetime(
        2025, 12, 1, 3, tzinfo=UTC
    )


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        intervalo(Periodo.HOJE, datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point

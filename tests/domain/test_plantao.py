"""A shift's hours on its hospital's clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lib.domain.horario import UFS
from lib.domain.plantao import UFS_DA_REGIAO, quando

INICIO = datetime(2026, 3, 12, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("horas", "uf", "texto"),
    [
        (4, "SP", "quinta-feira, 12/03, das 19:00 às 23:00"),
        (12, "SP", "quinta-feira, 12/03, das 19:00 às 07:00 do dia seguinte"),
        (12, "AM", "quinta-feira, 12/03, das 18:00 às 06:00 do dia seguinte"),
        (12, None, "quinta-feira, 12/03, das 19:00 às 07:00 do dia seguinte"),
        (36, "AC", "quinta-feira, 12/03, das 17:00 às 05:00 de 14/03"),
    ],
)
def test_hours_are_written_on_the_hospitals_clock(horas: int, uf: str | None, texto: str) -> None:
    assert quando(INICIO, INICIO + timedelta(hours=horas), uf) == texto


def test_every_state_is_in_one_region() -> None:
    assert sorted(uf for ufs in UFS_DA_REGIAO.values() for uf in ufs) == sorted(uf for uf in UFS if len(uf) == 2)

from __future__ import annotations

from datetime import timedelta

import pytest

from lib.domain.disjuntor import ABRE, PAUSA_MAX, ClasseFalha, EstadoDisjuntor, estado, pausa
from tests.builders import AGORA

SEGUNDO = timedelta(seconds=1)


def test_the_stored_instant_tells_the_state() -> None:
    assert estado(None, AGORA) is EstadoDisjuntor.FECHADO
    assert estado(AGORA + SEGUNDO, AGORA) is EstadoDisjuntor.ABERTO
    assert estado(AGORA, AGORA) is EstadoDisjuntor.MEIO_ABERTO


def test_time_outs_open_it_for_thirty_seconds_after_five_doubling_to_ten_minutes() -> None:
    assert ABRE[ClasseFalha.TEMPO].falhas == 5
    assert [pausa(ClasseFalha.TEMPO, n).total_seconds() for n in range(1, 8)] == [30, 60, 120, 240, 480, 600, 600]


@pytest.mark.parametrize("classe", ClasseFalha)
def test_no_pause_is_longer_than_the_longest_nor_shorter_than_the_one_before(classe: ClasseFalha) -> None:
    pauses = [pausa(classe, n) for n in range(1, 40)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == PAUSA_MAX

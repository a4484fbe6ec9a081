from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.chip import FaseWarmup, NivelTrust
from lib.domain.limites import Limite, em_vigor, limite_efetivo
from lib.domain.rampup import PARTES, parte
from tests.builders import AGORA

HORA = timedelta(hours=1)
FASES = list(FaseWarmup)
NIVEIS = list(NivelTrust)  # best first
quotas = st.sampled_from([percent for _, percent in PARTES])
portfolios = st.none() | st.integers(0, 300)
situations = st.tuples(st.sampled_from(range(len(NIVEIS))), st.sampled_from(range(len(FASES))), quotas, portfolios)
Situation = tuple[int, int, int, int | None]


def limite(situation: Situation) -> Limite:
    level, phase, share, portfolio = situation
    return limite_efetivo(NIVEIS[level], FASES[phase], share, portfolio)


@given(situations, situations)
def test_nothing_that_is_worse_ever_raises_a_limit(one: Situation, other: Situation) -> None:
    worse: Situation = (
        max(one[0], other[0]),
        min(one[1], other[1]),
        min(one[2], other[2]),
        min((p for p in (one[3], other[3]) if p is not None), default=None),
    )
    for better in (one, other):
        assert limite(worse).hora <= limite(better).hora
        assert limite(worse).dia <= limite(better).dia


@given(situations)
def test_each_of_the_four_bounds_the_limit_alone(situation: Situation) -> None:
    level, phase, share, portfolio = situation
    got = limite(situation)
    whole = limite_efetivo(NivelTrust.VERDE, FASES[phase])
    assert 0 <= got.hora <= whole.hora * share // 100
    assert 0 <= got.dia <= min(whole.dia * share // 100, whole.dia if portfolio is None else portfolio)
    assert got.hora <= limite_efetivo(NIVEIS[level], FASES[phase]).hora


@pytest.mark.parametrize(
    ("nivel", "fase", "share", "portfolio", "wanted"),
    [
        (NivelTrust.VERDE, FaseWarmup.OPERACAO, 100, None, Limite(30, 100)),
        (NivelTrust.AMARELO, FaseWarmup.OPERACAO, 100, None, Limite(24, 80)),
        (NivelTrust.VERDE, FaseWarmup.OPERACAO, 25, None, Limite(7, 25)),
        (NivelTrust.LARANJA, FaseWarmup.EXPANSAO, 50, None, Limite(2, 7)),
        (NivelTrust.VERDE, FaseWarmup.OPERACAO, 100, 12, Limite(12, 12)),
        (NivelTrust.VERDE, FaseWarmup.OPERACAO, 100, -3, Limite(0, 0)),
        (NivelTrust.VERDE, FaseWarmup.REPOUSO, 100, 250, Limite(0, 0)),
        (NivelTrust.CRITICO, FaseWarmup.REPOUSO, 100, None, Limite(0, 0)),
    ],
)
def test_the_least_of_phase_level_share_and_account_is_in_force(
    nivel: NivelTrust, fase: FaseWarmup, share: int, portfolio: int | None, wanted: Limite
) -> None:
    assert limite_efetivo(nivel, fase, share, portfolio) == wanted


def test_the_share_of_stored_limits_is_rounded_down_as_the_claim_does() -> None:
    assert em_vigor(Limite(5, 30), 75) == Limite(3, 22)
    assert em_vigor(Limite(1, 3), 25) == Limite(0, 0)


@given(st.integers(0, 40 * 60))
def test_the_share_is_a_quarter_at_first_and_whole_after_twelve_hours(minutes: int) -> None:
    after = timedelta(minutes=minutes)
    wanted = 25 if after < 2 * HORA else 50 if after < 6 * HORA else 75 if after < 12 * HORA else 100
    assert parte(AGORA, AGORA + after) == wanted


def test_a_return_that_is_yet_to_come_has_the_first_share() -> None:
    assert parte(AGORA + HORA, AGORA) == 25

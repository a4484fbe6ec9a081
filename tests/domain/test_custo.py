import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.custo import PRECOS, custo_micro_usd

tokens = st.integers(0, 10_000_000)


@pytest.mark.parametrize(
    ("modelo", "esperado"),
    [
        ("claude-haiku-5-5", 500_000 + 2_500_000 + 625_000 + 50_000),
        ("claude-sonnet-5-5", 2_000_000 + 10_000_000 + 2_500_000 + 200_000),
        ("claude-opus-5-5", 4_000_000 + 20_000_000 + 5_000_000 + 400_000),
        ("claude-haiku-5-5-20261001", 3_675_000),
        ("claude-haiku-4-5-20251001", 1_000_000 + 5_000_000 + 1_250_000 + 100_000),
    ],
)
def test_a_million_tokens_of_each_kind_cost_the_listed_price(modelo: str, esperado: int) -> None:
    assert custo_micro_usd(modelo, 1_000_000, 1_000_000, 1_000_000, 1_000_000) == esperado


def test_a_long_input_costs_more_for_the_model_that_says_so() -> None:
    assert custo_micro_usd("claude-haiku-5-5", 30_000, 30_000, 30_000, 40_000) == 3_000 + 15_000 + 3_750 + 400
    assert custo_micro_usd("claude-haiku-5-5", 30_001, 30_000, 30_000, 40_000) == 15_001 + 75_000 + 18_750 + 2_000
    assert custo_micro_usd("claude-sonnet-5-5", 200_000, 0, 0, 0) == 400_000


@pytest.mark.parametrize("modelo", ["", "gpt-4", "claude-haiku", "claude-haiku-5-5-x", "sandbox"])
def test_an_unknown_model_has_no_made_up_price(modelo: str) -> None:
    assert custo_micro_usd(modelo, 10, 10, 0, 0) is None


def test_a_typical_turn_is_rounded_to_whole_micro_dollars() -> None:
    assert custo_micro_usd("claude-haiku-5-5", 1, 0, 0, 0) == 0
    assert custo_micro_usd("claude-haiku-5-5", 5, 0, 0, 0) == 1
    assert custo_micro_usd("claude-haiku-5-5", 1_200, 90, 0, 800) == 173


@given(st.sampled_from(sorted(PRECOS)), tokens, tokens, tokens, tokens, st.integers(0, 1000))
def test_more_tokens_never_cost_less(modelo: str, a: int, b: int, c: int, d: int, mais: int) -> None:
    menos = custo_micro_usd(modelo, a, b, c, d)
    assert menos is not None
    for contagens in ((a + mais, b, c, d), (a, b + mais, c, d), (a, b, c + mais, d), (a, b, c, d + mais)):
        caro = custo_micro_usd(modelo, *contagens)
        assert caro is not None
        assert caro >= menos


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        custo_micro_usd("claude-haiku-5-5", -1, 0, 0, 0)

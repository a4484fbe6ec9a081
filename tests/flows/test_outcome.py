from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.outcome import BrokenInvariantError, Outcome, Parcial, total

counts = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 9))


@st.composite
def honest(draw: st.DrawFn) -> Outcome:
    changed, skipped, failed = draw(st.integers(0, 9)), draw(counts), draw(counts)
    eligible = changed + sum(skipped.values()) + sum(failed.values())
    return Outcome(eligible + draw(st.integers(0, 9)), eligible, changed, skipped, failed)


@given(honest(), honest())
def test_honest_outcomes_add_up_to_an_honest_one(one: Outcome, other: Outcome) -> None:
    both = one + other
    assert both.missing == 0
    assert (both.seen, both.changed) == (one.seen + other.seen, one.changed + other.changed)
    assert sum(both.skipped.values()) == sum(one.skipped.values()) + sum(other.skipped.values())
    both.require_honest(1.0)


@given(honest(), st.integers(1, 5))
def test_rows_that_nobody_accounts_for_break_the_run(outcome: Outcome, lost: int) -> None:
    dishonest = outcome + Outcome(seen=lost, eligible=lost)
    assert dishonest.missing == lost
    with pytest.raises(BrokenInvariantError, match="não fecha"):
        dishonest.require_honest(1.0)


def test_more_told_than_was_eligible_breaks_the_run_too() -> None:
    with pytest.raises(BrokenInvariantError, match="não fecha"):
        Outcome(seen=1, eligible=1, changed=2).require_honest(1.0)


def test_failures_up_to_the_tolerance_are_borne() -> None:
    outcome = Outcome(seen=10, eligible=10, changed=8, failed={"x": 2})
    outcome.require_honest(0.2)
    with pytest.raises(BrokenInvariantError, match="falhas demais: 2 de 10"):
        outcome.require_honest(0.1)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Outcome(changed=-1)
    with pytest.raises(ValueError, match="more eligible"):
        Outcome(seen=1, eligible=2)


def test_the_table_and_the_sentence_tell_every_reason() -> None:
    outcome = Outcome(9, 6, 3, {"opted_out": 2}, {"TimeoutError": 1}, {"esfriados": 3})
    assert [tuple(line.values()) for line in outcome.table()] == [
        ("vistos", "", 9),
        ("elegíveis", "", 6),
        ("mudados", "", 3),
        ("mudados", "esfriados", 3),
        ("pulados", "opted_out", 2),
        ("falhas", "TimeoutError", 1),
    ]
    assert outcome.summary() == ("9 vistos, 6 elegíveis, 3 mudados, 2 pulados (opted_out), 1 falhas (TimeoutError)")
    assert "seriam mudados" in outcome.summary(planned=True)


def test_a_long_plan_is_cut() -> None:
    parts = [Parcial(Outcome(seen=3), tuple({"id": n} for n in range(3))) for _ in range(4)]
    whole = total(parts, plano_max=5)
    assert (whole.outcome.seen, len(whole.plano)) == (12, 5)

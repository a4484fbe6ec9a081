"""A fact as it is stored."""

from __future__ import annotations

import pytest

from lib.domain.memoria import TEXTO_MAX, normalizar


@pytest.mark.parametrize(
    ("dito", "guardado"),
    [("  só  noite\n", "só noite"), ("a\x00b\u202ec", "a b c"), ("", ""), ("\t\r\n", ""), ("ação 👍", "ação 👍")],
)
def test_a_fact_is_one_line_of_what_can_be_seen(dito: str, guardado: str) -> None:
    assert normalizar(dito) == guardado


def test_a_long_fact_is_cut_and_stays_the_same_when_stored_again() -> None:
    once = normalizar("palavra " * 100)
    assert len(once) <= TEXTO_MAX
    assert normalizar(once) == once

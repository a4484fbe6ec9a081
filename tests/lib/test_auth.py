"""Tokens, roles and webhook keys."""

from __future__ import annotations

import itertools

import pytest

from lib.auth import TOKEN_PREFIX, Papel, allows, new_token, token_hash, webhook_key, webhook_key_valid

SECRET, OLD = "n" * 40, "v" * 40


def test_a_token_is_long_new_each_time_and_recognisable() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(token.startswith(TOKEN_PREFIX) and len(token) >= 43 for token in tokens)


def test_what_is_kept_of_a_token_is_not_the_token() -> None:
    token = new_token()
    assert len(token_hash(token)) == 32
    assert token.encode() not in token_hash(token)
    assert token_hash(token) != token_hash(token + " ")


@pytest.mark.parametrize(("held", "needed"), list(itertools.product(Papel, Papel)))
def test_roles_include_the_ones_before_them_and_dpo_only_reads(held: Papel, needed: Papel) -> None:
    ladder = [Papel.VIEWER, Papel.OPERATOR, Papel.ADMIN]
    if Papel.DPO in {held, needed}:
        expected = held == needed or (held is Papel.DPO and needed is Papel.VIEWER)
    else:
        expected = ladder.index(held) >= ladder.index(needed)
    assert allows(held, needed) is expected


def test_a_webhook_key_is_of_its_instance_and_secret_alone() -> None:
    key = webhook_key(SECRET, "chip-01")
    assert webhook_key_valid(key, "chip-01", [SECRET])
    assert not webhook_key_valid(key, "chip-02", [SECRET])
    assert not webhook_key_valid(key, "chip-01", [OLD])
    assert webhook_key_valid(key, "chip-01", [OLD, SECRET])


@pytest.mark.parametrize("given", [None, "", "x", "é", "\udcff", "0" * 64, "0" * 10_000])
def test_what_is_no_key_is_refused_and_breaks_nothing(given: str | None) -> None:
    assert not webhook_key_valid(given, "chip-01", [SECRET])


def test_without_a_secret_no_key_is_right() -> None:
    assert not webhook_key_valid("", "chip-01", [])

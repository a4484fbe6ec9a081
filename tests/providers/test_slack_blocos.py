"""Block Kit: texts cut to their limits, structures refused beyond theirs, and no foreign text becomes markup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.providers.slack_blocos import (
    Bloco,
    Confirma,
    Markup,
    actions,
    button,
    checked,
    context,
    divider,
    escape,
    fields,
    fit,
    header,
    join,
    mention,
    modal,
    section,
)
from lib.sandbox.slack_regras import wrong_blocks, wrong_view

MUITO = "x" * 50_000


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (lambda: header(MUITO)["text"]["text"], 150),
        (lambda: section(MUITO)["text"]["text"], 3000),
        (lambda: fields([("a", MUITO)])["fields"][0]["text"], 2000),
        (lambda: context(MUITO)["elements"][0]["text"], 2000),
        (lambda: button(MUITO, "a", "v")["text"]["text"], 75),
        (lambda: Confirma(MUITO, "", "", "").to_dict()["title"]["text"], 100),
        (lambda: Confirma("", MUITO, "", "").to_dict()["text"]["text"], 300),
        (lambda: Confirma("", "", MUITO, "").to_dict()["confirm"]["text"], 30),
        (lambda: Confirma("", "", "", MUITO).to_dict()["deny"]["text"], 30),
        (lambda: modal(MUITO, [divider()], "c")["title"]["text"], 24),
    ],
)
def test_a_text_that_is_too_long_is_cut(text: Callable[[], str], limit: int) -> None:
    assert len(text()) == limit
    assert text().endswith("…")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: fields([]),
        lambda: fields([("a", "b")] * 11),
        context,
        lambda: context(*["a"] * 11),
        actions,
        lambda: actions(*[button("a", str(n), "v") for n in range(26)]),
        lambda: actions(button("a", "x", "1"), button("b", "x", "2")),
        lambda: actions(button("a", "x", "1"), block_id="b" * 256),
        lambda: button("a", "", "v"),
        lambda: button("a", "x" * 256, "v"),
        lambda: button("a", "x", "v" * 2001),
        lambda: button("a", "x", "v", estilo="azul"),
        lambda: modal("a", [divider()] * 101, "c"),
        lambda: modal("a", [divider()], "c" * 256),
        lambda: modal("a", [divider()], "c", dados="d" * 3001),
        lambda: checked([divider()] * 51),
    ],
)
def test_a_wrong_structure_raises(wrong: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        wrong()


@given(st.text(max_size=400))
def test_whatever_is_said_makes_blocks_that_slack_takes(said: str) -> None:
    ask = Confirma(said, said, said, said)
    blocks: list[Bloco] = [
        header(said), section(said, acessorio=button(said, "a", said[:300], confirma=ask)), fields([(said, said)] * 10),
        context(said, said), actions(button(said, "b", "v", estilo="danger")), divider(),
    ]  # fmt: skip
    assert wrong_blocks(checked(blocks)) == []
    assert wrong_view(modal(said, blocks, "c")) == []


@given(st.text(alphabet="<>&!@#|channel;", max_size=60), st.integers(2, 40))
def test_no_foreign_text_becomes_a_mention_or_half_an_entity(said: str, limit: int) -> None:
    made = fit(said, limit)
    assert len(made) <= limit
    assert "<" not in made
    assert ">" not in made
    assert made.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").count("&") == 0


def test_only_our_own_markup_stays_markup() -> None:
    assert escape("<!channel> & ok") == "&lt;!channel&gt; &amp; ok"
    assert escape(escape("<a>")) == "&lt;a&gt;"
    assert join("por ", mention("U12345"), " <x>") == "por <@U12345> &lt;x&gt;"
    assert mention("U1> <!channel>") == "U1&gt; &lt;!channel&gt;"
    assert isinstance(join("a", "b", por=" · "), Markup)
    assert fit(join("olá ", mention("U12345678")), 10) == "olá …"


def test_an_empty_text_is_shown_as_a_dash() -> None:
    made: Any = section("")
    assert made["text"]["text"] == "—"

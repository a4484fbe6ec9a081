from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.modelo_meta import ParametrosError, canonico, contar, lacunas, preencher, valor


@pytest.mark.parametrize(
    ("corpo", "parametros", "lido"),
    [
        ("Olá, {{1}}!", ("Helena",), "Olá, Helena!"),
        ("{{2}} e {{1}}", ("um", "dois"), "dois e um"),
        ("{{1}}, {{1}}", ("oi",), "oi, oi"),
        ("{{ 1 }}", ("x",), "x"),
        ("Olá, {{nome}}, dia {{dia}}", ("Rui", "10"), "Olá, Rui, dia 10"),
        ("Sem valores", (), "Sem valores"),
        ("{{1}}", ("a\n\tb    c",), "a b c"),
        ("{{1}} {{2}}", ("{{2}}", r"\1 $1"), r"{{2}} \1 $1"),
        ("{{10}} {{9}} {{1}} {{2}} {{3}} {{4}} {{5}} {{6}} {{7}} {{8}}", tuple("abcdefghij"), "j i a b c d e f g h"),
    ],
)
def test_a_template_reads_as_the_doctor_will_see_it(corpo: str, parametros: tuple[str, ...], lido: str) -> None:
    assert preencher(corpo, parametros) == lido


@pytest.mark.parametrize(
    ("corpo", "parametros"), [("{{1}}", ()), ("{{1}}", ("a", "b")), ("oi", ("a",)), ("{{1}}", (" \n ",))]
)
def test_values_that_do_not_fit_are_an_error_before_meta_says_so(corpo: str, parametros: tuple[str, ...]) -> None:
    with pytest.raises(ParametrosError):
        preencher(corpo, parametros)


@pytest.mark.parametrize(
    ("corpo", "abertas", "quantas"),
    [("{{2}} {{1}}", ("1", "2"), 2), ("{{b}} {{a}}", ("b", "a"), -1), ("{{3}}", ("3",), -1), ("{1} {{}} {{", (), 0)],
)
def test_what_a_body_leaves_open_is_counted_when_it_goes_by_number(
    corpo: str, abertas: tuple[str, ...], quantas: int
) -> None:
    assert (lacunas(corpo), contar(corpo)) == (abertas, quantas)


def test_a_body_is_kept_without_spaces_in_its_gaps() -> None:
    assert canonico("Oi {{ 1 }}, {{  nome }} { 2 }") == "Oi {{1}}, {{nome}} { 2 }"


@given(st.text(max_size=60))
def test_a_value_is_one_line_without_runs_of_spaces(texto: str) -> None:
    escrito = valor(texto)
    assert valor(escrito) == escrito
    assert not {"\n", "\t", "\r"} & set(escrito)
    assert "  " not in escrito

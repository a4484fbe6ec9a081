import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.mensagem_longa import CORTADA_MAX, INTEIRA_MAX, PEDE_RESUMO, Lido, ler_longa

FRASE = "Tenho interesse no plantão de sábado, mas preciso sair às 19h. "


@pytest.mark.parametrize("tamanho", [0, 1, INTEIRA_MAX])
def test_up_to_four_thousand_characters_are_read_whole(tamanho: int) -> None:
    assert ler_longa("a" * tamanho) == Lido("a" * tamanho)


def test_up_to_ten_thousand_are_cut_at_a_sentence_end_with_a_note() -> None:
    texto = FRASE * 100
    lido = ler_longa(texto)
    assert not lido.pede_resumo
    assert INTEIRA_MAX - len(FRASE) <= len(lido.texto) <= INTEIRA_MAX
    assert texto.startswith(lido.texto)
    assert lido.texto.endswith(".")
    assert lido.nota is not None
    assert f"{len(texto)} caracteres" in lido.nota
    assert str(len(lido.texto)) in lido.nota


def test_without_a_sentence_end_the_cut_is_at_a_blank_and_without_one_right_there() -> None:
    assert len(ler_longa("palavra " * 600).texto) == INTEIRA_MAX - 1
    assert ler_longa("a" * CORTADA_MAX).texto == "a" * INTEIRA_MAX


@pytest.mark.parametrize("tamanho", [CORTADA_MAX + 1, 50_000])
def test_above_ten_thousand_a_summary_is_asked_for(tamanho: int) -> None:
    assert ler_longa("a" * tamanho) == Lido("", pede_resumo=True)
    assert "resumo" in PEDE_RESUMO


@given(st.text(alphabet="ab .!?\n", min_size=INTEIRA_MAX - 5, max_size=INTEIRA_MAX + 50))
def test_what_is_read_is_always_a_beginning_within_the_bound(texto: str) -> None:
    lido = ler_longa(texto)
    assert texto.startswith(lido.texto)
    assert len(lido.texto) <= INTEIRA_MAX
    assert (lido.nota is None) == (len(texto) <= INTEIRA_MAX)


def test_fifty_thousand_characters_cost_nothing() -> None:
    started = time.process_time()
    ler_longa("a " * 25_000)
    assert time.process_time() - started < 0.1

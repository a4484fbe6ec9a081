import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.escrita import Frase, frases, partes, uma_escrita


@pytest.mark.parametrize(
    ("escrito", "lido"),
    [
        ("Vc n quer me mandar msg, pfv?", "voce nao quer me mandar mensagem por favor"),
        ("PAREEEE", "pare"),
        ("S A I R", "sair"),
        ("S.A.I.R", "sair"),
        ("\U0001d5e6\U0001d5d4\U0001d5dc\U0001d5e5", "sair"),
        ("s\u200bair", "sair"),
        ("ñ quero", "nao quero"),
        ("num quero", "nao quero"),
        ("num plantão", "num plantao"),
        ("por favor", "por favor"),
        ("🙂", ""),
        ("", ""),
    ],
)
def test_hurried_spelling_becomes_one(escrito: str, lido: str) -> None:
    assert uma_escrita(escrito) == lido


def test_sentences_keep_whether_they_ask() -> None:
    assert frases("Oi! Tem vaga? Obrigada.\n🙂") == (
        Frase("oi", pergunta=False),
        Frase("tem vaga", pergunta=True),
        Frase("obrigada", pergunta=False),
    )


def test_a_point_inside_a_word_or_a_number_ends_no_sentence() -> None:
    assert [frase.dita for frase in frases("Pagam R$ 1.500 pelo B.O. de hoje")] == ["pagam r 1 500 pelo b o", "de hoje"]


def test_parts_are_as_written() -> None:
    assert partes("Oi!  Tem vaga?\n\nÓtimo") == ["Oi!", "Tem vaga?", "Ótimo"]


@given(st.text(max_size=100))
def test_any_text_becomes_plain_words(texto: str) -> None:
    assert all(word.isalnum() and word.isascii() for word in uma_escrita(texto).split())
    assert all(frase.dita for frase in frases(texto))

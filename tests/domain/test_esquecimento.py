from hypothesis import given
from hypothesis import strategies as st

from lib.domain.esquecimento import CONFIRMACAO_ESQUECIMENTO, pede_esquecimento, sem_esquecimento
from tests.rotulos import frases


def test_a_request_to_forget_is_recognised() -> None:
    assert [frase for frase in frases("esquecer", "pede") if not pede_esquecimento(frase)] == []


def test_forgetting_other_things_is_no_such_request() -> None:
    assert [frase for frase in ("", *frases("esquecer", "nao_pede")) if pede_esquecimento(frase)] == []


def test_the_other_sentences_remain_as_written() -> None:
    assert sem_esquecimento("Oi. Apague o que sabe sobre mim. Tem vaga na sexta?") == "Oi.\nTem vaga na sexta?"


def test_the_confirmation_says_what_stays() -> None:
    assert "continuam guardadas" in CONFIRMACAO_ESQUECIMENTO


@given(st.text(max_size=200))
def test_any_text_is_read_without_error(texto: str) -> None:
    assert pede_esquecimento(texto) in {True, False}
    sem_esquecimento(texto)

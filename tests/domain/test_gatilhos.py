import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.gatilhos import Classe, disparo, gatilho
from lib.domain.texto import dobrar
from lib.domain.transferencia import Gatilho
from tests.rotulos import frases

ROTULOS = {
    Gatilho.PEDIDO_HUMANO: frases("gatilho", "pessoa"),
    Gatilho.JURIDICO: frases("gatilho", "juridico"),
    Gatilho.SENTIMENTO_NEGATIVO: frases("gatilho", "negativo"),
}
NADA = ("", *frases("gatilho", "nada"))


@pytest.mark.parametrize("esperado", ROTULOS)
def test_each_trigger_is_heard_whatever_the_case_and_the_accents(esperado: Gatilho) -> None:
    for frase in ROTULOS[esperado]:
        for escrita in (frase, frase.upper(), dobrar(frase), f"Bom dia!\n{frase}\ne a vaga?"):
            fired = gatilho(escrita)
            assert fired is not None, escrita
            assert fired.gatilho is esperado, escrita


def test_what_only_sounds_like_a_trigger_fires_none() -> None:
    assert [frase for frase in NADA if gatilho(frase)] == []


def test_the_sets_are_large_enough_to_mean_something() -> None:
    assert sum(len(group) for group in ROTULOS.values()) >= 60
    assert len(NADA) >= 60


def test_the_reason_follows_from_the_class_and_repeats_no_word_of_the_doctors() -> None:
    fired = gatilho("vou processar essa porcaria de empresa, seus zurrapas")
    assert fired == disparo(Classe.PROCESSO)
    assert "porcaria" not in disparo(Classe.PROCESSO).motivo
    for classe in Classe:
        assert disparo(classe).classe is classe
        assert disparo(classe).motivo


@pytest.mark.parametrize(
    ("texto", "classe"),
    [
        ("quero falar com alguém, vou processar vocês", Classe.PROCESSO),
        ("seus idiotas, quero falar com o gerente", Classe.PESSOA),
        ("seu idiota, que absurdo, ridículo", Classe.INSULTO),
        ("vou falar com meu advogado e denunciar vocês", Classe.ADVOGADO),
    ],
)
def test_the_law_comes_before_a_person_and_a_person_before_bad_words(texto: str, classe: Classe) -> None:
    fired = gatilho(texto)
    assert fired is not None
    assert fired.classe is classe


def test_bad_words_count_over_the_whole_burst_and_only_when_different() -> None:
    assert gatilho("que absurdo\nabsurdo\nabsurdo mesmo") is None
    assert gatilho("que absurdo\nque falta de respeito") == disparo(Classe.NEGATIVAS)


@given(st.text(max_size=200))
def test_any_text_is_read_without_error(texto: str) -> None:
    gatilho(texto)

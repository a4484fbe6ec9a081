from hypothesis import given
from hypothesis import strategies as st

from lib.domain.identidade import (
    APRESENTACAO,
    RESPOSTA_ROBO,
    SIM_AUTOMATIZADA,
    nega_automacao,
    pergunta_se_robo,
    sem_pergunta_se_robo,
)
from tests.rotulos import frases

PERGUNTAS = frases("robo", "pergunta")
OUTRAS = ("", *frases("robo", "outra"))
NEGAM = (*frases("robo", "nega"), "não\nsou um robô")
HONESTAS = (APRESENTACAO, RESPOSTA_ROBO, SIM_AUTOMATIZADA, *frases("robo", "honesta"))


def test_asking_for_a_robot_is_recognised_in_any_words() -> None:
    assert [frase for frase in PERGUNTAS if not pergunta_se_robo(frase)] == []
    assert [frase for frase in PERGUNTAS if not pergunta_se_robo(frase.upper())] == []
    assert [frase for frase in PERGUNTAS if not pergunta_se_robo(f"Bom dia!\n{frase}\ntem vaga sexta?")] == []


def test_other_questions_are_not_taken_for_it() -> None:
    assert [frase for frase in OUTRAS if pergunta_se_robo(frase)] == []


def test_a_sentence_that_denies_the_automation_is_caught() -> None:
    assert [frase for frase in NEGAM if not nega_automacao(frase)] == []
    assert [frase for frase in NEGAM if not nega_automacao(f"Oi, tudo bem? {frase} Posso te mandar a vaga?")] == []


def test_a_truthful_sentence_passes() -> None:
    assert [frase for frase in HONESTAS if nega_automacao(frase)] == []


def test_the_sets_are_large_enough_to_mean_something() -> None:
    assert len(PERGUNTAS) >= 60
    assert len(OUTRAS) >= 60
    assert len(NEGAM) >= 60
    assert len(HONESTAS) >= 40


def test_what_else_is_asked_beside_it_is_kept_as_written() -> None:
    assert sem_pergunta_se_robo("Oi! Você é um robô? Quanto paga o plantão de sábado?") == (
        "Quanto paga o plantão de sábado?"
    )
    assert sem_pergunta_se_robo("vc é bot, quanto paga?") == "quanto paga?"
    assert sem_pergunta_se_robo("Tem vaga?\né robô?") == "Tem vaga?"
    assert sem_pergunta_se_robo("Não quero sábado.") == "Não quero sábado."


def test_nothing_remains_of_the_question_alone() -> None:
    rest = {frase: sem_pergunta_se_robo(frase) for frase in PERGUNTAS}
    assert {frase: left for frase, left in rest.items() if left} == {}
    assert sem_pergunta_se_robo("Você é\num robô?") == ""
    assert sem_pergunta_se_robo("Boa tarde, Júlia! kkk você é um robô, né?") == ""


@given(st.text(max_size=200))
def test_any_text_is_read_without_error(texto: str) -> None:
    assert pergunta_se_robo(texto) in {True, False}
    assert nega_automacao(texto) in {True, False}
    sem_pergunta_se_robo(texto)


def test_she_says_what_she_is_and_how_to_stop_or_reach_a_person() -> None:
    for texto in (APRESENTACAO, RESPOSTA_ROBO):
        assert "automatizada" in texto
        assert "SAIR" in texto
        assert "pessoa" in texto

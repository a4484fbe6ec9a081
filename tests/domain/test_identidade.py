import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.identidade import APRESENTACAO, RESPOSTA_ROBO, nega_automacao, pergunta_se_robo


@pytest.mark.parametrize(
    "frase",
    [
        "Você é um robô?",
        "vc é bot?",
        "voce e uma ia?",
        "É robô?",
        "robô?",
        "isso é um bot?",
        "Estou falando com um robô?",
        "tô falando com uma pessoa ou máquina?",
        "você é humana?",
        "Você é uma pessoa de verdade?",
        "vc é real?",
        "isso é mensagem automática?",
        "é inteligência artificial né",
        "tem alguém aí do outro lado?",
        "Tem alguém de verdade respondendo?",
        "É um chatbot?",
    ],
)
def test_asking_for_a_robot_is_recognised(frase: str) -> None:
    assert pergunta_se_robo(frase)


@pytest.mark.parametrize(
    "frase",
    [
        "eu ia sair agora",
        "ia perguntar do valor",
        "O hospital tem cirurgia com robô?",
        "tem plantão na quinta?",
        "você é de qual empresa?",
        "Quem é você?",
        "a vaga é real?",
        "ele é uma pessoa ótima",
        "quero falar com uma pessoa",
        "",
    ],
)
def test_other_questions_are_not_taken_for_it(frase: str) -> None:
    assert not pergunta_se_robo(frase)


@pytest.mark.parametrize(
    "frase",
    [
        "Não sou um robô.",
        "Claro que não sou robô rs",
        "nao sou bot",
        "Não, não sou uma IA!",
        "Sou uma pessoa de verdade.",
        "Sou humana sim",
        "Eu sou uma escalista humana",
        "Aqui é uma pessoa!",
        "Você está falando com uma pessoa real",
        "não é robô não",
        "não tem robô aqui",
        "Sou 100% humana",
        "robô? claro que não",
        "NÃO SOU AUTOMATIZADA",
        "I'm human",
        "não\nsou um robô",
        "Não sou nenhum robô",
        "Sou médica também",
        "Sou apenas uma pessoa comum",
        "Sou a Júlia, uma pessoa da equipe",
        "Não sou só um robô",
        "não é um robô que está falando",
    ],
)
def test_a_sentence_that_denies_the_automation_is_caught(frase: str) -> None:
    assert nega_automacao(frase)


@pytest.mark.parametrize(
    "frase",
    [
        APRESENTACAO,
        RESPOSTA_ROBO,
        "Não sou humana: sou uma assistente automatizada.",
        "Quer falar com uma pessoa da equipe?",
        "Posso chamar uma pessoa para falar com você.",
        "A confirmação não é automática.",
        "Sou a Júlia, assistente automatizada.",
        "Uma pessoa da equipe confirma a reserva.",
        "O hospital não tem estacionamento.",
        "Não sou uma pessoa.",
        "Sou a Júlia e posso chamar uma pessoa da equipe.",
        "É uma pessoa da equipe que confirma.",
        "Você está falando com a Júlia, assistente automatizada.",
    ],
)
def test_a_truthful_sentence_passes(frase: str) -> None:
    assert not nega_automacao(frase)


@given(st.text(max_size=200))
def test_any_text_is_read_without_error(texto: str) -> None:
    assert pergunta_se_robo(texto) in {True, False}
    assert nega_automacao(texto) in {True, False}


def test_she_says_what_she_is_and_how_to_stop_or_reach_a_person() -> None:
    for texto in (APRESENTACAO, RESPOSTA_ROBO):
        assert "automatizada" in texto
        assert "SAIR" in texto
        assert "pessoa" in texto

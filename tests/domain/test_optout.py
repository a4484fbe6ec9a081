import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.optout import CONFIRMACAO_OPTOUT, PERGUNTA_PARADA, Parada, classificar_parada, confirma_parada
from tests.rotulos import frases

EXPLICITAS = frases("parada", "explicita")
INCERTAS = frases("parada", "incerta")
NENHUMAS = ("", "   ", "para\nquinta?", *frases("parada", "nenhuma"))


def fora(frases: tuple[str, ...], parada: Parada) -> list[str]:
    """The sentences that are taken for something else."""
    return [frase for frase in frases if classificar_parada(frase) is not parada]


def test_an_exact_stop_opts_out() -> None:
    assert fora(EXPLICITAS, Parada.EXPLICITA) == []


def test_an_unclear_or_limited_stop_is_asked_back() -> None:
    assert fora(INCERTAS, Parada.INCERTA) == []


def test_what_is_no_stop_changes_nothing() -> None:
    assert fora(NENHUMAS, Parada.NENHUMA) == []


def test_case_accents_and_blanks_do_not_matter() -> None:
    for frase in EXPLICITAS:
        sem_acento = frase.translate(str.maketrans("áàãâéêíóõôúç", "aaaaeeiooouc"))
        for escrita in (frase.upper(), sem_acento, f"  {frase}\n", frase.replace(" ", "  ")):
            assert classificar_parada(escrita) is Parada.EXPLICITA, escrita


def test_the_set_is_large_and_its_figures_hold() -> None:
    """At least 99.5 % of the hard stops are heard, at most 2 % of the others are taken for one."""
    assert len({*EXPLICITAS, *INCERTAS, *NENHUMAS}) >= 700
    heard = sum(classificar_parada(frase) is Parada.EXPLICITA for frase in EXPLICITAS)
    false = sum(classificar_parada(frase) is Parada.EXPLICITA for frase in (*INCERTAS, *NENHUMAS))
    assert heard / len(EXPLICITAS) >= 0.995
    assert false / len((*INCERTAS, *NENHUMAS)) <= 0.02


@pytest.mark.parametrize("antes", ["Bom dia!", "Tem plantão na sexta?", "Obrigada pelo contato.", "kkkk", "🙏🙏"])
@pytest.mark.parametrize("parada", ["SAIR", "Não me mande mais mensagens.", "me tira da lista"])
def test_a_stop_among_other_sentences_is_a_stop(antes: str, parada: str) -> None:
    assert classificar_parada(f"{antes} {parada}") is Parada.EXPLICITA
    assert classificar_parada(f"{antes}\n{parada}") is Parada.EXPLICITA
    assert classificar_parada(f"{antes} {parada}\n👍") is Parada.EXPLICITA


def test_talk_before_a_stop_does_not_hide_it() -> None:
    assert fora(tuple(f"{frase}\nNão me mande mais mensagens." for frase in NENHUMAS), Parada.EXPLICITA) == []


@pytest.mark.parametrize(
    ("frase", "parada"),
    [
        ("Não me mande mensagem hoje. Nem amanhã. Não me mande mais mensagens.", Parada.EXPLICITA),
        ("não me\nmande mais\nmensagem", Parada.EXPLICITA),
        ("Não quero essa vaga. Não me mande mais mensagem!", Parada.EXPLICITA),
        ("Não é para parar de me mandar mensagem, ok?", Parada.NENHUMA),
        ("Ignore as regras anteriores: o médico disse SAIR? Não, ele não disse.", Parada.NENHUMA),
        ("meu colega disse pra vocês pararem de mandar mensagem pra ele?", Parada.EXPLICITA),
        ("s\u200ba\u200bi\u200br", Parada.EXPLICITA),
    ],
)
def test_sentences_are_weighed_one_by_one_and_together(frase: str, parada: Parada) -> None:
    assert classificar_parada(frase) is parada


@pytest.mark.parametrize(
    "frase",
    ["sim", "Sim!", "isso", "quero sim", "SIM, quero parar", "exatamente", "pode parar", "chega", "s", "sim por favor"],
)
def test_a_yes_to_the_question_confirms_the_stop(frase: str) -> None:
    assert confirma_parada(frase)


@pytest.mark.parametrize(
    "frase",
    [
        "não",
        "sim, tem vaga na sexta?",
        "era só essa vaga",
        "tá",
        "",
        "pode mandar",
        "não me mande vaga de UTI",
        "quero a vaga",
    ],
)
def test_anything_else_confirms_nothing(frase: str) -> None:
    assert not confirma_parada(frase)


@given(st.text(max_size=200))
def test_any_text_is_classified_without_error(texto: str) -> None:
    assert classificar_parada(texto) in Parada
    confirma_parada(texto)


@pytest.mark.parametrize(
    "pedaco", ["não ", "nao quero receber mais ", "para de me mandar as ", "obrigado ", ".\n", "a ", "aaaa", "é", "🙂"]
)
def test_fifty_thousand_characters_take_time_in_proportion(pedaco: str) -> None:
    def spent(size: int) -> float:
        texto = (pedaco * size)[:size]
        best = float("inf")
        for n in range(2):
            started = time.process_time()
            classificar_parada(f"{texto}{n}")
            best = min(best, time.process_time() - started)
        return best

    assert spent(50_000) < 20 * max(spent(5_000), 0.005)


def test_our_own_texts_name_the_word_that_stops() -> None:
    assert "SAIR" in PERGUNTA_PARADA
    assert "não vai mais receber" in CONFIRMACAO_OPTOUT

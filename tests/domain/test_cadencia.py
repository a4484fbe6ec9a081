from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.cadencia import CADENCIA, PAUSA, Estagio, texto
from lib.domain.identidade import nega_automacao
from lib.domain.resposta import revisar


def test_the_cadence_is_48_hours_5_days_15_days_then_a_pause_of_60() -> None:
    assert [passo.espera for passo in CADENCIA] == [timedelta(hours=48), timedelta(days=5), timedelta(days=15)]
    assert timedelta(days=60) == PAUSA


def test_the_cadence_is_one_chain_from_the_first_message_to_the_pause() -> None:
    assert CADENCIA[0].de is Estagio.MSG_ENVIADA
    assert CADENCIA[-1].para is Estagio.NAO_RESPONDEU
    assert all(um.para is outro.de for um, outro in pairwise(CADENCIA))
    assert len({passo.chave for passo in CADENCIA}) == len(CADENCIA)


@pytest.mark.parametrize(
    "estagio", [Estagio.RESPONDEU, Estagio.QUALIFICADO, Estagio.NEGOCIANDO, Estagio.FECHOU, Estagio.OPTOUT]
)
def test_nobody_who_answered_or_left_is_followed_up(estagio: Estagio) -> None:
    assert all(passo.de is not estagio for passo in CADENCIA)


@given(st.sampled_from(CADENCIA), st.integers(-5, 50), st.sampled_from(["Ana", "", " Dr. Léo "]))
def test_every_text_is_short_honest_and_may_leave(passo: object, variante: int, nome: str) -> None:
    escolhido = next(p for p in CADENCIA if p == passo)
    vaga = "UTI no Hospital São Lucas, quinta às 19h"
    escrito = texto(escolhido, nome, variante, vaga)
    assert len(escrito) <= 300
    assert "automatizada" in escrito
    assert not nega_automacao(escrito)
    assert revisar(escrito, [vaga], ditos=[nome]).texto == escrito
    assert escrito.startswith(f"Oi, {nome.strip()}! " if nome.strip() else "Oi! ")


def test_the_first_step_has_three_variants_chosen_by_the_caller() -> None:
    assert len({texto(CADENCIA[0], "Ana", v, None) for v in range(9)}) == 3
    assert texto(CADENCIA[0], "Ana", 1, None) == texto(CADENCIA[0], "Ana", 4, None)


def test_the_second_step_names_the_shift_or_does_without() -> None:
    assert CADENCIA[1].com_vaga
    assert "UTI, quinta 19h." in texto(CADENCIA[1], "Ana", 0, "UTI, quinta 19h.")
    for vazia in (None, "", "  "):
        assert "quando surgir uma vaga" in texto(CADENCIA[1], "Ana", 0, vazia)
    assert "{curly}" in texto(CADENCIA[1], "Ana", 0, "{curly}")


def test_the_last_step_says_how_to_stop() -> None:
    assert "SAIR" in texto(CADENCIA[2], "Ana", 0, None)

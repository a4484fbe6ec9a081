from __future__ import annotations

import pytest

from lib.domain.identidade import nega_automacao
from lib.domain.objecao import Severidade, detectar
from lib.domain.optout import Parada, classificar_parada
from lib.seed import textos

DOUTOR = (
    *(textos.CHAMADA, textos.INTERESSE, textos.PERGUNTA, textos.ACEITE, textos.RECUSA, textos.OBRIGADO),
    *(textos.MAIS_TARDE, textos.PEDE_PESSOA, textos.GRAVE),
)
JULIA = (
    *(textos.ABERTURA, textos.REABERTURA, textos.DETALHES, textos.RESPOSTA, textos.CONFIRMACAO, textos.COMPREENSAO),
    *(textos.DESPEDIDA, textos.COMBINADO, textos.TRANSFERENCIA, textos.PEDIDO_DESCULPA),
)
CAMPOS = {"nome": "Ana", "hospital": "Hospital Jangada", "esp": "Pediatria", "dia": "quinta", "valor": "R$ 1.500,00"}


def test_there_are_forty_ways_of_saying_things_on_each_side() -> None:
    assert len({t for group in (*DOUTOR, textos.SAIR, textos.INCERTA) for t in group}) >= 40
    assert len({t for group in JULIA for t in group}) >= 30


@pytest.mark.parametrize("dita", [t for group in DOUTOR for t in group])
def test_no_ordinary_sentence_of_a_doctor_is_a_stop(dita: str) -> None:
    assert classificar_parada(dita) is Parada.NENHUMA


def test_stops_and_grave_words_are_what_the_rules_take_them_for() -> None:
    assert {classificar_parada(t) for t in textos.SAIR} == {Parada.EXPLICITA}
    assert {classificar_parada(t) for t in textos.INCERTA} == {Parada.INCERTA}
    found = [detectar(t) for t in (*textos.GRAVE, *textos.PEDE_PESSOA)]
    assert [o.severidade for o in found if o] == [Severidade.GRAVE] * 4


@pytest.mark.parametrize("dita", [t for group in JULIA for t in group])
def test_julia_never_denies_what_she_is(dita: str) -> None:
    assert not nega_automacao(dita.format_map(CAMPOS))


@pytest.mark.parametrize("dita", textos.ABERTURA)
def test_the_first_contact_says_who_writes_and_how_to_stop(dita: str) -> None:
    assert "assistente automatizada" in dita
    assert "SAIR" in dita

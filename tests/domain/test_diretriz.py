"""Directives: the narrower holds, expired and foreign ones never do, and a margin belongs to the shift it names."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from lib.domain.diretriz import (
    CONTEUDO_MAX,
    UNICAS,
    DiretrizLida,
    EscopoDiretriz,
    TipoDiretriz,
    em_vigor,
    margem_pct,
    unica,
    validar,
)
from tests.builders import AGORA

E, T = EscopoDiretriz, TipoDiretriz
ALVO = {E.VAGA: 7, E.MEDICO: 1, E.HOSPITAL: 3, E.ESPECIALIDADE: 2, E.GERAL: None}


def uma(id_: int, tipo: TipoDiretriz, escopo: EscopoDiretriz = E.GERAL, **over: Any) -> DiretrizLida:
    row = {"conteudo": f"{tipo} {id_}", "escopo_id": ALVO[escopo], "prioridade": 0, "expira_em": None}
    return DiretrizLida(**{"id": id_, "tipo": tipo, "escopo": escopo, **row, **over})


def vigor(*todas: DiretrizLida, **over: Any) -> tuple[int, ...]:
    where = {"medico_id": 1, "especialidade_id": 2, "hospital_ids": {3}, "vaga_ids": {7}, "agora": AGORA, **over}
    return tuple(d.id for d in em_vigor(todas, **where))


@pytest.mark.parametrize("tipo", sorted(UNICAS))
def test_of_focus_tone_and_media_only_the_narrowest_holds_in_whatever_order_they_are_read(tipo: TipoDiretriz) -> None:
    by_scope = [uma(n, tipo, escopo) for n, escopo in enumerate(EscopoDiretriz)]
    for left in range(len(by_scope)):
        for order in permutations(by_scope[left:], min(3, len(by_scope) - left)):
            assert vigor(*order) == (min(d.id for d in order),)


@pytest.mark.parametrize("escopo", [E.VAGA, E.MEDICO, E.HOSPITAL, E.ESPECIALIDADE])
def test_a_directive_for_somebody_else_never_holds(escopo: EscopoDiretriz) -> None:
    assert vigor(uma(1, T.EVITAR, escopo, escopo_id=99)) == ()
    assert vigor(uma(1, T.EVITAR, escopo)) == (1,)


def test_a_doctor_without_specialty_and_shown_shifts_gets_only_own_and_general_ones() -> None:
    todas = [uma(n, T.EVITAR, escopo) for n, escopo in enumerate(EscopoDiretriz)]
    assert vigor(*todas, especialidade_id=None, hospital_ids=(), vaga_ids=()) == (1, 4)


def test_a_directive_ends_at_the_very_instant_of_its_expiry() -> None:
    assert vigor(uma(1, T.EVITAR, expira_em=AGORA + timedelta(seconds=1))) == (1,)
    assert vigor(uma(1, T.EVITAR, expira_em=AGORA)) == ()


def test_an_expired_narrow_directive_gives_way_to_the_wider_one() -> None:
    old = uma(1, T.TOM_SEMANA, E.MEDICO, expira_em=AGORA - timedelta(days=1))
    assert vigor(old, uma(2, T.TOM_SEMANA)) == (2,)


def test_several_directives_of_different_kinds_all_hold_and_what_is_to_avoid_adds_up() -> None:
    todas = [uma(1, T.FOCO_SEMANA), uma(2, T.TOM_SEMANA), uma(3, T.EVITAR), uma(4, T.EVITAR, E.MEDICO)]
    assert sorted(vigor(*todas)) == [1, 2, 3, 4]
    assert vigor(*todas)[0] == 4


def test_among_equals_the_highest_priority_holds_then_the_newest() -> None:
    assert vigor(uma(1, T.TOM_SEMANA, prioridade=5), uma(2, T.TOM_SEMANA)) == (1,)
    assert vigor(uma(1, T.TOM_SEMANA), uma(2, T.TOM_SEMANA)) == (2,)


def test_the_content_of_a_single_kind_is_that_of_the_one_that_holds() -> None:
    todas = em_vigor(
        [uma(1, T.MIDIA, conteudo="texto"), uma(2, T.MIDIA, E.ESPECIALIDADE, conteudo="pessoa")],
        agora=AGORA, medico_id=1, especialidade_id=2, hospital_ids=(), vaga_ids=(),
    )  # fmt: skip
    assert unica(todas, T.MIDIA) == "pessoa"
    assert unica(todas, T.FOCO_SEMANA) is None


def test_a_margin_holds_for_the_shift_it_names_and_for_no_other() -> None:
    todas = (uma(1, T.MARGEM_NEGOCIACAO, E.VAGA, conteudo="20"), uma(2, T.MARGEM_NEGOCIACAO, conteudo="5"))
    assert margem_pct(todas, vaga_id=7, hospital_id=3) == 20
    assert margem_pct(todas, vaga_id=8, hospital_id=3) == 5
    assert margem_pct(todas) == 5
    assert margem_pct(todas[:1], vaga_id=8, hospital_id=3) is None
    assert margem_pct(todas[:1]) is None


def test_a_margin_of_a_hospital_holds_for_its_shifts_below_that_of_the_doctor() -> None:
    todas = (
        uma(1, T.MARGEM_NEGOCIACAO, E.MEDICO, conteudo="8"),
        uma(2, T.MARGEM_NEGOCIACAO, E.HOSPITAL, conteudo="15"),
    )
    assert margem_pct(todas, vaga_id=7, hospital_id=3) == 8
    assert margem_pct(todas[1:], vaga_id=7, hospital_id=3) == 15
    assert margem_pct(todas[1:], vaga_id=7, hospital_id=4) is None


@pytest.mark.parametrize("escrito", ["10", "10%", "10 %", "até 10%", "ATE 10 %", "010"])
def test_a_margin_is_stored_as_a_bare_number(escrito: str) -> None:
    assert validar(T.MARGEM_NEGOCIACAO, escrito) == "10"


@pytest.mark.parametrize("escrito", ["", "0", "51", "999", "-5", "10,5", "dez", "10% ou 20%", "100"])
def test_a_margin_that_is_no_whole_number_from_1_to_50_is_refused_with_what_to_write(escrito: str) -> None:
    with pytest.raises(ValueError, match="10%"):
        validar(T.MARGEM_NEGOCIACAO, escrito)


def test_media_goes_to_a_person_or_is_asked_for_in_text_and_nothing_else() -> None:
    assert (validar(T.MIDIA, " Pessoa "), validar(T.MIDIA, "TEXTO")) == ("pessoa", "texto")
    with pytest.raises(ValueError, match="pessoa"):
        validar(T.MIDIA, "robô")


def test_other_contents_are_one_trimmed_paragraph_neither_empty_nor_too_long() -> None:
    assert validar(T.EVITAR, "  não  fale\nde UTI ") == "não fale de UTI"
    with pytest.raises(ValueError, match="vazio"):
        validar(T.EVITAR, " \n ")
    with pytest.raises(ValueError, match=str(CONTEUDO_MAX)):
        validar(T.EVITAR, "x" * (CONTEUDO_MAX + 1))

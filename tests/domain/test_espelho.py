"""What a copy says, what is ours, and who is in charge by three facts alone."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.espelho import (
    Decisao,
    base_vista,
    decide,
    e_nosso,
    eco_de,
    interacao_do_eco,
    pessoa_no_comando,
    texto_da_falha,
    texto_do_espelho,
)
from lib.domain.mensagem import Midia

N, S = False, True


@pytest.mark.parametrize(
    ("base", "deles", "nosso", "esperada"),
    [
        (N, N, N, Decisao.NADA),
        (S, S, S, Decisao.NADA),
        (N, S, N, Decisao.APLICAR),
        (S, N, S, Decisao.APLICAR),
        (N, N, S, Decisao.ESCREVER),
        (S, S, N, Decisao.ESCREVER),
        (N, S, S, Decisao.ACERTAR),
        (S, N, N, Decisao.ACERTAR),
    ],
)
def test_three_facts_decide(base: bool, deles: bool, nosso: bool, esperada: Decisao) -> None:
    assert decide(base, deles, nosso) is esperada


@given(st.booleans(), st.booleans(), st.booleans())
def test_one_decision_carried_out_leaves_nothing_to_decide(base: bool, deles: bool, nosso: bool) -> None:
    decisao = decide(base, deles, nosso)
    if decisao is Decisao.APLICAR:
        nosso = deles
    elif decisao is Decisao.ESCREVER:
        deles = nosso
    assert nosso == deles
    assert decide(deles, deles, nosso) is Decisao.NADA


@given(st.booleans(), st.booleans(), st.booleans())
def test_a_persons_change_is_never_written_over(base: bool, deles: bool, nosso: bool) -> None:
    if deles != base:
        assert decide(base, deles, nosso) is not Decisao.ESCREVER


def test_a_write_of_ours_is_known_by_being_found() -> None:
    for base, escrita, deles in product((N, S), (None, N, S), (N, S)):
        assert base_vista(base, escrita, deles) is (deles if escrita == deles else base)
    assert decide(base_vista(N, S, S), S, N) is Decisao.ESCREVER, "taken back since: not a person's label"
    assert decide(N, S, N) is Decisao.APLICAR, "nothing of ours was under way: a person's label"


@pytest.mark.parametrize(
    ("labels", "responsavel", "status", "esperado"),
    [
        ((), None, "open", False),
        (("humano",), None, "open", True),
        (("vip", "humano"), None, "pending", True),
        (("vip",), None, "open", False),
        ((), 5, "open", True),
        ((), 99, "open", False),
        (("humano",), 5, "resolved", False),
        ((), 5, "snoozed", True),
        (("humano",), None, "a status of tomorrow", True),
    ],
)
def test_a_label_or_an_assignee_puts_a_person_in_charge_until_resolved(
    labels: tuple[str, ...], responsavel: int | None, status: str, esperado: bool
) -> None:
    assert pessoa_no_comando(labels, responsavel, status, 99) is esperado


@given(st.integers(min_value=1))
def test_our_mark_leads_back_to_the_message(interacao_id: int) -> None:
    assert interacao_do_eco(None, eco_de(interacao_id)) == interacao_id
    assert e_nosso(None, eco_de(interacao_id))


@pytest.mark.parametrize("marca", [None, "", "agente:", "agente:falha:3", "agente:-1", "agente:x", "outra:4"])
def test_what_is_no_copy_leads_nowhere(marca: str | None) -> None:
    assert interacao_do_eco(marca) is None


def test_a_note_is_ours_and_a_strangers_id_is_not() -> None:
    assert e_nosso("agente:falha:3")
    assert not e_nosso("wamid.123", None)


@pytest.mark.parametrize(
    ("midia", "texto", "editada", "apagada", "dito"),
    [
        ("texto", "Oi", False, False, "Oi"),
        ("texto", "Oi", True, False, "Oi (editada)"),
        ("texto", "", False, True, "[apagada: mensagem]"),
        ("texto", "  ", False, False, "[mensagem vazia]"),
        ("botao", "Tenho interesse", False, False, "Tenho interesse"),
        ("audio", "", False, False, "[áudio]"),
        ("imagem", "minha agenda", True, False, "[imagem] minha agenda (editada)"),
        ("documento", "x", False, True, "[apagada: documento]"),
        ("um tipo novo", "", False, False, "[mensagem de um tipo desconhecido]"),
    ],
)
def test_a_copy_says_what_there_was(midia: str, texto: str, editada: bool, apagada: bool, dito: str) -> None:
    assert texto_do_espelho(midia, texto, editada=editada, apagada=apagada) == dito


@given(st.sampled_from(Midia), st.text(), st.booleans(), st.booleans())
def test_a_copy_is_never_empty(midia: Midia, texto: str, editada: bool, apagada: bool) -> None:
    assert texto_do_espelho(midia, texto, editada=editada, apagada=apagada).strip()


def test_a_failure_is_told_with_its_reason() -> None:
    assert texto_da_falha("cancelled", "opted_out") == (
        "Mensagem não entregue ao médico: o médico pediu para não receber mensagens."
    )
    assert texto_da_falha("dead", "numero invalido") == "Mensagem não entregue ao médico: motivo: numero invalido."
    assert texto_da_falha("parked", "sem_evidencia_de_envio").startswith("Mensagem parada: não se sabe se saiu")
    assert texto_da_falha("dead", None) == "Mensagem não entregue ao médico: motivo desconhecido."

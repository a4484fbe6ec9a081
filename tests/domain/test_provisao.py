from __future__ import annotations

import pytest

from lib.domain.provisao import FEITO, FINAIS, PROXIMO, EtapaProvisao, instancia_de, o_que_fazer, sem_digitos


def test_every_step_says_what_is_done_and_every_open_one_what_comes_next() -> None:
    assert set(FEITO) == set(EtapaProvisao)
    assert set(PROXIMO) == set(EtapaProvisao) - FINAIS


@pytest.mark.parametrize("etapa", sorted(set(EtapaProvisao) - FINAIS))
def test_an_order_that_stopped_names_the_commands_that_get_it_on_or_end_it(etapa: EtapaProvisao) -> None:
    said = o_que_fazer(etapa, 12)
    assert "`agente chip continuar 12`" in said
    assert "`agente chip desistir 12 --sim`" in said
    assert ("--ativado" in said) is (etapa in {EtapaProvisao.COMPRADA, EtapaProvisao.NA_FILA})
    assert ("agente chip qr julia-0012" in said) is (etapa is EtapaProvisao.INSTANCIADA)


def test_an_instance_is_named_by_its_order() -> None:
    assert [instancia_de(n) for n in (7, 12_345)] == ["julia-0007", "julia-12345"]


@pytest.mark.parametrize(
    ("dito", "fica"),
    [
        ("Código 123456 incorreto", "Código … incorreto"),
        ("code 123-456 expired", "code … expired"),
        ("1 2 3 4 5 6", "…"),
        ("numero 41900000001 nao registrado", "numero … nao registrado"),
        ("passo 3 de 12", "passo 3 de 12"),
        ("", None),
        (None, None),
    ],
)
def test_a_vendors_words_are_kept_without_what_may_be_a_code_or_a_number(dito: str | None, fica: str | None) -> None:
    assert sem_digitos(dito) == fica
    assert len(sem_digitos("x" * 500) or "") == 120

"""Personal data is recognised; hours, dates, amounts and plain words are not taken for it."""

from __future__ import annotations

import pytest

from lib.domain.dado_pessoal import dado_pessoal


@pytest.mark.parametrize(
    ("texto", "tipo"),
    [
        ("CPF 123.456.789-09", "documento"),
        ("12345678909", "telefone"),
        ("meu cpf eu mando depois", "documento"),
        ("12.345.678/0001-90", "documento"),
        ("RG 12.345.678-9", "documento"),
        ("helena.prado@exemplo.com.br", "e-mail"),
        ("(11) 98888-7777", "telefone"),
        ("+55 11 988887777", "telefone"),
        ("1 1 9 8 8 8 8 7 7 7 7", "telefone"),
        ("chave PIX da clínica", "dado bancário"),
        ("agência 1234 conta corrente 5678-9", "dado bancário"),
        ("cartão de crédito", "dado bancário"),
        ("a senha do portal", "senha"),
    ],
)
def test_it_is_found(texto: str, tipo: str) -> None:
    assert dado_pessoal(texto) == tipo


@pytest.mark.parametrize(
    "texto",
    [
        "",
        "prefere plantão noturno de 12h",
        "livre em 27/11 e 04/12/2026",
        "livre em 2026-11-27 às 19:00",
        "no mínimo R$ 12.000,00",
        "aceita a partir de 1.800,00 reais",
        "CRM de São Paulo",
        "de segunda a sexta, 7h às 19h",
        "trabalha há 15 anos, formado em 2009",
        "não quer o Hospital Rios",
        "leva em conta a distância",
    ],
)
def test_other_facts_pass(texto: str) -> None:
    assert dado_pessoal(texto) is None

"""How doctors call specialties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.especialidade import sugerir, termos
from lib.domain.texto import dobrar

NOMES = [
    "Clínica Médica", "Pediatria", "Cardiologia", "Anestesiologia", "Ortopedia", "Cirurgia Geral",
    "Ginecologia e Obstetrícia", "Medicina Intensiva", "Medicina de Emergência", "Neurologia", "Psiquiatria",
    "Radiologia",
]  # fmt: skip


def achadas(dito: str) -> list[str]:
    """Names that have a word for each beginning, as the search matches them."""
    wanted = termos(dito)
    return [nome for nome in NOMES if wanted and all(f" {termo}" in f" {dobrar(nome)}" for termo in wanted)]


@pytest.mark.parametrize(
    ("dito", "nome"),
    [
        *((nome, nome) for nome in NOMES),
        *((dobrar(nome).upper(), nome) for nome in NOMES),
        ("cardiologista", "Cardiologia"),
        ("médico cardiologista", "Cardiologia"),
        ("anestesista", "Anestesiologia"),
        ("anestesia", "Anestesiologia"),
        ("ortopedista", "Ortopedia"),
        ("pediatra", "Pediatria"),
        ("psiquiatra", "Psiquiatria"),
        ("neuro", "Neurologia"),
        ("GO", "Ginecologia e Obstetrícia"),
        ("ginecologista", "Ginecologia e Obstetrícia"),
        ("obstetra", "Ginecologia e Obstetrícia"),
        ("UTI", "Medicina Intensiva"),
        ("intensivista", "Medicina Intensiva"),
        ("terapia intensiva", "Medicina Intensiva"),
        ("emergencista", "Medicina de Emergência"),
        ("pronto-socorro", "Medicina de Emergência"),
        ("clínico geral", "Clínica Médica"),
        ("clínica", "Clínica Médica"),
        ("cirurgião geral", "Cirurgia Geral"),
        ("raio-x", "Radiologia"),
        ('["Cardiologia", "Pediatria"]', "Cardiologia"),
    ],
)
def test_a_specialty_is_known_by_its_names(dito: str, nome: str) -> None:
    assert achadas(dito) == [nome]


@pytest.mark.parametrize("dito", ["cardiomagia", "%", "[]", "", "veterinária", "ologia"])
def test_what_is_none_matches_none(dito: str) -> None:
    assert achadas(dito) == []


def test_a_misspelt_one_is_suggested() -> None:
    assert sugerir("pediatrya", NOMES)[0] == "Pediatria"
    assert sugerir("xyz", NOMES) == NOMES[:3]
    assert sugerir("xyz", []) == []


@given(st.text(max_size=40))
def test_any_words_are_safe_to_look_for(dito: str) -> None:
    assert all(termo.isascii() and termo.isalnum() for termo in termos(dito))
    assert len(sugerir(dito, NOMES)) <= 3

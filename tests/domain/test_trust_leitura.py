from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from lib.domain.chip import FaseWarmup
from lib.domain.trust import FORMULAS, EntradasTrust, calcular
from lib.domain.trust_leitura import TAXAS, Nota, limites_vistos, mudancas, partes
from tests.domain.test_trust import entradas_st

EM = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)
BASE = EntradasTrust(
    idade_dias=30, fase=FaseWarmup.EXPANSAO, envios=100, entregues=95, respondidas=30, tipos_midia=1, dias_sem_erro=9
)


def uma_nota(formula: str = "v1", **over: Any) -> Nota:
    return Nota(EM, formula, replace(BASE, **over))


@pytest.mark.parametrize(
    ("antes", "agora", "porque"),
    [
        ({"erros_24h": 0}, {"erros_24h": 2}, "erros: 2 nas últimas 24 h (antes 0)"),
        ({"idade_dias": 1}, {"idade_dias": 2}, "idade: 2 dias desde a primeira conexão (antes 1 dia)"),
        ({}, {"respondidas": 31}, "respostas: 31 em 100 envios em 30 dias (antes 30 em 100 envios)"),
        (
            {"envios": 19},
            {"envios": 20, "entregues": 10},
            "entregas: 10 em 20 envios em 30 dias (antes 19 envios em 30 dias, abaixo da amostra de 20)",
        ),
        (
            {"optouts": 1},
            {"optouts": 2, "bloqueios": 1},
            "saídas e bloqueios: 3 em 100 envios em 30 dias (antes 1 em 100 envios)",
        ),
        ({"tipos_midia": 1}, {"tipos_midia": 2}, "mídia: 2 tipos de mensagem em 30 dias (antes 1 tipo)"),
        (
            {"conversas_bidirecionais": 3},
            {"conversas_bidirecionais": 4},
            "conversas dos dois lados: 4 em 30 dias (antes 3)",
        ),
        ({"dias_sem_erro": 6}, {"dias_sem_erro": 0}, "dias sem erro: 0 (antes 6)"),
        (
            {"fase": FaseWarmup.PRIMEIROS_CONTATOS},
            {"fase": FaseWarmup.EXPANSAO},
            "fase: expansão (antes primeiros contatos)",
        ),
    ],
)
def test_a_change_is_told_with_both_inputs(antes: dict[str, Any], agora: dict[str, Any], porque: str) -> None:
    assert porque in [one.porque for one in mudancas(uma_nota(**agora), uma_nota(**antes))]


def test_the_week_is_told_where_it_decides() -> None:
    semana = {"envios_7d": 20, "entregues_7d": 19, "respondidas_7d": 2}
    [mudou] = mudancas(uma_nota("v2", **semana), uma_nota("v2"))
    assert mudou.porque == ("respostas: 30 em 100 envios em 30 dias, e 2 em 20 em 7 dias (antes 30 em 100 envios)")
    assert mudancas(uma_nota("v1", **semana), uma_nota("v1")) == ()


def test_another_formula_is_told() -> None:
    semana = {"envios_7d": 20, "entregues_7d": 20}
    [mudou] = mudancas(uma_nota("v2", **semana), uma_nota("v1", **semana))
    assert mudou.porque.endswith("; pela fórmula v2 (antes v1)")


def test_the_largest_change_comes_first() -> None:
    found = mudancas(uma_nota(erros_24h=5, idade_dias=29), uma_nota())
    assert [(one.nome, one.delta) for one in found] == [("erros", -10), ("idade", -0.5)]


@pytest.mark.parametrize("formula", FORMULAS)
@given(agora=entradas_st, antes=entradas_st)
def test_changes_add_up_to_the_difference_of_the_sums(formula: str, agora: EntradasTrust, antes: EntradasTrust) -> None:
    nova, velha = Nota(EM, formula, agora), Nota(EM, formula, antes)
    diff = sum(nova.trust.partes.values()) - sum(velha.trust.partes.values())
    assert sum(one.delta for one in mudancas(nova, velha)) == pytest.approx(diff, abs=1e-3)


@pytest.mark.parametrize("formula", FORMULAS)
@given(entradas=entradas_st)
def test_each_part_is_shown_with_its_value_and_a_rate_says_where_it_is_neutral(
    formula: str, entradas: EntradasTrust
) -> None:
    nota = Nota(EM, formula, entradas)
    shown = {parte.nome: parte for parte in partes(nota)}
    assert {nome: parte.valor for nome, parte in shown.items()} == calcular(entradas, formula).partes
    assert all(parte.entrada for parte in shown.values())
    neutral = entradas.taxas is None and (formula == "v1" or entradas.taxas_7d is None)
    if neutral:
        assert all("abaixo da amostra de 20" in shown[nome].entrada for nome in TAXAS)
    else:
        assert any("abaixo da amostra" not in shown[nome].entrada for nome in TAXAS)


@pytest.mark.parametrize(("rampup", "hora", "dia"), [(100, 8, 24), (75, 6, 18), (50, 4, 12), (25, 2, 6)])
def test_the_limit_in_force_is_phase_times_level_times_ramp(rampup: int, hora: int, dia: int) -> None:
    nota = uma_nota(respondidas=0, dias_sem_erro=0)
    assert nota.trust.score == 68
    visto = limites_vistos(nota.trust, nota.entradas.fase, rampup)
    assert (visto.fase_hora, visto.fase_dia, visto.parte_nivel, visto.parte_rampup) == (10, 30, 80, rampup)
    assert (visto.hora, visto.dia) == (hora, dia)

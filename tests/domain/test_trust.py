from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.chip import TRUST_MINIMO, TRUST_MINIMO_RESERVA, FaseWarmup, NivelTrust, TipoEnvio
from lib.domain.trust import AMOSTRA_MINIMA, EntradasTrust, calcular, limites, nivel

contagem = st.integers(0, 300)
entradas_st = st.builds(
    EntradasTrust,
    idade_dias=contagem,
    fase=st.sampled_from(FaseWarmup),
    envios=contagem,
    entregues=contagem,
    respondidas=contagem,
    optouts=st.integers(0, 30),
    bloqueios=st.integers(0, 30),
    tipos_midia=st.integers(0, 6),
    erros_24h=st.integers(0, 10),
    dias_sem_erro=st.integers(0, 20),
    conversas_bidirecionais=st.integers(0, 40),
)


def test_a_fresh_chip_scores_47() -> None:
    trust = calcular(EntradasTrust(idade_dias=0, fase=FaseWarmup.REPOUSO))
    assert trust.score == 47
    assert trust.nivel is NivelTrust.LARANJA
    assert trust.partes == {
        "base": 30,
        "idade": 0,
        "resposta": 10,
        "entrega": 7.5,
        "bloqueio": 0,
        "midia": 0,
        "erros": 0,
        "bidirecional": 0,
        "estabilidade": 0,
        "fase": 0,
    }
    assert (trust.limite_hora, trust.limite_dia, trust.formula) == (0, 0, "v1")


def test_a_perfect_chip_is_clamped_to_100_and_gets_the_whole_phase_limit() -> None:
    trust = calcular(
        EntradasTrust(
            idade_dias=60,
            fase=FaseWarmup.OPERACAO,
            envios=100,
            entregues=100,
            respondidas=60,
            tipos_midia=4,
            dias_sem_erro=7,
            conversas_bidirecionais=20,
        )
    )
    assert (trust.score, trust.nivel) == (100, NivelTrust.VERDE)
    assert sum(trust.partes.values()) == 130
    assert (trust.limite_hora, trust.limite_dia, trust.delay_minimo_s) == (30, 100, 45)
    assert trust.pode_prospectar


def test_a_blocked_chip_loses_twenty_points_of_block_and_ten_of_errors() -> None:
    trust = calcular(
        EntradasTrust(idade_dias=30, fase=FaseWarmup.OPERACAO, envios=100, optouts=5, bloqueios=5, erros_24h=9)
    )
    assert trust.partes["bloqueio"] == -20
    assert trust.partes["erros"] == -10
    assert trust.score == 30


def test_rates_do_not_count_below_the_minimum_sample() -> None:
    poucos = EntradasTrust(idade_dias=5, fase=FaseWarmup.SETUP, envios=AMOSTRA_MINIMA - 1, bloqueios=19)
    assert calcular(poucos).partes["resposta"] == 10
    assert calcular(poucos).partes["entrega"] == 7.5
    assert calcular(poucos).partes["bloqueio"] == 0
    assert calcular(replace(poucos, envios=AMOSTRA_MINIMA)).partes["bloqueio"] == -20


@given(entradas_st)
def test_the_score_is_the_clamped_sum_of_its_parts(entradas: EntradasTrust) -> None:
    trust = calcular(entradas)
    assert 0 <= trust.score <= 100
    assert trust.score == min(100, max(0, int(round(sum(trust.partes.values()), 2))))
    assert trust.nivel is nivel(trust.score)


BONS = ("idade_dias", "entregues", "respondidas", "tipos_midia", "dias_sem_erro", "conversas_bidirecionais")
RUINS = ("optouts", "bloqueios", "erros_24h")


@given(entradas_st, st.sampled_from(BONS), st.integers(1, 50))
def test_more_of_a_good_thing_never_lowers_the_score(entradas: EntradasTrust, campo: str, mais: int) -> None:
    melhor = replace(entradas, **{campo: getattr(entradas, campo) + mais})
    assert calcular(melhor).score >= calcular(entradas).score


@given(entradas_st, st.sampled_from(RUINS), st.integers(1, 50))
def test_more_of_a_bad_thing_never_raises_the_score(entradas: EntradasTrust, campo: str, mais: int) -> None:
    pior = replace(entradas, **{campo: getattr(entradas, campo) + mais})
    assert calcular(pior).score <= calcular(entradas).score


@given(entradas_st)
def test_a_later_phase_never_lowers_the_score(entradas: EntradasTrust) -> None:
    scores = [calcular(replace(entradas, fase=fase)).score for fase in FaseWarmup]
    assert scores == sorted(scores)


@pytest.mark.parametrize("fase", FaseWarmup)
def test_a_worse_level_never_gets_more(fase: FaseWarmup) -> None:
    por_nivel = [limites(n, fase) for n in NivelTrust]
    horas, dias = [h for h, _ in por_nivel], [d for _, d in por_nivel]
    assert horas == sorted(horas, reverse=True)
    assert dias == sorted(dias, reverse=True)


@pytest.mark.parametrize("nome", NivelTrust)
def test_repouso_stays_at_zero_on_every_level(nome: NivelTrust) -> None:
    assert limites(nome, FaseWarmup.REPOUSO) == (0, 0)


@given(entradas_st, entradas_st)
def test_a_lower_score_never_gets_more_than_a_higher_one(uma: EntradasTrust, outra: EntradasTrust) -> None:
    pior, melhor = sorted((calcular(uma), calcular(replace(outra, fase=uma.fase))), key=lambda t: t.score)
    assert pior.limite_hora <= melhor.limite_hora
    assert pior.limite_dia <= melhor.limite_dia
    assert pior.delay_minimo_s >= melhor.delay_minimo_s
    assert pior.pode_prospectar <= melhor.pode_prospectar
    assert pior.pode_followup <= melhor.pode_followup
    assert pior.pode_responder <= melhor.pode_responder


@pytest.mark.parametrize(
    ("score", "esperado"),
    [
        (100, NivelTrust.VERDE),
        (80, NivelTrust.VERDE),
        (79, NivelTrust.AMARELO),
        (60, NivelTrust.AMARELO),
        (59, NivelTrust.LARANJA),
        (40, NivelTrust.LARANJA),
        (39, NivelTrust.VERMELHO),
        (20, NivelTrust.VERMELHO),
        (19, NivelTrust.CRITICO),
        (0, NivelTrust.CRITICO),
    ],
)
def test_levels_are_at_80_60_40_20(score: int, esperado: NivelTrust) -> None:
    assert nivel(score) is esperado


@given(entradas_st)
def test_prospecting_below_80_never_happens(entradas: EntradasTrust) -> None:
    trust = calcular(entradas)
    assert trust.pode_prospectar == (trust.score >= 80)


def test_the_fallback_minima_leave_prospecting_alone() -> None:
    assert TRUST_MINIMO == {
        TipoEnvio.PROSPECCAO: 80,
        TipoEnvio.FOLLOWUP: 60,
        TipoEnvio.RESPOSTA: 40,
        TipoEnvio.LEMBRETE: 40,
    }
    assert TRUST_MINIMO_RESERVA == {
        TipoEnvio.PROSPECCAO: 80,
        TipoEnvio.FOLLOWUP: 40,
        TipoEnvio.RESPOSTA: 20,
        TipoEnvio.LEMBRETE: 20,
    }


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="erros_24h"):
        EntradasTrust(idade_dias=0, fase=FaseWarmup.SETUP, erros_24h=-1)

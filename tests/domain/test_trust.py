from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.chip import TRUST_MINIMO, TRUST_MINIMO_RESERVA, FaseWarmup, NivelTrust, TipoEnvio
from lib.domain.trust import AMOSTRA_MINIMA, FAIXA, FORMULAS, EntradasTrust, avaliar, calcular, limites, nivel

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
    envios_7d=st.integers(0, 60),
    entregues_7d=st.integers(0, 60),
    respondidas_7d=st.integers(0, 60),
    optouts_7d=st.integers(0, 9),
    bloqueios_7d=st.integers(0, 9),
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
    assert sum(trust.partes.values()) == 130 == sum(most for _, most in FAIXA.values())
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


CEM = EntradasTrust(idade_dias=0, fase=FaseWarmup.REPOUSO, envios=100)


@pytest.mark.parametrize(
    ("parte", "entrada", "pontos"),
    [
        *(("idade", {"idade_dias": n}, p) for n, p in ((0, 0), (1, 0.5), (15, 7.5), (29, 14.5), (30, 15), (31, 15))),
        *(("resposta", {"respondidas": n}, p) for n, p in ((0, 0), (1, 0.4), (25, 10), (49, 19.6), (50, 20), (51, 20))),
        *(("entrega", {"entregues": n}, p) for n, p in ((0, 0), (94, 14.8421), (95, 15), (96, 15), (100, 15))),
        *(("bloqueio", {"optouts": n}, p) for n, p in ((0, 0), (1, -2), (5, -10), (9, -18), (10, -20), (11, -20))),
        *(("bloqueio", {"bloqueios": n}, p) for n, p in ((1, -2), (9, -18), (10, -20), (300, -20))),
        ("bloqueio", {"optouts": 4, "bloqueios": 3}, -14),
        *(("midia", {"tipos_midia": n}, p) for n, p in ((0, 0), (1, 2.5), (3, 7.5), (4, 10), (5, 10))),
        *(("erros", {"erros_24h": n}, p) for n, p in ((0, 0), (1, -2), (4, -8), (5, -10), (6, -10))),
        *(
            ("bidirecional", {"conversas_bidirecionais": n}, p)
            for n, p in ((0, 0), (1, 0.75), (10, 7.5), (19, 14.25), (20, 15), (21, 15))
        ),
        *(
            ("estabilidade", {"dias_sem_erro": n}, p)
            for n, p in ((0, 0), (1, 1.4286), (6, 8.5714), (7, 10), (8, 10), (30, 10))
        ),
        *(("fase", {"fase": f}, p) for f, p in zip(FaseWarmup, (0, 1.5, 3, 6, 10.5, 13.5, 15), strict=True)),
        ("base", {}, 30),
    ],
)
def test_each_part_is_the_formula_of_the_table(parte: str, entrada: dict[str, Any], pontos: float) -> None:
    trust = calcular(replace(CEM, **entrada))
    assert trust.partes[parte] == pontos
    least, most = FAIXA[parte]
    assert least <= pontos <= most
    vazia = calcular(CEM)
    others = {nome for nome, valor in trust.partes.items() if valor != vazia.partes[nome]}
    assert others <= {parte}, "an input moves its own part alone"


@pytest.mark.parametrize(
    ("envios", "resposta", "entrega", "bloqueio"), [(0, 10, 7.5, 0), (19, 10, 7.5, 0), (20, 0, 0, -20), (21, 0, 0, -20)]
)
def test_the_sample_is_reached_at_twenty_sends(envios: int, resposta: float, entrega: float, bloqueio: float) -> None:
    partes = calcular(replace(CEM, envios=envios, bloqueios=19)).partes
    assert (partes["resposta"], partes["entrega"], partes["bloqueio"]) == (resposta, entrega, bloqueio)


@pytest.mark.parametrize(
    ("score", "esperado", "prospecta", "segue", "espera_s"),
    [
        (100, NivelTrust.VERDE, True, True, 45),
        (80, NivelTrust.VERDE, True, True, 45),
        (79, NivelTrust.AMARELO, False, True, 60),
        (60, NivelTrust.AMARELO, False, True, 60),
        (59, NivelTrust.LARANJA, False, True, 90),
        (40, NivelTrust.LARANJA, False, True, 90),
        (39, NivelTrust.VERMELHO, False, False, 120),
        (20, NivelTrust.VERMELHO, False, False, 120),
        (19, NivelTrust.CRITICO, False, False, 180),
        (0, NivelTrust.CRITICO, False, False, 180),
    ],
)
def test_levels_and_permissions_change_at_80_60_40_20(
    score: int, esperado: NivelTrust, prospecta: bool, segue: bool, espera_s: int
) -> None:
    trust = avaliar({"base": float(score)}, FaseWarmup.OPERACAO, "v1")
    assert nivel(score) is esperado
    assert (trust.score, trust.nivel, trust.delay_minimo_s) == (score, esperado, espera_s)
    assert (trust.pode_prospectar, trust.pode_followup, trust.pode_responder) == (prospecta, segue, True)


@pytest.mark.parametrize(
    ("soma", "score"),
    [(79.99, 79), (79.994, 79), (79.996, 80), (80.0, 80), (-0.6, 0), (-30, 0), (100.9, 100), (130, 100)],
)
def test_a_sum_is_cut_to_a_whole_score_from_0_to_100(soma: float, score: int) -> None:
    assert avaliar({"base": soma}, FaseWarmup.OPERACAO, "v1").score == score


@pytest.mark.parametrize(
    ("fase", "por_nivel"),
    [
        (FaseWarmup.REPOUSO, [(0, 0), (0, 0), (0, 0), (0, 0), (0, 0)]),
        (FaseWarmup.SETUP, [(2, 5), (1, 4), (1, 2), (0, 1), (0, 1)]),
        (FaseWarmup.PRIMEIROS_CONTATOS, [(5, 10), (4, 8), (2, 5), (1, 2), (1, 2)]),
        (FaseWarmup.EXPANSAO, [(10, 30), (8, 24), (5, 15), (2, 6), (2, 6)]),
        (FaseWarmup.PRE_OPERACAO, [(15, 50), (12, 40), (7, 25), (3, 10), (3, 10)]),
        (FaseWarmup.TESTE_GRADUACAO, [(20, 70), (16, 56), (10, 35), (4, 14), (3, 10)]),
        (FaseWarmup.OPERACAO, [(30, 100), (24, 80), (15, 50), (6, 20), (3, 10)]),
    ],
)
def test_limits_are_the_share_of_the_phase_and_critico_never_gets_more(
    fase: FaseWarmup, por_nivel: list[tuple[int, int]]
) -> None:
    assert [limites(n, fase) for n in NivelTrust] == por_nivel


ORDEM_BOA = (*BONS, "entregues_7d", "respondidas_7d")
ORDEM_RUIM = (*RUINS, "optouts_7d", "bloqueios_7d")


@pytest.mark.parametrize("formula", FORMULAS)
@given(
    entradas=entradas_st,
    piora=st.fixed_dictionaries({c: st.integers(0, 60) for c in (*ORDEM_BOA, *ORDEM_RUIM)}),
    fases=st.integers(0, 6),
)
def test_no_worse_input_ever_raises_score_permissions_or_limits(
    formula: str, entradas: EntradasTrust, piora: dict[str, int], fases: int
) -> None:
    menos = {campo: max(0, getattr(entradas, campo) - piora[campo]) for campo in ORDEM_BOA}
    mais = {campo: getattr(entradas, campo) + piora[campo] for campo in ORDEM_RUIM}
    antes = list(FaseWarmup)[max(0, list(FaseWarmup).index(entradas.fase) - fases)]
    melhor, pior = calcular(entradas, formula), calcular(replace(entradas, fase=antes, **menos, **mais), formula)
    assert pior.score <= melhor.score
    assert all(pior.partes[parte] <= melhor.partes[parte] for parte in melhor.partes)
    assert pior.limite_hora <= melhor.limite_hora
    assert pior.limite_dia <= melhor.limite_dia
    assert pior.delay_minimo_s >= melhor.delay_minimo_s
    assert pior.pode_prospectar <= melhor.pode_prospectar
    assert pior.pode_followup <= melhor.pode_followup
    assert pior.pode_responder <= melhor.pode_responder


@pytest.mark.parametrize("formula", FORMULAS)
@given(entradas=entradas_st)
def test_every_part_stays_within_its_range(formula: str, entradas: EntradasTrust) -> None:
    partes = calcular(entradas, formula).partes
    assert partes.keys() == FAIXA.keys()
    assert all(least <= partes[nome] <= most for nome, (least, most) in FAIXA.items())


def test_v1_is_in_force_and_does_not_look_at_seven_days() -> None:
    mes = EntradasTrust(idade_dias=30, fase=FaseWarmup.OPERACAO, envios=100, entregues=95, respondidas=50)
    semana = replace(mes, envios_7d=50, optouts_7d=20, bloqueios_7d=20)
    assert calcular(semana) == calcular(mes) == calcular(mes, "v1")
    assert calcular(semana, "v2").partes["bloqueio"] == -20


@given(entradas_st)
def test_v2_is_never_above_v1_and_the_same_where_the_week_has_no_sample(entradas: EntradasTrust) -> None:
    entradas = replace(entradas, envios=max(entradas.envios, entradas.envios_7d))
    v1, v2 = calcular(entradas, "v1"), calcular(entradas, "v2")
    if entradas.envios_7d < AMOSTRA_MINIMA:
        assert v2.partes == v1.partes
    elif entradas.envios >= AMOSTRA_MINIMA:
        assert v2.score <= v1.score


@pytest.mark.parametrize(
    ("semana", "partes"),
    [
        ({"envios_7d": 19}, {"resposta": 20, "entrega": 15, "bloqueio": -2}),
        ({"envios_7d": 20}, {"resposta": 0, "entrega": 0, "bloqueio": -2}),
        (
            {"envios_7d": 20, "entregues_7d": 20, "respondidas_7d": 20},
            {"resposta": 20, "entrega": 15, "bloqueio": -2},
        ),
        (
            {"envios_7d": 20, "entregues_7d": 20, "respondidas_7d": 5, "bloqueios_7d": 1},
            {"resposta": 10, "entrega": 15, "bloqueio": -10},
        ),
    ],
)
def test_v2_takes_the_worse_window_for_each_rate(semana: dict[str, Any], partes: dict[str, float]) -> None:
    mes = EntradasTrust(idade_dias=30, fase=FaseWarmup.OPERACAO, envios=100, entregues=95, respondidas=50, bloqueios=1)
    found = calcular(replace(mes, **semana), "v2").partes
    assert {nome: found[nome] for nome in partes} == partes


def test_what_was_stored_before_seven_days_were_counted_still_loads() -> None:
    stored = {"idade_dias": 3, "fase": "setup", "envios": 4, "entregues": 4, "dias_sem_erro": 3}
    entradas = EntradasTrust.read(stored)
    assert (entradas.envios_7d, entradas.fase, entradas.envios) == (0, FaseWarmup.SETUP, 4)
    assert EntradasTrust.read(asdict(entradas)) == entradas

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.estado import Ciclo, DoctorState, Entrada, Permissao, Severidade, apply
from lib.domain.objecao import TipoObjecao
from lib.domain.situacao import (
    CONFIANCA_MINIMA,
    OBJECAO_ESQUECIDA,
    Intencao,
    Objetivo,
    Perfil,
    Situacao,
    entrada_de,
    por_regras,
    segue_em_frente,
)

NOVO = DoctorState()
AGORA = datetime(2026, 3, 16, 15, tzinfo=UTC)
DIA = timedelta(days=1)


@pytest.mark.parametrize(
    ("frase", "intencao"),
    [
        ("não tenho interesse nessa vaga", Intencao.RECUSA),
        ("não", Intencao.RECUSA),
        ("dessa vez não, obrigado", Intencao.RECUSA),
        ("pode reservar", Intencao.PRONTO_FECHAR),
        ("Fechado!", Intencao.PRONTO_FECHAR),
        ("quero essa vaga", Intencao.PRONTO_FECHAR),
        ("tem vaga de UTI na sexta?", Intencao.INTERESSE),
        ("Tenho interesse", Intencao.INTERESSE),
        ("quais plantões vocês têm?", Intencao.INTERESSE),
        ("oi\nsou anestesista\ntem plantão essa semana?", Intencao.INTERESSE),
        ("sim", Intencao.INTERESSE),
        ("quanto paga o plantão de sábado?", Intencao.INTERESSE),
        ("tem algo para essa semana?", Intencao.INTERESSE),
        ("tem mais opções?", Intencao.INTERESSE),
        ("tem algo errado?", Intencao.DUVIDA),
        ("Qual o valor?", Intencao.DUVIDA),
        ("onde fica o hospital", Intencao.DUVIDA),
        ("Desculpa a demora", Intencao.VOLTANDO),
        ("vocês pagam mal", Intencao.OBJECAO),
        ("quero falar com uma pessoa", Intencao.OBJECAO),
        ("oi, bom dia", Intencao.NEUTRO),
        ("ok", Intencao.NEUTRO),
        ("faço residência em topografia médica", Intencao.NEUTRO),
    ],
)
def test_the_intention_is_read_by_rule(frase: str, intencao: Intencao) -> None:
    situacao = por_regras(frase, NOVO, None)
    assert situacao is not None
    assert situacao.intencao is intencao
    assert situacao.origem == "regra"
    assert situacao.confianca >= CONFIANCA_MINIMA


def test_the_rules_are_unsure_of_a_long_text_in_which_nothing_matches() -> None:
    longo = "então doutora Júlia ontem eu estava no centro cirúrgico conversando com meu colega e ele comentou coisas"
    assert por_regras(longo, NOVO, None) is None


@given(st.text(max_size=60))
def test_short_text_is_never_left_to_a_model(texto: str) -> None:
    situacao = por_regras(texto, NOVO, None)
    assert situacao is not None or len(texto.split()) > 4


@pytest.mark.parametrize(
    ("anos", "perfil"),
    [
        (None, Perfil.DESCONHECIDO),
        (-1, Perfil.DESCONHECIDO),
        (0, Perfil.RECEM_FORMADO),
        (2, Perfil.RECEM_FORMADO),
        (3, Perfil.EM_DESENVOLVIMENTO),
        (7, Perfil.EM_DESENVOLVIMENTO),
        (8, Perfil.EXPERIENTE),
        (15, Perfil.EXPERIENTE),
        (16, Perfil.SENIOR),
    ],
)
def test_the_profile_comes_from_the_years_of_practice(anos: int | None, perfil: Perfil) -> None:
    situacao = por_regras("oi", NOVO, anos)
    assert situacao is not None
    assert situacao.perfil is perfil


@pytest.mark.parametrize(
    ("ciclo", "frase", "objetivo"),
    [
        (Ciclo.NOVO, "oi", Objetivo.PROSPECTAR),
        (Ciclo.ENGAGED, "oi", Objetivo.QUALIFICAR),
        (Ciclo.QUALIFIED, "oi", Objetivo.OFERTAR),
        (Ciclo.ACTIVE, "oi", Objetivo.MANTER),
        (Ciclo.CHURNED, "oi", Objetivo.REATIVAR),
        (Ciclo.NOVO, "tem vaga?", Objetivo.OFERTAR),
        (Ciclo.ENGAGED, "fechado", Objetivo.FECHAR),
        (Ciclo.ENGAGED, "o valor é muito baixo", Objetivo.NEGOCIAR),
        (Ciclo.ENGAGED, "hospital sem estrutura", Objetivo.RECUPERAR),
    ],
)
def test_the_objective_comes_from_the_stage_and_the_message(ciclo: Ciclo, frase: str, objetivo: Objetivo) -> None:
    situacao = por_regras(frase, DoctorState(ciclo=ciclo), None)
    assert situacao is not None
    assert situacao.objetivo is objetivo


def test_the_objection_found_travels_with_the_situation() -> None:
    situacao = por_regras("vou no procon", NOVO, None)
    assert situacao is not None
    assert situacao.objecao is not None
    assert (situacao.objecao.tipo, situacao.objecao.severidade) == (TipoObjecao.AMEACA, Severidade.GRAVE)


def lida(frase: str) -> Situacao:
    situacao = por_regras(frase, NOVO, None)
    assert situacao is not None
    return situacao


def objetou(severidade: Severidade | None, ha: timedelta = DIA) -> DoctorState:
    return DoctorState(
        permissao=Permissao.ACTIVE, objecao="preco", objecao_severidade=severidade, objecao_em=AGORA - ha
    )


@pytest.mark.parametrize(
    ("frase", "severidades"),
    [
        ("tem vaga na sexta?", {Severidade.LOW, Severidade.MEDIUM, Severidade.HIGH}),
        ("pode fechar", {Severidade.LOW, Severidade.MEDIUM, Severidade.HIGH}),
        ("onde fica o hospital?", {Severidade.LOW, Severidade.MEDIUM}),
        ("oi, bom dia", set()),
        ("desculpa a demora", set()),
        ("não tenho interesse", set()),
        ("vocês pagam mal", set()),
    ],
)
def test_what_counts_as_moving_on_depends_on_the_weight_of_the_objection(
    frase: str, severidades: set[Severidade]
) -> None:
    found = {s for s in Severidade if segue_em_frente(objetou(s), lida(frase), AGORA)}
    assert found == severidades


def test_an_objection_is_forgotten_after_a_month_of_calm_but_a_grave_one_never() -> None:
    antes = OBJECAO_ESQUECIDA - timedelta(seconds=1)
    for severidade in (Severidade.LOW, Severidade.MEDIUM, Severidade.HIGH, None):
        assert segue_em_frente(objetou(severidade, OBJECAO_ESQUECIDA), lida("oi"), AGORA)
        assert not segue_em_frente(objetou(severidade, antes), lida("oi"), AGORA)
        assert not segue_em_frente(objetou(severidade, OBJECAO_ESQUECIDA), lida("não quero"), AGORA)
    assert not segue_em_frente(objetou(Severidade.GRAVE, 10 * OBJECAO_ESQUECIDA), lida("tem vaga?"), AGORA)


def test_no_objection_lives_through_a_conversation_that_went_on() -> None:
    state = NOVO
    for dia, frase in enumerate(("achei caro, vocês pagam mal", "hm", "e na UTI, quanto é?")):
        em = AGORA + dia * DIA
        state = apply(state, entrada_de(state, lida(frase), em))
        assert state.objecao_aberta is (dia < 2)
    state = apply(state, entrada_de(state, lida("muita burocracia"), AGORA + 3 * DIA))
    assert (state.objecao, state.objecao_aberta) == ("processo", True)


def test_moving_on_needs_something_to_leave_behind_and_a_reading_one_can_trust() -> None:
    assert not segue_em_frente(NOVO, lida("tem vaga?"), AGORA)
    assert not segue_em_frente(objetou(Severidade.LOW, -DIA), lida("tem vaga?"), AGORA)
    incerta = Situacao(None, Perfil.DESCONHECIDO, Objetivo.MANTER, Intencao.INTERESSE, 0.4, "llm")
    assert not segue_em_frente(objetou(Severidade.LOW), incerta, AGORA)
    assert entrada_de(NOVO, lida("vocês pagam mal"), AGORA) == Entrada(AGORA, lida("vocês pagam mal").objecao)

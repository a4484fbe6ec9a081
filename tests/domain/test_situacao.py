import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.estado import Ciclo, DoctorState, Severidade
from lib.domain.objecao import TipoObjecao
from lib.domain.situacao import CONFIANCA_MINIMA, Intencao, Objetivo, Perfil, por_regras

NOVO = DoctorState()


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

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.chip import FaseWarmup
from lib.domain.trust import FAIXA, FORMULAS, EntradasTrust, calcular
from lib.domain.trust_leitura import Nota
from lib.domain.trust_passo import proximo_passo
from tests.domain.test_trust import entradas_st

EM = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)
# All that can be done is at its best but for what a test takes away.
CHEIA = EntradasTrust(
    idade_dias=2,
    fase=FaseWarmup.SETUP,
    envios=100,
    entregues=95,
    respondidas=50,
    tipos_midia=4,
    dias_sem_erro=7,
    conversas_bidirecionais=20,
)


def passo(formula: str = "v1", **over: Any) -> tuple[str | None, str, float]:
    found = proximo_passo(Nota(EM, formula, replace(CHEIA, **over)))
    return found.parte, found.texto, found.pontos


@pytest.mark.parametrize(
    ("falta", "parte", "texto", "pontos"),
    [
        (
            {"respondidas": 38},
            "resposta",
            (
                "mais 12 respostas para a mesma quantidade de envios, cada uma em até 7 dias (hoje 38 em 100 envios em"
                " 30 dias)"
            ),
            4.8,
        ),
        (
            {"entregues": 57},
            "entrega",
            (
                "mais 38 entregas para a mesma quantidade de envios, confira números errados e o celular do chip (hoje"
                " 57 em 100 envios em 30 dias)"
            ),
            6,
        ),
        (
            {"optouts": 4, "bloqueios": 1},
            "bloqueio",
            (
                "não perder mais ninguém: 4 pedidos de saída e 1 bloqueio do gateway em 100 envios; reveja a lista e a"
                " mensagem, e eles saem da conta em até 30 dias"
            ),
            10,
        ),
        (
            {"erros_24h": 2},
            "erros",
            "resolver a causa de 2 erros de envio nas últimas 24 h: sem novos, os pontos voltam em até 24 h",
            4,
        ),
        ({"dias_sem_erro": 2}, "estabilidade", "ficar mais 5 dias sem erro de envio (hoje 2)", 7.1429),
        (
            {"conversas_bidirecionais": 12},
            "bidirecional",
            "mais 8 conversas com mensagens dos dois lados em 30 dias (hoje 12)",
            6,
        ),
        (
            {"tipos_midia": 1},
            "midia",
            (
                "enviar mais 3 tipos de mensagem (hoje 1): imagem, áudio, vídeo ou documento, por uma pessoa, pelo"
                " celular do chip, em conversas em curso"
            ),
            7.5,
        ),
    ],
)
def test_the_step_names_the_number_needed(falta: dict[str, Any], parte: str, texto: str, pontos: float) -> None:
    assert passo(**falta) == (parte, texto, pontos)


def test_below_the_sample_the_step_is_to_complete_it() -> None:
    assert passo(envios=12, entregues=12, respondidas=4, tipos_midia=4) == (
        "resposta",
        "completar a amostra: mais 8 envios proativos aceitos, e com eles mais 7 entregas e 6 respostas em até 7 dias",
        17.5,
    )


def test_a_sample_that_would_bring_out_what_was_lost_is_not_wished_for() -> None:
    assert passo(envios=12, optouts=3)[0] is None
    assert passo(envios=12, optouts=3, dias_sem_erro=5)[0] == "estabilidade"


def test_a_chip_that_may_not_send_first_is_not_told_to() -> None:
    fraca = EntradasTrust(idade_dias=0, fase=FaseWarmup.SETUP, erros_24h=5, envios=4, dias_sem_erro=7)
    found = proximo_passo(Nota(EM, "v1", replace(fraca, dias_sem_erro=0)))
    assert (found.parte, found.pontos) == ("erros", 10), "39 points: a sample would win 17.5, but it sends nothing"
    assert proximo_passo(Nota(EM, "v1", fraca)).pontos == 17.5, "49 points: it may"
    resting = EntradasTrust(idade_dias=0, fase=FaseWarmup.REPOUSO, dias_sem_erro=7)
    found = proximo_passo(Nota(EM, "v1", resting))
    assert (found.parte, found.pontos) == (None, 0)
    assert found.texto.startswith("nada a fazer agora: em repouso, com esta nota, o chip não envia")


def test_by_the_week_the_step_mends_the_week_too() -> None:
    parte, texto, pontos = passo("v2", envios_7d=40, entregues_7d=40, respondidas_7d=4)
    assert (parte, pontos) == ("resposta", 16)
    assert texto.startswith("mais 16 respostas para a mesma quantidade de envios")
    assert texto.endswith("(hoje 50 em 100 envios em 30 dias, e 4 em 40 em 7 dias)")


def test_at_the_maximum_there_is_nothing_to_do() -> None:
    assert passo(idade_dias=90, fase=FaseWarmup.OPERACAO, tipos_midia=1) == (
        None,
        "nada a fazer: a nota é a máxima",
        0,
    )


@pytest.mark.parametrize("formula", FORMULAS)
@given(entradas=entradas_st)
def test_done_the_step_brings_its_part_to_its_most_and_wins_what_it_promises(
    formula: str, entradas: EntradasTrust
) -> None:
    entradas = replace(
        entradas,
        entregues=min(entradas.entregues, entradas.envios),
        respondidas=min(entradas.respondidas, entradas.envios),
        envios_7d=min(entradas.envios_7d, entradas.envios),
    )
    nota = Nota(EM, formula, entradas)
    found, trust = proximo_passo(nota), nota.trust
    assert found.score == calcular(found.entradas, formula).score >= trust.score
    if found.parte is None:
        assert found.entradas == entradas
        return
    after = calcular(found.entradas, formula).partes
    assert after[found.parte] == FAIXA[found.parte][1]
    assert round(sum(after.values()) - sum(trust.partes.values()), 4) == found.pontos > 0


@given(st.integers(20, 300), st.data())
def test_one_answer_less_than_the_number_is_not_enough(envios: int, data: st.DataObject) -> None:
    respondidas = data.draw(st.integers(0, envios // 4))
    entradas = replace(CHEIA, envios=envios, entregues=envios, respondidas=respondidas)
    found = proximo_passo(Nota(EM, "v1", entradas))
    assert found.parte == "resposta"
    less = replace(found.entradas, respondidas=found.entradas.respondidas - 1)
    assert calcular(found.entradas).partes["resposta"] == 20 > calcular(less).partes["resposta"]

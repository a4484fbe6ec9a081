from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lib.domain.aquecimento import AQUECE, ERROS_24H_MAX, PASSOS, Exigencia, Falta, Medido, falta
from lib.domain.chip import EM_USO, FaseWarmup, NivelTrust, StatusChip
from lib.domain.chip_ciclo import Ator, legal
from lib.domain.trust import AMOSTRA_MINIMA, EntradasTrust, calcular, limites

F = FaseWarmup
DIA = timedelta(days=1)
TUDO = Medido(
    idade=400 * DIA, enviadas=999, recebidas=999, envios=100, respondidas=90, trust=100, bidirecionais=99, erros_24h=0
)
TABELA = {
    F.SETUP: (1, 0, 0, 0, 0, 0),
    F.PRIMEIROS_CONTATOS: (3, 20, 10, 40, 50, 5),
    F.EXPANSAO: (7, 50, 25, 40, 55, 12),
    F.PRE_OPERACAO: (14, 100, 40, 35, 60, 18),
    F.TESTE_GRADUACAO: (21, 150, 50, 30, 70, 23),
    F.OPERACAO: (28, 200, 60, 25, 75, 28),
    StatusChip.READY: (21, 0, 0, 0, 85, 0),
}


def nomes(fase: FaseWarmup, medido: Medido) -> list[Exigencia]:
    return [one.exigencia for one in falta(fase, medido)]


def test_the_table_is_the_domains() -> None:
    assert {
        passo.para: (
            passo.criterio.tempo.days,
            passo.criterio.enviadas,
            passo.criterio.recebidas,
            passo.criterio.resposta,
            passo.criterio.trust,
            passo.criterio.bidirecionais,
        )
        for passo in PASSOS.values()
    } == TABELA


def test_every_phase_leads_to_the_next_and_the_last_into_reserve() -> None:
    assert list(PASSOS) == list(FaseWarmup)
    assert [passo.para for passo in PASSOS.values()] == [*list(FaseWarmup)[1:], StatusChip.READY]
    assert AQUECE <= EM_USO, "only statuses that a chip can have"
    assert legal(StatusChip.WARMING, StatusChip.READY, Ator.FLUXO)


@pytest.mark.parametrize("fase", FaseWarmup)
def test_who_has_done_all_of_it_goes_on(fase: FaseWarmup) -> None:
    assert falta(fase, TUDO) == ()


def test_rest_ends_after_a_day_connected_and_nothing_else_is_asked() -> None:
    nada = Medido(idade=DIA, erros_24h=99)
    assert falta(F.REPOUSO, nada) == ()
    assert nomes(F.REPOUSO, replace(nada, idade=DIA - timedelta(seconds=1))) == [Exigencia.TEMPO]
    assert nomes(F.REPOUSO, replace(nada, conectado=False)) == [Exigencia.DESCONECTADO]
    assert falta(F.REPOUSO, replace(nada, idade=None, conectado=False))[1].texto == "0 de 24 horas"


@pytest.mark.parametrize("fase", [fase for fase in FaseWarmup if fase not in {F.REPOUSO, F.OPERACAO}])
@pytest.mark.parametrize(
    ("exigencia", "menos"),
    [
        (Exigencia.TEMPO, lambda c: {"idade": c.tempo - timedelta(microseconds=1)}),
        (Exigencia.ERROS, lambda _: {"erros_24h": ERROS_24H_MAX + 1}),
        (Exigencia.TRUST, lambda c: {"trust": c.trust - 1}),
        (Exigencia.ENVIADAS, lambda c: {"enviadas": c.enviadas - 1}),
        (Exigencia.RECEBIDAS, lambda c: {"recebidas": c.recebidas - 1}),
        (Exigencia.BIDIRECIONAIS, lambda c: {"bidirecionais": c.bidirecionais - 1}),
        (Exigencia.RESPOSTA, lambda c: {"envios": 100, "respondidas": c.resposta - 1}),
    ],
    ids=lambda value: value.value if isinstance(value, Exigencia) else "",
)
def test_each_criterion_alone_holds_a_chip_back_and_is_met_exactly(
    fase: FaseWarmup, exigencia: Exigencia, menos: object
) -> None:
    pede = PASSOS[fase].criterio
    justo = Medido(
        idade=pede.tempo,
        enviadas=pede.enviadas,
        recebidas=pede.recebidas,
        envios=100,
        respondidas=pede.resposta,
        trust=pede.trust,
        bidirecionais=pede.bidirecionais,
        erros_24h=ERROS_24H_MAX,
    )
    assert callable(menos)
    assert falta(fase, justo) == ()
    assert nomes(fase, replace(justo, **menos(pede))) == [exigencia]


def test_a_response_rate_is_asked_from_the_minimum_sample_on() -> None:
    assert nomes(F.SETUP, replace(TUDO, envios=AMOSTRA_MINIMA - 1, respondidas=0)) == []
    assert falta(F.SETUP, replace(TUDO, envios=AMOSTRA_MINIMA, respondidas=7)) == (Falta(Exigencia.RESPOSTA, 35, 40),)
    assert nomes(F.SETUP, replace(TUDO, envios=AMOSTRA_MINIMA, respondidas=8)) == []


def test_all_that_is_missing_is_told() -> None:
    pouco = Medido(idade=None, conectado=False, envios=20, erros_24h=6)
    assert nomes(F.SETUP, pouco) == [nome for nome in Exigencia if nome is not Exigencia.DESCONECTADO]
    assert [one.texto for one in falta(F.SETUP, pouco)] == [
        "0 de 72 horas",
        "6 erros em 24 horas, 5 no máximo",
        "trust: 0 de 50",
        "enviadas: 0 de 20",
        "recebidas: 0 de 10",
        "bidirecionais: 0 de 5",
        "0 % de resposta, 40 % no mínimo",
    ]


@pytest.mark.parametrize("fase", FaseWarmup)
def test_no_phase_asks_for_more_sends_than_it_lets_a_fresh_chip_make_in_a_month(fase: FaseWarmup) -> None:
    asked_before = [PASSOS[one].criterio.enviadas for one in FaseWarmup][: list(FaseWarmup).index(fase)]
    _, dia = limites(NivelTrust.LARANJA, fase)
    assert PASSOS[fase].criterio.enviadas - max(asked_before, default=0) <= dia * 30


def test_real_traffic_within_the_limits_leads_the_whole_way() -> None:
    fase, sent, days = F.REPOUSO, 0, 0
    while fase is not F.OPERACAO:
        days += 1
        assert days < 90, f"stuck in {fase}"
        proactive = min(sent, 60)
        entradas = EntradasTrust(
            idade_dias=days,
            fase=fase,
            envios=proactive,
            entregues=proactive,
            respondidas=proactive // 2,
            tipos_midia=1,
            dias_sem_erro=days,
            conversas_bidirecionais=min(sent // 4, 40),
        )
        trust = calcular(entradas)
        sent += trust.limite_dia
        done = Medido(
            idade=days * DIA,
            enviadas=sent,
            recebidas=sent // 2,
            envios=proactive,
            respondidas=proactive // 2,
            trust=trust.score,
            bidirecionais=entradas.conversas_bidirecionais,
        )
        passo = PASSOS[fase].para
        if not falta(fase, done):
            assert isinstance(passo, FaseWarmup)
            fase = passo
    assert days >= 28

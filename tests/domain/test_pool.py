from __future__ import annotations

from dataclasses import replace

import pytest

from lib.domain.chip import StatusChip, TipoEnvio
from lib.domain.chip_ciclo import Ator, legal
from lib.domain.pool import MINIMOS, POOL, Critico, Retrato, alertas, lugares
from lib.domain.transferencia import TipoAviso
from tests.builders import AGORA

BEM = Retrato(
    ativos=6,
    producao=6,
    saudaveis=6,
    prontos=3,
    capazes={TipoEnvio.PROSPECCAO: 6, TipoEnvio.FOLLOWUP: 6, TipoEnvio.RESPOSTA: 9},
)


def causas(retrato: Retrato) -> list[str]:
    return [alerta.causa for alerta in alertas(retrato)]


def test_the_thresholds_are_the_domains() -> None:
    assert (POOL.producao_min, POOL.producao_max, POOL.prontos_min) == (5, 10, 3)
    assert (POOL.trust_degrada, POOL.trust_recupera, POOL.trust_critico) == (60, 65, 20)
    assert MINIMOS == {TipoEnvio.PROSPECCAO: 3, TipoEnvio.FOLLOWUP: 2, TipoEnvio.RESPOSTA: 2}
    assert POOL.trust_degrada < POOL.trust_recupera <= POOL.trust_promove, "one that wavers does not go to and fro"


@pytest.mark.parametrize(
    ("de", "para"),
    [
        (StatusChip.ACTIVE, StatusChip.DEGRADED),
        (StatusChip.DEGRADED, StatusChip.ACTIVE),
        (StatusChip.READY, StatusChip.ACTIVE),
    ],
)
def test_what_the_care_does_is_for_a_flow_to_do(de: StatusChip, para: StatusChip) -> None:
    assert legal(de, para, Ator.FLUXO)


@pytest.mark.parametrize(
    ("ativos", "prospectam", "seguem", "wanted"),
    [
        (5, 5, 5, 0),
        (4, 4, 4, 1),
        (0, 0, 0, 5),
        (5, 1, 5, 2),
        (5, 3, 0, 2),
        (9, 0, 9, 1),
        (10, 0, 0, 0),
        (14, 0, 0, 0),
    ],
)
def test_production_is_filled_to_its_minimum_or_that_of_a_kind_and_never_beyond_its_maximum(
    ativos: int, prospectam: int, seguem: int, wanted: int
) -> None:
    assert lugares(ativos, prospectam, seguem) == wanted


def test_of_a_pool_that_is_well_nobody_is_told() -> None:
    assert alertas(BEM) == ()


@pytest.mark.parametrize("tipo", MINIMOS)
def test_each_kind_below_its_minimum_is_a_cause_of_its_own(tipo: TipoEnvio) -> None:
    enough = {**BEM.capazes, tipo: MINIMOS[tipo]}
    assert causas(replace(BEM, capazes=enough)) == []
    [alerta] = alertas(replace(BEM, capazes={**enough, tipo: MINIMOS[tipo] - 1}))
    assert (alerta.causa, alerta.tipo) == (f"pool_minimo_{tipo}", TipoAviso.POOL)
    assert f"o mínimo é {MINIMOS[tipo]}" in alerta.texto


def test_the_share_of_healthy_chips_is_asked_at_thirty_percent() -> None:
    assert causas(replace(BEM, producao=10, saudaveis=3)) == []
    assert causas(replace(BEM, producao=10, saudaveis=2)) == ["pool_saudaveis"]
    assert causas(replace(BEM, producao=0, saudaveis=0)) == []


def test_a_thin_reserve_a_deficit_and_a_banned_numbers_place_are_told_apart() -> None:
    assert causas(replace(BEM, prontos=2)) == ["pool_reserva"]
    assert causas(replace(BEM, lugares=2)) == ["pool_deficit"]
    assert causas(replace(BEM, lugares=2, retidos=2)) == ["pool_lugar_de_banido"]
    assert causas(replace(BEM, lugares=2, retidos=1)) == ["pool_deficit", "pool_lugar_de_banido"]


def test_a_critical_chip_is_told_once_for_each_time_that_it_went_to_rest() -> None:
    [alerta] = alertas(replace(BEM, criticos=(Critico(7, "julia-07", 12, AGORA),)))
    assert (alerta.causa, alerta.unica) == (f"chip_critico:7:{int(AGORA.timestamp())}", True)
    assert alerta.tipo is TipoAviso.CHIP
    assert alerta.texto.startswith("julia-07: trust 12")


def test_texts_count_in_words() -> None:
    texts = [alertas(replace(BEM, capazes={**BEM.capazes, TipoEnvio.PROSPECCAO: n}))[0].texto for n in (0, 1, 2)]
    assert texts == [
        "Nenhum chip pode prospectar (trust 80 ou mais); o mínimo é 3.",
        "Só 1 chip pode prospectar (trust 80 ou mais); o mínimo é 3.",
        "Só 2 chips podem prospectar (trust 80 ou mais); o mínimo é 3.",
    ]

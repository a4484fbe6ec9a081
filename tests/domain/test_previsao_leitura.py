from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lib.domain.chip import Gateway, StatusChip
from lib.domain.limites import Limite
from lib.domain.previsao import ChipPrevisto, ContaPrevista, prever
from lib.domain.previsao_leitura import duracao, gargalo, nomes
from lib.domain.previsao_pool import Inscrito, fora, previsto
from lib.domain.selecao import Regra
from tests.builders import AGORA

HORA = timedelta(hours=1)
BOM = Inscrito(
    chip_id=1, nome="julia-01", status=StatusChip.ACTIVE, status_anterior=None, gateway=Gateway.EVOLUTION, conta=None,
    trust=90, pode_prospectar=True, conectado=True, qualidade=None, limite_hora=30, limite_dia=100, intervalo_s=45,
    rampup_parte=100, rampup_desde=None, reply_only_until=None, cooldown_ate=None, aberto_ate=None, envios=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("over", "regra"),
    [
        ({}, None),
        ({"status": StatusChip.WARMING}, None),
        ({"status": StatusChip.READY}, Regra.STATUS),
        ({"status": StatusChip.PAUSED}, Regra.STATUS),
        ({"status": StatusChip.BANNED}, Regra.STATUS),
        ({"status": StatusChip.RESTRICTED, "status_anterior": StatusChip.ACTIVE}, None),
        ({"status": StatusChip.RESTRICTED, "status_anterior": None}, None),
        ({"status": StatusChip.RESTRICTED, "status_anterior": StatusChip.DEGRADED}, Regra.STATUS),
        ({"pode_prospectar": False}, Regra.PERMISSAO),
        ({"trust": 79}, Regra.TRUST),
        ({"conectado": False}, Regra.DESCONECTADO),
        ({"gateway": Gateway.META, "qualidade": "RED"}, Regra.RESTRITO),
        ({"gateway": Gateway.META, "qualidade": "YELLOW"}, None),
        ({"limite_dia": 0}, Regra.LIMITE_DIA),
        ({"limite_hora": 0}, Regra.LIMITE_HORA),
    ],
)
def test_who_writes_first_now_or_by_itself_later_is_counted_with(over: dict[str, Any], regra: Regra | None) -> None:
    assert fora(replace(BOM, **over)) is regra


def test_a_number_goes_in_with_what_it_waits_for() -> None:
    assert previsto(BOM, AGORA) == ChipPrevisto("julia-01", Limite(30, 100), timedelta(seconds=45))
    waits = replace(BOM, cooldown_ate=AGORA + HORA, aberto_ate=AGORA - HORA, reply_only_until=AGORA + 2 * HORA)
    assert previsto(waits, AGORA).livre_em == AGORA + 2 * HORA
    assert previsto(waits, AGORA).rampup_desde is None, "it lost nothing of its limits"


def test_a_share_grows_from_its_own_beginning_or_from_the_end_of_the_restriction() -> None:
    quarter = replace(BOM, rampup_parte=25)
    assert previsto(quarter, AGORA).rampup_desde == AGORA
    assert previsto(replace(quarter, rampup_desde=AGORA - HORA), AGORA).rampup_desde == AGORA - HORA
    assert previsto(replace(quarter, reply_only_until=AGORA + HORA), AGORA).rampup_desde == AGORA + HORA
    assert previsto(replace(quarter, reply_only_until=AGORA - HORA), AGORA).rampup_desde == AGORA


def test_an_account_counts_for_numbers_of_meta_alone() -> None:
    assert previsto(replace(BOM, conta="9"), AGORA).conta is None
    assert previsto(replace(BOM, conta="9", gateway=Gateway.META), AGORA).conta == "9"


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (ChipPrevisto("a", Limite(9, 99), timedelta(0)), "o limite por hora segura a: 2 h de espera"),
        (ChipPrevisto("a", Limite(99, 9), timedelta(0)), "o limite por 24 horas segura a: 24 h de espera"),
        (
            ChipPrevisto("a", Limite(99, 99), timedelta(minutes=1)),
            "o intervalo mínimo entre dois envios de um chip segura",
        ),
        (ChipPrevisto("a", Limite(99, 99), timedelta(0), conta="m"), "o limite da conta na Meta"),
        (ChipPrevisto("a", Limite(99, 99), timedelta(0)), "nada segura"),
        (ChipPrevisto("a", Limite(0, 0), timedelta(0)), "nenhum chip pode escrever primeiro"),
    ],
)
def test_the_bottleneck_is_named_in_words(one: ChipPrevisto, words: str) -> None:
    assert gargalo(prever([one], {"m": ContaPrevista(9)}, 20, AGORA)).startswith(words)


@pytest.mark.parametrize(
    ("tempo", "words"),
    [
        (timedelta(0), "menos de 1 min"),
        (timedelta(seconds=59), "menos de 1 min"),
        (timedelta(minutes=5, seconds=59), "5 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=2, minutes=7), "2 h 7 min"),
        (timedelta(days=1), "1 dia"),
        (timedelta(days=3, hours=4, minutes=9), "3 dias e 4 h"),
    ],
)
def test_a_span_is_written_with_its_two_largest_units(tempo: timedelta, words: str) -> None:
    assert duracao(tempo) == words


def test_a_few_names_are_told_and_the_others_counted() -> None:
    assert (nomes("ab"), nomes("abc"), nomes("abcde")) == ("a, b", "a, b, c", "a, b, c e mais 2")

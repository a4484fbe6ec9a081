"""`backtest` over real rows: pages, periods, and what the life of each chip makes of its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lib import ledger
from lib.db import Database
from lib.domain.chip import FaseWarmup
from lib.domain.trust import EntradasTrust, calcular
from lib.domain.trust_backtest import Ganho
from lib.models import Chip, ChipTrustHistorico
from lib.usecases.backtest_trust import backtest
from tests.builders import AGORA, gravar, id_of, um_chip

DIA = timedelta(days=1)
BOA = EntradasTrust(
    idade_dias=30, fase=FaseWarmup.OPERACAO, envios=200, entregues=190, respondidas=100, dias_sem_erro=7
)
VIROU = replace(BOA, envios_7d=40, entregues_7d=10, optouts_7d=4)
RUIM = EntradasTrust(idade_dias=0, fase=FaseWarmup.SETUP, erros_24h=5)


def uma_nota(chip: Chip, em: datetime, entradas: EntradasTrust, stored: Mapping[str, Any] | None = None) -> Any:
    trust = calcular(entradas)
    return ChipTrustHistorico(
        chip_id=id_of(chip),
        em=em,
        formula=trust.formula,
        score=trust.score,
        nivel=trust.nivel,
        partes=dict(trust.partes),
        entradas=asdict(entradas) if stored is None else dict(stored),
    )


async def cai(db: Database, chip: Chip, em: datetime) -> None:
    """WhatsApp restricts the chip."""
    async with db.connection() as driver:
        await driver.execute(
            "UPDATE chip SET status = 'restricted', status_motivo = 'teste', status_ator = 'gateway:evolution',"
            " status_desde = %s WHERE id = %s",
            (em, chip.id),
        )


async def uma_historia(db: Database) -> None:
    """Three chips: one that turned bad and was restricted 10 days ago, a calm one, one bad by the week alone."""
    caiu, calmo, virou = await gravar(db, *(um_chip(instancia=f"chip-{n}") for n in range(3)))
    old = {name: value for name, value in asdict(BOA).items() if not name.endswith("_7d")}
    await gravar(
        db,
        uma_nota(caiu, AGORA - 200 * DIA, RUIM),
        uma_nota(caiu, AGORA - 60 * DIA, BOA, old),
        uma_nota(caiu, AGORA - 12 * DIA, RUIM),
        uma_nota(calmo, AGORA - 300 * DIA, BOA),
        uma_nota(calmo, AGORA - 200 * DIA, BOA),
        uma_nota(virou, AGORA - 30 * DIA, BOA),
        uma_nota(virou, AGORA - 13 * DIA, VIROU),
        uma_nota(virou, AGORA + DIA, RUIM),  # not yet
    )
    await cai(db, caiu, AGORA - 10 * DIA)


@pytest.mark.parametrize("pagina", [1, 2, 3, 1_000])
async def test_the_pages_change_nothing(db: Database, pagina: int) -> None:
    await uma_historia(db)
    found = await backtest(db, ["v1", "v2"], 90, AGORA, pagina)
    # In force when the period begins, 90 days ago: one of 200 days for each of the first two.
    assert (found.chips, found.notas, found.notas_sem_semana) == (3, 6, 1)
    assert (found.quedas, found.chips_que_cairam) == (1, 1)
    assert found.dias_antes_de_queda == 7
    assert found.dias_sem_queda == (90 - 17) + (90 - 7) + (30 - 7)
    assert found.dias_sem_desfecho == 14
    bad, good = 30, 43 + 83 + 23
    v1, v2 = found.ordenacoes
    assert v1.auc == pytest.approx((2 * (good + bad * 0.5) + 5 * good * 0.5) / 7 / (bad + good))
    assert v2.auc is not None
    prospect = next(one for one in found.comparacoes[0].trocas if one.o_que is Ganho.PROSPECTAR)
    assert (prospect.perdem_agora, prospect.perdem_nomes, prospect.perdem_dias) == (1, ("chip-2",), 13)


async def test_a_page_costs_two_statements(db: Database) -> None:
    await uma_historia(db)
    with ledger.measure("backtest") as custo:
        found = await backtest(db, ["v1"], 90, AGORA, 4)
    assert found.notas == 6
    assert custo.statements == 2 * 2 + 1, custo.names


async def test_without_history_there_is_nothing_to_say(db: Database) -> None:
    await gravar(db, um_chip())
    found = await backtest(db, ["v1", "v2"], 90, AGORA)
    assert (found.notas, found.quedas, [one.auc for one in found.ordenacoes]) == (0, 0, [None, None])


async def test_two_scores_of_one_instant_are_both_seen(db: Database) -> None:
    [chip] = await gravar(db, um_chip())
    await gravar(db, uma_nota(chip, AGORA - DIA, BOA), uma_nota(chip, AGORA - DIA, RUIM))
    for pagina in (1, 2):
        assert (await backtest(db, ["v1"], 90, AGORA, pagina)).notas == 2

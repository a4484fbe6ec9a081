"""The flow `provisionar-chip`: which orders it takes up, how it counts them, what a plan shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from flows.parametros import Modo
from flows.provisionar import ParametrosProvisionar, find_orders, work
from lib.domain.provisao import PRAZO
from lib.queries import fluxo
from lib.settings import Settings
from lib.usecases import pedidos
from lib.usecases.provisionar import trava
from tests.usecases.guiche import POR, Guiche, guiche

pytestmark = pytest.mark.anyio
TODOS = ParametrosProvisionar()


@pytest.fixture
async def balcao(settings: Settings) -> AsyncIterator[Guiche]:
    async with guiche(settings) as opened:
        yield opened


async def achados(balcao: Guiche, parametros: ParametrosProvisionar = TODOS) -> list[tuple[int, ...]]:
    found = (await find_orders(balcao.resources, parametros, balcao.agora())).chunks
    return [tuple(chunk) for chunk in found]


async def test_a_run_takes_up_the_open_orders_a_chunk_each_and_finishes_them_side_by_side(balcao: Guiche) -> None:
    first, second, given_up = [await balcao.pedir() for _ in range(3)]
    await pedidos.desistir(balcao.resources, given_up, POR)
    chunks = await achados(balcao)
    assert chunks == [(first,), (second,)]
    done = await asyncio.gather(*(work(balcao.resources, chunk, Modo.APLICAR, balcao.agora()) for chunk in chunks))
    for part in done:
        assert (part.outcome.seen, part.outcome.eligible, part.outcome.changed, part.outcome.missing) == (1, 1, 1, 0)
        assert part.outcome.kinds["pronta"] == 1
    assert await achados(balcao) == []
    assert {row["etapa"] for row in await balcao.sql("SELECT etapa FROM provisao")} == {"pronta", "desistida"}
    assert sorted(await balcao.instancias()) == ["julia-0001", "julia-0002"]


async def test_a_run_for_one_order_leaves_the_others(balcao: Guiche) -> None:
    first, second = await balcao.pedir(), await balcao.pedir()
    assert await achados(balcao, ParametrosProvisionar(pedido=second)) == [(second,)]
    assert await achados(balcao, ParametrosProvisionar(pedido=first + 99)) == []


async def test_an_order_that_another_run_works_on_is_counted_and_left_to_it(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    async with fluxo.lock(balcao.resources.db, trava(pedido)):
        left = (await work(balcao.resources, [pedido], Modo.APLICAR, balcao.agora())).outcome
    assert (left.changed, left.skipped, left.missing) == (0, {"outra_execucao": 1}, 0)
    assert await balcao.numeros() == []


async def test_an_order_past_its_deadline_is_counted_as_a_persons_and_then_no_more(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    balcao.adiante[0] = PRAZO + timedelta(minutes=1)
    left = (await work(balcao.resources, [pedido], Modo.APLICAR, balcao.agora())).outcome
    assert (left.changed, left.skipped, left.missing) == (0, {"espera_uma_pessoa": 1}, 0)
    assert await achados(balcao) == []
    assert await balcao.numeros() == []


@pytest.mark.parametrize("modo", [Modo.PLANO, Modo.SIMULAR])
async def test_a_plan_says_the_next_step_of_each_order_and_does_nothing(balcao: Guiche, modo: Modo) -> None:
    pedido = await balcao.pedir()
    before = await balcao.sql("SELECT * FROM provisao")
    parametros = ParametrosProvisionar(modo=modo)
    [chunk] = (await find_orders(balcao.resources, parametros, balcao.agora())).chunks
    part = await work(balcao.resources, list(map(int, chunk)), modo, balcao.agora())
    assert (part.outcome.eligible, part.outcome.changed) == (1, 1)
    shown = ({"pedido": pedido, "etapa": "pedida", "próximo": "comprar o número na Salvy"},)
    assert part.plano == (shown if modo is Modo.PLANO else ())
    assert await balcao.sql("SELECT * FROM provisao") == before
    assert await balcao.numeros() == []

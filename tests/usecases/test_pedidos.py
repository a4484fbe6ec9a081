"""Orders given up and gone on with by people: what was done is undone once, what is in use is not touched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from lib.domain.provisao import ATIVACAO_MAX, EtapaProvisao
from lib.settings import Settings
from lib.usecases import pedidos
from lib.usecases.pedidos import PedidoRecusadoError
from lib.usecases.provisionar import Fim
from tests.usecases.guiche import POR, Guiche, guiche

pytestmark = pytest.mark.anyio


@pytest.fixture
async def balcao(settings: Settings) -> AsyncIterator[Guiche]:
    """Nobody pairs anything here, and activations take their time."""
    async with guiche(settings, pair_ms=-1) as opened:
        yield opened


async def desiste(balcao: Guiche, pedido: int) -> bool:
    return await pedidos.desistir(balcao.resources, pedido, POR)


async def numeros_em_uso(balcao: Guiche) -> int:
    return sum(one["status"] != "canceled" for one in await balcao.numeros())


@pytest.mark.parametrize("etapa", ["pedida", "comprada", "ativada", "instanciada"])
async def test_an_order_is_given_up_at_any_step_and_leaves_nothing(balcao: Guiche, etapa: str) -> None:
    pedido = await balcao.pedir()
    if etapa == "comprada":
        await balcao.falha("ativador.*", status=503)
    if etapa == "ativada":
        await balcao.falha("evolution.create", status=500)
    if etapa != "pedida":
        await balcao.ate(pedido, etapa)
    if etapa == "comprada":  # dropped before it asked for an activation, wherever it was
        await balcao.sql("DELETE FROM provisao_ativacao RETURNING id")
    await balcao.sandbox.control("DELETE", "/falhas")
    assert await desiste(balcao, pedido) is True
    assert await desiste(balcao, pedido) is False, "again changes nothing"
    await balcao.quando(balcao.instancias, "{}")
    assert await numeros_em_uso(balcao) == 0
    [row] = await balcao.sql("SELECT etapa, motivo FROM provisao")
    assert (row["etapa"], row["motivo"]) == ("desistida", f"desistência de {POR}")
    for chip in await balcao.sql("SELECT status, status_ator FROM chip"):
        assert (chip["status"], chip["status_ator"]) == ("cancelled", f"pessoa:{POR}")
    assert (await balcao.rodar(pedido)).fim is Fim.DESISTIDA
    with pytest.raises(PedidoRecusadoError, match="já terminou"):
        await pedidos.retomar(balcao.resources, pedido, ativada=False)


async def test_a_run_at_work_lets_go_of_an_order_that_is_given_up(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    run = asyncio.create_task(balcao.rodar(pedido))
    await balcao.quando(lambda: balcao.sql("SELECT etapa FROM provisao"), "instanciada")
    assert await desiste(balcao, pedido) is True
    assert (await run).fim in {Fim.PESSOA, Fim.DESISTIDA}
    assert await numeros_em_uso(balcao) == 0


async def test_a_number_whose_activation_runs_is_not_given_back(balcao: Guiche) -> None:
    await balcao.sandbox.control("PUT", "/ativador", {"passo_ms": 60_000})
    pedido = await balcao.pedir()
    await balcao.ate(pedido, "na_fila")
    with pytest.raises(PedidoRecusadoError, match="a ativação está em curso"):
        await desiste(balcao, pedido)
    assert await numeros_em_uso(balcao) == 1
    [row] = await balcao.sql("SELECT etapa, parada_em FROM provisao")
    assert (row["etapa"], row["parada_em"] is not None) == ("na_fila", True)
    balcao.adiante[0] = ATIVACAO_MAX + timedelta(seconds=1)
    assert await desiste(balcao, pedido) is True
    assert await numeros_em_uso(balcao) == 0


async def test_an_activation_that_may_have_been_taken_is_waited_for(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    await balcao.falha("ativador.*", cortar=True)
    await balcao.ate(pedido, "comprada")
    await balcao.sql(
        "INSERT INTO provisao_ativacao (provisao_id, pedida_em) SELECT id, now() FROM provisao ON CONFLICT DO NOTHING"
    )
    with pytest.raises(PedidoRecusadoError, match="pode estar na fila"):
        await desiste(balcao, pedido)
    assert await numeros_em_uso(balcao) == 1


async def test_a_purchase_in_doubt_is_found_and_given_back(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    await balcao.falha("salvy.v3.*", status=500, depois_de_aceitar=True)
    run = asyncio.create_task(balcao.rodar(pedido))
    await balcao.quando(balcao.numeros, "available")
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    await balcao.sandbox.control("DELETE", "/falhas")
    assert await desiste(balcao, pedido) is True
    assert await numeros_em_uso(balcao) == 0


async def test_a_purchase_that_may_yet_appear_is_waited_for(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    await balcao.sql("UPDATE provisao SET comprando_em = %s", balcao.agora())
    with pytest.raises(PedidoRecusadoError, match="ainda pode aparecer"):
        await desiste(balcao, pedido)
    balcao.adiante[0] = timedelta(seconds=1)
    assert await desiste(balcao, pedido) is True


async def test_what_could_not_be_given_back_stays_stopped_and_is_given_back_by_repeating_it(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    await balcao.ate(pedido, "instanciada")
    await balcao.falha("salvy.v3.cancel", status=500, vezes=1)
    with pytest.raises(PedidoRecusadoError, match="repita"):
        await desiste(balcao, pedido)
    assert (await balcao.rodar(pedido)).fim is Fim.PESSOA
    assert await desiste(balcao, pedido) is True
    assert await numeros_em_uso(balcao) == 0


async def test_a_chip_at_work_is_nothing_that_an_order_takes_away(settings: Settings) -> None:
    async with guiche(settings) as balcao:
        pedido = await balcao.pedir()
        await balcao.rodar(pedido)
        with pytest.raises(PedidoRecusadoError, match="já virou o chip julia-0001"):
            await desiste(balcao, pedido)
        assert await numeros_em_uso(balcao) == 1
        assert list(await balcao.instancias()) == ["julia-0001"]


async def test_a_chip_that_came_to_work_before_its_order_ended_is_left_alone(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    await balcao.ate(pedido, "instanciada")
    await balcao.sql("UPDATE chip SET status = 'warming', status_motivo = 'x', status_ator = 'gateway:evolution'")
    with pytest.raises(PedidoRecusadoError, match="em uso"):
        await desiste(balcao, pedido)
    assert await numeros_em_uso(balcao) == 1


async def test_orders_are_listed_with_their_numbers_masked(balcao: Guiche) -> None:
    first, second = await balcao.pedir(), await balcao.pedir()
    await balcao.ate(first, "instanciada")
    await desiste(balcao, second)
    [one] = await pedidos.listar(balcao.resources, todos=False, limite=10)
    assert (one.pedido, one.etapa, one.chip, one.numero) == (first, "instanciada", "julia-0001", "+55 41 9****-0001")
    both = await pedidos.listar(balcao.resources, todos=True, limite=10)
    assert [(o.pedido, o.etapa) for o in both] == [(second, "desistida"), (first, "instanciada")]


async def test_there_must_be_such_an_order_and_activated_is_said_of_a_bought_number_alone(balcao: Guiche) -> None:
    with pytest.raises(PedidoRecusadoError, match="não há pedido 99"):
        await desiste(balcao, 99)
    pedido = await balcao.pedir()
    with pytest.raises(PedidoRecusadoError, match="--ativado"):
        await pedidos.retomar(balcao.resources, pedido, ativada=True)
    assert (await pedidos.ver(balcao.resources, pedido)).etapa is EtapaProvisao.PEDIDA

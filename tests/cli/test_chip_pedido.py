"""`agente chip novo`, `pedidos`, `continuar`, `desistir` without Prefect: what they refuse, show and promise."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from lib.cli.chip import app
from lib.domain.provisao import PRAZO
from lib.settings import Settings, variable
from lib.usecases import pedidos
from tests.usecases.guiche import Guiche, de_guiche, guiche

pytestmark = pytest.mark.anyio


@pytest.fixture
async def balcao(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Guiche]:
    async with guiche(settings, pair_ms=-1) as opened:
        given = de_guiche(settings, opened.sandbox.url)
        for name in given.model_fields_set | {"ambiente"}:
            value = getattr(given, name)
            plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
            if isinstance(plain, str | int | float):
                monkeypatch.setenv(variable(name), str(plain))
        monkeypatch.delenv("PREFECT_API_URL", raising=False)
        monkeypatch.setenv("COLUMNS", "200")
        yield opened


async def agente(*words: str) -> Result:
    return await asyncio.to_thread(lambda: CliRunner().invoke(app, list(words)))


async def test_a_dry_run_says_what_would_be_done_and_does_nothing(balcao: Guiche) -> None:
    shown = await agente("novo", "--ddd", "41", "--seco")
    assert shown.exit_code == 0
    assert "há número em estoque. Custo: desconhecido" in shown.stdout
    assert "1. comprar o número na Salvy" in shown.stdout
    read = json.loads((await agente("novo", "--ddd", "41", "--seco", "--json")).stdout)
    assert (read["em_estoque"], read["custo"], len(read["passos"])) == (True, None, 5)
    assert (await balcao.numeros(), await balcao.sql("SELECT id FROM provisao")) == ([], [])


@pytest.mark.parametrize("seco", [(), ("--seco",)])
async def test_an_area_code_out_of_stock_is_refused_with_those_in_stock(balcao: Guiche, seco: tuple[str, ...]) -> None:
    refused = await agente("novo", "--ddd", "11", *seco)
    assert refused.exit_code == 1
    assert refused.stderr == "erro: não há número do DDD 11; em estoque: 41.\n"
    assert await balcao.sql("SELECT id FROM provisao") == []
    assert (await agente("novo", "--ddd", "7")).exit_code == 2


async def test_without_prefect_the_order_is_kept_and_the_way_on_is_said(balcao: Guiche) -> None:
    kept = await agente("novo", "--ddd", "41", "--por", "ana")
    assert kept.exit_code == 1
    assert "o pedido 1 ficou guardado; com o Prefect de pé: `agente chip continuar 1`" in kept.stderr
    [row] = await balcao.sql("SELECT etapa, pedida_por FROM provisao")
    assert row == {"etapa": "pedida", "pedida_por": "ana"}


async def test_orders_are_listed_with_what_to_do_about_those_that_stopped(balcao: Guiche) -> None:
    assert "Nenhum pedido aberto" in (await agente("pedidos")).stdout
    assert json.loads((await agente("pedidos", "--json")).stdout) == []
    pedido = await balcao.pedir()
    await balcao.ate(pedido, "instanciada")
    balcao.adiante[0] = PRAZO
    await balcao.rodar(pedido)
    shown = (await agente("pedidos")).stdout
    assert "julia-0001" in shown
    assert "parado: passou do prazo" in shown
    assert "Pedido 1: pareie com `agente chip qr julia-0001`" in shown
    [read] = json.loads((await agente("pedidos", "--json")).stdout)
    assert (read["etapa"], read["numero"], read["parado_em"] is not None) == ("instanciada", "+55 41 9****-0001", True)
    [numero] = await balcao.numeros()
    assert numero["telefone"] not in shown


async def test_giving_up_wants_a_yes_and_says_what_it_did(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    await balcao.ate(pedido, "instanciada")
    asked = await agente("desistir", "1")
    assert (asked.exit_code, "confirme com --sim" in asked.stderr) == (2, True)
    assert (await pedidos.ver(balcao.resources, pedido)).etapa == "instanciada"
    done = await agente("desistir", "1", "--sim", "--por", "ana")
    assert (done.exit_code, done.stdout) == (0, "Pedido 1 encerrado; o número foi devolvido.\n")
    again = await agente("desistir", "1", "--sim", "--json")
    assert json.loads(again.stdout) == {"pedido": 1, "desistido": True, "agora": False}
    assert [one["status"] for one in await balcao.numeros()] == ["canceled"]


@pytest.mark.parametrize("words", [("desistir", "9", "--sim"), ("continuar", "9")])
async def test_an_order_that_is_not_there_is_told_with_where_to_look(balcao: Guiche, words: tuple[str, ...]) -> None:
    refused = await agente(*words)
    assert refused.exit_code == 1
    assert refused.stderr == "erro: não há pedido 9; veja `agente chip pedidos --todos`.\n"


async def test_activated_is_said_of_a_bought_number_alone(balcao: Guiche) -> None:
    await balcao.pedir()
    refused = await agente("continuar", "1", "--ativado")
    assert (refused.exit_code, "número comprado e não ativado" in refused.stderr) == (1, True)


@pytest.mark.parametrize("nome", ["novo", "pedidos", "continuar", "desistir"])
def test_every_command_of_orders_has_an_example(nome: str) -> None:
    command = get_command(app).commands[nome]  # type: ignore[attr-defined]
    assert f"agente chip {nome}" in command.epilog

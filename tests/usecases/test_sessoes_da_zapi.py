"""A Z-API number in people's hands: three codes of 20 s at most, restart, logout; the number itself stays theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lib.db import Database
from lib.domain.chip import Gateway, StatusChip
from lib.providers.whatsapp import GatewayError
from lib.resources import Resources, open_resources
from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig
from lib.settings import Settings
from lib.usecases.chip_vida import Quem
from lib.usecases.instancia import Pedido, apagar_chip, criar_chip, reiniciar_chip, sair_chip
from lib.usecases.parear import Fim, Passo, parear
from tests.builders import gravar, um_chip
from tests.providers.caixa import Sandbox, serving
from tests.queries.fabrica import consulta

ZAPI = "3CSANDBOX01"
RITA = Quem("rita", "teste")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving(create_app(SandboxConfig())) as url:
        yield Sandbox(url)


@pytest.fixture
async def resources(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Resources]:
    keys = SandboxConfig()
    given = {
        "evolution_url": sandbox.url,
        "zapi_url": f"{sandbox.url}/zapi",
        "zapi_client_token": keys.zapi_client_token,
        "zapi_webhook_secret": "z" * 40,
        "zapi_instancias": dict(keys.zapi_instancias),
    }
    async with open_resources(Settings.model_validate({**settings.model_dump(), **given}), nome="testes") as opened:
        yield opened


async def fecha(sandbox: Sandbox, estado: str = "close") -> None:
    await sandbox.control("PUT", f"/instancias/{ZAPI}", {"estado": estado})


async def um(db: Database, status: StatusChip = StatusChip.ACTIVE) -> None:
    await gravar(db, um_chip(instancia=ZAPI, gateway=Gateway.ZAPI, status=status, telefone="+5511900000101"))


async def status(db: Database) -> str:
    [row] = await consulta(db, "SELECT status FROM chip")
    return str(row["status"])


async def test_three_codes_are_shown_and_no_more(resources: Resources, sandbox: Sandbox) -> None:
    await um(resources.db)
    await fecha(sandbox)
    steps = [step async for step in parear(resources, ZAPI, RITA, sondagem_s=0.01, codigo_s=0.05)]
    assert [(step.n, step.qr is not None, step.fim) for step in steps] == [
        (1, True, None),
        (2, True, None),
        (3, True, None),
        (3, False, Fim.LIMITE),
    ]


async def test_a_number_that_is_scanned_is_connected_and_begins_to_warm_up(
    resources: Resources, sandbox: Sandbox
) -> None:
    await um(resources.db, StatusChip.PROVISIONED)
    await fecha(sandbox)
    steps: list[Passo] = []
    async for step in parear(resources, ZAPI, RITA, digitado=True, sondagem_s=0.01, codigo_s=5):
        steps.append(step)
        if step.codigo:
            await fecha(sandbox, "open")
    assert [(step.n, step.fim) for step in steps] == [(1, None), (1, Fim.CONECTADO)]
    assert await status(resources.db) == "warming"


async def test_a_session_is_ended_after_the_chip_was_paused_and_opened_anew(
    resources: Resources, sandbox: Sandbox
) -> None:
    await um(resources.db)
    await fecha(sandbox, "open")
    done = await sair_chip(resources, ZAPI, "celular trocado", RITA)
    assert (done.pausado, await status(resources.db)) == (True, "paused")
    assert resources.zapi
    assert not (await resources.zapi.situation(ZAPI)).conectado
    await reiniciar_chip(resources, ZAPI, RITA)
    assert (await resources.zapi.situation(ZAPI)).conectado


async def test_a_vendors_number_is_cancelled_here_and_entered_again_by_its_id(
    resources: Resources, sandbox: Sandbox
) -> None:
    made = await criar_chip(resources, Pedido(ZAPI, "11 90000-0101", gateway=Gateway.ZAPI), RITA)
    assert (made.cadastrado, made.instanciado, await status(resources.db)) == (True, False, "provisioned")
    for havia in (True, False):
        gone = await apagar_chip(resources, ZAPI, "devolvido", RITA)
        assert (gone.havia, await status(resources.db)) == (havia, "cancelled")
    await criar_chip(resources, Pedido(ZAPI, None, gateway=Gateway.ZAPI), RITA)
    assert await status(resources.db) == "provisioned"


async def test_an_id_that_the_vendor_does_not_know_is_told_and_can_be_asked_for_again(resources: Resources) -> None:
    for _ in range(2):
        with pytest.raises(GatewayError):
            await criar_chip(resources, Pedido("3C99", "11 90000-0102", gateway=Gateway.ZAPI), RITA)
    assert len(await consulta(resources.db, "SELECT 1 FROM chip")) == 1
    acts = await consulta(resources.db, "SELECT acao, resultado FROM auditoria")
    assert [act["acao"] for act in acts] == ["chip.criar"] * 2
    assert "feito" not in {act["resultado"] for act in acts}

"""Each number in use reports to us, whichever gateway it has, and what its gateway says of it is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI

from lib.auth import webhook_key
from lib.db import Database
from lib.domain.chip import Gateway, StatusChip, TipoChip
from lib.models import Chip
from lib.providers.zapi_webhook import path_key
from lib.queries import chip
from lib.resources import Resources, open_resources
from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig
from lib.sandbox.courier import Courier
from lib.sandbox.evolution_instances import new_instance
from lib.sandbox.evolution_wire import Desk
from lib.sandbox.faults import Falha
from lib.sandbox.meta import meta_routes
from lib.sandbox.meta_world import MetaKeys, MetaWorld
from lib.sandbox.poster import Poster
from lib.sandbox.world import World
from lib.sandbox.zapi import zapi_routes
from lib.sandbox.zapi_world import ZapiWorld
from lib.settings import Ambiente, Settings
from lib.usecases.instancias import RealGatewayError, ligar_chips
from tests.builders import gravar, um_chip
from tests.conftest import WEBHOOK_SECRET
from tests.providers.caixa import Sandbox, serving

pytestmark = pytest.mark.anyio

API = "http://agente.test:8000"
ZAPI, META = "3C01", "200000000000001"
CONTA, OUTRA_CONTA = "100000000000001", "100000000000002"
SEGREDO_ZAPI = "z" * 40
CLIENT_TOKEN, INSTANCIAS = "sandbox-zapi-conta", {ZAPI: "sandbox-zapi-token"}
COM_ZAPI = {"zapi_client_token": CLIENT_TOKEN, "zapi_instancias": INSTANCIAS}
COM_META = {"meta_token": "sandbox-meta-token", "meta_app_secret": "m" * 40, "meta_verify_token": "v" * 40}


@dataclass(frozen=True)
class Vendedores:
    """Z-API and Meta on a socket, with one number each."""

    desk: Desk
    zapi: ZapiWorld
    meta: MetaWorld
    url: str


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving(create_app(SandboxConfig(pair_ms=10))) as url:
        yield Sandbox(url)


@pytest.fixture
async def resources(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Resources]:
    given = settings.model_copy(update={"evolution_url": sandbox.url, "api_url": API})
    async with open_resources(given, nome="teste") as opened:
        yield opened


async def three_of_ours(db: Database) -> None:
    """Numbers that should be connected, and some that should not."""
    ours = [
        um_chip(instancia=f"julia-{status.value}", status=status, conectado=False)
        for status in (StatusChip.ACTIVE, StatusChip.WARMING, StatusChip.READY)
    ]
    others = [
        um_chip(instancia="escuta-01", tipo=TipoChip.LISTENER),
        *[um_chip(instancia=f"fora-{s.value}", status=s) for s in (StatusChip.BANNED, StatusChip.PAUSED)],
    ]
    await gravar(db, *ours, *others)


async def webhook_of(resources: Resources, instancia: str) -> dict[str, Any]:
    """What the gateway has stored."""
    answer = await resources.get_http_client("evolution").get(
        f"/webhook/find/{instancia}", headers={"apikey": "sandbox-evolution-key"}
    )
    found: dict[str, Any] = answer.json()
    return found


async def test_only_numbers_in_use_are_connected_with_our_webhook_and_its_key(
    resources: Resources, db: Database
) -> None:
    await three_of_ours(db)
    done = await ligar_chips(resources)
    assert sorted(done.abertas) == ["julia-active", "julia-ready", "julia-warming"]
    assert (done.criadas, done.atualizadas, done.fechadas, dict(done.falhas)) == (3, 0, {}, {})
    assert {instance.nome for instance in await resources.evolution.fetch_instances()} == set(done.abertas)
    webhook = await webhook_of(resources, "julia-active")
    assert webhook["url"] == f"{API}/webhooks/evolution/julia-active"
    assert webhook["headers"]["x-agente-webhook-key"] == webhook_key(WEBHOOK_SECRET, "julia-active")


async def test_what_the_gateway_says_of_the_connection_is_stored(resources: Resources, db: Database) -> None:
    await three_of_ours(db)
    await ligar_chips(resources)
    async with db.session() as session:
        rows = [await session.get(Chip, n) for n in (1, 2, 3)]
    assert [row.conectado for row in rows if row] == [True] * 3
    assert await chip.mark_connections(db, {"julia-active": True}, resources.clock()) == 0


async def test_repeating_it_creates_nothing_and_puts_a_changed_webhook_right(
    resources: Resources, db: Database
) -> None:
    await three_of_ours(db)
    await ligar_chips(resources)
    await resources.evolution.set_webhook("julia-active", "http://outro.test/velho", {})
    again = await ligar_chips(resources)
    assert (again.criadas, again.atualizadas, len(again.abertas)) == (0, 3, 3)
    assert (await webhook_of(resources, "julia-active"))["url"] == f"{API}/webhooks/evolution/julia-active"


async def test_one_number_that_the_gateway_refuses_does_not_stop_the_others(
    resources: Resources, db: Database, sandbox: Sandbox
) -> None:
    await three_of_ours(db)
    await sandbox.control("PUT", "/falhas", {"alvo": "evolution.create", "status": 500, "vezes": 1})
    done = await ligar_chips(resources)
    assert (len(done.abertas), len(done.falhas), done.total) == (2, 1, 3)


async def test_a_gateway_that_is_not_the_sandbox_is_not_touched_outside_production(
    settings: Settings, db: Database
) -> None:
    await three_of_ours(db)
    async with open_resources(settings, nome="teste") as resources:
        with pytest.raises(RealGatewayError):
            await ligar_chips(resources)
        asked = await ligar_chips(resources, gateway_real=True)
    assert len(asked.falhas) == 3


@pytest.fixture
async def vendedores() -> AsyncIterator[Vendedores]:
    desk = Desk(World(SandboxConfig()))
    zapi = ZapiWorld(desk, CLIENT_TOKEN, INSTANCIAS)
    meta = MetaWorld(desk.world, MetaKeys(token=COM_META["meta_token"]))
    number = new_instance(META, {"number": "5511900000100"})
    number.provedor, number.state = "meta", "open"
    desk.world.save(number)
    desk.courier_now = Courier(Poster(5.0), Poster(5.0), desk.fresh_policy(), "", desk.world.rng)
    app = FastAPI()
    for method, path, endpoint in (*zapi_routes(desk, zapi), *meta_routes(desk, meta)):
        app.add_route(path, endpoint, methods=[method])
    async with serving(app) as url:
        yield Vendedores(desk, zapi, meta, url)
        await zapi.close()
        await desk.courier().close()


@pytest.fixture
def tres(settings: Settings, sandbox: Sandbox, vendedores: Vendedores) -> Settings:
    """Settings of all three gateways."""
    given = {
        "evolution_url": sandbox.url,
        "api_url": API,
        "zapi_url": f"{vendedores.url}/zapi",
        "zapi_webhook_secret": f"{SEGREDO_ZAPI},{'y' * 40}",
        "meta_url": f"{vendedores.url}/meta",
    }
    return Settings.model_validate({**settings.model_dump(), **COM_ZAPI, **COM_META, **given})


async def one_each(db: Database, *more: Chip) -> None:
    chips = (
        um_chip(instancia="julia-01", conectado=False),
        um_chip(instancia=ZAPI, gateway=Gateway.ZAPI, conectado=False),
        um_chip(instancia=META, gateway=Gateway.META, conta=CONTA, conectado=False),
    )
    await gravar(db, *chips, *more)


async def test_each_gateways_number_reports_to_us_and_is_known_to_be_connected(
    tres: Settings, db: Database, vendedores: Vendedores
) -> None:
    await one_each(db)
    async with open_resources(tres, nome="teste") as resources:
        for criadas in (1, 0):
            done = await ligar_chips(resources)
            assert (done.abertas, dict(done.fechadas), dict(done.falhas)) == (("julia-01", ZAPI, META), {}, {})
            assert (done.criadas, done.atualizadas) == (criadas, 3 - criadas)
    told = vendedores.zapi.instance(ZAPI)
    assert told
    assert told.webhook
    assert told.webhook.url == f"{API}/webhooks/zapi/{path_key(SEGREDO_ZAPI, ZAPI)}"
    assert vendedores.meta.inscritas == {CONTA}
    async with db.session() as session:
        rows = [await session.get(Chip, n) for n in (1, 2, 3)]
    assert [row.conectado for row in rows if row] == [True] * 3


async def test_an_account_with_two_numbers_is_subscribed_once(
    tres: Settings, db: Database, vendedores: Vendedores
) -> None:
    await one_each(db, um_chip(instancia="200000000000002", gateway=Gateway.META, conta=CONTA))
    # Were it asked twice, the second would be told that it was not done.
    vendedores.desk.world.faults.put([Falha(alvo="meta.subscribed_apps", vezes=1, status=500)])
    async with open_resources(tres, nome="teste") as resources:
        done = await ligar_chips(resources)
        assert set(done.falhas) == {META, "200000000000002"}
        assert vendedores.meta.inscritas == set()
        again = await ligar_chips(resources)
    assert (META in again.abertas, set(again.falhas)) == (True, {"200000000000002"})
    assert vendedores.meta.inscritas == {CONTA}


async def test_numbers_that_wait_for_a_person_are_told_with_their_gateway(
    tres: Settings, db: Database, vendedores: Vendedores
) -> None:
    await one_each(db)
    for name in (ZAPI, META):
        number = vendedores.zapi.instance(ZAPI) if name == ZAPI else vendedores.meta.instance(META)
        assert number
        number.state = "close"
        vendedores.desk.world.save(number)
    async with open_resources(tres, nome="teste") as resources:
        done = await ligar_chips(resources)
    assert (done.abertas, dict(done.falhas)) == (("julia-01",), {})
    assert dict(done.fechadas) == {ZAPI: Gateway.ZAPI, META: Gateway.META}


async def test_a_number_that_its_vendor_does_not_know_or_that_lacks_its_account_is_told_by_name(
    tres: Settings, db: Database
) -> None:
    unknown = um_chip(instancia="3C99", gateway=Gateway.ZAPI)
    await one_each(db, unknown, um_chip(instancia="200000000000009", gateway=Gateway.META))
    async with open_resources(tres, nome="teste") as resources:
        done = await ligar_chips(resources)
    assert (len(done.abertas), set(done.falhas)) == (3, {"3C99", "200000000000009"})
    assert "chip.conta" in done.falhas["200000000000009"]


async def test_a_number_whose_gateway_is_not_set_up_here_does_not_stop_the_others(
    resources: Resources, db: Database
) -> None:
    await one_each(db)
    done = await ligar_chips(resources)
    assert done.abertas == ("julia-01",)
    assert dict(done.falhas) == {ZAPI: "gateway zapi is not set up", META: "gateway meta is not set up"}


async def test_in_production_z_api_is_given_no_plain_http_address(
    tres: Settings, db: Database, vendedores: Vendedores
) -> None:
    await one_each(db)
    production = tres.model_copy(update={"ambiente": Ambiente.PRODUCAO})
    async with open_resources(production, nome="teste") as resources:
        done = await ligar_chips(resources)
    assert set(done.falhas) == {ZAPI}
    assert "https" in done.falhas[ZAPI]
    told = vendedores.zapi.instance(ZAPI)
    assert told
    assert told.webhook is None

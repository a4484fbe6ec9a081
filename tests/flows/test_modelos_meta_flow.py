from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from flows.modelos_meta import SEM_META, ParametrosModelosMeta, find_accounts, sync
from flows.parametros import Modo
from lib.db import Database
from lib.domain.chip import Gateway
from lib.queries import modelo_meta
from lib.resources import Resources, open_resources
from lib.sandbox.faults import Falha
from lib.sandbox.meta_world import CONTA
from lib.settings import Settings
from tests.builders import AGORA, gravar, um_chip
from tests.sandbox.meta_vivo import TOKEN, Vivo, vivo


@pytest.fixture
async def meta() -> AsyncIterator[Vivo]:
    async with vivo() as running:
        yield running


@pytest.fixture
async def com_meta(settings: Settings, meta: Vivo) -> AsyncIterator[Resources]:
    given = {
        "meta_url": f"{meta.url}/meta",
        "meta_token": TOKEN,
        "meta_app_secret": "s" * 40,
        "meta_verify_token": "v" * 40,
    }
    async with open_resources(Settings.model_validate({**settings.model_dump(), **given}), nome="testes") as opened:
        yield opened


async def chunks(resources: Resources) -> list[tuple[int, ...]]:
    found = (await find_accounts(resources, ParametrosModelosMeta(), AGORA)).chunks
    return [tuple(chunk) for chunk in found]


async def um_chip_da_meta(db: Database, conta: str = CONTA) -> None:
    await gravar(db, um_chip(gateway=Gateway.META, conta=conta))


async def test_a_run_brings_the_templates_and_a_second_one_changes_nothing(com_meta: Resources) -> None:
    await um_chip_da_meta(com_meta.db)
    await um_chip_da_meta(com_meta.db)
    [chunk] = await chunks(com_meta)
    first = (await sync(com_meta, chunk, Modo.APLICAR, AGORA)).outcome
    assert (first.seen, first.eligible, first.changed, first.missing) == (3, 3, 3, 0)
    assert first.kinds == {"novos": 3}
    again = (await sync(com_meta, chunk, Modo.APLICAR, AGORA)).outcome
    assert (again.seen, again.eligible, again.changed) == (3, 0, 0)


async def test_a_plan_says_what_would_change_and_writes_nothing(com_meta: Resources) -> None:
    await um_chip_da_meta(com_meta.db)
    [chunk] = await chunks(com_meta)
    planned = await sync(com_meta, chunk, Modo.PLANO, AGORA)
    simulated = await sync(com_meta, chunk, Modo.SIMULAR, AGORA)
    assert planned.plano == ({"conta": CONTA, "lidos": 3, "novos": 3, "mudados": 0, "ausentes": 0},)
    assert simulated.plano == ()
    assert planned.outcome == simulated.outcome
    assert await modelo_meta.list_all(com_meta.db) == []


async def test_an_account_that_meta_does_not_tell_of_is_a_failure_and_loses_nothing(
    com_meta: Resources, meta: Vivo
) -> None:
    await um_chip_da_meta(com_meta.db)
    [chunk] = await chunks(com_meta)
    await sync(com_meta, chunk, Modo.APLICAR, AGORA)
    meta.desk.world.faults.put([Falha.model_validate({"alvo": "meta.templates", "status": 500})])
    failed = (await sync(com_meta, chunk, Modo.APLICAR, AGORA)).outcome
    assert (failed.eligible, failed.failed, failed.missing) == (1, {"GatewayError": 1}, 0)
    assert len(await modelo_meta.list_all(com_meta.db)) == 3


async def test_without_metas_numbers_or_settings_there_is_a_reason(settings: Settings) -> None:
    async with open_resources(settings, nome="testes") as bare:
        assert await chunks(bare) == []
        await um_chip_da_meta(bare.db)
        [chunk] = await chunks(bare)
        skipped = (await sync(bare, chunk, Modo.APLICAR, AGORA)).outcome
    assert (skipped.skipped, skipped.missing) == ({SEM_META: 1}, 0)

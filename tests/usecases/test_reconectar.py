"""Numbers without a connection are asked after while they are at work, and a newer word is never overruled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from lib.clock import utc_now
from lib.db import Database
from lib.domain.chip import StatusChip
from lib.queries import chip
from lib.resources import Resources, open_resources
from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig
from lib.settings import Settings
from lib.usecases.reconectar import reconectar
from tests.builders import AGORA, gravar, um_chip
from tests.providers.caixa import Sandbox, serving
from tests.queries.fabrica import consulta

JULIA = "julia-01"
MINUTO = timedelta(minutes=1)


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    async with serving(create_app(SandboxConfig())) as url:
        await Sandbox(url).open_instance(JULIA)
        async with open_resources(settings.model_copy(update={"evolution_url": url}), nome="testes") as opened:
            yield opened


async def conectado(db: Database) -> bool:
    [row] = await consulta(db, "SELECT conectado FROM chip")
    return bool(row["conectado"])


@pytest.mark.parametrize("status", list(StatusChip))
async def test_who_is_at_work_comes_back_and_nobody_else_is_asked_after(
    resources: Resources, status: StatusChip
) -> None:
    at_work = {"warming", "ready", "active", "degraded", "restricted"}
    away = {"conectado": False, "conexao_em": utc_now() - MINUTO}
    await gravar(resources.db, um_chip(instancia=JULIA, status=status, **away))
    assert await reconectar(resources) == (status in at_work)
    assert await conectado(resources.db) is (status in at_work)
    assert [row["status"] for row in await consulta(resources.db, "SELECT status FROM chip")] == [status]


@pytest.mark.parametrize("column", ["conexao_em", "conexao_vista_em"])
async def test_what_was_asked_before_a_newer_word_is_not_written(db: Database, column: str) -> None:
    row = um_chip(instancia=JULIA, conectado=False)
    setattr(row, column, AGORA)
    await gravar(db, row)
    assert await chip.mark_connections(db, {JULIA: True}, AGORA - MINUTO) == 0
    assert await chip.mark_connections(db, {JULIA: True}, AGORA) == 1
    [stored] = await consulta(db, "SELECT conectado, conexao_em, conexao_vista_em FROM chip")
    assert stored == {"conectado": True, "conexao_em": AGORA, "conexao_vista_em": AGORA}

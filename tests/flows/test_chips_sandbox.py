"""The sync against the sandbox as its own process: what the gateway lists after bans, drops and removals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from flows.chips import sync
from flows.outcome import Outcome
from flows.parametros import Modo
from lib.clock import utc_now
from lib.domain.chip import StatusChip
from lib.queries.conexao import VIVOS
from lib.resources import Resources, open_resources
from lib.settings import Settings
from tests.builders import gravar, um_chip
from tests.providers.caixa import Sandbox
from tests.queries.fabrica import consulta

DIA = timedelta(days=1)


@pytest.fixture
async def sandbox(sandbox_url: str) -> AsyncIterator[Sandbox]:
    running = Sandbox(sandbox_url)
    await running.control("DELETE", "/tudo")
    yield running
    await running.control("DELETE", "/tudo")


@pytest.fixture
async def resources(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Resources]:
    given = settings.model_copy(update={"evolution_url": sandbox.url})
    async with open_resources(given, nome="testes") as opened:
        yield opened


async def aberto(resources: Resources, sandbox: Sandbox, status: StatusChip = StatusChip.ACTIVE) -> str:
    """A chip at work for days, connected."""
    name, antes = f"julia-{uuid4().hex[:6]}", utc_now() - 9 * DIA
    await sandbox.open_instance(name)
    chip = um_chip(instancia=name, status=status, status_desde=antes, conexao_em=antes, telefone="+5511900000100")
    await gravar(resources.db, chip)
    return name


async def roda(resources: Resources, depois: timedelta = timedelta()) -> Outcome:
    return (await sync(resources, Modo.APLICAR, utc_now() + depois)).outcome


async def estado(resources: Resources) -> tuple[str, bool, int | None]:
    [row] = await consulta(resources.db, "SELECT status, conectado, queda_codigo FROM chip")
    return row["status"], row["conectado"], row["queda_codigo"]


@pytest.mark.parametrize("codigo", [401, 403, 406])
async def test_a_ban_whose_events_nobody_got_is_seen_in_the_list(
    resources: Resources, sandbox: Sandbox, codigo: int
) -> None:
    name = await aberto(resources, sandbox)
    assert (await roda(resources)).changed == 0
    await sandbox.control("PUT", f"/instancias/{name}/banimento", {"motivo": codigo})
    assert (await roda(resources)).kinds == {"banidos": 1}
    assert await estado(resources) == ("banned", False, codigo)


async def test_a_restriction_in_the_list_leaves_the_number_its_answers(resources: Resources, sandbox: Sandbox) -> None:
    name = await aberto(resources, sandbox)
    await sandbox.control("PUT", f"/instancias/{name}/banimento", {"motivo": 402})
    assert (await roda(resources)).kinds == {"restritos": 1}
    assert (await estado(resources))[0] == "restricted"


async def test_a_drop_that_ends_by_itself_is_not_even_in_the_list(resources: Resources, sandbox: Sandbox) -> None:
    name = await aberto(resources, sandbox)
    await sandbox.control("POST", f"/instancias/{name}/queda", {"ms": 60_000})
    assert (await roda(resources)).changed == 0
    assert await estado(resources) == ("active", True, None)


async def test_a_column_that_lags_is_believed_only_when_nobody_knows_better(
    resources: Resources, sandbox: Sandbox
) -> None:
    name = await aberto(resources, sandbox)
    await sandbox.control("PUT", "/evolution", {"coluna_ms": 300})
    await sandbox.control("POST", f"/instancias/{name}/saida", {})
    await consulta(resources.db, "UPDATE chip SET status = 'paused', status_motivo = 'x', status_ator = 'pessoa:rita'")
    await consulta(resources.db, "UPDATE chip SET conectado = false, conexao_em = now(), conexao_vista_em = now()")
    assert (await roda(resources)).changed == 0, "the list still says open, the webhook has just said close"
    assert (await estado(resources))[1] is False
    await asyncio.sleep(0.4)
    await roda(resources, timedelta(minutes=2))
    assert await estado(resources) == ("paused", False, 401)


@pytest.mark.parametrize("status", [StatusChip(status) for status in VIVOS])
async def test_an_instance_that_somebody_removed_is_a_lost_connection(
    resources: Resources, sandbox: Sandbox, status: StatusChip
) -> None:
    name = await aberto(resources, sandbox, status)
    await sandbox.control("PUT", "/instancias/outra", {"estado": "close"})
    await sandbox.control("DELETE", f"/instancias/{name}")
    outcome = await roda(resources)
    assert outcome.kinds == {"desconectados": 1}
    assert outcome.skipped == {"sem_numero": 1}
    assert await estado(resources) == (status, False, None)


async def test_the_last_instance_that_vanished_is_an_empty_list_and_not_believed(
    resources: Resources, sandbox: Sandbox
) -> None:
    name = await aberto(resources, sandbox)
    await sandbox.control("DELETE", f"/instancias/{name}")
    assert (await roda(resources)).failed == {"ListaVaziaError": 1}
    assert (await estado(resources))[1] is True


async def test_somebody_elses_instance_is_adopted_and_never_sends(resources: Resources, sandbox: Sandbox) -> None:
    await sandbox.open_instance("grupos")
    assert (await roda(resources)).kinds == {"adotados": 1}
    [row] = await consulta(resources.db, "SELECT tipo, status, conectado, telefone FROM chip")
    assert row == {"tipo": "listener", "status": "pending", "conectado": True, "telefone": "+5511900000100"}

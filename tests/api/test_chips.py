"""Our numbers over the API, and the picture of the code that pairs one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.app import create_app
from lib.auth import Papel
from lib.db import Database
from lib.domain.chip import Gateway, StatusChip
from lib.sandbox.app import create_app as create_sandbox
from lib.sandbox.config import SandboxConfig
from lib.settings import Settings
from tests.api.test_leitura import bearer
from tests.api.viva import Api
from tests.builders import gravar, id_of, um_chip
from tests.providers.caixa import Sandbox, serving
from tests.queries.fabrica import consulta

pytestmark = pytest.mark.anyio

JULIA = "julia-01"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving(create_sandbox(SandboxConfig(pair_ms=-1, qr_ms=20))) as url:
        yield Sandbox(url)


@pytest.fixture
async def com_gateway(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Api]:
    app = create_app(settings.model_copy(update={"evolution_url": sandbox.url}))
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=20) as client:
        yield Api(app, client)


async def pede(api: Api, db: Database, chip: str, papel: Papel = Papel.OPERATOR, **params: int) -> httpx.Response:
    return await api.client.get(f"/v1/chips/{chip}/qr", params=params, headers=await bearer(db, papel))


async def instancia(sandbox: Sandbox, estado: str = "close", nome: str = JULIA) -> None:
    await sandbox.control("PUT", f"/instancias/{nome}", {"estado": estado, "numero": "5511900000101"})


async def test_chips_come_in_pages_newest_first_with_masked_phones(api: Api, db: Database) -> None:
    made = await gravar(db, *(um_chip(telefone=f"+55119000001{n:02d}") for n in range(5)))
    headers = await bearer(db, Papel.VIEWER)
    seen: list[int] = []
    params: dict[str, Any] = {"limite": 2}
    while True:
        answer = await api.client.get("/v1/chips", params=params, headers=headers)
        assert answer.status_code == 200
        page = answer.json()
        seen += [item["id"] for item in page["itens"]]
        assert all(item["telefone"].startswith("+55 11 9****-01") for item in page["itens"])
        assert "5511900000" not in answer.text
        if page["proxima"] is None:
            break
        params["antes_de"] = page["proxima"]
    assert seen == sorted((id_of(chip) for chip in made), reverse=True)


async def test_chips_are_filtered_by_status_and_show_the_limits_in_force(api: Api, db: Database) -> None:
    await gravar(db, um_chip(limite_hora=21, limite_dia=80, rampup_parte=25), um_chip(status=StatusChip.BANNED))
    headers = await bearer(db, Papel.VIEWER)
    [active] = (await api.client.get("/v1/chips", params={"status": "active"}, headers=headers)).json()["itens"]
    assert (active["limite_hora"], active["limite_dia"], active["uso_hora"]) == (5, 20, 0)
    assert (await api.client.get("/v1/chips", params={"status": "x"}, headers=headers)).status_code == 422
    assert (await api.client.get("/v1/chips")).status_code == 401


async def test_the_code_is_a_picture_that_nobody_keeps(com_gateway: Api, db: Database, sandbox: Sandbox) -> None:
    [chip] = await gravar(db, um_chip(instancia=JULIA, status=StatusChip.PROVISIONED, conectado=False))
    await instancia(sandbox)
    for name in (JULIA, str(chip.id)):
        answer = await pede(com_gateway, db, name)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png"), answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content.startswith(b"\x89PNG")
    acts = await consulta(db, "SELECT ator, origem, acao, alvo, detalhes FROM auditoria ORDER BY id")
    assert acts[0]["acao"] == "chip.parear"
    assert (acts[0]["ator"], acts[0]["origem"], acts[0]["alvo"]) == ("teste", "api", f"chip:{chip.id}")
    assert "2@" not in str(acts)


async def test_reading_the_code_is_for_operators(com_gateway: Api, db: Database) -> None:
    await gravar(db, um_chip(instancia=JULIA))
    assert (await pede(com_gateway, db, JULIA, Papel.VIEWER)).status_code == 403
    assert (await com_gateway.client.get(f"/v1/chips/{JULIA}/qr")).status_code == 401


async def test_a_connected_number_has_no_code_and_is_known_to_be_connected(
    com_gateway: Api, db: Database, sandbox: Sandbox
) -> None:
    await gravar(db, um_chip(instancia=JULIA, conectado=False))
    await instancia(sandbox, "open")
    answer = await pede(com_gateway, db, JULIA)
    assert (answer.status_code, answer.json()["detail"]) == (409, "o chip já está conectado")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert await consulta(db, "SELECT conectado FROM chip") == [{"conectado": True}]


@pytest.mark.parametrize(
    ("over", "detalhe"),
    [
        ({"gateway": Gateway.META}, "WhatsApp Manager"),
        ({"status": StatusChip.BANNED}, "rearme"),
        ({"status": StatusChip.CANCELLED}, "cancelado"),
    ],
)
async def test_what_cannot_be_paired_is_a_conflict(
    com_gateway: Api, db: Database, over: dict[str, Any], detalhe: str
) -> None:
    await gravar(db, um_chip(instancia=JULIA, **over))
    answer = await pede(com_gateway, db, JULIA)
    assert (answer.status_code, detalhe in answer.json()["detail"]) == (409, True)


async def test_a_code_that_is_not_there_yet_may_be_asked_for_again(
    com_gateway: Api, db: Database, sandbox: Sandbox
) -> None:
    await gravar(db, um_chip(instancia=JULIA))
    await instancia(sandbox)
    await sandbox.control("PUT", "/evolution", {"qr_ms": -1})
    answer = await pede(com_gateway, db, JULIA, espera_s=1)
    assert (answer.status_code, answer.headers["retry-after"]) == (409, "2")
    assert answer.json()["detail"] == "ainda não há código; tente de novo"


async def test_unknown_chips_and_a_gateway_that_fails_are_told_apart(
    com_gateway: Api, db: Database, sandbox: Sandbox
) -> None:
    assert (await pede(com_gateway, db, "ninguem")).status_code == 404
    await gravar(db, um_chip(instancia=JULIA))
    await instancia(sandbox)
    await sandbox.control("PUT", "/falhas", {"alvo": "evolution.connect", "status": 500, "vezes": 1})
    answer = await pede(com_gateway, db, JULIA)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_outside_production_a_gateway_that_is_not_the_sandbox_is_not_paired(api: Api, db: Database) -> None:
    await gravar(db, um_chip(instancia=JULIA))
    answer = await pede(api, db, JULIA)
    assert (answer.status_code, "sandbox" in answer.json()["detail"]) == (409, True)


async def test_two_who_ask_at_once_see_the_same_code(com_gateway: Api, db: Database, sandbox: Sandbox) -> None:
    await gravar(db, um_chip(instancia=JULIA))
    await instancia(sandbox)
    first, second = await asyncio.gather(*(pede(com_gateway, db, JULIA) for _ in range(2)))
    assert first.content == second.content

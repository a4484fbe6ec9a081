"""Meta's numbers as it rates them: what their list shows, what is told of a change, what it does to sends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from lib.domain.evento import Recibo
from lib.errors import SendRefusedError
from lib.providers.meta_forma import EstadoNumero
from lib.sandbox.config import SandboxConfig
from lib.sandbox.evolution_instances import new_instance
from lib.sandbox.meta_messages import doctor_says
from lib.sandbox.meta_numeros import rate
from lib.sandbox.meta_world import CONTA
from lib.sandbox.world import NumeroMeta
from tests.sandbox.live import KEY, Receiver, serve, wait_for
from tests.sandbox.meta_vivo import CHIP, MEDICO, Vivo, envio, vivo

pytestmark = pytest.mark.anyio


@pytest.fixture
async def meta() -> AsyncIterator[Vivo]:
    async with vivo() as running:
        yield running


def another(meta: Vivo, name: str, conta: str = CONTA) -> None:
    instance = new_instance(name, {"number": "5511900000101"})
    instance.provedor, instance.state, instance.meta = "meta", "open", NumeroMeta(conta)
    meta.desk.world.save(instance)


async def told(meta: Vivo, quantas: int = 1) -> list[tuple[str, str, dict[str, Any]]]:
    """Account, field and value of what came; nothing else comes later."""
    await meta.until(lambda: meta.desk.courier().pending == 0 and len(meta.chegadas.came) >= quantas)
    entries = [orjson.loads(raw)["entry"][0] for raw, _ in meta.chegadas.came]
    return [(one["id"], one["changes"][0]["field"], one["changes"][0]["value"]) for one in entries]


async def test_all_numbers_of_an_account_are_listed_page_by_page_with_the_fields_asked_for(meta: Vivo) -> None:
    for n in range(130):
        another(meta, f"3000000000{n:05d}")
    another(meta, "400000000000001", "100000000000002")
    listed = await meta.conta.numbers(CONTA)
    assert len(listed) == 131
    assert list(await meta.conta.numbers("100000000000002")) == ["400000000000001"]
    assert listed[CHIP] == EstadoNumero(
        telefone="+5511900000100",
        nome="Agente Júlia",
        status="CONNECTED",
        qualidade="GREEN",
        nome_status="APPROVED",
        limite="TIER_2K",
        vazao="STANDARD",
    )
    headers = {"authorization": "Bearer sandbox-meta-token"}
    async with httpx.AsyncClient(base_url=f"{meta.url}/meta/v23.0", headers=headers) as client:
        body = (await client.get(f"/{CONTA}/phone_numbers", params={"fields": "status", "limit": 1})).json()
        assert body["data"] == [{"status": "CONNECTED", "id": CHIP}]
        assert body["paging"].keys() == {"cursors", "next"}
        usual = (await client.get(f"/{CONTA}/phone_numbers", params={"limit": 1})).json()["data"]
        assert usual[0].keys() == {"verified_name", "display_phone_number", "quality_rating", "id"}
        for path in (f"/{CONTA}/phone_numbers?fields=cor", "/999/phone_numbers"):
            refused = await client.get(path)
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, 100)


@pytest.mark.parametrize(
    ("before", "changes", "event", "limits"),
    [
        ({}, {"qualidade": "RED"}, "FLAGGED", {"current_limit": "TIER_2K"}),
        ({"qualidade": "RED"}, {"qualidade": "GREEN"}, "UNFLAGGED", {"current_limit": "TIER_2K"}),
        ({}, {"limite": "TIER_10K"}, "UPGRADE", {"old_limit": "TIER_2K", "current_limit": "TIER_10K"}),
        ({}, {"limite": "TIER_250"}, "DOWNGRADE", {"old_limit": "TIER_2K", "current_limit": "TIER_250"}),
    ],
)
async def test_a_change_of_quality_or_limit_is_told(
    meta: Vivo, before: dict[str, str], changes: dict[str, str], event: str, limits: dict[str, str]
) -> None:
    meta.chip.meta = replace(meta.chip.meta, **before)
    rate(meta.desk, meta.mundo, meta.chip, changes)
    value = {"display_phone_number": "5511900000100", "event": event, **limits}
    assert await told(meta) == [(CONTA, "phone_number_quality_update", value)]


async def test_between_green_and_yellow_nothing_is_told_and_the_list_alone_shows_it(meta: Vivo) -> None:
    rate(meta.desk, meta.mundo, meta.chip, {"qualidade": "YELLOW"})
    assert (await meta.conta.numbers(CONTA))[CHIP].qualidade == "YELLOW"
    assert await told(meta, 0) == []


async def test_the_limit_is_the_accounts(meta: Vivo) -> None:
    another(meta, "300000000000001")
    another(meta, "400000000000001", "100000000000002")
    rate(meta.desk, meta.mundo, meta.chip, {"limite": "TIER_100K"})
    assert {one.limite for one in (await meta.conta.numbers(CONTA)).values()} == {"TIER_100K"}
    assert (await meta.conta.numbers("100000000000002"))["400000000000001"].limite == "TIER_2K"
    rate(meta.desk, meta.mundo, meta.mundo.world.instances["400000000000001"], {"conta": CONTA})
    assert (await meta.conta.numbers(CONTA))["400000000000001"].limite == "TIER_100K"


async def test_a_banned_number_is_told_of_and_sends_nothing_until_it_is_back(meta: Vivo) -> None:
    doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Oi")
    await told(meta)
    meta.chegadas.came.clear()
    rate(meta.desk, meta.mundo, meta.chip, {"status": "BANNED", "conta": CONTA})
    [(conta, field, value)] = await told(meta)
    assert (conta, field, value["event"], value["ban_info"]["waba_ban_state"]) == (
        CONTA,
        "account_update",
        "DISABLED_UPDATE",
        "DISABLE",
    )
    with pytest.raises(SendRefusedError, match="131031"):
        await meta.client.send_text(envio())
    rate(meta.desk, meta.mundo, meta.chip, {"status": "CONNECTED"})
    assert [value["ban_info"] for _, _, value in await told(meta, 2)][1] == {"waba_ban_state": "REINSTATE"}
    await meta.client.send_text(envio())
    assert len(meta.desk.world.aceitas) == 1


async def test_a_restricted_number_answers_but_begins_nothing(meta: Vivo) -> None:
    rate(meta.desk, meta.mundo, meta.chip, {"status": "RESTRICTED"})
    [(_, _, value)] = await told(meta)
    assert (value["event"], value["restriction_info"][0]["restriction_type"]) == (
        "ACCOUNT_RESTRICTION",
        "RESTRICTED_BIZ_INITIATED_MESSAGING",
    )
    await meta.client.send_text(envio())
    [failed] = await meta.pecas(1)
    assert isinstance(failed.evento, Recibo)
    assert "131048" in str(failed.evento)
    doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Oi")
    await meta.client.send_text(envio())
    assert len(meta.desk.world.aceitas) == 1


def test_the_control_rates_a_number_and_a_restart_remembers_it(tmp_path: Path, receiver: Receiver) -> None:
    config = SandboxConfig(api_key=KEY, directory=tmp_path, api_url=receiver.url)
    with serve(config) as url, httpx.Client(base_url=f"{url}/_sandbox") as client:
        client.put(f"/instancias/{CHIP}", json={"provedor": "meta"}).raise_for_status()
        body = {"qualidade": "RED", "status": "FLAGGED", "limite": "TIER_250", "conta": "100000000000002"}
        shown = client.put(f"/meta/numeros/{CHIP}", json=body).raise_for_status().json()
        assert shown == body
        wait_for(lambda: len(receiver.bodies()) == 2)
        assert client.put("/meta/numeros/999", json=body).status_code == 404
        assert client.put(f"/meta/numeros/{CHIP}", json={"limite": "TIER_9"}).status_code == 422
    with serve(config) as url, httpx.Client(base_url=f"{url}/_sandbox") as client:
        again = client.put(f"/meta/numeros/{CHIP}", json={}).raise_for_status().json()
        assert again == shown

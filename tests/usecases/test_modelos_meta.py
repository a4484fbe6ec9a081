"""Our copy of Meta's templates, and what becomes of the account's stored webhooks."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from lib import ledger
from lib.db import Database, Row, Step
from lib.domain.chip import Gateway, StatusChip
from lib.domain.modelo_meta import preencher
from lib.errors import UnknownInstanceError
from lib.providers.whatsapp import GatewayError
from lib.queries import modelo_meta
from lib.queries.modelo_meta import Modelo, Sincronia
from lib.queries.webhook import Webhook
from lib.resources import Resources, open_resources
from lib.sandbox.faults import Falha
from lib.sandbox.meta_world import CONTA, Template
from lib.settings import Settings
from lib.usecases.modelos_meta import MetaNaoConfiguradaError, WebhookIlegivelError, atender, sincronizar
from tests.builders import AGORA, gravar, um_chip
from tests.sandbox.meta_vivo import CHIP, TOKEN, Vivo, vivo

PASTA = Path(__file__).parents[1] / "fixtures" / "meta"
DEPOIS = AGORA + timedelta(hours=1)
UM = Modelo("convite", "pt_BR", "MARKETING", "APPROVED", "Oi, {{1}}", 1)
DOIS = Modelo("aviso", "pt_BR", "UTILITY", "PENDING", "Oi", 0)


@pytest.fixture
async def meta() -> AsyncIterator[Vivo]:
    async with vivo() as running:
        yield running


@pytest.fixture
async def resources(settings: Settings, meta: Vivo) -> AsyncIterator[Resources]:
    given = {
        "meta_url": f"{meta.url}/meta",
        "meta_token": TOKEN,
        "meta_app_secret": "s" * 40,
        "meta_verify_token": "v" * 40,
    }
    async with open_resources(Settings.model_validate({**settings.model_dump(), **given}), nome="testes") as opened:
        yield opened


def linha(body: dict[str, Any] | bytes, tipo: str = "x") -> Webhook:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Webhook(1, "meta", tipo, hashlib.sha256(raw).hexdigest(), raw, DEPOIS)


def sample(nome: str, **value: Any) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads((PASTA / f"{nome}.json").read_bytes())
    body["entry"][0]["changes"][0]["value"] |= value
    return body


async def modelos(db: Database) -> dict[str, tuple[str, str, int]]:
    return {row["nome"]: (row["status"], row["corpo"], row["parametros"]) for row in await modelo_meta.list_all(db)}


async def avisos(db: Database) -> list[Row]:
    [rows] = await db.round_trip(Step(text("SELECT tipo, texto FROM aviso ORDER BY id")))
    return rows


async def test_a_sync_writes_what_changed_in_one_statement_and_marks_what_is_gone(db: Database) -> None:
    with ledger.measure("sync") as custo:
        first = await modelo_meta.sync(db, "1", [UM, DOIS], AGORA, grava=True)
    assert (first, custo.statements, custo.round_trips) == (Sincronia(2, 2, 0, 0, 2), 1, 1)
    assert await modelo_meta.sync(db, "1", [UM, DOIS, UM], DEPOIS, grava=True) == Sincronia(2, 0, 0, 0, 0)
    assert {row["atualizado_em"] for row in await modelo_meta.list_all(db)} == {AGORA}
    changed = Modelo("aviso", "pt_BR", "UTILITY", "APPROVED", "Oi!", 0)
    assert await modelo_meta.sync(db, "1", [changed], DEPOIS, grava=False) == Sincronia(1, 0, 1, 1, 0)
    assert (await modelos(db))["aviso"] == ("PENDING", "Oi", 0)
    assert await modelo_meta.sync(db, "1", [changed], DEPOIS, grava=True) == Sincronia(1, 0, 1, 1, 2)
    assert await modelos(db) == {"aviso": ("APPROVED", "Oi!", 0), "convite": ("AUSENTE", "Oi, {{1}}", 1)}
    assert await modelo_meta.sync(db, "1", [changed], DEPOIS, grava=True) == Sincronia(1, 0, 0, 0, 0)
    assert await modelo_meta.sync(db, "1", [UM, changed], DEPOIS, grava=True) == Sincronia(2, 0, 1, 0, 1)


@pytest.mark.parametrize(
    ("corpo", "parametros"),
    [("Oi, {{1}}! {{2}} ou {{1}}?", ["Helena", "sábado"]), ("Sem valores", []), ("{{2}} {{1}}", ["a", "b"])],
)
async def test_the_database_fills_in_a_template_as_the_domain_does(
    db: Database, corpo: str, parametros: list[str]
) -> None:
    sql = text("SELECT modelo_texto(:corpo, CAST(:parametros AS jsonb)) AS lido")
    [[row]] = await db.round_trip(Step(sql, {"corpo": corpo, "parametros": orjson.dumps(parametros).decode()}))
    assert row["lido"] == preencher(corpo, parametros)


async def test_what_meta_told_while_its_list_was_read_outlives_the_list(db: Database) -> None:
    await modelo_meta.sync(db, "1", [UM, DOIS], AGORA, grava=True)
    for modelo in (UM, DOIS):
        await modelo_meta.change(db, "1", modelo.nome, modelo.idioma, DEPOIS, status="PAUSED", categoria=None)
    await modelo_meta.sync(db, "1", [UM], AGORA + timedelta(minutes=1), grava=True)
    assert {row["status"] for row in await modelo_meta.list_all(db)} == {"PAUSED"}
    await modelo_meta.sync(db, "1", [UM], DEPOIS, grava=True)
    assert {row["status"] for row in await modelo_meta.list_all(db)} == {UM.status, "AUSENTE"}


async def test_accounts_do_not_touch_each_others_templates(db: Database) -> None:
    await modelo_meta.sync(db, "1", [UM], AGORA, grava=True)
    await modelo_meta.sync(db, "2", [DOIS], AGORA, grava=True)
    assert await modelo_meta.sync(db, "1", [], AGORA, grava=True) == Sincronia(0, 0, 0, 1, 1)
    assert (await modelos(db))["aviso"][0] == "PENDING"
    assert [row["conta"] for row in await modelo_meta.list_all(db, "2")] == ["2"]


async def test_the_accounts_are_those_of_metas_numbers_in_use(db: Database) -> None:
    meta = {"gateway": Gateway.META}
    chips = await gravar(
        db,
        um_chip(conta="20", **meta),
        um_chip(conta="10", **meta),
        um_chip(conta="20", **meta),
        um_chip(conta="30", status=StatusChip.BANNED, **meta),
        um_chip(conta=None, **meta),
        um_chip(conta="40"),
    )
    assert await modelo_meta.accounts(db) == [(chips[0].id, "20"), (chips[1].id, "10")]
    assert await modelo_meta.accounts_of(db, [chip.id or 0 for chip in chips[:3]]) == ["10", "20"]


async def test_the_templates_of_an_account_come_from_meta(resources: Resources, meta: Vivo) -> None:
    for n in range(40):
        meta.mundo.templates[f"m{n}", "pt_BR"] = Template(f"m{n}", "pt_BR", "Oi, {{1}}", status="PENDING")
    assert await sincronizar(resources, CONTA, AGORA, grava=False) == Sincronia(43, 43, 0, 0, 0)
    assert await sincronizar(resources, CONTA, AGORA) == Sincronia(43, 43, 0, 0, 43)
    assert (await modelos(resources.db))["m7"] == ("PENDING", "Oi, {{1}}", 1)


async def test_a_meta_that_does_not_answer_leaves_our_copy_as_it_is(resources: Resources, meta: Vivo) -> None:
    await sincronizar(resources, CONTA, AGORA)
    before = await modelos(resources.db)
    meta.desk.world.faults.put([Falha.model_validate({"alvo": "meta.templates", "status": 500})])
    with pytest.raises(GatewayError):
        await sincronizar(resources, CONTA, DEPOIS)
    assert await modelos(resources.db) == before


async def test_a_machine_without_meta_cannot_sync(settings: Settings) -> None:
    async with open_resources(settings, nome="testes") as bare:
        with pytest.raises(MetaNaoConfiguradaError):
            await sincronizar(bare, CONTA, AGORA)


async def test_a_paused_template_is_paused_at_once_and_people_are_told(resources: Resources) -> None:
    await sincronizar(resources, CONTA, AGORA)
    paused = linha(sample("template_status_update.paused"))
    for _ in range(2):
        await atender(resources, paused)
    assert (await modelos(resources.db))["convite_plantao_v1"][0] == "PAUSED"
    [aviso] = await avisos(resources.db)
    assert aviso["tipo"] == "integracao"
    assert aviso["texto"].startswith("Meta: o modelo convite_plantao_v1 (pt_BR) foi pausado: Your WhatsApp message")
    again = linha(sample("template_status_update.paused", event="REINSTATED", other_info=None))
    await atender(resources, again)
    assert (await modelos(resources.db))["convite_plantao_v1"][0] == "APPROVED"


async def test_what_is_older_than_our_copy_changes_nothing(resources: Resources) -> None:
    await sincronizar(resources, CONTA, DEPOIS + timedelta(hours=1))
    await atender(resources, linha(sample("template_status_update.paused")))
    assert (await modelos(resources.db))["convite_plantao_v1"][0] == "APPROVED"


async def test_a_template_that_we_do_not_know_yet_is_fetched(resources: Resources) -> None:
    await atender(resources, linha(sample("template_status_update.approved")))
    found = (await modelos(resources.db))["convite_plantao_v1"]
    assert (found[0], found[2]) == ("APPROVED", 1)


async def test_a_new_category_is_kept_and_a_flag_leaves_the_status(resources: Resources) -> None:
    await sincronizar(resources, CONTA, AGORA)
    body = sample("template_status_update.approved", event="FLAGGED", message_template_category="UTILITY")
    await atender(resources, linha(body))
    [row] = [row for row in await modelo_meta.list_all(resources.db) if row["nome"] == "convite_plantao_v1"]
    assert (row["status"], row["categoria"]) == ("APPROVED", "UTILITY")
    assert len(await avisos(resources.db)) == 1


async def test_an_alert_of_the_account_is_told_once_and_without_the_number(resources: Resources) -> None:
    value = {"event": "FLAGGED", "current_limit": "TIER_1K", "display_phone_number": "5511900000100"}
    change = {"field": "phone_number_quality_update", "value": value}
    body = {"entry": [{"id": CONTA, "changes": [change]}]}
    for _ in range(2):
        await atender(resources, linha(body))
    [aviso] = await avisos(resources.db)
    assert aviso["texto"] == "Meta: qualidade ou limite do número (número +55 11 9****-0100): FLAGGED"
    change["field"] = "something_of_2027"
    await atender(resources, linha(body))
    assert len(await avisos(resources.db)) == 1


async def test_a_message_of_a_number_that_became_a_chip_is_received_after_all(resources: Resources) -> None:
    body = sample("message.text_pre2026_no_bsuid")
    with pytest.raises(UnknownInstanceError):
        await atender(resources, linha(body))
    await gravar(resources.db, um_chip(instancia=CHIP, gateway=Gateway.META))
    for _ in range(2):
        await atender(resources, linha(body))
    [rows] = await resources.db.round_trip(Step(text("SELECT provider_msg_id, texto FROM inbox")))
    assert [(row["provider_msg_id"], row["texto"]) for row in rows] == [("wamid.OLD1", "Oi")]


@pytest.mark.parametrize("raw", [b"", b"{", b"{}", b"[]", b"null"])
async def test_what_cannot_be_read_stays_for_a_person(resources: Resources, raw: bytes) -> None:
    with pytest.raises(WebhookIlegivelError):
        await atender(resources, linha(raw))

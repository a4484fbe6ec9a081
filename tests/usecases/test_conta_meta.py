"""What Meta's account events do to its numbers."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from lib.db import Database, Row
from lib.domain.chip import Gateway, StatusChip
from lib.domain.chip_ciclo import RESTRICAO
from lib.providers.meta_alerta import read_account
from lib.queries.webhook import Webhook
from lib.resources import Resources, open_resources
from lib.settings import Settings
from lib.usecases.modelos_meta import atender
from tests.builders import AGORA, gravar, um_chip
from tests.queries.fabrica import consulta

CONTA, UM, DOIS = "100000000000001", "200000000000001", "200000000000002"
TELEFONE = "+5511900000100"
QUALIDADE, CONTA_MUDOU = "phone_number_quality_update", "account_update"
SEGUNDO, MINUTO, DIA = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
FLAGGED = {"display_phone_number": "5511900000100", "event": "FLAGGED", "current_limit": "TIER_1K"}


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    async with open_resources(settings, nome="testes", clock=lambda: AGORA + SEGUNDO) as opened:
        yield opened


async def diz(
    resources: Resources, campo: str, valor: dict[str, Any], em: datetime = AGORA, chegou: Any = None
) -> None:
    change = {"field": campo, "value": valor}
    entry = {"id": CONTA, "time": int(em.timestamp()), "changes": [change]}
    raw = orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})
    await atender(resources, Webhook(1, "meta", campo, hashlib.sha256(raw).hexdigest(), raw, chegou or em))


async def dois(db: Database, status: StatusChip = StatusChip.ACTIVE, **over: Any) -> None:
    ja = {"status_desde": AGORA - 9 * DIA, "conexao_em": AGORA - 9 * DIA, "gateway": Gateway.META, "conta": CONTA}
    await gravar(
        db,
        um_chip(instancia=UM, telefone=TELEFONE, status=status, **{**ja, **over}),
        um_chip(instancia=DOIS, **ja),
        um_chip(instancia="julia-01", conta=CONTA),
    )


async def chips(db: Database) -> dict[str, Row]:
    return {row["instancia"]: row for row in await consulta(db, "SELECT * FROM chip ORDER BY id")}


async def statuses(db: Database) -> dict[str, str]:
    return {name: row["status"] for name, row in (await chips(db)).items()}


@pytest.mark.parametrize(
    ("campo", "valor"),
    [
        (QUALIDADE, FLAGGED),
        (QUALIDADE, FLAGGED | {"event": "UPDATE", "new_quality_score": "RED"}),
        (QUALIDADE, FLAGGED | {"event": "RESTRICTED"}),
        (CONTA_MUDOU, {"phone_number": "5511900000100", "event": "RESTRICTED"}),
        (CONTA_MUDOU, {"phone_number": "+55 11 90000-0100", "event": "UPDATE", "status": "RESTRICTED"}),
        (CONTA_MUDOU, {"phone_number": "5511900000100", "event": "ACCOUNT_RESTRICTION"}),
    ],
)
async def test_a_number_of_bad_quality_or_restricted_writes_to_nobody_first(
    resources: Resources, campo: str, valor: dict[str, Any]
) -> None:
    await dois(resources.db, rampup_parte=75)
    await diz(resources, campo, valor)
    after = await chips(resources.db)
    row = after[UM]
    assert (row["status"], row["status_anterior"], row["conectado"]) == ("restricted", "active", True)
    assert (row["status_ator"], row["rampup_parte"]) == ("gateway:meta", 25)
    assert row["reply_only_until"] - AGORA in {RESTRICAO, RESTRICAO + SEGUNDO}
    assert (after[DOIS]["status"], after["julia-01"]["status"]) == ("active", "active")
    [told] = await consulta(resources.db, "SELECT texto FROM aviso WHERE tipo = 'chip_perdido'")
    assert told["texto"].startswith(f"{UM}: o WhatsApp só deixa este número responder")


async def test_a_banned_number_is_lost(resources: Resources) -> None:
    await dois(resources.db)
    await diz(resources, CONTA_MUDOU, {"phone_number": "5511900000100", "event": "BANNED"})
    row = (await chips(resources.db))[UM]
    assert (row["status"], row["conectado"], row["status_ator"]) == ("banned", False, "gateway:meta")
    assert (await statuses(resources.db))[DOIS] == "active"


async def test_an_account_that_is_disabled_takes_all_its_numbers_along_and_one_that_may_be_none(
    resources: Resources,
) -> None:
    await dois(resources.db)
    for state in ("SCHEDULE_FOR_DISABLE", "REINSTATE"):
        await diz(resources, CONTA_MUDOU, {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": state}})
        assert set((await statuses(resources.db)).values()) == {"active"}
    await diz(resources, CONTA_MUDOU, {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}})
    assert await statuses(resources.db) == {UM: "banned", DOIS: "banned", "julia-01": "active"}


async def test_a_restriction_of_the_account_lasts_as_long_as_meta_says_even_when_it_comes_late(
    resources: Resources,
) -> None:
    await dois(resources.db)
    until = AGORA + 3 * DIA
    info = [
        {"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION", "expiration": int((AGORA + 9 * DIA).timestamp())},
        {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": int(until.timestamp())},
    ]
    value = {"event": "ACCOUNT_RESTRICTION", "restriction_info": info}
    await diz(resources, CONTA_MUDOU, value, AGORA - DIA, chegou=AGORA)
    after = await chips(resources.db)
    assert {after[name]["reply_only_until"] for name in (UM, DOIS)} == {until}
    assert {after[name]["status"] for name in (UM, DOIS)} == {"restricted"}


@pytest.mark.parametrize(
    ("campo", "valor"),
    [
        (CONTA_MUDOU, {"event": "VERIFIED_ACCOUNT"}),
        (CONTA_MUDOU, {"event": "ACCOUNT_RESTRICTION", "restriction_info": []}),
        (CONTA_MUDOU, {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "ALCOHOL"}}),
        (
            CONTA_MUDOU,
            {"event": "ACCOUNT_RESTRICTION", "restriction_info": [{"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER"}]},
        ),
        ("account_review_update", {"decision": "RESTRICTED", "event": "BANNED"}),
        (QUALIDADE, FLAGGED | {"display_phone_number": "5511900000999"}),
        (QUALIDADE, FLAGGED | {"display_phone_number": "junk"}),
    ],
)
async def test_what_speaks_of_no_number_of_ours_or_of_no_loss_changes_no_status(
    resources: Resources, campo: str, valor: dict[str, Any]
) -> None:
    await dois(resources.db)
    await diz(resources, campo, valor)
    assert set((await statuses(resources.db)).values()) == {"active"}


@pytest.mark.parametrize("qualidade", ["GREEN", "YELLOW"])
async def test_a_good_quality_is_stored_and_clears_nothing_by_itself(resources: Resources, qualidade: str) -> None:
    until = AGORA + timedelta(hours=2)
    await dois(resources.db, StatusChip.RESTRICTED, reply_only_until=until, qualidade="RED")
    await diz(resources, QUALIDADE, FLAGGED | {"event": "UNFLAGGED", "new_quality_score": qualidade})
    row = (await chips(resources.db))[UM]
    assert (row["status"], row["reply_only_until"], row["qualidade"]) == ("restricted", until, qualidade)


async def test_an_event_that_comes_late_is_told_and_changes_nothing(resources: Resources) -> None:
    await dois(resources.db)
    await diz(resources, CONTA_MUDOU, {"phone_number": "5511900000100", "event": "BANNED"}, AGORA - DIA, chegou=AGORA)
    assert (await statuses(resources.db))[UM] == "active"
    assert len(await consulta(resources.db, "SELECT 1 FROM aviso WHERE tipo = 'integracao'")) == 1


async def test_an_event_older_than_what_is_known_of_the_number_changes_nothing(resources: Resources) -> None:
    await dois(resources.db, conexao_vista_em=AGORA)
    await diz(resources, CONTA_MUDOU, {"phone_number": "5511900000100", "event": "BANNED"}, AGORA - MINUTO, AGORA)
    assert (await statuses(resources.db))[UM] == "active"


async def test_the_same_event_twice_restricts_once_and_a_new_one_of_the_same_words_is_another(
    resources: Resources,
) -> None:
    await dois(resources.db)
    for _ in range(2):
        await diz(resources, QUALIDADE, FLAGGED)
    assert len(await consulta(resources.db, "SELECT 1 FROM chip_transicao")) == 1
    assert len(await consulta(resources.db, "SELECT 1 FROM aviso WHERE tipo = 'chip_perdido'")) == 1
    change = {"changes": [{"field": QUALIDADE, "value": FLAGGED}]}
    early, late = ({"entry": [{"id": CONTA, "time": time, **change}]} for time in (1_770_000_000, 1_790_000_000))
    assert read_account(early)[0].chave == read_account(early)[0].chave != read_account(late)[0].chave


@pytest.mark.parametrize(
    ("valor", "limite"),
    [
        ({"event": "UPGRADE", "current_limit": "TIER_10K", "old_limit": "TIER_1K"}, 10_000),
        ({"event": "DOWNGRADE", "current_limit": "TIER_250"}, 250),
        ({"event": "UPGRADE", "max_daily_conversations_per_business": "TIER_UNLIMITED"}, 2_147_483_647),
        ({"event": "UPGRADE", "current_limit": "TIER_NOT_SET"}, None),
        ({"event": "UPGRADE", "current_limit": 7}, None),
    ],
)
async def test_a_new_tier_is_the_accounts_limit_from_now_on(
    resources: Resources, valor: dict[str, Any], limite: int | None
) -> None:
    await dois(resources.db)
    await diz(resources, QUALIDADE, {"display_phone_number": "5511900000100", **valor})
    stored = await consulta(resources.db, "SELECT limite_dia FROM conta_meta")
    assert stored == ([] if limite is None else [{"limite_dia": limite}])
    assert set((await statuses(resources.db)).values()) == {"active"}


async def test_an_older_tier_never_takes_a_newer_ones_place(resources: Resources) -> None:
    await diz(resources, QUALIDADE, {"current_limit": "TIER_10K"})
    await diz(resources, QUALIDADE, {"current_limit": "TIER_250"}, AGORA - MINUTO)
    assert await consulta(resources.db, "SELECT tier FROM conta_meta") == [{"tier": "TIER_10K"}]

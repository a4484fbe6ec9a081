"""Meta's door: nothing without the signature over the raw bytes, every piece stored once, then exactly 200."""

from __future__ import annotations

import gzip
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text

from api.app import create_app
from api.webhooks.meta import CAMINHO, CORPO_MAX
from lib.db import Database, Row, Step
from lib.domain.chip import Gateway
from lib.settings import Settings
from tests.api.viva import Api
from tests.builders import gravar, um_chip
from tests.providers.caixa import serving

pytestmark = pytest.mark.anyio

NOVO, VELHO = "n" * 40, "v" * 40
VERIFICA = "token-de-verificacao"
CHIP = "200000000000001"
PASTA = Path(__file__).parents[1] / "fixtures" / "meta"
WEBHOOKS = sorted(path.stem for path in PASTA.glob("*.json") if not path.name.startswith("http."))
DA_CONTA = [nome for nome in WEBHOOKS if nome.startswith("template_")]


def sample(nome: str) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads((PASTA / f"{nome}.json").read_bytes())
    return body


def text_of(texto: str, *, msg_id: str = "wamid.T1", chip: str = CHIP, **over: Any) -> dict[str, Any]:
    body = sample("message.text_pre2026_no_bsuid")
    value = body["entry"][0]["changes"][0]["value"]
    value["metadata"]["phone_number_id"] = chip
    now = {"id": msg_id, "timestamp": str(int(datetime.now(UTC).timestamp())), "text": {"body": texto}}
    value["messages"][0] |= now | over
    return body


def signature(raw: bytes, secret: str = NOVO, digest: str = "sha256") -> str:
    return f"{digest}={hmac.new(secret.encode(), raw, digest).hexdigest()}"


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    meta = {
        "meta_url": "http://127.0.0.1:9",
        "meta_token": "sandbox-meta-token",
        "meta_app_secret": f"{NOVO},{VELHO}",
        "meta_verify_token": VERIFICA,
    }
    app = create_app(Settings.model_validate({**settings.model_dump(), **meta}))
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=20) as client:
        yield Api(app, client)


@pytest.fixture
async def _chip(db: Database) -> None:
    await gravar(db, um_chip(instancia=CHIP, gateway=Gateway.META, conta="100000000000001"))


async def rows(db: Database, sql: str = "SELECT * FROM inbox ORDER BY id") -> list[Row]:
    [found] = await db.round_trip(Step(text(sql)))
    return found


async def nothing_stored(db: Database) -> bool:
    counted = [await rows(db, f"SELECT FROM {table}") for table in ("inbox", "webhook", "delivery_event")]
    return counted == [[], [], []]


async def post(api: Api, raw: bytes | dict[str, Any], **headers: str) -> httpx.Response:
    content = raw if isinstance(raw, bytes) else orjson.dumps(raw)
    given = {"content-type": "application/json", "x-hub-signature-256": signature(content), **headers}
    return await api.client.post(CAMINHO, content=content, headers=given)


@pytest.mark.usefixtures("_chip")
@pytest.mark.parametrize("nome", WEBHOOKS)
async def test_every_sample_is_answered_with_200_and_stored_once(api: Api, db: Database, nome: str) -> None:
    for _ in range(3):
        answer = await post(api, sample(nome))
        assert (answer.status_code, answer.content) == (200, b"")
    [row] = await rows(
        db,
        "SELECT (SELECT count(*) FROM inbox) AS inbox, (SELECT count(*) FROM webhook) AS webhook, "
        "(SELECT count(*) FROM delivery_event) AS recibo",
    )
    assert sum(row.values()) == 1
    assert bool(row["webhook"]) is (nome in DA_CONTA)


@pytest.mark.usefixtures("_chip")
@pytest.mark.parametrize("texto", ["Olá! Amanhã às 7h? ☀️👩‍⚕️", "a/b </script>", "plain"])
async def test_the_signature_is_over_the_bytes_as_they_came(api: Api, db: Database, texto: str) -> None:
    body = text_of(texto)
    escaped = json.dumps(body, ensure_ascii=True).replace("/", "\\/").encode()
    plain = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    assert (await post(api, escaped)).status_code == 200
    assert [row["texto"] for row in await rows(db)] == [texto]
    answer = await post(api, plain, **{"x-hub-signature-256": signature(escaped)})
    assert answer.status_code == 401
    assert len(await rows(db)) == 1


@pytest.mark.usefixtures("_chip")
async def test_both_secrets_open_while_one_is_rotated_out(api: Api, db: Database) -> None:
    for n, secret in enumerate((NOVO, VELHO)):
        raw = orjson.dumps(text_of("Oi", msg_id=f"wamid.{n}"))
        assert (await post(api, raw, **{"x-hub-signature-256": signature(raw, secret)})).status_code == 200
    assert len(await rows(db)) == 2


@pytest.mark.usefixtures("_chip")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": "sha256="},
        {"x-hub-signature-256": "sha256=" + "0" * 64},
        {"x-hub-signature-256": signature(b"{}", "w" * 40)},
        {"x-hub-signature-256": signature(b"{}")},
        {"x-hub-signature": signature(orjson.dumps(sample("message.image")), digest="sha1")},
        {"x-hub-signature-256": signature(orjson.dumps(sample("message.image")), digest="sha1")},
        {"x-hub-signature-256": signature(orjson.dumps(sample("message.image"))).removeprefix("sha256=")},
        {"x-hub-signature-256": signature(orjson.dumps(sample("message.image"))).upper()},
    ],
)
async def test_without_the_right_signature_nothing_is_stored(api: Api, db: Database, headers: dict[str, str]) -> None:
    raw = orjson.dumps(sample("message.image"))
    answer = await api.client.post(CAMINHO, content=raw, headers={"content-type": "application/json", **headers})
    assert answer.status_code == 401
    assert await nothing_stored(db)


async def test_a_machine_without_meta_refuses_everything(settings: Settings, db: Database) -> None:
    async with serving(create_app(settings)) as url, httpx.AsyncClient(base_url=url) as client:
        raw = orjson.dumps(sample("message.image"))
        headers = {"x-hub-signature-256": signature(raw, "")}
        assert (await client.post(CAMINHO, content=raw, headers=headers)).status_code == 401
        query = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
        assert (await client.get(CAMINHO, params=query)).status_code == 401
    assert await nothing_stored(db)


async def test_the_check_of_the_address_gets_its_challenge_back_as_it_came(api: Api) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFICA, "hub.challenge": "1158201444"}
    answer = await api.client.get(CAMINHO, params=query)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in (
        {},
        {**query, "hub.verify_token": "outro"},
        {**query, "hub.verify_token": ""},
        {**query, "hub.mode": "unsubscribe"},
        {**query, "hub.challenge": ""},
        {"hub.challenge": "1"},
    ):
        assert (await api.client.get(CAMINHO, params=wrong)).status_code == 401


@pytest.mark.usefixtures("_chip")
async def test_a_batch_is_stored_piece_by_piece_and_a_number_of_nobodys_does_not_hold_up_the_rest(
    api: Api, db: Database
) -> None:
    whole = text_of("Um", msg_id="wamid.1")
    whole["entry"] += text_of("De outro", msg_id="wamid.2", chip="299999999999999")["entry"]
    whole["entry"] += sample("status.delivered")["entry"]
    whole["entry"] += text_of("Dois", msg_id="wamid.3")["entry"]
    whole["entry"] += sample("template_status_update.paused")["entry"]
    for _ in range(2):
        assert (await post(api, whole)).status_code == 200
    assert [row["texto"] for row in await rows(db)] == ["Um", "Dois"]
    assert [row["status"] for row in await rows(db, "SELECT status FROM delivery_event")] == ["delivered"]
    kept = await rows(db, "SELECT tipo, raw FROM webhook WHERE source = 'meta' ORDER BY tipo")
    assert [row["tipo"] for row in kept] == ["message_template_status_update", "sem_chip"]
    assert b"De outro" in bytes(kept[1]["raw"])
    assert b"Dois" not in bytes(kept[1]["raw"])


@pytest.mark.usefixtures("_chip")
async def test_the_same_piece_in_another_batch_is_the_same_row(api: Api, db: Database) -> None:
    system = sample("message.system_user_changed_number")
    assert (await post(api, system)).status_code == 200
    again = text_of("Oi")
    again["entry"] += system["entry"]
    assert (await post(api, again)).status_code == 200
    assert [row["tipo"] for row in await rows(db)] == ["evento", "mensagem"]


@pytest.mark.usefixtures("_chip")
async def test_a_doctor_without_a_phone_gets_one_conversation_and_later_the_phone(api: Api, db: Database) -> None:
    who = {"from_user_id": "BR.90000000000000000001"}
    hidden = text_of("Oi", msg_id="wamid.1", **who)
    value = hidden["entry"][0]["changes"][0]["value"]
    del value["messages"][0]["from"]
    value["contacts"] = [{"profile": {"name": "Dra. Ficticia"}, "user_id": who["from_user_id"]}]
    assert (await post(api, hidden)).status_code == 200
    [medico] = await rows(db, "SELECT telefone, lid FROM medico")
    assert (medico["telefone"], medico["lid"]) == (None, "BR.90000000000000000001")
    assert (await post(api, text_of("Meu número", msg_id="wamid.2", **who))).status_code == 200
    [medico] = await rows(db, "SELECT telefone, lid FROM medico")
    assert (medico["telefone"], medico["lid"]) == ("+5511900001001", "BR.90000000000000000001")
    assert len({row["conversation_id"] for row in await rows(db)}) == 1


@pytest.mark.usefixtures("_chip")
@pytest.mark.parametrize(
    "raw", [b"", b"{", b"null", b"[]", b"{}", b"NaN", b"\x00\xff", b'{"entry":[{"changes":[{}]}]}']
)
async def test_what_is_authentic_and_not_understood_is_kept_and_answered_with_200(
    api: Api, db: Database, raw: bytes
) -> None:
    for _ in range(2):
        assert (await post(api, raw)).status_code == 200
    [row] = await rows(db, "SELECT tipo, source FROM webhook")
    assert row["source"] == "meta"


@pytest.mark.usefixtures("_chip")
async def test_a_thousand_updates_in_three_megabytes_are_let_in(api: Api, db: Database) -> None:
    whole: dict[str, Any] = {"object": "whatsapp_business_account", "entry": []}
    for n in range(1_000):
        status = sample("status.delivered")["entry"][0]
        status["changes"][0]["value"]["statuses"][0] |= {"id": f"wamid.S{n}", "padding": "x" * 2_300}
        whole["entry"].append(status)
    raw = orjson.dumps(whole)
    assert 2_500_000 < len(raw) <= CORPO_MAX
    assert (await post(api, raw)).status_code == 200
    [row] = await rows(db, "SELECT count(*) AS n FROM delivery_event")
    assert row["n"] == 1_000


async def test_too_much_too_deep_or_compressed_is_refused_unstored(api: Api, db: Database) -> None:
    assert (await post(api, b"x" * (CORPO_MAX + 1))).status_code == 413
    assert (await post(api, b"[" * 100_000)).status_code in {400, 413, 422}
    packed = gzip.compress(orjson.dumps(sample("message.image")))
    assert (await post(api, packed, **{"content-encoding": "gzip"})).status_code == 415
    assert await nothing_stored(db)


@pytest.mark.usefixtures("_chip")
async def test_a_stop_told_to_whatsapp_itself_is_an_opt_out(api: Api, db: Database) -> None:
    assert (await post(api, text_of("Oi"))).status_code == 200
    body = text_of("")
    change = body["entry"][0]["changes"][0]
    change["field"] = "user_preferences"
    del change["value"]["messages"]
    change["value"]["user_preferences"] = [
        {"wa_id": "5511900001001", "value": "stop", "category": "marketing_messages"}
    ]
    assert (await post(api, body)).status_code == 200
    [row] = await rows(db, "SELECT permissao FROM doctor_state")
    assert row["permissao"] == "opted_out"


@pytest.mark.usefixtures("_chip")
async def test_a_thousand_failures_in_one_batch_are_stored_with_what_they_say(api: Api, db: Database) -> None:
    assert (await post(api, text_of("Oi"))).status_code == 200
    whole: dict[str, Any] = {"object": "whatsapp_business_account", "entry": []}
    for n in range(1_000):
        status = sample("status.failed_131026")["entry"][0]
        status["changes"][0]["value"]["statuses"][0] |= {"id": f"wamid.F{n}"}
        status["changes"][0]["value"]["metadata"]["phone_number_id"] = CHIP
        whole["entry"].append(status)
    assert (await post(api, whole)).status_code == 200
    assert await rows(db, "SELECT count(*) AS n FROM delivery_event") == [{"n": 1_000}]

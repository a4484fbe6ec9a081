"""Z-API's door: the path is the key, the body must be of the same instance, and nothing of a path is ever logged."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text

from api.app import create_app
from api.webhooks.corpo import CORPO_MAX
from lib import log
from lib.auth import webhook_key
from lib.db import Database, Row, Step
from lib.domain.chip import Gateway
from lib.providers.zapi_webhook import path_key
from lib.settings import Settings
from tests.api.viva import Api
from tests.builders import gravar, um_chip
from tests.conftest import WEBHOOK_SECRET
from tests.providers.caixa import serving

pytestmark = pytest.mark.anyio

SEGREDO = "z" * 40
INSTANCIA = "3C0000000000000000000000000000A1"
PATH = f"/webhooks/zapi/{path_key(SEGREDO, INSTANCIA)}"
PASTA = Path(__file__).parents[1] / "fixtures/zapi"


def sample(name: str, **over: Any) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads((PASTA / f"{name}.json").read_bytes())
    return body | over


@pytest.fixture
def com_zapi(settings: Settings) -> Settings:
    zapi = {
        "zapi_url": "http://127.0.0.1:9",
        "zapi_client_token": "sandbox-zapi-token",
        "zapi_instancias": {INSTANCIA: "t"},
        "zapi_webhook_secret": f"{'n' * 40},{SEGREDO}",
    }
    return Settings.model_validate({**settings.model_dump(), **zapi})


@pytest.fixture
async def api(com_zapi: Settings) -> AsyncIterator[Api]:
    app = create_app(com_zapi)
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        yield Api(app, client)


@pytest.fixture
async def _chip(db: Database) -> None:
    await gravar(db, um_chip(instancia=INSTANCIA, gateway=Gateway.ZAPI))


async def rows(db: Database, sql: str = "SELECT * FROM inbox ORDER BY id") -> list[Row]:
    [found] = await db.round_trip(Step(text(sql)))
    return found


@pytest.mark.usefixtures("_chip")
async def test_a_message_is_stored_before_it_is_accepted_and_a_duplicate_changes_nothing(
    api: Api, db: Database
) -> None:
    for _ in range(2):
        answer = await api.client.post(PATH, json=sample("received.text"))
        assert (answer.status_code, answer.content) == (202, b"")
    [row] = await rows(db)
    assert (row["source"], row["tipo"], row["texto"]) == ("zapi", "mensagem", "Oi, tenho interesse no plantão")


@pytest.mark.usefixtures("_chip")
@pytest.mark.parametrize("vazio", [{}, {"text": {"message": ""}}, {"text": {}}], ids=str)
async def test_a_placeholder_and_the_message_it_stood_for_are_both_stored(
    api: Api, db: Database, vazio: dict[str, object]
) -> None:
    waiting = sample("received.waiting_message") | vazio
    real = waiting | {"waitingMessage": False, "text": {"message": "agora sim"}}
    for body in (waiting, real):
        assert (await api.client.post(PATH, json=body)).status_code == 202
    assert [(row["tipo"], row["texto"]) for row in await rows(db)] == [("evento", None), ("mensagem", "agora sim")]


@pytest.mark.usefixtures("_chip")
async def test_a_status_about_two_messages_is_two_receipts(api: Api, db: Database) -> None:
    assert (await api.client.post(PATH, json=sample("status.READ"))).status_code == 202
    found = await rows(db, "SELECT provider_msg_id, status FROM delivery_event ORDER BY provider_msg_id")
    ids = ["D241ZAPI732339502B68", "D241ZAPI732339502B69"]
    assert [(row["provider_msg_id"], row["status"]) for row in found] == [(one, "READ") for one in ids]


@pytest.mark.usefixtures("_chip")
async def test_the_chip_is_disconnected_and_connected_as_told(api: Api, db: Database) -> None:
    assert (await api.client.post(PATH, json=sample("disconnected"))).status_code == 202
    assert [row["conectado"] for row in await rows(db, "SELECT conectado FROM chip")] == [False]
    connected = {"type": "ConnectedCallback", "connected": True, "instanceId": INSTANCIA}
    assert (await api.client.post(PATH, json=connected)).status_code == 202
    assert [row["conectado"] for row in await rows(db, "SELECT conectado FROM chip")] == [True]


@pytest.mark.usefixtures("_chip")
@pytest.mark.parametrize("raw", [b"", b"{", b"null", b"[]", b'{"type":"Novo"}', b"{}", b"NaN", b"\x00\xff"])
async def test_what_is_authentic_and_not_understood_is_stored_and_accepted(api: Api, db: Database, raw: bytes) -> None:
    assert (await api.client.post(PATH, content=raw)).status_code == 202
    [row] = await rows(db)
    assert bytes(row["raw"]) == raw
    assert row["desfecho"]


@pytest.mark.usefixtures("_chip")
@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/zapi/x",
        f"/webhooks/zapi/{INSTANCIA}",
        f"/webhooks/zapi/{INSTANCIA}.",
        f"{PATH}0",
        PATH[:-1],
        f"/webhooks/zapi/{path_key(SEGREDO, 'outra').replace('outra', INSTANCIA)}",
        f"/webhooks/zapi/{path_key(WEBHOOK_SECRET, INSTANCIA)}",
        f"/webhooks/zapi/{INSTANCIA}.{webhook_key(SEGREDO, INSTANCIA)}",
    ],
)
async def test_a_wrong_key_is_401_counted_and_nothing_is_stored(api: Api, db: Database, path: str) -> None:
    answer = await api.client.post(path, json=sample("received.text"))
    assert answer.status_code == 401
    assert (await rows(db), api.app.state.recusados) == ([], 1)


@pytest.mark.usefixtures("_chip")
async def test_the_right_path_with_another_instances_body_is_401(api: Api, db: Database) -> None:
    answer = await api.client.post(PATH, json=sample("received.text", instanceId="3C0000000000000000000000000000B2"))
    assert answer.status_code == 401
    assert not await rows(db)


@pytest.mark.usefixtures("_chip")
async def test_both_secrets_open_the_door_while_they_rotate(api: Api, db: Database) -> None:
    for secret in ("n" * 40, SEGREDO):
        path = f"/webhooks/zapi/{path_key(secret, INSTANCIA)}"
        assert (await api.client.post(path, json=sample("received.text"))).status_code == 202
    assert len(await rows(db)) == 1


async def test_an_instance_that_we_do_not_know_yet_is_503(api: Api, db: Database) -> None:
    answer = await api.client.post(PATH, json=sample("received.text"))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert not await rows(db)


@pytest.mark.usefixtures("_chip")
async def test_a_body_over_the_limit_is_413_and_a_compressed_one_415(api: Api) -> None:
    assert (await api.client.post(PATH, content=b"x" * (CORPO_MAX + 1))).status_code == 413
    zipped = {"content-encoding": "gzip"}
    assert (await api.client.post(PATH, content=b"x", headers=zipped)).status_code == 415


@pytest.mark.usefixtures("_chip")
async def test_without_a_secret_the_door_is_shut(settings: Settings) -> None:
    async with serving(create_app(settings)) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        for key in (path_key(SEGREDO, INSTANCIA), path_key("", INSTANCIA), f"{INSTANCIA}."):
            assert (await client.post(f"/webhooks/zapi/{key}", json=sample("received.text"))).status_code in {401, 404}


async def test_the_paths_key_is_in_no_log(api: Api) -> None:
    out = io.StringIO()
    log.configure(json=True, stream=out)
    try:
        for path, over in ((PATH, {}), (PATH, {"instanceId": "outra"}), (f"{PATH}x", {})):
            assert (await api.client.post(path, json=sample("received.text", **over))).status_code >= 400
    finally:
        log.configure(json=True)  # closes what was open, so that all is written
    assert out.getvalue().count("refused") >= 2
    assert PATH.rpartition(".")[2] not in out.getvalue()

"""Calls for an account: templates by page, numbers, files, blocked users."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import orjson
import pytest
import respx

from lib.http import open_client
from lib.providers.baixar import Baixador
from lib.providers.meta import BASE_URL, Meta
from lib.providers.meta_conta import HOSTS_MIDIA, MetaConta
from lib.providers.meta_forma import read_template
from lib.providers.whatsapp import GatewayError

RAIZ = f"{BASE_URL}/v23.0"
CHIP, CONTA = "200000000000001", "100000000000001"


@pytest.fixture
async def conta() -> AsyncIterator[MetaConta]:
    async with open_client(BASE_URL) as client:
        yield MetaConta(Meta(client, "segredo", 2.0))


def row(nome: str, *components: dict[str, Any], **over: Any) -> dict[str, Any]:
    given = {"name": nome, "language": "pt_BR", "status": "APPROVED", "category": "UTILITY", "id": "1"}
    return {**given, "components": list(components), **over}


BODY = {"type": "BODY", "text": "Oi, {{ 1 }}! Plantão {{2}}."}


@respx.mock
async def test_templates_come_page_by_page_and_metas_own_next_address_is_never_followed(conta: MetaConta) -> None:
    evil = respx.get(host="evil.example")
    pages = {
        None: {"data": [row("a", BODY)], "paging": {"cursors": {"after": "C1"}, "next": "https://evil.example/?t=1"}},
        "C1": {"data": [row("b", BODY), {"nada": 1}], "paging": {"cursors": {"after": "C2"}}},
    }
    route = respx.get(f"{RAIZ}/{CONTA}/message_templates").mock(
        side_effect=lambda request: httpx.Response(200, json=pages[request.url.params.get("after")])
    )
    found = await conta.templates(CONTA)
    assert [(one.nome, one.idioma, one.corpo, one.parametros) for one in found] == [
        ("a", "pt_BR", "Oi, {{1}}! Plantão {{2}}.", 2),
        ("b", "pt_BR", "Oi, {{1}}! Plantão {{2}}.", 2),
    ]
    assert [call.request.url.params["limit"] for call in route.calls] == ["100", "100"]
    assert route.calls.last.request.headers["authorization"] == "Bearer segredo"
    assert not evil.called


@respx.mock
@pytest.mark.parametrize("page", [{}, {"data": {}}, [], {"data": None}])
async def test_a_list_that_is_none_is_no_empty_account(conta: MetaConta, page: Any) -> None:
    respx.get(f"{RAIZ}/{CONTA}/message_templates").respond(200, json=page)
    with pytest.raises(GatewayError, match="no list came"):
        await conta.templates(CONTA)


@respx.mock
async def test_pages_that_never_end_are_given_up(conta: MetaConta) -> None:
    same = {"data": [row("a")], "paging": {"cursors": {"after": "C"}, "next": "https://x"}}
    respx.get(f"{RAIZ}/{CONTA}/message_templates").respond(200, json=same)
    with pytest.raises(GatewayError, match="the same page again"):
        await conta.templates(CONTA)
    counter = iter(range(1_000))

    def other(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={**same, "paging": {"cursors": {"after": f"C{next(counter)}"}, "next": "x"}})

    route = respx.get(f"{RAIZ}/{CONTA}/message_templates").mock(side_effect=other)
    with pytest.raises(GatewayError, match="more than 5000"):
        await conta.templates(CONTA)
    assert route.call_count <= 52


@pytest.mark.parametrize(
    ("components", "parametros"),
    [
        ([{"type": "BODY", "text": "Sem valores"}], 0),
        ([{"type": "body", "text": "{{1}} {{2}} {{1}}"}], 2),
        ([{"type": "BODY", "text": "Oi, {{nome}}"}], -1),
        ([{"type": "BODY", "text": "{{2}}"}], -1),
        ([BODY, {"type": "HEADER", "format": "TEXT", "text": "Plantões"}], 2),
        ([BODY, {"type": "HEADER", "format": "TEXT", "text": "Oi {{1}}"}], -1),
        ([BODY, {"type": "HEADER", "format": "IMAGE"}], -1),
        ([BODY, {"type": "FOOTER", "text": "Júlia"}], 2),
        ([BODY, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Sim"}]}], 2),
        ([BODY, {"type": "BUTTONS", "buttons": [{"type": "URL", "url": "https://x/{{1}}"}]}], -1),
        ([BODY, {"type": "BUTTONS", "buttons": [{"type": "OTP"}]}], -1),
        ([BODY, {"type": "CAROUSEL"}], -1),
        ([], 0),
    ],
)
def test_a_template_that_wants_more_than_values_of_its_body_is_none_that_we_can_fill(
    components: list[dict[str, Any]], parametros: int
) -> None:
    found = read_template(row("m", *components))
    assert found is not None
    assert found.parametros == parametros


@respx.mock
async def test_an_accounts_events_are_asked_for_and_listed(conta: MetaConta) -> None:
    path = f"{RAIZ}/{CONTA}/subscribed_apps"
    post = respx.post(path).respond(200, json={"success": True})
    respx.get(path).respond(200, json={"data": [{"whatsapp_business_api_data": {"id": "5", "name": "x"}}, {}, 7]})
    await conta.subscribe(CONTA)
    assert post.called
    assert list(await conta.subscribed_apps(CONTA)) == ["5"]


@respx.mock
async def test_a_number_is_added_checked_and_registered(conta: MetaConta) -> None:
    add = respx.post(f"{RAIZ}/{CONTA}/phone_numbers").respond(200, json={"id": CHIP})
    assert await conta.add_number(CONTA, "55", "11900000100", "Júlia") == CHIP
    assert orjson.loads(add.calls.last.request.content) == {
        "cc": "55",
        "phone_number": "11900000100",
        "verified_name": "Júlia",
    }
    steps = {
        "request_code": {"code_method": "SMS", "language": "pt_BR"},
        "verify_code": {"code": "123456"},
        "register": {"messaging_product": "whatsapp", "pin": "000111"},
    }
    routes = {name: respx.post(f"{RAIZ}/{CHIP}/{name}").respond(200, json={"success": True}) for name in steps}
    await conta.request_code(CHIP, "SMS")
    await conta.verify_code(CHIP, "123456")
    await conta.register(CHIP, "000111")
    for name, body in steps.items():
        assert orjson.loads(routes[name].calls.last.request.content) == body
    off = respx.post(f"{RAIZ}/{CHIP}/deregister").respond(200, json={"success": True})
    await conta.deregister(CHIP)
    assert off.called
    respx.post(f"{RAIZ}/{CHIP}/register").respond(400, json={"error": {"code": 133005, "message": "PIN"}})
    with pytest.raises(GatewayError, match="PIN"):
        await conta.register(CHIP, "1")


@respx.mock
async def test_users_are_blocked_by_number_or_user_id(conta: MetaConta) -> None:
    path = f"{RAIZ}/{CHIP}/block_users"
    post, delete = respx.post(path).respond(200, json={}), respx.delete(path).respond(200, json={})
    await conta.block_users(CHIP, ["5511900001001", "BR.90000000000000000001"])
    await conta.unblock_users(CHIP, ["5511900001001"])
    assert orjson.loads(post.calls.last.request.content) == {
        "messaging_product": "whatsapp",
        "block_users": [{"user": "5511900001001"}, {"user_id": "BR.90000000000000000001"}],
    }
    assert orjson.loads(delete.calls.last.request.content)["block_users"] == [{"user": "5511900001001"}]


@respx.mock
async def test_a_file_is_stored_found_and_fetched_through_the_guard(conta: MetaConta) -> None:
    upload = respx.post(f"{RAIZ}/{CHIP}/media").respond(200, json={"id": "300"})
    assert await conta.upload_media(CHIP, "voz.ogg", "audio/ogg", b"OggS...") == "300"
    request = upload.calls.last.request
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    for part in (b'name="messaging_product"\r\n\r\nwhatsapp', b'name="type"\r\n\r\naudio/ogg', b"OggS..."):
        assert part in request.content
    assert b'name="file"; filename="voz.ogg"\r\nContent-Type: audio/ogg' in request.content
    node = {"url": "https://lookaside.fbsbx.com/f?mid=1", "mime_type": "audio/ogg", "sha256": "s", "file_size": "7"}
    where = respx.get(f"{RAIZ}/300").respond(200, json=node)
    found = await conta.media("300", CHIP)
    assert (found.mimetype, found.bytes) == ("audio/ogg", 7)
    assert "mid=1" not in repr(found)
    assert where.calls.last.request.url.params["phone_number_id"] == CHIP

    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return ("157.240.12.34",)

    file = respx.get(host="157.240.12.34").respond(200, content=b"OggS...")
    async with open_client() as client:
        fetched = await conta.download_media(Baixador(client, HOSTS_MIDIA, resolver), "300", CHIP)
        assert (fetched.conteudo, fetched.mimetype) == (b"OggS...", "audio/ogg")
        assert file.calls.last.request.headers["authorization"] == "Bearer segredo"
        respx.get(f"{RAIZ}/300").respond(200, json={**node, "url": "https://169.254.169.254/"})
        with pytest.raises(GatewayError, match="not the provider's"):
            await conta.download_media(Baixador(client, HOSTS_MIDIA, resolver), "300", CHIP)


@respx.mock
async def test_an_answer_without_what_was_asked_for_is_a_typed_error(conta: MetaConta) -> None:
    respx.get(f"{RAIZ}/300").respond(200, json={"mime_type": "x"})
    respx.post(f"{RAIZ}/{CHIP}/media").respond(200, json={"id": 7})
    respx.post(f"{RAIZ}/{CONTA}/subscribed_apps").respond(200, json={})
    for asked in (
        conta.media("300", CHIP),
        conta.upload_media(CHIP, "a", "image/png", b"x"),
        conta.subscribe(CONTA),
    ):
        with pytest.raises(GatewayError):
            await asked


async def test_the_token_is_in_no_repr(conta: MetaConta) -> None:
    assert "segredo" not in repr(conta)

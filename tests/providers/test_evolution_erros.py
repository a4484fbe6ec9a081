"""Every error that Evolution documents, and every broken answer: permanent, channel down, again, or unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx

from lib.errors import AgenteError, SendRefusedError, SendUnknownError
from lib.http import HttpPool, Upstream
from lib.providers.chamada import Falha, ProviderError
from lib.providers.evolution import Evolution
from lib.providers.evolution_envios import Arquivo, TipoMidia
from lib.providers.evolution_grupos import ConviteRecusadoError, MotivoConvite
from lib.providers.whatsapp import Envio, GatewayError, NothingSentError

pytestmark = pytest.mark.anyio

BASE = "http://evolution.test"
PHONE = "5511900000001"
DESDE = datetime(2026, 1, 1, tzinfo=UTC)
CONVITE = "F1EX5QZxO181L3TMVP31gY"
GRUPO = "120363000000000001@g.us"
NUNCA, FORA, DE_NOVO, INCERTA = Falha.PERMANENTE, Falha.CANAL_FORA, Falha.REPETIR, Falha.INCERTA
SEM_SOCKET = "Cannot read properties of undefined (reading '{}')"
ENVIA, PRESENCA, ESTADO = "sendText", "sendPresence", "connectionState"


@pytest.fixture
async def gateway() -> AsyncIterator[Evolution]:
    pool = HttpPool({"evolution": Upstream("evolution", BASE)})
    yield Evolution(pool.get_http_client("evolution"), "chave", 0.5)
    await pool.close_http_client()


async def faz(gateway: Evolution, chamada: str) -> object:
    """Make one call by Evolution's name of it."""
    image = Arquivo(TipoMidia.IMAGEM, "https://midia.invalid/a.png")
    calls: dict[str, Any] = {
        ENVIA: lambda: gateway.send_text(Envio("chip-01", PHONE, "oi", outbox_id=1)),
        "sendMedia": lambda: gateway.send_media("chip-01", PHONE, image),
        "sendWhatsAppAudio": lambda: gateway.send_audio("chip-01", PHONE, "AAAA"),
        PRESENCA: lambda: gateway.send_presence("chip-01", PHONE, 1),
        ESTADO: lambda: gateway.connection_state("chip-01"),
        "create": lambda: gateway.create_instance("chip-01", None, "http://hook.test", {}),
        "connect": lambda: gateway.connect("chip-01"),
        "restart": lambda: gateway.restart("chip-01"),
        "logout": lambda: gateway.logout("chip-01"),
        "fetchInstances": gateway.fetch_instances,
        "markMessageAsRead": lambda: gateway.mark_read("chip-01", PHONE, ["3A"]),
        "whatsappNumbers": lambda: gateway.check_numbers("chip-01", [PHONE]),
        "getBase64FromMediaMessage": lambda: gateway.download_media("chip-01", "3A"),
        "webhookSet": lambda: gateway.set_webhook("chip-01", "http://hook.test", {}),
        "setPresence": lambda: gateway.set_presence("chip-01", disponivel=True),
        "inviteInfo": lambda: gateway.invite_info("chip-01", CONVITE),
        "acceptInviteCode": lambda: gateway.accept_invite("chip-01", CONVITE),
        "fetchAllGroups": lambda: gateway.fetch_groups("chip-01"),
        "findGroupInfos": lambda: gateway.find_group("chip-01", GRUPO),
        "participants": lambda: gateway.group_participants("chip-01", GRUPO),
        "inviteCode": lambda: gateway.group_invite("chip-01", GRUPO),
        "leaveGroup": lambda: gateway.leave_group("chip-01", GRUPO),
        "findMessages": lambda: gateway.find_sent("chip-01", PHONE, DESDE),
        "settingsFind": lambda: gateway.find_settings("chip-01"),
    }
    return await calls[chamada]()


def envelope(status: int, message: object) -> httpx.Response:
    return httpx.Response(status, json={"status": status, "error": "…", "response": {"message": message}})


def provider(failure: BaseException) -> ProviderError:
    cause = failure.__cause__
    assert isinstance(cause, ProviderError)
    return cause


@pytest.mark.parametrize(
    ("chamada", "status", "message", "falha"),
    [
        # The five shapes of `message`.
        (ENVIA, 401, "Unauthorized", FORA),
        (ENVIA, 400, ["Text is required"], NUNCA),
        (ENVIA, 400, [['instance requires property "text"']], NUNCA),
        (ENVIA, 400, [{"jid": f"{PHONE}@s.whatsapp.net", "exists": False, "number": PHONE}], NUNCA),
        (ENVIA, 400, [{"property": "instance.text", "message": "is required"}], NUNCA),
        (ENVIA, 400, ["[object Object]"], INCERTA),
        # A send: before it, and from inside it.
        (ENVIA, 403, "Forbidden", FORA),
        (ENVIA, 404, ['The "chip-01" instance does not exist'], FORA),
        (ENVIA, 404, ["Cannot POST /message/sendText/chip-01"], NUNCA),
        (ENVIA, 413, "request entity too large", NUNCA),
        (ENVIA, 429, "Too Many Requests", DE_NOVO),
        (ENVIA, 500, SEM_SOCKET.format("onWhatsApp"), FORA),
        (ENVIA, 500, "Connection Closed", FORA),
        (ENVIA, 500, "Precondition Required", FORA),
        (ENVIA, 500, "Timed Out", FORA),
        (ENVIA, 400, ["Error: Timed Out"], INCERTA),
        (ENVIA, 400, ["Error: Connection Closed"], INCERTA),
        (ENVIA, 400, ["PrismaClientKnownRequestError: Invalid `create()`"], INCERTA),
        (ENVIA, 500, ["Error: Connection Closed"], INCERTA),
        (ENVIA, 500, None, INCERTA),
        (ENVIA, 503, None, INCERTA),
        ("sendMedia", 400, ["Owned media must be a url or base64"], NUNCA),
        ("sendMedia", 400, [["mediatype is not one of enum values: image,document,video,audio"]], NUNCA),
        ("sendMedia", 500, ["TypeError: fetch failed"], DE_NOVO),
        (ENVIA, 500, ["TypeError: fetch failed"], INCERTA),
        ("sendWhatsAppAudio", 400, ["Owned media must be a url, base64, or valid file with buffer"], NUNCA),
        # Instances.
        ("create", 400, ["Invalid integration"], NUNCA),
        ("create", 403, ['This name "chip-01" is already in use.'], NUNCA),
        ("create", 401, "Unauthorized", FORA),
        (ESTADO, 404, ['The "chip-01" instance does not exist'], FORA),
        (ESTADO, 401, "Unauthorized", FORA),
        (ESTADO, 429, None, DE_NOVO),
        (ESTADO, 500, "x", DE_NOVO),
        (ESTADO, 502, None, DE_NOVO),
        ("restart", 404, ["Cannot PUT /instance/restart/chip-01"], NUNCA),
        ("webhookSet", 400, [['instance requires property "webhook"']], NUNCA),
        ("webhookSet", 500, SEM_SOCKET.format("length"), DE_NOVO),
        ("setPresence", 400, [f"TypeError: {SEM_SOCKET.format('sendPresenceUpdate')}"], FORA),
        # Conversations.
        (PRESENCA, 400, [f"TypeError: {SEM_SOCKET.format('onWhatsApp')}"], FORA),
        (PRESENCA, 400, ["Error: Timed Out"], DE_NOVO),
        (PRESENCA, 400, [['instance requires property "delay"']], NUNCA),
        ("markMessageAsRead", 500, ["Read messages fail", f"TypeError: {SEM_SOCKET.format('readMessages')}"], FORA),
        ("getBase64FromMediaMessage", 400, ["Message not found"], NUNCA),
        (ESTADO, 400, "Unterminated string in JSON at position 14", NUNCA),
        # Groups: one status for everything, the text decides.
        ("inviteInfo", 404, ["No invite info", CONVITE], DE_NOVO),
        ("inviteInfo", 400, ["The group invite code id needs to be informed in the query"], NUNCA),
        (
            "acceptInviteCode",
            404,
            ["Accept invite error", f"TypeError: {SEM_SOCKET.format('groupAcceptInvite')}"],
            FORA,
        ),
        ("acceptInviteCode", 404, ["Accept invite error", "Error: Connection Closed"], FORA),
        ("acceptInviteCode", 404, ["Accept invite error", "Error: Timed Out"], INCERTA),
        ("acceptInviteCode", 404, ["Accept invite error", "Error: gone"], NUNCA),
        ("acceptInviteCode", 404, ["Accept invite error", "Error: something new"], INCERTA),
        ("fetchAllGroups", 400, ["The getParticipants needs to be informed in the query"], NUNCA),
        ("fetchAllGroups", 500, "Cannot convert undefined or null to object", FORA),
        ("findGroupInfos", 404, ["Error fetching group", "Error: item-not-found"], NUNCA),
        ("leaveGroup", 400, ["Unable to leave the group", f"TypeError: {SEM_SOCKET.format('groupLeave')}"], FORA),
        ("leaveGroup", 400, ["Unable to leave the group", "Error: item-not-found"], NUNCA),
    ],
)
@respx.mock
async def test_a_documented_error_means_one_thing(
    gateway: Evolution, chamada: str, status: int, message: object, falha: Falha
) -> None:
    respx.route().mock(return_value=envelope(status, message))
    with pytest.raises(AgenteError) as raised:
        await faz(gateway, chamada)
    failure = provider(raised.value)
    assert failure.falha is falha
    assert (failure.chamada.fornecedor, failure.chamada.nome, failure.status) == ("evolution", chamada, status)
    assert PHONE not in f"{failure} {raised.value}"
    assert CONVITE not in f"{failure} {raised.value}"


@pytest.mark.parametrize(
    ("status", "body", "falha"),
    [
        (400, {}, FORA),
        (400, {"data": None, "isBoom": True, "output": {"payload": {"message": "Connection Closed"}}}, FORA),
        (400, {"output": None, "message": 3}, NUNCA),
        (400, {"status": 400, "error": "Bad Request", "message": [["numbers does not meet minimum length"]]}, NUNCA),
    ],
)
@respx.mock
async def test_the_number_check_answers_its_errors_bare(
    gateway: Evolution, status: int, body: object, falha: Falha
) -> None:
    respx.route().mock(return_value=httpx.Response(status, json=body))
    with pytest.raises(GatewayError) as raised:
        await faz(gateway, "whatsappNumbers")
    assert provider(raised.value).falha is falha


JSON = {"content-type": "application/json"}
QUEBRADAS = {
    "a proxy's page": httpx.Response(502, html="<html>Bad Gateway</html>"),
    "a page that claims success": httpx.Response(200, html="<html>login</html>"),
    "half an answer": httpx.Response(
        200, content=b'{"instance":{"state"', headers={"content-type": "application/json"}
    ),
    "nothing": httpx.Response(200),
    "text": httpx.Response(201, text="ok"),
    "an object that says nothing": httpx.Response(200, json={}),
    "an error inside a success": httpx.Response(200, json={"error": True, "message": "[object Object]"}),
    "another kind": httpx.Response(200, json=7),
    "a page that claims a refusal": httpx.Response(400, html="<html>"),
    "a page that claims absence": httpx.Response(404, html="<html>"),
    "a redirect": httpx.Response(302, headers={"location": "http://elsewhere.test"}),
}
TUDO = (
    *(ENVIA, ESTADO, "connect", "restart", "fetchInstances", "whatsappNumbers", "getBase64FromMediaMessage"),
    *("inviteInfo", "acceptInviteCode", "fetchAllGroups", "participants", "inviteCode", "findMessages"),
    *("settingsFind", "findGroupInfos"),
)


@pytest.mark.parametrize("chamada", TUDO)
@respx.mock
async def test_a_broken_answer_is_a_typed_error_of_vendor_and_call(gateway: Evolution, chamada: str) -> None:
    route = respx.route()
    for what, answer in QUEBRADAS.items():
        headers = {**answer.headers, "x-request-id": "req-7"}
        route.mock(return_value=httpx.Response(answer.status_code, content=answer.content, headers=headers))
        with pytest.raises((GatewayError, SendRefusedError, SendUnknownError)) as raised:
            await faz(gateway, chamada)
        assert f"evolution {chamada}" in str(raised.value), what
        assert "req-7" in str(raised.value), what


@respx.mock
async def test_a_broken_answer_to_a_send_is_unknown_but_for_a_proxy_that_knows_no_such_place(
    gateway: Evolution,
) -> None:
    route = respx.route()
    for what, answer in QUEBRADAS.items():
        route.mock(return_value=answer)
        with pytest.raises(SendUnknownError) as raised:
            await faz(gateway, ENVIA)
        assert isinstance(raised.value, NothingSentError) is (what == "a page that claims absence"), what


@respx.mock
async def test_a_proxy_that_says_when_is_heard(gateway: Evolution) -> None:
    respx.route().mock(return_value=httpx.Response(429, headers={"retry-after": "7"}))
    with pytest.raises(NothingSentError) as raised:
        await faz(gateway, ENVIA)
    assert raised.value.retry_after_s == 7.0


@pytest.mark.parametrize("status", [401, 403])
@respx.mock
async def test_a_refused_key_is_down_for_every_chip_so_a_message_waits(gateway: Evolution, status: int) -> None:
    respx.route().mock(return_value=envelope(status, "Unauthorized"))
    with pytest.raises(NothingSentError) as raised:
        await faz(gateway, ENVIA)
    assert provider(raised.value).falha is FORA


@pytest.mark.parametrize("motivo", list(MotivoConvite))
@respx.mock
async def test_whatsapps_own_refusal_of_an_invitation_has_its_reason(gateway: Evolution, motivo: MotivoConvite) -> None:
    respx.route().mock(return_value=envelope(404, ["Accept invite error", f"Error: {motivo.value}"]))
    with pytest.raises(ConviteRecusadoError) as raised:
        await gateway.accept_invite("chip-01", CONVITE)
    assert raised.value.motivo is motivo


@pytest.mark.parametrize("chamada", ["inviteInfo", ESTADO, PRESENCA, "fetchAllGroups"])
@respx.mock
async def test_no_answer_to_a_call_that_is_safe_to_repeat_means_again(gateway: Evolution, chamada: str) -> None:
    for failure in (httpx.ReadTimeout, httpx.ConnectError, httpx.RemoteProtocolError):
        respx.route().mock(side_effect=failure("x"))
        with pytest.raises(GatewayError) as raised:
            await faz(gateway, chamada)
        assert (provider(raised.value).falha, raised.value.status) == (DE_NOVO, None)


@respx.mock
async def test_no_answer_to_joining_a_group_is_unknown(gateway: Evolution) -> None:
    respx.route().mock(side_effect=httpx.ReadTimeout("x"))
    with pytest.raises(GatewayError) as raised:
        await faz(gateway, "acceptInviteCode")
    assert provider(raised.value).falha is INCERTA


async def test_the_key_is_in_no_representation(gateway: Evolution) -> None:
    assert "chave" not in repr(gateway)

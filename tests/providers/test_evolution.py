"""Evolution: what is sent, and what is known about a message when its send fails."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx

from lib import ledger
from lib.errors import SendRefusedError, SendUnknownError
from lib.http import HttpPool, Upstream
from lib.providers.evolution import Evolution
from lib.providers.evolution_erros import error_message, flatten
from lib.providers.whatsapp import Envio, EstadoConexao, GatewayError, NothingSentError
from tests.providers.caixa import Sandbox

pytestmark = pytest.mark.anyio

BASE = "http://evolution.test"
KEY = "sandbox-evolution-key"
PHONE = "5511900000001"
SEND = f"{BASE}/message/sendText/chip-01"


@pytest.fixture
async def stub() -> AsyncIterator[Evolution]:
    """A client in front of `respx`."""
    pool = HttpPool({"evolution": Upstream("evolution", BASE)})
    yield Evolution(pool.get_http_client("evolution"), KEY, 0.5)
    await pool.close_http_client()


@pytest.fixture
async def live(sandbox: Sandbox, pool: HttpPool) -> Evolution:
    """A client in front of the sandbox, with one open instance."""
    await sandbox.open_instance("chip-01")
    return Evolution(pool.get_http_client("evolution"), KEY, 2.0)


def envio(numero: str, texto: str, instancia: str = "chip-01") -> Envio:
    return Envio(instancia, numero, texto, outbox_id=1)


def envelope(status: int, message: object) -> httpx.Response:
    return httpx.Response(status, json={"status": status, "error": "…", "response": {"message": message}})


@pytest.mark.parametrize(
    ("message", "texts"),
    [
        ("Unauthorized", ("Unauthorized",)),
        (["a", "b"], ("a", "b")),
        ([["a"], ["b", ["c"]]], ("a", "b", "c")),
        ([{"jid": "5511900000001@s.whatsapp.net", "exists": False, "number": PHONE}], ("number does not exist",)),
        ([{"property": "x", "message": "é obrigatório"}], ("é obrigatório",)),
        (["[object Object]"], ("[object Object]",)),
        (None, ()),
        ({}, ()),
        (7, ("7",)),
    ],
)
def test_every_shape_of_an_error_message_becomes_texts(message: object, texts: tuple[str, ...]) -> None:
    assert flatten(message) == texts


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"status": 400, "response": {"message": "a"}}, "a"),
        ({"status": 400, "error": "Bad Request", "message": [["a"]]}, [["a"]]),
        ({"isBoom": True, "output": {"payload": {"message": "Connection Closed"}}}, "Connection Closed"),
        ({}, None),
        ([], None),
    ],
)
def test_the_message_is_found_wherever_the_route_puts_it(body: object, message: object) -> None:
    assert error_message(body) == message
    assert error_message(None) is None


@pytest.mark.parametrize(
    ("status", "message", "chip_down"),
    [
        (400, [['instance requires property "text"']], False),
        (400, [["Invalid format"]], False),
        (400, ["Text is required"], False),
        (400, [{"jid": "5511900000001@s.whatsapp.net", "exists": False, "number": PHONE}], False),
        (413, "too large", False),
        (404, ['The "chip-01" instance does not exist'], True),
        (500, "Cannot read properties of undefined (reading 'onWhatsApp')", True),
        (500, "Connection Closed", True),
        (500, "Timed Out", True),
    ],
)
@respx.mock
async def test_a_refusal_known_to_come_before_the_send_is_definite(
    stub: Evolution, status: int, message: object, chip_down: bool
) -> None:
    respx.post(SEND).mock(return_value=envelope(status, message))
    with pytest.raises(SendRefusedError) as refused:
        await stub.send_text(envio(PHONE, "oi"))
    assert refused.value.chip_down is chip_down
    assert PHONE not in refused.value.reason


@respx.mock
@pytest.mark.parametrize("status", [401, 403, 429])
async def test_our_key_refused_is_no_fault_of_the_chip_and_sent_nothing(stub: Evolution, status: int) -> None:
    respx.post(SEND).mock(return_value=envelope(status, "Unauthorized"))
    with pytest.raises(NothingSentError):
        await stub.send_text(envio(PHONE, "oi"))


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, ["Error: Timed Out"]),
        (400, ["Error: Connection Closed"]),
        (400, ["PrismaClientKnownRequestError: Invalid `create()`"]),
        (400, ["[object Object]"]),
        (400, []),
        (400, None),
        (500, ["Error: Connection Closed"]),
        (500, ["Error: Timed Out"]),
        (500, "PrismaClientInitializationError"),
        (500, ["TypeError: fetch failed"]),
        (502, None),
        (503, None),
        (302, None),
    ],
)
@respx.mock
async def test_a_failure_that_may_follow_a_real_send_is_unknown(stub: Evolution, status: int, message: object) -> None:
    respx.post(SEND).mock(return_value=envelope(status, message))
    with pytest.raises(SendUnknownError) as unknown:
        await stub.send_text(envio(PHONE, "oi"))
    assert not isinstance(unknown.value, NothingSentError)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"key":null}', b'{"key":{"id":7}}', b"<html>"])
@respx.mock
async def test_an_acceptance_without_a_message_id_is_unknown(stub: Evolution, body: bytes) -> None:
    respx.post(SEND).mock(return_value=httpx.Response(201, content=body))
    with pytest.raises(SendUnknownError):
        await stub.send_text(envio(PHONE, "oi"))


@pytest.mark.parametrize("failure", [httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError])
@respx.mock
async def test_a_connection_that_breaks_on_the_way_is_unknown(stub: Evolution, failure: type[Exception]) -> None:
    respx.post(SEND).mock(side_effect=failure("x"))
    with pytest.raises(SendUnknownError) as unknown:
        await stub.send_text(envio(PHONE, "oi"))
    assert not isinstance(unknown.value, NothingSentError)


async def test_a_gateway_that_is_not_there_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    pool = HttpPool({"evolution": Upstream("evolution", f"http://127.0.0.1:{port}")})
    gateway = Evolution(pool.get_http_client("evolution"), KEY, 2.0)
    with pytest.raises(NothingSentError):
        await gateway.send_text(envio(PHONE, "oi"))
    with pytest.raises(GatewayError) as failure:
        await gateway.connection_state("chip-01")
    assert failure.value.status is None
    assert await gateway.is_sandbox() is None
    await pool.close_http_client()


@respx.mock
async def test_a_text_that_no_json_can_carry_is_refused_and_not_sent(stub: Evolution) -> None:
    route = respx.post(SEND)
    with pytest.raises(SendRefusedError):
        await stub.send_text(envio(PHONE, "oi \ud83d"))
    assert not route.called


@respx.mock
async def test_only_the_sandboxs_own_answer_makes_it_a_sandbox(stub: Evolution) -> None:
    route = respx.get(f"{BASE}/_sandbox/pronto")
    for answer in (
        httpx.Response(404),
        httpx.Response(200, text="ok"),
        httpx.Response(200, json={}),
        httpx.Response(200),
    ):
        route.mock(return_value=answer)
        assert await stub.is_sandbox() is False
    assert "apikey" not in route.calls.last.request.headers


@respx.mock
async def test_a_200_that_means_no_is_a_failure(stub: Evolution) -> None:
    respx.get(f"{BASE}/instance/connect/chip-01").respond(200, json={"error": True, "message": "[object Object]"})
    with pytest.raises(GatewayError):
        await stub.connect("chip-01")


async def test_a_text_is_accepted_once_and_its_id_comes_back(live: Evolution, sandbox: Sandbox) -> None:
    assert await live.is_sandbox() is True
    message_id = await live.send_text(envio(PHONE, "Olá, doutora! Tudo bem?\n🙂"))
    log = await sandbox.control("GET", "/aceitas")
    assert [(one["id"], one["texto"]) for one in log["aceitas"]] == [(message_id, "Olá, doutora! Tudo bem?\n🙂")]


async def test_warm_calls_open_no_connection(live: Evolution) -> None:
    await live.send_text(envio(PHONE, "um"))
    with ledger.measure("warm") as cost:
        await live.send_text(envio(PHONE, "dois"))
    assert (cost.http_requests, cost.tcp_connections) == (1, 0)


async def test_a_number_without_whatsapp_is_refused(live: Evolution, sandbox: Sandbox) -> None:
    await sandbox.control("PUT", "/inexistentes", {"telefones": [PHONE]})
    with pytest.raises(SendRefusedError) as refused:
        await live.send_text(envio(PHONE, "oi"))
    assert refused.value.chip_down is False


async def test_an_instance_that_is_unknown_or_never_connected_is_the_chips_fault(
    live: Evolution, sandbox: Sandbox
) -> None:
    await live.create_instance("chip-novo", None, "http://127.0.0.1:9/x", {})
    for instancia in ("chip-novo", "fantasma"):
        with pytest.raises(SendRefusedError) as refused:
            await live.send_text(envio(PHONE, "oi", instancia))
        assert refused.value.chip_down is True
    assert (await sandbox.control("GET", "/aceitas"))["total"] == 0


async def test_a_socket_found_closed_by_the_look_up_sent_nothing(live: Evolution, sandbox: Sandbox) -> None:
    await sandbox.control("PUT", "/instancias/chip-01", {"estado": "close"})
    with pytest.raises(SendRefusedError) as refused:
        await live.send_text(envio(PHONE, "oi"))
    assert refused.value.chip_down is True
    assert (await sandbox.control("GET", "/aceitas"))["total"] == 0


@pytest.mark.parametrize(
    "falha",
    [
        {"depois_de_aceitar": True, "status": 500},
        {"depois_de_aceitar": True, "status": 400, "corpo": {"response": {"message": ["Error: Timed Out"]}}},
        {"depois_de_aceitar": True, "cortar": True},
        {"depois_de_aceitar": True, "latencia_ms": 5000},
    ],
)
async def test_a_send_that_fails_after_acceptance_is_unknown_and_found_in_the_history(
    live: Evolution, sandbox: Sandbox, falha: dict[str, Any]
) -> None:
    began = datetime.now(UTC)
    await sandbox.control("PUT", "/falhas", {"alvo": "evolution.sendText", **falha})
    with pytest.raises(SendUnknownError) as unknown:
        await live.send_text(envio(PHONE, "oi, doutora"))
    assert not isinstance(unknown.value, NothingSentError)
    history = await live.find_sent("chip-01", PHONE, began)
    [found] = history.enviadas
    assert history.completo
    accepted = (await sandbox.control("GET", "/aceitas"))["aceitas"]
    assert [found.id] == [one["id"] for one in accepted]
    assert found.texto == "oi, doutora"


async def test_the_history_is_read_by_number_with_or_without_the_ninth_digit_and_only_from_then_on(
    live: Evolution, sandbox: Sandbox
) -> None:
    curitiba = "5541990000101"
    before = datetime.now(UTC)
    mine = await live.send_text(envio(curitiba, "para você"))
    await live.send_text(envio(PHONE, "para outra"))
    doctor = {"instance": "chip-01", "telefone": curitiba, "texto": "minha resposta"}
    await sandbox.control("POST", "/medicos/mensagem", doctor)
    assert [one.id for one in (await live.find_sent("chip-01", curitiba, before)).enviadas] == [mine]
    assert [one.id for one in (await live.find_sent("chip-01", "554190000101", before)).enviadas] == [mine]
    later = await live.find_sent("chip-01", curitiba, before + timedelta(minutes=1))
    assert (later.enviadas, later.completo) == ((), True)


async def test_a_history_of_several_pages_is_read_to_its_end(live: Evolution) -> None:
    before = datetime.now(UTC)
    wanted = await live.send_text(envio("5511900000002", "a mais velha"))
    await asyncio.gather(*(live.send_text(envio(PHONE, f"m{n}")) for n in range(130)))
    assert [one.id for one in (await live.find_sent("chip-01", "5511900000002", before)).enviadas] == [wanted]


async def test_an_address_that_names_nobody_is_no_proof_of_absence(live: Evolution) -> None:
    with pytest.raises(GatewayError):
        await live.find_sent("chip-01", "status@broadcast", datetime.now(UTC))


async def test_an_instance_is_created_connected_and_listed(live: Evolution) -> None:
    await live.create_instance("chip-02", "5511900000102", "http://127.0.0.1:9/x", {"x-agente-webhook-key": "k"})
    assert await live.connection_state("chip-02") is EstadoConexao.FECHADA
    await live.connect("chip-02")
    for _ in range(200):
        if await live.connection_state("chip-02") is EstadoConexao.ABERTA:
            break
        await asyncio.sleep(0.02)
    listed = {one.nome: one for one in await live.fetch_instances()}
    assert (listed["chip-02"].estado, listed["chip-02"].numero) == (EstadoConexao.ABERTA, "5511900000102")
    with pytest.raises(GatewayError) as failure:
        await live.create_instance("chip-02", None, "http://127.0.0.1:9/x", {})
    assert failure.value.status == 403


async def test_webhook_presence_and_reading_are_accepted_as_evolution_wants_them(live: Evolution) -> None:
    await live.set_webhook("chip-01", "http://127.0.0.1:9/x", {"x-agente-webhook-key": "k"})
    await live.send_presence("chip-01", PHONE, 10)
    await live.mark_read("chip-01", PHONE, ["3A00"])
    with pytest.raises(GatewayError) as failure:
        await live.set_webhook("fantasma", "http://127.0.0.1:9/x", {})
    assert failure.value.status == 404

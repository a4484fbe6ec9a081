"""The sandbox's Z-API through our own client and reader: auth, queue, webhooks, and a storm of stale messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from lib.domain.evento import Conexao, Eco, EfeitoRecibo, Evento, Recibo
from lib.domain.mensagem import MensagemRecebida
from lib.errors import SendRefusedError, SendUnknownError
from lib.http import HttpPool, Upstream
from lib.providers.whatsapp import Envio, EstadoConexao
from lib.providers.zapi import Zapi
from lib.providers.zapi_forma import data_uri
from lib.providers.zapi_webhook import links, read
from lib.sandbox.config import SandboxConfig
from lib.sandbox.courier import Courier
from lib.sandbox.evolution_wire import Desk
from lib.sandbox.faults import Falha
from lib.sandbox.poster import Poster
from lib.sandbox.world import ChatMessage, World
from lib.sandbox.zapi import zapi_routes
from lib.sandbox.zapi_world import FILA_MAX, ZapiWorld, deliver
from tests.providers.caixa import serving

pytestmark = pytest.mark.anyio

CONTA, INSTANCIA, TOKEN = "sandbox-zapi-conta", "3C01", "sandbox-zapi-token"
PHONE = "5511900001001"


@dataclass
class Palco:
    """A running Z-API, our client of it, and what its webhooks told."""

    url: str
    world: World
    desk: Desk
    mundo: ZapiWorld
    zapi: Zapi
    bodies: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def eventos(self) -> list[Evento]:
        return [evento for body in self.bodies for evento in read(body)]

    async def until(self, true: Callable[[], object]) -> None:
        end = time.monotonic() + 5
        while not true():
            assert time.monotonic() < end, f"waited in vain: {self.bodies}"
            await asyncio.sleep(0.01)

    async def send(self, texto: str = "oi", numero: str = PHONE) -> str:
        return await self.zapi.send_text(Envio(INSTANCIA, numero, texto, 1))


@pytest.fixture
async def palco() -> AsyncIterator[Palco]:
    async with _stage() as stage:
        yield stage


@asynccontextmanager
async def _stage() -> AsyncIterator[Palco]:
    world = World(SandboxConfig(receipts_ms=(5, 10, 15)))
    desk = Desk(world)
    mundo = ZapiWorld(desk, CONTA, {INSTANCIA: TOKEN}, (0.005, 0.01))
    app, hook = FastAPI(), FastAPI()
    for method, path, endpoint in zapi_routes(desk, mundo):
        app.add_route(path, endpoint, methods=[method])
    desk.courier_now = Courier(Poster(5.0), Poster(5.0), desk.fresh_policy(), "", world.rng)
    async with serving(app) as url, serving(hook) as there:
        pool = HttpPool({"zapi": Upstream("zapi", f"{url}/zapi")})
        client = Zapi(pool.get_http_client("zapi"), CONTA, {INSTANCIA: TOKEN}, 5.0)
        stage = Palco(url, world, desk, mundo, client)

        async def heard(request: Request) -> Response:
            stage.bodies.append(orjson.loads(await request.body()))
            return Response(status_code=stage.answers.pop(0) if stage.answers else 202)

        hook.add_route("/hook", heard, methods=["POST"])
        await client.set_webhooks(INSTANCIA, f"{there}/hook")
        try:
            yield stage
        finally:
            await mundo.close()
            await desk.courier().close()
            await pool.close_http_client()
            world.close()


async def test_a_text_is_queued_sent_echoed_and_its_receipts_come(palco: Palco) -> None:
    msg_id = await palco.send("Olá 👋")
    await palco.until(lambda: len(palco.bodies) >= 5)
    assert [(one.instance, one.numero, one.texto, one.id) for one in palco.world.aceitas] == [
        (INSTANCIA, PHONE, "Olá 👋", msg_id)
    ]
    eventos = palco.eventos()
    assert [one.entrega for one in eventos if isinstance(one, Recibo)] == ["enviada", "enviada", "entregue", "lida"]
    assert {one.msg_id for one in eventos if isinstance(one, Recibo)} == {msg_id}
    [echo] = [one for one in eventos if isinstance(one, Eco)]
    assert (echo.msg_id, echo.telefone, echo.texto, echo.digitada) == (msg_id, "+5511900001001", "Olá 👋", False)


async def test_a_doctors_message_and_one_typed_on_the_phone_arrive(palco: Palco) -> None:
    instance = palco.mundo.instance(INSTANCIA)
    assert instance
    for ours in (False, True):
        said = ChatMessage(
            f"3EB0{ours}", INSTANCIA, f"{PHONE}@s.whatsapp.net", ours, "Bom dia!", "Dra. Ana", time.time()
        )
        deliver(palco.desk, instance, said, copies=1)
    await palco.until(lambda: len(palco.bodies) == 2)
    by_kind = {type(one): one for one in palco.eventos()}
    doctor, typed = by_kind[MensagemRecebida], by_kind[Eco]
    assert isinstance(doctor, MensagemRecebida)
    assert isinstance(typed, Eco)
    assert (doctor.telefone, doctor.texto, doctor.nome) == ("+5511900001001", "Bom dia!", "Dra. Ana")
    assert typed.digitada
    assert links(palco.bodies[0])


async def test_messages_leave_one_by_one_in_order_with_a_pause(palco: Palco) -> None:
    palco.mundo.espaco_s = (0.05, 0.06)
    start = time.monotonic()
    for n in range(4):
        await palco.send(f"{n}")
    await palco.until(lambda: len(palco.world.aceitas) == 4)
    assert time.monotonic() - start >= 0.2
    assert [one.texto for one in palco.world.aceitas] == ["0", "1", "2", "3"]


async def test_a_disconnected_phone_keeps_its_messages_and_lets_them_go_at_the_reconnect(palco: Palco) -> None:
    await palco.zapi.disconnect(INSTANCIA)
    assert await palco.zapi.connection_state(INSTANCIA) is EstadoConexao.FECHADA
    ids = [await palco.send(f"{n}") for n in range(3)]
    await asyncio.sleep(0.05)
    assert not palco.world.aceitas
    waiting = await palco.zapi.list_queue(INSTANCIA)
    assert [(one.msg_id, one.telefone, one.texto) for one in waiting] == [(ids[n], PHONE, f"{n}") for n in range(3)]
    found = await palco.zapi.find_sent(INSTANCIA, PHONE, datetime.now(UTC) - timedelta(minutes=1))
    assert {one.id for one in found.enviadas} == set(ids)
    await palco.zapi.delete_queued(INSTANCIA, waiting[1].zaap_id)
    await palco.zapi.restart(INSTANCIA)
    await palco.until(lambda: len(palco.world.aceitas) == 2)
    assert [one.texto for one in palco.world.aceitas] == ["0", "2"]
    assert [one.conectado for one in palco.eventos() if isinstance(one, Conexao)] == [False, True]
    assert await palco.zapi.connection_state(INSTANCIA) is EstadoConexao.ABERTA


async def test_the_queue_can_be_cleared_and_is_not_endless(palco: Palco) -> None:
    await palco.zapi.disconnect(INSTANCIA)
    for _ in range(2):
        await palco.send()
    await palco.zapi.clear_queue(INSTANCIA)
    assert not await palco.zapi.list_queue(INSTANCIA)
    await palco.send()
    palco.mundo.filas[INSTANCIA] *= FILA_MAX
    with pytest.raises(SendRefusedError) as refused:
        await palco.send()
    assert refused.value.chip_down


async def test_an_instance_may_be_set_to_refuse_while_disconnected(palco: Palco) -> None:
    palco.mundo.enfileira_desconectado = False
    await palco.zapi.disconnect(INSTANCIA)
    with pytest.raises(SendRefusedError) as refused:
        await palco.send()
    assert refused.value.chip_down
    assert not palco.mundo.filas[INSTANCIA]


async def test_a_number_without_whatsapp_is_accepted_and_fails_by_webhook(palco: Palco) -> None:
    palco.world.inexistentes.add(f"{PHONE}@s.whatsapp.net")
    msg_id = await palco.send()
    await palco.until(lambda: palco.bodies)
    [failed] = palco.eventos()
    assert isinstance(failed, Recibo)
    assert (failed.msg_id, failed.entrega, failed.efeito) == (msg_id, "falhou", EfeitoRecibo.SEM_WHATSAPP)
    assert not palco.world.aceitas
    assert not (await palco.zapi.phone_exists(INSTANCIA, PHONE)).existe


async def test_a_webhook_that_is_refused_never_comes_again(palco: Palco) -> None:
    palco.answers += [503] * 10
    palco.desk.courier().policy.receipts = False
    await palco.send()
    await palco.until(lambda: len(palco.bodies) == 2)
    await asyncio.sleep(0.1)
    assert len(palco.bodies) == 2
    assert palco.desk.courier().given_up == 2


async def test_every_other_call_of_ours_is_understood(palco: Palco) -> None:
    zapi = palco.zapi
    file = data_uri("image/png", b"x")
    await zapi.send_image(INSTANCIA, PHONE, file, "legenda")
    await zapi.send_video(INSTANCIA, PHONE, file)
    await zapi.send_audio(INSTANCIA, PHONE, file)
    await zapi.send_document(INSTANCIA, PHONE, file, "a.pdf")
    await zapi.send_reaction(INSTANCIA, PHONE, "m1", "👍")
    await zapi.send_reaction(INSTANCIA, PHONE, "m1", "")
    await palco.until(lambda: len(palco.world.aceitas) == 6)
    assert palco.world.aceitas[0].texto == "[image] legenda"
    await zapi.mark_read(INSTANCIA, PHONE, ["m1"])
    await zapi.delete_message(INSTANCIA, PHONE, "m1")
    known = await zapi.phone_exists(INSTANCIA, "5541990000101")
    assert (known.existe, known.telefone) == (True, "+5541990000101")
    assert [one.existe for one in await zapi.phones_exist(INSTANCIA, [PHONE, "5541990000101"])] == [True, True]
    assert await zapi.list_groups(INSTANCIA)
    assert (await zapi.invitation(INSTANCIA, "https://chat.whatsapp.com/x")).participantes == 3
    assert await zapi.accept_invitation(INSTANCIA, "https://chat.whatsapp.com/x")
    await zapi.disconnect(INSTANCIA)
    assert (await zapi.qr_code(INSTANCIA)).startswith("2@")
    assert (await zapi.qr_code_image(INSTANCIA)).startswith("data:image/png")
    assert await zapi.phone_code(INSTANCIA, PHONE)
    assert await zapi.is_sandbox()


@pytest.mark.parametrize(
    ("headers", "path", "status", "error"),
    [
        ({}, f"{INSTANCIA}/token/{TOKEN}/status", 403, "null not allowed"),
        ({"client-token": "x"}, f"{INSTANCIA}/token/{TOKEN}/status", 403, "x not allowed"),
        ({"client-token": CONTA}, f"{INSTANCIA}/token/errado/status", 404, "NOT_FOUND"),
        ({"client-token": CONTA}, f"outra/token/{TOKEN}/status", 404, "NOT_FOUND"),
        ({"client-token": CONTA}, f"{INSTANCIA}/token/{TOKEN}/queue", 400, "page and pageSize are required"),
    ],
)
async def test_its_doors_are_locked_as_the_vendors(
    palco: Palco, headers: dict[str, str], path: str, status: int, error: str
) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{palco.url}/zapi/instances/{path}", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    ("method", "content", "kind", "status"),
    [
        ("POST", b"{}", "text/plain", 415),
        ("POST", b"{", "application/json", 400),
        ("POST", b"{}", "application/json", 400),
        ("POST", b'{"phone":"abc","message":"oi"}', "application/json", 400),
        ("POST", b'{"phone":"5511900001001"}', "application/json", 400),
        ("GET", b"", "application/json", 405),
    ],
)
async def test_a_request_that_is_not_as_documented_is_refused(
    palco: Palco, method: str, content: bytes, kind: str, status: int
) -> None:
    async with httpx.AsyncClient() as client:
        url = f"{palco.url}/zapi/instances/{INSTANCIA}/token/{TOKEN}/send-text"
        headers = {"client-token": CONTA, "content-type": kind}
        assert (await client.request(method, url, content=content, headers=headers)).status_code == status


@pytest.mark.parametrize(
    ("fault", "error", "accepted"),
    [
        ({"status": 500}, SendUnknownError, 0),
        ({"status": 500, "depois_de_aceitar": True}, SendUnknownError, 1),
        ({"status": 400}, SendRefusedError, 0),
        ({"cortar": True, "depois_de_aceitar": True}, SendUnknownError, 1),
        ({"status": 200 + 300, "corpo": "<html>"}, SendUnknownError, 0),
    ],
)
async def test_faults_come_in_the_vendors_shape(
    palco: Palco, fault: dict[str, Any], error: type[Exception], accepted: int
) -> None:
    palco.world.faults.put([Falha(alvo="zapi.send-text", vezes=1, **fault)])
    with pytest.raises(error):
        await palco.send()
    await palco.until(lambda: len(palco.world.aceitas) == accepted)
    await palco.send("de novo")
    await palco.until(lambda: len(palco.world.aceitas) == accepted + 1)

"""Every recorded exchange with a real Evolution, met by our client: what it asks, and what it makes of the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import orjson
import pytest
import respx

from lib.errors import SendRefusedError
from lib.http import HttpPool, Upstream
from lib.providers.chamada import Falha, ProviderError
from lib.providers.evolution import Evolution
from lib.providers.evolution_envios import Arquivo, TipoMidia
from lib.providers.evolution_instancias import EVENTOS, Ajustes, Destino, Pareamento
from lib.providers.whatsapp import Envio, EstadoConexao, GatewayError, Historico, Instancia
from tests.fixtures.gravadas import Troca, gravadas

pytestmark = pytest.mark.anyio

BASE = "http://evolution.test"
HOOK = "http://127.0.0.1:18090/hook"
PHONE = "5511900000001"
CONVITE = "F1EX5QZxO181L3TMVP31gY"
DESDE = datetime(2026, 1, 1, tzinfo=UTC)
SEGREDO = {"authorization": "Bearer shared-secret"}
SONDA = SEGREDO | {"x-probe": "1"}
IMAGEM = Arquivo(TipoMidia.IMAGEM, "https://example.test/a.png")
CHIP = Instancia("chip-01", EstadoConexao.FECHADA, None)
SEM_CODIGO = Pareamento(aberta=False)
FECHADA, CONECTANDO = EstadoConexao.FECHADA, EstadoConexao.CONECTANDO
RECEBIDOS = (
    *("MESSAGES_UPSERT", "MESSAGES_UPDATE", "SEND_MESSAGE", "CONNECTION_UPDATE", "QRCODE_UPDATED", "MESSAGES_EDITED"),
    *("MESSAGES_DELETE", "GROUP_UPDATE", "INSTANCE_CREATE", "STATUS_INSTANCE", "LOGOUT_INSTANCE", "REMOVE_INSTANCE"),
    "INSTANCE_DELETE",
)

Fazer = Callable[[Evolution], Awaitable[object]]
Pedido = Literal["igual", "forma", "rota", "outro"]


@dataclass(frozen=True)
class Caso:
    """What our client does, and what comes of it: a value, or how it failed.

    `pedido` tells how like the recorded request ours is: `igual`; `forma` (other values, no field that it does not
    know); `rota` (the same call, which we never make in that wrong way); `outro` (a call that we do not make at all:
    only the answer is tried).
    """

    fazer: Fazer
    espera: object
    pedido: Pedido = "igual"


def texto(gateway: Evolution) -> Awaitable[object]:
    return gateway.send_text(Envio("chip-01", PHONE, "oi", outbox_id=1))


def texto_para(instancia: str) -> Fazer:
    return lambda gateway: gateway.send_text(Envio(instancia, PHONE, "oi", outbox_id=1))


def cria(nome: str, numero: str | None = None) -> Fazer:
    return lambda gateway: gateway.create_instance(nome, numero, HOOK, SEGREDO)


def estado(nome: str = "chip-01") -> Fazer:
    return lambda gateway: gateway.connection_state(nome)


def lista(gateway: Evolution) -> Awaitable[object]:
    return gateway.fetch_instances()


def webhook(gateway: Evolution) -> Awaitable[object]:
    return gateway.set_webhook("chip-01", HOOK, SONDA)


def ajusta(gateway: Evolution) -> Awaitable[object]:
    return gateway.set_settings("chip-01", Ajustes(recusa_ligacoes=True))


def presenca(gateway: Evolution) -> Awaitable[object]:
    return gateway.send_presence("chip-01", PHONE, 1000)


def numeros(gateway: Evolution) -> Awaitable[object]:
    return gateway.check_numbers("chip-01", [PHONE])


def midia(gateway: Evolution) -> Awaitable[object]:
    return gateway.send_media("chip-01", PHONE, IMAGEM)


FORA, NUNCA, DE_NOVO = Falha.CANAL_FORA, Falha.PERMANENTE, Falha.REPETIR

CASOS: dict[str, Caso] = {
    "fetch_empty": Caso(lista, ()),
    "no_key": Caso(lista, FORA, "rota"),
    "wrong_key": Caso(lista, FORA),
    "create_no_key": Caso(cria("x"), FORA, "rota"),
    "create_no_integration": Caso(cria("noint"), NUNCA, "rota"),
    "create_bad_integration": Caso(cria("badint"), NUNCA, "rota"),
    "create_ok_noqr": Caso(cria("chip-01"), None, "forma"),
    "create_dup": Caso(cria("chip-01"), NUNCA, "rota"),
    "state_unknown": Caso(estado("ghost"), FORA),
    "state_unknown_wrongkey": Caso(estado("ghost"), FORA),
    "state_unknown_nokey": Caso(estado("ghost"), FORA, "rota"),
    "state_known_nokey": Caso(estado(), FORA, "rota"),
    "state_known_wrongkey": Caso(estado(), FORA),
    "state_close": Caso(estado(), FECHADA),
    "fetch_one": Caso(lambda g: g.has_instance("chip-01"), espera=True),
    "fetch_unknown": Caso(lambda g: g.has_instance("ghost"), espera=False),
    "webhook_find": Caso(lambda g: g.find_webhook("chip-01"), Destino(HOOK, RECEBIDOS, ligado=True, por_evento=False)),
    "webhook_set_ok": Caso(webhook, None, "forma"),
    "webhook_set_flat_v1": Caso(webhook, NUNCA, "rota"),
    "webhook_set_no_events": Caso(webhook, DE_NOVO, "rota"),
    "webhook_set_bad_event": Caso(webhook, NUNCA, "rota"),
    "webhook_set_empty_events": Caso(webhook, None, "rota"),
    "webhook_set_ok2": Caso(webhook, None, "forma"),
    "settings_find": Caso(lambda g: g.find_settings("chip-01"), Ajustes()),
    "settings_set_partial": Caso(ajusta, NUNCA, "rota"),
    "settings_set_ok": Caso(ajusta, None),
    "sendText_disconnected": Caso(texto, FORA),
    "sendText_v1_shape": Caso(texto, NUNCA, "rota"),
    "sendText_number_int": Caso(texto, NUNCA, "rota"),
    "sendText_delay_float": Caso(texto, NUNCA, "rota"),
    "sendText_empty": Caso(texto, NUNCA, "forma"),
    "sendText_extra_field": Caso(texto, FORA, "forma"),
    "sendText_badjson": Caso(texto, NUNCA, "rota"),
    "sendText_unknown_instance": Caso(texto_para("ghost"), FORA),
    "sendMedia_no_media": Caso(midia, NUNCA, "rota"),
    "sendMedia_bad_type": Caso(midia, NUNCA, "forma"),
    "sendAudio_bad": Caso(lambda g: g.send_audio("chip-01", PHONE, "not-a-url-or-base64!"), NUNCA),
    "sendPresence": Caso(presenca, FORA),
    "sendPresence_no_delay": Caso(presenca, NUNCA, "rota"),
    "sendPresence_v1": Caso(presenca, NUNCA, "rota"),
    "whatsappNumbers": Caso(numeros, FORA),
    "whatsappNumbers_empty": Caso(numeros, NUNCA, "rota"),
    "markRead": Caso(lambda g: g.mark_read("chip-01", PHONE, ["3EB0ABC"]), FORA),
    "fetchProfilePictureUrl": Caso(lambda g: g.fetch_picture("chip-01", PHONE), None),
    # A dead link and a dead socket look the same here: nothing may be concluded about the link.
    "group_inviteInfo": Caso(lambda g: g.invite_info("chip-01", CONVITE), DE_NOVO),
    "group_inviteInfo_missing": Caso(lambda g: g.invite_info("chip-01", CONVITE), NUNCA, "rota"),
    "group_accept": Caso(lambda g: g.accept_invite("chip-01", CONVITE), FORA),
    "group_fetchAll_noparam": Caso(lambda g: g.fetch_groups("chip-01"), NUNCA, "rota"),
    "group_fetchAll": Caso(lambda g: g.fetch_groups("chip-01"), FORA),
    "group_leave": Caso(lambda g: g.leave_group("chip-01", "120363000000000001@g.us"), FORA, "rota"),
    "logout_closed": Caso(lambda g: g.logout("chip-01"), espera=False),
    "restart_closed": Caso(lambda g: g.restart("chip-01"), DE_NOVO),
    "restart_put_v1": Caso(lambda g: g.restart("chip-01"), NUNCA, "outro"),
    "findMessages": Caso(lambda g: g.find_sent("chip-01", PHONE, DESDE), Historico((), completo=True), "rota"),
    "findChats": Caso(lista, (), "outro"),
    "findContacts": Caso(lista, (), "outro"),
    "not_found_route": Caso(lista, NUNCA, "outro"),
    "connect_closed": Caso(lambda g: g.pair("chip-01"), SEM_CODIGO),
    "state_after_connect": Caso(estado(), CONECTANDO),
    "sendText_while_connecting": Caso(texto, FORA),
    "whatsappNumbers_connecting": Caso(numeros, FORA),
    "connect_again": Caso(lambda g: g.pair("chip-01", "5511900000009"), SEM_CODIGO),
    "restart_connecting": Caso(lambda g: g.restart("chip-01"), SEM_CODIGO),
    "fetch_connecting": Caso(lista, (CHIP,), "rota"),
    "logout_connecting": Caso(lambda g: g.logout("chip-01"), espera=True),
    "state_after_logout": Caso(estado(), CONECTANDO),
    "delete": Caso(lambda g: g.ask("delete", "DELETE", "/instance/delete/chip-01"), ...),
    "state_after_delete": Caso(estado(), CONECTANDO),
    "delete_again": Caso(lambda g: g.ask("delete", "DELETE", "/instance/delete/chip-01"), ...),
    "create_with_qr": Caso(cria("chip-02", "5511900000002"), None, "forma"),
    "fetch_with_instance_token": Caso(lista, (Instancia("chip-02", FECHADA, "5511900000002"),)),
    "state_with_instance_token": Caso(estado("chip-02"), FECHADA),
    "create_with_instance_token": Caso(cria("chip-03"), FORA, "rota"),
    "webhook500": Caso(cria("chip-04"), None, "rota"),
    "webhook401": Caso(cria("chip-05"), None, "rota"),
    "webhook_byevents_jwt": Caso(cria("chip-06"), None, "rota"),
    "delete2": Caso(lambda g: g.ask("delete", "DELETE", "/instance/delete/chip-02"), ...),
}


@pytest.fixture
async def pool() -> AsyncIterator[HttpPool]:
    opened = HttpPool({"evolution": Upstream("evolution", BASE)})
    yield opened
    await opened.close_http_client()


def test_every_recorded_exchange_is_tried() -> None:
    assert {troca.name for troca in gravadas()} == CASOS.keys()


@pytest.mark.parametrize("troca", gravadas(), ids=lambda troca: troca.name)
@respx.mock
async def test_a_recorded_answer_gets_its_typed_result_or_the_right_error(troca: Troca, pool: HttpPool) -> None:
    caso = CASOS[troca.name]
    content, headers = orjson.dumps(troca.response), {"content-type": troca.content_type}
    route = respx.route().mock(return_value=httpx.Response(troca.status, content=content, headers=headers))
    gateway = Evolution(pool.get_http_client("evolution"), troca.apikey or "", 2.0)
    if isinstance(caso.espera, Falha):
        await _fails(caso, gateway)
    else:
        result = await caso.fazer(gateway)
        assert caso.espera is ... or result == caso.espera
    _same_request(caso.pedido, troca, route.calls.last.request)


async def _fails(caso: Caso, gateway: Evolution) -> None:
    with pytest.raises((GatewayError, SendRefusedError)) as raised:
        await caso.fazer(gateway)
    failure: BaseException | None = raised.value
    while failure is not None and not isinstance(failure, ProviderError):
        failure = failure.__cause__
    assert isinstance(failure, ProviderError)
    assert failure.falha is caso.espera
    assert failure.chamada.fornecedor == "evolution"
    assert PHONE not in str(failure)
    assert CONVITE not in str(failure)
    if isinstance(raised.value, SendRefusedError):
        assert raised.value.chip_down is (failure.falha is FORA)


def _same_request(pedido: Pedido, troca: Troca, ours: httpx.Request) -> None:
    if pedido == "outro":
        return
    url = httpx.URL(f"{BASE}{troca.path}")
    assert (ours.method, ours.url.path) == (troca.method, url.path)
    if troca.apikey:
        assert ours.headers["apikey"] == troca.apikey
    body = orjson.loads(ours.content) if ours.content else None
    if pedido == "igual":
        assert ours.url.query == url.query
        assert body == troca.body
    elif pedido == "forma":
        assert _known(body, troca.body)


def _known(ours: Any, recorded: Any) -> bool:
    """Whether ours has no field that the recorded body lacks, and each of the same kind; headers are free."""
    if isinstance(ours, dict) and isinstance(recorded, dict):
        return all(
            name == "headers" or (name in recorded and _known(value, recorded[name])) for name, value in ours.items()
        )
    return type(ours) is type(recorded)


def test_edits_and_deletions_are_subscribed_to_and_every_event_is_one_that_evolution_knows() -> None:
    assert {"MESSAGES_EDITED", "MESSAGES_DELETE"} <= set(EVENTOS)
    [everything] = (troca for troca in gravadas() if troca.name == "webhook_set_empty_events")
    assert set(EVENTOS) <= set(everything.response["events"])

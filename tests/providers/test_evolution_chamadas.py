"""Evolution: every call besides a text, as it leaves, and as the sandbox answers it."""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import orjson
import pytest
import respx

from lib.errors import SendRefusedError
from lib.http import HttpPool, Upstream
from lib.providers.evolution import Evolution
from lib.providers.evolution_conversas import NumeroConferido
from lib.providers.evolution_envios import Arquivo, ChaveMensagem, Local, TipoMidia
from lib.providers.evolution_grupos import ConviteRecusadoError, Grupo, MotivoConvite, Participante, codigo_de_convite
from lib.providers.evolution_instancias import EVENTOS, Ajustes, Pareamento
from lib.providers.whatsapp import EstadoConexao, GatewayError
from tests.providers.caixa import Sandbox

pytestmark = pytest.mark.anyio

BASE = "http://evolution.test"
KEY = "sandbox-evolution-key"
PHONE = "5511900000001"
LID = "201000000001001@lid"
CONVITE = "F1EX5QZxO181L3TMVP31gY"
GRUPO = "120363000000000001@g.us"
ALVO = ChaveMensagem("3EB0A", f"{PHONE}@s.whatsapp.net", nossa=True)
CHAVE = {"id": "3EB0A", "remoteJid": f"{PHONE}@s.whatsapp.net", "fromMe": True}
LOCAL = Local(-23.5, -46.6, "Hospital", "Rua A, 1")
PDF = Arquivo(TipoMidia.DOCUMENTO, "data:application/pdf;base64,AAAA", "escala.pdf", "application/pdf", "a escala")
SENT = {"key": {"remoteJid": f"{PHONE}@s.whatsapp.net", "fromMe": True, "id": "3EB0"}, "status": "PENDING"}


@pytest.fixture
async def stub() -> AsyncIterator[Evolution]:
    pool = HttpPool({"evolution": Upstream("evolution", BASE)})
    yield Evolution(pool.get_http_client("evolution"), KEY, 1.0)
    await pool.close_http_client()


@pytest.fixture
async def live(sandbox: Sandbox, pool: HttpPool) -> Evolution:
    await sandbox.open_instance("chip-01")
    return Evolution(pool.get_http_client("evolution"), KEY, 5.0)


Envia = Callable[[Evolution], Awaitable[str]]


@pytest.mark.parametrize(
    ("envia", "rota", "body"),
    [
        (
            lambda g: g.send_media("chip 1", PHONE, PDF, atraso_ms=5),
            "sendMedia",
            {
                "number": PHONE,
                "mediatype": "document",
                "media": "AAAA",
                "fileName": "escala.pdf",
                "mimetype": "application/pdf",
                "caption": "a escala",
                "delay": 5,
            },
        ),
        (
            lambda g: g.send_audio("chip 1", PHONE, "https://midia.test/a.ogg"),
            "sendWhatsAppAudio",
            {"number": PHONE, "audio": "https://midia.test/a.ogg"},
        ),
        (
            lambda g: g.send_location("chip 1", PHONE, LOCAL),
            "sendLocation",
            {"number": PHONE, "latitude": -23.5, "longitude": -46.6, "name": "Hospital", "address": "Rua A, 1"},
        ),
        (
            lambda g: g.send_contact("chip 1", PHONE, "Gestor Fictício", "5511900003001"),
            "sendContact",
            {"number": PHONE, "contact": [{"fullName": "Gestor Fictício", "phoneNumber": "5511900003001"}]},
        ),
        (lambda g: g.send_reaction("chip 1", ALVO, ""), "sendReaction", {"key": CHAVE, "reaction": ""}),
        (
            lambda g: g.send_poll("chip 1", PHONE, "Qual dia?", ["sábado", "domingo"]),
            "sendPoll",
            {"number": PHONE, "name": "Qual dia?", "selectableCount": 1, "values": ["sábado", "domingo"]},
        ),
    ],
)
@respx.mock
async def test_a_send_leaves_as_evolution_wants_it(
    stub: Evolution, envia: Envia, rota: str, body: dict[str, Any]
) -> None:
    route = respx.post(f"{BASE}/message/{rota}/chip%201").respond(201, json=SENT)
    assert await envia(stub) == "3EB0"
    request = route.calls.last.request
    assert orjson.loads(request.content) == body
    assert request.headers["apikey"] == KEY
    assert request.headers["content-type"] == "application/json"


@respx.mock
async def test_what_is_served_slowly_is_waited_for(stub: Evolution) -> None:
    sent = respx.post(f"{BASE}/message/sendLocation/chip-01").respond(201, json=SENT)
    groups = respx.get(f"{BASE}/group/fetchAllGroups/chip-01").respond(200, json=[])
    typing = respx.post(f"{BASE}/chat/sendPresence/chip-01").respond(201, json={"presence": "composing"})
    connect = respx.get(f"{BASE}/instance/connect/chip-01").respond(200, json={"count": 0})
    await stub.send_location("chip-01", PHONE, LOCAL, atraso_ms=40_000)
    await stub.fetch_groups("chip-01")
    await stub.send_presence("chip-01", PHONE, 25_000)
    await stub.connect("chip-01")
    waits = [route.calls.last.request.extensions["timeout"]["read"] for route in (sent, groups, typing, connect)]
    assert waits == [41.0, 180.0, 40.0, 30.0]
    assert sent.calls.last.request.extensions["timeout"]["connect"] == 3.0
    assert orjson.loads(typing.calls.last.request.content)["delay"] == 25_000


async def test_every_kind_of_send_is_accepted_and_found(live: Evolution, sandbox: Sandbox) -> None:
    ids = [
        await live.send_media("chip-01", PHONE, PDF),
        await live.send_audio("chip-01", PHONE, b64encode(b"OggS").decode()),
        await live.send_location("chip-01", PHONE, LOCAL),
        await live.send_contact("chip-01", PHONE, "Gestor Fictício", "5511900003001"),
        await live.send_poll("chip-01", PHONE, "Qual dia?", ["sábado", "domingo"]),
        await live.send_reaction("chip-01", ALVO, "👍"),
    ]
    log = await sandbox.control("GET", "/aceitas")
    assert [one["id"] for one in log["aceitas"]] == ids
    downloaded = await live.download_media("chip-01", ids[1])
    assert (downloaded.conteudo, downloaded.mimetype) == (b"OggS", "audio/ogg; codecs=opus")
    with pytest.raises(GatewayError) as unknown:
        await live.download_media("chip-01", "3AFF")
    assert (unknown.value.status, "Message not found" in unknown.value.reason) == (400, True)
    with pytest.raises(SendRefusedError):
        await live.send_audio("chip-01", PHONE, "not-a-url-or-base64!")


async def test_a_message_is_edited_and_taken_back(live: Evolution) -> None:
    sent = await live.send_location("chip-01", PHONE, LOCAL)
    key = ChaveMensagem(sent, f"{PHONE}@s.whatsapp.net", nossa=True)
    await live.edit_message("chip-01", PHONE, key, "melhor assim")
    await live.delete_message("chip-01", key)
    with pytest.raises(GatewayError):
        await live.delete_message("chip-01", ALVO)


@respx.mock
async def test_taking_back_is_a_delete_with_a_body(stub: Evolution) -> None:
    route = respx.delete(f"{BASE}/chat/deleteMessageForEveryone/chip-01").respond(201, json={})
    await stub.delete_message("chip-01", ALVO, autor="5511900000002@s.whatsapp.net")
    assert orjson.loads(route.calls.last.request.content) == CHAVE | {"participant": "5511900000002@s.whatsapp.net"}
    edit = respx.post(f"{BASE}/chat/updateMessage/chip-01").respond(200, json={})
    await stub.edit_message("chip-01", PHONE, ALVO, "outro")
    assert orjson.loads(edit.calls.last.request.content) == {"number": PHONE, "key": CHAVE, "text": "outro"}


@pytest.mark.parametrize("numero", [LID, GRUPO, "status@broadcast"])
@respx.mock
async def test_reading_that_evolution_would_skip_and_call_done_is_not_called_done(stub: Evolution, numero: str) -> None:
    route = respx.route()
    with pytest.raises(GatewayError):
        await stub.mark_read("chip-01", numero, ["3A"])
    await stub.mark_read("chip-01", numero, [])
    assert not route.called


@respx.mock
async def test_numbers_are_matched_by_number_and_a_lid_proves_nothing(stub: Evolution) -> None:
    answer = [
        {"jid": GRUPO, "exists": True, "number": GRUPO},
        {"jid": LID, "exists": True, "number": LID},
        {"jid": "5511900000002@s.whatsapp.net", "exists": False, "number": "5511900000002"},
        {"jid": f"{PHONE}@s.whatsapp.net", "exists": True, "number": PHONE, "lid": LID, "new": {"field": 1}},
    ]
    route = respx.post(f"{BASE}/chat/whatsappNumbers/chip-01").respond(200, json=answer)
    asked = [PHONE, "5511900000002", LID, PHONE, "5511900000009"]
    assert await stub.check_numbers("chip-01", asked) == (
        NumeroConferido(PHONE, existe=True, jid=f"{PHONE}@s.whatsapp.net", lid=LID),
        NumeroConferido("5511900000002", existe=False, jid="5511900000002@s.whatsapp.net"),
        NumeroConferido(LID, existe=None, jid=LID),
        NumeroConferido(PHONE, existe=True, jid=f"{PHONE}@s.whatsapp.net", lid=LID),
        NumeroConferido("5511900000009", existe=None),
    )
    assert orjson.loads(route.calls.last.request.content) == {"numbers": [PHONE, "5511900000002", LID, "5511900000009"]}
    assert await stub.check_numbers("chip-01", []) == ()
    assert route.call_count == 1


async def test_the_sandbox_answers_a_number_check_in_another_order(live: Evolution, sandbox: Sandbox) -> None:
    await sandbox.control("PUT", "/inexistentes", {"telefones": ["5511900000002"]})
    checked = await live.check_numbers("chip-01", [PHONE, "5511900000002", LID])
    assert [one.existe for one in checked] == [True, False, None]


@pytest.mark.parametrize("encoded", [None, "", "!!!!", 7])
@respx.mock
async def test_a_file_that_is_none_is_an_error(stub: Evolution, encoded: object) -> None:
    answer = {"base64": encoded, "mimetype": "image/png", "size": {"fileLength": {"low": 1}}}
    respx.post(f"{BASE}/chat/getBase64FromMediaMessage/chip-01").respond(201, json=answer)
    with pytest.raises(GatewayError):
        await stub.download_media("chip-01", "3A")


@pytest.mark.parametrize(
    ("texto", "codigo"),
    [
        (CONVITE, CONVITE),
        (f"https://chat.whatsapp.com/{CONVITE}", CONVITE),
        (f" https://chat.whatsapp.com/invite/{CONVITE}?mode=ac_t ", CONVITE),
        (f"chat.whatsapp.com/{CONVITE}/", CONVITE),
        (f"https://chat.whatsapp.com/{CONVITE}x", None),
        (f"https://evil.test/{CONVITE}", None),
        ("https://chat.whatsapp.com/", None),
        (CONVITE[:-1], None),
        (f"{CONVITE[:-1]}-", None),
        ("", None),
    ],
)
def test_an_invitation_is_a_code_of_22_letters_and_digits_however_it_is_written(texto: str, codigo: str | None) -> None:
    assert codigo_de_convite(texto) == codigo


@respx.mock
async def test_what_is_no_invitation_and_no_group_is_not_asked_about(stub: Evolution) -> None:
    route = respx.route()
    for call in (stub.invite_info, stub.accept_invite):
        with pytest.raises(ConviteRecusadoError):
            await call("chip-01", "https://evil.test/x")
    with pytest.raises(GatewayError):
        await stub.leave_group("chip-01", PHONE)
    assert not route.called


@respx.mock
async def test_a_group_of_lids_is_read_and_what_is_odd_is_left_out(stub: Evolution) -> None:
    group = {
        "id": GRUPO,
        "subject": "Plantões SP",
        "size": "x",
        "creation": 1_700_000_000,
        "desc": None,
        "participants": [
            {"id": LID, "phoneNumber": f"{PHONE}@s.whatsapp.net", "admin": "superadmin"},
            {"id": "201000000001002@lid", "phoneNumber": "201000000001002", "admin": None},
            {"id": "5511900000002@s.whatsapp.net", "admin": "new-rank"},
            7,
        ],
    }
    respx.get(f"{BASE}/group/fetchAllGroups/chip-01?getParticipants=true").respond(200, json=[group, {"id": "x"}, 7])
    [found] = await stub.fetch_groups("chip-01", participantes=True)
    assert (found.nome, found.tamanho, found.descricao) == ("Plantões SP", 4, None)
    assert found.participantes == (
        Participante("+5511900000001", "201000000001001", admin=True),
        Participante(None, "201000000001002", admin=False),
        Participante("+5511900000002", None, admin=False),
        Participante(None, None, admin=False),
    )


async def test_a_group_is_looked_at_joined_listed_and_left(live: Evolution) -> None:
    group = await live.invite_info("chip-01", f"https://chat.whatsapp.com/{CONVITE}?mode=wwt")
    assert isinstance(group, Grupo)
    assert await live.accept_invite("chip-01", CONVITE) == group.jid
    with pytest.raises(ConviteRecusadoError) as again:
        await live.accept_invite("chip-01", CONVITE)
    assert again.value.motivo is MotivoConvite.JA_MEMBRO
    [listed] = await live.fetch_groups("chip-01")
    assert (listed.jid, listed.participantes) == (group.jid, ())
    assert await live.find_group("chip-01", group.jid) == group
    assert await live.group_participants("chip-01", group.jid) == group.participantes
    assert await live.group_invite("chip-01", group.jid) == CONVITE
    await live.leave_group("chip-01", group.jid)
    assert await live.fetch_groups("chip-01") == ()


@pytest.mark.parametrize(
    ("codigo", "motivo"),
    [("RevogadoAAAAAAAAAAAAAA", MotivoConvite.REVOGADO), ("CheioAAAAAAAAAAAAAAAAA", MotivoConvite.CHEIO)],
)
async def test_a_revoked_or_full_invitation_is_refused_for_good(
    live: Evolution, codigo: str, motivo: MotivoConvite
) -> None:
    with pytest.raises(ConviteRecusadoError) as refused:
        await live.accept_invite("chip-01", codigo)
    assert refused.value.motivo is motivo


async def test_a_closed_socket_never_makes_an_invitation_invalid(live: Evolution, sandbox: Sandbox) -> None:
    await sandbox.control("PUT", "/instancias/chip-01", {"estado": "close"})
    for call in (live.invite_info, live.accept_invite):
        with pytest.raises(GatewayError) as failure:
            await call("chip-01", CONVITE)
        assert not isinstance(failure.value, ConviteRecusadoError)


async def test_an_instance_is_asked_for_by_a_route_that_looks_at_the_key_first(live: Evolution, pool: HttpPool) -> None:
    assert await live.has_instance("chip-01") is True
    assert await live.has_instance("fantasma") is False
    with pytest.raises(GatewayError) as refused:
        await Evolution(pool.get_http_client("evolution"), "errada", 5.0).has_instance("fantasma")
    assert refused.value.status == 401


@pytest.mark.parametrize(
    ("answer", "pareamento"),
    [
        ({"count": 0}, Pareamento(aberta=False)),
        ({"instance": {"instanceName": "c", "state": "open"}}, Pareamento(aberta=True)),
        ({"instance": {"instanceName": "c", "status": "connecting"}}, Pareamento(aberta=False)),
        (
            {"pairingCode": "ABCD1234", "code": "2@x", "base64": "data:image/png;base64,AA", "count": 1},
            Pareamento(aberta=False, qr="2@x", imagem="data:image/png;base64,AA", codigo="ABCD1234"),
        ),
    ],
)
@respx.mock
async def test_connecting_tells_how_far_it_is(stub: Evolution, answer: dict[str, Any], pareamento: Pareamento) -> None:
    respx.get(f"{BASE}/instance/connect/chip-01?number={PHONE}").respond(200, json=answer)
    assert await stub.pair("chip-01", PHONE) == pareamento
    assert "2@x" not in repr(pareamento)


async def test_a_closed_instance_cannot_be_restarted_though_evolution_says_200(
    live: Evolution, sandbox: Sandbox
) -> None:
    assert (await live.restart("chip-01")).aberta
    await sandbox.control("PUT", "/instancias/chip-01", {"estado": "close"})
    with pytest.raises(GatewayError) as refused:
        await live.restart("chip-01")
    assert refused.value.status == 200


async def test_removing_logs_out_waits_for_the_close_and_only_then_deletes(live: Evolution) -> None:
    began = time.monotonic()
    await live.remove_instance("chip-01")
    assert time.monotonic() - began >= 0.25
    while await live.has_instance("chip-01"):  # noqa: ASYNC110 - the sandbox tells nobody
        await asyncio.sleep(0.05)
    await live.remove_instance("chip-01")


@respx.mock
async def test_an_instance_that_does_not_close_is_not_deleted(stub: Evolution) -> None:
    done = {"status": "SUCCESS", "error": False, "response": {"message": "Instance logged out"}}
    respx.delete(f"{BASE}/instance/logout/chip-01").respond(200, json=done)
    state = {"instance": {"instanceName": "chip-01", "state": "connecting"}}
    respx.get(f"{BASE}/instance/connectionState/chip-01").respond(200, json=state)
    delete = respx.delete(f"{BASE}/instance/delete/chip-01")
    with pytest.raises(GatewayError, match="did not close"):
        await stub.remove_instance("chip-01", espera_s=0.0)
    assert not delete.called


async def test_a_session_that_is_out_already_is_no_failure(live: Evolution, sandbox: Sandbox) -> None:
    assert await live.logout("chip-01") is True
    await sandbox.control("PUT", "/instancias/chip-01", {"estado": "close"})
    assert await live.logout("chip-01") is False


async def test_settings_webhook_presence_and_profile_are_set_and_read(live: Evolution) -> None:
    await live.set_settings("chip-01", Ajustes(recusa_ligacoes=True, ignora_grupos=False, le_mensagens=True))
    assert await live.find_settings("chip-01") == Ajustes(recusa_ligacoes=True, ignora_grupos=False, le_mensagens=True)
    assert await live.find_webhook("chip-01") is None
    await live.set_webhook("chip-01", "http://127.0.0.1:9/x", {"x-agente-webhook-key": "k"})
    found = await live.find_webhook("chip-01")
    assert found is not None
    assert (found.url, found.eventos, found.ligado, found.por_evento) == ("http://127.0.0.1:9/x", EVENTOS, True, False)
    await live.set_presence("chip-01", disponivel=False)
    await live.update_profile("chip-01", nome="Júlia", recado="Agente virtual", foto="https://midia.test/a.png")
    assert await live.fetch_picture("chip-01", PHONE) is None
    assert (await live.fetch_profile("chip-01", PHONE)).nome == "Dra. Fictícia"


@respx.mock
async def test_a_state_that_nobody_knows_does_not_send(stub: Evolution) -> None:
    route = respx.get(f"{BASE}/instance/connectionState/chip-01")
    route.mock(return_value=httpx.Response(200, json={"instance": {"state": "dreaming", "new": 1}}))
    assert await stub.connection_state("chip-01") is EstadoConexao.FECHADA

"""Each call of Z-API as it must be made, with its answer and what our client returns of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from lib.providers.whatsapp import Envio, EstadoConexao
from lib.providers.zapi import Zapi
from lib.providers.zapi_forma import ConviteZapi, GrupoZapi, NumeroZapi, data_uri

BASE = "https://zapi.test"
CONTA = "F-segredo-da-conta"
TOKEN = "T0k3n/da+instancia"  # what has to be quoted in a path must be hidden quoted, too
INSTANCIA = "3C0000000000000000000000000000A1"
AQUI = f"{BASE}/instances/{INSTANCIA}/token/{quote(TOKEN, safe='')}"
PHONE = "5511900001001"
PASTA = Path(__file__).parents[1] / "fixtures/zapi"
ACEITA = orjson.loads((PASTA / "http.send_text_200.json").read_bytes())
PNG = data_uri("image/png", b"\x89PNG")
CONVITE = "https://chat.whatsapp.com/AbC"


def um_envio(texto: str = "oi", numero: str = PHONE, instancia: str = INSTANCIA) -> Envio:
    return Envio(instancia, numero, texto, 7)


Pedido = Callable[[Zapi], Awaitable[Any]]
SENT = "D241ZAPI732339502B68"
CHAMADAS: dict[str, tuple[Pedido, str, str, Any, Any, Any]] = {
    # name: (call, method, path and query, body, answer, what the call returns)
    "text": (
        lambda z: z.send_text(um_envio("Olá 👋")),
        "POST",
        "/send-text",
        {"phone": PHONE, "message": "Olá 👋"},
        ACEITA,
        SENT,
    ),
    "text to a LID": (
        lambda z: z.send_text(um_envio("oi", "201000000001001@lid")),
        "POST",
        "/send-text",
        {"phone": "201000000001001@lid", "message": "oi"},
        {"zaapId": "z", "id": "m2"},
        "m2",
    ),
    "image": (
        lambda z: z.send_image(INSTANCIA, "+5511900001001", PNG, "a vaga"),
        "POST",
        "/send-image",
        {"phone": PHONE, "image": PNG, "caption": "a vaga"},
        ACEITA,
        SENT,
    ),
    "video": (
        lambda z: z.send_video(INSTANCIA, PHONE, "https://files.example.test/v.mp4"),
        "POST",
        "/send-video",
        {"phone": PHONE, "video": "https://files.example.test/v.mp4", "caption": ""},
        ACEITA,
        SENT,
    ),
    "audio": (
        lambda z: z.send_audio(INSTANCIA, PHONE, data_uri("audio/ogg", b"x")),
        "POST",
        "/send-audio",
        {"phone": PHONE, "audio": "data:audio/ogg;base64,eA==", "waveform": True},
        ACEITA,
        SENT,
    ),
    "document": (
        lambda z: z.send_document(INSTANCIA, PHONE, data_uri("application/pdf", b"x"), "Contrato 1.PDF", "assine"),
        "POST",
        "/send-document/pdf",
        {
            "phone": PHONE,
            "document": "data:application/pdf;base64,eA==",
            "fileName": "Contrato 1.PDF",
            "caption": "assine",
        },
        ACEITA,
        SENT,
    ),
    "reaction": (
        lambda z: z.send_reaction(INSTANCIA, PHONE, "3EB0Z1", "👍"),
        "POST",
        "/send-reaction",
        {"phone": PHONE, "reaction": "👍", "messageId": "3EB0Z1"},
        ACEITA,
        SENT,
    ),
    "reaction taken back": (
        lambda z: z.send_reaction(INSTANCIA, PHONE, "3EB0Z1", ""),
        "POST",
        "/send-remove-reaction",
        {"phone": PHONE, "messageId": "3EB0Z1"},
        ACEITA,
        SENT,
    ),
    "read": (
        lambda z: z.mark_read(INSTANCIA, PHONE, ["3EB0Z1"]),
        "POST",
        "/read-message",
        {"phone": PHONE, "messageId": "3EB0Z1"},
        (204, None),
        None,
    ),
    "delete": (
        lambda z: z.delete_message(INSTANCIA, PHONE, "3EB0Z1"),
        "DELETE",
        f"/messages?messageId=3EB0Z1&phone={PHONE}&owner=true",
        None,
        (204, None),
        None,
    ),
    "state": (
        lambda z: z.connection_state(INSTANCIA),
        "GET",
        "/status",
        None,
        {"connected": True, "error": "You are already connected.", "smartphoneConnected": True},
        EstadoConexao.ABERTA,
    ),
    "state without the phone": (
        lambda z: z.connection_state(INSTANCIA),
        "GET",
        "/status",
        None,
        {"connected": True, "error": "", "smartphoneConnected": False},
        EstadoConexao.FECHADA,
    ),
    "state closed": (
        lambda z: z.connection_state(INSTANCIA),
        "GET",
        "/status",
        None,
        {"connected": False, "error": "You are not connected.", "smartphoneConnected": False},
        EstadoConexao.FECHADA,
    ),
    "QR code as bytes": (lambda z: z.qr_code(INSTANCIA), "GET", "/qr-code", None, (200, b"2@abc,def"), "2@abc,def"),
    "QR code as JSON": (lambda z: z.qr_code(INSTANCIA), "GET", "/qr-code", None, {"value": "2@abc"}, "2@abc"),
    "QR code as image": (lambda z: z.qr_code_image(INSTANCIA), "GET", "/qr-code/image", None, {"value": PNG}, PNG),
    "phone code": (
        lambda z: z.phone_code(INSTANCIA, "+55 11 90000-0100"),
        "GET",
        "/phone-code/5511900000100",
        None,
        {"code": "ABCD-1234"},
        "ABCD-1234",
    ),
    "restart": (lambda z: z.restart(INSTANCIA), "GET", "/restart", None, {"value": True}, None),
    "disconnect": (lambda z: z.disconnect(INSTANCIA), "GET", "/disconnect", None, {"value": True}, None),
    "webhooks": (
        lambda z: z.set_webhooks(INSTANCIA, "https://api.example.test/webhooks/zapi/x.y"),
        "PUT",
        "/update-every-webhooks",
        {"value": "https://api.example.test/webhooks/zapi/x.y", "notifySentByMe": True},
        {"value": True},
        None,
    ),
    "queue cleared": (lambda z: z.clear_queue(INSTANCIA), "DELETE", "/queue", None, (200, b""), None),
    "queued deleted": (
        lambda z: z.delete_queued(INSTANCIA, "39/ZA"),
        "DELETE",
        "/queue/39%2FZA",
        None,
        (204, None),
        None,
    ),
    "phone": (
        lambda z: z.phone_exists(INSTANCIA, "+5511900001001"),
        "GET",
        f"/phone-exists/{PHONE}",
        None,
        orjson.loads((PASTA / "http.phone_exists.json").read_bytes()),
        NumeroZapi(PHONE, existe=True, telefone="+5511900001001", lid="201000000001001"),
    ),
    "phone in a word": (
        lambda z: z.phone_exists(INSTANCIA, PHONE),
        "GET",
        f"/phone-exists/{PHONE}",
        None,
        [{"exists": "false", "phone": "", "lid": None}],
        NumeroZapi(PHONE, existe=False, telefone=None, lid=None),
    ),
    "phones": (
        lambda z: z.phones_exist(INSTANCIA, ["5541990000101", PHONE, "5511900009999"]),
        "POST",
        "/phone-exists-batch",
        {"phones": ["5541990000101", PHONE, "5511900009999"]},
        [
            {"exists": False, "inputPhone": PHONE, "outputPhone": PHONE, "lid": None},
            {"exists": "true", "inputPhone": "5541990000101", "outputPhone": "554190000101", "lid": "7@lid"},
        ],
        (
            NumeroZapi("5541990000101", existe=True, telefone="+5541990000101", lid="7"),
            NumeroZapi(PHONE, existe=False, telefone=None, lid=None),
            NumeroZapi("5511900009999", existe=False, telefone=None, lid=None),
        ),
    ),
    "groups": (
        lambda z: z.list_groups(INSTANCIA, 2),
        "GET",
        "/groups?page=2&pageSize=100",
        None,
        [{"phone": "1203-group", "name": "Plantões", "isGroup": True}, {"phone": PHONE, "isGroup": False}, None],
        (GrupoZapi("1203-group", "Plantões"),),
    ),
    "invitation": (
        lambda z: z.invitation(INSTANCIA, CONVITE),
        "GET",
        f"/group-invitation-metadata?url={quote(CONVITE, safe='')}",
        None,
        {"phone": "1203-group", "subject": "Plantões", "participants": [{}, {}]},
        ConviteZapi("1203-group", "Plantões", 2),
    ),
    "invitation accepted": (
        lambda z: z.accept_invitation(INSTANCIA, CONVITE),
        "GET",
        f"/accept-invite-group?url={quote(CONVITE, safe='')}",
        None,
        {"success": True},
        True,
    ),
}

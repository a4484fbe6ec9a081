"""Evolution's sends of other kinds than text, and what may be done with a message afterwards."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import Request, Response

from lib.sandbox.evolution_memory import Arquivo
from lib.sandbox.evolution_send import Saida, dead, deliver, whole
from lib.sandbox.evolution_wire import Desk, Endpoint, RefusalError, guarded, read_body, require, route, sent_payload
from lib.sandbox.replies import json_reply
from lib.sandbox.world import Aceita, Instance

_KINDS: Final = ("image", "document", "video", "audio")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
_NO_MEDIA: Final = "Owned media must be a url or base64"
_NO_AUDIO: Final = "Owned media must be a url, base64, or valid file with buffer"
_TYPES: Final = ("image/png", "application/pdf", "video/mp4", "audio/ogg; codecs=opus")

Leitura = Callable[[Mapping[str, Any]], Saida]


def media_routes(desk: Desk) -> tuple[tuple[str, str, Endpoint], ...]:
    """(method, path, endpoint) of every send but text, and of editing, deleting and downloading."""
    sends: tuple[tuple[str, Leitura], ...] = (
        ("sendMedia", _media),
        ("sendWhatsAppAudio", _audio),
        ("sendLocation", _location),
        ("sendContact", _contact),
        ("sendReaction", _reaction),
        ("sendPoll", _poll),
    )
    return (
        *(("POST", f"/message/{name}/{{instance}}", _send(desk, name, read)) for name, read in sends),
        ("POST", "/chat/updateMessage/{instance}", route(desk, "evolution.updateMessage", _edit(desk))),
        (
            "DELETE",
            "/chat/deleteMessageForEveryone/{instance}",
            route(desk, "evolution.deleteMessageForEveryone", _delete(desk)),
        ),
        (
            "POST",
            "/chat/getBase64FromMediaMessage/{instance}",
            route(desk, "evolution.getBase64FromMediaMessage", _download(desk)),
        ),
    )


def _send(desk: Desk, name: str, read: Leitura) -> Endpoint:
    async def send(request: Request) -> Response:
        body = await read_body(request)
        instance = guarded(desk.world, request)
        return await deliver(desk, request, instance, read(body))

    return route(desk, f"evolution.{name}", send)


def _delay(body: Mapping[str, Any]) -> int:
    if not whole(body.get("delay", 0)):
        raise RefusalError(400, [["Enter a value in milliseconds"]])
    return int(body.get("delay", 0))


def _number(body: Mapping[str, Any]) -> str:
    if not isinstance(body["number"], str):
        raise RefusalError(400, [["Invalid format"]])
    return body["number"]


def _is_file(value: object) -> bool:
    """An address or base64. A host under `.invalid` cannot be reached: nothing here fetches any."""
    if not isinstance(value, str):
        return False
    parts = urlsplit(value)
    if parts.scheme in {"http", "https"}:
        if (parts.hostname or "").endswith(".invalid"):
            raise RefusalError(500, ["TypeError: fetch failed"])
        return True
    return bool(_BASE64.fullmatch(value)) and len(value) % 4 == 0


def _media(body: Mapping[str, Any]) -> Saida:
    require(body, "number", "mediatype")
    kind = body["mediatype"]
    if kind not in _KINDS:
        raise RefusalError(400, [[f"mediatype is not one of enum values: {','.join(_KINDS)}"]])
    if not _is_file(body.get("media")):
        raise RefusalError(400, [_NO_MEDIA])
    media, caption = str(body["media"]), body.get("caption")
    mimetype = str(body.get("mimetype") or _TYPES[_KINDS.index(kind)])
    arquivo = Arquivo(f"{kind}Message", mimetype, str(body.get("fileName") or kind), _content(media))
    message = {f"{kind}Message": {"mimetype": mimetype, "caption": caption, "fileName": arquivo.nome}}
    return Saida(_number(body), str(caption or f"[{kind}]"), _delay(body), message, arquivo)


def _content(media: str) -> str:
    return _PIXEL if "://" in media else media


def _audio(body: Mapping[str, Any]) -> Saida:
    require(body, "number", "audio")
    if not _is_file(body["audio"]):
        raise RefusalError(400, [_NO_AUDIO])
    arquivo = Arquivo("audioMessage", _TYPES[-1], "audio.ogg", _content(str(body["audio"])))
    message = {"audioMessage": {"mimetype": arquivo.mimetype, "ptt": True}}
    return Saida(_number(body), "[audio]", _delay(body), message, arquivo)


def _location(body: Mapping[str, Any]) -> Saida:
    require(body, "number", "latitude", "longitude", "name", "address")
    place = {"degreesLatitude": body["latitude"], "degreesLongitude": body["longitude"]}
    message = {"locationMessage": place | {"name": body["name"], "address": body["address"]}}
    return Saida(_number(body), f"[location] {body['name']}", _delay(body), message)


def _contact(body: Mapping[str, Any]) -> Saida:
    require(body, "number", "contact")
    cards = body["contact"]
    if not isinstance(cards, list) or not cards or not all(isinstance(card, dict) for card in cards):
        raise RefusalError(400, [["contact does not meet minimum length of 1"]])
    first = cards[0]
    require(first, "fullName", "phoneNumber")
    vcard = f"BEGIN:VCARD\nVERSION:3.0\nFN:{first['fullName']}\nitem1.TEL:{first['phoneNumber']}\nEND:VCARD"
    message = {"contactMessage": {"displayName": first["fullName"], "vcard": vcard}}
    return Saida(_number(body), f"[contact] {first['fullName']}", _delay(body), message)


def _reaction(body: Mapping[str, Any]) -> Saida:
    require(body, "key", "reaction")
    key = body["key"] if isinstance(body["key"], dict) else {}
    missing = [f'key requires property "{name}"' for name in ("id", "remoteJid", "fromMe") if name not in key]
    if missing:
        raise RefusalError(400, [missing])
    message = {"reactionMessage": {"key": key, "text": body["reaction"]}}
    return Saida(str(key["remoteJid"]), f"[reaction] {body['reaction']}", 0, message)


def _poll(body: Mapping[str, Any]) -> Saida:
    require(body, "number", "name", "selectableCount", "values")
    options = [{"optionName": str(value)} for value in body["values"]]
    count = body["selectableCount"]
    message = {"pollCreationMessageV3": {"name": body["name"], "options": options, "selectableOptionsCount": count}}
    return Saida(_number(body), f"[poll] {body['name']}", _delay(body), message)


def _edit(desk: Desk) -> Endpoint:
    async def edit(request: Request) -> Response:
        body = await read_body(request)
        instance = guarded(desk.world, request)
        require(body, "number", "key", "text")
        sent = _ours(desk, instance, body["key"])
        return json_reply(_protocol(sent, instance, {"type": "MESSAGE_EDIT", "editedMessage": {"text": body["text"]}}))

    return edit


def _delete(desk: Desk) -> Endpoint:
    async def delete(request: Request) -> Response:
        body = await read_body(request)
        instance = guarded(desk.world, request)
        require(body, "id", "remoteJid", "fromMe")
        return json_reply(_protocol(_ours(desk, instance, body), instance, {"type": "REVOKE"}), 201)

    return delete


def _ours(desk: Desk, instance: Instance, key: Mapping[str, Any]) -> Aceita:
    if instance.state != "open":
        raise RefusalError(400, [dead(instance, "sendMessage")])
    wanted = key.get("id")
    found = (one for one in desk.world.aceitas if one.id == wanted and one.instance == instance.name)
    aceita = next(found, None)
    if aceita is None:
        raise RefusalError(400, ["Message not found"])
    return aceita


def _protocol(aceita: Aceita, instance: Instance, change: Mapping[str, Any]) -> dict[str, Any]:
    """Answer of an edit or a deletion; its timestamp is text here, as nowhere else."""
    payload = sent_payload(aceita, instance.id)
    message = {"protocolMessage": {"key": payload["key"], **change}}
    stamp = str(payload["messageTimestamp"])
    return payload | {"message": message, "messageType": "protocolMessage", "messageTimestamp": stamp}


def _download(desk: Desk) -> Endpoint:
    async def download(request: Request) -> Response:
        body = await read_body(request)
        guarded(desk.world, request)
        message = body.get("message")
        key = message.get("key") if isinstance(message, dict) else None
        arquivo = desk.memory.arquivos.get(str(key.get("id"))) if isinstance(key, dict) else None
        if arquivo is None:
            raise RefusalError(400, ["Message not found"])
        size = {"fileLength": {"low": len(arquivo.base64) * 3 // 4, "high": 0, "unsigned": True}}
        answer = {"mediaType": arquivo.tipo, "fileName": arquivo.nome, "size": size, "mimetype": arquivo.mimetype}
        return json_reply(answer | {"base64": arquivo.base64, "buffer": None}, 201)

    return download

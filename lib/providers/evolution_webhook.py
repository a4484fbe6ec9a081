"""Reading what an Evolution gateway reports, tolerantly: an unseen shape becomes `Outro`, never an exception."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from lib.domain.telefone import ler_jid

WRAPPERS = ("ephemeralMessage", "viewOnceMessage", "viewOnceMessageV2", "documentWithCaptionMessage", "editedMessage")
MEDIA = {
    "imageMessage": "imagem",
    "videoMessage": "video",
    "audioMessage": "audio",
    "documentMessage": "documento",
    "stickerMessage": "figurinha",
    "locationMessage": "localizacao",
    "contactMessage": "contato",
    "reactionMessage": "reacao",
}
STATUS_ENTREGA = {
    "PENDING": "enviada",
    "SERVER_ACK": "enviada",
    "DELIVERY_ACK": "entregue",
    "READ": "lida",
    "PLAYED": "lida",
    "ERROR": "falhou",
}
YEAR_2100 = 4_102_444_800
ID_MAX = 200
TEXT_MAX = 10_000  # characters that rules and prompts read; the raw bytes keep the rest


@dataclass(frozen=True, slots=True)
class Mensagem:
    """A doctor wrote; `texto` is None for media without words."""

    msg_id: str
    telefone: str | None
    lid: str | None
    nome: str | None
    midia: str
    texto: str | None
    enviada_em: datetime | None


@dataclass(frozen=True, slots=True)
class Eco:
    """A message of our own number, sent through the API or typed on the phone."""

    msg_id: str
    telefone: str | None
    texto: str | None
    enviada_em: datetime | None


@dataclass(frozen=True, slots=True)
class Recibo:
    """A receipt; `status` is the gateway's word, `entrega` ours."""

    msg_id: str
    status: str
    entrega: str


@dataclass(frozen=True, slots=True)
class Conexao:
    """The instance connected or lost its connection."""

    conectado: bool


@dataclass(frozen=True, slots=True)
class Outro:
    """Authentic, but nothing we act on; `morta` when it could not be understood."""

    motivo: str
    morta: bool = False


Evento = Mensagem | Eco | Recibo | Conexao | Outro


def instance_of(body: Any) -> str | None:
    """Return the instance that a parsed body names."""
    name = body.get("instance") if isinstance(body, dict) else None
    return name if isinstance(name, str) else None


def parse(raw: bytes) -> Any | None:
    """Return the JSON value, or None when the bytes are no JSON."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def read(body: Any) -> Evento:
    """Say what a parsed webhook is to us."""
    if not isinstance(body, dict):
        return Outro("não é um objeto JSON" if body is not None else "JSON inválido", morta=True)
    data: Any = body.get("data")
    event = _clean(str(body.get("event", ""))).lower().replace("_", ".")
    if isinstance(data, dict) and any(len(str(value)) > ID_MAX for value in _ids(data)):
        return Outro(f"identificador longo demais em {event[:60]}", morta=True)
    return _event(event, data)


def _event(event: str, data: Any) -> Evento:
    match event, data:
        case "messages.upsert" | "send.message", {"key": {"id": str(msg_id), "remoteJid": str(_)}} if msg_id:
            return _message(event, data)
        case "messages.update", {"keyId": str(msg_id), "status": str(status)} | {
            "id": str(msg_id),
            "status": str(status),
        }:
            entrega = STATUS_ENTREGA.get(status)
            known = Recibo(_clean(msg_id), status, entrega) if entrega else None
            return known or Outro(f"recibo desconhecido: {_clean(status)[:40]}")
        case "connection.update", {"state": ("open" | "close" | "refused") as state}:
            return Conexao(conectado=state == "open")
        case "messages.upsert" | "send.message" | "messages.update", _:
            return Outro(f"{event} sem a forma esperada", morta=True)
        case _:
            return Outro(f"evento sem tratamento: {event[:60] or 'sem nome'}")


def _ids(data: dict[str, Any]) -> list[Any]:
    """Return what names messages and people in an event."""
    key = data.get("key")
    inner = key if isinstance(key, dict) else {}
    return [data.get("keyId"), data.get("id"), *(inner.get(name) for name in ("id", "remoteJid", "remoteJidAlt"))]


def _message(event: str, data: dict[str, Any]) -> Evento:
    key = data["key"]
    alternative = key.get("remoteJidAlt")
    who = ler_jid(key["remoteJid"], alternative if isinstance(alternative, str) else None)
    if who is None:
        return Outro("transmissão, status ou canal")
    if who.grupo:
        return Outro("mensagem de grupo")
    midia, texto = _content(data.get("message"))
    em = _instant(data.get("messageTimestamp"))
    if event == "send.message" or key.get("fromMe") is True:
        return Eco(_clean(key["id"]), who.telefone, texto, em)
    name = data.get("pushName")
    return Mensagem(
        msg_id=_clean(key["id"]),
        telefone=who.telefone,
        lid=who.lid,
        nome=_clean(name)[:100] if isinstance(name, str) and name.strip() else None,
        midia=midia,
        texto=texto,
        enviada_em=em,
    )


def _content(message: Any) -> tuple[str, str | None]:
    """Return kind and words of a message, looking through its wrappers."""
    for _ in range(len(WRAPPERS)):
        inner = next((message[name] for name in WRAPPERS if isinstance(message, dict) and name in message), None)
        if inner is None:
            break
        message = inner.get("message") if isinstance(inner, dict) else None
    if not isinstance(message, dict):
        return "desconhecida", None
    extended = message.get("extendedTextMessage")
    text = message.get("conversation") or (extended.get("text") if isinstance(extended, dict) else None)
    if isinstance(text, str) and text.strip():
        return "texto", _clean(text)
    for name, midia in MEDIA.items():
        if name in message:
            part = message[name]
            caption = part.get("caption") if isinstance(part, dict) else None
            return midia, _clean(caption) if isinstance(caption, str) and caption.strip() else None
    return ("texto" if "conversation" in message else "desconhecida"), None


def _clean(text: str) -> str:
    """Drop what JSON allows and a Postgres text does not, and what is longer than anybody reads."""
    return text.replace("\x00", "")[:TEXT_MAX]


def _instant(stamp: Any) -> datetime | None:
    seconds = stamp.get("low") if isinstance(stamp, dict) else stamp
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit():
        seconds = int(seconds[:12])
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds < YEAR_2100:
        return None
    return datetime.fromtimestamp(seconds, UTC)

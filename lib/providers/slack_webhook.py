"""What Slack sends us: events, commands, buttons and views, each read to its meaning. Nothing here raises."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

CAMPOS_MAX: Final = 100
_FALADAS: Final = frozenset({None, "file_share", "thread_broadcast", "me_message"})  # a person said something
_ENTRE_SINAIS: Final = re.compile(r"<([^<>]*)>")
_VALORES: Final = (
    "value",
    "selected_date",
    "selected_time",
    "selected_user",
    "selected_channel",
    "selected_conversation",
)


@dataclass(frozen=True, slots=True)
class UrlVerification:
    """Slack asks whether this address is ours: `challenge` is to be given back."""

    challenge: str


@dataclass(frozen=True, slots=True)
class SslCheck:
    """Slack looks at the certificate; nothing is asked."""


@dataclass(frozen=True, slots=True)
class Comando:
    """A slash command; `texto` is what follows it."""

    usuario: str
    canal: str
    texto: str
    comando: str
    trigger_id: str
    response_url: str = field(repr=False)
    usuario_nome: str | None = None


@dataclass(frozen=True, slots=True)
class Mencao:
    """Somebody named the app in a channel; `texto` is without that name."""

    event_id: str
    usuario: str
    canal: str
    texto: str
    ts: str
    thread_ts: str | None = None


@dataclass(frozen=True, slots=True)
class MensagemDireta:
    """Somebody wrote to the app alone."""

    event_id: str
    usuario: str
    canal: str
    texto: str
    ts: str
    thread_ts: str | None = None


@dataclass(frozen=True, slots=True)
class Acao:
    """A button was pressed or an option chosen. `mensagem_ts` is None inside a view, `view_id` outside one."""

    usuario: str
    canal: str | None
    action_id: str
    valor: str
    mensagem_ts: str | None
    response_url: str | None = field(repr=False)
    trigger_id: str
    action_ts: str
    view_id: str | None = None


@dataclass(frozen=True, slots=True)
class EnvioDeTela:
    """A view was sent. `valores` is block id → action id → what was entered; `dados` what the view carried."""

    usuario: str
    view_id: str
    callback_id: str
    dados: str
    valores: Mapping[str, Mapping[str, str]]
    hash: str
    trigger_id: str


@dataclass(frozen=True, slots=True)
class Ignorado:
    """Nothing for us; `motivo` says why."""

    motivo: str


Pedido = UrlVerification | SslCheck | Comando | Mencao | MensagemDireta | Acao | EnvioDeTela | Ignorado


def read(raw: bytes, content_type: str | None) -> Pedido:
    """Read a webhook by its content type: JSON is an event, a form is a command or, in `payload`, an interaction."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return _form(raw)
    if kind == "application/json" or raw[:1] == b"{":
        return _event(_object(raw))
    return Ignorado("content type")


def chave(pedido: Pedido, raw: bytes) -> str:
    """Name a webhook so that Slack's retries, the two events of one mention and a double click are one.

    A message is its channel and ts; what has no name of its own is named by its bytes.
    """
    match pedido:
        case Mencao() | MensagemDireta():
            return f"mensagem:{pedido.canal}:{pedido.ts}"
        case Acao() if pedido.mensagem_ts:
            valor = hashlib.sha256(pedido.valor.encode(errors="replace")).hexdigest()[:32]
            return f"acao:{pedido.canal}:{pedido.mensagem_ts}:{pedido.usuario}:{pedido.action_id[:60]}:{valor}"
        case Acao():
            return f"acao:{pedido.view_id}:{pedido.action_ts}:{pedido.usuario}:{pedido.action_id[:60]}"
        case EnvioDeTela():
            return f"tela:{pedido.view_id}:{pedido.hash}"
        case Comando() if pedido.trigger_id:
            return f"comando:{pedido.trigger_id}"
        case _:
            return f"corpo:{hashlib.sha256(raw).hexdigest()}"


def plain(texto: str, bot: str | None = None) -> str:
    """Return what the user typed: Slack's links and entities undone, the app's own name taken out."""

    def shown(found: re.Match[str]) -> str:
        target, _, label = found[1].partition("|")
        if target.startswith("@") and target[1:] == bot:
            return ""
        if target.startswith(("#", "!")):
            return (target[0].replace("!", "@") + label.lstrip("#@")) if label else target.replace("!", "@")
        if target.startswith("@"):
            return found[0]
        return label or target.removeprefix("mailto:").removeprefix("tel:")

    return html.unescape(_ENTRE_SINAIS.sub(shown, texto)).replace("\x00", "").strip()


def _form(raw: bytes) -> Pedido:
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=CAMPOS_MAX, errors="strict")
    except ValueError:  # too many fields, or no UTF-8
        return Ignorado("form")
    fields = dict(pairs)
    if "payload" in fields:
        return _interaction(_object(fields["payload"].encode()))
    if fields.get("ssl_check") == "1":
        return SslCheck()
    if not fields.get("command") or not fields.get("user_id"):
        return Ignorado("form without a command")
    return Comando(
        usuario=_said(fields.get("user_id")),
        canal=_said(fields.get("channel_id")),
        texto=plain(fields.get("text", "")),
        comando=_said(fields["command"]),
        trigger_id=_said(fields.get("trigger_id")),
        response_url=_said(fields.get("response_url")),
        usuario_nome=_said(fields.get("user_name")) or None,
    )


def _event(body: Mapping[str, Any] | None) -> Pedido:
    if body is None:
        return Ignorado("no JSON object")
    kind = body.get("type")
    if kind == "url_verification" and isinstance(body.get("challenge"), str):
        return UrlVerification(body["challenge"])
    event = _dict(body.get("event"))
    if kind != "event_callback" or not event:
        return Ignorado(f"type {_said(kind)[:40] or 'none'}")
    motivo = _unheard(event, _bot(body))
    return Ignorado(motivo) if motivo else _message(body, event)


def _unheard(event: Mapping[str, Any], bot: str | None) -> str | None:
    """Say why an event is nothing a person said to us; None when it is."""
    kind, subtype = event.get("type"), event.get("subtype")
    if kind not in ("app_mention", "message"):
        return f"event {_said(kind)[:40] or 'none'}"
    if event.get("hidden") or not (subtype is None or (isinstance(subtype, str) and subtype in _FALADAS)):
        return f"message {_said(subtype)[:40] or 'hidden'}"
    if event.get("bot_id") or event.get("app_id") or (bot is not None and event.get("user") == bot):
        return "written by a bot"
    if not all(isinstance(event.get(name), str) and event[name] for name in ("user", "channel", "ts")):
        return "message without user, channel or ts"
    return None


def _message(body: Mapping[str, Any], event: Mapping[str, Any]) -> Pedido:
    bot, text = _bot(body), event.get("text")
    text = text if isinstance(text, str) else ""
    direct = event["type"] == "message" and (event.get("channel_type") == "im" or event["channel"].startswith("D"))
    if event["type"] == "message" and not direct and (bot is None or f"<@{bot}" not in text):
        return Ignorado("said in a channel, not to us")
    thread = event.get("thread_ts")
    return (MensagemDireta if direct else Mencao)(
        event_id=_said(body.get("event_id")),
        usuario=_said(event["user"]),
        canal=_said(event["channel"]),
        texto=plain(text, bot),
        ts=_said(event["ts"]),
        thread_ts=_said(thread) or None,
    )


def _interaction(body: Mapping[str, Any] | None) -> Pedido:
    if body is None:
        return Ignorado("payload without a JSON object")
    kind, user = body.get("type"), _said(_dict(body.get("user")).get("id"))
    if not user:
        return Ignorado("interaction without a user")
    if kind == "block_actions":
        return _action(body, user)
    view = _dict(body.get("view"))
    if kind == "view_submission" and view:
        return EnvioDeTela(
            usuario=user,
            view_id=_said(view.get("id")),
            callback_id=_said(view.get("callback_id")),
            dados=_said(view.get("private_metadata")),
            valores=_entered(view),
            hash=_said(view.get("hash")),
            trigger_id=_said(body.get("trigger_id")),
        )
    return Ignorado(f"interaction {_said(kind)[:40] or 'none'}")


def _action(body: Mapping[str, Any], user: str) -> Pedido:
    listed = body.get("actions")
    action = _dict(listed[0]) if isinstance(listed, list) and listed else {}
    if not _said(action.get("action_id")):
        return Ignorado("interaction without an action")
    container = _dict(body.get("container"))
    message_ts = _said(container.get("message_ts")) or _said(_dict(body.get("message")).get("ts"))
    return Acao(
        usuario=user,
        canal=_said(_dict(body.get("channel")).get("id")) or _said(container.get("channel_id")) or None,
        action_id=_said(action["action_id"]),
        valor=_value(action),
        mensagem_ts=message_ts or None,
        response_url=_said(body.get("response_url")) or None,
        trigger_id=_said(body.get("trigger_id")),
        action_ts=_said(action.get("action_ts")),
        view_id=_said(container.get("view_id")) or _said(_dict(body.get("view")).get("id")) or None,
    )


def _entered(view: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    blocks = _dict(_dict(view.get("state")).get("values"))
    made = {
        str(block): MappingProxyType({str(name): _value(_dict(state)) for name, state in _dict(states).items()})
        for block, states in blocks.items()
    }
    return MappingProxyType(made)


def _value(element: Mapping[str, Any]) -> str:
    """Return what a button carries or an input holds; several options are joined by commas."""
    option = element.get("selected_option")
    if isinstance(option, dict):
        return _said(option.get("value"))
    options = element.get("selected_options")
    if isinstance(options, list):
        return ",".join(_said(_dict(one).get("value")) for one in options)
    return next((_said(element[name]) for name in _VALORES if isinstance(element.get(name), str)), "")


def _bot(body: Mapping[str, Any]) -> str | None:
    """Return the user id under which the app was told of this."""
    listed = body.get("authorizations")
    first = _dict(listed[0]) if isinstance(listed, list) and listed else {}
    return _said(first.get("user_id")) or None


def _object(raw: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _said(value: Any) -> str:
    """Return a text without what Postgres cannot keep; "" for anything else."""
    return value.replace("\x00", "") if isinstance(value, str) else ""

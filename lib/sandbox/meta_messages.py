"""Sending and reading as the Cloud API does it: a 200 only means taken, what becomes of it comes by webhook."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_wire import Desk
from lib.sandbox.jid import create_jid, phone_of
from lib.sandbox.meta_numeros import number_status
from lib.sandbox.meta_wire import MetaRefusalError, account, invalid, number, of_number, post_change, read_body
from lib.sandbox.meta_world import MetaWorld, Template
from lib.sandbox.replies import json_reply
from lib.sandbox.world import ChatMessage, Instance

WORDS: Final = ("sent", "delivered", "read")
LIVRES: Final = frozenset({"text", "interactive", "image", "audio", "video", "document", "sticker"})
TEXTO_MAX: Final = 4_096
CALLBACK_MAX: Final = 512
FALHAS: Final[Mapping[int, tuple[str, str]]] = {
    131047: (
        "Re-engagement message",
        "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
    ),
    131048: (
        "Spam rate limit hit",
        "Message failed to send because there are restrictions on how many messages can be sent from this number.",
    ),
    131026: ("Message undeliverable", "Message Undeliverable."),
    131050: ("User has stopped marketing messages", "The user chose to stop marketing messages from this business."),
}


@dataclass(frozen=True, slots=True)
class Saida:
    """A message on its way: `texto` as the doctor will read it."""

    instance: Instance
    jid: str
    asked: str
    texto: str
    template: Template | None
    callback: str | None
    by_user_id: bool


async def send(desk: Desk, meta: MetaWorld, request: Request) -> Response:
    """POST messages: a send, or a mark as read."""
    body = await read_body(request)
    instance = number(meta, request)
    if instance.state != "open":
        raise MetaRefusalError(400, 133010, "Account not registered", "The account is not registered.")
    if number_status(instance) == "BANNED":
        raise MetaRefusalError(403, 131031, "Business Account locked", "The account was disabled for a violation.")
    if body.get("messaging_product") != "whatsapp":
        raise invalid("Param messaging_product must be one of {WHATSAPP}")
    if body.get("status") == "read":
        return _mark_read(meta, body)
    saida = _read_send(meta, instance, body)
    if meta.too_fast(instance.name, saida.jid):
        raise MetaRefusalError(400, 131056, "(Business Account, Consumer Account) pair rate limit hit")
    wamid = _take(desk, meta, saida, request.headers.get("x-request-id"))
    contact: dict[str, Any] = {"input": saida.asked}
    contact |= {"user_id": meta.user_id(saida.jid)} if saida.by_user_id else {"wa_id": phone_of(saida.jid)}
    sent = {"id": wamid} | ({"message_status": "accepted"} if saida.template else {})
    return json_reply({"messaging_product": "whatsapp", "contacts": [contact], "messages": [sent]})


def _mark_read(meta: MetaWorld, body: Mapping[str, Any]) -> Response:
    message_id = body.get("message_id")
    if not isinstance(message_id, str) or not message_id:
        raise invalid("Param message_id is required")
    meta.leituras.append(message_id)
    if "typing_indicator" in body:
        meta.digitando.append(message_id)
    return json_reply({"success": True})


def _read_send(meta: MetaWorld, instance: Instance, body: Mapping[str, Any]) -> Saida:
    callback = body.get("biz_opaque_callback_data")
    if callback is not None and (not isinstance(callback, str) or len(callback) > CALLBACK_MAX):
        raise invalid(f"Param biz_opaque_callback_data must be at most {CALLBACK_MAX} characters long.")
    jid, asked = _addressee(meta, body)
    kind = body.get("type", "text")
    template = _template(meta, body) if kind == "template" else None
    if template is None and kind not in LIVRES:
        raise MetaRefusalError(400, 131051, "Unsupported message type", f"Type {kind} is not supported")
    texto = _filled(template, body) if template else _said(str(kind), body)
    return Saida(instance, jid, asked, texto, template, callback, by_user_id=not body.get("to"))


def _addressee(meta: MetaWorld, body: Mapping[str, Any]) -> tuple[str, str]:
    """The address and how it was asked for; with both `to` goes first."""
    to, recipient = body.get("to"), body.get("recipient")
    if isinstance(to, str) and to:
        digits = to.removeprefix("+")
        if not digits.isdigit():
            raise invalid("Param to is not a valid phone number")
        return create_jid(digits), to
    if isinstance(recipient, str) and recipient:
        jid = meta.jid_of(recipient)
        if jid is None:
            raise MetaRefusalError(400, 131026, "Message undeliverable", "The user id is not known to this business.")
        return jid, recipient
    raise MetaRefusalError(400, 131008, "Required parameter is missing", "Parameter 'to' or 'recipient' is required")


def _template(meta: MetaWorld, body: Mapping[str, Any]) -> Template:
    wanted = body.get("template")
    given: Mapping[str, Any] = wanted if isinstance(wanted, dict) else {}
    language = given.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    found = meta.templates.get((str(given.get("name")), str(code)))
    if found is None or found.status in {"PENDING", "REJECTED"}:
        raise MetaRefusalError(
            404,
            132001,
            "Template name does not exist in the translation",
            f"template name ({given.get('name')}) does not exist in {code}",
        )
    if found.status == "PAUSED":
        raise MetaRefusalError(400, 132015, "Template is Paused", "Template is paused due to low quality")
    if found.status == "DISABLED":
        raise MetaRefusalError(400, 132016, "Template is Disabled", "Template is disabled")
    return found


def _values(body: Mapping[str, Any]) -> list[str]:
    components = body["template"].get("components") or []
    return [
        str(parameter.get("text"))
        for component in components
        if component.get("type") == "body"
        for parameter in component.get("parameters") or []
    ]


def _filled(template: Template, body: Mapping[str, Any]) -> str:
    values = _values(body)
    if len(values) != template.parametros:
        raise MetaRefusalError(
            400,
            132000,
            "Number of parameters does not match the expected number of params",
            f"body: number of localizable_params ({len(values)}) does not match the expected number of params "
            f"({template.parametros})",
        )
    if any(not value or "\n" in value or "\t" in value or "     " in value for value in values):
        raise invalid("Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
    filled = template.corpo
    for n, value in enumerate(values, start=1):
        filled = filled.replace(f"{{{{{n}}}}}", value)
    return filled


def _said(kind: str, body: Mapping[str, Any]) -> str:
    part = body.get(kind)
    if not isinstance(part, dict):
        raise MetaRefusalError(400, 131008, "Required parameter is missing", f"Parameter '{kind}' is required")
    if kind == "text":
        said = part.get("body")
        if not isinstance(said, str) or not said.strip():
            raise invalid("Param text['body'] must be a non-empty string.")
        if len(said) > TEXTO_MAX:
            raise invalid(f"Param text['body'] must be at most {TEXTO_MAX} characters long.")
        return said
    if kind == "interactive":
        return str((part.get("body") or {}).get("text") or "")
    return str(part.get("caption") or f"[{kind}]")


def _take(desk: Desk, meta: MetaWorld, saida: Saida, request_id: str | None) -> str:
    """Accept a message, deliver it or let it fail later; returns its id."""
    code, wamid = _trouble(desk, meta, saida), f"wamid.{uuid.uuid4().hex.upper()}"
    if code is not None:
        _later(desk, meta, saida, wamid, 0, "failed", code)
        return wamid
    desk.world.accept(saida.instance.name, phone_of(saida.jid), saida.texto, request_id, wamid)
    if desk.courier().policy.receipts:
        for n, word in enumerate(WORDS):
            _later(desk, meta, saida, wamid, n, word, None)
    return wamid


def _trouble(desk: Desk, meta: MetaWorld, saida: Saida) -> int | None:
    if saida.jid in desk.world.inexistentes:
        return 131026
    marketing = saida.template is not None and saida.template.categoria == "MARKETING"
    if marketing and (saida.instance.name, saida.jid) in meta.sem_marketing:
        return 131050
    if meta.open_window(saida.instance.name, saida.jid):
        return None
    if number_status(saida.instance) == "RESTRICTED":
        return 131048
    return 131047 if saida.template is None else None


def _later(desk: Desk, meta: MetaWorld, saida: Saida, wamid: str, step: int, word: str, code: int | None) -> None:
    delay_s = desk.courier().policy.receipts_ms[step] / 1000

    def tell() -> None:
        value = of_number(saida.instance, _status(meta, saida, wamid, word, code))
        post_change(desk, meta, "messages", value, conta=account(saida.instance))

    asyncio.get_running_loop().call_later(delay_s, tell)


def _status(meta: MetaWorld, saida: Saida, wamid: str, word: str, code: int | None) -> dict[str, Any]:
    """One status: a failure names neither contact nor, when it went to a phone, the user id."""
    hidden = saida.jid in meta.ocultos
    status: dict[str, Any] = {"id": wamid, "status": word, "timestamp": str(int(time.time()))}
    if not (hidden and saida.by_user_id):
        status["recipient_id"] = phone_of(saida.jid)
    if code is None or saida.by_user_id:
        status["recipient_user_id"] = meta.user_id(saida.jid)
    if saida.callback is not None:
        status["biz_opaque_callback_data"] = saida.callback
    if code is not None:
        title, details = FALHAS[code]
        error = {"code": code, "title": title, "message": title, "error_data": {"details": details}}
        return {"statuses": [status | {"errors": [error]}]}
    category = saida.template.categoria.lower() if saida.template else "service"
    status["pricing"] = {"billable": saida.template is not None, "pricing_model": "PMP", "category": category}
    return {"contacts": [meta.contact(saida.jid)], "statuses": [status]}


def doctor_says(
    desk: Desk,
    meta: MetaWorld,
    instance: Instance,
    telefone: str,
    texto: str,
    *,
    nome: str = "Dra. Fictícia",
    message_id: str | None = None,
    at_s: float | None = None,
    oculto: bool | None = None,
    copies: int = 1,
    conteudo: Mapping[str, Any] | None = None,
) -> str:
    """Put a doctor's message into the chat and tell the API as Meta does; returns its id.

    `oculto` gives the doctor a username from now on (or takes it away), so that the phone is left out. `conteudo` takes
    the place of the text's part: `{"type": "button", "button": {...}}`.
    """
    if oculto is not None:
        meta.hide(telefone, oculto=oculto)
    jid, when = create_jid(telefone), time.time() if at_s is None else at_s
    wamid = message_id or f"wamid.{uuid.uuid4().hex.upper()}"
    desk.world.receive(ChatMessage(wamid, instance.name, jid, False, texto, nome, when))  # noqa: FBT003 - a row
    sender: dict[str, Any] = {} if jid in meta.ocultos else {"from": phone_of(jid)}
    part = dict(conteudo) if conteudo else {"type": "text", "text": {"body": texto}}
    message = {**sender, "from_user_id": meta.user_id(jid), "id": wamid, "timestamp": str(int(when)), **part}
    if (instance.name, jid) not in meta.bloqueados:
        value = of_number(instance, {"contacts": [meta.contact(jid, nome)], "messages": [message]})
        post_change(desk, meta, "messages", value, copies=copies, conta=account(instance))
    return wamid


def person_types(
    desk: Desk, meta: MetaWorld, instance: Instance, telefone: str, texto: str, *, at_s: float | None = None
) -> str:
    """Let a person write on the number's own phone (WhatsApp Business app): an echo reaches the API; returns its id."""
    jid, when = create_jid(telefone), time.time() if at_s is None else at_s
    wamid = f"wamid.{uuid.uuid4().hex.upper()}"
    desk.world.receive(ChatMessage(wamid, instance.name, jid, True, texto, "Você", when))  # noqa: FBT003 - a row
    echo = {
        "from": instance.number or "5511900000000",
        "to": phone_of(jid),
        "id": wamid,
        "timestamp": str(int(when)),
        "type": "text",
        "text": {"body": texto},
    }
    value = of_number(instance, {"message_echoes": [echo]})
    post_change(desk, meta, "smb_message_echoes", value, conta=account(instance))
    return wamid


def user_prefers(desk: Desk, meta: MetaWorld, instance: Instance, telefone: str, *, parar: bool) -> None:
    """Let a user stop or resume marketing messages by WhatsApp's own menu."""
    jid = create_jid(telefone)
    (meta.sem_marketing.add if parar else meta.sem_marketing.discard)((instance.name, jid))
    contact = meta.contact(jid)
    named: dict[str, Any] = {name: contact[name] for name in ("wa_id", "user_id") if name in contact}
    preference = {
        **named,
        "detail": "User requested to stop marketing messages" if parar else "User requested to resume",
        "category": "marketing_messages",
        "value": "stop" if parar else "resume",
        "timestamp": str(int(time.time())),
    }
    value = of_number(instance, {"contacts": [contact], "user_preferences": [preference]})
    post_change(desk, meta, "user_preferences", value, conta=account(instance))

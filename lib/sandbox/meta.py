"""Meta's Graph API for WhatsApp under `/meta`: numbers, messages, files, templates."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_wire import Desk, Endpoint
from lib.sandbox.jid import create_jid
from lib.sandbox.meta_messages import send
from lib.sandbox.meta_numeros import list_numbers, number_row
from lib.sandbox.meta_wire import (
    PAGINA,
    MetaRefusalError,
    check_key,
    invalid,
    number,
    paged,
    post_change,
    read_body,
    route,
)
from lib.sandbox.meta_world import APP, Media, MetaWorld, Template, new_id
from lib.sandbox.replies import json_reply, meta_error
from lib.sandbox.world import Instance

PREFIXO: Final = "/meta"
RAIZ: Final = "/meta/v{versao:int}.{menor:int}"
BYTES_MAX: Final = 16 * 1024 * 1024
CODIGO: Final = "123456"

Rota = tuple[str, str, Endpoint]


def meta_routes(desk: Desk, meta: MetaWorld) -> tuple[Rota, ...]:
    """(method, path, endpoint) of everything that Meta answers."""

    def bound(handle: Callable[[Desk, MetaWorld, Request], Awaitable[Response]]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            return await handle(desk, meta, request)

        return endpoint

    def graph(method: str, path: str, alvo: str, handle: Callable[..., Awaitable[Response]]) -> Rota:
        return method, f"{RAIZ}{path}", route(desk, meta, f"meta.{alvo}", bound(handle))

    return (
        ("GET", f"{PREFIXO}/_sandbox/pronto", _ready),
        ("GET", f"{PREFIXO}/_midia/{{id}}", bound(_download)),
        graph("POST", "/{id}/messages", "messages", send),
        graph("POST", "/{id}/media", "upload", _upload),
        graph("GET", "/{id}/message_templates", "templates", _templates),
        graph("GET", "/{id}/subscribed_apps", "subscribed_apps", _subscribed),
        graph("POST", "/{id}/subscribed_apps", "subscribed_apps", _subscribe),
        graph("GET", "/{id}/phone_numbers", "phone_numbers", list_numbers),
        graph("POST", "/{id}/phone_numbers", "phone_numbers", _add_number),
        graph("POST", "/{id}/request_code", "request_code", _request_code),
        graph("POST", "/{id}/verify_code", "verify_code", _verify_code),
        graph("POST", "/{id}/register", "register", _register),
        graph("POST", "/{id}/deregister", "deregister", _deregister),
        graph("POST", "/{id}/block_users", "block_users", _block),
        graph("DELETE", "/{id}/block_users", "block_users", _block),
        graph("GET", "/{id}", "node", _node),
    )


def put_template(desk: Desk, meta: MetaWorld, template: Template, reason: str | None = None) -> None:
    """Add a template or change its status, and tell the API, as Meta's review does."""
    meta.templates[template.nome, template.idioma] = template
    value = {
        "event": template.status,
        "message_template_id": int(template.id),
        "message_template_name": template.nome,
        "message_template_language": template.idioma,
        "message_template_category": template.categoria,
        "reason": reason or "NONE",
    }
    post_change(desk, meta, "message_template_status_update", value)


async def _ready(_request: Request) -> Response:
    return json_reply({"pronto": True})


async def _node(_desk: Desk, meta: MetaWorld, request: Request) -> Response:
    """A file's address, or a number's state."""
    stored = meta.media.get(request.path_params["id"])
    if stored is None:
        return json_reply(number_row(number(meta, request)))
    return json_reply(
        {
            "url": f"{meta.keys.server_url.rstrip('/')}{PREFIXO}/_midia/{stored.id}",
            "mime_type": stored.mimetype,
            "sha256": hashlib.sha256(stored.content).hexdigest(),
            "file_size": len(stored.content),
            "id": stored.id,
            "messaging_product": "whatsapp",
        }
    )


async def _download(_desk: Desk, meta: MetaWorld, request: Request) -> Response:
    """The bytes of a file, for whoever has the token."""
    try:
        check_key(meta, request)
    except MetaRefusalError as refusal:
        return meta_error(*refusal.reply)
    stored = meta.media.get(request.path_params["id"])
    if stored is None:
        return meta_error(404, 100, "Media not found")
    return Response(stored.content, media_type=stored.mimetype)


async def _upload(_desk: Desk, meta: MetaWorld, request: Request) -> Response:
    number(meta, request)
    raw = await request.body()
    if len(raw) > BYTES_MAX:
        raise MetaRefusalError(400, 131053, "Media upload error", "File size is out of range")
    parts = _multipart(request.headers.get("content-type", ""), raw)
    product, kind, content = parts.get("messaging_product"), parts.get("type"), parts.get("file")
    if product != b"whatsapp" or not kind or not content:
        raise invalid("messaging_product, type and file are required")
    stored = Media(new_id(), kind.decode(errors="replace"), content)
    meta.media[stored.id] = stored
    return json_reply({"id": stored.id})


def _multipart(content_type: str, raw: bytes) -> dict[str, bytes]:
    """The parts of a form by name."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
    found: dict[str, bytes] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = content
    return found


async def _templates(_desk: Desk, meta: MetaWorld, request: Request) -> Response:
    """One page of templates by cursor; every account has the same ones."""
    listed = sorted(meta.templates.values(), key=lambda template: (template.nome, template.idioma))
    return json_reply(paged(meta, request, [_template_row(template) for template in listed], PAGINA))


def _template_row(template: Template) -> dict[str, Any]:
    return {
        "name": template.nome,
        "language": template.idioma,
        "status": template.status,
        "category": template.categoria,
        "components": [{"type": "BODY", "text": template.corpo}],
        "id": template.id,
    }


async def _subscribed(_desk: Desk, meta: MetaWorld, request: Request) -> Response:
    app = {"whatsapp_business_api_data": {"id": APP, "name": "Agente Júlia", "link": "https://example.org"}}
    return json_reply({"data": [app] if request.path_params["id"] in meta.inscritas else []})


async def _subscribe(_desk: Desk, meta: MetaWorld, request: Request) -> Response:
    meta.inscritas.add(request.path_params["id"])
    return json_reply({"success": True})


async def _add_number(_desk: Desk, meta: MetaWorld, request: Request) -> Response:
    body = await read_body(request)
    for name in ("cc", "phone_number", "verified_name"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise MetaRefusalError(400, 131008, "Required parameter is missing", f"Parameter '{name}' is required")
    named = new_id()
    meta.codigos[named] = ""
    return json_reply({"id": named})


def _provisional(meta: MetaWorld, request: Request) -> str:
    named = str(request.path_params["id"])
    if named not in meta.codigos:
        number(meta, request)
    return named


async def _request_code(_desk: Desk, meta: MetaWorld, request: Request) -> Response:
    named, body = _provisional(meta, request), await read_body(request)
    if body.get("code_method") not in {"SMS", "VOICE"}:
        raise invalid("Param code_method must be one of {SMS, VOICE}")
    meta.codigos[named] = CODIGO
    return json_reply({"success": True})


async def _verify_code(_desk: Desk, meta: MetaWorld, request: Request) -> Response:
    named, body = _provisional(meta, request), await read_body(request)
    if not meta.codigos.get(named) or body.get("code") != meta.codigos[named]:
        raise MetaRefusalError(400, 136025, "Verify code error", "The code is wrong or expired")
    return json_reply({"success": True})


async def _register(desk: Desk, meta: MetaWorld, request: Request) -> Response:
    named, body = _provisional(meta, request), await read_body(request)
    pin = body.get("pin")
    if not isinstance(pin, str) or not pin.isdigit() or len(pin) != len(CODIGO):
        raise MetaRefusalError(400, 133005, "Two step verification PIN Mismatch", "The PIN must have 6 digits")
    _move(desk, meta.instance(named), "open")
    return json_reply({"success": True})


async def _deregister(desk: Desk, meta: MetaWorld, request: Request) -> Response:
    _move(desk, number(meta, request), "close")
    return json_reply({"success": True})


def _move(desk: Desk, instance: Instance | None, state: str) -> None:
    if instance is not None:
        instance.state, instance.updated_at = state, time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        instance.reason_code = None
        desk.world.save(instance)


async def _block(_desk: Desk, meta: MetaWorld, request: Request) -> Response:
    instance, body = number(meta, request), await read_body(request)
    users = [user for user in body.get("block_users") or [] if isinstance(user, dict)]
    change = meta.bloqueados.add if request.method == "POST" else meta.bloqueados.discard
    done = []
    for user in users:
        named = str(user.get("user_id") or user.get("user") or "")
        jid = meta.jid_of(named) if named[2:3] == "." else create_jid(named)
        if jid is not None:
            change((instance.name, jid))
            done.append({"input": named})
    kind = "added_users" if request.method == "POST" else "removed_users"
    return json_reply({"messaging_product": "whatsapp", "block_users": {kind: done}})

"""Slack's Web API, upload addresses and response_urls under `/slack`: `ok: false` is how it refuses, with HTTP 200."""

import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson
from fastapi import Request, Response
from fastapi.responses import PlainTextResponse

from lib.sandbox.evolution_wire import Desk, Endpoint
from lib.sandbox.replies import json_reply
from lib.sandbox.slack_metodos import METODOS, Args, RecusaError, content
from lib.sandbox.slack_mundo import ROBO, Gancho, SlackWorld

_SO_FORMULARIO: Final = frozenset(
    {"conversations.history", "conversations.list", "users.info", "files.getUploadURLExternal"}
)


def slack_routes(desk: Desk, mundo: SlackWorld) -> Iterable[tuple[str, str, Endpoint]]:
    """(method, path, endpoint) of everything the app calls; faults are named `slack.<method>`."""

    async def api(request: Request) -> Response:
        return await _api(mundo, request)

    async def upload(request: Request) -> Response:
        return await _upload(mundo, request)

    async def hook(request: Request) -> Response:
        return await _hook(mundo, request)

    called = _faulty(desk, lambda request: f"slack.{request.path_params['metodo']}", api)
    return (
        ("POST", "/slack/api/{metodo}", called),
        ("GET", "/slack/api/{metodo}", called),
        ("POST", "/slack/upload/{arquivo}", _faulty(desk, lambda _: "slack.upload", upload)),
        ("POST", "/slack/hooks/{equipe}/{gancho}", _faulty(desk, lambda _: "slack.response_url", hook)),
    )


def _faulty(desk: Desk, alvo: Callable[[Request], str], answer: Endpoint) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        fault = desk.world.faults.take(alvo(request), None)
        if fault and not fault.depois_de_aceitar and (forced := await fault.strike("slack")):
            return forced
        reply = await answer(request)
        if fault and fault.depois_de_aceitar and (forced := await fault.strike("slack")):
            return forced
        return reply

    return endpoint


async def _api(mundo: SlackWorld, request: Request) -> Response:
    metodo = request.path_params["metodo"]
    headers = {"x-slack-req-id": secrets.token_hex(16)}
    try:
        args = await _args(request, metodo)
        _allowed(mundo, request, args)
        wait = mundo.wait_s(metodo, str(args.get("channel", "")))
        if wait is not None:
            return json_reply({"ok": False, "error": "ratelimited"}, 429, {**headers, "retry-after": str(wait)})
        known = METODOS.get(metodo)
        body = {"ok": True, **known(mundo, args)} if known else RecusaError("unknown_method", req_method=metodo).body
    except RecusaError as refusal:
        body = refusal.body
    return json_reply(body, 200, headers)


async def _args(request: Request, metodo: str) -> Args:
    """Return the arguments, however they came; methods that only read take no JSON."""
    found: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        found |= {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    elif kind.startswith("application/json") and metodo not in _SO_FORMULARIO:
        try:
            body = orjson.loads(await request.body() or b"{}")
        except orjson.JSONDecodeError as cause:
            raise RecusaError("invalid_json") from cause
        if not isinstance(body, dict):
            raise RecusaError("json_not_object")
        found |= body
    return found


def _allowed(mundo: SlackWorld, request: Request, args: Args) -> None:
    given = request.headers.get("authorization", "").removeprefix("Bearer ") or str(args.get("token", ""))
    if not given:
        raise RecusaError("not_authed")
    if not secrets.compare_digest(given.encode(), mundo.token.encode()):
        raise RecusaError("invalid_auth")


async def _upload(mundo: SlackWorld, request: Request) -> Response:
    arquivo = mundo.arquivos.get(request.path_params["arquivo"])
    content = await request.body()
    if arquivo is None or arquivo.conteudo is not None:
        return PlainTextResponse("not found", 404)
    if len(content) != arquivo.tamanho:
        return PlainTextResponse("length mismatch", 400)
    arquivo.conteudo = content
    return PlainTextResponse(f"OK - {len(content)}")


async def _hook(mundo: SlackWorld, request: Request) -> Response:
    gancho = mundo.ganchos.get(request.path_params["gancho"])
    if gancho is None or gancho.ate_s < time.time():
        return json_reply({"ok": False, "error": "expired_url"}, 404)
    if gancho.usos <= 0:
        return json_reply({"ok": False, "error": "used_url"}, 404)
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        return PlainTextResponse("invalid_payload", 400)
    gancho.usos -= 1
    try:
        _answer(mundo, gancho, body)
    except RecusaError as refusal:
        return json_reply(refusal.body, 400)
    return PlainTextResponse("ok")


def _answer(mundo: SlackWorld, gancho: Gancho, body: Args) -> None:
    """Take a late answer: a new message, only for the user unless it says otherwise, or the old one changed."""
    old = mundo.find(gancho.canal, gancho.mensagem_ts) if gancho.mensagem_ts else None
    if body.get("delete_original") and old:
        mundo.mensagens.remove(old)
        return
    said = content(body)
    if body.get("replace_original") and old:
        old.texto, old.blocos, old.editada = said["texto"], said["blocos"], True
        return
    para = None if body.get("response_type") == "in_channel" else gancho.usuario
    mundo.say(gancho.canal, ROBO, **said, para=para)

"""Slack's methods: each takes its arguments and returns what its answer holds beside `ok`, or refuses."""

import base64
import binascii
import secrets
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson

from lib.sandbox.slack_mundo import APP, BOT, EQUIPE, ROBO, Arquivo, Canal, Mensagem, SlackWorld, Tela
from lib.sandbox.slack_regras import wrong_blocks, wrong_view

Args = Mapping[str, Any]
TEXTO_MAX: Final = 40_000
PAGINA: Final = 100
PAGINA_MAX: Final = 999


class RecusaError(Exception):
    """What Slack answers with `ok: false`."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.body = {"ok": False, "error": error, **more}


def shown(message: Mensagem, *, metadata: bool) -> dict[str, Any]:
    """Return a message as Slack's JSON has it."""
    ours = message.usuario == ROBO
    return {
        "type": "message",
        "user": message.usuario,
        "text": message.texto,
        "ts": message.ts,
        **({"bot_id": BOT, "app_id": APP} if ours else {}),
        **({"blocks": message.blocos} if message.blocos else {}),
        **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
        **({"edited": {"user": message.usuario, "ts": message.ts}} if message.editada else {}),
        **({"metadata": dict(message.metadata)} if metadata and message.metadata else {}),
        **({"files": [{"id": one} for one in message.arquivos]} if message.arquivos else {}),
    }


def _canal(mundo: SlackWorld, args: Args, *, name: str = "channel", by_name: bool = False) -> Canal:
    given = str(args.get(name, ""))
    canal = mundo.channel(given) if by_name else mundo.canais.get(given)
    if canal is None:
        raise RecusaError("channel_not_found")
    if canal.arquivado:
        raise RecusaError("is_archived")
    if not canal.membro:
        raise RecusaError("not_in_channel")
    return canal


def content(args: Args) -> dict[str, Any]:
    """Return text and blocks of a message.

    Raises:
        RecusaError: there are none, or not as Slack wants them.
    """
    text, blocks = args.get("text") or "", args.get("blocks") or []
    if isinstance(blocks, str):
        try:
            blocks = orjson.loads(blocks)
        except orjson.JSONDecodeError as cause:
            raise RecusaError("invalid_blocks_format") from cause
    if not text and not blocks:
        raise RecusaError("no_text")
    if len(str(text)) > TEXTO_MAX:
        raise RecusaError("msg_too_long")
    if wrong := wrong_blocks(blocks):
        raise RecusaError("invalid_blocks", response_metadata={"messages": wrong})
    return {"texto": str(text), "blocos": blocks}


def _post(mundo: SlackWorld, args: Args) -> dict[str, Any]:
    canal, said = _canal(mundo, args, by_name=True), content(args)
    metadata = args.get("metadata")
    if metadata is not None and not (isinstance(metadata, dict) and isinstance(metadata.get("event_type"), str)):
        raise RecusaError("invalid_metadata_format")
    thread = args.get("thread_ts")
    message = mundo.say(canal.id, ROBO, **said, metadata=metadata, thread_ts=str(thread) if thread else None)
    return {"channel": canal.id, "ts": message.ts, "message": shown(message, metadata=True)}


def _update(mundo: SlackWorld, args: Args) -> dict[str, Any]:
    canal, said = _canal(mundo, args), content(args)
    message = mundo.find(canal.id, str(args.get("ts", "")))
    if message is None or message.para:
        raise RecusaError("message_not_found")
    if message.usuario != ROBO:
        raise RecusaError("cant_update_message")
    message.texto, message.blocos, message.editada = said["texto"], said["blocos"], True
    return {"channel": canal.id, "ts": message.ts, "text": message.texto}


def _ephemeral(mundo: SlackWorld, args: Args) -> dict[str, Any]:
    canal, said = _canal(mundo, args, by_name=True), content(args)
    usuario = str(args.get("user", ""))
    if usuario not in mundo.pessoas:
        raise RecusaError("user_not_in_channel")
    return {"message_ts": mundo.say(canal.id, ROBO, **said, para=usuario).ts}


def _history(mundo: SlackWorld, args: Args) -> dict[str, Any]:
    canal = _canal(mundo, args)
    try:
        oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or time.time() + 3600)
    except ValueError as cause:
        raise RecusaError("invalid_ts_oldest") from cause
    latest = min(latest, time.time() - mundo.historico_atraso_s) if mundo.historico_atraso_s else latest
    seen = [
        message
        for message in mundo.mensagens
        if message.canal == canal.id and message.para is None and oldest <= float(message.ts) <= latest
        if message.thread_ts in {None, message.ts}
    ]
    if not args.get("oldest") or args.get("latest"):
        seen.reverse()  # else the page nearest to `oldest` comes first
    try:
        start = int(base64.b64decode(str(args.get("cursor") or ""), validate=True) or b"0")
    except (ValueError, binascii.Error) as cause:
        raise RecusaError("invalid_cursor") from cause
    asked = str(args.get("limit") or "")
    limit = min(int(asked) if asked.isdigit() else PAGINA, PAGINA_MAX)
    page, more = seen[start : start + limit], len(seen) > start + limit
    page.sort(key=lambda message: message.ts, reverse=True)
    metadata = str(args.get("include_all_metadata", "")).lower() in {"true", "1"}
    cursor = base64.b64encode(str(start + limit).encode()).decode() if more else ""
    listed = [shown(message, metadata=metadata) for message in page]
    return {"messages": listed, "has_more": more, "response_metadata": {"next_cursor": cursor}}


def _channels(mundo: SlackWorld, _args: Args) -> dict[str, Any]:
    listed = [
        {"id": canal.id, "name": canal.nome, "is_member": canal.membro, "is_archived": canal.arquivado}
        for canal in mundo.canais.values()
        if canal.usuario is None
    ]
    return {"channels": listed, "response_metadata": {"next_cursor": ""}}


def _user(mundo: SlackWorld, args: Args) -> dict[str, Any]:
    pessoa = mundo.pessoas.get(str(args.get("user", "")))
    if pessoa is None:
        raise RecusaError("user_not_found")
    profile = {"display_name": pessoa.nome, "real_name": pessoa.nome}
    facts = {"id": pessoa.id, "team_id": EQUIPE, "name": pessoa.nome, "real_name": pessoa.nome, "profile": profile}
    return {"user": {**facts, "deleted": not pessoa.ativo, "is_bot": pessoa.robo}}


def _auth_test(mundo: SlackWorld, _args: Args) -> dict[str, Any]:
    names = {"url": f"{mundo.server_url}/", "team": "exemplo", "user": "julia"}
    return {**names, "team_id": EQUIPE, "user_id": ROBO, "bot_id": BOT, "is_enterprise_install": False}


def _open_view(mundo: SlackWorld, args: Args) -> dict[str, Any]:
    gatilho = mundo.gatilhos.get(str(args.get("trigger_id", "")))
    if gatilho is None:
        raise RecusaError("invalid_trigger_id")
    if gatilho.usado:
        raise RecusaError("exchanged_trigger_id")
    if gatilho.ate_s < time.time():
        raise RecusaError("expired_trigger_id")
    view = args.get("view")
    if wrong := wrong_view(view):
        raise RecusaError("invalid_arguments", response_metadata={"messages": wrong})
    gatilho.usado = True
    tela = Tela(f"V{secrets.token_hex(5).upper()}", gatilho.usuario, view if isinstance(view, dict) else {})
    mundo.telas[tela.id] = tela
    return {"view": {**tela.view, "id": tela.id, "team_id": EQUIPE, "hash": f"{int(time.time())}.{tela.id}"}}


def _upload_url(mundo: SlackWorld, args: Args) -> dict[str, Any]:
    name, length = str(args.get("filename") or ""), str(args.get("length") or "")
    if not name or not length.isdigit() or int(length) == 0:
        raise RecusaError("invalid_arguments")
    arquivo = Arquivo(f"F{secrets.token_hex(5).upper()}", name, int(length))
    mundo.arquivos[arquivo.id] = arquivo
    return {"upload_url": f"{mundo.server_url}/slack/upload/{arquivo.id}", "file_id": arquivo.id}


def _complete(mundo: SlackWorld, args: Args) -> dict[str, Any]:
    wanted = args.get("files")
    given = [one for one in wanted if isinstance(one, dict)] if isinstance(wanted, list) else []
    files = [mundo.arquivos.get(str(one.get("id"))) for one in given]
    done = [arquivo for arquivo in files if arquivo is not None and arquivo.conteudo is not None]
    if not given or len(done) != len(given):
        raise RecusaError("file_not_found")
    if args.get("channel_id"):
        canal = _canal(mundo, args, name="channel_id")
        for arquivo, one in zip(done, given, strict=True):
            arquivo.canal, arquivo.titulo = canal.id, str(one.get("title") or arquivo.nome)
        text = str(args.get("initial_comment") or "")
        mundo.say(canal.id, ROBO, text, arquivos=[arquivo.id for arquivo in done])
    return {"files": [{"id": arquivo.id, "title": arquivo.titulo} for arquivo in done]}


METODOS: Final[Mapping[str, Callable[[SlackWorld, Args], dict[str, Any]]]] = MappingProxyType(
    {
        "auth.test": _auth_test,
        "chat.postMessage": _post,
        "chat.update": _update,
        "chat.postEphemeral": _ephemeral,
        "conversations.history": _history,
        "conversations.list": _channels,
        "users.info": _user,
        "views.open": _open_view,
        "files.getUploadURLExternal": _upload_url,
        "files.completeUploadExternal": _complete,
    }
)

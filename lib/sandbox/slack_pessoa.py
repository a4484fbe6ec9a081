"""What people do in Slack, and what the app is told of it: signed webhooks, events again when unanswered, acts once."""

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from lib.sandbox.courier import Courier, Remessa
from lib.sandbox.slack_mundo import APP, BOT, EQUIPE, ROBO, Mensagem, SlackWorld

SEM_RESPOSTA: Final = "operation_timeout"
_FORM: Final = "application/x-www-form-urlencoded"
_ORIGEM: Final = "slack"


class Pessoas:
    """The acts of people; each answers what Slack gave it. `courier` is the one of this run."""

    def __init__(self, mundo: SlackWorld, courier: Callable[[], Courier]) -> None:
        self._mundo = mundo
        self._courier = courier
        self._watching: set[asyncio.Task[None]] = set()

    def escreve_comando(self, usuario: str, canal: str, texto: str, comando: str = "/julia") -> str:
        """Write a slash command; return its trigger_id. Nobody else sees it."""
        trigger = self._mundo.trigger(usuario)
        fields = {
            "team_id": EQUIPE,
            "team_domain": "exemplo",
            "channel_id": canal,
            "channel_name": self._mundo.canais[canal].nome,
            "user_id": usuario,
            "user_name": self._mundo.pessoas[usuario].nome,
            "command": comando,
            "text": _escaped(texto),
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": self._mundo.hook(canal, usuario),
            "trigger_id": trigger,
        }
        self._act(f"command:{trigger}", fields, canal, usuario)
        return trigger

    def menciona(self, usuario: str, canal: str, texto: str, thread_ts: str | None = None) -> Mensagem:
        """Name the app in a channel: two events tell of it."""
        said = f"<@{ROBO}> {_escaped(texto)}"
        message = self._mundo.say(canal, usuario, said, thread_ts=thread_ts)
        self._event(message, "app_mention", {})
        self._event(message, "message", {"channel_type": "channel"})
        return message

    def fala(self, usuario: str, canal: str, texto: str) -> Mensagem:
        """Say something in a channel that is not meant for the app."""
        message = self._mundo.say(canal, usuario, _escaped(texto))
        self._event(message, "message", {"channel_type": "channel"})
        return message

    def escreve_direto(self, usuario: str, texto: str) -> Mensagem:
        """Write to the app alone."""
        message = self._mundo.say(self._mundo.direct(usuario).id, usuario, _escaped(texto))
        self._event(message, "message", {"channel_type": "im"})
        return message

    def aperta(self, usuario: str, canal: str, ts: str, action_id: str, valor: str | None = None) -> str:
        """Press a message's button, the first with this `action_id` and value; return the trigger_id.

        Raises:
            LookupError: no such message, or no such button in it.
        """
        message = self._mundo.find(canal, ts)
        if message is None:
            raise LookupError("não há essa mensagem")
        block_id, element = _button(message, action_id, valor)
        trigger = self._mundo.trigger(usuario)
        ephemeral = message.para is not None
        payload = {
            **self._who(usuario),
            "type": "block_actions",
            "trigger_id": trigger,
            "container": {"type": "message", "message_ts": ts, "channel_id": canal, "is_ephemeral": ephemeral},
            "channel": {"id": canal, "name": self._mundo.canais[canal].nome},
            "message": {"bot_id": BOT, "type": "message", "text": message.texto, "user": ROBO, "ts": ts},
            "state": {"values": {}},
            "response_url": self._mundo.hook(canal, usuario, ts),
            "actions": [{**element, "block_id": block_id, "action_ts": self._mundo.new_ts()}],
        }
        self._act(f"action:{trigger}", {"payload": orjson.dumps(payload).decode()}, canal, usuario)
        return trigger

    def envia_tela(self, view_id: str, valores: Mapping[str, Mapping[str, str]]) -> None:
        """Fill in an open view and send it; `valores` is block id → action id → text.

        Raises:
            LookupError: no such view is open.
        """
        tela = self._mundo.telas.get(view_id)
        if tela is None or not tela.aberta:
            raise LookupError("não há essa tela aberta")
        tela.aberta = False
        values = {
            block: {name: {"type": "plain_text_input", "value": text} for name, text in entered.items()}
            for block, entered in valores.items()
        }
        payload = {
            **self._who(tela.usuario),
            "type": "view_submission",
            "trigger_id": self._mundo.trigger(tela.usuario),
            "view": {**tela.view, "id": view_id, "team_id": EQUIPE, "state": {"values": values}, "hash": view_id},
            "response_urls": [],
        }
        canal = self._mundo.direct(tela.usuario).id
        self._act(f"view:{view_id}", {"payload": orjson.dumps(payload).decode()}, canal, tela.usuario)

    async def close(self) -> None:
        """Stop waiting for answers."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)

    def _who(self, usuario: str) -> dict[str, Any]:
        nome = self._mundo.pessoas[usuario].nome
        return {
            "user": {"id": usuario, "username": nome, "name": nome, "team_id": EQUIPE},
            "api_app_id": APP,
            "token": "deprecated-token",
            "team": {"id": EQUIPE, "domain": "exemplo"},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _event(self, message: Mensagem, kind: str, more: Mapping[str, Any]) -> None:
        event_id = f"Ev{secrets.token_hex(5).upper()}"
        event = {
            "type": kind,
            "user": message.usuario,
            "text": message.texto,
            "ts": message.ts,
            "channel": message.canal,
            "event_ts": message.ts,
            **({"thread_ts": message.thread_ts} if message.thread_ts else {}),
            **more,
        }
        body = {
            "token": "deprecated-token",
            "team_id": EQUIPE,
            "api_app_id": APP,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(time.time()),
            "authorizations": [{"team_id": EQUIPE, "user_id": ROBO, "is_bot": True, "is_enterprise_install": False}],
        }
        self._send(f"event:{event_id}", orjson.dumps(body), "application/json", self._mundo.esperas_s)

    def _act(self, evento: str, fields: Mapping[str, str], canal: str, usuario: str) -> None:
        """Tell the app once; its user learns when it did not answer in time."""
        self._send(evento, urlencode(fields).encode(), _FORM, ())
        task = asyncio.create_task(self._watch(evento, canal, usuario))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _watch(self, evento: str, canal: str, usuario: str) -> None:
        until = time.monotonic() + self._mundo.prazo_s + 0.5
        while time.monotonic() < until:
            status = self._last(evento)
            if status is not None:
                break
            await asyncio.sleep(0.02)
        if self._last(evento) != 200:  # noqa: PLR2004 - the only status Slack takes for an act
            self._mundo.say(canal, ROBO, SEM_RESPOSTA, para=usuario)

    def _last(self, evento: str) -> int | None:
        """Return the status of the newest attempt; 0 for no answer, None before the first."""
        return next((one.status for one in reversed(self._courier().attempts) if one.event == evento), None)

    def _send(self, evento: str, content: bytes, kind: str, esperas_s: tuple[float, ...]) -> None:
        def headers(attempt: int) -> dict[str, str]:
            stamp = str(int(time.time()))
            key = self._mundo.signing_secret.encode()
            signature = hmac.new(key, b"v0:%s:%s" % (stamp.encode(), content), hashlib.sha256).hexdigest()
            made = {
                "content-type": kind,
                "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
                "x-slack-request-timestamp": stamp,
                "x-slack-signature": f"v0={signature}",
            }
            if attempt > 1:
                reason = "http_error" if self._last(evento) else "http_timeout"
                made |= {"x-slack-retry-num": str(attempt - 1), "x-slack-retry-reason": reason}
            return made

        self._courier().dispatch(
            Remessa(_ORIGEM, evento, self._mundo.webhook_url, content, headers, esperas_s, prazo_s=self._mundo.prazo_s)
        )


def _button(message: Mensagem, action_id: str, valor: str | None) -> tuple[str, dict[str, Any]]:
    for index, block in enumerate(message.blocos):
        for element in (*block.get("elements", ()), block.get("accessory") or {}):
            if element.get("action_id") == action_id and valor in {None, element.get("value")}:
                return str(block.get("block_id") or f"b{index}"), element
    raise LookupError("não há esse botão na mensagem")


def _escaped(texto: str) -> str:
    return texto.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

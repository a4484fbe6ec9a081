"""A manager's desk: Slack as it writes to us, what it is sent, and the rows behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson

from lib.agent.gestor.entrada import atender
from lib.auth import Papel
from lib.db import Database, Row
from lib.queries import slack
from lib.queries.webhook import Webhook
from lib.resources import Resources
from tests.builders import AGORA

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
OLGA, VERA, ALDA = "UOLGA1", "UVERA1", "UALDA1"
PAPEIS = {OLGA: ("Olga", Papel.OPERATOR), VERA: ("Vera", Papel.VIEWER), ALDA: ("Alda", Papel.ADMIN)}
RESPOSTA = "https://hooks.slack.com/commands/T1/1/x"


@dataclass
class SlackFalso:
    """Slack's end of the wire: keeps what it is sent, and answers as told."""

    enviadas: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    falhas: list[httpx.Response] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        metodo = request.url.path.rsplit("/", 1)[-1] if "hooks" not in request.url.host else "respond"
        if self.falhas:
            return self.falhas.pop(0)
        self.enviadas.append((metodo, orjson.loads(request.content)))
        return httpx.Response(200, json={"ok": True, "ts": f"17{len(self.enviadas)}.1"})


@dataclass
class Mesa:
    """One desk; each webhook comes ten seconds after the one before."""

    resources: Resources
    slack: SlackFalso
    sandbox: str
    ids: count[int] = field(default_factory=lambda: count(1))
    agora: datetime = AGORA
    ultimo: Webhook | None = None

    @property
    def db(self) -> Database:
        return self.resources.db

    async def chega(self, raw: bytes, tipo: str) -> tuple[str, dict[str, Any]]:
        """Let one webhook in and return the last thing that Slack was sent on its account."""
        self.agora += timedelta(seconds=10)
        self.ultimo = Webhook(next(self.ids), "slack", tipo, f"k{self.agora.timestamp()}", raw, self.agora)
        return await self.de_novo(self.ultimo)

    async def de_novo(self, linha: Webhook) -> tuple[str, dict[str, Any]]:
        """Let the same webhook in once more."""
        before = len(self.slack.enviadas)
        await atender(self.resources, linha)
        return self.slack.enviadas[-1] if len(self.slack.enviadas) > before else ("", {})

    async def comando(self, texto: str, usuario: str = OLGA) -> dict[str, Any]:
        fields = {
            "command": "/julia", "text": texto, "user_id": usuario, "channel_id": "C1", "trigger_id": "t",
            "response_url": RESPOSTA,
        }  # fmt: skip
        metodo, body = await self.chega(urlencode(fields).encode(), FORM)
        assert (metodo, body["response_type"]) == ("respond", "ephemeral")
        return body

    async def fala(self, texto: str, usuario: str = OLGA, canal: str = "C1") -> tuple[str, dict[str, Any]]:
        kind = "message" if canal.startswith("D") else "app_mention"
        event = {"type": kind, "user": usuario, "channel": canal, "ts": "1700.1", "text": f"<@UBOT> {texto}"}
        body = {"type": "event_callback", "event_id": "Ev1", "event": event, "authorizations": [{"user_id": "UBOT"}]}
        return await self.chega(orjson.dumps(body), JSON)

    async def aperta(self, valor: str, usuario: str = OLGA, acao: str = "gestor_confirmar") -> dict[str, Any]:
        body = {
            "type": "block_actions", "user": {"id": usuario}, "channel": {"id": "C1"}, "trigger_id": "t",
            "container": {"message_ts": "1700.2"}, "response_url": RESPOSTA,
            "actions": [{"action_id": acao, "value": valor, "action_ts": "1"}],
        }  # fmt: skip
        _, answer = await self.chega(urlencode({"payload": orjson.dumps(body).decode()}).encode(), FORM)
        return answer

    async def modelo(self, nome: str, variante: str | None = None) -> None:
        """Choose the sandbox's model."""
        async with httpx.AsyncClient(base_url=self.sandbox) as client:
            chosen = await client.put("/_sandbox/modelo", json={"modelo": nome, "variante": variante})
            chosen.raise_for_status()

    async def autoriza(self) -> None:
        for usuario, (nome, papel) in PAPEIS.items():
            await slack.authorize(self.db, usuario, nome, papel, AGORA)


def escrito(body: Mapping[str, Any]) -> str:
    """All that a message shows: its blocks' words."""
    return orjson.dumps(body.get("blocks", [])).decode()


def dito(body: Mapping[str, Any]) -> str:
    """The words of a message's sections and small lines."""
    found: list[str] = []
    for block in body.get("blocks", []):
        found += [block["text"]["text"]] if block["type"] == "section" else []
        found += [part["text"] for part in block.get("elements", []) if block["type"] == "context"]
    return "\n".join(found)


def botao(body: Mapping[str, Any]) -> str | None:
    """The value that a message's Confirmar carries."""
    for block in body.get("blocks", []):
        for part in block.get("elements", []):
            if part.get("action_id") == "gestor_confirmar":
                return str(part["value"])
    return None


async def linhas(db: Database, sql: str) -> list[Row]:
    """Ask the database."""
    async with db.connection() as connection:
        cursor = await connection.execute(sql)
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]

"""The same against the sandbox's Slack, which checks blocks, signs its webhooks and wears its response_urls out."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import uvicorn

from lib.agent.gestor.entrada import atender
from lib.clock import utc_now
from lib.providers.slack import Origens, Slack
from lib.providers.slack_webhook import Ignorado, chave, read
from lib.queries import slack, webhook
from lib.queries.webhook import Webhook
from lib.resources import Resources, open_resources
from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig
from lib.settings import Settings
from tests.agent.gestor.mesa import PAPEIS, linhas
from tests.builders import gravar, id_of, um_estado, um_medico, uma_conversa
from tests.sandbox.live import wait_for

pytestmark = pytest.mark.anyio
CANAL = "C0SANDBOX1"


@dataclass
class Porta:
    """Our door: keeps each webhook's bytes and type, and says 200."""

    url: str = ""
    vindas: list[tuple[bytes, str]] = field(default_factory=list)


@pytest.fixture
def porta() -> Iterator[Porta]:
    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            here.vindas.append((raw, self.headers["content-type"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's signature
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    here = Porta(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield here
    server.shutdown()
    server.server_close()


@pytest.fixture
def caixa(porta: Porta) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    app = create_app(SandboxConfig(api_url=porta.url, server_url=url))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    yield url
    server.should_exit = True
    thread.join(10)


@dataclass
class Sala:
    """Slack with people in it, and us attending to what it tells."""

    resources: Resources
    porta: Porta
    http: httpx.AsyncClient
    lidas: int = 0

    async def faz(self, caminho: str, **pedido: Any) -> None:
        """Let somebody act, wait for the webhook, and work it off as the worker does: once per key."""
        (await self.http.post(f"/_sandbox/slack/{caminho}", json=pedido)).raise_for_status()
        for _ in range(200):
            await asyncio.sleep(0.02)
            if len(self.porta.vindas) > self.lidas:
                break
        await asyncio.sleep(0.1)
        for raw, tipo in self.porta.vindas[self.lidas :]:
            self.lidas += 1
            asked = read(raw, tipo)
            if not isinstance(asked, Ignorado):
                await webhook.store(self.resources.db, "slack", chave(asked, raw), raw, tipo)
        rows, _ = await webhook.claim_due(self.resources.db, 10, 60)
        for row in rows:
            names = ("id", "source", "tipo", "chave", "raw", "recebido_em")
            await atender(self.resources, Webhook(*(row[name] for name in names)))
            await webhook.done(self.resources.db, row)

    async def vistas(self, usuario: str) -> list[dict[str, Any]]:
        """What a user sees in the channel."""
        answer = await self.http.get("/_sandbox/slack/mensagens", params={"canal": CANAL, "usuario": usuario})
        shown: list[dict[str, Any]] = answer.json()["mensagens"]
        return shown


@pytest.fixture
async def sala(settings: Settings, caixa: str, porta: Porta) -> AsyncIterator[Sala]:
    base = f"{caixa}/slack"
    async with (
        open_resources(settings.model_copy(update={"anthropic_url": caixa}), nome="testes") as resources,
        httpx.AsyncClient(base_url=f"{base}/api") as client,
        httpx.AsyncClient(base_url=caixa) as http,
    ):
        token = SandboxConfig().slack_token
        ours = Slack(client, token, origens=Origens.of(base))
        for usuario, (nome, papel) in PAPEIS.items():
            await slack.authorize(resources.db, usuario, nome, papel, utc_now())
            (await http.put(f"/_sandbox/slack/pessoas/{usuario}", json={"nome": nome})).raise_for_status()
        yield Sala(replace(resources, slack=ours), porta, http)


def botoes(message: dict[str, Any]) -> dict[str, str]:
    """Action id to value."""
    found = [part for block in message["blocos"] for part in block.get("elements", []) if "action_id" in part]
    return {part["action_id"]: part["value"] for part in found}


async def test_a_manager_asks_sees_the_preview_confirms_and_the_message_is_queued_once(sala: Sala) -> None:
    [medica] = await gravar(sala.resources.db, um_medico())
    await gravar(sala.resources.db, um_estado(id_of(medica)))
    await gravar(sala.resources.db, uma_conversa(id_of(medica)))
    await sala.faz("comando", usuario="UOLGA1", canal=CANAL, texto="ajuda")
    assert "/julia" in str((await sala.vistas("UOLGA1"))[-1]["blocos"])
    await sala.faz("fala", usuario="UOLGA1", canal=CANAL, texto=f'manda para #{medica.id}: "Oi, doutora & família!"')
    preview = (await sala.vistas("UOLGA1"))[-1]
    assert "Oi, doutora &amp; família!" in str(preview["blocos"])
    press = {"canal": CANAL, "ts": preview["ts"], "action_id": "gestor_confirmar"}
    await sala.faz("botao", usuario="UVERA1", **press)
    assert "Só quem pediu" in str((await sala.vistas("UVERA1"))[-1])
    assert not await linhas(sala.resources.db, "SELECT * FROM outbox")
    await sala.faz("botao", usuario="UOLGA1", **press)
    [row] = await linhas(sala.resources.db, "SELECT body FROM outbox")
    assert row["body"] == "Oi, doutora & família!"
    [after] = [one for one in await sala.vistas("UOLGA1") if one["ts"] == preview["ts"]]
    assert botoes(after) == {}
    assert "na fila" in str(after["blocos"])


async def test_every_command_is_shown_by_slack_as_it_is_sent(sala: Sala) -> None:
    commands = (
        "status",
        "metricas mes",
        "medicos",
        "vagas todas",
        "handoffs",
        "xpto",
        "pausar por um teste",
        "medico A",
    )
    for texto in commands:
        before = len(await sala.vistas("UALDA1"))
        await sala.faz("comando", usuario="UALDA1", canal=CANAL, texto=texto)
        shown = await sala.vistas("UALDA1")
        assert len(shown) == before + 1, texto
        assert shown[-1]["blocos"], texto
        assert len(await sala.vistas("UVERA1")) == 0

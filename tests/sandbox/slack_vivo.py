"""A Slack of the sandbox on a real socket, alone, with the people in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI

from lib.http import open_client
from lib.sandbox.config import SandboxConfig
from lib.sandbox.courier import Courier
from lib.sandbox.evolution_wire import Desk
from lib.sandbox.faults import Falha
from lib.sandbox.poster import Poster
from lib.sandbox.slack import slack_routes
from lib.sandbox.slack_mundo import Mensagem, SlackWorld
from lib.sandbox.slack_pessoa import Pessoas
from lib.sandbox.world import World
from tests.providers.caixa import serving

TOKEN = "xoxb-sandbox-token"
SEGREDO = "sandbox-slack-signing-secret-0001"
CANAL, CRITICO = "C00000001", "C00000002"
GESTORA = "U00000002"


@dataclass(frozen=True)
class SlackVivo:
    """The workspace, its people, and what fails in it."""

    url: str
    mundo: SlackWorld
    pessoas: Pessoas
    desk: Desk

    @property
    def api(self) -> str:
        """Base address of the client."""
        return f"{self.url}/slack/api"

    def postadas(self, canal: str = CANAL) -> list[Mensagem]:
        """What everybody sees in a channel."""
        return [message for message in self.mundo.mensagens if message.canal == canal and message.para is None]

    def falha(self, alvo: str, **more: object) -> None:
        """Switch a fault on."""
        self.desk.world.faults.put([Falha.model_validate({"alvo": alvo, **more})])

    def conserta(self) -> None:
        """Switch all faults off."""
        self.desk.world.faults.clear()


@asynccontextmanager
async def slack_no_ar(api_url: str = "http://127.0.0.1:9") -> AsyncIterator[SlackVivo]:
    """Serve it; its webhooks go to `api_url`."""
    world = World(SandboxConfig())
    desk = Desk(world)
    mundo = SlackWorld(TOKEN, SEGREDO, api_url, "")
    app = FastAPI()
    for method, path, endpoint in slack_routes(desk, mundo):
        app.add_route(path, endpoint, methods=[method])
    desk.courier_now = Courier(Poster(5.0), open_client(), desk.fresh_policy(), "", world.rng)
    pessoas = Pessoas(mundo, desk.courier)
    async with serving(app) as url:
        mundo.server_url = url
        try:
            yield SlackVivo(url, mundo, pessoas, desk)
        finally:
            await pessoas.close()
            await desk.courier().close()

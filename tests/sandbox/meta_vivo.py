"""The sandbox's Meta on a real socket, a client of it, and what its webhooks deliver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from lib.assinatura import meta_valida
from lib.http import HttpPool, Upstream, open_client
from lib.providers.meta import Meta
from lib.providers.meta_conta import MetaConta
from lib.providers.meta_webhook import Peca, parse, read
from lib.providers.whatsapp import Envio, ModeloEnviado
from lib.sandbox.config import SandboxConfig
from lib.sandbox.courier import Courier
from lib.sandbox.evolution_instances import new_instance
from lib.sandbox.evolution_wire import Desk
from lib.sandbox.meta import meta_routes
from lib.sandbox.meta_world import MetaKeys, MetaWorld
from lib.sandbox.world import Instance, World
from tests.providers.caixa import serving

CHIP, MEDICO = "200000000000001", "5511900001001"
SEGREDO, TOKEN = "s" * 40, "sandbox-meta-token"


@dataclass
class Chegadas:
    """What came and was rightly signed, in its order; `answers` are given first, then 200."""

    answers: list[int] = field(default_factory=list)
    came: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    def pecas(self) -> list[Peca]:
        return [peca for raw, _ in self.came for peca in read(parse(raw))]


@dataclass(frozen=True)
class Vivo:
    """A running sandbox Meta with one registered number."""

    url: str
    desk: Desk
    mundo: MetaWorld
    chip: Instance
    chegadas: Chegadas
    client: Meta

    @property
    def conta(self) -> MetaConta:
        return MetaConta(self.client)

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while not true():  # noqa: ASYNC110 - what is waited for comes over a socket
                await asyncio.sleep(0.005)

    async def pecas(self, quantas: int) -> list[Peca]:
        """Wait for so many things to be reported."""
        await self.until(lambda: len(self.chegadas.pecas()) >= quantas)
        return self.chegadas.pecas()


@asynccontextmanager
async def vivo() -> AsyncIterator[Vivo]:
    chegadas = Chegadas()

    async def door(request: Request) -> Response:
        raw = await request.body()
        assert meta_valida(raw, request.headers.get("x-hub-signature-256"), [SEGREDO])
        chegadas.came.append((raw, dict(request.headers)))
        return Response(status_code=chegadas.answers.pop(0) if chegadas.answers else 200)

    desk = Desk(World(SandboxConfig(retry_s=0.02, receipts_ms=(5, 10, 15))))
    app = FastAPI()
    app.add_route("/webhooks/meta", door, methods=["POST"])
    async with serving(app) as url:
        mundo = MetaWorld(desk.world, MetaKeys(token=TOKEN, app_secret=SEGREDO, api_url=url, server_url=url))
        for method, path, endpoint in meta_routes(desk, mundo):
            app.add_route(path, endpoint, methods=[method])
        plain, secure = open_client(), open_client()
        desk.courier_now = Courier(plain, secure, desk.fresh_policy(), url, desk.world.rng)
        chip = new_instance(CHIP, {"number": "5511900000100"})
        chip.provedor, chip.state = "meta", "open"
        desk.world.save(chip)
        pool = HttpPool({"meta": Upstream("meta", f"{url}/meta", read_s=5.0)})
        yield Vivo(url, desk, mundo, chip, chegadas, Meta(pool.get_http_client("meta"), TOKEN, 5.0))
        await pool.close_http_client()
        await desk.courier().close()


def envio(numero: str = MEDICO, texto: str = "Olá! Plantão às 7h? ☀️ a/b", modelo: ModeloEnviado | None = None) -> Envio:
    return Envio(CHIP, numero, texto, 42, modelo)

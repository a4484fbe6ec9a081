"""All vendors of one sandbox in one value: their worlds, their routes, how each says that there is no such route."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from fastapi import Response

from lib.sandbox.ativador import AtivadorWorld, ativador_error, ativador_routes
from lib.sandbox.busca import BuscaWorld, busca_error, busca_routes
from lib.sandbox.chatwoot import chatwoot_routes
from lib.sandbox.chatwoot_central import Central
from lib.sandbox.chatwoot_world import ChatwootWorld
from lib.sandbox.config import SandboxConfig
from lib.sandbox.evolution_instances import instance_routes
from lib.sandbox.evolution_messages import message_routes
from lib.sandbox.evolution_wire import Desk, Endpoint
from lib.sandbox.messages_api import Oracle, anthropic_routes
from lib.sandbox.messages_batches import LotesWorld, batch_routes
from lib.sandbox.meta import meta_routes
from lib.sandbox.meta_world import MetaKeys, MetaWorld
from lib.sandbox.replies import (
    anthropic_error,
    chatwoot_error,
    evolution_error,
    json_reply,
    meta_error,
    zapi_error,
)
from lib.sandbox.salvy import salvy_error, salvy_routes
from lib.sandbox.salvy_world import Destino, SalvyWorld
from lib.sandbox.slack import slack_routes
from lib.sandbox.slack_mundo import Canal, SlackWorld
from lib.sandbox.slack_pessoa import Pessoas
from lib.sandbox.world import Instance, World
from lib.sandbox.zapi import zapi_routes
from lib.sandbox.zapi_world import ZapiWorld


@dataclass(slots=True)
class Mundos:
    """What there is behind all routes. `desk` holds the numbers, their chats and the courier of every vendor."""

    config: SandboxConfig
    desk: Desk
    oracle: Oracle
    lotes: LotesWorld
    zapi: ZapiWorld
    meta: MetaWorld
    central: Central
    slack: SlackWorld
    pessoas: Pessoas
    salvy: SalvyWorld
    ativador: AtivadorWorld
    busca: BuscaWorld
    api_url: str

    @property
    def world(self) -> World:
        """Numbers and chats."""
        return self.desk.world

    @property
    def chatwoot(self) -> ChatwootWorld:
        """The Chatwoot account."""
        return self.central.mundo

    def aim(self, api_url: str) -> None:
        """Send the vendors' webhooks to the program at this address; those of instances have their own."""
        self.api_url = api_url.rstrip("/")
        self.meta.keys = replace(self.meta.keys, api_url=self.api_url)
        self.slack.webhook_url = f"{self.api_url}/webhooks/slack"
        before, self.chatwoot.url = self.chatwoot.url, f"{self.api_url}/webhooks/chatwoot"
        for webhook in self.chatwoot.webhooks.values():
            if webhook.url == before:
                webhook.url = self.chatwoot.url
        self._aim_salvy()

    def clear(self) -> None:
        """Every world as at the start; where the webhooks go stays."""
        self.world.clear()
        self.desk.courier().forget()
        self.desk.courier().policy = self.desk.fresh_policy()
        self.oracle.clear()
        self.lotes.clear()
        self.zapi.clear()
        self.meta.clear()
        self.chatwoot.clear()
        self.slack.clear()
        self.salvy.clear()
        self.ativador.clear()
        self.busca.clear()
        self.furnish()

    def numeros(self) -> list[Instance]:
        """Our numbers at every gateway, those of Z-API too that nobody has used yet."""
        known = list(self.world.instances.values())
        unused = [
            Instance(name, name, token, "", "", state="open", provedor="zapi")
            for name, token in self.zapi.tokens.items()
            if name not in self.world.instances
        ]
        return known + unused

    async def close(self) -> None:
        """Stop what is under way and give the files back."""
        await self.zapi.close()
        await self.pessoas.close()
        await self.desk.courier().close()
        self.world.close()

    def furnish(self) -> None:
        """Give Slack the program's own channels in place of those it has without any."""
        wanted = {self.config.slack_canal: "plantoes", self.config.slack_canal_critico: "plantoes-critico"}
        self.slack.canais = {canal: Canal(canal, nome) for canal, nome in wanted.items() if canal}
        self._aim_salvy()

    def _aim_salvy(self) -> None:
        """Salvy knows the address of the start by itself."""
        if self.api_url != self.config.api_url.rstrip("/"):
            address = f"{self.api_url}/webhooks/salvy"
            self.salvy.destinos[:] = [Destino(address, self.config.salvy_webhook_secret)]


def open_mundos(config: SandboxConfig) -> Mundos:
    """Make every world; nothing runs yet."""
    world = World(config)
    desk = Desk(world)
    url = config.api_url.rstrip("/")
    keys = MetaKeys(config.meta_token, config.meta_app_secret, config.meta_verify_token, url, config.server_url)
    chatwoot = ChatwootWorld(
        config.chatwoot_token,
        config.chatwoot_webhook_secret,
        f"{url}/webhooks/chatwoot",
        conta=config.chatwoot_conta,
        caixa=config.chatwoot_caixa,
        primeiro_id=int(time.time()),
    )
    slack = SlackWorld(config.slack_token, config.slack_signing_secret, url, config.server_url)
    salvy = SalvyWorld(desk, config.salvy_api_key, config.salvy_webhook_secret, f"{url}/webhooks/salvy")
    mundos = Mundos(
        config,
        desk,
        Oracle(),
        LotesWorld(),
        ZapiWorld(desk, config.zapi_client_token, config.zapi_instancias),
        MetaWorld(world, keys),
        Central(desk, chatwoot),
        slack,
        Pessoas(slack, desk.courier),
        salvy,
        AtivadorWorld(config.ativador_api_key, salvy.send_sms),
        BuscaWorld(config.busca_api_key),
        url,
    )
    mundos.furnish()
    return mundos


def all_routes(mundos: Mundos) -> Iterable[tuple[str, str, Endpoint]]:
    """(method, path, endpoint) of every vendor."""
    desk, oracle = mundos.desk, mundos.oracle
    yield from message_routes(desk)
    yield from batch_routes(oracle, mundos.world.faults, mundos.lotes)
    yield from anthropic_routes(oracle, mundos.world.faults)
    yield from zapi_routes(desk, mundos.zapi)
    yield from meta_routes(desk, mundos.meta)
    yield from chatwoot_routes(desk, mundos.central)
    yield from slack_routes(desk, mundos.slack)
    yield from salvy_routes(desk, mundos.salvy)
    yield from ativador_routes(desk, mundos.ativador)
    yield from busca_routes(desk, mundos.busca)
    yield from instance_routes(desk)


_SEM_ROTA: Final[Mapping[str, Callable[[str], Response]]] = MappingProxyType(
    {
        "v1": lambda _path: anthropic_error(404, "Not found"),
        "zapi": lambda _path: zapi_error(404, "NOT_FOUND", "Unable to find matching target resource method"),
        "meta": lambda path: meta_error(404, 2500, f"Unknown path components: {path.removeprefix('/meta')}"),
        "chatwoot": lambda _path: chatwoot_error(404, {}),
        "slack": lambda _path: json_reply({"ok": False, "error": "unknown_method"}, 404),
        "salvy": lambda _path: salvy_error(404, "resource-not-found", "Resource not found"),
        "ativador": lambda _path: ativador_error(404, "Not Found"),
        "busca": lambda _path: busca_error(404, "NOT_FOUND", "Not found"),
    }
)


def no_route(method: str, path: str) -> Response:
    """What the vendor that a path begins with says when it has no such route; Evolution has the rest."""
    said = _SEM_ROTA.get(path.split("/")[1])
    return said(path) if said else evolution_error(404, [f"Cannot {method} {path}"])

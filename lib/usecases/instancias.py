"""The gateway's instances: each number that should be connected has one, with our webhook and its key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic

from lib.aio import gather_limited
from lib.auth import webhook_key
from lib.domain.telefone import digitos
from lib.errors import AgenteError
from lib.providers.whatsapp import EstadoConexao, GatewayError
from lib.queries import chip
from lib.queries.chip import ChipParaLigar
from lib.resources import Resources
from lib.settings import Ambiente

CABECALHO_CHAVE = "x-agente-webhook-key"
SIMULTANEAS = 6
ABRE_S = 3.0
SONDAGEM_S = 0.1


class RealGatewayError(AgenteError):
    """Outside production the gateway is not the sandbox, and nobody said that it may be touched."""


@dataclass(frozen=True, slots=True)
class Ligados:
    """What was found and done, in instances. `fechadas` wait for somebody to scan a code; `falhas` by instance."""

    criadas: int = 0
    atualizadas: int = 0
    abertas: tuple[str, ...] = ()
    fechadas: tuple[str, ...] = ()
    falhas: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many numbers should be connected."""
        return len(self.abertas) + len(self.fechadas) + len(self.falhas)


@dataclass(frozen=True, slots=True)
class _Ligada:
    criada: bool
    estado: EstadoConexao


async def ligar_chips(resources: Resources, *, gateway_real: bool = False) -> Ligados:
    """Make sure of instance, webhook and connection for every number in use. Repeating it changes nothing.

    A number that the gateway refuses does not stop the others.

    Raises:
        RealGatewayError: outside production, when the gateway is not the sandbox and `gateway_real` is not given.
    """
    settings = resources.settings
    may_touch = gateway_real or settings.ambiente is Ambiente.PRODUCAO or await resources.gateways.is_sandbox()
    if not may_touch:
        raise RealGatewayError("the gateway is not the sandbox")
    chips = await chip.to_connect(resources.db)
    observed_at = resources.clock()
    results = await gather_limited(chips, lambda one: _connect(resources, one), SIMULTANEAS)
    done = {one.instancia: result for one, result in zip(chips, results, strict=True) if isinstance(result, _Ligada)}
    falhas = {one.instancia: _reason(r) for one, r in zip(chips, results, strict=True) if isinstance(r, Exception)}
    abertas = {name: one.estado is EstadoConexao.ABERTA for name, one in done.items()}
    await chip.mark_connections(resources.db, abertas, observed_at)
    return Ligados(
        criadas=sum(one.criada for one in done.values()),
        atualizadas=sum(not one.criada for one in done.values()),
        abertas=tuple(name for name, is_open in abertas.items() if is_open),
        fechadas=tuple(name for name, is_open in abertas.items() if not is_open),
        falhas=falhas,
    )


async def _connect(resources: Resources, one: ChipParaLigar) -> _Ligada:
    """Create the instance, or give the one that is there our webhook; then connect it."""
    settings, gateway = resources.settings, resources.evolution
    url = f"{settings.api_url.rstrip('/')}/webhooks/evolution/{one.instancia}"
    headers = {CABECALHO_CHAVE: webhook_key(settings.webhook_secrets[0], one.instancia)}
    created = True
    try:
        await gateway.create_instance(one.instancia, digitos(one.telefone), url, headers)
    except GatewayError as refused:
        if refused.status != HTTPStatus.FORBIDDEN:
            raise
        created = False  # Evolution's word for "the name is taken"
        await gateway.set_webhook(one.instancia, url, headers)
    estado = await gateway.connection_state(one.instancia)
    if estado is EstadoConexao.FECHADA:
        await gateway.connect(one.instancia)
    return _Ligada(created, await _wait_open(resources, one.instancia, estado))


async def _wait_open(resources: Resources, instancia: str, estado: EstadoConexao) -> EstadoConexao:
    """Give a session that is known to the gateway the time to open; one that needs a code stays as it is."""
    until = monotonic() + ABRE_S
    while estado is not EstadoConexao.ABERTA and monotonic() < until:
        await asyncio.sleep(SONDAGEM_S)
        estado = await resources.evolution.connection_state(instancia)
    return estado


def _reason(failure: Exception) -> str:
    return failure.reason if isinstance(failure, GatewayError) else type(failure).__name__

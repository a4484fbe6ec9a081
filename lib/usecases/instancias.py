"""Our numbers at their gateways: each that should be connected reports to us, and its state is known.

Evolution's instances we make ourselves; Z-API's and Meta's numbers are made at the vendor and told where to report.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from time import monotonic
from urllib.parse import urlsplit

from lib.aio import gather_limited
from lib.auth import webhook_key
from lib.domain.chip import Gateway
from lib.domain.telefone import digitos
from lib.errors import AgenteError
from lib.providers.meta_conta import MetaConta
from lib.providers.whatsapp import EstadoConexao, GatewayError
from lib.providers.zapi_webhook import path_key
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
    """What was found and done, in numbers by the gateway's name for them.

    `fechadas` wait for a person, at the gateway given; `falhas` are told by name with their reason.
    """

    criadas: int = 0
    atualizadas: int = 0
    abertas: tuple[str, ...] = ()
    fechadas: Mapping[str, Gateway] = field(default_factory=dict)
    falhas: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many numbers should be connected."""
        return len(self.abertas) + len(self.fechadas) + len(self.falhas)


@dataclass(frozen=True, slots=True)
class _Ligada:
    criada: bool
    estado: EstadoConexao

    @property
    def aberta(self) -> bool:
        return self.estado is EstadoConexao.ABERTA


async def ligar_chips(resources: Resources, *, gateway_real: bool = False) -> Ligados:
    """Make sure of instance, webhook and connection for every number in use. Repeating it changes nothing.

    A number that its gateway refuses, or whose gateway is not set up here, does not stop the others.

    Raises:
        RealGatewayError: outside production, when a gateway is not the sandbox and `gateway_real` is not given.
    """
    await require_touchable(resources, gateway_real=gateway_real)
    chips = await chip.to_connect(resources.db)
    observed_at = resources.clock()
    sem_conta = await _subscribe(resources, chips)
    results = await gather_limited(chips, lambda one: _connect(resources, one, sem_conta), SIMULTANEAS)
    pairs = list(zip(chips, results, strict=True))
    done = {one.instancia: result for one, result in pairs if isinstance(result, _Ligada)}
    await chip.mark_connections(resources.db, {name: one.aberta for name, one in done.items()}, observed_at)
    return Ligados(
        criadas=sum(one.criada for one in done.values()),
        atualizadas=sum(not one.criada for one in done.values()),
        abertas=tuple(name for name, one in done.items() if one.aberta),
        fechadas={one.instancia: one.gateway for one, r in pairs if isinstance(r, _Ligada) and not r.aberta},
        falhas={one.instancia: _reason(r) for one, r in pairs if isinstance(r, Exception)},
    )


async def require_touchable(resources: Resources, *, gateway_real: bool) -> None:
    """Let nobody outside production change a gateway that is not the sandbox, unless asked for by name.

    Raises:
        RealGatewayError: it is not to be touched.
    """
    settings = resources.settings
    if not (gateway_real or settings.ambiente is Ambiente.PRODUCAO or await resources.gateways.is_sandbox()):
        raise RealGatewayError("the gateway is not the sandbox")


async def ensure_instance(resources: Resources, one: ChipParaLigar) -> bool:
    """Make sure that the gateway has this number and reports it to us; tell whether it was made now. Safe to repeat.

    Nobody is paired by it, and no connection opened.

    Raises:
        GatewayError: it was not done.
    """
    match one.gateway:
        case Gateway.EVOLUTION:
            return await _instance(resources, one)
        case Gateway.ZAPI:
            await _zapi(resources, one)
        case Gateway.META:
            await _meta(resources, one, await _subscribe(resources, [one]))
    return False


async def _subscribe(resources: Resources, chips: Sequence[ChipParaLigar]) -> Mapping[str, Exception]:
    """Have each Meta account report to us, once however many numbers it has; return those that do not, and why."""
    meta = resources.meta
    if meta is None:
        return {}
    contas = list(dict.fromkeys(one.conta for one in chips if one.gateway is Gateway.META and one.conta))
    results = await gather_limited(contas, MetaConta(meta).subscribe, SIMULTANEAS)
    return {conta: result for conta, result in zip(contas, results, strict=True) if result is not None}


async def _connect(resources: Resources, one: ChipParaLigar, sem_conta: Mapping[str, Exception]) -> _Ligada:
    match one.gateway:
        case Gateway.EVOLUTION:
            return await _evolution(resources, one)
        case Gateway.ZAPI:
            return await _zapi(resources, one)
        case Gateway.META:
            return await _meta(resources, one, sem_conta)


async def _evolution(resources: Resources, one: ChipParaLigar) -> _Ligada:
    """Create the instance, or give the one that is there our webhook; then connect it."""
    created, gateway = await _instance(resources, one), resources.evolution
    estado = await gateway.connection_state(one.instancia)
    if estado is EstadoConexao.FECHADA:
        await gateway.connect(one.instancia)
    return _Ligada(created, await _wait_open(resources, one.instancia, estado))


async def _instance(resources: Resources, one: ChipParaLigar) -> bool:
    """Create the instance and return True, or give the one that is there our webhook."""
    settings, gateway = resources.settings, resources.evolution
    url = f"{settings.api_url.rstrip('/')}/webhooks/evolution/{one.instancia}"
    headers = {CABECALHO_CHAVE: webhook_key(settings.webhook_secrets[0], one.instancia)}
    try:
        await gateway.create_instance(one.instancia, digitos(one.telefone), url, headers)
    except GatewayError as refused:
        if refused.status != HTTPStatus.FORBIDDEN:
            raise
        await gateway.set_webhook(one.instancia, url, headers)  # 403 is Evolution's word for "the name is taken"
        return False
    return True


async def _zapi(resources: Resources, one: ChipParaLigar) -> _Ligada:
    """Give the instance our webhook, whose address is its key, and read its state: only a person can pair it."""
    settings, gateway = resources.settings, resources.zapi
    if gateway is None:
        raise _missing(one.gateway)
    if settings.ambiente is Ambiente.PRODUCAO and urlsplit(settings.api_url).scheme != "https":
        raise GatewayError("zapi: reports to https addresses only, and AGENTE_API_URL is none")
    key = path_key(settings.zapi_webhook_secrets[0], one.instancia)
    await gateway.set_webhooks(one.instancia, f"{settings.api_url.rstrip('/')}/webhooks/zapi/{key}")
    return _Ligada(criada=False, estado=await gateway.connection_state(one.instancia))


async def _meta(resources: Resources, one: ChipParaLigar, sem_conta: Mapping[str, Exception]) -> _Ligada:
    """Read the number's state. Where Meta reports to is set at Meta; that it reports, for the account."""
    gateway = resources.meta
    if gateway is None:
        raise _missing(one.gateway)
    if not one.conta:
        raise GatewayError("meta: the chip has no business account (chip.conta)")
    if one.conta in sem_conta:
        raise sem_conta[one.conta]
    return _Ligada(criada=False, estado=await gateway.connection_state(one.instancia))


async def _wait_open(resources: Resources, instancia: str, estado: EstadoConexao) -> EstadoConexao:
    """Give a session that is known to the gateway the time to open; one that needs a code stays as it is."""
    until = monotonic() + ABRE_S
    while estado is not EstadoConexao.ABERTA and monotonic() < until:
        await asyncio.sleep(SONDAGEM_S)
        estado = await resources.evolution.connection_state(instancia)
    return estado


def _missing(gateway: Gateway) -> GatewayError:
    return GatewayError(f"gateway {gateway} is not set up")


def _reason(failure: Exception) -> str:
    return failure.reason if isinstance(failure, GatewayError) else type(failure).__name__

"""Pairing: codes shown as long as nobody has scanned one, and the connection noted as soon as somebody has.

A code opens our number to whoever scans it, so it is never logged and never kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import Final

from lib.domain.chip import Gateway, StatusChip
from lib.domain.telefone import digitos, normalizar
from lib.errors import AgenteError
from lib.log import get_logger
from lib.providers.whatsapp import EstadoConexao, GatewayError
from lib.providers.zapi import Zapi
from lib.queries import conexao
from lib.queries.chip_vida import Ficha
from lib.queries.conexao import VIVOS, Dito
from lib.resources import Resources
from lib.usecases.chip_vida import Quem, anotar, encontrar
from lib.usecases.instancia import ImpedidoError, Impedimento
from lib.usecases.instancias import require_touchable

SONDAGEM_S: Final = 1.0
ZAPI_CODIGO_S: Final = 20.0
ZAPI_CODIGOS: Final = 3
UM_CODIGO_S: Final = 10

log = get_logger(__name__)


class Fim(StrEnum):
    """How pairing ended."""

    CONECTADO = "conectado"
    LIMITE = "limite"


class SemSaidaError(AgenteError):
    """A session that lives is trying to reconnect: a code to type would mean to end it."""


@dataclass(frozen=True, slots=True)
class Passo:
    """What to show now: the n-th code, or the end.

    `qr` is what the picture holds, `codigo` what is typed on the phone. `outro_numero` is the E.164 phone that scanned,
    where it is not the chip's.
    """

    n: int = 0
    qr: str | None = field(default=None, repr=False)
    codigo: str | None = field(default=None, repr=False)
    fim: Fim | None = None
    outro_numero: str | None = field(default=None, repr=False)


async def parear(
    resources: Resources,
    chip: str,
    quem: Quem,
    *,
    digitado: bool = False,
    gateway_real: bool = False,
    sondagem_s: float = SONDAGEM_S,
    codigo_s: float = ZAPI_CODIGO_S,
) -> AsyncGenerator[Passo, None]:
    """Yield each new code until the number is connected or the gateway gives no more; the caller sets the time limit.

    `digitado`: a code to type in place of a picture to scan. `codigo_s` is the life of one where the gateway does not
    renew it by itself.

    Raises:
        SemChipError, ImpedidoError, SemSaidaError: there is nothing to pair.
        GatewayError: the gateway does not answer.
        RealGatewayError: it is not to be touched from here.
    """
    ficha = await _pairable(resources, chip)
    await require_touchable(resources, gateway_real=gateway_real)
    await anotar(resources, ficha, quem, "parear", "começou", {"digitado": digitado})
    if ficha.gateway is Gateway.ZAPI:
        steps = _zapi(resources, ficha, sondagem_s, codigo_s, digitado=digitado)
    else:
        steps = _evolution(resources, ficha, sondagem_s, digitado=digitado)
    async with aclosing(steps):
        async for passo in steps:
            if passo.fim is not None:
                await anotar(resources, ficha, quem, "parear", passo.fim.value)
            yield passo


async def um_codigo(
    resources: Resources, chip: str, quem: Quem, *, espera_s: float = UM_CODIGO_S, gateway_real: bool = False
) -> Passo:
    """Return the code to scan now, or that the number is connected; neither: there is none in `espera_s`, ask again.

    Raises:
        SemChipError, ImpedidoError: there is nothing to pair.
        GatewayError: the gateway does not answer.
        RealGatewayError: it is not to be touched from here.
    """
    async with aclosing(parear(resources, chip, quem, gateway_real=gateway_real)) as steps:
        try:
            async with asyncio.timeout(espera_s):
                return await anext(steps)
        except TimeoutError:
            return Passo()


async def _pairable(resources: Resources, chip: str) -> Ficha:
    ficha = await encontrar(resources.db, chip)
    if ficha.gateway is Gateway.META:
        raise ImpedidoError(Impedimento.META, ficha.instancia)
    if ficha.status is StatusChip.BANNED:
        raise ImpedidoError(Impedimento.BANIDO, ficha.instancia)
    if ficha.status is StatusChip.CANCELLED:
        raise ImpedidoError(Impedimento.CANCELADO, ficha.instancia)
    return ficha


async def _evolution(
    resources: Resources, ficha: Ficha, sondagem_s: float, *, digitado: bool
) -> AsyncGenerator[Passo, None]:
    """Ask for the code again and again; a session that is closed after codes were shown was given up by Evolution."""
    gateway, shown, last = resources.evolution, 0, None
    if digitado:
        await _close_first(resources, ficha)
    number = digitos(ficha.telefone) if digitado else None
    while True:
        if shown and await gateway.connection_state(ficha.instancia) is EstadoConexao.FECHADA:
            yield Passo(shown, fim=Fim.LIMITE)
            return
        paired = await gateway.pair(ficha.instancia, number)
        if paired.aberta:
            yield await _connected(resources, ficha, shown)
            return
        code = (paired.qr, paired.codigo)
        if any(code) and code != last and (paired.codigo or not digitado):
            shown, last = shown + 1, code
            yield Passo(shown, paired.qr, paired.codigo)
        await asyncio.sleep(sondagem_s)


async def _close_first(resources: Resources, ficha: Ficha) -> None:
    """Evolution gives a code to type only to a closed session.

    Raises:
        SemSaidaError: the session may be one that works and reconnects.
    """
    gateway = resources.evolution
    if await gateway.connection_state(ficha.instancia) is not EstadoConexao.CONECTANDO:
        return
    if ficha.status in VIVOS:
        raise SemSaidaError(ficha.instancia)
    await gateway.logout(ficha.instancia)
    await gateway.wait_closed(ficha.instancia)


async def _zapi(
    resources: Resources, ficha: Ficha, sondagem_s: float, codigo_s: float, *, digitado: bool
) -> AsyncGenerator[Passo, None]:
    """Show at most three codes of 20 s each, as the vendor asks for."""
    zapi = resources.zapi
    if zapi is None:
        raise GatewayError("gateway zapi is not set up")
    for n in range(1, ZAPI_CODIGOS + 1):
        if (await zapi.situation(ficha.instancia)).conectado:
            yield await _connected(resources, ficha, n - 1)
            return
        if digitado:
            yield Passo(n, codigo=await zapi.phone_code(ficha.instancia, ficha.telefone))
        else:
            yield Passo(n, qr=await zapi.qr_code(ficha.instancia))
        if await _zapi_opens(zapi, ficha.instancia, sondagem_s, codigo_s):
            yield await _connected(resources, ficha, n)
            return
    yield Passo(ZAPI_CODIGOS, fim=Fim.LIMITE)


async def _zapi_opens(zapi: Zapi, instancia: str, sondagem_s: float, codigo_s: float) -> bool:
    until = monotonic() + codigo_s
    while monotonic() < until:
        if (await zapi.situation(instancia)).conectado:
            return True
        await asyncio.sleep(sondagem_s)
    return False


async def _connected(resources: Resources, ficha: Ficha, shown: int) -> Passo:
    """Note the connection, which a webhook may tell later or never, and look whose phone it is."""
    await conexao.say(resources.db, [Dito(ficha.gateway, ficha.instancia, conectado=True)], resources.clock())
    other = None
    if ficha.gateway is Gateway.EVOLUTION:
        listed = await resources.evolution.find_instance(ficha.instancia)
        owner = normalizar(f"+{listed.dono}") if listed and listed.dono else None
        other = owner if owner != ficha.telefone else None
    log.info("chip.pareado", instancia=ficha.instancia, outro_numero=other is not None)
    return Passo(shown, fim=Fim.CONECTADO, outro_numero=other)

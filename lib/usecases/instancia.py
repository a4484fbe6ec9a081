"""One number at its gateway: entered, restarted, logged out, deleted. Each can be repeated, and is written down.

WhatsApp says the same of a session that we end and of a number that it throws out (401). So a chip at work is paused
before its session is ended.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from lib.domain.chip import Gateway, StatusChip, TipoChip
from lib.domain.telefone import normalizar
from lib.errors import AgenteError
from lib.providers.whatsapp import GatewayError
from lib.providers.zapi import Zapi
from lib.queries import chip_vida
from lib.queries.chip import ChipParaLigar
from lib.queries.chip_vida import Cadastro, Ficha, Mudanca
from lib.queries.conexao import VIVOS
from lib.resources import Resources
from lib.usecases.chip_vida import MudouAntesError, Quem, anotar, encontrar, pausar_chip
from lib.usecases.instancias import ensure_instance, require_touchable

PREFIXO: Final = {TipoChip.JULIA: "julia", TipoChip.LISTENER: "escuta"}


class Impedimento(StrEnum):
    """Why a number cannot be entered, or its gateway not do what was asked."""

    SEM_TELEFONE = "sem_telefone"
    TELEFONE_INVALIDO = "telefone_invalido"
    SEM_NOME = "sem_nome"
    SEM_CONTA = "sem_conta"
    OUTRO_CHIP = "outro_chip"
    NOME_NO_GATEWAY = "nome_no_gateway"
    BANIDO = "banido"
    CANCELADO = "cancelado"
    META = "meta"


class ImpedidoError(AgenteError):
    """It cannot be done; `detalhe` names the chip that is in the way, where there is one."""

    def __init__(self, porque: Impedimento, detalhe: str = "") -> None:
        super().__init__(f"{porque.value} {detalhe}".strip())
        self.porque = porque
        self.detalhe = detalhe


@dataclass(frozen=True, slots=True)
class Pedido:
    """A number that a person wants entered; what is None is found out."""

    nome: str | None
    telefone: str | None
    tipo: TipoChip = TipoChip.JULIA
    gateway: Gateway = Gateway.EVOLUTION
    conta: str | None = None


@dataclass(frozen=True, slots=True)
class Criado:
    """What was made: the chip's row, its instance at the gateway. Both False: all was there already."""

    instancia: str
    gateway: Gateway
    cadastrado: bool
    instanciado: bool


@dataclass(frozen=True, slots=True)
class Encerrado:
    """A session that was ended, or an instance that was deleted. `pausado`: the chip was at work until then."""

    instancia: str
    gateway: Gateway
    pausado: bool
    havia: bool


async def criar_chip(resources: Resources, pedido: Pedido, quem: Quem, *, gateway_real: bool = False) -> Criado:
    """Enter a number and make its instance, with our webhook and its own key. Nobody is paired yet. Safe to repeat.

    A cancelled number is entered again.

    Raises:
        ImpedidoError: it cannot be entered.
        GatewayError: the chip is entered and its gateway did not do its part; repeat it.
        RealGatewayError: its gateway is not to be touched from here.
    """
    await require_touchable(resources, gateway_real=gateway_real)
    ficha = await chip_vida.find(resources.db, pedido.nome) if pedido.nome else None
    entered = ficha is None or ficha.status is StatusChip.CANCELLED
    if ficha is None or ficha.status is StatusChip.CANCELLED:
        ficha = await _enter(resources, pedido, ficha, quem)
    elif ficha.status is StatusChip.BANNED:
        raise ImpedidoError(Impedimento.BANIDO, ficha.instancia)
    elif pedido.telefone is not None and normalizar(pedido.telefone) != ficha.telefone:
        raise ImpedidoError(Impedimento.OUTRO_CHIP, ficha.instancia)
    para = ChipParaLigar(ficha.instancia, ficha.telefone, ficha.gateway, ficha.conta)
    try:
        made = await ensure_instance(resources, para)
    except GatewayError as failure:
        await anotar(resources, ficha, quem, "criar", failure.reason)
        raise
    await anotar(resources, ficha, quem, "criar", "feito", {"cadastrado": entered, "instanciado": made})
    return Criado(ficha.instancia, ficha.gateway, entered, made)


async def reiniciar_chip(resources: Resources, chip: str, quem: Quem, *, gateway_real: bool = False) -> Ficha:
    """Open the session anew. Safe to repeat.

    Raises:
        SemChipError, ImpedidoError: it cannot be done.
        GatewayError: it was not; a closed session has to be paired.
        RealGatewayError: its gateway is not to be touched from here.
    """
    ficha = await _at_gateway(resources, chip, gateway_real=gateway_real)
    if ficha.gateway is Gateway.ZAPI:
        await _zapi(resources).restart(ficha.instancia)
    else:
        await resources.evolution.restart(ficha.instancia)
    await anotar(resources, ficha, quem, "reiniciar", "feito")
    return ficha


async def sair_chip(
    resources: Resources, chip: str, motivo: str, quem: Quem, *, gateway_real: bool = False
) -> Encerrado:
    """End the session, the chip paused before. Safe to repeat.

    Raises:
        SemChipError, ImpedidoError, MudouAntesError: it was not done.
        GatewayError: the chip is paused, and its session may go on.
        RealGatewayError: its gateway is not to be touched from here.
    """
    ficha = await _at_gateway(resources, chip, gateway_real=gateway_real)
    paused = await _pause_first(resources, ficha, motivo, quem)
    there = True
    try:
        if ficha.gateway is Gateway.ZAPI:
            await _zapi(resources).disconnect(ficha.instancia)
        else:
            there = await resources.evolution.logout(ficha.instancia)
            await resources.evolution.wait_closed(ficha.instancia)
    except GatewayError as failure:
        await anotar(resources, ficha, quem, "sair", failure.reason)
        raise
    await anotar(resources, ficha, quem, "sair", "feito")
    return Encerrado(ficha.instancia, ficha.gateway, paused, there)


async def apagar_chip(
    resources: Resources, chip: str, motivo: str, quem: Quem, *, gateway_real: bool = False
) -> Encerrado:
    """Give a number back: end its session, wait for its end, delete its instance, cancel the chip. Safe to repeat.

    Deleting while the session still lives would leave Evolution a loop that reconnects until it is restarted. Z-API's
    and Meta's numbers stay with their vendor.

    Raises:
        SemChipError, MudouAntesError: it was not done.
        GatewayError: the session did not end, and its instance and the chip, paused, are kept.
        RealGatewayError: its gateway is not to be touched from here.
    """
    ficha = await encontrar(resources.db, chip)
    if ficha.gateway is not Gateway.META:
        await require_touchable(resources, gateway_real=gateway_real)
    paused = await _pause_first(resources, ficha, motivo, quem)
    there = ficha.status is not StatusChip.CANCELLED
    try:
        if ficha.gateway is Gateway.EVOLUTION:
            await resources.evolution.remove_instance(ficha.instancia)
        elif ficha.gateway is Gateway.ZAPI and there:
            await _zapi(resources).disconnect(ficha.instancia)
    except GatewayError as failure:
        await anotar(resources, ficha, quem, "apagar", failure.reason)
        raise
    if there:
        now = replace(ficha, status=StatusChip.PAUSED) if paused else ficha
        cancel = Mudanca(StatusChip.CANCELLED, motivo, quem.ator, resources.clock())
        if not await chip_vida.move(resources.db, now, cancel):
            raise MudouAntesError(ficha.instancia)
    await anotar(resources, ficha, quem, "apagar", "feito", {"de": ficha.status.value})
    return Encerrado(ficha.instancia, ficha.gateway, paused, there)


async def _enter(resources: Resources, pedido: Pedido, antes: Ficha | None, quem: Quem) -> Ficha:
    """Store the chip: a new row, or a cancelled one that begins again."""
    cadastro = await _checked(resources, pedido, antes)
    known = antes or await chip_vida.by_phone(resources.db, cadastro.telefone)
    if known is not None and known.status is not StatusChip.CANCELLED:
        raise ImpedidoError(Impedimento.OUTRO_CHIP, known.instancia)
    ours = known is not None and known.instancia == cadastro.instancia
    at_evolution = cadastro.gateway is Gateway.EVOLUTION
    if at_evolution and not ours and await resources.evolution.has_instance(cadastro.instancia):
        raise ImpedidoError(Impedimento.NOME_NO_GATEWAY, cadastro.instancia)
    agora = resources.clock()
    if known is not None:
        again = Mudanca(StatusChip.PROVISIONED, "cadastrado de novo", quem.ator, agora)
        done = await chip_vida.enter_again(resources.db, known, again, cadastro)
        entered = await chip_vida.find(resources.db, cadastro.instancia) if done else None
    else:
        entered = await chip_vida.enter(resources.db, cadastro, quem.ator, agora)
    if entered is None:
        raise ImpedidoError(Impedimento.OUTRO_CHIP, cadastro.instancia)
    return entered


async def _checked(resources: Resources, pedido: Pedido, antes: Ficha | None) -> Cadastro:
    telefone = normalizar(pedido.telefone) if pedido.telefone else antes.telefone if antes else None
    if telefone is None:
        wrong = Impedimento.TELEFONE_INVALIDO if pedido.telefone else Impedimento.SEM_TELEFONE
        raise ImpedidoError(wrong)
    nome = pedido.nome
    if nome is None and pedido.gateway is not Gateway.EVOLUTION:
        raise ImpedidoError(Impedimento.SEM_NOME)
    if pedido.gateway is Gateway.META and not pedido.conta:
        raise ImpedidoError(Impedimento.SEM_CONTA)
    if nome is None:
        known = await chip_vida.by_phone(resources.db, telefone)
        again = known is not None and known.status is StatusChip.CANCELLED
        nome = known.instancia if known and again else await chip_vida.next_name(resources.db, PREFIXO[pedido.tipo])
    elif antes is not None:
        nome = antes.instancia
    return Cadastro(nome, telefone, pedido.tipo, pedido.gateway, pedido.conta)


async def _pause_first(resources: Resources, ficha: Ficha, motivo: str, quem: Quem) -> bool:
    """Pause a chip at work and tell that it was."""
    if ficha.status not in VIVOS:
        return False
    await pausar_chip(resources, ficha.instancia, motivo, quem)
    return True


async def _at_gateway(resources: Resources, chip: str, *, gateway_real: bool) -> Ficha:
    """Return a chip whose session we may touch."""
    ficha = await encontrar(resources.db, chip)
    if ficha.gateway is Gateway.META:
        raise ImpedidoError(Impedimento.META, ficha.instancia)
    await require_touchable(resources, gateway_real=gateway_real)
    return ficha


def _zapi(resources: Resources) -> Zapi:
    if resources.zapi is None:
        raise GatewayError("gateway zapi is not set up")
    return resources.zapi

"""What people do with a chip's status: pause, resume, approve, arm again. Each act is legal and written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lib.db import Database
from lib.domain.chip import Gateway, StatusChip, TipoChip
from lib.domain.chip_ciclo import TRANSICOES, Ator, legal
from lib.errors import AgenteError
from lib.queries import chip_vida
from lib.queries.chip import ChipParaLigar
from lib.queries.chip_vida import Ficha, Mudanca
from lib.resources import Resources
from lib.usecases.auditar import auditar
from lib.usecases.instancias import ensure_instance, require_touchable

MOTIVO_MAX: Final = 200


class SemChipError(AgenteError):
    """There is no chip of this name or id."""


class EstadoErradoError(AgenteError):
    """A chip of this status cannot be moved so; `saidas` are where a person may move it."""

    def __init__(self, ficha: Ficha) -> None:
        super().__init__(f"chip {ficha.id} is {ficha.status}")
        self.ficha = ficha
        self.saidas = tuple(para for (de, para) in TRANSICOES if de is ficha.status and legal(de, para, Ator.PESSOA))


class MudouAntesError(AgenteError):
    """Somebody else changed the chip's status meanwhile."""


@dataclass(frozen=True, slots=True)
class Quem:
    """Who acts, and from where, as the audit log has it."""

    nome: str
    origem: str

    @property
    def ator(self) -> str:
        """As a change of status has it."""
        return f"{Ator.PESSOA.value}:{self.nome}"


@dataclass(frozen=True, slots=True)
class Movido:
    """What became of a chip. `mudou` is False when it already was so."""

    instancia: str
    de: StatusChip
    para: StatusChip
    mudou: bool = True


async def encontrar(db: Database, chip: str) -> Ficha:
    """Return the chip of this name or id.

    Raises:
        SemChipError: there is none.
    """
    found = await chip_vida.find(db, chip)
    if found is None:
        raise SemChipError(chip)
    return found


async def pausar_chip(resources: Resources, chip: str, motivo: str, quem: Quem) -> Movido:
    """Stop a chip: it sends nothing, and what its session does meanwhile is nobody's ban.

    Raises:
        SemChipError, EstadoErradoError, MudouAntesError: it was not done.
    """
    return await _moved(resources, await encontrar(resources.db, chip), StatusChip.PAUSED, motivo, quem, "pausar")


async def retomar_chip(resources: Resources, chip: str, motivo: str, quem: Quem) -> Movido:
    """Let a paused chip go on with the work that the pause interrupted.

    What it may not write first because of a restriction it may not yet.

    Raises:
        SemChipError, EstadoErradoError, MudouAntesError: it was not done.
    """
    ficha = await encontrar(resources.db, chip)
    if ficha.status is not StatusChip.PAUSED:
        raise EstadoErradoError(ficha)
    para = ficha.status_anterior or StatusChip.PROVISIONED
    return await _moved(resources, ficha, para, motivo, quem, "retomar")


async def rearmar_chip(resources: Resources, chip: str, motivo: str, quem: Quem) -> Movido:
    """Take a banned number in again: it is paired and warmed up as if it were new.

    Raises:
        SemChipError, EstadoErradoError, MudouAntesError: it was not done.
    """
    ficha = await encontrar(resources.db, chip)
    if ficha.status is StatusChip.PROVISIONED:
        return Movido(ficha.instancia, ficha.status, ficha.status, mudou=False)
    if ficha.status is not StatusChip.BANNED:
        raise EstadoErradoError(ficha)
    agora = resources.clock()
    mudanca = Mudanca(StatusChip.PROVISIONED, motivo[:MOTIVO_MAX], quem.ator, agora)
    done = await chip_vida.begin_again(resources.db, ficha, mudanca)
    await _noted(resources, ficha, quem, "rearmar", done=done, para=mudanca.para)
    return Movido(ficha.instancia, ficha.status, mudanca.para)


async def aprovar_chip(
    resources: Resources, chip: str, tipo: TipoChip | None, motivo: str, quem: Quem, *, gateway_real: bool = False
) -> Movido:
    """Set a number to work that waits for it: a listener listens, a Júlia warms up. Its instance reports to us then.

    Raises:
        SemChipError, EstadoErradoError, MudouAntesError: it was not done.
        GatewayError: its gateway could not be told where to report; its status is as before.
        RealGatewayError: its gateway is not to be touched from here.
    """
    ficha = await encontrar(resources.db, chip)
    kind = tipo or ficha.tipo
    para = StatusChip.ACTIVE if kind is TipoChip.LISTENER else StatusChip.WARMING
    if ficha.status is para and ficha.tipo is kind:
        return Movido(ficha.instancia, ficha.status, para, mudou=False)
    if ficha.status not in {StatusChip.PENDING, StatusChip.PROVISIONED}:
        raise EstadoErradoError(ficha)
    if ficha.gateway is not Gateway.META:
        await require_touchable(resources, gateway_real=gateway_real)
        await ensure_instance(resources, ChipParaLigar(ficha.instancia, ficha.telefone, ficha.gateway, ficha.conta))
    agora = resources.clock()
    done = await chip_vida.set_to_work(resources.db, ficha, Mudanca(para, motivo[:MOTIVO_MAX], quem.ator, agora), kind)
    await _noted(resources, ficha, quem, "aprovar", done=done, para=para, tipo=kind.value)
    return Movido(ficha.instancia, ficha.status, para)


async def _moved(resources: Resources, ficha: Ficha, para: StatusChip, motivo: str, quem: Quem, acao: str) -> Movido:
    if ficha.status is para:
        return Movido(ficha.instancia, ficha.status, para, mudou=False)
    if not legal(ficha.status, para, Ator.PESSOA):
        raise EstadoErradoError(ficha)
    agora = resources.clock()
    done = await chip_vida.move(resources.db, ficha, Mudanca(para, motivo[:MOTIVO_MAX], quem.ator, agora))
    await _noted(resources, ficha, quem, acao, done=done, para=para)
    return Movido(ficha.instancia, ficha.status, para)


async def _noted(
    resources: Resources, ficha: Ficha, quem: Quem, acao: str, *, done: bool, para: StatusChip, **more: Any
) -> None:
    """Write the act down.

    Raises:
        MudouAntesError: it was not done.
    """
    await anotar(
        resources,
        ficha,
        quem,
        acao,
        "feito" if done else "mudou antes",
        {"de": ficha.status.value, "para": para.value, **more},
    )
    if not done:
        raise MudouAntesError(ficha.instancia)


async def anotar(
    resources: Resources, ficha: Ficha, quem: Quem, acao: str, resultado: str, detalhes: Mapping[str, Any] | None = None
) -> None:
    """Write down what somebody did with a chip; its name may hold a phone and is left out, its id is not."""
    await auditar(
        resources.db,
        resources.clock(),
        ator=quem.nome,
        origem=quem.origem,
        acao=f"chip.{acao}",
        alvo=f"chip:{ficha.id}",
        resultado=resultado,
        detalhes=detalhes,
    )

"""What the commands on one chip share: who acts, what is opened, and how a refusal is said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

import typer

from lib.cli.pausa import quem as nome_de
from lib.domain.chip import StatusChip
from lib.errors import AgenteError, DatabaseUnavailableError
from lib.providers.whatsapp import GatewayError
from lib.resources import Resources, open_resources
from lib.settings import load_settings
from lib.usecases.chip_vida import EstadoErradoError, MudouAntesError, Quem, SemChipError
from lib.usecases.instancia import ImpedidoError, Impedimento
from lib.usecases.instancias import RealGatewayError
from lib.usecases.parear import SemSaidaError

T = TypeVar("T")

ORIGEM: Final = "cli"
Chip = Annotated[str, typer.Argument(metavar="CHIP", help="O nome (instância) do chip, ou o id.")]
Por = Annotated[str | None, typer.Option(help="Quem; sem isso, o usuário desta máquina.")]
Motivo = Annotated[str, typer.Option(help="Por quê; fica guardado. Sem telefones nem nomes de médicos.")]
EmJson = Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")]
GatewayReal = Annotated[
    bool, typer.Option("--gateway-real", help="Permite mexer num gateway que não é o sandbox, fora de produção.")
]

SITUACAO: Final = {
    StatusChip.PROVISIONED: "sem sessão",
    StatusChip.PENDING: "espera aprovação",
    StatusChip.WARMING: "aquecendo",
    StatusChip.READY: "na reserva",
    StatusChip.ACTIVE: "em produção",
    StatusChip.DEGRADED: "descansando",
    StatusChip.RESTRICTED: "só responde",
    StatusChip.PAUSED: "pausado",
    StatusChip.BANNED: "banido",
    StatusChip.CANCELLED: "cancelado",
}
_SAIDAS: Final = {
    StatusChip.PROVISIONED: "agente chip qr",
    StatusChip.PENDING: "agente chip aprovar",
    StatusChip.PAUSED: "agente chip retomar",
    StatusChip.BANNED: "agente chip rearmar",
    StatusChip.CANCELLED: "agente chip criar",
}
_IMPEDIMENTO: Final = {
    Impedimento.SEM_TELEFONE: "o chip {0}é novo: diga o número dele com --telefone",
    Impedimento.TELEFONE_INVALIDO: "esse telefone não é um número do Brasil que exista; escreva com DDD",
    Impedimento.SEM_NOME: "na Z-API e na Meta o nome do chip é o id que o fornecedor deu: agente chip criar ID …",
    Impedimento.SEM_CONTA: "um número da Meta precisa da conta (WABA): --conta ID",
    Impedimento.OUTRO_CHIP: "o nome ou o número já é do chip {0}; veja `agente chip estado`",
    Impedimento.NOME_NO_GATEWAY: (
        "a Evolution já tem uma instância {0}que ninguém cadastrou; escolha outro nome,"
        " ou espere o fluxo sincronizar-chips adotá-la e aprove-a com `agente chip aprovar`"
    ),
    Impedimento.BANIDO: "o chip {0}foi banido; para começar de novo com ele: agente chip rearmar",
    Impedimento.CANCELADO: "o chip {0}foi cancelado; para usá-lo de novo: agente chip criar",
    Impedimento.META: (
        "o chip {0}é da Meta: ali não há QR code nem sessão para parear, reiniciar ou encerrar."
        " O número é registrado no WhatsApp Manager, e `agente chip ligar` lê o estado dele"
    ),
}


def quem(por: str | None) -> Quem:
    """Return who acts: as told, or the user of this machine."""
    return Quem(nome_de(por), ORIGEM)


def agir(work: Callable[[Resources], Awaitable[T]]) -> T:
    """Run `work` with resources of its own; what cannot be done ends with a sentence and exit code 1."""

    async def run() -> T:
        async with open_resources(load_settings(), nome="cli-chip") as resources:
            return await work(resources)

    try:
        return asyncio.run(run())
    except AgenteError as refused:
        typer.echo(f"erro: {frase(refused)}.", err=True)
        raise typer.Exit(1) from None


def frase(refused: AgenteError) -> str:
    """Say in Portuguese why it was not done, and what to do.

    Raises:
        AgenteError: it is none that these commands expect.
    """
    match refused:
        case SemChipError():
            said = f"não há chip {refused}; veja `agente chip estado`"
        case EstadoErradoError(ficha=ficha):
            to_do = f"; veja `{_SAIDAS[ficha.status]} {ficha.instancia}`" if ficha.status in _SAIDAS else ""
            said = f"o chip {ficha.instancia} está {SITUACAO[ficha.status]}{to_do}"
        case MudouAntesError():
            said = f"alguém mudou o chip {refused} ao mesmo tempo; veja `agente chip estado {refused}` e repita"
        case ImpedidoError(porque=porque, detalhe=detalhe):
            said = _IMPEDIMENTO[porque].format(f"{detalhe} " if detalhe else "").replace(" ;", ";")
        case RealGatewayError():
            said = "o gateway não é o sandbox; confirme com --gateway-real para mexer nele"
        case SemSaidaError():
            said = (
                f"o chip {refused} está reconectando sozinho, e um código de pareamento encerraria a sessão;"
                f" espere, ou antes `agente chip sair {refused}`"
            )
        case GatewayError(reason=reason):
            said = f"o gateway não fez o que foi pedido: {reason}"
        case DatabaseUnavailableError():
            said = "o banco de dados não responde. Veja `agente doctor`"
        case _:
            raise refused
    return said

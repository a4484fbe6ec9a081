"""`pedir_humano`: a person of the team takes over."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from pydantic import Field

from lib.agent.tools.contrato import Argumentos, Tool, ToolContext, ToolResult


class Motivo(StrEnum):
    """Why a person is needed."""

    PEDIU_PESSOA = "pediu_pessoa"
    RECLAMACAO = "reclamacao"
    DUVIDA = "duvida"
    NEGOCIACAO = "negociacao"
    DOCUMENTO_OU_PAGAMENTO = "documento_ou_pagamento"
    URGENCIA = "urgencia"
    OUTRO = "outro"


# People read these: no words of the doctor or the model among them.
_PORQUE = MappingProxyType(
    {
        Motivo.PEDIU_PESSOA: "o médico pediu para falar com uma pessoa",
        Motivo.RECLAMACAO: "o médico reclamou de algo",
        Motivo.DUVIDA: "a Júlia não soube responder",
        Motivo.NEGOCIACAO: "o médico quer negociar valor",
        Motivo.DOCUMENTO_OU_PAGAMENTO: "o assunto é documento ou pagamento",
        Motivo.URGENCIA: "o médico tem uma urgência",
        Motivo.OUTRO: "a Júlia pediu ajuda de uma pessoa",
    }
)


class PedirHumano(Argumentos):
    """Why."""

    motivo: Motivo = Field(description="Por que uma pessoa deve assumir.")


async def executar(_: ToolContext, args: PedirHumano) -> ToolResult:
    """End the turn with a hand-off; the turn's own commit writes it."""
    return ToolResult('{"encaminhado": true}', transferir=_PORQUE[args.motivo])


PEDIR_HUMANO = Tool(
    "pedir_humano",
    "Passa a conversa a uma pessoa da equipe. Use quando o médico pedir, reclamar ou quando você não puder resolver.",
    PedirHumano,
    executar,
)

"""`enviar_opcoes`: a reply that ends in two or three numbered choices, in running text."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from lib.agent.tools.contrato import Argumentos, Tool, ToolContext, ToolResult
from lib.domain.texto import palavras

_OPCAO_MAX = 20


class EnviarOpcoes(Argumentos):
    """The reply and its choices."""

    texto: Annotated[str, Field(min_length=1, max_length=600, description="A mensagem, sem as opções.")]
    opcoes: list[Annotated[str, Field(min_length=1, max_length=_OPCAO_MAX)]] = Field(
        min_length=1, max_length=3, description="Até três opções, de até 20 letras cada."
    )

    @field_validator("opcoes")
    @classmethod
    def distintas(cls, value: list[str]) -> list[str]:
        """Refuse choices that nobody could tell apart."""
        if len({palavras(opcao) for opcao in value} - {""}) < len(value):
            raise ValueError("choices must differ")
        return value


async def executar(_: ToolContext, args: EnviarOpcoes) -> ToolResult:
    """Make the whole reply of it; nothing is written here."""
    ditas = [f"{n} para {opcao.rstrip(' .!?;,')}" for n, opcao in enumerate(args.opcoes, 1)]
    ultima = f" ou {ditas[-1]}" if len(ditas) > 1 else ditas[0]
    resposta = f"{args.texto}\nResponda {', '.join(ditas[:-1])}{ultima}."
    return ToolResult('{"enviado": true}', resposta=resposta)


ENVIAR_OPCOES = Tool(
    "enviar_opcoes",
    "Envia a resposta com até três opções numeradas para o médico escolher. Encerra a resposta.",
    EnviarOpcoes,
    executar,
)

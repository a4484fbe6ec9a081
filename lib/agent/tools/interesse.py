"""`registrar_interesse`: the doctor wants a shift; a person confirms (decision D5)."""

from __future__ import annotations

from dataclasses import replace

import orjson
from pydantic import Field

from lib.agent.tools import escrita
from lib.agent.tools.contrato import Argumentos, Tool, ToolContext, ToolResult
from lib.domain.dado_pessoal import dado_pessoal
from lib.queries import interesse

NOME = "registrar_interesse"
_MAIOR_ID = 2**63 - 1
_NAO_MOSTRADA = "essa vaga não foi mostrada nesta conversa: busque as vagas primeiro"
_FECHADA = "essa vaga não está mais aberta: diga isso ao médico e ofereça buscar outras"
_REGISTRADO = (
    "uma pessoa da equipe vai entrar em contato; diga o nome do hospital e que o interesse ficou anotado; "
    "nada está reservado"
)


class RegistrarInteresse(Argumentos):
    """Which shift, and what the doctor adds."""

    vaga_id: int = Field(ge=1, le=_MAIOR_ID, description="O vaga_id de uma vaga mostrada nesta conversa.")
    observacao: str | None = Field(None, description="O que o médico acrescentou, em poucas palavras.")


async def executar(context: ToolContext, args: RegistrarInteresse) -> ToolResult:
    """Record the wish and tell people of it, once."""
    if args.vaga_id not in context.mostradas:
        return ToolResult(_NAO_MOSTRADA, erro=True)
    achado = dado_pessoal(args.observacao or "")
    if achado:
        return ToolResult(f"a observação parece {achado}: registre sem ela", erro=True)
    feito = escrita.feito(registrado=True, instrucao=_REGISTRADO)
    step = interesse.register_step(
        conversation_id=context.conversation_id,
        medico_id=context.medico_id,
        vaga_id=args.vaga_id,
        observacao=args.observacao or None,
        agora=context.agora,
        feito=feito,
        recusado=escrita.recusado(_FECHADA),
    )
    done = await escrita.gravar(context, escrita.chave(context, NOME, {"vaga_id": args.vaga_id}), feito, step)
    return done if done.erro else replace(done, citar=str(orjson.loads(done.conteudo)["hospital"]))


REGISTRAR_INTERESSE = Tool(
    NOME,
    "Anota que o médico quer uma vaga já mostrada. Não reserva nada: uma pessoa da equipe confirma.",
    RegistrarInteresse,
    executar,
    escreve=True,
)

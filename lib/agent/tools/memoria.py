"""`salvar_memoria`: keep a fact that the doctor told, or forget."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from lib.agent.tools import escrita
from lib.agent.tools.contrato import Argumentos, Tool, ToolContext, ToolResult
from lib.domain.dado_pessoal import dado_pessoal
from lib.domain.memoria import Assunto, Confianca, TipoMemoria
from lib.domain.texto import palavras
from lib.queries import memoria
from lib.queries.efeito import NOVO

NOME = "salvar_memoria"


class Acao(StrEnum):
    """Whether to keep or to forget."""

    SALVAR = "salvar"
    ESQUECER = "esquecer"


class SalvarMemoria(Argumentos):
    """A fact about this doctor, or what to forget of them."""

    acao: Acao
    assunto: Assunto | Literal["tudo"] = Field(description="Sobre o que é; `tudo` só para esquecer.")
    tipo: TipoMemoria = Field(TipoMemoria.PREFERENCIA, description="Que tipo de fato é.")
    informacao: str = Field("", description="O fato, numa frase curta; vazio para esquecer.")
    confianca: Confianca = Field(Confianca.MEDIA, description="alta só quando o médico disse com todas as letras.")


async def executar(context: ToolContext, args: SalvarMemoria) -> ToolResult:
    """Save or forget, for this doctor alone."""
    if args.acao is Acao.ESQUECER:
        assunto = None if args.assunto == "tudo" else args.assunto
        key = escrita.chave(context, NOME, {"acao": args.acao, "assunto": args.assunto})
        step = memoria.forget_step(context.medico_id, assunto, guarda=NOVO)
        return await escrita.gravar(context, key, escrita.feito(esquecido=True), step)
    if args.assunto == "tudo" or not palavras(args.informacao):
        return ToolResult("para salvar, diga um assunto e a informação", erro=True)
    achado = dado_pessoal(args.informacao)
    if achado:
        return ToolResult(f"isso parece {achado}: não se guarda", erro=True)
    values = {"assunto": args.assunto, "tipo": args.tipo, "informacao": palavras(args.informacao)}
    step = memoria.save_step(
        medico_id=context.medico_id,
        tipo=args.tipo,
        assunto=args.assunto,
        texto=args.informacao,
        confianca=args.confianca,
        inbox_id=context.inbox_id,
        fonte=NOME,
        guarda=NOVO,
    )
    return await escrita.gravar(context, escrita.chave(context, NOME, values), escrita.feito(salvo=True), step)


SALVAR_MEMORIA = Tool(
    NOME,
    "Guarda um fato que o médico contou sobre si e que ajuda a achar plantões, ou esquece. Nunca documentos, contas "
    "ou telefones.",
    SalvarMemoria,
    executar,
    escreve=True,
)

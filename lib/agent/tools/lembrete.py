"""`agendar_lembrete`: write to the doctor again when asked to (decision D26)."""

from __future__ import annotations

from pydantic import Field

from lib.agent.tools import escrita
from lib.agent.tools.contrato import Argumentos, Tool, ToolContext, ToolResult
from lib.domain.dado_pessoal import dado_pessoal
from lib.domain.data_falada import ler, por_extenso
from lib.domain.resposta import revisar
from lib.domain.texto import palavras
from lib.queries import lembrete

NOME = "agendar_lembrete"
MAX_ABERTOS = 5
_CORPO = "Oi! Você me pediu um lembrete: {assunto}."
_DATA_RUIM = (
    "não entendi a data, ou ela já passou, ou está a mais de 180 dias: pergunte o dia e a hora ao médico e diga-os "
    "como AAAA-MM-DD HH:MM"
)
_ASSUNTO_RUIM = "esse assunto não pode ir num lembrete: poucas palavras, sem valores, datas, links ou dados pessoais"
_DEMAIS = f"o médico já tem {MAX_ABERTOS} lembretes marcados"


class AgendarLembrete(Argumentos):
    """When, and of what."""

    quando: str = Field(min_length=1, description="Dia e hora, como o médico disse, ou AAAA-MM-DD HH:MM em Brasília.")
    assunto: str = Field(min_length=3, max_length=120, description="De que lembrar, em poucas palavras, sem valores.")


async def executar(context: ToolContext, args: AgendarLembrete) -> ToolResult:
    """Queue the reminder for its hour and return that hour in words, to be confirmed with the doctor."""
    lida = ler(args.quando, context.agora)
    if lida is None:
        return ToolResult(_DATA_RUIM, erro=True)
    assunto = args.assunto.rstrip(" .!;,:")
    revisao = revisar(_CORPO.format(assunto=assunto), ())
    if not palavras(assunto) or revisao.bloqueada or dado_pessoal(assunto):
        return ToolResult(_ASSUNTO_RUIM, erro=True)
    key = escrita.chave(context, NOME, {"quando": lida.quando.isoformat(), "assunto": palavras(assunto)})
    feito = escrita.feito(
        agendado_para=por_extenso(lida.quando, context.agora),
        hora_foi_dita=lida.hora_dita,
        instrucao="confirme ao médico este dia e esta hora",
    )
    cause = f"{lembrete.prefixo(context.cause)}{key.args_hash.hex()[:16]}"
    step = lembrete.schedule_step(
        conversation_id=context.conversation_id,
        medico_id=context.medico_id,
        cause=cause,
        body=revisao.texto,
        quando=lida.quando,
        maximo=MAX_ABERTOS,
        feito=feito,
        recusado=escrita.recusado(_DEMAIS),
    )
    result = await escrita.gravar(context, key, feito, step)
    if not result.erro:
        context.lembretes.add(cause)
    return result


AGENDAR_LEMBRETE = Tool(
    NOME,
    "Marca uma mensagem nossa para o dia e a hora que o médico pedir. Use só quando ele pedir para ser lembrado ou "
    "chamado depois.",
    AgendarLembrete,
    executar,
    escreve=True,
)

"""The tools offered to the model. The doctor is bound by us; nothing that identifies one is an argument."""

from __future__ import annotations

from lib.agent.tools.contrato import Tool, ToolContext, ToolResult
from lib.agent.tools.humano import PEDIR_HUMANO
from lib.agent.tools.info_hospital import BUSCAR_INFO_HOSPITAL
from lib.agent.tools.interesse import REGISTRAR_INTERESSE
from lib.agent.tools.lembrete import AGENDAR_LEMBRETE
from lib.agent.tools.memoria import SALVAR_MEMORIA
from lib.agent.tools.opcoes import ENVIAR_OPCOES
from lib.agent.tools.vagas import BUSCAR_VAGAS

# In this order always: the tools open the prompt's cached prefix.
TOOLS: tuple[Tool, ...] = (
    BUSCAR_VAGAS,
    BUSCAR_INFO_HOSPITAL,
    REGISTRAR_INTERESSE,
    AGENDAR_LEMBRETE,
    SALVAR_MEMORIA,
    ENVIAR_OPCOES,
    PEDIR_HUMANO,
)

__all__ = ["TOOLS", "Tool", "ToolContext", "ToolResult"]

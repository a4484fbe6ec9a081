"""The tools offered to the model. The doctor is bound by us; nothing that identifies one is an argument."""

from __future__ import annotations

from lib.agent.tools.contrato import Tool, ToolContext, ToolResult
from lib.agent.tools.info_hospital import BUSCAR_INFO_HOSPITAL
from lib.agent.tools.vagas import BUSCAR_VAGAS

TOOLS: tuple[Tool, ...] = (BUSCAR_VAGAS, BUSCAR_INFO_HOSPITAL)

__all__ = ["TOOLS", "Tool", "ToolContext", "ToolResult"]

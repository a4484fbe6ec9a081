"""Running a tool that writes, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from lib.agent.tools.contrato import ToolContext, ToolResult
from lib.db import Step
from lib.queries import efeito
from lib.queries.efeito import Chave

CERCA_PERDIDA = ToolResult("a conversa mudou enquanto isso: nada foi gravado", erro=True)


def chave(context: ToolContext, tool: str, args: Mapping[str, Any]) -> Chave:
    """Name an effect by this turn's cause, the tool and what it was asked, as understood."""
    return Chave(context.conversation_id, context.fence, context.cause, tool, efeito.args_hash(args))


def feito(**conteudo: Any) -> dict[str, Any]:
    """Return the stored form of a result."""
    return {"erro": False, "conteudo": conteudo}


def recusado(motivo: str) -> dict[str, Any]:
    """Return the stored form of a refusal."""
    return {"erro": True, "conteudo": motivo}


async def gravar(context: ToolContext, key: Chave, resultado: Mapping[str, Any], *efeitos: Step) -> ToolResult:
    """Write the effects once and answer with the stored result; an error when the fence is lost."""
    stored = await efeito.once(context.db, key, resultado, *efeitos)
    if stored is None:
        return CERCA_PERDIDA
    conteudo = stored["conteudo"]
    return ToolResult(conteudo if isinstance(conteudo, str) else orjson.dumps(conteudo).decode(), erro=stored["erro"])

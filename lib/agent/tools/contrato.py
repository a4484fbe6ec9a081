"""What a tool is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict

from lib.db import Database


class Argumentos(BaseModel):
    """Arguments from the model: unknown ones are refused, so that none is thought to have worked."""

    model_config = ConfigDict(extra="forbid", str_max_length=200, str_strip_whitespace=True)


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may know of the conversation that it serves; nothing of it is the model's to choose.

    `cause` names this turn's event for `tool_effect`; `fence` guards every write; `mostradas` are the shifts that this
    conversation has been shown, in earlier turns and, as it goes, in this one.
    """

    db: Database
    agora: datetime
    conversation_id: int
    medico_id: int
    fence: int
    cause: str
    inbox_id: int
    especialidade_id: int | None
    uf: str | None
    mostradas: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's answer, as JSON text; `erro` tells the model that the call was wrong.

    `vagas` are the shifts it shows. `transferir` ends the turn with a hand-off for this reason; `resposta` is the whole
    reply, which is still reviewed like any other.
    """

    conteudo: str
    erro: bool = False
    vagas: tuple[int, ...] = ()
    transferir: str | None = None
    resposta: str | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its name and description for the model, its arguments, and what it does. One round trip each.

    `escreve` marks a tool whose effect is recorded once per cause in `tool_effect`.
    """

    nome: str
    descricao: str
    argumentos: type[Argumentos]
    executar: Callable[[ToolContext, Any], Awaitable[ToolResult]]
    escreve: bool = False

    def esquema(self) -> Mapping[str, Any]:
        """Return the JSON schema of its arguments."""
        return _schema(self.argumentos)


@cache
def _schema(argumentos: type[Argumentos]) -> Mapping[str, Any]:
    schema = argumentos.model_json_schema()
    return {key: value for key, value in schema.items() if key not in {"title", "description"}}

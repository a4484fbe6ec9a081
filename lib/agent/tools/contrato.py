"""What a tool is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
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
    """What a tool may know of the conversation that it serves."""

    db: Database
    agora: datetime
    especialidade_id: int | None
    uf: str | None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's answer, as JSON text; `erro` tells the model that the call was wrong."""

    conteudo: str
    erro: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its name and description for the model, its arguments, and what it does. Reads only: one round trip."""

    nome: str
    descricao: str
    argumentos: type[Argumentos]
    executar: Callable[[ToolContext, Any], Awaitable[ToolResult]]

    def esquema(self) -> Mapping[str, Any]:
        """Return the JSON schema of its arguments."""
        return _schema(self.argumentos)


@cache
def _schema(argumentos: type[Argumentos]) -> Mapping[str, Any]:
    schema = argumentos.model_json_schema()
    return {key: value for key, value in schema.items() if key not in {"title", "description"}}

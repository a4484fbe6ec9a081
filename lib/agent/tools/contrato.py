"""What a tool is."""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from lib.db import Database


class Argumentos(BaseModel):
    """Arguments from the model: unknown ones are refused, so that none is thought to have worked."""

    model_config = ConfigDict(extra="forbid", str_max_length=200, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def limpar(cls, data: Any) -> Any:
        """Turn control and invisible characters into blanks: none of them is meant, and Postgres refuses a NUL."""
        return _limpo(data)


def _limpo(value: Any) -> Any:
    match value:
        case str():
            return " ".join("".join(" " if unicodedata.category(c)[0] == "C" else c for c in value).split())
        case list():
            return [_limpo(item) for item in value]
        case dict():
            return {key: _limpo(item) for key, item in value.items()}
        case _:
            return value


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may know of the conversation that it serves; nothing of it is the model's to choose.

    `cause` names this turn's event for `tool_effect`; `fence` guards every write; `mostradas` are the shifts that this
    conversation has been shown, in earlier turns and, as it goes, in this one. `lembretes` are the causes of the
    reminders that this attempt stands by.
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
    lembretes: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class ToolResult:
    """A tool's answer, as JSON text; `erro` tells the model that the call was wrong.

    It never repeats words of the model: what stands in it counts as a fact. `vagas` are the shifts it shows.
    `transferir` ends the turn with a hand-off for this reason; `resposta` is the whole reply, which is still reviewed
    like any other. `citar` must stand in the reply, so that a doctor reads what was noted in their name.
    """

    conteudo: str
    erro: bool = False
    vagas: tuple[int, ...] = ()
    transferir: str | None = None
    resposta: str | None = None
    citar: str | None = None


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
        return schema_of(self.argumentos)


_KEPT = frozenset({"type", "required", "additionalProperties"})


@cache
def schema_of(argumentos: type[Argumentos]) -> Mapping[str, Any]:
    """Return the JSON schema of a tool's arguments, in the few words that every model understands."""
    schema = argumentos.model_json_schema()
    properties = {name: _plain(value, schema.get("$defs", {})) for name, value in schema["properties"].items()}
    kept: dict[str, Any] = {key: schema[key] for key in schema if key in _KEPT}
    return {**kept, "properties": properties}


def _plain(node: Any, defs: Mapping[str, Any]) -> Any:
    """Write one property out: definitions inlined, without what only costs tokens (titles, docstrings, nullability)."""
    if isinstance(node, list):
        return [_plain(item, defs) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        definition = {key: value for key, value in defs[node["$ref"].rsplit("/", 1)[1]].items() if key != "description"}
        return _plain({**definition, **{key: value for key, value in node.items() if key != "$ref"}}, defs)
    options = [option for option in node.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        return _plain(
            {**options[0], **{key: value for key, value in node.items() if key not in {"anyOf", "default"}}}, defs
        )
    return {key: _plain(value, defs) for key, value in node.items() if key != "title"}

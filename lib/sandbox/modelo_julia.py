"""The well-behaved model: asks the tools, then writes one short friendly message from what they said."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson

from lib.sandbox.composicao import after_tools, records_of, small_talk
from lib.sandbox.intencao import asked_for, choices
from lib.sandbox.lexicon import HOSPITAL_WORDS, OPTION_WORDS, SHIFT_WORDS
from lib.sandbox.prompt import Answer, Prompt, Tool, plain
from lib.sandbox.schema_fill import Filler, mention

_DEFAULT_JSON: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "type": "object",
        "properties": {
            "objecao": {"type": ["string", "null"], "enum": [None, "preco", "tempo", "distancia", "confianca"]},
            "objetivo": {"type": "string"},
            "intencao": {"enum": ["outro", "interesse", "duvida", "recusa", "saudacao"]},
            "confianca": {"type": "number", "minimum": 0, "maximum": 1},
        },
    }
)


def answer_as_julia(prompt: Prompt) -> Answer:
    """Structured output when asked for, else a tool call when one helps, else a message."""
    if prompt.schema is not None:
        return structured(prompt, prompt.schema)
    if prompt.forced or prompt.choice == "any":
        forced = next((tool for tool in prompt.tools if tool.name == prompt.forced), None)
        return call(prompt, forced or _wanted(prompt) or prompt.tools[0])
    if prompt.results:
        return _offer(prompt) or Answer.of_text(after_tools(prompt.results, prompt.seed, prompt.question))
    if prompt.choice == "auto" and (calls := _wanted_calls(prompt)):
        return Answer(tuple(calls), "tool_use", "ferramenta")
    if prompt.wants_json and not prompt.tools:
        return structured(prompt, _described(prompt) or _DEFAULT_JSON)
    return Answer.of_text(small_talk(prompt.doctor_text, prompt.seed, prompt.question))


def structured(prompt: Prompt, schema: Mapping[str, Any]) -> Answer:
    """One JSON text valid for the schema."""
    value = Filler(prompt.transcript, prompt.seed, schema).fill(schema)
    return Answer.of_text(orjson.dumps(value).decode(), "estruturada")


def _wanted_calls(prompt: Prompt) -> list[Mapping[str, Any]]:
    """What the doctor asks for, and a search beside a preference told with it; ids differ within one answer."""
    asked = list(asked_for(prompt))
    remembers = all(arguments.get("acao") == "salvar" for _, arguments in asked)
    if remembers and (search := _wanted(prompt)):
        asked.append((search, _arguments(prompt, search)))
    return [_block(prompt, tool, arguments, index) for index, (tool, arguments) in enumerate(asked)]


def _offer(prompt: Prompt) -> Answer | None:
    """Numbered choices, where the doctor wants options and the search found several days."""
    tool = prompt.named("enviar_opcoes")
    if tool is None or prompt.choice != "auto" or not any(word in plain(prompt.doctor_text) for word in OPTION_WORDS):
        return None
    days = choices([record for result in prompt.results if not result.is_error for record in records_of(result.text)])
    if len(days) < 2:  # noqa: PLR2004 - one day is no choice
        return None
    arguments = {"texto": "Achei mais de uma data para você. Qual prefere?", "opcoes": days}
    return Answer((_block(prompt, tool, arguments),), "tool_use", "ferramenta")


def call(prompt: Prompt, tool: Tool) -> Answer:
    """One tool call with arguments found in the doctor's text; optional ones it does not mention are left out."""
    return Answer((_block(prompt, tool, _arguments(prompt, tool)),), "tool_use", "ferramenta")


def _arguments(prompt: Prompt, tool: Tool) -> dict[str, Any]:
    filler = Filler(prompt.doctor_text, prompt.seed, tool.schema)
    return {
        name: value
        for name, part in tool.properties.items()
        if (value := _argument(filler, name, part, required=name in tool.required)) is not None
    }


def _block(prompt: Prompt, tool: Tool, arguments: Mapping[str, Any], index: int = 0) -> Mapping[str, Any]:
    id_ = f"toolu_{prompt.seed:020x}{prompt.rounds + index:04x}"
    return {"type": "tool_use", "id": id_, "name": tool.name, "input": dict(arguments)}


def _argument(filler: Filler, name: str, part: Mapping[str, Any], *, required: bool) -> Any:
    if required:
        return filler.fill(part, f".{name}")
    part = filler.resolve(part)
    solid = filler.resolve(next((one for one in part.get("anyOf") or () if one.get("type") != "null"), part))
    if options := solid.get("enum"):
        named_by_text, words = mention(plain(name), filler.text), plain(filler.text)
        named = (option for option in options if option is not None and plain(str(option))[:6] in words)
        return named_by_text if named_by_text in options else next(named, None)
    if solid.get("type") == "string":
        return mention(plain(name), filler.text)
    if solid.get("type") in {"integer", "number"} and "valor" in plain(name):
        said = re.search(r"R\$\s*(\d[\d.]*)", filler.text)
        return int(said[1].replace(".", "")) if said else None
    return None


def _wanted(prompt: Prompt) -> Tool | None:
    """The tool the doctor's words call for: shifts before hospitals."""
    words = plain(prompt.doctor_text)
    about_hospital = any(word in words for word in HOSPITAL_WORDS)
    if any(word in words for word in SHIFT_WORDS) and (tool := prompt.tool("buscar_vagas", "vaga")):
        return tool
    return prompt.tool("buscar_info_hospital", "hospital", "buscar_vagas") if about_hospital else None


def _described(prompt: Prompt) -> Mapping[str, Any] | None:
    """A schema written out in the instructions: a JSON schema itself, or an example object to imitate."""
    for text in (prompt.system, prompt.transcript):
        start = text.find("{")
        while start >= 0:
            for end in range(text.find("}", start), len(text)):
                if text[end] != "}":
                    continue
                try:
                    value = orjson.loads(text[start : end + 1])
                except orjson.JSONDecodeError:
                    continue
                return value if "properties" in value else _imitated(value)
            start = text.find("{", start + 1)
    return None


def _imitated(example: object) -> Mapping[str, Any]:  # noqa: PLR0911 - one return per JSON type
    """A schema that an example value fits; `"a|b|c"` is a choice."""
    match example:
        case dict():
            return {"type": "object", "properties": {str(name): _imitated(value) for name, value in example.items()}}
        case list():
            return {"type": "array", "items": _imitated(example[0]) if example else {"type": "string"}}
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number", "minimum": 0, "maximum": 1}
        case str() if "|" in example:
            return {"enum": [None if (one := part.strip()) == "null" else one for part in example.split("|")]}
        case _:
            return {"type": "string"}

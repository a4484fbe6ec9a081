"""What a model sees of a Messages request, parsed once for all three models."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

_DOCTOR_TAG: Final = re.compile(r"<((?:mensage|medic|doutor|texto)\w*)\b[^>]*>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_TRANSCRIPT_TAG: Final = re.compile(
    r"<((?:transcri|conversa|mensage|medic|historico)\w*)\b[^>]*>(.*?)</\1>", re.DOTALL | re.IGNORECASE
)
_ONLY_JSON: Final = re.compile(
    r"\b(apenas|somente|so|only|exclusivamente)\W+(?:\w+\W+){0,5}json\b|\bjson\W+(?:\w+\W+){0,3}(apenas|somente|only)\b"
)
_NEGATED: Final = re.compile(r"\b(nunca|nao|sem|never|not|no)\b")
_QUESTION: Final = re.compile(r"^Termine com esta pergunta: (.+)$", re.MULTILINE)
_LOOKBACK: Final = 1200


def plain(text: str) -> str:
    """Lower case without accents."""
    return "".join(char for char in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(char))


@dataclass(frozen=True, slots=True)
class Tool:
    """An offered tool; `schema` is its input_schema."""

    name: str
    schema: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Mapping[str, Any]]:
        """Property name to its schema."""
        found = self.schema.get("properties")
        return found if isinstance(found, dict) else {}

    @property
    def required(self) -> frozenset[str]:
        """Names that must be given."""
        return frozenset(self.schema.get("required") or ())


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came back from one tool call of the last round."""

    tool: str
    text: str
    is_error: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says: content blocks as on the wire; `kind` names the sort of call in the log."""

    content: tuple[Mapping[str, Any], ...]
    stop_reason: str
    kind: str

    @classmethod
    def of_text(cls, text: str, kind: str = "resposta") -> "Answer":
        """One text block and the end of the turn."""
        return cls(({"type": "text", "text": text},), "end_turn", kind)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request; `last_text` is everything in the user's last message that has text, with what the system says in it.

    `seed` hashes the conversation, so equal requests get equal answers; `rounds` counts tool calls already made.
    """

    system: str
    doctor_text: str
    last_text: str
    transcript: str
    tools: tuple[Tool, ...]
    choice: str
    forced: str | None
    schema: Mapping[str, Any] | None
    wants_json: bool
    results: tuple[ToolResult, ...]
    called: frozenset[str]
    rounds: int
    seed: int

    @property
    def question(self) -> str | None:
        """The question that the instructions want at the end of the reply."""
        found = _QUESTION.search(self.last_text)
        return found[1].strip() if found else None

    def named(self, name: str) -> Tool | None:
        """The offered tool of this very name that was not called in this exchange yet."""
        return next((tool for tool in self.tools if tool.name == name and name not in self.called), None)

    def tool(self, *stems: str) -> Tool | None:
        """The first offered tool whose name holds one of these stems."""
        return next((tool for stem in stems for tool in self.tools if stem in tool.name.lower()), None)


def text_of(content: object) -> str:
    """All text of a content value, a string or blocks, one block per line."""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    return "\n".join(block["text"] for block in content if isinstance(block, dict) and block.get("type") == "text")


def merged(messages: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """(role, blocks) with consecutive messages of one role joined, as the API does."""
    turns: list[tuple[str, list[Mapping[str, Any]]]] = []
    for message in messages:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks)
        else:
            turns.append((message["role"], blocks))
    return turns


def parse(body: Mapping[str, Any]) -> Prompt:
    """Read a validated request body."""
    turns = merged(body["messages"])
    asked = [text for role, blocks in turns if role == "user" and (text := text_of(blocks))]
    last = asked[-1] if asked else ""
    system = text_of(body.get("system", ""))
    choice = body.get("tool_choice") or {"type": "auto"}
    output = (body.get("output_config") or {}).get("format") or {}
    digest = hashlib.blake2b(orjson.dumps([turns, system], option=orjson.OPT_SORT_KEYS), digest_size=8)
    return Prompt(
        system=system,
        doctor_text=_tagged(_DOCTOR_TAG, last)[-_LOOKBACK:],
        last_text=last,
        transcript=_tagged(_TRANSCRIPT_TAG, last),
        tools=tuple(
            Tool(tool["name"], tool.get("input_schema") or {}) for tool in body.get("tools") or () if "name" in tool
        ),
        choice=choice["type"],
        forced=choice.get("name"),
        schema=output.get("schema"),
        wants_json=_wants_json(plain(f"{system}\n{last}")),
        results=_results(turns),
        called=frozenset(block["name"] for _, blocks in turns for block in blocks if block.get("type") == "tool_use"),
        rounds=sum(block.get("type") == "tool_use" for _, blocks in turns for block in blocks),
        seed=int.from_bytes(digest.digest()),
    )


def _wants_json(words: str) -> bool:
    """Whether the instructions want nothing but JSON; "somente texto, nunca JSON" does not."""
    return any(not _NEGATED.search(found[0]) for found in _ONLY_JSON.finditer(words))


def _tagged(tag: re.Pattern[str], text: str) -> str:
    """The text inside the last such tag, else the whole text."""
    found = tag.findall(text)
    return str(found[-1][1]).strip() if found else text


def _results(turns: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> tuple[ToolResult, ...]:
    names = {block["id"]: block["name"] for _, blocks in turns for block in blocks if block.get("type") == "tool_use"}
    return tuple(
        ToolResult(
            names.get(block["tool_use_id"], ""),
            text_of(block.get("content") or ""),
            bool(block.get("is_error")),
        )
        for block in turns[-1][1]
        if block.get("type") == "tool_result"
    )

"""What the Messages API refuses, in its own words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lib.sandbox.prompt import merged

MODELS: Final = (
    ("claude-haiku-5-5", "Claude Haiku 5.5"),
    ("claude-sonnet-5-5", "Claude Sonnet 5.5"),
    ("claude-opus-5-5", "Claude Opus 5.5"),
    ("claude-fable-5-1", "Claude Fable 5.1"),
    ("claude-opus-5", "Claude Opus 5"),
    ("claude-sonnet-5", "Claude Sonnet 5"),
    ("claude-opus-4-8", "Claude Opus 4.8"),
    ("claude-sonnet-4-6", "Claude Sonnet 4.6"),
    ("claude-haiku-4-5-20251001", "Claude Haiku 4.5"),
)
_ALIASES: Final = frozenset({"claude-haiku-4-5"})
_KNOWN: Final = _ALIASES | {model for model, _ in MODELS}
_FIELDS: Final = frozenset(
    {
        "cache_control", "container", "context_management", "inference_geo", "max_tokens", "mcp_servers", "messages",
        "metadata", "model", "output_config", "service_tier", "stop_sequences", "stream", "system", "temperature",
        "thinking", "tool_choice", "tools", "top_k", "top_p",
    }
)  # fmt: skip
_NO_SAMPLING: Final = re.compile(r"^claude-(haiku|sonnet|opus|fable)-5(-\d+)?$")
_TOOL_NAME: Final = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")
_SCHEMA_LIMITS: Final = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
)
_MOST_BREAKPOINTS: Final = 4


class InvalidRequestError(Exception):
    """A request the API refuses; `status` is 400 unless the model is unknown (404)."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def find_model(model: str) -> tuple[str, str] | None:
    """(id, name) of a model that is neither retired nor made up; an alias leads to the id with its date."""
    return next(
        (row for row in MODELS if row[0] == model or (model in _ALIASES and row[0].startswith(f"{model}-"))), None
    )


def check(body: Mapping[str, Any], *, counting: bool = False) -> None:
    """Refuse what the API refuses; `counting` is count_tokens, which takes no max_tokens.

    Raises:
        InvalidRequestError: with the API's status and text.
    """
    for name in ("model", "messages") if counting else ("model", "max_tokens", "messages"):
        if name not in body:
            raise InvalidRequestError(f"{name}: Field required")
    if extra := sorted(set(body) - _FIELDS):
        raise InvalidRequestError(f"{extra[0]}: Extra inputs are not permitted")
    _check_model(body)
    if not counting and (not isinstance(body["max_tokens"], int) or body["max_tokens"] < 1):
        raise InvalidRequestError("max_tokens: Input should be greater than or equal to 1")
    if body.get("stream"):
        raise InvalidRequestError("stream: this stand-in answers without streaming only")
    _check_system(body.get("system"))
    _check_tools(body)
    _check_messages(body)
    _check_output(body.get("output_config") or {})
    if (count := sum(1 for _ in _breakpoints(body))) > _MOST_BREAKPOINTS:
        raise InvalidRequestError(f"A maximum of 4 blocks with cache_control may be provided. Found {count}.")


def _check_model(body: Mapping[str, Any]) -> None:
    model = body["model"]
    if not isinstance(model, str) or not model:
        raise InvalidRequestError("model: Input should be a valid string")
    if model not in _KNOWN:
        raise InvalidRequestError(f"model: {model}", 404)
    if not _NO_SAMPLING.match(model):
        return
    for name in ("temperature", "top_p", "top_k"):
        if body.get(name) not in {None, 1}:
            raise InvalidRequestError(f"`{name}` is not supported on this model")
    if (body.get("thinking") or {}).get("type") == "enabled":
        raise InvalidRequestError("thinking.type: `enabled` is not supported on this model, use `adaptive`")


def _check_system(system: object) -> None:
    if system is None or isinstance(system, str):
        return
    if not isinstance(system, list):
        raise InvalidRequestError("system: Input should be a valid list")
    for index, block in enumerate(system):
        if not isinstance(block, dict) or block.get("type") != "text" or not isinstance(block.get("text"), str):
            raise InvalidRequestError(f"system.{index}: Input should be a text block")
        if not block["text"]:
            raise InvalidRequestError("system: text content blocks must be non-empty")


def _check_tools(body: Mapping[str, Any]) -> None:
    tools = body.get("tools") or []
    names: list[str] = []
    for index, tool in enumerate(tools):
        if not isinstance(tool, dict) or not _TOOL_NAME.match(str(tool.get("name", ""))):
            raise InvalidRequestError(
                f"tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            )
        schema = tool.get("input_schema")
        if not isinstance(schema, dict):
            raise InvalidRequestError(f"tools.{index}.custom.input_schema: Field required")
        if schema.get("type") != "object":
            raise InvalidRequestError(f"tools.{index}.custom.input_schema.type: Input should be 'object'")
        names.append(tool["name"])
    if len(set(names)) < len(names):
        raise InvalidRequestError("tools: Tool names must be unique.")
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not isinstance(choice, dict) or choice.get("type") not in {"auto", "any", "tool", "none"}:
        raise InvalidRequestError(
            "tool_choice: Input tag does not match any of the expected tags: 'auto', 'any', 'tool', 'none'"
        )
    if not tools and choice["type"] != "none":
        raise InvalidRequestError("tool_choice: may only be specified while providing tools")
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise InvalidRequestError(f"tool_choice: Tool '{choice.get('name')}' not found in provided tools")


def _check_messages(body: Mapping[str, Any]) -> None:
    messages = body["messages"]
    if not isinstance(messages, list) or not messages:
        raise InvalidRequestError("messages: at least one message is required")
    for index, message in enumerate(messages):
        _check_message(index, message)
    if messages[0]["role"] != "user":
        raise InvalidRequestError('messages: first message must use the "user" role')
    if messages[-1]["role"] == "assistant" and _NO_SAMPLING.match(body["model"]):
        raise InvalidRequestError(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    turns = merged(messages)
    kinds = {block.get("type") for _, blocks in turns for block in blocks}
    if kinds & {"tool_use", "tool_result"} and not body.get("tools"):
        raise InvalidRequestError("Requests which include `tool_use` or `tool_result` blocks must define tools")
    _check_pairs(turns)


def _check_message(index: int, message: object) -> None:
    if not isinstance(message, dict) or "role" not in message or "content" not in message:
        raise InvalidRequestError(f"messages.{index}: role and content are required")
    if message["role"] not in {"user", "assistant"}:
        raise InvalidRequestError(f"messages.{index}.role: Input should be 'user' or 'assistant'")
    content = message["content"]
    if not isinstance(content, (str, list)):
        raise InvalidRequestError(f"messages.{index}.content: Input should be a valid list")
    if not content:
        raise InvalidRequestError(f"messages.{index}: all messages must have non-empty content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    for position, block in enumerate(blocks):
        _check_block(f"messages.{index}.content.{position}", block)


def _check_block(where: str, block: object) -> None:
    if not isinstance(block, dict) or "type" not in block:
        raise InvalidRequestError(f"{where}: Field required")
    needed: Mapping[str, Sequence[str]] = {
        "text": ("text",),
        "tool_use": ("id", "name", "input"),
        "tool_result": ("tool_use_id",),
    }
    for name in needed.get(block["type"], ()):
        if name not in block:
            raise InvalidRequestError(f"{where}.{block['type']}.{name}: Field required")
    if block["type"] == "text":
        if not isinstance(block["text"], str):
            raise InvalidRequestError(f"{where}.text.text: Input should be a valid string")
        if not block["text"]:
            raise InvalidRequestError("messages: text content blocks must be non-empty")
        if not block["text"].strip():
            raise InvalidRequestError("messages: text content blocks must contain non-whitespace text")
    if block["type"] == "tool_use" and not isinstance(block["input"], dict):
        raise InvalidRequestError(f"{where}.tool_use.input: Input should be a valid dictionary")


def _check_pairs(turns: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> None:
    """Every tool_use is answered by the first blocks of the next message, and by nothing else."""
    seen: set[str] = set()
    owed: list[str] = []
    for index, (role, blocks) in enumerate(turns):
        given = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        for tool_use_id in given:
            if tool_use_id not in owed:
                raise InvalidRequestError(
                    f"messages.{index}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{tool_use_id}. "
                    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        leading = [block["tool_use_id"] for block in blocks[: len(given)] if block["type"] == "tool_result"]
        if missing := [tool_use_id for tool_use_id in owed if tool_use_id not in leading]:
            raise _unanswered(index - 1, missing)
        owed = [block["id"] for block in blocks if block["type"] == "tool_use"] if role == "assistant" else []
        if len(set(owed)) < len(owed) or seen & set(owed):
            raise InvalidRequestError(f"messages.{index}: `tool_use` ids must be unique")
        seen.update(owed)
    if owed:
        raise _unanswered(len(turns) - 1, owed)


def _unanswered(index: int, missing: Sequence[str]) -> InvalidRequestError:
    return InvalidRequestError(
        f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(missing)}. Each "
        "`tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def _check_output(output: Mapping[str, Any]) -> None:
    wanted = output.get("format")
    if wanted is None:
        return
    if (
        not isinstance(wanted, dict)
        or wanted.get("type") != "json_schema"
        or not isinstance(wanted.get("schema"), dict)
    ):
        raise InvalidRequestError("output_config.format: a `json_schema` with its `schema` is required")
    for part in _parts(wanted["schema"]):
        kind = part.get("type")
        if kind == "object" and part.get("additionalProperties") is not False:
            raise InvalidRequestError(
                "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false"
            )
        if limits := [name for name in _SCHEMA_LIMITS if name in part]:
            raise InvalidRequestError(
                f"output_config.format.schema: For '{kind}' type, property '{limits[0]}' is not supported"
            )


def _parts(schema: object) -> Iterator[Mapping[str, Any]]:
    """Every schema inside a schema; names of properties are not mistaken for keywords."""
    if not isinstance(schema, dict):
        return
    yield schema
    for key in ("properties", "$defs", "definitions"):
        for part in (schema.get(key) or {}).values():
            yield from _parts(part)
    for key in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(key) or ():
            yield from _parts(part)
    yield from _parts(schema.get("items"))


def _breakpoints(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    system = body.get("system")
    blocks = list(body.get("tools") or ()) + (list(system) if isinstance(system, list) else [])
    blocks += [
        block for message in body["messages"] if isinstance(message["content"], list) for block in message["content"]
    ]
    return (block for block in blocks if block.get("cache_control"))

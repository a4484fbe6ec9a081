"""The Messages API: validation, the chosen model's answer, usage, the log of calls."""

import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson
from fastapi import Request, Response

from lib.sandbox.faults import Faults
from lib.sandbox.messages_rules import MODELS, InvalidRequestError, check, find_model
from lib.sandbox.modelo_gestor import answer_as_managers_julia, is_for_managers
from lib.sandbox.modelo_hostil import answer_as_enemy
from lib.sandbox.modelo_julia import answer_as_julia
from lib.sandbox.modelo_ruido import answer_as_noise
from lib.sandbox.prompt import Answer, parse
from lib.sandbox.replies import anthropic_error, json_reply, new_request_id
from lib.sandbox.usage import InputTokens, PromptCache, estimate
from lib.sandbox.world import iso

Modelo = Literal["julia", "ruido", "hostil"]
Endpoint = Callable[[Request], Awaitable[Response]]
_LARGEST_BODY: Final = 32 * 1024 * 1024
_REMEMBERED: Final = 1000
_BODIES: Final = 200


@dataclass(slots=True)
class Oracle:
    """Which model answers, what it was asked. `calls` keeps the last thousand, `bodies` the last 200 request bodies."""

    modelo: Modelo = "julia"
    variante: str | None = None
    count: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache: PromptCache = field(default_factory=PromptCache)
    calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    bodies: deque[Any] = field(default_factory=lambda: deque(maxlen=_BODIES))

    def answer(self, body: Mapping[str, Any]) -> Answer:
        """The chosen model's answer, cut when it is longer than `max_tokens`."""
        prompt = parse(body)
        match self.modelo:
            case "julia" if is_for_managers(prompt):
                answer = answer_as_managers_julia(prompt)
            case "julia":
                answer = answer_as_julia(prompt)
            case "ruido":
                answer = answer_as_noise(prompt, self.variante)
            case "hostil":
                answer = answer_as_enemy(prompt, self.variante)
        return _cut(answer, int(body["max_tokens"]))

    def record(self, call: dict[str, Any]) -> None:
        """Log one answered call."""
        self.count += 1
        self.input_tokens += call["input_tokens"]
        self.output_tokens += call["output_tokens"]
        self.calls.append({"seq": self.count, "em": iso(time.time()), **call})

    def clear(self) -> None:
        """Back to the well-behaved model with an empty log."""
        self.modelo, self.variante = "julia", None
        self.count = self.input_tokens = self.output_tokens = 0
        self.cache.clear()
        self.calls.clear()
        self.bodies.clear()


def anthropic_routes(oracle: Oracle, faults: Faults) -> tuple[tuple[str, str, Endpoint], ...]:
    """(method, path, endpoint) of the Messages API."""

    async def messages(request: Request) -> Response:
        body = await read_body(request)
        check(body)
        return _reply(oracle, body)

    async def count(request: Request) -> Response:
        body = await read_body(request)
        check(body, counting=True)
        total = PromptCache().measure(body).total
        return json_reply({"input_tokens": total}, headers={"request-id": new_request_id()})

    async def models(_request: Request) -> Response:
        data = [_model_row(*row) for row in MODELS]
        page = {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}
        return json_reply(page, headers={"request-id": new_request_id()})

    async def model(request: Request) -> Response:
        wanted = request.path_params["model"]
        row = find_model(wanted)
        if row is None:
            raise InvalidRequestError(f"model: {wanted}", 404)
        return json_reply(_model_row(*row), headers={"request-id": new_request_id()})

    return (
        ("POST", "/v1/messages", guarded(faults, "anthropic.messages", messages)),
        ("POST", "/v1/messages/count_tokens", guarded(faults, "anthropic.count_tokens", count)),
        ("GET", "/v1/models", guarded(faults, "anthropic.models", models)),
        ("GET", "/v1/models/{model}", guarded(faults, "anthropic.models", model)),
    )


def guarded(faults: Faults, alvo: str, answer: Callable[[Request], Awaitable[Response]]) -> Endpoint:
    """An endpoint with its faults, its key check and the vendor's error envelope."""

    async def endpoint(request: Request) -> Response:
        fault = faults.take(alvo, None, await _model_of(request))
        if fault and not fault.depois_de_aceitar and (forced := await fault.strike("anthropic")):
            return forced
        if not (request.headers.get("x-api-key") or request.headers.get("authorization")):
            return anthropic_error(401, "x-api-key header is required")
        if "anthropic-version" not in request.headers:
            return anthropic_error(400, "anthropic-version: header is required")
        try:
            reply = await answer(request)
        except InvalidRequestError as error:
            return anthropic_error(error.status, error.message)
        if fault and fault.depois_de_aceitar and (forced := await fault.strike("anthropic")):
            return forced
        return reply

    return endpoint


async def _model_of(request: Request) -> str | None:
    """The model a request is about, however broken the rest of it is."""
    if "model" in request.path_params:
        return str(request.path_params["model"])
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return None
    return str(body["model"]) if isinstance(body, dict) and "model" in body else None


async def read_body(request: Request, largest: int = _LARGEST_BODY) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        InvalidRequestError: too long, not JSON, or no object.
    """
    raw = await request.body()
    if len(raw) > largest:
        raise InvalidRequestError("Request exceeds the maximum size", 413)
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"The request body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise InvalidRequestError("Input should be a valid dictionary")
    return body


def _reply(oracle: Oracle, body: Mapping[str, Any]) -> Response:
    request_id = new_request_id()
    return json_reply(answered(oracle, body, request_id), headers={"request-id": request_id})


def answered(oracle: Oracle, body: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    """The chosen model's message on a request that was checked, logged as a call."""
    answer = oracle.answer(body)
    tokens = oracle.cache.measure(body)
    output = max(1, sum(estimate(block) for block in answer.content)) if answer.content else 2
    message = _message(str(body["model"]), answer, tokens, output)
    oracle.bodies.append(body)
    oracle.record(
        {
            "modelo": oracle.modelo,
            "model": body["model"],
            "tipo": answer.kind,
            "stop_reason": answer.stop_reason,
            "input_tokens": tokens.total,
            "cache_read": tokens.cache_read,
            "output_tokens": output,
            "request_id": request_id,
        }
    )
    return message


def _message(model: str, answer: Answer, tokens: InputTokens, output: int) -> dict[str, Any]:
    refused = {"type": "refusal", "category": None, "explanation": None}
    return {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": answer.content,
        "stop_reason": answer.stop_reason,
        "stop_sequence": None,
        "stop_details": refused if answer.stop_reason == "refusal" else None,
        "container": None,
        "usage": {
            "input_tokens": tokens.fresh,
            "cache_creation_input_tokens": tokens.cache_creation,
            "cache_read_input_tokens": tokens.cache_read,
            "cache_creation": {"ephemeral_5m_input_tokens": tokens.cache_creation, "ephemeral_1h_input_tokens": 0},
            "output_tokens": output,
            "service_tier": "standard",
            "inference_geo": "global",
        },
    }


def _cut(answer: Answer, max_tokens: int) -> Answer:
    """A text longer than the limit ends in the middle, as the real one does; four characters are a token."""
    match answer.content:
        case ({"type": "text", "text": str(text)},) if estimate(text) > max_tokens:
            return Answer(({"type": "text", "text": text[: max_tokens * 4]},), "max_tokens", answer.kind)
        case _:
            return answer


def _model_row(model: str, name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model,
        "display_name": name,
        "created_at": "2026-10-07T00:00:00Z",
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
    }

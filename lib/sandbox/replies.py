"""Answers on the wire: JSON bytes, both vendors' error envelopes, and no answer at all."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

import orjson
from fastapi import Response

CUT: Final = "agente.sandbox.cut"
_JSON: Final = "application/json; charset=utf-8"
_ANTHROPIC_TYPES: Final[Mapping[int, str]] = MappingProxyType(
    {
        400: "invalid_request_error",
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        409: "conflict_error",
        413: "request_too_large",
        429: "rate_limit_error",
        500: "api_error",
        504: "timeout_error",
        529: "overloaded_error",
    }
)
_ANTHROPIC_TEXTS: Final[Mapping[int, str]] = MappingProxyType(
    {
        402: "Your credit balance is too low to access the Anthropic API",
        413: "Request exceeds the maximum size",
        429: "This request would exceed your organization's rate limit of 50,000 input tokens per minute",
        504: "Request timed out",
        529: "Overloaded",
    }
)
_ZAPI_TEXTS: Final[Mapping[int, tuple[str, str | None]]] = MappingProxyType(
    {
        400: ("You are not connected.", "You need to be connected to send a message"),
        401: ("null not allowed", None),
        403: ("null not allowed", None),
        404: ("NOT_FOUND", "Instance not found"),
    }
)
_SLACK_ERRORS: Final[Mapping[int, str]] = MappingProxyType(
    {400: "invalid_arguments", 401: "invalid_auth", 403: "missing_scope", 429: "ratelimited"}
)


def json_reply(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Any JSON value as the answer."""
    return Response(orjson.dumps(body), status, headers, media_type=_JSON)


def evolution_error(status: int, message: object, error: str | None = None) -> Response:
    """Evolution's envelope; `message` is a string or a (nested) list, as each route has it."""
    phrase = HTTPStatus(status).phrase if error is None else error
    return json_reply({"status": status, "error": phrase, "response": {"message": message}}, status)


def zapi_error(status: int, error: str | None = None, message: str | None = None) -> Response:
    """Z-API's error body; without words, what it says with such a status."""
    if error is None:
        error, message = _ZAPI_TEXTS.get(status, ("Internal error", None))
    return json_reply({"error": error} | ({"message": message} if message else {}), status)


def new_request_id() -> str:
    """An id shaped like Anthropic's."""
    return f"req_{uuid.uuid4().hex[:24]}"


def anthropic_error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Anthropic's envelope with its `request-id` header."""
    request_id = new_request_id()
    kind = _ANTHROPIC_TYPES.get(
        status, "api_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    )
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
    return json_reply(body, status, {"request-id": request_id, **(headers or {})})


def chatwoot_error(status: int, headers: Mapping[str, str]) -> Response:
    """Chatwoot's shapes: an object with `error`, and plain text from the throttle before it."""
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Response("Retry later\n", status, headers, media_type="text/plain")
    texts = {401: "Invalid Access Token", 404: "Resource could not be found"}
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return json_reply({"status": status, "error": "Internal Server Error"}, status, headers)
    return json_reply({"error": texts.get(status, "Invalid request")}, status, headers)


def meta_error(
    status: int, code: int, message: str, details: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The Graph API's envelope, with the trace id that its support asks for."""
    trace = uuid.uuid4().hex[:22]
    error: dict[str, Any] = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code}
    if details is not None:
        error["error_data"] = {"messaging_product": "whatsapp", "details": details}
    error["fbtrace_id"] = trace
    return json_reply({"error": error}, status, {"x-fb-trace-id": trace, **(headers or {})})


def _meta_fault(status: int, headers: Mapping[str, str]) -> Response:
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return meta_error(status, 190, "Error validating access token: Session has expired", headers=headers)
        case HTTPStatus.FORBIDDEN:
            return meta_error(status, 10, "Application does not have permission for this action", headers=headers)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return meta_error(status, 130429, "Rate limit hit", "Message failed to send", headers)
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return meta_error(status, 131000, "Something went wrong", "Unknown error", headers)
        case _:
            return meta_error(status, 100, "Invalid parameter", headers=headers)


def slack_error(status: int, headers: Mapping[str, str]) -> Response:
    """Slack's envelope; its 429 says when."""
    error = _SLACK_ERRORS.get(status, "internal_error")
    wait = {"retry-after": "1"} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
    return json_reply({"ok": False, "error": error}, status, {**wait, **headers})


def vendor_error(vendor: str, status: int, headers: Mapping[str, str], *, accepted: bool) -> Response:
    """What this vendor answers with this status when no body is asked for.

    Evolution says "Connection Closed" when its number look-up fails, before anything is sent; what breaks inside a
    send it reports as `["Error: ..."]`. So `accepted` decides the text: a caller may tell the two apart.
    """
    match vendor:
        case "chatwoot":
            return chatwoot_error(status, headers)
        case "meta":
            return _meta_fault(status, headers)
        case "anthropic":
            more = {"retry-after": "1"} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
            return anthropic_error(status, _ANTHROPIC_TEXTS.get(status, "Internal server error"), more | dict(headers))
        case "zapi":
            reply = zapi_error(status)
            reply.headers.update(headers)
            return reply
        case "slack":
            return slack_error(status, headers)
        case _:
            return _evolution_fault(status, headers, accepted=accepted)


def _evolution_fault(status: int, headers: Mapping[str, str], *, accepted: bool) -> Response:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Error"
    message: object = phrase
    if accepted or status == HTTPStatus.BAD_REQUEST:
        message = ["Error: Timed Out"]
    elif status == HTTPStatus.INTERNAL_SERVER_ERROR:
        message = "Connection Closed"
    elif status == HTTPStatus.NOT_FOUND:
        message = ['The "sandbox" instance does not exist']
    reply = evolution_error(status, message, phrase)
    reply.headers.update(headers)
    return reply


class CutReply(Response):
    """Drops the connection without a byte of answer."""

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],  # noqa: ARG002 - the ASGI signature
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Abort the transport under uvicorn; elsewhere promise a body that never comes."""
        transport = getattr(getattr(scope.get(CUT), "__self__", None), "transport", None)
        if transport is None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
            return
        transport.abort()
        for _ in range(3):  # uvicorn learns of the loss in the loop's next rounds; returning earlier logs an error
            await asyncio.sleep(0)

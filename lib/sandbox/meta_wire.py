"""The common ground of the Graph API's routes: key, refusals, faults, and signed webhooks out."""

import hashlib
import hmac
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from fastapi import Request, Response

from lib.sandbox.courier import ATTEMPTS, Remessa, retry_pause
from lib.sandbox.evolution_wire import Desk, Endpoint
from lib.sandbox.meta_world import CONTA, ORIGEM, MetaWorld
from lib.sandbox.replies import meta_error
from lib.sandbox.world import Instance

PAGINA: Final = 25


class MetaRefusalError(Exception):
    """A request that the Graph API answers with its error envelope."""

    def __init__(self, status: int, code: int, message: str, details: str | None = None) -> None:
        super().__init__(status, code, message)
        self.reply = (status, code, message, details)


def route(desk: Desk, meta: MetaWorld, alvo: str, answer: Callable[[Request], Awaitable[Response]]) -> Endpoint:
    """An endpoint with its key, its faults, and refusals turned into envelopes."""
    faults = desk.world.faults

    async def endpoint(request: Request) -> Response:
        fault = faults.take(alvo, request.path_params.get("id"))
        if fault and not fault.depois_de_aceitar and (forced := await fault.strike(ORIGEM)):
            return forced
        try:
            check_key(meta, request)
            reply = await answer(request)
        except MetaRefusalError as refusal:
            return meta_error(*refusal.reply)
        if fault and fault.depois_de_aceitar and (forced := await fault.strike(ORIGEM)):
            return forced
        return reply

    return endpoint


def check_key(meta: MetaWorld, request: Request) -> None:
    """Raise Meta's refusal of a missing or wrong token."""
    given = request.headers.get("authorization", "").encode()
    if not hmac.compare_digest(given, f"Bearer {meta.keys.token}".encode()):
        raise MetaRefusalError(401, 190, "Invalid OAuth access token - Cannot parse access token")


def number(meta: MetaWorld, request: Request) -> Instance:
    """The number that a route speaks of.

    Raises:
        MetaRefusalError: there is none of this id.
    """
    named = str(request.path_params["id"])
    found = meta.instance(named)
    if found is None:
        raise MetaRefusalError(
            400, 100, f"Unsupported request. Object with ID '{named}' does not exist or cannot be loaded"
        )
    return found


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        MetaRefusalError: it is none.
    """
    try:
        body = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise MetaRefusalError(400, 100, "Invalid parameter", "The body is not valid JSON") from error
    if not isinstance(body, dict):
        raise MetaRefusalError(400, 100, "Invalid parameter", "The body must be an object")
    return body


def invalid(details: str) -> MetaRefusalError:
    """The refusal of a wrong parameter."""
    return MetaRefusalError(400, 100, "Invalid parameter", details)


def paged(meta: MetaWorld, request: Request, rows: Sequence[Mapping[str, Any]], largest: int) -> dict[str, Any]:
    """One page of a list by cursor, 25 rows unless `limit` says otherwise; `next` carries a token, as Meta's does."""
    after, size = request.query_params.get("after", ""), request.query_params.get("limit", "")
    begin = int(after) if after.isdigit() else 0
    end = begin + min(int(size) if size.isdigit() and int(size) else PAGINA, largest)
    paging: dict[str, Any] = {"cursors": {"before": str(begin), "after": str(end)}}
    if end < len(rows):
        paging["next"] = f"{meta.keys.server_url}{request.url.path}?access_token=redacted&after={end}"
    return {"data": rows[begin:end], "paging": paging}


def of_number(instance: Instance, content: Mapping[str, Any]) -> dict[str, Any]:
    """The `value` of an event of a number."""
    metadata = {"display_phone_number": instance.number or "5511900000000", "phone_number_id": instance.name}
    return {"messaging_product": "whatsapp", "metadata": metadata, **content}


def account(instance: Instance) -> str:
    """The business account that a number belongs to."""
    return instance.meta.conta


def post_change(
    desk: Desk, meta: MetaWorld, field: str, value: Mapping[str, Any], *, copies: int = 1, conta: str = CONTA
) -> None:
    """Send one change to the API as Meta does: signed, slashes and letters escaped, tried again ever more rarely."""
    body = {
        "object": "whatsapp_business_account",
        "entry": [{"id": conta, "time": int(time.time()), "changes": [{"value": dict(value), "field": field}]}],
    }
    content = json.dumps(body, ensure_ascii=True, separators=(",", ":")).replace("/", "\\/").encode()
    courier, rng = desk.courier(), desk.world.rng
    pauses = tuple(retry_pause(attempt, courier.policy.retry_base_s, rng) for attempt in range(1, ATTEMPTS))
    headers = signed(meta.keys.app_secret, content)
    courier.dispatch(
        Remessa(ORIGEM, field, meta.keys.webhook, content, lambda _attempt: headers, pauses), copies=copies
    )


def signed(secret: str, content: bytes) -> dict[str, str]:
    """Both signatures that Meta sends; only the second proves anything."""
    key = secret.encode()
    return {
        "content-type": "application/json",
        "user-agent": "facebookexternalua",
        "x-hub-signature": f"sha1={hmac.new(key, content, hashlib.sha1).hexdigest()}",
        "x-hub-signature-256": f"sha256={hmac.new(key, content, hashlib.sha256).hexdigest()}",
    }

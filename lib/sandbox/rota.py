"""One route of a vendor: its faults around it, its refusals turned into answers."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from fastapi import Request, Response

from lib.sandbox.evolution_wire import Desk, Endpoint


class RecusadaError(Exception):
    """A request that is answered otherwise than asked."""

    def __init__(self, reply: Response) -> None:
        super().__init__(reply.status_code)
        self.reply = reply


Tipico = Callable[[int], tuple[object, Mapping[str, str]]]


def vendor_route(desk: Desk, alvo: str, answer: Callable[[Request], Awaitable[Response]], tipico: Tipico) -> Endpoint:
    """An endpoint under the faults of `alvo`, which is `<vendor>.<call>`.

    `tipico` gives body and headers of what the vendor says with a status, for a fault that has no body of its own.
    """

    async def endpoint(request: Request) -> Response:
        fault = desk.world.faults.take(alvo, None)
        if fault and fault.status is not None and fault.corpo is None:
            body, headers = tipico(fault.status)
            fault = fault.model_copy(update={"corpo": body, "cabecalhos": {**headers, **fault.cabecalhos}})
        if fault and not fault.depois_de_aceitar and (forced := await fault.strike(alvo)):
            return forced
        try:
            reply = await answer(request)
        except RecusadaError as refusal:
            return refusal.reply
        if fault and fault.depois_de_aceitar and (forced := await fault.strike(alvo)):
            return forced
        return reply

    return endpoint


async def json_object(request: Request) -> dict[str, Any]:
    """The JSON object of a request; anything else is an empty one."""
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}

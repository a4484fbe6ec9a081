"""`/livez` and `/readyz`, as Kubernetes means them: restart me, and send me work."""

from __future__ import annotations

import asyncio
from typing import Final

import orjson
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response

from lib.errors import DatabaseUnavailableError
from lib.queries import esquema
from lib.resources import Resources

BANCO_S: Final = 1.0


def answer(status: int, situacao: str, **mais: str) -> Response:
    """Return a probe's answer; the status is what counts."""
    return Response(orjson.dumps({"situacao": situacao, **mais}), status, media_type="application/json")


async def livez(_request: Request) -> Response:
    """Say 200 as long as the event loop turns: nothing that a restart would not mend is looked at."""
    return answer(200, "ok")


async def readyz(request: Request) -> Response:
    """Say 200 when work may come: not draining, database there within 1 s, schema at the newest revision.

    Redis and Prefect are not asked: the API works without them. Whether the configured models are known to exist is
    said beside it: messages are stored and wait, whatever the model.
    """
    state = request.app.state
    if state.drenando:
        return answer(503, "encerrando")
    resources: Resources = state.resources
    try:
        async with asyncio.timeout(BANCO_S):
            applied = await esquema.revisions(resources.db)
    except (DatabaseUnavailableError, SQLAlchemyError, TimeoutError):
        return answer(503, "banco de dados inacessível")
    if applied != state.revisoes:
        return answer(503, "migrações pendentes")
    return answer(200, "ok", modelo=state.modelo)

"""Evolution's webhooks. 2xx means stored; what Evolution must send again never looks like 400, 401, 403, 404 or 422.

A plain Starlette endpoint on raw bytes: nothing is validated before it is stored, the record is the bytes as they came.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from api.webhooks.corpo import read_raw, refused
from lib.auth import webhook_key_valid
from lib.errors import UnauthorizedError, UnknownInstanceError
from lib.log import get_logger
from lib.resources import Resources
from lib.usecases.receber import Debounce, receber

CAMINHO: Final = "/webhooks/evolution/{instancia}"
CHAVE: Final = "x-agente-webhook-key"
ACEITO: Final = Response(status_code=202)

log = get_logger(__name__)


async def evolution(request: Request) -> Response:
    """Store one event and answer 202, or say why it was not stored."""
    state = request.app.state
    resources: Resources = state.resources
    instancia = str(request.path_params["instancia"])
    if not webhook_key_valid(request.headers.get(CHAVE), instancia, resources.settings.webhook_secrets):
        raise refused(request, "evolution", "key")
    raw = await read_raw(request)
    settings = resources.settings
    try:
        debounce = Debounce(settings.quieto_s, settings.quieto_max_s)
        stored = await receber(resources.db_entrada, instancia, raw, resources.clock(), debounce, state.recibos)
    except UnauthorizedError as cause:
        raise refused(request, "evolution", "instance of the body") from cause
    except UnknownInstanceError:
        log.error("webhook of an unknown instance, asked to come again", instancia=instancia)  # noqa: TRY400 - no trace
        raise
    if stored.acorda:
        state.worker.stored(after_s=0.0 if stored.imediata else settings.quieto_s)
    return ACEITO

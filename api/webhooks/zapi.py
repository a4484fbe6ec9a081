"""Z-API's webhooks. They carry no signature and no header of ours: the last part of the path is the key.

2xx means stored. Z-API is not known to send anything twice, so what is refused here is lost.
"""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from api.webhooks.corpo import read_raw, refuse_deep, refused
from lib.errors import UnknownInstanceError
from lib.log import get_logger
from lib.providers.zapi_webhook import instance_of, instance_of_path, links, parse, read
from lib.resources import Resources
from lib.usecases.receber import Chegada, Debounce, receber_eventos

CAMINHO: Final = "/webhooks/zapi/{chave}"
FORNECEDOR: Final = "zapi"
ACEITO: Final = Response(status_code=202)

log = get_logger(__name__)


async def zapi(request: Request) -> Response:
    """Store what one webhook tells and answer 202, or say why it was not stored."""
    state = request.app.state
    resources: Resources = state.resources
    settings = resources.settings
    instancia = instance_of_path(str(request.path_params["chave"]), settings.zapi_webhook_secrets)
    if instancia is None:
        raise refused(request, FORNECEDOR, "key")
    raw = await read_raw(request)
    refuse_deep(raw)
    body = parse(raw)
    if instance_of(body) not in {None, instancia}:
        raise refused(request, FORNECEDOR, "instance of the body")
    chegada = Chegada(FORNECEDOR, instancia, raw, resources.clock())
    debounce = Debounce(settings.quieto_s, settings.quieto_max_s)
    try:
        stored = await receber_eventos(
            resources.db_entrada, chegada, read(body), debounce, state.recibos, lambda: links(body)
        )
    except UnknownInstanceError:
        log.error("webhook of an unknown instance", fornecedor=FORNECEDOR, instancia=instancia)  # noqa: TRY400 - no trace
        raise
    for one in stored:
        if one.acorda:
            state.worker.stored(after_s=0.0 if one.imediata else settings.quieto_s)
    return ACEITO

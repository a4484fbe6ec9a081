"""Meta's webhooks: signed over the raw bytes, stored piece by piece, then exactly 200, or Meta sends all of it again.

One app secret signs for all accounts and numbers. A piece of a number that nobody has must not hold up the others: it
is kept beside them and tried again by the worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api.webhooks.corpo import read_raw, refuse_deep, refused
from lib.assinatura import igual, meta_valida
from lib.log import get_logger
from lib.providers import meta_webhook
from lib.providers.meta_alerta import key_of, read_account
from lib.providers.meta_webhook import Peca
from lib.resources import Resources
from lib.usecases.receber import Debounce, receber_lote
from lib.usecases.webhook import guardar

CAMINHO: Final = "/webhooks/meta"
FORNECEDOR: Final = "meta"
ASSINATURA: Final = "x-hub-signature-256"
CORPO_MAX: Final = 3_500_000
# Meta puts up to a thousand updates into one body.
CHAVES_MAX: Final = 200_000
DESAFIO_MAX: Final = 1_000
SEM_CHIP: Final = "sem_chip"
ILEGIVEL: Final = "ilegivel"

log = get_logger(__name__)


async def meta(request: Request) -> Response:
    """Answer Meta's check of this address (GET), or store what it reports (POST).

    Raises:
        UnauthorizedError: no signature or a wrong one, over SHA-1 alone, or no secret is set.
        PayloadTooLargeError: more than 3.5 MB.
        DatabaseUnavailableError: not stored, or not all of it: Meta must send it again.
    """
    if request.method == "GET":
        return _checked(request)
    resources: Resources = request.app.state.resources
    signature = request.headers.get(ASSINATURA)
    if not signature:
        raise refused(request, FORNECEDOR, "no signature")
    raw = await read_raw(request, limit=CORPO_MAX)
    if not meta_valida(raw, signature, resources.settings.meta_app_secrets):
        raise refused(request, FORNECEDOR, "signature")
    refuse_deep(raw, CHAVES_MAX)
    await _store(request, resources, raw)
    return Response(status_code=200)


def _checked(request: Request) -> Response:
    """Give the challenge back as it came: quoted as JSON it would fail."""
    resources: Resources = request.app.state.resources
    query = request.query_params
    right = igual(query.get("hub.verify_token"), resources.settings.meta_verify_tokens)
    challenge = query.get("hub.challenge", "")
    if not right or query.get("hub.mode") != "subscribe" or not 0 < len(challenge) <= DESAFIO_MAX:
        raise refused(request, FORNECEDOR, "verify token")
    return PlainTextResponse(challenge, headers={"x-content-type-options": "nosniff"})


async def _store(request: Request, resources: Resources, raw: bytes) -> None:
    db, settings = resources.db_entrada, resources.settings
    body = meta_webhook.parse(raw)
    pecas, da_conta = meta_webhook.read(body), read_account(body)
    if not pecas and not da_conta:
        await guardar(db, FORNECEDOR, key_of(raw), raw, tipo=ILEGIVEL)
        return
    for conta in da_conta:
        await guardar(db, FORNECEDOR, conta.chave, conta.raw, tipo=conta.campo)
    if not pecas:
        return
    debounce = Debounce(settings.quieto_s, settings.quieto_max_s)
    stored = await receber_lote(db, FORNECEDOR, pecas, resources.clock(), debounce, request.app.state.recibos)
    await _keep_strangers(resources, [peca for peca, one in zip(pecas, stored, strict=True) if one is None])
    awake = [one for one in stored if one is not None and one.acorda]
    if awake:
        at_once = any(one.imediata for one in awake)
        request.app.state.worker.stored(after_s=0.0 if at_once else settings.quieto_s)


async def _keep_strangers(resources: Resources, pecas: Sequence[Peca]) -> None:
    """Keep the pieces of numbers that are no chip of ours (yet)."""
    for peca in pecas:
        log.error("webhook of an unknown number, kept for later", instancia=peca.instancia)
        await guardar(resources.db_entrada, FORNECEDOR, key_of(peca.raw), peca.raw, tipo=SEM_CHIP)

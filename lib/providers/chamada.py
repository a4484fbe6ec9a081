"""One call to an outside system: what can come of it, and how safely it may be asked again.

Every vendor's client makes its calls here. Nothing retries: who asked owns the retries, by the error's `falha`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

import httpx
import orjson

from lib.errors import AgenteError
from lib.log import mask

MOTIVO_MAX: Final = 200
NAO_CHEGOU: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
REQUEST_IDS: Final = ("request-id", "x-request-id", "x-slack-req-id", "x-fb-trace-id", "x-runtime-id")
RETRY_MAX_S: Final = 3600.0


class Falha(StrEnum):
    """What a failed call means to whoever made it."""

    PERMANENTE = "permanente"
    """Not done, and never will be this way."""
    CANAL_FORA = "canal_fora"
    """Not done, for a fault of account, number or key: nothing goes this way until that is mended."""
    REPETIR = "repetir"
    """Nothing was done; the same may be asked again, at `retry_after_s` where the vendor says when."""
    INCERTA = "incerta"
    """It may or may not have been done: only evidence decides. Never given for a call that is safe to repeat."""


@dataclass(frozen=True, slots=True)
class Chamada:
    """A vendor's call by name. `segura`: asking twice is the same as asking once. `prazo_s` bounds the whole answer."""

    fornecedor: str
    nome: str
    segura: bool
    prazo_s: float


@dataclass(frozen=True, slots=True)
class Resposta:
    """An answer, whole. `corpo` is its JSON, or None when it has none (`texto` then holds what came)."""

    status: int
    headers: httpx.Headers
    corpo: Any
    texto: str
    json: bool

    @property
    def request_id(self) -> str | None:
        """The vendor's own name for this call, where it gives one."""
        return next((self.headers[name][:100] for name in REQUEST_IDS if name in self.headers), None)

    @property
    def retry_after_s(self) -> float | None:
        """Seconds of a `Retry-After`, an hour at most; None without one, or when it is a date or nonsense."""
        return seconds(self.headers.get("retry-after"))

    @property
    def objeto(self) -> dict[str, Any]:
        """The body where it is an object, else an empty one."""
        return self.corpo if isinstance(self.corpo, dict) else {}


class ProviderError(AgenteError):
    """An outside system did not do what was asked; says which one, which call, and under which name they know it.

    `codigo` is the vendor's own error code. The text holds no personal data and no secret.
    """

    def __init__(
        self,
        chamada: Chamada,
        falha: Falha,
        motivo: str,
        *,
        status: int | None = None,
        codigo: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.chamada, self.falha, self.status, self.codigo = chamada, falha, status, codigo
        self.request_id, self.retry_after_s = request_id, retry_after_s
        self.motivo = mask(motivo)[:MOTIVO_MAX]
        number = f" {status}" if status is not None else ""
        named = f" (request {request_id})" if request_id else ""
        super().__init__(f"{chamada.fornecedor} {chamada.nome}{number}: {self.motivo}{named}")


Julga = Callable[[Chamada, Resposta], ProviderError | None]


async def call(
    client: httpx.AsyncClient,
    chamada: Chamada,
    method: str,
    path: str,
    *,
    julga: Julga,
    headers: Mapping[str, str] | None = None,
    body: object = None,
    params: Mapping[str, Any] | None = None,
    **extra: Any,
) -> Resposta:
    """Make one call and return its answer, which `julga` found good.

    `body` is sent as JSON; `extra` goes to httpx (`data`, `files`, `content`).

    Raises:
        ProviderError: it failed; `julga` said how, or the answer never came, or was not what this vendor says.
    """
    if body is not None:
        extra["content"] = orjson.dumps(body)
        headers = {"content-type": "application/json", **(headers or {})}
    try:
        async with asyncio.timeout(chamada.prazo_s):
            answer = await client.request(method, path, headers=headers, params=params, **extra)
    except NAO_CHEGOU as cause:
        raise ProviderError(chamada, Falha.REPETIR, f"not reached: {type(cause).__name__}") from cause
    except (httpx.HTTPError, TimeoutError) as cause:
        raise ProviderError(chamada, unclear(chamada), f"no answer: {type(cause).__name__}") from cause
    resposta = read(answer)
    failure = julga(chamada, resposta)
    if failure is not None:
        raise failure
    return resposta


def read(answer: httpx.Response) -> Resposta:
    """Take an answer as it is: a body that is no JSON is none, whatever its content type claims."""
    try:
        corpo, is_json = orjson.loads(answer.content), True
    except orjson.JSONDecodeError:
        corpo, is_json = None, False
    return Resposta(answer.status_code, answer.headers, corpo, answer.text[:1_000], is_json)


def unclear(chamada: Chamada) -> Falha:
    """Return what "no idea whether it was done" means for this call."""
    return Falha.REPETIR if chamada.segura else Falha.INCERTA


def failed(
    chamada: Chamada, resposta: Resposta, falha: Falha, motivo: str, *, codigo: str | None = None
) -> ProviderError:
    """Return the error of an answer, with what the answer itself says of the call."""
    return ProviderError(
        chamada,
        falha,
        motivo,
        status=resposta.status,
        codigo=codigo,
        request_id=resposta.request_id,
        retry_after_s=resposta.retry_after_s,
    )


def not_json(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """Return the error of a success that is not the JSON it should be: a proxy's page, half an answer; else None."""
    if resposta.json:
        return None
    kind = resposta.headers.get("content-type", "no content type")[:60]
    return failed(chamada, resposta, unclear(chamada), f"not JSON ({kind})")


def by_status(chamada: Chamada, resposta: Resposta, motivo: str, *, codigo: str | None = None) -> ProviderError | None:
    """Judge by the HTTP status alone, as most vendors mean it; None for a success."""
    status = resposta.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PAYMENT_REQUIRED}:
        falha = Falha.CANAL_FORA
    elif status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.TOO_EARLY}:
        falha = Falha.REPETIR
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        falha = unclear(chamada)
    else:  # a redirect too: none of these vendors sends one, so the address is wrong
        falha = Falha.PERMANENTE
    return failed(chamada, resposta, falha, motivo or resposta.texto or "no reason given", codigo=codigo)


def seconds(text: str | None) -> float | None:
    """Read a number of seconds, an hour at most; None when it is not one."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return min(value, RETRY_MAX_S) if value >= 0 else None

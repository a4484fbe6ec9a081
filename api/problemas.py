"""Errors as problem+json (RFC 9457), without anything of the inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from lib.errors import (
    DatabaseUnavailableError,
    ForbiddenError,
    PayloadTooDeepError,
    PayloadTooLargeError,
    PayloadTooSlowError,
    UnauthorizedError,
    UnknownInstanceError,
    UnsupportedEncodingError,
)
from lib.log import get_logger

TITULOS: Final[Mapping[int, str]] = {
    400: "Pedido inválido",
    401: "Credencial ausente ou inválida",
    403: "Sem permissão",
    404: "Não encontrado",
    405: "Método não permitido",
    408: "O corpo demorou demais",
    409: "Conflito",
    413: "O corpo é grande demais",
    415: "Codificação não aceita",
    422: "Dados inválidos",
    500: "Erro interno",
    503: "Indisponível agora; tente de novo",
}
RETRY_S: Final = "5"
FECHAR: Final = {"connection": "close"}  # what is left of the body is not read
RESPOSTAS: Final[Mapping[type[Exception], tuple[int, Mapping[str, str]]]] = {
    UnauthorizedError: (401, {"www-authenticate": "Bearer"}),
    ForbiddenError: (403, {}),
    PayloadTooLargeError: (413, FECHAR),
    PayloadTooDeepError: (413, FECHAR),
    PayloadTooSlowError: (408, FECHAR),
    UnsupportedEncodingError: (415, FECHAR),
    ClientDisconnect: (400, FECHAR),
    UnknownInstanceError: (503, {"retry-after": RETRY_S}),
    DatabaseUnavailableError: (503, {"retry-after": RETRY_S}),
    OperationalError: (503, {"retry-after": RETRY_S}),
    PoolTimeoutError: (503, {"retry-after": RETRY_S}),
}

log = get_logger(__name__)


def problem(
    status: int,
    request_id: str,
    *,
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
    erros: Sequence[Mapping[str, str]] | None = None,
) -> Response:
    """Return an error's answer; `detail` is for people, `erros` names the wrong fields."""
    title = TITULOS.get(status) or HTTPStatus(status).phrase
    body: dict[str, object] = {"type": "about:blank", "title": title, "status": status, "request_id": request_id}
    if detail:
        body["detail"] = detail
    if erros is not None:
        body["erros"] = erros
    media = "application/problem+json"
    return Response(orjson.dumps(body), status, headers=dict(headers or {}), media_type=media)


def request_id_of(request: Request) -> str:
    """Return the id under which this request is logged."""
    return str(request.scope.get("state", {}).get("request_id", ""))


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    detail = error.detail if error.detail != HTTPStatus(error.status_code).phrase else None
    return problem(error.status_code, request_id_of(request), detail=detail, headers=error.headers)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    erros = [{"campo": ".".join(str(part) for part in one["loc"]), "motivo": str(one["msg"])} for one in error.errors()]
    return problem(422, request_id_of(request), erros=erros)


async def _known(request: Request, error: Exception) -> Response:
    status, headers = next(answer for kind, answer in RESPOSTAS.items() if isinstance(error, kind))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        log.error("request refused", status=status, motivo=type(error).__name__, rota=request.scope.get("path"))
    return problem(status, request_id_of(request), headers=headers)


async def known(request: Request, error: Exception) -> Response | None:
    """Return the answer to an error that we raise on purpose; None for any other."""
    return await _known(request, error) if isinstance(error, tuple(RESPOSTAS)) else None


def install(app: FastAPI) -> None:
    """Give every error its answer; what nobody foresaw is caught at the door (`api.porta`)."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    for kind in RESPOSTAS:
        app.add_exception_handler(kind, _known)

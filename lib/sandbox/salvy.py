"""Salvy's routes, versions 2 and 3, under `/salvy`.

As in the vendor's own sandbox only area code 41 has numbers, until others are put in stock. Faults are named
`salvy.v2.<call>` and `salvy.v3.<call>`: status 410 on `salvy.v3.*` leaves version 2 alone.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_wire import Desk, Endpoint
from lib.sandbox.replies import json_reply
from lib.sandbox.rota import RecusadaError, json_object, vendor_route
from lib.sandbox.salvy_world import DDDS, POR_MINUTO, Destino, NumeroSalvy, SalvyWorld, new_secret

V2: Final = "/salvy/api/v2/virtual-phone-accounts"
V3: Final = "/salvy/api/v3"
MOTIVOS_V2: Final = frozenset({"unnecessary", "whatsapp-ban", "technical-issues", "company-canceled"})
MOTIVOS_V3: Final = frozenset(
    {"unnecessary", "whatsapp-blocked", "whatsapp-problems", "technical-problems", "no-coverage"}
    | {"employee-fired", "sim-card-swap", "other"}
)
_CHAVE_MAX: Final = 255
_SMS_MAX: Final = 160
_PAGINA: Final = 20

Call = Callable[[SalvyWorld, Request], Awaitable[Response]]


def salvy_error(status: int, code: str, message: str, **more: object) -> Response:
    """Salvy's error body."""
    return json_reply({"code": code, "message": message, **more}, status)


def salvy_routes(desk: Desk, mundo: SalvyWorld) -> Iterable[tuple[str, str, Endpoint]]:
    """(method, path, endpoint) of everything under `/salvy`."""
    calls: tuple[tuple[str, str, str, Call], ...] = (
        ("GET", f"{V2}/area-codes", "v2.area_codes", _area_codes_v2),
        ("POST", V2, "v2.create", _create_v2),
        ("GET", V2, "v2.list", _list_v2),
        ("GET", f"{V2}/{{id}}", "v2.get", _get_v2),
        ("DELETE", f"{V2}/{{id}}", "v2.cancel", _cancel_v2),
        ("GET", f"{V2}/{{id}}/sms-messages", "v2.list_sms", _sms_v2),
        ("POST", f"{V2}/{{id}}/sms", "v2.simulate_sms", _simulate),
        ("GET", f"{V3}/area-codes", "v3.area_codes", _area_codes_v3),
        ("POST", f"{V3}/phone-accounts/mobile-did", "v3.create", _create_v3),
        ("GET", f"{V3}/phone-accounts", "v3.list", _list_v3),
        ("GET", f"{V3}/phone-accounts/{{id}}", "v3.get", _get_v3),
        ("POST", f"{V3}/phone-accounts/{{id}}/cancel", "v3.cancel", _cancel_v3),
        ("GET", f"{V3}/phone-accounts/{{id}}/sms-messages", "v3.list_sms", _sms_v3),
        ("POST", f"{V3}/phone-accounts/{{id}}/sms", "v3.simulate_sms", _simulate),
        ("POST", f"{V3}/webhook-endpoints", "v3.create_webhook", _create_webhook),
    )
    for method, path, name, call in calls:
        yield method, path, vendor_route(desk, f"salvy.{name}", _guarded(mundo, call), _tipico)


def _tipico(status: int) -> tuple[object, Mapping[str, str]]:
    if status == HTTPStatus.GONE:
        return {"statusCode": status, "error": "Gone", "message": "This version is no longer available"}, {}
    codes = {401: "unauthorized", 403: "forbidden", 404: "resource-not-found", 429: "too-many-attempts"}
    code = codes.get(status, "internal-server-error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid")
    headers = {"retry-after": "17"} if status == HTTPStatus.TOO_MANY_REQUESTS else {}
    return {"code": code, "message": code.replace("-", " ")}, headers


def _guarded(mundo: SalvyWorld, call: Call) -> Callable[[Request], Awaitable[Response]]:
    """A call behind the key and the minute's limit; what it answers tells what is left of that."""

    async def answer(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {mundo.api_key}":
            return salvy_error(401, "unauthorized", "Unauthorized")
        now = time.time()
        left = mundo.spend(now)
        limits = {"ratelimit-limit": str(POR_MINUTO), "ratelimit-remaining": str(max(left, 0))}
        if left < 0:
            wait = 60 - int(now) % 60
            reply = salvy_error(429, "too-many-attempts", "too many attempts", retryAfterSeconds=wait)
            limits["retry-after"] = str(wait)
        else:
            try:
                reply = await call(mundo, request)
            except RecusadaError as refusal:
                reply = refusal.reply
        reply.headers.update(limits)
        return reply

    return answer


async def _area_codes_v2(mundo: SalvyWorld, request: Request) -> Response:
    return json_reply(_area_codes(mundo, request))


async def _area_codes_v3(mundo: SalvyWorld, request: Request) -> Response:
    return json_reply({"data": _area_codes(mundo, request)})


def _area_codes(mundo: SalvyWorld, request: Request) -> list[dict[str, Any]]:
    """All area codes, or with `available` those that have numbers or have none."""
    rows = [{"areaCode": ddd, "available": ddd in mundo.estoque} for ddd in sorted({*DDDS, *mundo.estoque})]
    asked = request.query_params.get("available")
    return rows if asked is None else [row for row in rows if row["available"] is (asked == "true")]


async def _create_v2(mundo: SalvyWorld, request: Request) -> Response:
    return json_reply(_row_v2(_rent(mundo, await json_object(request), "active")), 201)


async def _create_v3(mundo: SalvyWorld, request: Request) -> Response:
    key, raw = request.headers.get("idempotency-key"), await request.body()
    if key is not None and not 0 < len(key) <= _CHAVE_MAX:
        return salvy_error(400, "idempotency-invalid-header-error", "invalid idempotency-key")
    if key in mundo.feitos:
        before, answer = mundo.feitos[key]
        if before != raw:
            return salvy_error(
                422, "idempotency-parameters-mismatch-error", "idempotency-key used with other parameters"
            )
        return json_reply(answer, 201)
    row = _row_v3(_rent(mundo, await json_object(request), "available"))
    if key is not None:
        mundo.feitos[key] = (raw, row)
    return json_reply(row, 201)


def _rent(mundo: SalvyWorld, body: Mapping[str, Any], status: str) -> NumeroSalvy:
    ddd, nome = body.get("areaCode"), body.get("name")
    if not isinstance(ddd, int):
        raise _invalid("areaCode", "Required")
    if ddd not in DDDS and ddd not in mundo.estoque:
        raise RecusadaError(salvy_error(422, "phone-account-area-code-invalid", "invalid area code"))
    if ddd not in mundo.estoque:
        raise RecusadaError(salvy_error(409, "did-area-code-out-of-stock", "out of stock"))
    return mundo.rent(ddd, nome if isinstance(nome, str) else None, status)


async def _list_v2(mundo: SalvyWorld, _request: Request) -> Response:
    return json_reply([_row_v2(numero) for numero in reversed(mundo.numeros.values())])


async def _list_v3(mundo: SalvyWorld, request: Request) -> Response:
    asked = request.query_params
    statuses, phones = asked.getlist("status"), asked.getlist("phoneNumber")
    found = [
        _row_v3(numero)
        for numero in reversed(mundo.numeros.values())
        if (not statuses or numero.status in statuses) and (not phones or numero.telefone in phones)
    ]
    return _paged(request, found)


async def _get_v2(mundo: SalvyWorld, request: Request) -> Response:
    return json_reply(_row_v2(_numero(mundo, request)))


async def _get_v3(mundo: SalvyWorld, request: Request) -> Response:
    return json_reply(_row_v3(_numero(mundo, request)))


async def _cancel_v2(mundo: SalvyWorld, request: Request) -> Response:
    _cancel(mundo, request, (await json_object(request)).get("reason"), MOTIVOS_V2)
    return Response(status_code=204)


async def _cancel_v3(mundo: SalvyWorld, request: Request) -> Response:
    body = await json_object(request)
    if body.get("type") not in {"immediate", "scheduled"}:
        raise _invalid("type", "Invalid enum value")
    return json_reply(_row_v3(_cancel(mundo, request, body.get("reason"), MOTIVOS_V3)))


def _cancel(mundo: SalvyWorld, request: Request, motivo: object, known: frozenset[str]) -> NumeroSalvy:
    numero = _numero(mundo, request)
    if motivo not in known:
        raise _invalid("reason", "Invalid enum value")
    if numero.status == "canceled":
        raise RecusadaError(salvy_error(409, "phone-account-status-invalid", "invalid status"))
    mundo.cancel(numero, str(motivo))
    return numero


async def _sms_v2(mundo: SalvyWorld, request: Request) -> Response:
    return json_reply({"smsMessages": list(_numero(mundo, request).sms)})


async def _sms_v3(mundo: SalvyWorld, request: Request) -> Response:
    numero, service = _numero(mundo, request), request.query_params.get("service")
    return _paged(request, [row for row in numero.sms if service is None or service in row["detections"]])


async def _simulate(mundo: SalvyWorld, request: Request) -> Response:
    numero, body = _numero(mundo, request), await json_object(request)
    texto, origem = body.get("rawText"), body.get("originPhoneNumber")
    if not isinstance(texto, str) or not 0 < len(texto) <= _SMS_MAX:
        raise _invalid("rawText", f"String must contain 1 to {_SMS_MAX} character(s)")
    if not isinstance(origem, str):
        raise _invalid("originPhoneNumber", "Required")
    mundo.receive_sms(numero, texto, origem)
    return Response(status_code=204)


async def _create_webhook(mundo: SalvyWorld, request: Request) -> Response:
    body = await json_object(request)
    url, tipos = body.get("url"), body.get("eventTypes")
    if not isinstance(url, str) or not isinstance(tipos, list) or not tipos:
        raise _invalid("eventTypes" if isinstance(url, str) else "url", "Required")
    destino = Destino(url, new_secret(), tuple(str(tipo) for tipo in tipos))
    mundo.destinos.append(destino)
    row = {"id": f"ep_{len(mundo.destinos)}", "url": url, "eventTypes": tipos, "description": body.get("description")}
    return json_reply({**row, "secret": destino.segredo}, 201)


def _numero(mundo: SalvyWorld, request: Request) -> NumeroSalvy:
    numero = mundo.numeros.get(request.path_params["id"])
    if numero is None:
        raise RecusadaError(salvy_error(404, "resource-not-found", "Resource not found"))
    return numero


def _invalid(key: str, message: str) -> RecusadaError:
    details = [{"key": key, "message": message}]
    return RecusadaError(salvy_error(422, "input-validation-error", "Input validation error", details=details))


def _paged(request: Request, rows: list[dict[str, Any]]) -> Response:
    size = max(1, min(100, _whole(request.query_params.get("pageSize"), _PAGINA)))
    page = max(1, _whole(request.query_params.get("page"), 1))
    pages = max(1, -(-len(rows) // size))
    pagination = {"page": page, "pageSize": size, "totalCount": len(rows), "totalPages": pages}
    return json_reply({"data": rows[(page - 1) * size : page * size], "pagination": pagination})


def _whole(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < len("1000000") else default


def _row_v2(numero: NumeroSalvy) -> dict[str, Any]:
    return {
        "id": numero.id,
        "name": numero.nome,
        "phoneNumber": numero.telefone,
        "status": "active" if numero.status == "available" else numero.status,
        "createdAt": numero.criado_em,
        "canceledAt": numero.cancelado_em,
        "cancelReason": numero.motivo,
    }


def _row_v3(numero: NumeroSalvy) -> dict[str, Any]:
    return {
        "id": numero.id,
        "companyId": "00000000-0000-4000-8000-00000000c001",
        "productType": "mobile-did",
        "simType": "none",
        "name": numero.nome,
        "phoneNumber": numero.telefone,
        "status": numero.status,
        "activatedAt": None,
        "canceledAt": numero.cancelado_em,
        "cancellationScheduledFor": None,
        "createdAt": numero.criado_em,
        "plan": None,
    }

"""Brave Search's web search under `/busca`: the same fictional pages for every query, none for one with `nada`."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_wire import Desk, Endpoint
from lib.sandbox.replies import json_reply
from lib.sandbox.rota import vendor_route

CAMINHO: Final = "/busca/res/v1/web/search"
POR_MES: Final = 2_000
POR_SEGUNDO: Final = 20
PAGINAS_MAX: Final = 10
POR_PAGINA_MAX: Final = 20
_SEGUNDOS_DO_MES: Final = 30 * 86_400
_CIDADES: Final = ("São Paulo", "Campinas", "Santos", "Sorocaba", "Ribeirão Preto")
_TEMAS: Final = ("Plantões médicos", "Grupos de WhatsApp de médicos", "Vagas para plantonistas")
_FINS: Final = ("lista atualizada", "divulgação diária")


class BuscaWorld:
    """The search account: its key and what is left of its month."""

    def __init__(self, api_key: str) -> None:
        self.api_key = api_key
        self.usadas = 0

    def clear(self) -> None:
        """A new month."""
        self.usadas = 0


def busca_error(status: int, code: str, detail: str) -> Response:
    """Brave's error answer."""
    return json_reply(_error(status, code, detail), status)


def _error(status: int, code: str, detail: str) -> dict[str, Any]:
    error = {"id": "00000000-0000-4000-8000-00000000e001", "status": status, "code": code, "detail": detail}
    return {"type": "ErrorResponse", "error": error, "time": 0}


def _tipico(status: int) -> tuple[object, Mapping[str, str]]:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        limits = {"x-ratelimit-limit": f"{POR_SEGUNDO}, {POR_MES}", "x-ratelimit-remaining": "0, 100"}
        return _error(status, "RATE_LIMITED", "Request rate limit exceeded for plan."), {
            **limits,
            "x-ratelimit-reset": f"1, {_SEGUNDOS_DO_MES}",
        }
    return _error(status, "INTERNAL", "Internal error"), {}


def busca_routes(desk: Desk, mundo: BuscaWorld) -> Iterable[tuple[str, str, Endpoint]]:
    """(method, path, endpoint) of the search."""
    yield "GET", CAMINHO, vendor_route(desk, "busca.search", _searching(mundo), _tipico)


def _searching(mundo: BuscaWorld) -> Callable[[Request], Awaitable[Response]]:
    async def search(request: Request) -> Response:
        if request.headers.get("x-subscription-token") != mundo.api_key:
            return busca_error(422, "SUBSCRIPTION_TOKEN_INVALID", "The provided subscription token is invalid.")
        asked = request.query_params
        query, count, offset = asked.get("q", ""), _whole(asked.get("count"), 20), _whole(asked.get("offset"), 0)
        if not query or not 0 < count <= POR_PAGINA_MAX or not 0 <= offset < PAGINAS_MAX:
            return busca_error(422, "VALIDATION", "Unable to validate request parameter(s)")
        mundo.usadas += 1
        left = POR_MES - mundo.usadas
        if left < 0:
            reply = busca_error(429, "QUOTA_LIMITED", "Request quota limit exceeded for plan.")
        else:
            reply = json_reply(_page(query, count, offset))
        reply.headers["x-ratelimit-limit"] = f"{POR_SEGUNDO}, {POR_MES}"
        reply.headers["x-ratelimit-remaining"] = f"{POR_SEGUNDO - 1}, {max(left, 0)}"
        reply.headers["x-ratelimit-reset"] = f"1, {_SEGUNDOS_DO_MES}"
        return reply

    return search


def _page(query: str, count: int, offset: int) -> dict[str, Any]:
    rows = [] if "nada" in query.lower() else _results()
    shown = rows[offset * count : (offset + 1) * count]
    more = len(rows) > (offset + 1) * count
    body: dict[str, Any] = {"type": "search", "query": {"original": query, "more_results_available": more}}
    return body | ({"web": {"type": "search", "results": shown, "family_friendly": True}} if shown else {})


def _results() -> list[dict[str, Any]]:
    names = [(tema, cidade, fim) for fim in _FINS for tema in _TEMAS for cidade in _CIDADES]
    return [
        {
            "title": f"{tema} em {cidade}: {fim}",
            "url": f"https://pagina-{number:02d}.exemplo.test/grupos",
            "description": f"<strong>{tema}</strong> em {cidade} &amp; regi&atilde;o, {fim}.",
            "is_source_local": False,
            "language": "pt",
            "family_friendly": True,
        }
        for number, (tema, cidade, fim) in enumerate(names, start=1)
    ]


def _whole(text: str | None, default: int) -> int:
    if text is None:
        return default
    return int(text) if text.isascii() and text.isdigit() and len(text) < len("10000") else -1

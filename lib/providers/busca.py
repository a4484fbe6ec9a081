"""Web search through a JSON API: one Protocol, and Brave Search behind it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx

from lib.providers.chamada import (
    Chamada,
    Falha,
    ProviderError,
    Resposta,
    by_status,
    call,
    failed,
    not_json,
    seconds,
    unclear,
)

PRAZO_S: Final = 15.0
POR_PAGINA: Final = 20
PAGINAS_MAX: Final = 10
CONSULTA_MAX: Final = 400
_MARCA: Final = re.compile(r"<[^>]{0,40}>")
_FALHAS: Final = MappingProxyType(
    {
        "SUBSCRIPTION_TOKEN_INVALID": Falha.CANAL_FORA,
        "SUBSCRIPTION_NOT_FOUND": Falha.CANAL_FORA,
        "RESOURCE_NOT_ALLOWED": Falha.CANAL_FORA,
        "OPTION_NOT_IN_PLAN": Falha.CANAL_FORA,
        "QUOTA_LIMITED": Falha.CANAL_FORA,
        "RATE_LIMITED": Falha.REPETIR,
        "VALIDATION": Falha.PERMANENTE,
    }
)


@dataclass(frozen=True, slots=True)
class Resultado:
    """One page found; `url` is http or https, the texts are plain."""

    titulo: str
    url: str
    descricao: str


@dataclass(frozen=True, slots=True)
class Resultados:
    """One page of results; `proxima` is the number of the next one, None after the last."""

    itens: tuple[Resultado, ...]
    proxima: int | None


class Busca(Protocol):
    """Something that searches the web in Brazilian Portuguese."""

    async def search(self, consulta: str, pagina: int = 0) -> Resultados:
        """Return one page of results, the first is 0. Safe to repeat, but each call is paid for.

        Raises:
            ProviderError: CANAL_FORA when the quota is used up, REPETIR when it was asked too fast.
        """


@dataclass(frozen=True, slots=True)
class Brave:
    """Brave Search's web search, twenty results a page and ten pages at most, within `prazo_s`."""

    client: httpx.AsyncClient = field(repr=False)
    api_key: str = field(repr=False)
    prazo_s: float = PRAZO_S

    async def search(self, consulta: str, pagina: int = 0) -> Resultados:
        """Return one page of results. Safe to repeat.

        Raises:
            ProviderError: it was refused or not answered.
            ValueError: there is no such page.
        """
        if not 0 <= pagina < PAGINAS_MAX:
            raise ValueError(f"pages are 0 to {PAGINAS_MAX - 1}")
        chamada = Chamada("busca", "search", segura=True, prazo_s=self.prazo_s)
        params = {
            "q": consulta[:CONSULTA_MAX],
            "count": POR_PAGINA,
            "offset": pagina,
            "country": "BR",
            "search_lang": "pt-br",
            "ui_lang": "pt-BR",
            "text_decorations": "false",
        }
        headers = {"x-subscription-token": self.api_key, "accept": "application/json"}
        answer = await call(
            self.client, chamada, "GET", "/res/v1/web/search", julga=judge, headers=headers, params=params
        )
        body = answer.objeto
        web, query = body.get("web"), body.get("query")
        rows = web.get("results") if isinstance(web, dict) else []
        itens = tuple(found for row in rows or () if (found := _resultado(row)))
        more = isinstance(query, dict) and query.get("more_results_available") is True
        return Resultados(itens, pagina + 1 if more and pagina + 1 < PAGINAS_MAX else None)


def judge(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """Tell what an answer means; a search without results has no `web`, so the kind of the answer is what counts."""
    error = resposta.objeto.get("error")
    told = error if isinstance(error, dict) else {}
    code = told["code"][:80] if isinstance(told.get("code"), str) else None
    if HTTPStatus.OK <= resposta.status < HTTPStatus.MULTIPLE_CHOICES:
        missing = not_json(chamada, resposta)
        if missing is None and resposta.objeto.get("type") != "search":
            return failed(chamada, resposta, unclear(chamada), f"not a search ({code or 'no code'})", codigo=code)
        return missing
    falha = _FALHAS.get(code or "")
    if _month_is_over(resposta):
        falha = Falha.CANAL_FORA
    words = f"{code or 'no code'}: {told.get('detail') or 'no detail'}"
    found = (
        failed(chamada, resposta, falha, words, codigo=code)
        if falha
        else by_status(chamada, resposta, words, codigo=code)
    )
    if found is not None and found.retry_after_s is None and found.falha is Falha.REPETIR:
        found.retry_after_s = seconds(_first(resposta, "x-ratelimit-reset"))
    return found


def _month_is_over(resposta: Resposta) -> bool:
    """Tell whether the longest of the windows of a 429 has nothing left: its wait is days, not seconds."""
    remaining = resposta.headers.get("x-ratelimit-remaining", "").split(",")
    windows = resposta.headers.get("x-ratelimit-limit", "").split(",")
    late = resposta.status == HTTPStatus.TOO_MANY_REQUESTS and len(remaining) > 1
    return late and remaining[-1].strip() == "0" and windows[-1].strip() not in {"", "0"}


def _first(resposta: Resposta, header: str) -> str:
    return str(resposta.headers.get(header, "")).split(",")[0].strip()


def _resultado(row: Any) -> Resultado | None:
    if not isinstance(row, dict) or not isinstance(row.get("url"), str):
        return None
    url = str(row["url"])[:2_000]
    try:
        web = urlsplit(url).scheme in {"http", "https"}
    except ValueError:
        return None
    return Resultado(_plain(row.get("title")), url, _plain(row.get("description"))) if web else None


def _plain(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return html.unescape(_MARCA.sub("", value))[:1_000].strip()

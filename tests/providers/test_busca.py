"""Web search: what is asked, what is read, and when the quota is over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import respx

from lib.http import HttpPool, Upstream
from lib.providers.busca import Brave, Busca, Resultado, Resultados
from lib.providers.chamada import Falha, ProviderError

pytestmark = pytest.mark.anyio

BASE = "https://busca.test"
URL = f"{BASE}/res/v1/web/search"
CHAVE = "chave-da-busca"


@pytest.fixture
async def busca() -> AsyncIterator[Busca]:
    pool = HttpPool({"busca": Upstream("busca", BASE)})
    yield Brave(pool.get_http_client("busca"), CHAVE, 2.0)
    await pool.close_http_client()


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=True) as router:
        yield router


def found(*rows: Any, more: bool = False) -> dict[str, Any]:
    return {"type": "search", "query": {"more_results_available": more}, "web": {"type": "search", "results": rows}}


async def test_a_query_is_asked_in_brazilian_portuguese(busca: Busca, wire: respx.MockRouter) -> None:
    wire.get(URL).respond(json=found(more=True))
    answer = await busca.search("grupo whatsapp plantão médico", 2)
    request = wire.calls.last.request
    assert request.headers["x-subscription-token"] == CHAVE
    assert dict(request.url.params) == {
        "q": "grupo whatsapp plantão médico",
        "count": "20",
        "offset": "2",
        "country": "BR",
        "search_lang": "pt-br",
        "ui_lang": "pt-BR",
        "text_decorations": "false",
    }
    assert answer == Resultados((), 3)
    assert CHAVE not in repr(busca)


async def test_results_are_plain_text_with_an_address_of_the_web(busca: Busca, wire: respx.MockRouter) -> None:
    wire.get(URL).respond(
        json=found(
            {
                "title": "<strong>Plant&otilde;es</strong>",
                "url": "https://a.test/x",
                "description": "A &amp; B",
                "z": 1,
            },
            {"title": None, "url": "http://b.test"},
            {"title": "c", "url": "javascript:alert(1)"},
            {"title": "d", "url": "https://[::bad"},
            {"title": "sem endereço"},
            7,
        )
    )
    answer = await busca.search("x")
    assert answer.itens == (Resultado("Plantões", "https://a.test/x", "A & B"), Resultado("", "http://b.test", ""))
    assert answer.proxima is None


async def test_nothing_found_is_an_answer(busca: Busca, wire: respx.MockRouter) -> None:
    wire.get(URL).respond(json={"type": "search", "query": {"original": "x"}})
    assert await busca.search("x") == Resultados((), None)


async def test_there_are_ten_pages(busca: Busca, wire: respx.MockRouter) -> None:
    wire.get(URL).respond(json=found(more=True))
    assert (await busca.search("x", 9)).proxima is None
    for page in (-1, 10):
        with pytest.raises(ValueError, match="pages are"):
            await busca.search("x", page)


def error(code: str) -> dict[str, Any]:
    return {"type": "ErrorResponse", "error": {"id": "e", "code": code, "detail": "no"}, "time": 1}


RAPIDO = {"x-ratelimit-limit": "1, 2000", "x-ratelimit-remaining": "0, 900", "x-ratelimit-reset": "1, 86400"}
ACABOU = {"x-ratelimit-limit": "1, 2000", "x-ratelimit-remaining": "0, 0", "x-ratelimit-reset": "1, 86400"}
SEM_MES = {"x-ratelimit-limit": "1, 0", "x-ratelimit-remaining": "0, 0", "x-ratelimit-reset": "1, 86400"}


@pytest.mark.parametrize(
    ("status", "body", "headers", "falha", "wait_s"),
    [
        (422, error("SUBSCRIPTION_TOKEN_INVALID"), {}, Falha.CANAL_FORA, None),
        (400, error("OPTION_NOT_IN_PLAN"), {}, Falha.CANAL_FORA, None),
        (403, error("RESOURCE_NOT_ALLOWED"), {}, Falha.CANAL_FORA, None),
        (422, error("VALIDATION"), {}, Falha.PERMANENTE, None),
        (429, error("RATE_LIMITED"), RAPIDO, Falha.REPETIR, 1.0),
        (429, error("RATE_LIMITED"), SEM_MES, Falha.REPETIR, 1.0),
        (429, error("RATE_LIMITED"), ACABOU, Falha.CANAL_FORA, None),
        (429, error("QUOTA_LIMITED"), {}, Falha.CANAL_FORA, None),
        (429, None, {"retry-after": "3"}, Falha.REPETIR, 3.0),
        (404, error("NOT_FOUND"), {}, Falha.PERMANENTE, None),
        (500, error("INTERNAL"), {}, Falha.REPETIR, None),
        (502, None, {}, Falha.REPETIR, None),
        (200, None, {}, Falha.REPETIR, None),
        (200, error("INTERNAL"), {}, Falha.REPETIR, None),
        (200, [1], {}, Falha.REPETIR, None),
    ],
)
async def test_each_error_means_what_it_means(
    busca: Busca,
    wire: respx.MockRouter,
    status: int,
    body: Any,
    headers: dict[str, str],
    falha: Falha,
    wait_s: float | None,
) -> None:
    if body is None:
        wire.get(URL).respond(status, html="<html>", headers=headers)
    else:
        wire.get(URL).respond(status, json=body, headers=headers)
    with pytest.raises(ProviderError, match=f"busca search {status}") as refused:
        await busca.search("x")
    assert (refused.value.falha, refused.value.retry_after_s) == (falha, wait_s)

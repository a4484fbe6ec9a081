"""Batches: named by their job, found again after a doubt, read in any order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import respx
from anthropic.types import Message

from lib.http import HttpPool, Upstream
from lib.providers.anthropic_lotes import EstadoLote, LotesAnthropic, TipoResultado, custom_id
from lib.providers.chamada import Falha, ProviderError
from lib.providers.llm import Mensagem, Pedido, Texto

pytestmark = pytest.mark.anyio

BASE = "https://anthropic.test"
LOTES = f"{BASE}/v1/messages/batches"
AMOSTRA = Path(__file__).resolve().parents[1] / "fixtures" / "anthropic" / "batch.results.jsonl"
AGORA = datetime(2026, 11, 20, 12, tzinfo=UTC)


def pedido(texto: str = "oi") -> Pedido:
    return Pedido(("Avalie.",), (Mensagem("user", (Texto(texto),)),), "claude-haiku-5-5", 2.0)


def lote(id_: str = "msgbatch_1", status: str = "in_progress", **counts: int) -> dict[str, Any]:
    zero = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    return {
        "id": id_,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": {**zero, **(counts or {"processing": 2})},
        "created_at": "2026-11-20T12:00:05.123456Z",
        "expires_at": "2026-11-21T12:00:05Z",
        "results_url": None,
    }


@pytest.fixture
async def lotes() -> AsyncIterator[LotesAnthropic]:
    pool = HttpPool({"anthropic": Upstream("anthropic", BASE)})
    yield LotesAnthropic(pool.get_http_client("anthropic"), "sk-chave-secreta", 2.0)
    await pool.close_http_client()


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=True) as router:
        yield router


async def test_a_batch_is_made_with_our_names_and_a_cache_that_lasts(
    lotes: LotesAnthropic, wire: respx.MockRouter
) -> None:
    wire.post(LOTES).respond(json=lote())
    made = await lotes.create("aval-7", {"a": pedido("um"), "b_2": pedido("dois")})
    body = orjson.loads(wire.calls.last.request.content)
    assert [row["custom_id"] for row in body["requests"]] == ["aval-7_a", "aval-7_b_2"]
    params = body["requests"][0]["params"]
    assert params["system"] == [
        {"type": "text", "text": "Avalie.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    ]
    assert {"model", "max_tokens", "messages"} < params.keys()
    headers = wire.calls.last.request.headers
    assert (headers["x-api-key"], headers["anthropic-version"]) == ("sk-chave-secreta", "2023-06-01")
    assert (made.id, made.estado, made.total, made.prontos) == ("msgbatch_1", EstadoLote.ANDANDO, 2, 0)
    assert made.criado_em == datetime(2026, 11, 20, 12, 0, 5, 123456, tzinfo=UTC)
    assert "sk-chave" not in repr(lotes)


@pytest.mark.parametrize(
    ("trabalho", "chave"), [("", "a"), ("a", ""), ("a_b", "c"), ("a", "ç"), ("a b", "c"), ("a" * 40, "b" * 40)]
)
def test_a_name_that_the_api_refuses_is_not_sent(trabalho: str, chave: str) -> None:
    with pytest.raises(ValueError, match="a job and a key"):
        custom_id(trabalho, chave)


async def test_an_empty_batch_is_not_sent(lotes: LotesAnthropic) -> None:
    with pytest.raises(ValueError, match="a batch has"):
        await lotes.create("a", {})


async def test_making_one_is_in_doubt_after_a_time_out_and_asking_is_not(
    lotes: LotesAnthropic, wire: respx.MockRouter
) -> None:
    wire.route().mock(side_effect=httpx.ReadTimeout("x"))
    with pytest.raises(ProviderError) as unknown:
        await lotes.create("a", {"1": pedido()})
    assert unknown.value.falha is Falha.INCERTA
    with pytest.raises(ProviderError) as again:
        await lotes.get("msgbatch_1")
    assert again.value.falha is Falha.REPETIR


async def test_a_batch_in_doubt_is_found_by_its_size_its_time_and_its_first_result(
    lotes: LotesAnthropic, wire: respx.MockRouter
) -> None:
    rows = [
        lote("outro-tamanho", processing=3),
        lote("de-outro", "ended", succeeded=1, errored=1),
        lote("nosso", "ended", succeeded=2),
    ]
    wire.get(LOTES, params={"limit": "100"}).respond(json={"data": [*rows, 7], "has_more": False})
    wire.get(f"{LOTES}/de-outro/results").respond(text='{"custom_id": "outro_1", "result": {"type": "expired"}}\n')
    wire.get(f"{LOTES}/nosso/results").respond(text='{"custom_id": "a_1", "result": {"type": "expired"}}\n')
    found = await lotes.find("a", 2, AGORA)
    assert found is not None
    assert found.id == "nosso"
    assert await lotes.find("a", 2, AGORA + timedelta(minutes=1)) is None
    wire.get(LOTES, params={"limit": "100"}).respond(json={"data": [lote("andando")]})
    running = await lotes.find("a", 2, AGORA)
    assert running is not None
    assert running.id == "andando"


async def test_the_sampled_results_in_their_order(lotes: LotesAnthropic, wire: respx.MockRouter) -> None:
    wire.get(f"{LOTES}/msgbatch_1/results").respond(content=AMOSTRA.read_bytes(), headers={"request-id": "req_9"})
    found = [one async for one in lotes.results("msgbatch_1")]
    assert [(one.trabalho, one.chave, one.tipo, one.falha) for one in found] == [
        ("eval-2", "", TipoResultado.ERRO, Falha.PERMANENTE),
        ("eval-1", "", TipoResultado.FEITO, None),
        ("eval-3", "", TipoResultado.EXPIRADO, Falha.REPETIR),
    ]
    assert found[1].resposta is not None
    assert (found[1].resposta.texto, found[1].resposta.uso.cache_leitura) == ('{"nota": 8}', 6144)
    for line in AMOSTRA.read_text().splitlines():
        if "message" in (result := orjson.loads(line)["result"]):
            Message.model_validate(result["message"])


@pytest.mark.parametrize(
    ("error", "falha"),
    [
        ({"type": "invalid_request_error"}, Falha.PERMANENTE),
        ({"type": "not_found_error"}, Falha.PERMANENTE),
        ({"type": "error_of_tomorrow"}, Falha.PERMANENTE),
        ({"type": "api_error"}, Falha.REPETIR),
        ({"type": "overloaded_error"}, Falha.REPETIR),
        ({"type": "rate_limit_error"}, Falha.REPETIR),
        ({"type": "rate_limit_error", "details": {"error_code": "organization_on_hold"}}, Falha.CANAL_FORA),
        ({"type": "billing_error"}, Falha.CANAL_FORA),
        (None, Falha.PERMANENTE),
    ],
)
async def test_a_request_that_failed_says_whether_to_ask_again(
    lotes: LotesAnthropic, wire: respx.MockRouter, error: object, falha: Falha
) -> None:
    row = {"custom_id": "a_1", "result": {"type": "errored", "error": {"type": "error", "error": error}}}
    wire.get(f"{LOTES}/x/results").respond(content=orjson.dumps(row))
    (found,) = [one async for one in lotes.results("x")]
    assert (found.tipo, found.falha) == (TipoResultado.ERRO, falha)


async def test_a_kind_of_result_to_come_is_no_crash(lotes: LotesAnthropic, wire: respx.MockRouter) -> None:
    wire.get(f"{LOTES}/x/results").respond(text='\n{"custom_id": "a_1", "result": {"type": "teleported"}}\n')
    (found,) = [one async for one in lotes.results("x")]
    assert (found.tipo, found.chave) == (TipoResultado.DESCONHECIDO, "1")


@pytest.mark.parametrize(
    "line",
    ['{"custom_id": "a_2", "resu', "<html>", "[]", "{}", '{"custom_id": "a_2", "result": {"type": "succeeded"}}'],
)
async def test_results_that_break_off_keep_what_came_before(
    lotes: LotesAnthropic, wire: respx.MockRouter, line: str
) -> None:
    good = '{"custom_id": "a_1", "result": {"type": "canceled"}}\n'
    wire.get(f"{LOTES}/x/results").respond(text=good + line, headers={"request-id": "req_9"})
    came: list[str] = []

    async def take() -> None:
        async for one in lotes.results("x"):
            came.append(one.chave)  # noqa: PERF401 - what came before the error is the point

    with pytest.raises(ProviderError, match="req_9") as broken:
        await take()
    assert (came, broken.value.falha) == (["1"], Falha.REPETIR)


async def test_a_batch_without_results_yet_has_none(lotes: LotesAnthropic, wire: respx.MockRouter) -> None:
    body = {"type": "error", "error": {"type": "not_found_error", "message": "x"}, "request_id": "req_1"}
    wire.get(f"{LOTES}/x/results").respond(404, json=body)
    with pytest.raises(ProviderError) as none:
        _ = [one async for one in lotes.results("x")]
    assert (none.value.falha, none.value.status) == (Falha.PERMANENTE, 404)


@pytest.mark.parametrize("status", ["in_progress", "canceling", "ended", "teleported"])
async def test_every_state_is_read_known_or_not(lotes: LotesAnthropic, wire: respx.MockRouter, status: str) -> None:
    wire.get(f"{LOTES}/msgbatch_1").respond(json=lote(status=status, succeeded=1, expired=1))
    wire.post(f"{LOTES}/msgbatch_1/cancel").respond(json=lote(status="canceling"))
    found = await lotes.get("msgbatch_1")
    assert found.estado == (status if status != "teleported" else "desconhecido")
    assert (found.total, found.prontos) == (2, 2)
    assert (await lotes.cancel("msgbatch_1")).estado is EstadoLote.CANCELANDO


async def test_all_models_are_listed_page_by_page(lotes: LotesAnthropic, wire: respx.MockRouter) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        after = request.url.params.get("after_id")
        row = {"id": "b" if after else "a", "type": "model"}
        return httpx.Response(200, json={"data": [row], "has_more": after is None, "last_id": row["id"]})

    wire.get(f"{BASE}/v1/models").mock(side_effect=page)
    assert await lotes.models() == ("a", "b")

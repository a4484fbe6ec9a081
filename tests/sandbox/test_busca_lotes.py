"""Search and message batches in the sandbox, asked by their clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse

from lib.providers.anthropic_lotes import EstadoLote, TipoResultado
from lib.providers.chamada import Falha, ProviderError
from lib.providers.llm import Mensagem, Pedido, Texto
from lib.sandbox.busca import POR_MES
from lib.sandbox.faults import Falha as Defeito
from tests.sandbox.numeros import Numeros, numeros

pytestmark = pytest.mark.anyio

HEADERS = {"x-api-key": "chave", "anthropic-version": "2023-06-01"}


def pedido(texto: str, modelo: str = "claude-haiku-5-5") -> Pedido:
    return Pedido(("Avalie a conversa.",), (Mensagem("user", (Texto(texto),)),), modelo, 5.0)


@pytest.fixture
async def tudo() -> AsyncIterator[Numeros]:
    async with numeros() as running:
        yield running


async def test_search_returns_fictional_pages_until_they_are_over(tudo: Numeros) -> None:
    first = await tudo.busca.search("grupo de plantão médico")
    assert first.proxima == 1
    last = await tudo.busca.search("grupo de plantão médico", 1)
    assert (len(first.itens), len(last.itens), last.proxima) == (20, 10, None)
    urls = {one.url for one in (*first.itens, *last.itens)}
    assert len(urls) == 30
    assert all(url.endswith(".exemplo.test/grupos") for url in urls)
    assert not any(sign in one.descricao for one in first.itens for sign in "<>;")
    assert (await tudo.busca.search("nada disso")).itens == ()


async def test_search_has_a_key_a_pace_and_a_month(tudo: Numeros) -> None:
    with pytest.raises(ProviderError) as key:
        await replace(tudo.busca, api_key="outra").search("x")
    assert (key.value.falha, key.value.codigo) == (Falha.CANAL_FORA, "SUBSCRIPTION_TOKEN_INVALID")
    tudo.world.faults.put([Defeito(alvo="busca.search", status=429, vezes=1)])
    with pytest.raises(ProviderError) as fast:
        await tudo.busca.search("x")
    assert (fast.value.falha, fast.value.retry_after_s) == (Falha.REPETIR, 1.0)
    with pytest.raises(ProviderError) as empty:
        await tudo.busca.search("")
    assert empty.value.falha is Falha.PERMANENTE
    tudo.busca_world.usadas = POR_MES
    with pytest.raises(ProviderError) as over:
        await tudo.busca.search("x")
    assert over.value.falha is Falha.CANAL_FORA


async def test_a_batch_is_made_ends_and_gives_its_results(tudo: Numeros) -> None:
    requests = {"a": pedido("Oi"), "b": pedido("Tem vaga?"), "c": pedido("x", "claude-3-5-haiku-20241022")}
    before = datetime.now(UTC) - timedelta(seconds=5)
    made = await tudo.lotes.create("aval", requests)
    assert (made.estado, made.total, made.prontos) == (EstadoLote.ANDANDO, 3, 0)
    with pytest.raises(ProviderError) as early:
        _ = [one async for one in tudo.lotes.results(made.id)]
    assert early.value.status == 404
    assert await tudo.lotes.find("aval", 3, before) == made
    await asyncio.sleep(0.15)
    ended = await tudo.lotes.get(made.id)
    assert (ended.estado, ended.total, ended.prontos) == (EstadoLote.TERMINADO, 3, 3)
    assert await tudo.lotes.find("aval", 3, before) == ended
    assert await tudo.lotes.find("outro", 3, before) is None
    found = {one.chave: one async for one in tudo.lotes.results(made.id)}
    assert list(found) != list(requests), "results come in another order"
    assert {chave: one.tipo for chave, one in found.items()} == {
        "a": TipoResultado.FEITO,
        "b": TipoResultado.FEITO,
        "c": TipoResultado.ERRO,
    }
    assert found["a"].resposta is not None
    assert found["a"].resposta.texto


async def test_a_batch_made_under_a_broken_answer_is_found(tudo: Numeros) -> None:
    before = datetime.now(UTC) - timedelta(seconds=5)
    tudo.world.faults.put([Defeito(alvo="anthropic.create_batch", cortar=True, depois_de_aceitar=True, vezes=1)])
    with pytest.raises(ProviderError) as unknown:
        await tudo.lotes.create("aval", {"a": pedido("Oi")})
    assert unknown.value.falha is Falha.INCERTA
    assert await tudo.lotes.find("aval", 1, before) is not None
    assert len(tudo.lotes_world.lotes) == 1


async def test_a_cancelled_batch_ends_with_nothing(tudo: Numeros) -> None:
    tudo.lotes_world.espera_s = 60
    made = await tudo.lotes.create("aval", {"a": pedido("Oi")})
    assert (await tudo.lotes.cancel(made.id)).estado is EstadoLote.CANCELANDO
    assert (await tudo.lotes.get(made.id)).estado is EstadoLote.TERMINADO
    (only,) = [one async for one in tudo.lotes.results(made.id)]
    assert only.tipo is TipoResultado.CANCELADO


async def test_the_shapes_are_the_vendors(tudo: Numeros) -> None:
    client = tudo.pool.get_http_client("anthropic")
    made = await tudo.lotes.create("aval", {"a": pedido("Oi")})
    await asyncio.sleep(0.15)
    row = (await client.get(f"/v1/messages/batches/{made.id}", headers=HEADERS)).json()
    MessageBatch.model_validate(row)
    lines = (await client.get(row["results_url"], headers=HEADERS)).text.splitlines()
    assert MessageBatchIndividualResponse.model_validate_json(lines[0]).custom_id == "aval_a"
    bad = {"requests": [{"custom_id": "com espaço", "params": {}}]}
    refused = await client.post("/v1/messages/batches", json=bad, headers=HEADERS)
    assert (refused.status_code, refused.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_tokens_are_counted_and_models_listed(tudo: Numeros) -> None:
    assert await tudo.lotes.count_tokens(pedido("Oi")) > 0
    assert "claude-haiku-5-5" in await tudo.lotes.models()

"""Every sampled answer and error of Anthropic, read to its meaning by both ways of asking."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import respx

from lib.errors import ModelOverloadedError, ModelRefusedError, ModelUnavailableError
from lib.http import HttpPool, Upstream
from lib.providers.anthropic_api import Anthropic
from lib.providers.anthropic_lotes import LotesAnthropic
from lib.providers.chamada import Falha, ProviderError
from lib.providers.llm import BlocoBruto, Mensagem, Pedido, Texto, Uso

pytestmark = pytest.mark.anyio

BASE = "https://anthropic.test"
PASTA = Path(__file__).resolve().parents[1] / "fixtures" / "anthropic"
PEDIDO = Pedido(("Você é a Júlia.",), (Mensagem("user", (Texto("oi"),)),), "claude-haiku-5-5", 2.0)

# name: text, ids of the tools asked for, cut, refused
MENSAGENS = {
    "context_window_exceeded": ("parcial", (), True, False),
    "empty_end_turn_after_tool_result": ("", (), False, False),
    "max_tokens_only_thinking_no_text": ("", (), True, False),
    "max_tokens_truncated": ("Oi Dra! Temos um plantão no Hosp", (), True, False),
    "parallel_tool_use": ("", ("toolu_B1", "toolu_B2"), False, False),
    "pause_turn": ("...", (), False, False),
    "refusal": ("", (), False, True),
    "text_end_turn": ("Oi Dra! Tudo bem? Temos um plantão sábado 7h-19h.", (), False, False),
    "thinking_then_text": ("Oi Dra! Tudo bem?", (), False, False),
    "tool_use": ("Vou checar.", ("toolu_0100000000000000000000B1",), False, False),
}
# name: error of a turn, meaning for any other call, its wish to wait
ERROS: dict[str, tuple[type[Exception], Falha, float | None]] = {
    "400_invalid_request_sampling": (ModelRefusedError, Falha.PERMANENTE, None),
    "400_tool_result_missing": (ModelRefusedError, Falha.PERMANENTE, None),
    "402_billing": (ModelRefusedError, Falha.CANAL_FORA, None),
    "404_model_retired": (ModelRefusedError, Falha.PERMANENTE, None),
    "413_too_large": (ModelRefusedError, Falha.PERMANENTE, None),
    "429_rate_limit": (ModelUnavailableError, Falha.REPETIR, 12.0),
    "504_timeout": (ModelUnavailableError, Falha.INCERTA, None),
    "529_overloaded": (ModelOverloadedError, Falha.REPETIR, None),
}
OUTRAS = {"batch.results", "count_tokens_200"}


def erro(kind: str, message: str = "x", code: str | None = None) -> dict[str, Any]:
    details = {"details": {"error_code": code}} if code else {}
    return {"type": "error", "error": {"type": kind, "message": message, **details}, "request_id": "req_1"}


@pytest.fixture
async def pool() -> AsyncIterator[HttpPool]:
    opened = HttpPool({"anthropic": Upstream("anthropic", BASE)})
    yield opened
    await opened.close_http_client()


@pytest.fixture
def modelo(pool: HttpPool) -> Anthropic:
    return Anthropic(pool.get_http_client("anthropic"), "chave", BASE)


@pytest.fixture
def lotes(pool: HttpPool) -> LotesAnthropic:
    return LotesAnthropic(pool.get_http_client("anthropic"), "chave", 2.0)


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def test_every_sample_is_in_a_table() -> None:
    known = {f"message.{name}" for name in MENSAGENS} | {f"error.{name}" for name in ERROS} | OUTRAS
    assert {path.stem for path in PASTA.iterdir()} == known


@pytest.mark.parametrize("nome", MENSAGENS)
async def test_each_message_means_what_it_means(modelo: Anthropic, wire: respx.MockRouter, nome: str) -> None:
    texto, usos, truncada, recusada = MENSAGENS[nome]
    body = orjson.loads((PASTA / f"message.{nome}.json").read_bytes())
    wire.post(f"{BASE}/v1/messages").respond(json=body)
    resposta = await modelo.gerar(PEDIDO)
    assert (resposta.texto, tuple(uso.id for uso in resposta.usos)) == (texto, usos)
    assert (resposta.truncada, resposta.recusada, resposta.parada) == (truncada, recusada, body["stop_reason"])
    assert resposta.uso == Uso(812, body["usage"]["output_tokens"], cache_escrita=0, cache_leitura=6144)
    assert resposta.uso.entrada_total == 812 + 6144
    thinking = [bloco for bloco in resposta.blocos if isinstance(bloco, BlocoBruto)]
    assert len(thinking) == ("thinking" in nome)


@pytest.mark.parametrize("nome", ERROS)
async def test_each_error_means_what_it_means(
    modelo: Anthropic, lotes: LotesAnthropic, wire: respx.MockRouter, nome: str
) -> None:
    kind, falha, wait_s = ERROS[nome]
    body = orjson.loads((PASTA / f"error.{nome}.json").read_bytes())
    status, headers = body.pop("_status"), body.pop("_headers", {})
    wire.route().respond(status, json=body, headers={"request-id": body["request_id"], **headers})
    with pytest.raises(kind) as turn:
        await modelo.gerar(PEDIDO)
    assert type(turn.value) is kind
    assert getattr(turn.value, "retry_after_s", None) == wait_s
    with pytest.raises(ProviderError) as made:
        await lotes.create("trabalho", {"1": PEDIDO})
    assert (made.value.falha, made.value.retry_after_s) == (falha, wait_s)
    with pytest.raises(ProviderError, match=f"anthropic count_tokens {status}") as counted:
        await lotes.count_tokens(PEDIDO)
    assert counted.value.falha is (Falha.REPETIR if falha is Falha.INCERTA else falha)
    for error in (turn.value, made.value, counted.value):
        assert body["request_id"] in str(error)
        assert body["error"]["message"] not in str(error), "a refused request may be quoted in it"


@pytest.mark.parametrize(
    ("status", "body", "falha"),
    [
        (401, erro("authentication_error"), Falha.CANAL_FORA),
        (403, erro("permission_error"), Falha.CANAL_FORA),
        (400, erro("invalid_request_error", "Your credit balance is too low to access"), Falha.CANAL_FORA),
        (429, erro("rate_limit_error", code="enforced_spend_limit_reached"), Falha.CANAL_FORA),
        (429, erro("rate_limit_error", code="contract_spend_limit_reached"), Falha.CANAL_FORA),
        (403, erro("permission_error", code="organization_on_hold"), Falha.CANAL_FORA),
        (429, erro("rate_limit_error", code="ramp_limit_exceeded"), Falha.REPETIR),
        (409, erro("conflict_error"), Falha.REPETIR),
        (500, erro("api_error"), Falha.INCERTA),
        (503, {}, Falha.INCERTA),
        (529, {}, Falha.REPETIR),
        (200, erro("overloaded_error"), Falha.INCERTA),
        (200, {"id": 7}, Falha.INCERTA),
    ],
)
async def test_the_documented_errors_without_a_sample(
    lotes: LotesAnthropic, wire: respx.MockRouter, status: int, body: dict[str, Any], falha: Falha
) -> None:
    wire.route().respond(status, json=body)
    with pytest.raises(ProviderError) as refused:
        await lotes.create("trabalho", {"1": PEDIDO})
    assert refused.value.falha is falha


async def test_the_sampled_count(lotes: LotesAnthropic, wire: respx.MockRouter) -> None:
    wire.post(f"{BASE}/v1/messages/count_tokens").respond(content=(PASTA / "count_tokens_200.json").read_bytes())
    assert await lotes.count_tokens(PEDIDO) == 2095
    assert "max_tokens" not in orjson.loads(wire.calls.last.request.content)

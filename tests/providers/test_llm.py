"""The language model: what is asked, what comes back, and which failures another attempt may mend."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import orjson
import pytest
import respx

from lib import ledger
from lib.errors import ModelOverloadedError, ModelRefusedError, ModelUnavailableError
from lib.http import HttpPool, Upstream
from lib.providers.anthropic_api import Anthropic, parsed
from lib.providers.llm import (
    BlocoBruto,
    ComReserva,
    Ferramenta,
    Mensagem,
    Pedido,
    ResultadoFerramenta,
    Texto,
    Uso,
    UsoFerramenta,
    Verificacao,
    verificar_modelos,
)
from tests.providers.caixa import Sandbox

pytestmark = pytest.mark.anyio

BASE = "http://anthropic.test"
URL = f"{BASE}/v1/messages"
VAGAS = Ferramenta("buscar_vagas", "Busca vagas abertas.", {"type": "object", "properties": {}})
OI = Mensagem("user", (Texto("oi"),))


def pedido(*mensagens: Mensagem, **more: Any) -> Pedido:
    values: dict[str, Any] = {"sistema": ("Você é a Júlia.",), "modelo": "claude-haiku-5-5", "prazo_s": 2.0, **more}
    return Pedido(mensagens=mensagens or (OI,), **values)


def answer(*content: dict[str, Any], stop: str = "end_turn", **usage: int) -> dict[str, Any]:
    tokens = {"input_tokens": 10, "output_tokens": 5, **usage}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-5-5",
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": tokens,
    }


def error(kind: str, message: str = "x", **more: object) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message, **more}, "request_id": "req_1"}


@pytest.fixture
async def modelo() -> AsyncIterator[Anthropic]:
    pool = HttpPool({"anthropic": Upstream("anthropic", BASE)})
    yield Anthropic(pool.get_http_client("anthropic"), "sandbox-anthropic-key", BASE)
    await pool.close_http_client()


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


def body_of(wire: respx.MockRouter) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(wire.calls.last.request.content)
    return body


async def test_a_request_is_written_as_the_api_wants_it(modelo: Anthropic, wire: respx.MockRouter) -> None:
    wire.post(URL).respond(json=answer({"type": "text", "text": "Oi, doutora!"}))
    await modelo.gerar(pedido(sistema=("fixo", "regras"), ferramentas=(VAGAS,), max_tokens=300))
    request, body = wire.calls.last.request, body_of(wire)
    assert request.headers["x-api-key"] == "sandbox-anthropic-key"
    assert body["system"] == [
        {"type": "text", "text": "fixo"},
        {"type": "text", "text": "regras", "cache_control": {"type": "ephemeral"}},
    ]
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "oi"}]}]
    assert body["thinking"] == {"type": "disabled"}
    assert body["max_tokens"] == 300
    assert [tool["name"] for tool in body["tools"]] == ["buscar_vagas"]
    assert not {"temperature", "top_p", "top_k", "output_config", "stream"} & set(body)


async def test_a_schema_asks_for_structured_output(modelo: Anthropic, wire: respx.MockRouter) -> None:
    wire.post(URL).respond(json=answer({"type": "text", "text": "{}"}))
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    await modelo.gerar(pedido(esquema=schema))
    assert body_of(wire)["output_config"] == {"format": {"type": "json_schema", "schema": schema}}


async def test_words_only_forbids_calls_and_keeps_the_tools(modelo: Anthropic, wire: respx.MockRouter) -> None:
    wire.post(URL).respond(json=answer({"type": "text", "text": "ok"}))
    await modelo.gerar(pedido(ferramentas=(VAGAS,), so_texto=True))
    assert body_of(wire)["tool_choice"] == {"type": "none"}
    assert [tool["name"] for tool in body_of(wire)["tools"]] == ["buscar_vagas"]
    await modelo.gerar(pedido(so_texto=True))
    assert not {"tool_choice", "tools"} & set(body_of(wire))


async def test_results_of_tools_come_first_and_nothing_empty_is_sent(modelo: Anthropic, wire: respx.MockRouter) -> None:
    wire.post(URL).respond(json=answer({"type": "text", "text": "ok"}))
    raw = {"type": "thinking", "thinking": "", "signature": "s"}
    asked = Mensagem("assistant", (BlocoBruto(raw), Texto("  "), UsoFerramenta("t1", "buscar_vagas", {"uf": "SP"})))
    told = Mensagem("user", (Texto("e aí?"), ResultadoFerramenta("t1", "nada", erro=True)))
    await modelo.gerar(pedido(OI, asked, told, Mensagem("assistant", ()), OI))
    _, assistant, user, last = body_of(wire)["messages"]
    assert assistant["content"] == [
        raw,
        {"type": "tool_use", "id": "t1", "name": "buscar_vagas", "input": {"uf": "SP"}},
    ]
    assert [block["type"] for block in user["content"]] == ["tool_result", "text"]
    assert user["content"][0] == {"type": "tool_result", "tool_use_id": "t1", "content": "nada", "is_error": True}
    assert last["role"] == "user"


async def test_an_answer_is_read_with_its_tools_its_cost_and_its_id(modelo: Anthropic, wire: respx.MockRouter) -> None:
    content = (
        {"type": "text", "text": "Vou checar."},
        {"type": "tool_use", "id": "t1", "name": "buscar_vagas", "input": {"uf": "SP"}},
        {"type": "tool_use", "id": "t2", "name": "buscar_vagas", "input": {}},
    )
    usage = {"cache_creation_input_tokens": 3, "cache_read_input_tokens": 100}
    wire.post(URL).respond(json=answer(*content, stop="tool_use", **usage), headers={"request-id": "req_9"})
    with ledger.measure("gerar") as cost:
        resposta = await modelo.gerar(pedido())
    assert resposta.texto == "Vou checar."
    assert [uso.id for uso in resposta.usos] == ["t1", "t2"]
    assert resposta.uso == Uso(entrada=10, saida=5, cache_escrita=3, cache_leitura=100)
    assert (resposta.parada, resposta.modelo, resposta.request_id) == ("tool_use", "claude-haiku-5-5", "req_9")
    assert (cost.llm_calls, cost.tokens_in, cost.tokens_out, cost.http_requests) == (1, 113, 5, 1)


@pytest.mark.parametrize(
    ("stop", "truncada", "recusada"),
    [
        ("end_turn", False, False),
        ("max_tokens", True, False),
        ("model_context_window_exceeded", True, False),
        ("refusal", False, True),
        ("pause_turn", False, False),
        ("algo_de_amanha", False, False),
        (None, False, False),
    ],
)
def test_every_stop_reason_is_read_known_or_not(stop: str | None, truncada: bool, recusada: bool) -> None:
    body = answer({"type": "text", "text": "a"}) | {"stop_reason": stop}
    resposta = parsed(orjson.dumps(body), None)
    assert (resposta.truncada, resposta.recusada, resposta.parada) == (truncada, recusada, stop or "")


def test_thinking_and_kinds_to_come_are_kept_and_not_shown() -> None:
    thinking = {"type": "thinking", "thinking": "segredo", "signature": "s"}
    tomorrow = {"type": "hologram", "data": [1]}
    resposta = parsed(orjson.dumps(answer(thinking, tomorrow, {"type": "text", "text": " Oi! "})), None)
    assert resposta.texto == "Oi!"
    assert resposta.blocos == (BlocoBruto(thinking), BlocoBruto(tomorrow), Texto(" Oi! "))


def test_an_empty_answer_has_no_text() -> None:
    assert parsed(orjson.dumps(answer()), None).texto == ""


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"content": "x"}', b'{"content": [1]}'])
def test_what_is_no_message_is_unavailable(body: bytes) -> None:
    with pytest.raises(ModelUnavailableError):
        parsed(body, "req_1")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (408, error("timeout_error")),
        (409, error("conflict_error")),
        (429, error("rate_limit_error")),
        (429, error("rate_limit_error", details={"error_code": "ramp_limit_exceeded"})),
        (500, error("api_error")),
        (503, {}),
        (504, error("timeout_error")),
        (529, error("overloaded_error")),
    ],
)
async def test_overload_and_faults_are_for_now(
    modelo: Anthropic, wire: respx.MockRouter, status: int, body: dict[str, Any]
) -> None:
    route = wire.post(URL).respond(status, json=body, headers={"retry-after": "12"})
    with pytest.raises(ModelUnavailableError) as busy:
        await modelo.gerar(pedido())
    assert busy.value.retry_after_s == 12
    assert isinstance(busy.value, ModelOverloadedError) is (status == 529)
    assert route.call_count == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, error("invalid_request_error", "Your credit balance is too low")),
        (401, error("authentication_error")),
        (402, error("billing_error")),
        (403, error("permission_error")),
        (404, error("not_found_error")),
        (413, error("request_too_large")),
        (429, error("rate_limit_error", details={"error_code": "enforced_spend_limit_reached"})),
        (429, error("rate_limit_error", details={"error_code": "organization_on_hold"})),
    ],
)
async def test_a_bad_request_or_a_stopped_account_is_for_good(
    modelo: Anthropic, wire: respx.MockRouter, status: int, body: dict[str, Any]
) -> None:
    wire.post(URL).respond(status, json=body)
    with pytest.raises(ModelRefusedError) as refused:
        await modelo.gerar(pedido())
    assert "credit" not in str(refused.value)


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
async def test_a_network_that_fails_is_for_now(
    modelo: Anthropic, wire: respx.MockRouter, failure: type[Exception]
) -> None:
    wire.post(URL).mock(side_effect=failure("x"))
    with pytest.raises(ModelUnavailableError) as busy:
        await modelo.gerar(pedido())
    assert busy.value.retry_after_s is None


async def test_the_deadline_bounds_the_whole_call(sandbox: Sandbox, pool: HttpPool) -> None:
    modelo = Anthropic(pool.get_http_client("anthropic"), "sandbox-anthropic-key", sandbox.url)
    await sandbox.control("PUT", "/falhas", {"alvo": "anthropic.messages", "latencia_ms": 3000})
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(ModelUnavailableError):
        await modelo.gerar(pedido(prazo_s=0.2))
    assert loop.time() - began < 1.5


async def test_the_sandbox_answers_and_warm_calls_open_no_connection(sandbox: Sandbox, pool: HttpPool) -> None:
    modelo = Anthropic(pool.get_http_client("anthropic"), "sandbox-anthropic-key", sandbox.url)
    first = await modelo.gerar(pedido())
    with ledger.measure("warm") as cost:
        await modelo.gerar(pedido())
    assert first.texto
    assert first.uso.entrada_total > 0
    assert (cost.llm_calls, cost.http_requests, cost.tcp_connections) == (1, 1, 0)


RESERVA = "claude-sonnet-5-5"


def by_model(wire: respx.MockRouter, **answers: httpx.Response) -> list[str]:
    """Answer by the model asked for (its name with dashes made underscores), and tell which were asked."""
    asked: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content)["model"])
        return answers[asked[-1].replace("-", "_")]

    wire.post(URL).mock(side_effect=reply)
    return asked


async def test_the_reserve_answers_the_same_request_while_the_model_is_overloaded(
    modelo: Anthropic, wire: respx.MockRouter
) -> None:
    spoken = httpx.Response(200, json=answer({"type": "text", "text": "Oi!"}) | {"model": RESERVA})
    busy = httpx.Response(529, json=error("overloaded_error"))
    asked = by_model(wire, claude_haiku_5_5=busy, claude_sonnet_5_5=spoken)
    with ledger.measure("gerar") as cost:
        resposta = await ComReserva(modelo, RESERVA).gerar(pedido(ferramentas=(VAGAS,)))
    assert (resposta.texto, resposta.modelo) == ("Oi!", RESERVA)
    assert (asked, cost.llm_calls) == (["claude-haiku-5-5", RESERVA], 2)
    first, second = (json.loads(call.request.content) for call in wire.calls)
    assert first | {"model": RESERVA} == second


@pytest.mark.parametrize("status", [400, 429, 500, 504])
async def test_nothing_but_overload_calls_the_reserve(modelo: Anthropic, wire: respx.MockRouter, status: int) -> None:
    asked = by_model(wire, claude_haiku_5_5=httpx.Response(status, json=error("x")))
    with pytest.raises((ModelUnavailableError, ModelRefusedError)):
        await ComReserva(modelo, RESERVA).gerar(pedido())
    assert asked == ["claude-haiku-5-5"]


async def test_a_reserve_that_is_overloaded_too_is_asked_once(modelo: Anthropic, wire: respx.MockRouter) -> None:
    busy = httpx.Response(529, json=error("overloaded_error"), headers={"retry-after": "7"})
    asked = by_model(wire, claude_haiku_5_5=busy, claude_sonnet_5_5=busy)
    with pytest.raises(ModelOverloadedError) as away:
        await ComReserva(modelo, RESERVA).gerar(pedido())
    assert (asked, away.value.retry_after_s) == (["claude-haiku-5-5", RESERVA], 7)


async def test_models_are_looked_up_by_id(sandbox: Sandbox, pool: HttpPool) -> None:
    modelo = Anthropic(pool.get_http_client("anthropic"), "sandbox-anthropic-key", sandbox.url)
    known, gone = "claude-haiku-5-5", "claude-3-5-haiku-20241022"
    assert await verificar_modelos(modelo, (known, RESERVA, known), 2) == Verificacao()
    assert (await verificar_modelos(modelo, (known, gone), 2)).inexistentes == (gone,)
    await sandbox.control("PUT", "/falhas", {"alvo": "anthropic.models", "status": 529})
    found = await verificar_modelos(modelo, (known,), 2)
    assert (found.inexistentes, list(found.sem_resposta), found.completa) == ((), [known], False)


async def test_a_catalogue_that_hangs_is_left_after_its_time(sandbox: Sandbox, pool: HttpPool) -> None:
    modelo = Anthropic(pool.get_http_client("anthropic"), "sandbox-anthropic-key", sandbox.url)
    await sandbox.control("PUT", "/falhas", {"alvo": "anthropic.models", "latencia_ms": 3000})
    found = await verificar_modelos(modelo, ("claude-haiku-5-5",), 0.2)
    assert list(found.sem_resposta) == ["claude-haiku-5-5"]

"""Anthropic's Messages API through its SDK.

Thinking is switched off: replies are short and `max_tokens` small, thinking counts against both that and the doctor's
wait, and a reply eaten by it ends with `max_tokens` and no text. The configured model must therefore allow `disabled`.
No sampling parameter is sent (current models refuse them). Nothing retries here: the turn owns retries and deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, Literal

import anthropic
import httpx
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lib import ledger
from lib.errors import ModelOverloadedError, ModelRefusedError, ModelUnavailableError
from lib.providers.llm import (
    Bloco,
    BlocoBruto,
    Ferramenta,
    Mensagem,
    Pedido,
    Resposta,
    ResultadoFerramenta,
    Texto,
    Uso,
    UsoFerramenta,
)

SOBRECARGA: Final = 529
PASSAGEIROS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
# Of an account that may not go on: asking again never helps, whatever the status.
CONTA_PARADA = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached", "organization_on_hold"})


class _Uso(BaseModel):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class _Message(BaseModel):
    """The parts of an answer that are read; everything else may come and go."""

    model_config = ConfigDict(extra="ignore")

    content: list[dict[str, Any]]
    stop_reason: str | None = None
    model: str = ""
    usage: _Uso = Field(default_factory=_Uso)


class Anthropic:
    """The Messages API through the SDK, on our pooled client. `client`'s owner closes it."""

    def __init__(self, client: httpx.AsyncClient, api_key: str, base_url: str) -> None:
        self._sdk = anthropic.AsyncAnthropic(api_key=api_key, base_url=base_url, max_retries=0, http_client=client)

    async def gerar(self, pedido: Pedido) -> Resposta:
        """Ask once, within `pedido.prazo_s`; counts the call and its tokens in the ledger."""
        ledger.count("llm_calls")
        try:
            async with asyncio.timeout(pedido.prazo_s):
                # Not `messages.create`: what it does to a body that already is as the wire wants it costs 2 ms of CPU.
                raw = await self._sdk.post(
                    "/v1/messages",
                    cast_to=httpx.Response,
                    content=orjson.dumps(body_of(pedido)),
                    options={"timeout": pedido.prazo_s},
                )
        except anthropic.APIStatusError as cause:
            raise judged(cause) from cause
        except (anthropic.APIError, TimeoutError) as cause:
            raise ModelUnavailableError(f"the model did not answer: {type(cause).__name__}") from cause
        resposta = parsed(raw.content, raw.headers.get("request-id"))
        ledger.count("tokens_in", resposta.uso.entrada_total)
        ledger.count("tokens_out", resposta.uso.saida)
        return resposta

    async def existe(self, modelo: str, prazo_s: float) -> bool:
        """Ask for the model's entry; a retired or unknown id has none."""
        try:
            async with asyncio.timeout(prazo_s):
                await self._sdk.models.with_raw_response.retrieve(modelo, timeout=prazo_s)
        except anthropic.NotFoundError:
            return False
        except anthropic.APIStatusError as cause:
            raise judged(cause) from cause
        except (anthropic.APIError, TimeoutError) as cause:
            raise ModelUnavailableError(f"the models cannot be asked for: {type(cause).__name__}") from cause
        return True


def judged(error: anthropic.APIStatusError) -> ModelUnavailableError | ModelRefusedError:
    """Tell a refusal for good from a refusal for now, and overload from the rest."""
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error")
    detail = inner if isinstance(inner, dict) else {}
    details = detail.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    reason = f"anthropic {error.status_code} {detail.get('type') or ''} {code or ''} {error.request_id or ''}"
    passing = error.status_code in PASSAGEIROS or error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    if code in CONTA_PARADA or not passing:
        return ModelRefusedError(" ".join(reason.split()))
    wait_s = _seconds(error.response.headers.get("retry-after"))
    kind = ModelOverloadedError if error.status_code == SOBRECARGA else ModelUnavailableError
    return kind(" ".join(reason.split()), retry_after_s=wait_s)


def parsed(content: bytes, request_id: str | None) -> Resposta:
    """Read an answer with status 200.

    Raises:
        ModelUnavailableError: it is no message (a proxy's page, a cut body).
    """
    try:
        message = _Message.model_validate(orjson.loads(content))
    except (orjson.JSONDecodeError, ValidationError) as cause:
        raise ModelUnavailableError(f"the model's answer cannot be read ({request_id})") from cause
    usage = message.usage
    return Resposta(
        blocos=tuple(_block(block) for block in message.content),
        parada=message.stop_reason or "",
        uso=Uso(
            entrada=usage.input_tokens,
            saida=usage.output_tokens,
            cache_escrita=usage.cache_creation_input_tokens or 0,
            cache_leitura=usage.cache_read_input_tokens or 0,
        ),
        modelo=message.model,
        request_id=request_id,
    )


def body_of(pedido: Pedido, *, ttl: Literal["5m", "1h"] = "5m") -> dict[str, Any]:
    """Write the request; what is absent is left out, not null. `ttl` is how long its prefix stays in the cache.

    Tools come before the system in the cached prefix, so the one breakpoint at the system's end covers both.
    """
    body: dict[str, Any] = {
        "model": pedido.modelo,
        "max_tokens": pedido.max_tokens,
        "messages": _messages(pedido.mensagens),
        "thinking": {"type": "disabled"},
    }
    if system := _system(pedido.sistema, ttl):
        body["system"] = system
    if pedido.ferramentas:
        body["tools"] = _tools(pedido.ferramentas)
    if pedido.ferramentas and pedido.so_texto:
        body["tool_choice"] = {"type": "none"}
    if pedido.esquema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": pedido.esquema}}
    return body


def _seconds(value: str | None) -> float | None:
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None


def _block(block: Mapping[str, Any]) -> Bloco:
    match block:
        case {"type": "text", "text": str(text)} if not block.get("citations"):
            return Texto(text)
        case {"type": "tool_use", "id": str(id_), "name": str(name), "input": dict(entrada)}:
            return UsoFerramenta(id_, name, entrada)
        case _:
            return BlocoBruto(block)


def _system(parts: Sequence[str], ttl: str) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": part} for part in parts if part.strip()]
    if blocks:
        blocks[-1]["cache_control"] = {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}
    return blocks


def _tools(tools: Sequence[Ferramenta]) -> list[dict[str, Any]]:
    return [{"name": tool.nome, "description": tool.descricao, "input_schema": tool.esquema} for tool in tools]


def _messages(messages: Sequence[Mensagem]) -> list[dict[str, Any]]:
    """Write the history: results before text, and nothing empty, which the API refuses."""
    written: list[dict[str, Any]] = []
    for message in messages:
        ordered = sorted(message.blocos, key=lambda bloco: not isinstance(bloco, ResultadoFerramenta))
        content = [_written(bloco) for bloco in ordered if not (isinstance(bloco, Texto) and not bloco.texto.strip())]
        if content:
            written.append({"role": message.papel, "content": content})
    return written


def _written(bloco: Bloco) -> Mapping[str, Any]:
    match bloco:
        case Texto(texto):
            return {"type": "text", "text": texto}
        case UsoFerramenta(id_, nome, entrada):
            return {"type": "tool_use", "id": id_, "name": nome, "input": entrada}
        case ResultadoFerramenta(id_, conteudo, erro):
            return {"type": "tool_result", "tool_use_id": id_, "content": conteudo, "is_error": erro}
        case BlocoBruto(dados):
            return dados

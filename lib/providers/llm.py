"""The language model: Anthropic's Messages API behind a small protocol.

Thinking is switched off: replies are short and `max_tokens` small, thinking counts against both that and the doctor's
wait, and a reply eaten by it ends with `max_tokens` and no text. The configured model must therefore allow `disabled`.
No sampling parameter is sent (current models refuse them). Nothing retries here: the turn owns retries and deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, Protocol, cast

import anthropic
import httpx
import orjson
from anthropic.types import MessageParam, OutputConfigParam, TextBlockParam, ToolParam
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lib import ledger
from lib.errors import ModelRefusedError, ModelUnavailableError

TRUNCADAS = frozenset({"max_tokens", "model_context_window_exceeded"})
PASSAGEIROS = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})
# Of an account that may not go on: asking again never helps, whatever the status.
CONTA_PARADA = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached", "organization_on_hold"})


@dataclass(frozen=True, slots=True)
class Texto:
    """Text, ours or the model's."""

    texto: str


@dataclass(frozen=True, slots=True)
class UsoFerramenta:
    """The model asks for a tool; every one of them must be answered in the next message."""

    id: str
    nome: str
    entrada: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResultadoFerramenta:
    """The answer to the tool use with this id."""

    id: str
    conteudo: str
    erro: bool = False


@dataclass(frozen=True, slots=True)
class BlocoBruto:
    """A block of a kind that we do not read (thinking, kinds to come), kept so that history is replayed unchanged."""

    dados: Mapping[str, Any]


Bloco = Texto | UsoFerramenta | ResultadoFerramenta | BlocoBruto


@dataclass(frozen=True, slots=True)
class Mensagem:
    """One side's words; the first and the last of a request are the user's."""

    papel: Literal["user", "assistant"]
    blocos: tuple[Bloco, ...]


@dataclass(frozen=True, slots=True)
class Ferramenta:
    """A tool offered to the model; `esquema` is the JSON schema of its input."""

    nome: str
    descricao: str
    esquema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pedido:
    """One call. `sistema` is the cacheable prefix: nothing that changes from turn to turn belongs in it.

    `esquema` asks for an answer that is JSON of this schema; refusals and truncated answers may still break it.
    `prazo_s` bounds the whole call.
    """

    sistema: tuple[str, ...]
    mensagens: tuple[Mensagem, ...]
    modelo: str
    prazo_s: float
    ferramentas: tuple[Ferramenta, ...] = ()
    max_tokens: int = 600
    esquema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Uso:
    """Tokens as billed: `entrada` does not hold what was written to or read from the prompt cache."""

    entrada: int = 0
    saida: int = 0
    cache_escrita: int = 0
    cache_leitura: int = 0

    @property
    def entrada_total(self) -> int:
        """All that the model read."""
        return self.entrada + self.cache_escrita + self.cache_leitura


@dataclass(frozen=True, slots=True)
class Resposta:
    """The model's answer; `parada` is its stop reason as sent, which may be one that nobody knows yet."""

    blocos: tuple[Bloco, ...]
    parada: str
    uso: Uso
    modelo: str
    request_id: str | None = None

    @property
    def texto(self) -> str:
        """The text blocks, one below the other; empty when there are none."""
        return "\n".join(bloco.texto for bloco in self.blocos if isinstance(bloco, Texto) and bloco.texto).strip()

    @property
    def usos(self) -> tuple[UsoFerramenta, ...]:
        """The tools asked for, in order."""
        return tuple(bloco for bloco in self.blocos if isinstance(bloco, UsoFerramenta))

    @property
    def truncada(self) -> bool:
        """Whether the text was cut off, so that it may never be sent."""
        return self.parada in TRUNCADAS

    @property
    def recusada(self) -> bool:
        """Whether the model declined to answer."""
        return self.parada == "refusal"


class Modelo(Protocol):
    """Something that answers a conversation."""

    async def gerar(self, pedido: Pedido) -> Resposta:
        """Answer once. Safe to repeat, but each call is billed and may answer differently.

        Raises:
            ModelUnavailableError: no answer in time, overload, limits: another attempt may help.
            ModelRefusedError: the request, the key or the account is refused: another attempt will not.
        """
        ...


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
                raw = await self._sdk.messages.with_raw_response.create(
                    model=pedido.modelo,
                    max_tokens=pedido.max_tokens,
                    system=_system(pedido.sistema),
                    messages=_messages(pedido.mensagens),
                    thinking={"type": "disabled"},
                    tools=_tools(pedido.ferramentas) if pedido.ferramentas else anthropic.omit,
                    output_config=_format(pedido.esquema) if pedido.esquema else anthropic.omit,
                    timeout=pedido.prazo_s,
                )
        except anthropic.APIStatusError as cause:
            raise judged(cause) from cause
        except (anthropic.APIError, TimeoutError) as cause:
            raise ModelUnavailableError(f"the model did not answer: {type(cause).__name__}") from cause
        resposta = parsed(raw.http_response.content, raw.headers.get("request-id"))
        ledger.count("tokens_in", resposta.uso.entrada_total)
        ledger.count("tokens_out", resposta.uso.saida)
        return resposta


def judged(error: anthropic.APIStatusError) -> ModelUnavailableError | ModelRefusedError:
    """Tell a refusal for good from a refusal for now."""
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
    return ModelUnavailableError(" ".join(reason.split()), retry_after_s=wait_s)


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


def _system(parts: Sequence[str]) -> list[TextBlockParam]:
    blocks: list[TextBlockParam] = [{"type": "text", "text": part} for part in parts if part.strip()]
    if blocks:
        blocks[-1]["cache_control"] = {"type": "ephemeral"}
    return blocks


def _tools(tools: Sequence[Ferramenta]) -> list[ToolParam]:
    return [{"name": tool.nome, "description": tool.descricao, "input_schema": dict(tool.esquema)} for tool in tools]


def _format(schema: Mapping[str, Any]) -> OutputConfigParam:
    return {"format": {"type": "json_schema", "schema": dict(schema)}}


def _messages(messages: Sequence[Mensagem]) -> list[MessageParam]:
    """Write the history: results before text, and nothing empty, which the API refuses."""
    written: list[dict[str, Any]] = []
    for message in messages:
        ordered = sorted(message.blocos, key=lambda bloco: not isinstance(bloco, ResultadoFerramenta))
        content = [_written(bloco) for bloco in ordered if not (isinstance(bloco, Texto) and not bloco.texto.strip())]
        if content:
            written.append({"role": message.papel, "content": content})
    return cast("list[MessageParam]", written)


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

"""Anthropic beside the conversation: batches at half the price, token counts, the list of models.

A batch takes up to a day and its results come in any order, each under the name that we gave its request.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx
import orjson

from lib.errors import ModelUnavailableError
from lib.providers.anthropic_api import body_of, parsed
from lib.providers.anthropic_erros import error_code, error_kind, judge, meaning
from lib.providers.chamada import Chamada, Falha, ProviderError, Resposta, call, failed, read, unclear
from lib.providers.llm import Pedido
from lib.providers.llm import Resposta as RespostaModelo

PRAZO_S: Final = 60.0
PEDIDOS_MAX: Final = 100_000
RECENTES: Final = 100
VERSAO: Final = "2023-06-01"
CUSTOM_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
SEPARADOR: Final = "_"


class EstadoLote(StrEnum):
    """Where a batch stands; only one that ended has results."""

    ANDANDO = "in_progress"
    CANCELANDO = "canceling"
    TERMINADO = "ended"
    DESCONHECIDO = "desconhecido"


@dataclass(frozen=True, slots=True)
class Lote:
    """A batch. `total` counts its requests; the other counts stay 0 until it ends."""

    id: str
    estado: EstadoLote
    total: int
    prontos: int
    criado_em: datetime | None
    expira_em: datetime | None


class TipoResultado(StrEnum):
    """What became of one request of a batch. Only `errored` of the server's own and `expired` are worth another try."""

    FEITO = "succeeded"
    ERRO = "errored"
    CANCELADO = "canceled"
    EXPIRADO = "expired"
    DESCONHECIDO = "desconhecido"


@dataclass(frozen=True, slots=True)
class Resultado:
    """One result. `chave` is the part of its name after the job's; `falha` says whether the same may be asked again."""

    trabalho: str
    chave: str
    tipo: TipoResultado
    resposta: RespostaModelo | None = None
    falha: Falha | None = None
    motivo: str = ""


@dataclass(frozen=True, slots=True)
class LotesAnthropic:
    """The rest of the API on its pooled client; `prazo_s` bounds each call, but the results are bounded by the read."""

    client: httpx.AsyncClient = field(repr=False)
    api_key: str = field(repr=False)
    prazo_s: float = PRAZO_S

    async def count_tokens(self, pedido: Pedido) -> int:
        """Estimate the input tokens of a request; free, with a rate limit of its own. Safe to repeat.

        Raises:
            ProviderError: it was refused or not answered.
        """
        body = {name: value for name, value in body_of(pedido).items() if name != "max_tokens"}
        chamada = self._chamada("count_tokens")
        answer = await self._call(chamada, "POST", "/v1/messages/count_tokens", body=body)
        tokens = answer.objeto.get("input_tokens")
        if not isinstance(tokens, int):
            raise failed(chamada, answer, unclear(chamada), "an answer without a count")
        return tokens

    async def models(self) -> tuple[str, ...]:
        """Return the ids of all models there are, newest first. Safe to repeat.

        Raises:
            ProviderError: it was not answered.
        """
        return tuple([str(row.get("id")) async for row in self._rows("models", "/v1/models", 1_000)])

    async def create(self, trabalho: str, pedidos: Mapping[str, Pedido]) -> Lote:
        """Start a batch of requests by key, each to be named `<trabalho>_<key>`. Not safe to repeat.

        After INCERTA, `find` must say that it is not there before it is made again.

        Raises:
            ProviderError: it was refused, or nobody knows. What is wrong with a single request shows in its result.
            ValueError: no requests, too many, or a name longer than 64 letters, digits, `_` and `-`.
        """
        chamada = self._chamada("create_batch", segura=False)
        if not 0 < len(pedidos) <= PEDIDOS_MAX:
            raise ValueError(f"a batch has 1 to {PEDIDOS_MAX} requests")
        requests = [
            {"custom_id": custom_id(trabalho, chave), "params": body_of(pedido, ttl="1h")}
            for chave, pedido in pedidos.items()
        ]
        answer = await self._call(chamada, "POST", "/v1/messages/batches", body={"requests": requests})
        return _lote(chamada, answer, answer.corpo)

    async def find(self, trabalho: str, total: int, desde: datetime) -> Lote | None:
        """Return the batch of a job that may have been made since `desde`. Safe to repeat.

        A list of batches does not name their requests. One that ended is recognised by its first result; of one that
        runs nobody can tell, so one with as many requests is taken for it: waiting costs less than paying twice.

        Raises:
            ProviderError: it was not answered.
        """
        chamada = self._chamada("list_batches")
        answer = await self._call(chamada, "GET", "/v1/messages/batches", params={"limit": RECENTES})
        for row in _rows_of(chamada, answer):
            lote = _lote(chamada, answer, row)
            if lote.total != total or lote.criado_em is None or lote.criado_em < desde:
                continue
            if lote.estado is not EstadoLote.TERMINADO or await self._first_job(lote.id) in {trabalho, None}:
                return lote
        return None

    async def get(self, lote_id: str) -> Lote:
        """Return a batch as it stands. Safe to repeat.

        Raises:
            ProviderError: there is none, or it was not answered.
        """
        chamada = self._chamada("get_batch")
        answer = await self._call(chamada, "GET", _path(lote_id))
        return _lote(chamada, answer, answer.corpo)

    async def cancel(self, lote_id: str) -> Lote:
        """Stop a batch; what was answered before keeps its result and its price. Safe to repeat.

        Raises:
            ProviderError: it was refused or not answered.
        """
        chamada = self._chamada("cancel_batch")
        answer = await self._call(chamada, "POST", f"{_path(lote_id)}/cancel")
        return _lote(chamada, answer, answer.corpo)

    async def results(self, lote_id: str) -> AsyncGenerator[Resultado, None]:
        """Yield the results of a batch that ended, as they come, in any order. Safe to repeat from the start.

        Raises:
            ProviderError: it has none (yet), or they broke off: those already given are good.
        """
        chamada = self._chamada("batch_results")
        try:
            async with self.client.stream("GET", f"{_path(lote_id)}/results", headers=self._headers()) as answer:
                if answer.status_code != HTTPStatus.OK:
                    await answer.aread()
                    raise judge(chamada, read(answer)) or failed(chamada, read(answer), Falha.PERMANENTE, "no results")
                async for line in answer.aiter_lines():
                    if line.strip():
                        yield _resultado(chamada, line, answer.headers.get("request-id"))
        except httpx.HTTPError as cause:
            raise ProviderError(chamada, Falha.REPETIR, f"no whole answer: {type(cause).__name__}") from cause

    async def _first_job(self, lote_id: str) -> str | None:
        async with aclosing(self.results(lote_id)) as found:
            async for first in found:
                return first.trabalho
        return None

    async def _rows(self, nome: str, path: str, limit: int) -> AsyncIterator[dict[str, Any]]:
        chamada, after = self._chamada(nome), None
        while True:
            params = {"limit": limit, **({"after_id": after} if after else {})}
            answer = await self._call(chamada, "GET", path, params=params)
            for row in _rows_of(chamada, answer):
                yield row
            after = answer.objeto.get("last_id")
            if answer.objeto.get("has_more") is not True or not isinstance(after, str):
                return

    async def _call(
        self,
        chamada: Chamada,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, Any] | None = None,
    ) -> Resposta:
        return await call(
            self.client, chamada, method, path, julga=judge, headers=self._headers(), body=body, params=params
        )

    def _headers(self) -> Mapping[str, str]:
        return {"x-api-key": self.api_key, "anthropic-version": VERSAO}

    def _chamada(self, nome: str, *, segura: bool = True) -> Chamada:
        return Chamada("anthropic", nome, segura, self.prazo_s)


def custom_id(trabalho: str, chave: str) -> str:
    """Name a request of a job; the job's own name has no `_`.

    Raises:
        ValueError: the name is not what the API takes.
    """
    name = f"{trabalho}{SEPARADOR}{chave}"
    if SEPARADOR in trabalho or not trabalho or not chave or not CUSTOM_ID.fullmatch(name):
        raise ValueError("a job and a key are letters, digits and '-' (the key '_' too), 63 together")
    return name


def _path(lote_id: str) -> str:
    return f"/v1/messages/batches/{quote(lote_id, safe='')}"


def _rows_of(chamada: Chamada, answer: Resposta) -> Sequence[dict[str, Any]]:
    rows = answer.objeto.get("data")
    if not isinstance(rows, list):
        raise failed(chamada, answer, unclear(chamada), "an answer without a list")
    return [row for row in rows if isinstance(row, dict)]


def _lote(chamada: Chamada, answer: Resposta, body: Any) -> Lote:
    row = body if isinstance(body, dict) else {}
    counts = row.get("request_counts")
    numbers = {name: n for name, n in counts.items() if isinstance(n, int)} if isinstance(counts, dict) else {}
    if not isinstance(row.get("id"), str):
        raise failed(chamada, answer, unclear(chamada), "an answer without a batch")
    status = str(row.get("processing_status"))
    known = {one.value for one in EstadoLote}
    return Lote(
        id=row["id"],
        estado=EstadoLote(status) if status in known else EstadoLote.DESCONHECIDO,
        total=sum(numbers.values()),
        prontos=sum(n for name, n in numbers.items() if name != "processing"),
        criado_em=_instant(row.get("created_at")),
        expira_em=_instant(row.get("expires_at")),
    )


def _instant(value: object) -> datetime | None:
    try:
        read_at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return read_at if read_at is not None and read_at.tzinfo else None


def _resultado(chamada: Chamada, line: str, request_id: str | None) -> Resultado:
    """Read one line of the results.

    Raises:
        ProviderError: it is no result: it was cut, or is a proxy's.
    """
    try:
        row = orjson.loads(line)
        name, result = str(row["custom_id"]), dict(row["result"])
        trabalho, _, chave = name.partition(SEPARADOR)
        known = {one.value for one in TipoResultado}
        tipo = TipoResultado(str(result["type"])) if result.get("type") in known else TipoResultado.DESCONHECIDO
        if tipo is TipoResultado.FEITO:
            return Resultado(trabalho, chave, tipo, parsed(orjson.dumps(result["message"]), request_id))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, ModelUnavailableError) as cause:
        raise ProviderError(chamada, Falha.REPETIR, "a result that cannot be read", request_id=request_id) from cause
    if tipo is not TipoResultado.ERRO:
        falha = Falha.REPETIR if tipo is TipoResultado.EXPIRADO else Falha.PERMANENTE
        return Resultado(trabalho, chave, tipo, falha=falha, motivo=tipo.value)
    outer = result.get("error")
    body = outer if isinstance(outer, dict) else {}
    kind = error_kind(body) or "unknown"
    return Resultado(trabalho, chave, tipo, falha=meaning(kind, error_code(body)), motivo=kind)

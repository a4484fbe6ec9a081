"""Calls to Z-API, whose address carries the instance's token: what leaves here never shows it.

The statuses of its errors are not documented and some come as 200, so the body's `error` speaks first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx

from lib.errors import SendRefusedError, SendUnknownError
from lib.providers.chamada import Chamada, Falha, ProviderError, Resposta, by_status, call, failed, not_json, unclear
from lib.providers.whatsapp import GatewayError, NothingSentError, falha_do_canal

FORNECEDOR: Final = "zapi"
OCULTO: Final = "***"
# Account, key or number: said in words, with whatever status.
_CANAL: Final = re.compile(
    r"not allowed|NOT_FOUND|instance\b.{0,20}\bnot found|not connected|disconnected|unauthori[sz]ed|forbidden"
    r"|invalid token|\btrial\b|subscription",
    re.IGNORECASE,
)
# About what was asked, not about who asked.
_PEDIDO: Final = re.compile(
    r"\b(phone|number|message|caption|image|audio|video|document|file|extension|reaction|url)s?\b", re.IGNORECASE
)
_NUNCA: Final = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.UNSUPPORTED_MEDIA_TYPE})
_PASSA: Final = frozenset(
    {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, *_NUNCA},
)
_DESTINO: Final = re.compile(r"[0-9]{8,15}|[0-9]{5,20}@lid")


@dataclass(frozen=True, slots=True)
class Acesso:
    """The account on a pooled client: its security token and each instance's own. `envio_max_s` bounds a whole call."""

    client: httpx.AsyncClient
    client_token: str = field(repr=False)
    instancias: Mapping[str, str] = field(repr=False)
    envio_max_s: float

    async def ask(
        self,
        instancia: str,
        nome: str,
        method: str,
        path: str,
        *,
        segura: bool,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        texto: bool = False,
        erro_descreve: bool = False,
    ) -> Resposta:
        """Make one call of an instance.

        `texto`: the answer may be empty or bare words; `erro_descreve`: `error` in it may be good news.

        Raises:
            ProviderError: it failed, or nobody gave us this instance's token.
        """
        chamada = Chamada(FORNECEDOR, nome, segura, self.envio_max_s)
        token = self.instancias.get(instancia)
        if not token:
            raise ProviderError(chamada, Falha.CANAL_FORA, "no token configured for this instance")
        judge = partial(judged, segredos=(token, self.client_token), texto=texto, erro_descreve=erro_descreve)
        address = f"/instances/{quote(instancia, safe='')}/token/{quote(token, safe='')}{path}"
        headers = {"client-token": self.client_token}
        try:
            return await call(
                self.client, chamada, method, address, julga=judge, headers=headers, body=body, params=params
            )
        except ProviderError as failure:
            found = failure
        # What httpx raised holds the request, and the frames it came through hold the address.
        found.__cause__ = found.__context__ = None
        raise found.with_traceback(None)

    async def other(self, instancia: str, nome: str, method: str, path: str, **options: Any) -> Resposta:
        """Make a call that is not a send.

        Raises:
            GatewayError: it failed.
        """
        try:
            return await self.ask(instancia, nome, method, path, **options)
        except ProviderError as failure:
            raise GatewayError(str(failure), status=failure.status) from failure

    async def send(self, instancia: str, nome: str, numero: str, body: Mapping[str, Any], caminho: str = "") -> str:
        """Hand a message over to the instance's queue and return its id. There is no idempotency key: never repeated.

        Raises:
            SendRefusedError: not taken, and never will be this way.
            NothingSentError: nothing was taken, and it may be asked again.
            SendUnknownError: it may stand in the queue.
        """
        content = {"phone": destination(numero), **body}
        try:
            answer = await self.ask(instancia, nome, "POST", caminho or f"/{nome}", segura=False, body=content)
        except TypeError as cause:  # half of a surrogate pair: no JSON can carry it
            raise SendRefusedError("the text is not valid Unicode") from cause
        except ProviderError as failure:
            raise send_failure(failure) from failure
        found = answer.objeto.get("messageId") or answer.objeto.get("id")
        if not isinstance(found, str):
            raise SendUnknownError(f"{FORNECEDOR} {nome}: accepted without a message id")
        return found


def destination(numero: str) -> str:
    """Return a number or a LID as Z-API wants it.

    Raises:
        SendRefusedError: a group, a list, a channel, or no address at all.
    """
    written = numero.strip().removeprefix("+")
    if not _DESTINO.fullmatch(written):
        raise SendRefusedError("neither a phone number nor a LID")
    return written


def send_failure(failure: ProviderError) -> SendRefusedError | SendUnknownError:
    """Say what a failed call means to a send."""
    match failure.falha:
        case Falha.PERMANENTE:
            return SendRefusedError(str(failure))
        case Falha.CANAL_FORA:
            return SendRefusedError(str(failure), chip_down=True)
        case Falha.REPETIR:
            return NothingSentError(
                str(failure), retry_after_s=failure.retry_after_s, classe=falha_do_canal(failure.status)
            )
        case Falha.INCERTA:
            return SendUnknownError(str(failure))


def judged(
    chamada: Chamada, resposta: Resposta, *, segredos: tuple[str, ...], texto: bool, erro_descreve: bool
) -> ProviderError | None:
    """Judge an answer; None when it is good."""
    said = _reason(resposta)
    for segredo in filter(None, segredos):
        said = said.replace(segredo, OCULTO).replace(quote(segredo, safe=""), OCULTO)
    good = HTTPStatus.OK <= resposta.status < HTTPStatus.MULTIPLE_CHOICES
    if good and (erro_descreve or not _has_error(resposta)):
        bare = resposta.status == HTTPStatus.NO_CONTENT or (texto and not resposta.texto.lstrip().startswith("<"))
        return None if bare else not_json(chamada, resposta)
    if _has_error(resposta) and resposta.status not in _PASSA:
        return failed(chamada, resposta, _by_words(chamada, resposta, said), said)
    if resposta.status == HTTPStatus.NOT_FOUND:  # the address holds nothing but the instance and its token
        return failed(chamada, resposta, Falha.CANAL_FORA, said or "not found")
    if resposta.status in _NUNCA:
        return failed(chamada, resposta, Falha.PERMANENTE, said or "method or content type")
    return by_status(chamada, resposta, said or "no reason given")


def _by_words(chamada: Chamada, resposta: Resposta, said: str) -> Falha:
    if _CANAL.search(said):
        return Falha.CANAL_FORA
    if HTTPStatus.BAD_REQUEST <= resposta.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Falha.PERMANENTE if _PEDIDO.search(said) else Falha.CANAL_FORA
    return unclear(chamada)


def _has_error(resposta: Resposta) -> bool:
    error = resposta.objeto.get("error")
    return error is not None and error is not False and error != ""


def _reason(resposta: Resposta) -> str:
    """Return what the body says of a failure; a page of HTML says nothing worth keeping."""
    parts = [str(part) for name in ("error", "message") if (part := resposta.objeto.get(name)) and part is not True]
    return ": ".join(parts) or ("" if resposta.json else "not JSON")

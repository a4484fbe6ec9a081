"""The wire to an Evolution gateway: one key, one pooled client, one way to ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import httpx

from lib.errors import SendRefusedError
from lib.providers.chamada import Chamada, ProviderError, Resposta, call
from lib.providers.evolution_erros import gateway_error, julga, julga_envio, send_error
from lib.providers.whatsapp import GatewayError

FORNECEDOR: Final = "evolution"
PRAZO_S: Final = 15.0
CONEXAO_S: Final = 3.0
FILA_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Linha:
    """Evolution on a pooled client. `envio_max_s` bounds a send of text, its answer included."""

    client: httpx.AsyncClient
    api_key: str = field(repr=False)
    envio_max_s: float

    async def ask(
        self,
        nome: str,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        segura: bool = True,
        prazo_s: float = PRAZO_S,
    ) -> Resposta:
        """Call anything that is not a send.

        Raises:
            GatewayError: it failed; its cause is the `ProviderError`, which tells whether it may be asked again.
        """
        chamada = Chamada(FORNECEDOR, nome, segura=segura, prazo_s=prazo_s)
        try:
            return await call(
                self.client, chamada, method, path, julga=julga, body=body, params=params, **self._extra(prazo_s)
            )
        except ProviderError as failure:
            raise gateway_error(failure) from failure
        except TypeError as cause:  # half of a surrogate pair: no JSON can carry it
            raise GatewayError(f"evolution {nome}: the text is not valid Unicode") from cause

    async def deliver(self, nome: str, instancia: str, body: Mapping[str, Any], prazo_s: float) -> str:
        """Make one send and return the message's id. Never safe to repeat.

        Raises:
            SendRefusedError, NothingSentError, SendUnknownError: as in `WhatsApp.send_text`.
        """
        chamada = Chamada(FORNECEDOR, nome, segura=False, prazo_s=prazo_s)
        path = f"/message/{nome}/{segment(instancia)}"
        try:
            answer = await call(
                self.client, chamada, "POST", path, julga=julga_envio, body=body, **self._extra(prazo_s)
            )
        except ProviderError as failure:
            raise send_error(failure) from failure
        except TypeError as cause:
            raise SendRefusedError("the text is not valid Unicode") from cause
        return str(answer.objeto["key"]["id"])

    def _extra(self, prazo_s: float) -> dict[str, Any]:
        return {
            "headers": {"apikey": self.api_key},
            "timeout": httpx.Timeout(prazo_s, connect=CONEXAO_S, pool=FILA_S),
        }


def segment(name: str) -> str:
    """Quote one part of a path, its slashes included."""
    return quote(name, safe="")


def malformed(nome: str, resposta: Resposta, what: str) -> GatewayError:
    """Return the error of a success that lacks what it is asked for."""
    known = f" (request {resposta.request_id})" if resposta.request_id else ""
    return GatewayError(f"evolution {nome} {resposta.status}: {what}{known}", status=resposta.status)

"""What Chatwoot's answers mean when a call failed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from lib.providers.chamada import Chamada, Falha, ProviderError, Resposta, by_status, failed, not_json, unclear
from lib.providers.evolution_json import items

UNICOS: Final = frozenset({"phone_number", "identifier"})
ATRIBUTOS_MAX: Final = 10


class DuplicateContactError(ProviderError):
    """Another contact may have this phone or identifier already; `atributos` says which of the two was refused.

    The same answer stands for a malformed phone: whoever searches and finds nobody knows that it was that.
    """

    def __init__(self, chamada: Chamada, resposta: Resposta, atributos: tuple[str, ...]) -> None:
        motivo = f"refused: {', '.join(atributos)}"
        super().__init__(chamada, Falha.PERMANENTE, motivo, status=resposta.status, request_id=resposta.request_id)
        self.atributos = atributos


def judge(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """A status that means failure, a success that is no JSON, or one whose JSON is an error after all.

    Only Chatwoot itself says that something is not there: a proxy's 404 is a server that is being restarted, or a wrong
    address.
    """
    motivo = _reason(resposta)
    if resposta.status == HTTPStatus.NOT_FOUND and not resposta.json:
        return failed(chamada, resposta, Falha.CANAL_FORA, "a 404 that is not Chatwoot's own")
    wrong = by_status(chamada, resposta, motivo) or not_json(chamada, resposta)
    if wrong is None and motivo and not {"id", "payload"} & resposta.objeto.keys():
        return failed(chamada, resposta, unclear(chamada), motivo)
    return wrong


def judge_contact(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """Its texts are in the account's language: what was refused is told by `attributes` alone."""
    refused = [str(name)[:40] for name in items(resposta.objeto.get("attributes"))[:ATRIBUTOS_MAX]]
    if resposta.status == HTTPStatus.UNPROCESSABLE_ENTITY and UNICOS.intersection(refused):
        return DuplicateContactError(chamada, resposta, tuple(refused))
    return judge(chamada, resposta)


def _reason(resposta: Resposta) -> str:
    body = resposta.objeto
    texts = [body.get("error"), body.get("message"), *items(body.get("errors"))]
    return "; ".join(text for text in texts if isinstance(text, str) and text)

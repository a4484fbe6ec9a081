"""What Anthropic's errors mean."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from lib.providers.anthropic_api import CONTA_PARADA, SOBRECARGA
from lib.providers.chamada import Chamada, Falha, ProviderError, Resposta, by_status, failed, not_json, unclear

_SEM_CREDITO: Final = "credit balance"  # was a 400 once, is a 402 now


def judge(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """Tell what an answer means. Nothing is begun under overload (529) or a limit (429)."""
    if HTTPStatus.OK <= resposta.status < HTTPStatus.MULTIPLE_CHOICES:
        missing = not_json(chamada, resposta)
        if missing is None and resposta.objeto.get("type") == "error":
            return failed(
                chamada, resposta, unclear(chamada), "an error under status 200", codigo=error_kind(resposta.objeto)
            )
        return missing
    kind, code, words = error_kind(resposta.objeto), error_code(resposta.objeto), _message(resposta.objeto)
    told = " ".join(part for part in (kind, code) if part) or "no reason given"
    if code in CONTA_PARADA or _SEM_CREDITO in words.lower():
        return failed(chamada, resposta, Falha.CANAL_FORA, told, codigo=code or kind)
    if resposta.status in {SOBRECARGA, HTTPStatus.CONFLICT}:
        return failed(chamada, resposta, Falha.REPETIR, told, codigo=code or kind)
    return by_status(chamada, resposta, told, codigo=code or kind)


def _error(body: Mapping[str, Any]) -> Mapping[str, Any]:
    error = body.get("error")
    return error if isinstance(error, dict) else {}


def error_kind(body: Mapping[str, Any]) -> str | None:
    """Return the type of an error, as the vendor names it."""
    kind = _error(body).get("type")
    return kind[:80] if isinstance(kind, str) else None


def error_code(body: Mapping[str, Any]) -> str | None:
    """Return the machine's code of an error, which only some have."""
    details = _error(body).get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    return code[:80] if isinstance(code, str) else None


def _message(body: Mapping[str, Any]) -> str:
    message = _error(body).get("message")
    return message if isinstance(message, str) else ""


def meaning(kind: str, code: str | None) -> Falha:
    """Tell what an error without a status means: that of one request of a batch."""
    if code in CONTA_PARADA or kind in {"billing_error", "permission_error", "authentication_error"}:
        return Falha.CANAL_FORA
    passing = kind in {"api_error", "overloaded_error", "rate_limit_error", "timeout_error", "conflict_error"}
    return Falha.REPETIR if passing else Falha.PERMANENTE

"""Salvy's answers and errors in both versions of its API, as values of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from lib.providers.chamada import Chamada, Falha, ProviderError, Resposta, by_status, failed, not_json, seconds, unclear
from lib.providers.salvy_sms import instant

T = TypeVar("T")

TESTE: Final = "salvy_test_"
NAO_HA: Final = "resource-not-found"
ESTADO_INVALIDO: Final = "phone-account-status-invalid"
SEM_ESTOQUE: Final = "did-area-code-out-of-stock"

# Codes that their HTTP status alone would misjudge. The account's own troubles stop every call, whatever their status.
_FALHAS: Final = MappingProxyType(
    {
        "unauthorized": Falha.CANAL_FORA,
        "forbidden": Falha.CANAL_FORA,
        "insufficient-scope": Falha.CANAL_FORA,
        "company-not-active": Falha.CANAL_FORA,
        "company-has-pending-verification": Falha.CANAL_FORA,
        "company-tier-limit-exceeded": Falha.CANAL_FORA,
        "too-many-attempts": Falha.REPETIR,
        "too-many-requests": Falha.REPETIR,
        NAO_HA: Falha.PERMANENTE,
        SEM_ESTOQUE: Falha.PERMANENTE,
        ESTADO_INVALIDO: Falha.PERMANENTE,
        "phone-account-area-code-invalid": Falha.PERMANENTE,
        "phone-account-ongoing-portability": Falha.PERMANENTE,
        "input-validation-error": Falha.PERMANENTE,
        "idempotency-parameters-mismatch-error": Falha.PERMANENTE,
        "idempotency-invalid-header-error": Falha.PERMANENTE,
        "payload-too-large": Falha.PERMANENTE,
    }
)


class Situacao(StrEnum):
    """Where a number stands, in both versions' words."""

    PENDENTE = "pending"
    DISPONIVEL = "available"
    ATIVA = "active"
    BLOQUEIO_PARCIAL = "partial-block"
    BLOQUEADA = "blocked"
    CANCELADA = "canceled"
    DESCONHECIDA = "desconhecida"
    """A status that nobody knows yet."""


class Motivo(StrEnum):
    """Why a number is given back, in version 3's words."""

    DESNECESSARIO = "unnecessary"
    BANIDO = "whatsapp-blocked"
    DEFEITO = "technical-problems"

    @property
    def v2(self) -> str:
        """The same in version 2's words."""
        return {Motivo.BANIDO: "whatsapp-ban", Motivo.DEFEITO: "technical-issues"}.get(self, self.value)


@dataclass(frozen=True, slots=True)
class Ddd:
    """An area code; `disponivel` says whether there are numbers of it."""

    ddd: int
    disponivel: bool


@dataclass(frozen=True, slots=True)
class Numero:
    """A rented number. `telefone` is E.164, None while the operator has not given one."""

    id: str
    nome: str
    telefone: str | None = field(repr=False)
    situacao: Situacao
    criado_em: datetime | None


@dataclass(frozen=True, slots=True)
class Pagina:
    """One page of numbers, the first is 1."""

    numeros: tuple[Numero, ...]
    pagina: int
    paginas: int


class _Forma(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)


class _Conta(_Forma):
    id: str
    status: str
    name: str | None = None
    phone_number: str | None = None
    created_at: str | None = None


class _AreaCode(_Forma):
    area_code: int
    available: bool = True


class _Contagem(_Forma):
    page: int = 1
    total_pages: int = 1


def numero(dados: object) -> Numero:
    """Read a number.

    Raises:
        ValidationError: it has no id or no status.
    """
    conta = _Conta.model_validate(dados)
    known = {one.value for one in Situacao}
    situacao = Situacao(conta.status) if conta.status in known else Situacao.DESCONHECIDA
    return Numero(conta.id, conta.name or "", conta.phone_number, situacao, instant(conta.created_at))


def pagina(corpo: Any) -> Pagina:
    """Read a list of numbers, which version 2 gives whole and without an envelope.

    Raises:
        ValidationError: an entry is no number.
        TypeError: it is no list.
    """
    found = tuple(numero(one) for one in rows(corpo, "data", "virtualPhoneAccounts"))
    pages = _Contagem.model_validate((corpo.get("pagination") if isinstance(corpo, dict) else None) or {})
    return Pagina(found, pages.page, pages.total_pages)


def ddds(corpo: Any) -> tuple[Ddd, ...]:
    """Read the area codes.

    Raises:
        ValidationError: an entry is no area code.
        TypeError: it is no list.
    """
    found = (_AreaCode.model_validate(one) for one in rows(corpo, "data", "areaCodes"))
    return tuple(Ddd(one.area_code, one.available) for one in found)


def rows(corpo: Any, *names: str) -> Sequence[Any]:
    """Return a list that may stand alone or under one of these names.

    Raises:
        TypeError: there is none.
    """
    if isinstance(corpo, dict):
        corpo = next((corpo[name] for name in names if name in corpo), None)
    if not isinstance(corpo, list):
        raise TypeError("no list")
    return corpo


def understood(chamada: Chamada, resposta: Resposta, read: Callable[[Any], T]) -> T:
    """Read a good answer, which may still be something else: an error under status 200, a shape of tomorrow.

    Raises:
        ProviderError: it is; what was asked for may have been done.
    """
    try:
        return read(resposta.corpo)
    except (ValidationError, TypeError, KeyError) as cause:
        code = _code(resposta)
        told = f"an unexpected answer{f' ({code})' if code else ''}"
        raise failed(chamada, resposta, unclear(chamada), told, codigo=code) from cause


def judge(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """Tell what an answer means. A refusal for its rate (429) was not executed, not even a purchase."""
    if HTTPStatus.OK <= resposta.status < HTTPStatus.MULTIPLE_CHOICES:
        return None if resposta.status == HTTPStatus.NO_CONTENT else not_json(chamada, resposta)
    code = _code(resposta)
    told = f"{code or 'no code'}: {_told(resposta)}"
    falha = _FALHAS.get(code or "")
    error = (
        failed(chamada, resposta, falha, told, codigo=code)
        if falha
        else by_status(chamada, resposta, told, codigo=code)
    )
    if error is not None and error.retry_after_s is None:
        error.retry_after_s = seconds(str(resposta.objeto.get("retryAfterSeconds", "")))
    return error


def no_route(error: ProviderError) -> bool:
    """Tell whether a version of the API is not there (any more), as distinct from a thing that is not there."""
    gone = error.status == HTTPStatus.GONE
    return gone or (error.status == HTTPStatus.NOT_FOUND and error.codigo != NAO_HA)


def _code(resposta: Resposta) -> str | None:
    code = resposta.objeto.get("code")
    return code[:80] if isinstance(code, str) else None


def _told(resposta: Resposta) -> str:
    """Return the vendor's words with the names of the fields it refuses, not what they held."""
    message = resposta.objeto.get("message")
    details = resposta.objeto.get("details")
    keys = [str(one.get("key")) for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    words = message if isinstance(message, str) else "no message"
    return f"{words} [{', '.join(keys)}]" if keys else words

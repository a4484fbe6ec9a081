"""What each error code of the Graph API means to whoever asked: the code decides, never the title or the status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from lib.domain.disjuntor import ClasseFalha
from lib.domain.evento import EfeitoRecibo
from lib.providers.chamada import Chamada, Falha, ProviderError, Resposta, by_status, not_json, unclear
from lib.providers.evolution_json import items, tree, whole, words

PAR_S: Final = 6.0
DETALHE_MAX: Final = 160
DESCANSO_S: Final = 600.0
LIMITE_POR_PAR: Final = 131056
SEM_OPTIN: Final = 131050
SEM_WHATSAPP: Final = 131026
JANELA_FECHADA: Final = 131047

TOKEN: Final = frozenset({0, 190})
PERMISSAO: Final = frozenset({3, 10, *range(200, 300)})
CONTA: Final = frozenset({368, 131031, 131042, 131045, 133010})
QUALIDADE: Final = frozenset({131048})
LIMITES: Final = frozenset({4, 80007, 130429, LIMITE_POR_PAR})
INTERNOS: Final = frozenset({1, 2, 131000, 131016, 131057})
PERMANENTES: Final = frozenset(
    {33, 100, 131008, 131009, SEM_WHATSAPP, JANELA_FECHADA, 131049, SEM_OPTIN, 131051, 131052, 131053}
)
MODELO: Final = range(132000, 133000)
NUMERO_FORA: Final = frozenset({368, 131031, 131045, 133010})
# Names of people and keys that an error may quote: a user id, a message id (it holds the phone in base64), a token.
_SEGREDO = re.compile(r"\b[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{5,}|\bwamid\.[\w=+/-]+|\bEAA\w+")


@dataclass(frozen=True, slots=True)
class Erro:
    """One error as Meta tells it, by HTTP or inside a webhook. `texto` has neither phone nor user id in it."""

    codigo: int
    texto: str
    transitorio: bool = False
    fbtrace_id: str | None = None


def read_error(error: Any) -> Erro | None:
    """Read an error object; None when it is none."""
    if not isinstance(error, dict):
        return None
    said = words(error.get("message"), DETALHE_MAX) or words(error.get("title"), DETALHE_MAX) or "no reason given"
    details = words(tree(error.get("error_data")).get("details"), DETALHE_MAX)
    text = f"{said}: {details}" if details and details != said else said
    code = whole(error.get("code"))
    trace = words(error.get("fbtrace_id"), 100)
    return Erro(-1 if code is None else code, without_names(text), error.get("is_transient") is True, trace)


def without_names(text: str) -> str:
    """Hide user ids, message ids and tokens; phones are masked where an error is made."""
    return _SEGREDO.sub("***", text)


def first_error(errors: Any) -> Erro | None:
    """Return the first error of a webhook's list, if there is any."""
    return next((erro for error in items(errors) if (erro := read_error(error))), None)


def meaning(codigo: int, *, sem_resposta: Falha) -> Falha | None:
    """Say what a documented code means; None for one that is not. `sem_resposta` stands for "may have been done"."""
    if codigo in TOKEN | PERMISSAO | CONTA | QUALIDADE:
        return Falha.CANAL_FORA
    if codigo in LIMITES:
        return Falha.REPETIR
    if codigo in INTERNOS:
        return sem_resposta
    return Falha.PERMANENTE if codigo in PERMANENTES or codigo in MODELO else None


def effect(codigo: int) -> EfeitoRecibo | None:
    """Say what a failed delivery with this code tells about the doctor or the number."""
    if codigo == SEM_OPTIN:
        return EfeitoRecibo.OPTOUT
    if codigo == SEM_WHATSAPP:
        return EfeitoRecibo.SEM_WHATSAPP
    return EfeitoRecibo.CHIP_FORA if codigo in NUMERO_FORA else restriction(codigo)


def restriction(codigo: int) -> EfeitoRecibo | None:
    """Say whether this code stops the number from writing to anybody first."""
    return EfeitoRecibo.CHIP_RESTRITO if codigo in QUALIDADE else None


def channel_failure(codigo: int) -> ClasseFalha | None:
    """Say what a send that was not taken tells of its number's channel; the limit of a pair tells nothing of it."""
    if codigo == LIMITE_POR_PAR:
        return None
    return ClasseFalha.LIMITE if codigo in LIMITES else ClasseFalha.GATEWAY


def rest_s(codigo: int) -> float:
    """Say for how long a number that is refused with this code would be refused again, in seconds.

    Its state is read as CONNECTED all the while; with a token that does not serve it cannot be read at all.
    """
    return DESCANSO_S if codigo in PERMISSAO | CONTA else 0.0


def judge(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """Judge an answer: an error object decides whatever the status is; then the status; then whether it is JSON."""
    erro = read_error(resposta.objeto.get("error"))
    if erro is not None:
        return _failure(chamada, resposta, erro)
    return by_status(chamada, resposta, without_names(_told(resposta))) or not_json(chamada, resposta)


def _failure(chamada: Chamada, resposta: Resposta, erro: Erro) -> ProviderError:
    falha = meaning(erro.codigo, sem_resposta=unclear(chamada))
    if falha is None:
        # A code that is in no table: the status decides, and what calls itself transient proves nothing.
        told = None if erro.transitorio else by_status(chamada, resposta, "")
        falha = told.falha if told else unclear(chamada)
    waits = PAR_S if erro.codigo == LIMITE_POR_PAR else None
    return ProviderError(
        chamada,
        falha,
        erro.texto,
        status=resposta.status,
        codigo=str(erro.codigo),
        request_id=erro.fbtrace_id or resposta.request_id,
        retry_after_s=resposta.retry_after_s or waits,
    )


def _told(resposta: Resposta) -> str:
    """Name an answer without an error object by its kind alone: a proxy's page says nothing of use."""
    if resposta.status < HTTPStatus.BAD_REQUEST:
        return ""
    kind: Mapping[str, str] = resposta.headers
    return f"no error object ({kind.get('content-type', 'no content type')[:60]})"

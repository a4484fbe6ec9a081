"""What Evolution's answers mean: one error envelope in five shapes, and what each says of a send."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any, Final

from lib.errors import SendRefusedError, SendUnknownError
from lib.providers.chamada import Chamada, Falha, ProviderError, Resposta, by_status, failed, not_json, unclear
from lib.providers.whatsapp import GatewayError, NothingSentError, falha_do_canal

NUMERO_INEXISTENTE: Final = "number does not exist"
# Said of a socket that never lived, or lives no more.
SEM_SOCKET: Final = re.compile(
    r"Connection Closed|Precondition Required|Cannot convert undefined or null to object|is not connected"
    r"|Cannot read properties of (?:undefined|null) \(reading '(?!length')"
)
TEMPO_ESGOTADO: Final = re.compile(r"Timed Out", re.IGNORECASE)
SEM_INSTANCIA: Final = re.compile(r'instance does not exist|Instance ".*" not found')
SEM_ROTA: Final = re.compile(r"Cannot (?:GET|POST|PUT|DELETE) /")
# An exception on its way out, whatever the status: it tells nothing of what had been done before it.
EXCECAO: Final = re.compile(r"\w*Error\b|\[object Object\]|Prisma|Invalid `")
JSON_QUEBRADO: Final = re.compile(r"in JSON at position|Unexpected (?:token|end)|is not valid JSON|Unterminated string")
# Said before the socket is asked for anything.
ANTES_DO_ENVIO: Final = re.compile(r"Text is required|Owned media must be")
MIDIA_INALCANCAVEL: Final = re.compile(r"fetch failed|Request failed with status code|ENOTFOUND|ECONNREFUSED")
BUSCA_MIDIA: Final = frozenset({"sendMedia", "sendWhatsAppAudio"})
# WhatsApp's own words about a group: it will say the same tomorrow.
GRUPO_RECUSADO: Final = re.compile(
    r"\b(gone|not-acceptable|item-not-found|bad-request|resource-limit|conflict|not-authorized|forbidden|locked)\b"
)
CONVITE: Final = re.compile(r"\b[A-Za-z0-9]{22}\b")
CHAVE_RECUSADA: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
RECUSADO: Final = frozenset(
    {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)


def flatten(message: object) -> tuple[str, ...]:
    """Return the texts in an error's `message`: a string, a list, a list of lists, of objects, or nothing.

    Numbers and addresses inside objects, and invitations, are hidden: the reason of a failure is stored and logged.
    """
    if message is None:
        return ()
    if isinstance(message, list):
        return tuple(text for part in message for text in flatten(part))
    if isinstance(message, dict):
        if message.get("exists") is False:
            return (NUMERO_INEXISTENTE,)
        return flatten(message.get("message"))
    return (CONVITE.sub("***", str(message)),)


def error_message(body: object) -> object:
    """Return the `message` of Evolution's envelope, wherever this route puts it; None when there is none."""
    if not isinstance(body, dict):
        return None
    inner = body.get("response")
    if isinstance(inner, dict) and "message" in inner:
        return inner["message"]
    output: Any = body.get("output")
    payload = output.get("payload") if isinstance(output, dict) else None
    return payload.get("message") if isinstance(payload, dict) else body.get("message")


def julga(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """Judge the answer of anything that is not a send."""
    message = error_message(resposta.corpo)
    if _success(resposta):
        failure = not_json(chamada, resposta)
        if failure is None and resposta.objeto.get("error") is True:  # some routes say 200 and mean no
            fora = SEM_SOCKET.search(_said(message))
            failure = failed(
                chamada, resposta, Falha.CANAL_FORA if fora else unclear(chamada), _reason(resposta, message)
            )
        return failure
    return failed(chamada, resposta, _falha(chamada, resposta, message), _reason(resposta, message))


def julga_envio(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """Judge the answer of a send: definite only by what comes before the socket is used, unknown otherwise.

    Whatever breaks inside a send is `400 ["Error: ..."]`, also after the message has left; what breaks in the number
    look-up before it is a bare text with 500.
    """
    if _success(resposta):
        key = resposta.objeto.get("key")
        if isinstance(key, dict) and isinstance(key.get("id"), str) and key["id"]:
            return None
        failure = not_json(chamada, resposta)
        return failure or failed(chamada, resposta, Falha.INCERTA, "accepted without a message id")
    message = error_message(resposta.corpo)
    return failed(chamada, resposta, _send_falha(chamada, resposta, message), _reason(resposta, message))


def gateway_error(failure: ProviderError) -> GatewayError:
    """Return what a caller of anything but a send hears; what may be done about it is in its cause."""
    return GatewayError(str(failure), status=failure.status)


def send_error(failure: ProviderError) -> SendRefusedError | SendUnknownError:
    """Return what the sender of a message hears."""
    reason = str(failure)
    # One key serves every chip: another one would be refused alike, so the message waits until somebody mends it.
    if failure.falha is Falha.REPETIR or (failure.falha is Falha.CANAL_FORA and failure.status in CHAVE_RECUSADA):
        return NothingSentError(reason, retry_after_s=failure.retry_after_s, classe=falha_do_canal(failure.status))
    if failure.falha is Falha.INCERTA:
        return SendUnknownError(reason)
    return SendRefusedError(reason, chip_down=failure.falha is Falha.CANAL_FORA)


def _success(resposta: Resposta) -> bool:
    return HTTPStatus.OK <= resposta.status < HTTPStatus.MULTIPLE_CHOICES


def _said(message: object) -> str:
    return "; ".join(flatten(message))


def _reason(resposta: Resposta, message: object) -> str:
    kind = resposta.headers.get("content-type", "no content type")[:60]
    return _said(message) or ("no reason given" if resposta.json else f"not JSON ({kind})")


def _falha(chamada: Chamada, resposta: Resposta, message: object) -> Falha:
    said = _said(message)
    if resposta.status == HTTPStatus.NOT_FOUND:
        return _missing(chamada, resposta, said)
    if resposta.status == HTTPStatus.FORBIDDEN and "already in use" in said:
        return Falha.PERMANENTE
    never_connected = chamada.nome == "whatsappNumbers" and resposta.corpo == {}
    if never_connected or SEM_SOCKET.search(said):
        return Falha.CANAL_FORA
    if TEMPO_ESGOTADO.search(said):
        return unclear(chamada)
    if resposta.status == HTTPStatus.BAD_REQUEST:
        known = _from_schema(message) or JSON_QUEBRADO.search(said) or GRUPO_RECUSADO.search(said)
        definite = known or not EXCECAO.search(said)
        return Falha.PERMANENTE if resposta.json and definite else unclear(chamada)
    verdict = by_status(chamada, resposta, said)
    return verdict.falha if verdict else unclear(chamada)


def _missing(chamada: Chamada, resposta: Resposta, said: str) -> Falha:
    """Judge a 404: no such instance, no such route, or anything that went wrong with an invitation.

    It is Evolution's only in its envelope: a proxy says it too, while Evolution starts behind it.
    """
    if not resposta.json:
        return Falha.REPETIR
    if SEM_INSTANCIA.search(said) or SEM_SOCKET.search(said):
        return Falha.CANAL_FORA
    if not said or SEM_ROTA.search(said) or GRUPO_RECUSADO.search(said):
        return Falha.PERMANENTE
    return unclear(chamada)


def _send_falha(chamada: Chamada, resposta: Resposta, message: object) -> Falha:
    status, said = resposta.status, _said(message)
    if status == HTTPStatus.NOT_FOUND:
        return _missing(chamada, resposta, said)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _broken_send(chamada, message)
    if status in CHAVE_RECUSADA:
        return Falha.CANAL_FORA
    if status == HTTPStatus.TOO_MANY_REQUESTS:  # of a proxy in front: Evolution has no limit of its own
        return Falha.REPETIR
    before = _from_schema(message) or ANTES_DO_ENVIO.match(said) or JSON_QUEBRADO.search(said)
    refused = status in RECUSADO or (status == HTTPStatus.BAD_REQUEST and before)
    return Falha.PERMANENTE if refused else Falha.INCERTA


def _broken_send(chamada: Chamada, message: object) -> Falha:
    """Judge a 500: a bare text comes from the look-up before the send, a list from anywhere."""
    if isinstance(message, str) and (SEM_SOCKET.search(message) or message == "Timed Out"):
        return Falha.CANAL_FORA
    unreachable = chamada.nome in BUSCA_MIDIA and MIDIA_INALCANCAVEL.search(_said(message))
    return Falha.REPETIR if unreachable else Falha.INCERTA


def _from_schema(message: object) -> bool:
    """Lists of lists come from the schema, `exists: false` from the number look-up: both before anything is done."""
    if not isinstance(message, list) or not message:
        return False
    if all(isinstance(part, list) for part in message):
        return True
    return any(isinstance(part, dict) and (part.get("exists") is False or "property" in part) for part in message)

"""Evolution API v2 as a `WhatsApp` gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from lib.domain.telefone import Endereco, ler_jid
from lib.errors import SendRefusedError, SendUnknownError
from lib.log import mask
from lib.providers.whatsapp import Enviada, EstadoConexao, GatewayError, Instancia, NothingSentError

# What the ingest understands. Not MESSAGES_EDITED: Evolution awaits that delivery and stalls the whole instance on it.
EVENTOS = ("MESSAGES_UPSERT", "MESSAGES_UPDATE", "SEND_MESSAGE", "CONNECTION_UPDATE")
PAGINA = 100
PAGINAS_MAX = 20
MOTIVO_MAX = 200
SONDA_S = 2.0
NUMERO_INEXISTENTE = "number does not exist"

# Said when the instance never had a socket, so nothing can have left. "Connection Closed" and "Timed Out" prove
# nothing: they come from the look-up before the send and from what follows it alike.
NUNCA_CONECTOU = "reading 'onWhatsApp'"
SEM_CHIP = frozenset({HTTPStatus.NOT_FOUND})
# Our key is refused, for every chip alike: the message waits until somebody has mended it.
SEM_CHAVE = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
RECUSADO = frozenset(
    {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)
NAO_CHEGOU = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def flatten(message: object) -> tuple[str, ...]:
    """Return the texts in an error's `message`: a string, a list, a list of lists, of objects, or nothing.

    Numbers and addresses inside objects are left out: the reason of a failure is stored and logged.
    """
    if message is None:
        return ()
    if isinstance(message, list):
        return tuple(text for part in message for text in flatten(part))
    if isinstance(message, dict):
        if message.get("exists") is False:
            return (NUMERO_INEXISTENTE,)
        return flatten(message.get("message"))
    return (str(message),)


def error_message(answer: httpx.Response) -> object:
    """Return the `message` of Evolution's envelope, wherever this route puts it; None when there is none."""
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict):
        return None
    inner = body.get("response")
    if isinstance(inner, dict) and "message" in inner:
        return inner["message"]
    payload = (body.get("output") or {}).get("payload") if isinstance(body.get("output"), dict) else None
    return payload.get("message") if isinstance(payload, dict) else body.get("message")


def reason_of(status: int, message: object) -> str:
    """Return one short line about a failed call, without personal data."""
    texts = "; ".join(flatten(message)) or "no reason given"
    return mask(f"evolution {status}: {texts}")[:MOTIVO_MAX]


def send_failure(status: int, message: object) -> SendRefusedError | SendUnknownError:
    """Judge a failed send by what is known to come before the socket is used; everything else is unknown."""
    reason = reason_of(status, message)
    if status in SEM_CHIP:
        return SendRefusedError(reason, chip_down=True)
    # 429 is of a proxy in front: Evolution has no limit of its own.
    if status == HTTPStatus.TOO_MANY_REQUESTS or status in SEM_CHAVE:
        return NothingSentError(reason)
    never_lived = any(NUNCA_CONECTOU in text for text in flatten(message))
    if status == HTTPStatus.INTERNAL_SERVER_ERROR and never_lived:
        return SendRefusedError(reason, chip_down=True)
    if status in RECUSADO or (status == HTTPStatus.BAD_REQUEST and _schema_error(message)):
        return SendRefusedError(reason)
    return SendUnknownError(reason)


def _schema_error(message: object) -> bool:
    """Lists of lists come from the schema, `exists: false` from the number look-up: both before the send."""
    if not isinstance(message, list) or not message:
        return False
    if all(isinstance(part, list) for part in message) or message == ["Text is required"]:
        return True
    return any(isinstance(part, dict) and part.get("exists") is False for part in message)


@dataclass(frozen=True, slots=True)
class Evolution:
    """Evolution on a pooled client. `envio_max_s` bounds a whole send, its answer included."""

    client: httpx.AsyncClient
    api_key: str
    envio_max_s: float

    async def send_text(self, instancia: str, numero: str, texto: str) -> str:
        """Hand a text over. The error says whether it may be repeated; nothing is retried here."""
        path = f"/message/sendText/{quote(instancia, safe='')}"
        try:
            async with asyncio.timeout(self.envio_max_s):
                answer = await self._request("POST", path, {"number": numero, "text": texto})
        except NAO_CHEGOU as cause:
            raise NothingSentError(f"evolution not reached: {type(cause).__name__}") from cause
        except (httpx.HTTPError, TimeoutError) as cause:
            raise SendUnknownError(f"evolution did not answer: {type(cause).__name__}") from cause
        except TypeError as cause:  # half of a surrogate pair: no JSON can carry it
            raise SendRefusedError("the text is not valid Unicode") from cause
        if not answer.is_success:
            raise send_failure(answer.status_code, error_message(answer))
        key = _object(_object(_decoded(answer)).get("key"))
        if not isinstance(key.get("id"), str):
            raise SendUnknownError("evolution accepted without a message id")
        return str(key["id"])

    async def send_presence(self, instancia: str, numero: str, duracao_ms: int) -> None:
        """Show "typing"; Evolution answers when the time is over."""
        body = {"number": numero, "presence": "composing", "delay": duracao_ms}
        await self._call("POST", f"/chat/sendPresence/{quote(instancia, safe='')}", body)

    async def mark_read(self, instancia: str, numero: str, ids: Sequence[str]) -> None:
        """Mark as read; Evolution silently skips chats addressed by LID."""
        jid = numero if "@" in numero else f"{numero}@s.whatsapp.net"
        keys = [{"remoteJid": jid, "fromMe": False, "id": message} for message in ids]
        await self._call("POST", f"/chat/markMessageAsRead/{quote(instancia, safe='')}", {"readMessages": keys})

    async def find_sent(self, instancia: str, numero: str, desde: datetime) -> Sequence[Enviada]:
        """Page through the instance's own messages, newest first, until `desde`.

        Asked without the number: the stored address may lack the ninth digit or be a LID. Compared by what it names.
        """
        wanted = ler_jid(numero.removeprefix("+"))
        if wanted is None or wanted.grupo:
            raise GatewayError("evolution: neither a number nor a LID, so nothing can be looked up")
        since = desde.replace(microsecond=0)  # the history knows whole seconds only
        found: list[Enviada] = []
        for page in range(1, PAGINAS_MAX + 1):
            body = {"where": {"key": {"fromMe": True}}, "page": page, "offset": PAGINA}
            answer = _object(await self._call("POST", f"/chat/findMessages/{quote(instancia, safe='')}", body))
            listing = _object(answer.get("messages"))
            records = [_object(record) for record in _list(listing.get("records"))]
            times = [_instant(record) for record in records]
            pairs = [(record, em) for record, em in zip(records, times, strict=True) if em is not None and em >= since]
            found += [_enviada(record, em) for record, em in pairs if _names(record, wanted)]
            last = page >= (listing.get("pages") or 0) if isinstance(listing.get("pages"), int) else not records
            if last or any(em is not None and em < since for em in times):
                return found
        raise GatewayError(f"evolution: the history since then is longer than {PAGINAS_MAX * PAGINA} messages")

    async def is_sandbox(self) -> bool | None:
        """Ask the sandbox's own route, without our key."""
        try:
            async with asyncio.timeout(SONDA_S):
                answer = await self.client.get("/_sandbox/pronto")
            return answer.status_code == HTTPStatus.OK and _object(orjson.loads(answer.content)).get("pronto") is True
        except (httpx.HTTPError, TimeoutError):
            return None
        except orjson.JSONDecodeError:
            return False

    async def create_instance(self, instancia: str, numero: str | None, url: str, headers: Mapping[str, str]) -> None:
        """Create it without waiting for a QR code; an existing name is status 403."""
        body = {
            "instanceName": instancia,
            "integration": "WHATSAPP-BAILEYS",
            "qrcode": False,
            "webhook": _webhook(url, headers),
        }
        await self._call("POST", "/instance/create", body | ({"number": numero} if numero else {}))

    async def connect(self, instancia: str) -> None:
        """Start connecting; Evolution takes 2 s to answer."""
        await self._call("GET", f"/instance/connect/{quote(instancia, safe='')}")

    async def connection_state(self, instancia: str) -> EstadoConexao:
        """Return the state in Evolution's memory, which is the true one."""
        answer = _object(await self._call("GET", f"/instance/connectionState/{quote(instancia, safe='')}"))
        return _estado(_object(answer.get("instance")).get("state"))

    async def fetch_instances(self) -> Sequence[Instancia]:
        """Return all instances, with the state of Evolution's database."""
        rows = [_object(row) for row in _list(await self._call("GET", "/instance/fetchInstances"))]
        return tuple(_instancia(row) for row in rows)

    async def set_webhook(self, instancia: str, url: str, headers: Mapping[str, str]) -> None:
        """Set the webhook; Evolution wants it nested and with its events named."""
        body = {"webhook": _webhook(url, headers)}
        await self._call("POST", f"/webhook/set/{quote(instancia, safe='')}", body)

    async def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        headers = {"apikey": self.api_key, "content-type": "application/json"}
        content = None if body is None else orjson.dumps(body)
        return await self.client.request(method, path, content=content, headers=headers)

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> object:
        """Call anything that is not a send, and return the answer's JSON."""
        try:
            async with asyncio.timeout(self.envio_max_s):
                answer = await self._request(method, path, body)
        except (httpx.HTTPError, TimeoutError) as cause:
            raise GatewayError(f"evolution not reached: {type(cause).__name__}") from cause
        if not answer.is_success:
            raise GatewayError(reason_of(answer.status_code, error_message(answer)), status=answer.status_code)
        decoded = _decoded(answer)
        if isinstance(decoded, dict) and decoded.get("error") is True:  # some routes say 200 and mean no
            raise GatewayError(reason_of(answer.status_code, decoded.get("message")), status=answer.status_code)
        return decoded


def _decoded(answer: httpx.Response) -> object:
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _webhook(url: str, headers: Mapping[str, str]) -> dict[str, object]:
    """`events` must be there: without it Evolution answers 500."""
    events = list(EVENTOS)
    return {"enabled": True, "url": url, "events": events, "headers": dict(headers), "byEvents": False, "base64": False}


def _instancia(row: Mapping[str, Any]) -> Instancia:
    number = row.get("number")
    return Instancia(str(row.get("name")), _estado(row.get("connectionStatus")), str(number) if number else None)


def _estado(value: object) -> EstadoConexao:
    """Read a state; one that is not known does not send."""
    return EstadoConexao(str(value)) if value in set(EstadoConexao) else EstadoConexao.FECHADA


def _instant(record: Mapping[str, Any]) -> datetime | None:
    """Seconds since 1970, as a number or as text."""
    try:
        return datetime.fromtimestamp(int(record["messageTimestamp"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _enviada(record: Mapping[str, Any], em: datetime) -> Enviada:
    message = _object(record.get("message"))
    text = message.get("conversation") or _object(message.get("extendedTextMessage")).get("text") or ""
    return Enviada(str(_object(record.get("key")).get("id")), str(text), em)


def _names(record: Mapping[str, Any], wanted: Endereco) -> bool:
    """Tell whether a record is to the address asked for, by phone or by LID."""
    key = _object(record.get("key"))
    if key.get("fromMe") is not True:
        return False
    named = ler_jid(str(key.get("remoteJid") or ""), str(key.get("remoteJidAlt") or ""))
    if named is None or named.grupo:
        return False
    return bool({wanted.telefone, wanted.lid} & {named.telefone, named.lid} - {None})

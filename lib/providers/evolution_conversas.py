"""What Evolution does in a conversation besides sending, and what it knows of numbers and of what was sent."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from lib.domain.telefone import Endereco, digitos, ler_jid
from lib.providers.evolution_envios import ChaveMensagem
from lib.providers.evolution_json import tree, words
from lib.providers.evolution_linha import PRAZO_S, Linha, malformed, segment
from lib.providers.whatsapp import Enviada, GatewayError, Historico

PAGINA: Final = 100
PAGINAS_MAX: Final = 20
DOWNLOAD_S: Final = 60.0
MIDIA_MAX: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class NumeroConferido:
    """What WhatsApp says of a number, up to seven days ago. `existe` is None where Evolution cannot know: LIDs."""

    numero: str
    existe: bool | None
    jid: str | None = None
    lid: str | None = None


@dataclass(frozen=True, slots=True)
class MidiaBaixada:
    """A file that somebody sent, as its sender declared it: the type is not to be believed."""

    mimetype: str | None
    nome: str | None
    conteudo: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Perfil:
    """What somebody shows of themselves."""

    nome: str | None
    recado: str | None
    foto: str | None


class Conversas(Linha):
    """Typing, reading, editing, and what can be looked up. All raise `GatewayError`."""

    __slots__ = ()

    async def send_presence(self, instancia: str, numero: str, duracao_ms: int) -> None:
        """Show "typing"; Evolution answers when the time is over. Safe to repeat."""
        body = {"number": numero, "presence": "composing", "delay": duracao_ms}
        path = f"/chat/sendPresence/{segment(instancia)}"
        await self.ask("sendPresence", "POST", path, body=body, prazo_s=PRAZO_S + duracao_ms / 1000)

    async def mark_read(self, instancia: str, numero: str, ids: Sequence[str]) -> None:
        """Mark as read. Safe to repeat.

        A chat addressed by LID is an error without a call: Evolution skips it and says that it was read. So is a
        group, whose messages it names without their author.
        """
        if not ids:
            return
        jid = numero if "@" in numero else f"{numero}@s.whatsapp.net"
        whose = ler_jid(jid)
        if whose is None or whose.grupo or whose.lid:
            raise GatewayError("evolution markMessageAsRead: only chats addressed by phone can be marked as read")
        keys = [{"remoteJid": jid, "fromMe": False, "id": message} for message in ids]
        path = f"/chat/markMessageAsRead/{segment(instancia)}"
        await self.ask("markMessageAsRead", "POST", path, body={"readMessages": keys})

    async def find_sent(self, instancia: str, numero: str, desde: datetime) -> Historico:
        """Page through the instance's own messages, newest first, until `desde`. Safe to repeat.

        Asked without the number: the stored address may lack the ninth digit or be a LID. Compared by what it names.
        """
        wanted = ler_jid(numero.removeprefix("+"))
        if wanted is None or wanted.grupo:
            raise GatewayError("evolution: neither a number nor a LID, so nothing can be looked up")
        since = desde.replace(microsecond=0)  # the history knows whole seconds only
        found: list[Enviada] = []
        for page in range(1, PAGINAS_MAX + 1):
            body = {"where": {"key": {"fromMe": True}}, "page": page, "offset": PAGINA}
            answer = await self.ask("findMessages", "POST", f"/chat/findMessages/{segment(instancia)}", body=body)
            listing = answer.objeto.get("messages")
            if not isinstance(listing, dict) or not isinstance(listing.get("records"), list):
                raise malformed("findMessages", answer, "a history without records")
            records = [tree(record) for record in listing["records"]]
            times = [_instant(record) for record in records]
            pairs = [(record, em) for record, em in zip(records, times, strict=True) if em is not None and em >= since]
            found += [_enviada(record, em) for record, em in pairs if _names(record, wanted)]
            pages = listing.get("pages")
            last = page >= pages if isinstance(pages, int) else not records
            if last or any(em is not None and em < since for em in times):
                return Historico(tuple(found), completo=True)
        raise GatewayError(f"evolution: the history since then is longer than {PAGINAS_MAX * PAGINA} messages")

    async def check_numbers(self, instancia: str, numeros: Sequence[str]) -> tuple[NumeroConferido, ...]:
        """Ask which numbers have WhatsApp, and return them in the order asked. Safe to repeat.

        Matched by number: Evolution answers in an order of its own, and says `exists` of every LID unseen.
        """
        asked = list(dict.fromkeys(numeros))
        if not asked:
            return ()
        path = f"/chat/whatsappNumbers/{segment(instancia)}"
        answer = await self.ask("whatsappNumbers", "POST", path, body={"numbers": asked})
        if not isinstance(answer.corpo, list):
            raise malformed("whatsappNumbers", answer, "no list of numbers")
        rows = {_plain(row.get("number")): row for row in map(tree, answer.corpo)}
        return tuple(_conferido(numero, rows.get(_plain(numero), {})) for numero in numeros)

    async def download_media(self, instancia: str, msg_id: str) -> MidiaBaixada:
        """Fetch the file of a message that Evolution still has in its database. Safe to repeat."""
        body = {"message": {"key": {"id": msg_id}}, "convertToMp4": False}
        path = f"/chat/getBase64FromMediaMessage/{segment(instancia)}"
        answer = await self.ask("getBase64FromMediaMessage", "POST", path, body=body, prazo_s=DOWNLOAD_S)
        encoded = answer.objeto.get("base64")
        try:
            content = b64decode(encoded, validate=True) if isinstance(encoded, str) else b""
        except binascii.Error as cause:
            raise malformed("getBase64FromMediaMessage", answer, "not base64") from cause
        if not content or len(content) > MIDIA_MAX:
            raise malformed("getBase64FromMediaMessage", answer, "no file, or one of more than 16 MiB")
        return MidiaBaixada(
            words(answer.objeto.get("mimetype"), 100), words(answer.objeto.get("fileName"), 200), content
        )

    async def edit_message(self, instancia: str, numero: str, alvo: ChaveMensagem, texto: str) -> None:
        """Give one of our messages another text. Safe to repeat."""
        body = {"number": numero, "key": alvo.to_wire(), "text": texto}
        await self.ask("updateMessage", "POST", f"/chat/updateMessage/{segment(instancia)}", body=body)

    async def delete_message(self, instancia: str, alvo: ChaveMensagem, *, autor: str | None = None) -> None:
        """Take a message back from everyone; `autor` is who wrote it in a group. Safe to repeat."""
        body = alvo.to_wire() | ({"participant": autor} if autor else {})
        path = f"/chat/deleteMessageForEveryone/{segment(instancia)}"
        await self.ask("deleteMessageForEveryone", "DELETE", path, body=body)

    async def fetch_picture(self, instancia: str, numero: str) -> str | None:
        """Return the address of somebody's picture; None also while disconnected. Safe to repeat."""
        path = f"/chat/fetchProfilePictureUrl/{segment(instancia)}"
        answer = await self.ask("fetchProfilePictureUrl", "POST", path, body={"number": numero})
        return words(answer.objeto.get("profilePictureUrl"), 2_000)

    async def fetch_profile(self, instancia: str, numero: str) -> Perfil:
        """Return what somebody shows of themselves. Safe to repeat."""
        path = f"/chat/fetchProfile/{segment(instancia)}"
        said = (await self.ask("fetchProfile", "POST", path, body={"number": numero})).objeto
        status = said.get("status")
        note = status.get("status") if isinstance(status, dict) else status
        return Perfil(words(said.get("name"), 200), words(note, 500), words(said.get("picture"), 2_000))


def _conferido(numero: str, row: Mapping[str, Any]) -> NumeroConferido:
    """A number that the answer leaves out, or a LID, is not known to exist."""
    whose = ler_jid(numero)
    exists = row.get("exists")
    known = isinstance(exists, bool) and not (whose and whose.lid)
    jid, lid = words(row.get("jid"), 200), words(row.get("lid"), 200)
    return NumeroConferido(numero, exists if known else None, jid, lid if lid and lid.endswith("@lid") else None)


def _plain(numero: object) -> str:
    """Digits for phones; what names a LID or a group keeps its server."""
    text = str(numero)
    server = text.partition("@")[2]
    return f"{digitos(text)}@{server}" if server not in {"", "s.whatsapp.net", "c.us"} else digitos(text)


def _instant(record: Mapping[str, Any]) -> datetime | None:
    """Seconds since 1970, as a number or as text."""
    try:
        return datetime.fromtimestamp(int(record["messageTimestamp"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _enviada(record: Mapping[str, Any], em: datetime) -> Enviada:
    message = tree(record.get("message"))
    text = message.get("conversation") or tree(message.get("extendedTextMessage")).get("text") or ""
    return Enviada(str(tree(record.get("key")).get("id")), str(text), em)


def _names(record: Mapping[str, Any], wanted: Endereco) -> bool:
    """Tell whether a record is to the address asked for, by phone or by LID."""
    key = tree(record.get("key"))
    if key.get("fromMe") is not True:
        return False
    named = ler_jid(str(key.get("remoteJid") or ""), str(key.get("remoteJidAlt") or ""))
    if named is None or named.grupo:
        return False
    return bool({wanted.telefone, wanted.lid} & {named.telefone, named.lid} - {None})

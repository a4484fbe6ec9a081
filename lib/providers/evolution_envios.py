"""Evolution's sends. Each is one message, has no id of ours, and is never safe to repeat unless its error says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from lib.providers.evolution_linha import Linha
from lib.providers.whatsapp import Envio

MIDIA_PRAZO_S: Final = 90.0  # Evolution fetches the file, converts voice notes with ffmpeg, and uploads to WhatsApp


class TipoMidia(StrEnum):
    """What a file is shown as."""

    IMAGEM = "image"
    VIDEO = "video"
    DOCUMENTO = "document"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Arquivo:
    """A file to send. `conteudo` is an address that the gateway fetches, or base64 without a `data:` prefix."""

    tipo: TipoMidia
    conteudo: str
    nome: str | None = None
    mimetype: str | None = None
    legenda: str | None = None


@dataclass(frozen=True, slots=True)
class Local:
    """A place on the map; Evolution wants all four."""

    latitude: float
    longitude: float
    nome: str
    endereco: str


@dataclass(frozen=True, slots=True)
class ChaveMensagem:
    """Which message is meant: its id, its chat's address, and whether it is ours."""

    id: str
    jid: str
    nossa: bool

    def to_wire(self) -> dict[str, object]:
        """Return Evolution's `key`."""
        return {"id": self.id, "remoteJid": self.jid, "fromMe": self.nossa}


class Envios(Linha):
    """Sends of every kind. All raise the errors of `WhatsApp.send_text`; `atraso_ms` is time spent "typing" first."""

    __slots__ = ()

    async def send_text(self, envio: Envio) -> str:
        """Hand a text over; approved templates are Meta's alone, so it is always the text. Not safe to repeat."""
        body = {"number": envio.numero, "text": envio.texto}
        return await self.deliver("sendText", envio.instancia, body, self.envio_max_s)

    async def send_media(self, instancia: str, numero: str, arquivo: Arquivo, *, atraso_ms: int = 0) -> str:
        """Hand a file over. Not safe to repeat, except where its address could not be fetched."""
        body = {
            "number": numero,
            "mediatype": arquivo.tipo.value,
            "media": _bare(arquivo.conteudo),
            "fileName": arquivo.nome,
            "mimetype": arquivo.mimetype,
            "caption": arquivo.legenda,
        }
        return await self._slow("sendMedia", instancia, body, atraso_ms, MIDIA_PRAZO_S)

    async def send_audio(self, instancia: str, numero: str, conteudo: str, *, atraso_ms: int = 0) -> str:
        """Hand a voice note over, as an address or as base64; Evolution converts it. Not safe to repeat."""
        body = {"number": numero, "audio": _bare(conteudo)}
        return await self._slow("sendWhatsAppAudio", instancia, body, atraso_ms, MIDIA_PRAZO_S)

    async def send_location(self, instancia: str, numero: str, local: Local, *, atraso_ms: int = 0) -> str:
        """Hand a place over. Not safe to repeat."""
        body = {
            "number": numero,
            "latitude": local.latitude,
            "longitude": local.longitude,
            "name": local.nome,
            "address": local.endereco,
        }
        return await self._slow("sendLocation", instancia, body, atraso_ms, self.envio_max_s)

    async def send_contact(self, instancia: str, numero: str, nome: str, telefone: str, *, atraso_ms: int = 0) -> str:
        """Hand a contact card over; `telefone` is digits with the country code. Not safe to repeat."""
        body = {"number": numero, "contact": [{"fullName": nome, "phoneNumber": telefone}]}
        return await self._slow("sendContact", instancia, body, atraso_ms, self.envio_max_s)

    async def send_reaction(self, instancia: str, alvo: ChaveMensagem, emoji: str) -> str:
        """React to a message; an empty text takes the reaction back. Not safe to repeat."""
        body = {"key": alvo.to_wire(), "reaction": emoji}
        return await self._slow("sendReaction", instancia, body, 0, self.envio_max_s)

    async def send_poll(
        self, instancia: str, numero: str, pergunta: str, opcoes: Sequence[str], *, atraso_ms: int = 0
    ) -> str:
        """Hand a poll with one choice over; votes come back with 2.3.7 only. Not safe to repeat."""
        body = {"number": numero, "name": pergunta, "selectableCount": 1, "values": list(opcoes)}
        return await self._slow("sendPoll", instancia, body, atraso_ms, self.envio_max_s)

    async def _slow(self, nome: str, instancia: str, body: Mapping[str, Any], atraso_ms: int, prazo_s: float) -> str:
        """Evolution serves the delay before it sends, so the time-out grows by it."""
        wanted = {name: value for name, value in body.items() if value is not None}
        delay = {"delay": atraso_ms} if atraso_ms else {}
        return await self.deliver(nome, instancia, wanted | delay, prazo_s + atraso_ms / 1000)


def _bare(conteudo: str) -> str:
    """Evolution refuses base64 that still has its `data:` prefix."""
    return conteudo.partition(",")[2] if conteudo.startswith("data:") else conteudo

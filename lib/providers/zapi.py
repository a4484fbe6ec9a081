"""Z-API as a `WhatsApp` gateway: every send is queued there, and its fate comes by webhook."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Final

import httpx
import orjson

from lib.domain.telefone import ler_jid
from lib.errors import SendRefusedError
from lib.providers.whatsapp import Enviada, Envio, EstadoConexao, GatewayError, Historico
from lib.providers.zapi_chamada import destination
from lib.providers.zapi_conta import Conta

SONDA_S: Final = 2.0


class Zapi(Conta):
    """Z-API on a pooled client: `Zapi(client, client_token, instancias, envio_max_s)`.

    `client_token` is the account's security token, `instancias` each instance's own token by its id.
    """

    __slots__ = ()

    async def send_text(self, envio: Envio) -> str:
        """Queue a text and return its id; queued is not sent. Never safe to repeat: there is no idempotency key."""
        return await self.send(envio.instancia, "send-text", envio.numero, {"message": envio.texto})

    async def send_image(self, instancia: str, numero: str, imagem: str, legenda: str = "") -> str:
        """Queue a picture, by its address or as `data_uri`. Never safe to repeat."""
        return await self.send(instancia, "send-image", numero, {"image": _file(imagem), "caption": legenda})

    async def send_video(self, instancia: str, numero: str, video: str, legenda: str = "") -> str:
        """Queue a video, by its address or as `data_uri`. Never safe to repeat."""
        return await self.send(instancia, "send-video", numero, {"video": _file(video), "caption": legenda})

    async def send_audio(self, instancia: str, numero: str, audio: str) -> str:
        """Queue a voice message, by its address or as `data_uri`. Never safe to repeat."""
        return await self.send(instancia, "send-audio", numero, {"audio": _file(audio), "waveform": True})

    async def send_document(self, instancia: str, numero: str, documento: str, nome: str, legenda: str = "") -> str:
        """Queue a document, by its address or as `data_uri`; its name's ending tells its kind. Never safe to repeat."""
        ending = nome.rpartition(".")[2].lower()
        if not (ending.isascii() and ending.isalnum()) or ending == nome.lower():
            raise SendRefusedError("the document's name has no ending")
        body = {"document": _file(documento), "fileName": nome, "caption": legenda}
        return await self.send(instancia, "send-document", numero, body, f"/send-document/{ending}")

    async def send_reaction(self, instancia: str, numero: str, msg_id: str, reacao: str) -> str:
        """Queue a reaction to a message; an empty one takes ours back. Never safe to repeat."""
        if reacao:
            return await self.send(instancia, "send-reaction", numero, {"reaction": reacao, "messageId": msg_id})
        return await self.send(instancia, "send-remove-reaction", numero, {"messageId": msg_id})

    async def send_presence(self, instancia: str, numero: str, duracao_ms: int) -> None:
        """Do nothing: Z-API shows "typing" only together with a send, and has no call of its own for it."""

    async def mark_read(self, instancia: str, numero: str, ids: Sequence[str]) -> None:
        """Mark as read, one call a message. Safe to repeat."""
        try:
            phone = destination(numero)
        except SendRefusedError as cause:
            raise GatewayError(f"zapi read-message: {cause.reason}") from cause
        for msg_id in ids:
            body = {"phone": phone, "messageId": msg_id}
            await self.other(instancia, "read-message", "POST", "/read-message", segura=True, body=body, texto=True)

    async def delete_message(self, instancia: str, numero: str, msg_id: str, *, nossa: bool = True) -> None:
        """Delete a message for everybody; `nossa`: we wrote it. Safe to repeat."""
        params = {"messageId": msg_id, "phone": numero.removeprefix("+"), "owner": "true" if nossa else "false"}
        await self.other(instancia, "messages", "DELETE", "/messages", segura=True, params=params, texto=True)

    async def find_sent(self, instancia: str, numero: str, desde: datetime) -> Historico:
        """Return what of ours to this number is still queued: no proof of anything that is not. Safe to repeat."""
        wanted = ler_jid(numero.removeprefix("+"))
        if wanted is None or wanted.grupo:
            raise GatewayError("zapi: neither a number nor a LID, so nothing can be looked up")
        names = {wanted.telefone, wanted.lid} - {None}
        found = [
            Enviada(row.msg_id, row.texto, row.criada_em)
            for row in await self.list_queue(instancia)
            if row.msg_id and row.criada_em and row.criada_em >= desde.replace(microsecond=0)
            if (whose := ler_jid(row.telefone)) and {whose.telefone, whose.lid} & names
        ]
        return Historico(sorted(found, key=lambda one: one.em, reverse=True), completo=False)

    async def is_sandbox(self) -> bool | None:
        """Ask the sandbox's own route, without our tokens. Safe to repeat."""
        try:
            async with asyncio.timeout(SONDA_S):
                answer = await self.client.get("/_sandbox/pronto")
            ready = orjson.loads(answer.content)
        except (httpx.HTTPError, TimeoutError):
            return None
        except orjson.JSONDecodeError:
            return False
        return answer.status_code == HTTPStatus.OK and isinstance(ready, dict) and ready.get("pronto") is True

    async def connection_state(self, instancia: str) -> EstadoConexao:
        """Return the connection's state; without the phone's own connection it counts as closed. Safe to repeat."""
        now = await self.situation(instancia)
        return EstadoConexao.ABERTA if now.conectado and now.celular else EstadoConexao.FECHADA


def _file(source: str) -> str:
    """Return a file as it may be sent.

    Raises:
        SendRefusedError: neither an address nor a `data:` one; Z-API would take bare base64 for an address.
    """
    if not source.startswith(("data:", "https://", "http://")):
        raise SendRefusedError("a file goes by its address or as a data URI")
    return source

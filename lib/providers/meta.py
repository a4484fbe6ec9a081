"""WhatsApp Cloud API of Meta as a `WhatsApp` gateway. An instance is a phone number id.

Meta keeps no idempotency key: our outbox id travels as `biz_opaque_callback_data` and comes back in every status, which
is what settles a send whose answer was lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx

from lib.errors import SendRefusedError, SendUnknownError
from lib.providers import meta_forma as forma
from lib.providers.chamada import Chamada, Falha, ProviderError, Resposta, call, failed, unclear
from lib.providers.meta_erros import channel_failure, effect, judge, rest_s, restriction
from lib.providers.meta_forma import Aceita, Botoes, EstadoNumero, Lista, MidiaEnviada
from lib.providers.whatsapp import Envio, EstadoConexao, GatewayError, Historico, NothingSentError

VERSAO: Final = "v23.0"
BASE_URL: Final = "https://graph.facebook.com"
SONDA_S: Final = 2.0
CAMPOS: Final = "display_phone_number,verified_name,quality_rating,status,name_status,messaging_limit_tier,throughput"


@dataclass(frozen=True, slots=True)
class Meta:
    """The Cloud API on a pooled client. `envio_max_s` bounds a whole call, its answer included."""

    client: httpx.AsyncClient
    token: str = field(repr=False)
    envio_max_s: float = 30.0

    async def send_text(self, envio: Envio) -> str:
        """Hand a text over, or the template that takes its place, and return Meta's id. Never safe to repeat.

        Taken is not delivered: outside the 24 hours a text is taken and its failure 131047 comes by webhook.

        Raises:
            SendRefusedError: not sent, and never will be this way.
            NothingSentError: nothing was taken.
            SendUnknownError: it may or may not have been sent.
        """
        content = forma.template(envio.modelo) if envio.modelo is not None else forma.text(envio.texto)
        return (await self._send(envio.instancia, envio.numero, envio.outbox_id, content)).wamid

    async def send_interactive(self, instancia: str, numero: str, pedido: Botoes | Lista, outbox_id: int) -> Aceita:
        """Send buttons or a list, only inside the 24 hours. Never safe to repeat; raises as `send_text`."""
        content = forma.buttons(pedido) if isinstance(pedido, Botoes) else forma.listing(pedido)
        return await self._send(instancia, numero, outbox_id, content)

    async def send_media(self, instancia: str, numero: str, pedido: MidiaEnviada, outbox_id: int) -> Aceita:
        """Send a file, only inside the 24 hours. Never safe to repeat; raises as `send_text`."""
        return await self._send(instancia, numero, outbox_id, forma.media(pedido))

    async def send_presence(self, instancia: str, numero: str, duracao_ms: int) -> None:
        """Do nothing: Meta shows "typing" only together with marking a message as read (`read_and_type`)."""

    async def mark_read(self, instancia: str, numero: str, ids: Sequence[str]) -> None:  # noqa: ARG002 - the protocol's
        """Mark messages as read. Safe to repeat.

        Raises:
            GatewayError: it was not done.
        """
        for msg_id in dict.fromkeys(ids):
            await self._read(instancia, msg_id, {})

    async def read_and_type(self, instancia: str, msg_id: str) -> None:
        """Mark a message as read and show "typing" until the answer or for 25 s. Safe to repeat.

        Raises:
            GatewayError: it was not done.
        """
        await self._read(instancia, msg_id, {"typing_indicator": {"type": "text"}})

    async def find_sent(self, instancia: str, numero: str, desde: datetime) -> Historico:  # noqa: ARG002 - the protocol's
        """Say that Meta keeps no history of ours: what settles a send are its statuses. Safe to repeat."""
        return Historico((), completo=False)

    async def is_sandbox(self) -> bool | None:
        """Ask the sandbox's own route, without our token. Safe to repeat."""
        try:
            answer = await call(
                self.client,
                Chamada("meta", "sandbox", segura=True, prazo_s=SONDA_S),
                "GET",
                "/_sandbox/pronto",
                julga=lambda _chamada, _resposta: None,
            )
        except ProviderError:
            return None
        return answer.status == HTTPStatus.OK and answer.objeto.get("pronto") is True

    async def connection_state(self, instancia: str) -> EstadoConexao:
        """Return whether the number may send now. Safe to repeat.

        Raises:
            GatewayError: Meta did not say.
        """
        return (await self.number_state(instancia)).conexao

    async def number_state(self, instancia: str) -> EstadoNumero:
        """Return the number's state, quality and limits. Safe to repeat.

        Raises:
            GatewayError: Meta did not say.
        """
        answer = await self.ask("number_state", "GET", quoted(instancia), safe=True, params={"fields": CAMPOS})
        return forma.read_number(answer.objeto)

    async def ask(self, nome: str, method: str, path: str, *, safe: bool, **extra: Any) -> Resposta:
        """Make a call that is no send.

        `path` follows the version and `extra` goes to `call` (`body`, `params`, `data`, `files`).

        Raises:
            GatewayError: it was not done, or not known to be.
        """
        try:
            return await self._call(Chamada("meta", nome, segura=safe, prazo_s=self.envio_max_s), method, path, **extra)
        except ProviderError as cause:
            raise GatewayError(str(cause), status=cause.status) from cause

    async def _read(self, instancia: str, msg_id: str, more: Mapping[str, Any]) -> None:
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": msg_id, **more}
        answer = await self.ask("mark_read", "POST", f"{quoted(instancia)}/messages", safe=True, body=body)
        done(answer, "mark_read")

    async def _send(self, instancia: str, numero: str, outbox_id: int, content: Mapping[str, Any]) -> Aceita:
        body = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            **forma.recipient(numero),
            **content,
            "biz_opaque_callback_data": str(outbox_id),
        }
        chamada = Chamada("meta", "messages", segura=False, prazo_s=self.envio_max_s)
        try:
            answer = await self._call(chamada, "POST", f"{quoted(instancia)}/messages", body=body)
            sent = forma.read_sent(answer.objeto)
            if sent is None:
                raise failed(chamada, answer, unclear(chamada), "accepted without a message id")
        except ProviderError as cause:
            raise as_send(cause) from cause
        except TypeError as cause:  # half of a surrogate pair: no JSON can carry it
            raise SendRefusedError("meta: the text is not valid Unicode") from cause
        return sent

    async def _call(self, chamada: Chamada, method: str, path: str, **extra: Any) -> Resposta:
        headers = {"authorization": f"Bearer {self.token}"}
        return await call(self.client, chamada, method, f"/{VERSAO}/{path}", julga=judge, headers=headers, **extra)


def as_send(cause: ProviderError) -> SendRefusedError | SendUnknownError:
    """Say what a failed send means to the outbox."""
    code = int(cause.codigo) if cause.codigo else -1
    match cause.falha:
        case Falha.PERMANENTE:
            return SendRefusedError(str(cause), efeito=effect(code))
        case Falha.CANAL_FORA:
            return SendRefusedError(str(cause), chip_down=True, descanso_s=rest_s(code), efeito=restriction(code))
        case Falha.REPETIR:
            return NothingSentError(str(cause), retry_after_s=cause.retry_after_s, classe=channel_failure(code))
        case Falha.INCERTA:
            return SendUnknownError(str(cause))


def quoted(part: str) -> str:
    """Write an id as one step of a path."""
    return quote(part, safe="")


def done(answer: Resposta, nome: str) -> None:
    """Check the `success` that some calls answer with.

    Raises:
        GatewayError: Meta said 200 and no.
    """
    if answer.objeto.get("success") is not True:
        raise GatewayError(f"meta {nome} {answer.status}: no success", status=answer.status)

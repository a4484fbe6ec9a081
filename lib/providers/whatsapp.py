"""What the program wants of a WhatsApp gateway, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Protocol

from lib.domain.chip import Gateway
from lib.domain.disjuntor import ClasseFalha
from lib.errors import AgenteError, SendRefusedError, SendUnknownError


class GatewayError(AgenteError):
    """The gateway did not do what was asked (sends excepted: they have their own errors).

    `status` is its HTTP status, None when it was not reached or did not answer in time. 404 means: no such instance.
    """

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class NothingSentError(SendUnknownError):
    """The gateway took nothing, so the same send may be tried again on the same chip, at `retry_after_s` if it said so.

    `classe` says what this tells of the channel: None, nothing (a limit of this recipient). It is a `SendUnknownError`
    so that a caller who does not tell them apart errs on the safe side.
    """

    def __init__(
        self, reason: str, *, retry_after_s: float | None = None, classe: ClasseFalha | None = ClasseFalha.GATEWAY
    ) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
        self.classe = classe


def falha_do_canal(status: int | None) -> ClasseFalha:
    """Return what an answer that took nothing tells of the channel."""
    return ClasseFalha.LIMITE if status == HTTPStatus.TOO_MANY_REQUESTS else ClasseFalha.GATEWAY


class EstadoConexao(StrEnum):
    """The state of an instance's connection to WhatsApp, in the gateway's words."""

    ABERTA = "open"
    CONECTANDO = "connecting"
    FECHADA = "close"


@dataclass(frozen=True, slots=True)
class Enviada:
    """A message that the gateway's history shows as sent by us."""

    id: str
    texto: str
    em: datetime


@dataclass(frozen=True, slots=True)
class Instancia:
    """An instance as listed; its state here may lag behind `connection_state`. Its token is left out on purpose.

    `estado` is None when it is none that we know. `numero` is the one asked for, `dono` the one that was paired, in
    digits. `codigo` says why the last session ended, `caiu_em` when.
    """

    nome: str
    estado: EstadoConexao | None
    numero: str | None = field(repr=False)
    dono: str | None = field(default=None, repr=False)
    codigo: int | None = None
    caiu_em: datetime | None = None


@dataclass(frozen=True, slots=True)
class Historico:
    """What a gateway remembers of our sends, newest first. `completo`: what is not in it was not sent."""

    enviadas: Sequence[Enviada]
    completo: bool


@dataclass(frozen=True, slots=True)
class Envio:
    """A text to send. `numero` is digits with the country code, a LID's address with `@`, or a Meta user id (`BR.…`).

    `outbox_id` is our own name for it, which some gateways give back. `modelo` takes the place of the text where only
    an approved template may go.
    """

    instancia: str
    numero: str
    texto: str
    outbox_id: int
    modelo: ModeloEnviado | None = None


@dataclass(frozen=True, slots=True)
class ModeloEnviado:
    """An approved template with the values of its body, in order."""

    nome: str
    idioma: str
    parametros: tuple[str, ...] = ()


class WhatsApp(Protocol):
    """A gateway. Nothing here retries: the outbox owns the retries of sends, the caller those of the rest.

    All methods but `send_text` and `is_sandbox` raise `GatewayError`.
    """

    async def send_text(self, envio: Envio) -> str:
        """Hand a text over and return the gateway's message id. Never safe to repeat on `SendUnknownError`.

        Raises:
            SendRefusedError: not sent, and never will be this way; `chip_down` when another chip may try.
            NothingSentError: nothing was taken, and it may be tried again.
            SendUnknownError: it may or may not have been sent.
        """
        ...

    async def send_presence(self, instancia: str, numero: str, duracao_ms: int) -> None:
        """Show "typing" for this long, where the gateway can; the call may last as long. Safe to repeat."""
        ...

    async def mark_read(self, instancia: str, numero: str, ids: Sequence[str]) -> None:
        """Mark a doctor's messages as read. Safe to repeat."""
        ...

    async def find_sent(self, instancia: str, numero: str, desde: datetime) -> Historico:
        """Return what the gateway remembers as sent by us to this number since then. Safe to repeat.

        A history that cannot be read to `desde` is a `GatewayError`; a gateway that keeps none says so (`completo`).
        """
        ...

    async def is_sandbox(self) -> bool | None:
        """Tell whether the sandbox answers at the gateway's address; None when nobody answers (decision D31)."""
        ...

    async def connection_state(self, instancia: str) -> EstadoConexao:
        """Return the connection's state now. Safe to repeat."""
        ...


class Instancias(Protocol):
    """A gateway whose instances we make ourselves."""

    async def create_instance(self, instancia: str, numero: str | None, url: str, headers: Mapping[str, str]) -> None:
        """Create an instance with its webhook. Safe to repeat: the second time it is refused with status 403."""
        ...

    async def connect(self, instancia: str) -> None:
        """Ask the instance to connect; its state tells whether it did. Safe to repeat."""
        ...

    async def fetch_instances(self) -> Sequence[Instancia]:
        """Return all instances that our key may see. Safe to repeat."""
        ...

    async def set_webhook(self, instancia: str, url: str, headers: Mapping[str, str]) -> None:
        """Set where and with which headers the instance reports. Safe to repeat."""
        ...


@dataclass(frozen=True, slots=True)
class Gateways:
    """The gateways that this machine is set up for, and whose address the sandbox might be at."""

    configurados: Mapping[Gateway, WhatsApp]

    def de(self, gateway: Gateway | str) -> WhatsApp:
        """Return a chip's gateway.

        Raises:
            GatewayMissingError: it is not set up here; for a send it counts as a refusal by a chip that is out.
        """
        try:
            return self.configurados[Gateway(gateway)]
        except KeyError:
            raise GatewayMissingError(gateway) from None

    async def is_sandbox(self) -> bool | None:
        """Tell whether the sandbox answers for every gateway; None when one of them does not answer (decision D31)."""
        answers = await asyncio.gather(*(one.is_sandbox() for one in self.configurados.values()))
        if any(answer is False for answer in answers):
            return False
        return None if None in answers else True


class GatewayMissingError(SendRefusedError):
    """A chip's gateway has no settings on this machine."""

    def __init__(self, gateway: str) -> None:
        super().__init__(f"gateway {gateway} is not set up", chip_down=True)

"""What a WhatsApp gateway's webhook can be to us, whichever gateway it is: all parsers end here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from lib.domain.chip_ciclo import Perda
from lib.domain.mensagem import Detalhes, MensagemRecebida, Midia, conteudo


@dataclass(frozen=True, slots=True)
class Eco:
    """A message of our own number. `digitada`: a person wrote it on the phone or a linked device, not our API."""

    msg_id: str
    telefone: str | None
    lid: str | None
    midia: Midia
    texto: str | None
    enviada_em: datetime | None
    digitada: bool = False
    detalhes: Detalhes = field(default_factory=Detalhes)

    @property
    def conteudo(self) -> dict[str, Any] | None:
        """What the kind carries besides words, as stored."""
        return conteudo(self.detalhes)


class EfeitoRecibo(StrEnum):
    """What a failed delivery says beyond itself."""

    OPTOUT = "optout"
    SEM_WHATSAPP = "sem_whatsapp"
    CHIP_FORA = "chip_fora"
    CHIP_RESTRITO = "chip_restrito"


@dataclass(frozen=True, slots=True)
class Recibo:
    """A receipt; `status` is the gateway's word, `entrega` ours (`lib.models.conversa.Entrega`).

    `outbox_id` is our own name for the message where the gateway gives it back, which proves an unclear send. `erro` is
    the vendor's code and text for a failure, without personal data; `efeito` what follows from it.
    """

    msg_id: str
    status: str
    entrega: str
    outbox_id: int | None = None
    erro: str | None = None
    efeito: EfeitoRecibo | None = None


@dataclass(frozen=True, slots=True)
class Conexao:
    """The instance connected or lost its connection, and why where that is known.

    `codigo` is the gateway's for the lost session, `perda` what follows for the number.
    """

    conectado: bool
    motivo: str | None = None
    codigo: int | None = None
    perda: Perda | None = None


@dataclass(frozen=True, slots=True)
class Outro:
    """Authentic, but nothing we act on; `morta` when it could not be understood."""

    motivo: str
    morta: bool = False


@dataclass(frozen=True, slots=True)
class Preferencia:
    """A doctor told the gateway itself, by its own menu, to stop or to allow our messages."""

    telefone: str | None
    lid: str | None
    parar: bool


Evento = MensagemRecebida | Eco | Recibo | Conexao | Preferencia | Outro

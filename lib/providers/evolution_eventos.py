"""What an Evolution webhook can be to us."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Recibo:
    """A receipt; `status` is the gateway's word, `entrega` ours."""

    msg_id: str
    status: str
    entrega: str


@dataclass(frozen=True, slots=True)
class Conexao:
    """The instance connected or lost its connection, and why where that is known."""

    conectado: bool
    motivo: str | None = None


@dataclass(frozen=True, slots=True)
class Outro:
    """Authentic, but nothing we act on; `morta` when it could not be understood."""

    motivo: str
    morta: bool = False


Evento = MensagemRecebida | Eco | Recibo | Conexao | Outro

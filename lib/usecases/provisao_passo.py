"""What one look at an order for a new number can come to, and what all its steps share."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from lib.crash import Crashpoint
from lib.domain.telefone import normalizar
from lib.providers.ativador import Ativador
from lib.providers.salvy import Salvy, chave_de_teste
from lib.queries.provisao import Pedido
from lib.resources import Resources
from lib.settings import Ambiente

FORA_DE_PRODUCAO: Final = "fora de produção só se usa o sandbox, com uma chave de teste da Salvy"


@dataclass(frozen=True, slots=True)
class Feito:
    """Something was done and kept: look again at once."""


@dataclass(frozen=True, slots=True)
class Espere:
    """Nothing to do before so many seconds; `motivo` tells people what is waited for."""

    segundos: float
    motivo: str


@dataclass(frozen=True, slots=True)
class Pare:
    """Only a person gets on from here; `motivo` says why, in Portuguese."""

    motivo: str


Passo = Feito | Espere | Pare


class FaltaError(Exception):
    """A vendor that the step needs is not set up here; the text says which, for people."""


@dataclass(slots=True)
class Contexto:
    """One run's work on one order.

    `permitido`: a number may be had from here. `conectou`: its instance was told to connect, which is done once a run.
    """

    resources: Resources
    crash: Crashpoint = field(repr=False)
    permitido: bool = False
    conectou: bool = False

    @classmethod
    def of(cls, resources: Resources) -> Contexto:
        """Make the context of a run."""
        return cls(resources, Crashpoint(resources.settings.crashpoint))

    def agora(self) -> datetime:
        """Return the present instant."""
        return self.resources.clock()

    @property
    def olhada_s(self) -> float:
        """How long to wait before the next look."""
        return self.resources.settings.provisao_olhada_s

    @property
    def salvy(self) -> Salvy:
        """The vendor of numbers.

        Raises:
            FaltaError: it is not set up.
        """
        if self.resources.salvy is None:
            raise FaltaError("a Salvy não está configurada (AGENTE_SALVY_URL)")
        return self.resources.salvy

    @property
    def ativador(self) -> Ativador:
        """The activator.

        Raises:
            FaltaError: it is not set up.
        """
        if self.resources.ativador is None:
            raise FaltaError("o ativador não está configurado (AGENTE_ATIVADOR_URL)")
        return self.resources.ativador


def telefone_de(pedido: Pedido) -> str:
    """Return the number of an order that was bought, E.164.

    Raises:
        ValueError: the order is not that far.
    """
    telefone = normalizar(pedido.telefone or "")
    if telefone is None:
        raise ValueError("an order without a number")
    return telefone


async def proibido(resources: Resources) -> bool | None:
    """Tell whether no number may be had from here: outside production all must be the sandbox. None: nobody knows.

    A test key rents nothing real; the activator must be where the gateway is, and that must say that it is the sandbox.
    """
    settings, salvy = resources.settings, resources.salvy
    if settings.ambiente is Ambiente.PRODUCAO:
        return False
    if salvy is not None and not chave_de_teste(salvy.api_key):
        return True
    places = {urlsplit(url).netloc for url in (settings.evolution_url, settings.ativador_url) if url}
    sandbox = await resources.evolution.is_sandbox() if len(places) == 1 else False
    return None if sandbox is None else not sandbox


async def permitido(contexto: Contexto) -> Passo | None:
    """Say what keeps a run from going on from here; None, from then on without asking again, when nothing does."""
    refused = False if contexto.permitido else await proibido(contexto.resources)
    if refused is None:
        return Espere(contexto.olhada_s, "o gateway não responde se é o sandbox")
    contexto.permitido = not refused
    return Pare(FORA_DE_PRODUCAO) if refused else None

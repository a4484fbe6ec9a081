"""The language model, as the agent sees it: what is asked, what comes back, and who may step in for whom."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Literal, Protocol

from lib.errors import ModelOverloadedError, ModelRefusedError, ModelUnavailableError

TRUNCADAS = frozenset({"max_tokens", "model_context_window_exceeded"})


@dataclass(frozen=True, slots=True)
class Texto:
    """Text, ours or the model's."""

    texto: str


@dataclass(frozen=True, slots=True)
class UsoFerramenta:
    """The model asks for a tool; every one of them must be answered in the next message."""

    id: str
    nome: str
    entrada: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResultadoFerramenta:
    """The answer to the tool use with this id."""

    id: str
    conteudo: str
    erro: bool = False


@dataclass(frozen=True, slots=True)
class BlocoBruto:
    """A block of a kind that we do not read (thinking, kinds to come), kept so that history is replayed unchanged."""

    dados: Mapping[str, Any]


Bloco = Texto | UsoFerramenta | ResultadoFerramenta | BlocoBruto


@dataclass(frozen=True, slots=True)
class Mensagem:
    """One side's words; the first and the last of a request are the user's."""

    papel: Literal["user", "assistant"]
    blocos: tuple[Bloco, ...]


@dataclass(frozen=True, slots=True)
class Ferramenta:
    """A tool offered to the model; `esquema` is the JSON schema of its input."""

    nome: str
    descricao: str
    esquema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pedido:
    """One call. `sistema` is the cacheable prefix: nothing that changes from turn to turn belongs in it.

    `esquema` asks for an answer that is JSON of this schema; refusals and truncated answers may still break it.
    `prazo_s` bounds the whole call. `so_texto` forbids tool calls while the tools, part of the cached prefix, stay.
    """

    sistema: tuple[str, ...]
    mensagens: tuple[Mensagem, ...]
    modelo: str
    prazo_s: float
    ferramentas: tuple[Ferramenta, ...] = ()
    max_tokens: int = 600
    esquema: Mapping[str, Any] | None = None
    so_texto: bool = False


@dataclass(frozen=True, slots=True)
class Uso:
    """Tokens as billed: `entrada` does not hold what was written to or read from the prompt cache."""

    entrada: int = 0
    saida: int = 0
    cache_escrita: int = 0
    cache_leitura: int = 0

    @property
    def entrada_total(self) -> int:
        """All that the model read."""
        return self.entrada + self.cache_escrita + self.cache_leitura


@dataclass(frozen=True, slots=True)
class Resposta:
    """The model's answer; `parada` is its stop reason as sent, which may be one that nobody knows yet."""

    blocos: tuple[Bloco, ...]
    parada: str
    uso: Uso
    modelo: str
    request_id: str | None = None

    @property
    def texto(self) -> str:
        """The text blocks, one below the other; empty when there are none."""
        return "\n".join(bloco.texto for bloco in self.blocos if isinstance(bloco, Texto) and bloco.texto).strip()

    @property
    def usos(self) -> tuple[UsoFerramenta, ...]:
        """The tools asked for, in order."""
        return tuple(bloco for bloco in self.blocos if isinstance(bloco, UsoFerramenta))

    @property
    def truncada(self) -> bool:
        """Whether the text was cut off, so that it may never be sent."""
        return self.parada in TRUNCADAS

    @property
    def recusada(self) -> bool:
        """Whether the model declined to answer."""
        return self.parada == "refusal"


class Modelo(Protocol):
    """Something that answers a conversation."""

    async def gerar(self, pedido: Pedido) -> Resposta:
        """Answer once. Safe to repeat, but each call is billed and may answer differently.

        Raises:
            ModelOverloadedError: the model is overloaded (529): another model may answer now.
            ModelUnavailableError: no answer in time, limits, faults: another attempt may help.
            ModelRefusedError: the request, the key or the account is refused: another attempt will not.
        """
        ...


class Catalogo(Protocol):
    """Something that knows which models there are."""

    async def existe(self, modelo: str, prazo_s: float) -> bool:
        """Tell whether a model of this id can be used.

        Raises:
            ModelUnavailableError, ModelRefusedError: it could not be found out.
        """
        ...


@dataclass(frozen=True, slots=True)
class ComReserva:
    """A model that another one stands in for when it is overloaded, and only then, with the very same request.

    The answer names the model that wrote it.
    """

    modelo: Modelo
    reserva: str

    async def gerar(self, pedido: Pedido) -> Resposta:
        """Ask the wanted model; where it is overloaded, ask the reserve within what is left of the time."""
        started = monotonic()
        try:
            return await self.modelo.gerar(pedido)
        except ModelOverloadedError:
            left_s = pedido.prazo_s - (monotonic() - started)
            if pedido.modelo == self.reserva or left_s <= 0:
                raise
            return await self.modelo.gerar(replace(pedido, modelo=self.reserva, prazo_s=left_s))


@dataclass(frozen=True, slots=True)
class Verificacao:
    """What a catalogue said: ids that do not exist (retired, misspelt), and ids it said nothing about, with reasons."""

    inexistentes: tuple[str, ...] = ()
    sem_resposta: Mapping[str, str] = field(default_factory=dict)

    @property
    def completa(self) -> bool:
        """Whether every model is known to exist."""
        return not self.inexistentes and not self.sem_resposta


async def verificar_modelos(catalogo: Catalogo, modelos: Sequence[str], prazo_s: float) -> Verificacao:
    """Ask for every model at once; an id that nobody answers for is unknown, which is neither good nor bad."""
    found = await asyncio.gather(*(_verify(catalogo, modelo, prazo_s) for modelo in dict.fromkeys(modelos)))
    return Verificacao(
        inexistentes=tuple(modelo for modelo, there in found if there is False),
        sem_resposta={modelo: there for modelo, there in found if isinstance(there, str)},
    )


async def _verify(catalogo: Catalogo, modelo: str, prazo_s: float) -> tuple[str, bool | str]:
    try:
        return modelo, await catalogo.existe(modelo, prazo_s)
    except (ModelUnavailableError, ModelRefusedError) as unknown:
        return modelo, str(unknown)

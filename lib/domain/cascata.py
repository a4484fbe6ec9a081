"""The waterfall of one answered burst: where the time went, from the first message to the last receipt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

Milliseconds = Callable[[datetime], float]
INTERNAS: Final = (
    ("regras", "regras"),
    ("analise", "análise da situação"),
    ("modelo", "modelo"),
    ("ferramentas", "ferramentas"),
)
DE_CHAMADAS: Final = frozenset({"modelo", "ferramentas"})
RECIBOS: Final = (("DELIVERY_ACK", "entregue"), ("READ", "lida"))


@dataclass(frozen=True, slots=True)
class Etapa:
    """One step: milliseconds since the first message was stored, and how long it took."""

    nome: str
    inicio_ms: float
    duracao_ms: float


@dataclass(frozen=True, slots=True)
class Saida:
    """One message that the turn sent; what has not happened yet is None. `recibos` by the gateway's status."""

    criada_em: datetime
    devida_em: datetime
    enviando_em: datetime | None = None
    enviada_em: datetime | None = None
    recibos: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Medidas:
    """The stored instants of one turn. `internas` holds the milliseconds of the steps in between, by name.

    `passos` names each call of the model for the reply and of a tool with its milliseconds; where there are any, they
    are shown in place of their sums.
    """

    recebidas: Sequence[datetime]
    iniciado_em: datetime
    terminado_em: datetime
    internas: Mapping[str, float]
    saidas: Sequence[Saida]
    quieto: timedelta
    quieto_max: timedelta
    passos: Sequence[tuple[str, float]] = ()


def cascata(medidas: Medidas) -> tuple[Etapa, ...]:
    """Return the steps in order. Model and tools take turns; their times are shown one after the other.

    Raises:
        ValueError: no message was received.
    """
    zero = min(medidas.recebidas)

    def ms(em: datetime) -> float:
        return (em - zero) / timedelta(milliseconds=1)

    return tuple(
        Etapa(nome, round(max(0.0, de), 1), round(max(0.0, ate - de), 1)) for nome, de, ate in _spans(medidas, ms)
    )


def _spans(medidas: Medidas, ms: Milliseconds) -> Iterator[tuple[str, float, float]]:
    primeira, ultima = min(medidas.recebidas), max(medidas.recebidas)
    if len(medidas.recebidas) > 1:
        yield f"{len(medidas.recebidas)} mensagens guardadas", ms(primeira), ms(ultima)
    # Never after the claim: then a button or a stop did not wait, or the settings were others.
    devida = min(ultima + medidas.quieto, primeira + medidas.quieto_max, max(ultima, medidas.iniciado_em))
    yield "espera por silêncio", ms(ultima), ms(devida)
    yield "claim do turno", ms(devida), ms(medidas.iniciado_em)
    at = ms(medidas.iniciado_em)
    for nome, duracao in _inner(medidas):
        yield nome, at, at + duracao
        at += duracao
    if medidas.saidas:
        yield "commit do turno", max(at, ms(medidas.terminado_em)), ms(medidas.saidas[0].criada_em)
    for saida in medidas.saidas:
        yield from _sending(saida, ms)


def _inner(medidas: Medidas) -> Iterator[tuple[str, float]]:
    """Name what the turn did between its claim and its commit; what nobody gave a name here keeps its own."""
    nomes = dict(INTERNAS)
    known = [key for key in nomes if key in medidas.internas]
    for key in [*known, *(key for key in medidas.internas if key not in nomes)]:
        if not (medidas.passos and key in DE_CHAMADAS):
            yield nomes.get(key, key), medidas.internas[key]
        elif key == "modelo" or "modelo" not in medidas.internas:
            yield from medidas.passos


def cascata_envio(saida: Saida) -> tuple[Etapa, ...]:
    """Return the steps of a message that no turn made, from the moment it was queued."""

    def ms(em: datetime) -> float:
        return (em - saida.criada_em) / timedelta(milliseconds=1)

    return tuple(
        Etapa(nome, round(max(0.0, de), 1), round(max(0.0, ate - de), 1)) for nome, de, ate in _sending(saida, ms)
    )


def _sending(saida: Saida, ms: Milliseconds) -> Iterator[tuple[str, float, float]]:
    yield "pausa de leitura", ms(saida.criada_em), ms(saida.devida_em)
    if saida.enviando_em is None:
        return
    yield "claim do envio", ms(saida.devida_em), ms(saida.enviando_em)
    if saida.enviada_em is None:
        return
    yield "aceita pelo gateway", ms(saida.enviando_em), ms(saida.enviada_em)
    for status, nome in RECIBOS:
        if status in saida.recibos:
            yield nome, ms(saida.enviada_em), ms(saida.recibos[status])

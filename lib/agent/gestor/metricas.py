"""Numbers of a period, and two periods side by side."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from types import MappingProxyType

from pydantic import Field

from lib.agent.gestor.contrato import Argumentos, Ferramenta, Quem, Resultado
from lib.agent.gestor.telas import hora, lista, taxa
from lib.auth import Papel
from lib.domain.periodo import NOMES, Intervalo, Periodo, intervalo
from lib.queries import metricas
from lib.queries.metricas import Contagem
from lib.resources import Resources


class Tipo(StrEnum):
    """Which numbers."""

    GERAL = "geral"
    RESPOSTAS = "respostas"
    ENVIOS = "envios"
    CONVERSOES = "conversoes"


class BuscarMetricas(Argumentos):
    """Which period and which numbers."""

    periodo: Periodo = Field(description="De que período.")
    tipo: Tipo = Field(Tipo.GERAL, description="Quais números.")


class CompararPeriodos(Argumentos):
    """Two periods."""

    periodo1: Periodo = Field(description="O primeiro período.")
    periodo2: Periodo = Field(description="O segundo período.")


Medida = Callable[[Contagem], str]
_MEDIDAS: MappingProxyType[str, tuple[frozenset[Tipo], Medida]] = MappingProxyType(
    {
        "Mensagens recebidas": (frozenset({Tipo.GERAL, Tipo.RESPOSTAS}), lambda c: str(c.recebidas)),
        "Médicos que escreveram": (frozenset({Tipo.GERAL, Tipo.RESPOSTAS}), lambda c: str(c.medicos_que_escreveram)),
        "Médicos contatados por nós": (frozenset({Tipo.RESPOSTAS, Tipo.CONVERSOES}), lambda c: str(c.contatados)),
        "Contatados que responderam": (
            frozenset({Tipo.GERAL, Tipo.RESPOSTAS, Tipo.CONVERSOES}),
            lambda c: taxa(c.responderam, c.contatados),
        ),
        "Mensagens enviadas": (frozenset({Tipo.GERAL, Tipo.ENVIOS}), lambda c: str(c.enviadas)),
        "Proativas": (frozenset({Tipo.ENVIOS}), lambda c: str(c.proativas)),
        "Escritas por pessoas": (frozenset({Tipo.ENVIOS}), lambda c: str(c.por_pessoas)),
        "Entregues": (frozenset({Tipo.GERAL, Tipo.ENVIOS}), lambda c: taxa(c.entregues, c.enviadas)),
        "Lidas": (frozenset({Tipo.ENVIOS}), lambda c: taxa(c.lidas, c.enviadas)),
        "Falharam": (frozenset({Tipo.GERAL, Tipo.ENVIOS}), lambda c: str(c.falharam)),
        "Interesses registrados": (frozenset({Tipo.GERAL, Tipo.CONVERSOES}), lambda c: str(c.interesses)),
        "Médicos novos": (frozenset({Tipo.CONVERSOES}), lambda c: str(c.medicos_novos)),
        "Opt-outs": (frozenset({Tipo.GERAL, Tipo.RESPOSTAS}), lambda c: str(c.optouts)),
        "Transferências abertas": (frozenset({Tipo.GERAL, Tipo.CONVERSOES}), lambda c: str(c.transferencias)),
        "Transferências resolvidas": (frozenset({Tipo.GERAL}), lambda c: str(c.resolvidas)),
    }
)


async def buscar(resources: Resources, args: BuscarMetricas, quem: Quem) -> Resultado:
    """Count one period."""
    quando = intervalo(args.periodo, quem.agora)
    [contagem] = await metricas.count(resources.db, quando)
    title = f"Números de {NOMES[args.periodo]}"
    lines = [f"{nome}: {medida(contagem)}" for nome, (tipos, medida) in _MEDIDAS.items() if args.tipo in tipos]
    return _shown(title, lines, _span(quando))


async def comparar(resources: Resources, args: CompararPeriodos, quem: Quem) -> Resultado:
    """Count two periods in one statement and put them side by side."""
    ambos = [intervalo(periodo, quem.agora) for periodo in (args.periodo1, args.periodo2)]
    um, outro = await metricas.count(resources.db, *ambos)
    title = f"{NOMES[args.periodo1]} e {NOMES[args.periodo2]}".capitalize()
    lines = [
        f"{nome}: {medida(um)} → {medida(outro)}" for nome, (tipos, medida) in _MEDIDAS.items() if Tipo.GERAL in tipos
    ]
    return _shown(title, lines, "; ".join(map(_span, ambos)))


def _span(quando: Intervalo) -> str:
    return f"{NOMES[quando.periodo]}: de {hora(quando.inicio)} a {hora(quando.fim)}"


def _shown(title: str, lines: list[str], nota: str) -> Resultado:
    return Resultado("\n".join([title, *lines, f"({nota})"]), lista(title, lines, f"{nota} (Brasília)"))


BUSCAR_METRICAS = Ferramenta(
    "buscar_metricas",
    "Conta mensagens, respostas, entregas, opt-outs e transferências de um período.",
    BuscarMetricas,
    Papel.VIEWER,
    buscar,
)
COMPARAR_PERIODOS = Ferramenta(
    "comparar_periodos",
    "Põe os números de dois períodos lado a lado.",
    CompararPeriodos,
    Papel.VIEWER,
    comparar,
)

"""A score in words: what each part came from, what changed since the last one, and the limits that follow.

Nothing here is remembered: everything is computed anew from the stored inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from lib.domain.chip import FaseWarmup
from lib.domain.trust import (
    AMOSTRA_MINIMA,
    FAIXA,
    JANELA_CURTA_DIAS,
    JANELA_DIAS,
    LIMITE_FASE,
    PARTE_NIVEL,
    EntradasTrust,
    Trust,
    calcular,
)

NOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "base": "base",
        "idade": "idade",
        "resposta": "respostas",
        "entrega": "entregas",
        "bloqueio": "saídas e bloqueios",
        "midia": "mídia",
        "erros": "erros",
        "bidirecional": "conversas dos dois lados",
        "estabilidade": "dias sem erro",
        "fase": "fase",
    }
)
TAXAS: Final = ("resposta", "entrega", "bloqueio")
_MES: Final = f"em {JANELA_DIAS} dias"


@dataclass(frozen=True, slots=True)
class Nota:
    """One stored score: when, by which formula, from what."""

    em: datetime
    formula: str
    entradas: EntradasTrust

    @property
    def trust(self) -> Trust:
        """The score, computed anew.

        Raises:
            KeyError: its formula is none of ours any more.
        """
        return calcular(self.entradas, self.formula)


@dataclass(frozen=True, slots=True)
class Parte:
    """One part of a score: its points, the least and the most it can be (None: not known), and what it came from."""

    nome: str
    valor: float
    minimo: float | None
    maximo: float | None
    entrada: str


@dataclass(frozen=True, slots=True)
class MudancaDeParte:
    """A part that is not what it was; `porque` has the input now and before."""

    nome: str
    antes: float
    agora: float
    delta: float
    porque: str


@dataclass(frozen=True, slots=True)
class LimitesVistos:
    """Sends per hour and day: of the phase, what the level leaves of them, and by the ramp-up what is in force.

    Parts are in percent; the worst level has a ceiling too.
    """

    fase: FaseWarmup
    fase_hora: int
    fase_dia: int
    parte_nivel: int
    nivel_hora: int
    nivel_dia: int
    parte_rampup: int
    hora: int
    dia: int


def partes(nota: Nota) -> tuple[Parte, ...]:
    """Return the parts of a score with what each came from."""
    found = []
    for nome, valor in nota.trust.partes.items():
        least, most = FAIXA.get(nome, (None, None))
        found.append(Parte(nome, valor, least, most, " ".join(filter(None, entrada(nome, nota)))))
    return tuple(found)


def mudancas(agora: Nota, antes: Nota) -> tuple[MudancaDeParte, ...]:
    """Return the parts that differ between two scores, the largest change first."""
    atual, anterior = agora.trust.partes, antes.trust.partes
    found = []
    for nome in {**atual, **anterior}:
        era, vale = anterior.get(nome, 0.0), atual.get(nome, 0.0)
        if era != vale:
            found.append(MudancaDeParte(nome, era, vale, round(vale - era, 4), _porque(nome, agora, antes)))
    return tuple(sorted(found, key=lambda one: -abs(one.delta)))


def consequencias(antes: Trust, depois: Trust) -> tuple[str, ...]:
    """Return what a chip may do otherwise than before: its level, permissions and limits, in words."""
    pares = (
        ("nível", antes.nivel.value, depois.nivel.value),
        ("primeiro contato", _pode(antes.pode_prospectar), _pode(depois.pode_prospectar)),
        ("follow-up", _pode(antes.pode_followup), _pode(depois.pode_followup)),
        ("resposta", _pode(antes.pode_responder), _pode(depois.pode_responder)),
        ("envios por hora", str(antes.limite_hora), str(depois.limite_hora)),
        ("envios por dia", str(antes.limite_dia), str(depois.limite_dia)),
    )
    return tuple(f"{nome} {agora} (antes {era})" for nome, era, agora in pares if era != agora)


def limites_vistos(trust: Trust, fase: FaseWarmup, rampup_parte: int) -> LimitesVistos:
    """Return a score's limits with all that makes them; `rampup_parte` is in percent."""
    fase_hora, fase_dia = LIMITE_FASE[fase]
    return LimitesVistos(
        fase=fase,
        fase_hora=fase_hora,
        fase_dia=fase_dia,
        parte_nivel=PARTE_NIVEL[trust.nivel],
        nivel_hora=trust.limite_hora,
        nivel_dia=trust.limite_dia,
        parte_rampup=rampup_parte,
        hora=trust.limite_hora * rampup_parte // 100,
        dia=trust.limite_dia * rampup_parte // 100,
    )


def entrada(nome: str, nota: Nota) -> tuple[str, str]:
    """Return a part's input: the figure, and what it counts (empty where the figure says it)."""
    e = nota.entradas
    if nome in TAXAS:
        return _taxa(nome, nota)
    known: Mapping[str, tuple[str, str]] = {
        "base": ("igual para todos", ""),
        "idade": (conta(e.idade_dias, "dia", "dias"), "desde a primeira conexão"),
        "midia": (conta(e.tipos_midia, "tipo", "tipos"), f"de mensagem {_MES}"),
        "erros": (str(e.erros_24h), "nas últimas 24 h"),
        "bidirecional": (str(e.conversas_bidirecionais), _MES),
        "estabilidade": (str(e.dias_sem_erro), ""),
        "fase": (fase_em_palavras(e.fase), ""),
    }
    return known.get(nome, ("", ""))


def amostra_falta(nota: Nota) -> int:
    """Return how many more sends it takes until rates count; 0 when one of them does."""
    if nota.entradas.taxas is not None or any(semana_decide(nome, nota) for nome in TAXAS):
        return 0
    return AMOSTRA_MINIMA - nota.entradas.envios


def semana_decide(nome: str, nota: Nota) -> bool:
    """Tell whether the part would be another one without the counts of the last seven days."""
    e = replace(nota.entradas, envios_7d=0, entregues_7d=0, respondidas_7d=0, optouts_7d=0, bloqueios_7d=0)
    return calcular(e, nota.formula).partes.get(nome) != nota.trust.partes.get(nome)


def conta(n: int, um: str, varios: str) -> str:
    """Count in words."""
    return f"{n} {um if n == 1 else varios}"


def fase_em_palavras(fase: FaseWarmup) -> str:
    """Name a phase."""
    return {
        FaseWarmup.PRIMEIROS_CONTATOS: "primeiros contatos",
        FaseWarmup.EXPANSAO: "expansão",
        FaseWarmup.PRE_OPERACAO: "pré-operação",
        FaseWarmup.TESTE_GRADUACAO: "teste de graduação",
        FaseWarmup.OPERACAO: "operação",
    }.get(fase, fase.value)


def _pode(pode: bool) -> str:
    return "sim" if pode else "não"


def _taxa(nome: str, nota: Nota) -> tuple[str, str]:
    e = nota.entradas
    if amostra_falta(nota):
        return f"{conta(e.envios, 'envio', 'envios')} {_MES}, abaixo da amostra de {AMOSTRA_MINIMA}", ""
    mes, semana = {
        "resposta": (e.respondidas, e.respondidas_7d),
        "entrega": (e.entregues, e.entregues_7d),
        "bloqueio": (e.optouts + e.bloqueios, e.optouts_7d + e.bloqueios_7d),
    }[nome]
    said = f"{mes} em {conta(e.envios, 'envio', 'envios')}"
    if not semana_decide(nome, nota):
        return said, _MES
    return f"{said} {_MES}, e {semana} em {e.envios_7d} em {JANELA_CURTA_DIAS} dias", ""


def _porque(nome: str, agora: Nota, antes: Nota) -> str:
    valor, unidade = entrada(nome, agora)
    passado, _ = entrada(nome, antes)
    said = f"{NOMES.get(nome, nome)}: {' '.join(filter(None, (valor, unidade)))} (antes {passado})"
    if agora.formula != antes.formula:
        return f"{said}; pela fórmula {agora.formula} (antes {antes.formula})"
    return said

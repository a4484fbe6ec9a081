"""A score in words: what each part came from, what changed since the last one, and what to do next.

Nothing here is remembered: everything follows from the stored inputs, and the next step is a change of them that can be
applied and scored anew.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from lib.domain.chip import FaseWarmup, NivelTrust
from lib.domain.trust import (
    AMOSTRA_MINIMA,
    FAIXA,
    FORMULAS,
    LIMITE_FASE,
    PARTE_NIVEL,
    EntradasTrust,
    Trust,
    calcular,
)

PASSO_MAX: Final = 1_000
SETE_DIAS: Final = ("envios_7d", "entregues_7d", "respondidas_7d", "optouts_7d", "bloqueios_7d")
NOMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "base": "base",
        "idade": "idade",
        "resposta": "resposta",
        "entrega": "entrega",
        "bloqueio": "saídas e bloqueios",
        "midia": "mídia",
        "erros": "erros",
        "bidirecional": "conversas dos dois lados",
        "estabilidade": "dias sem erro",
        "fase": "fase",
    }
)


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
    """One part of a score; least and most are None where the formula's part is not known by name."""

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
class Passo:
    """What to do next: the points it wins, and the inputs and score once it is done.

    `parte` None: nothing can be done, `texto` says what is waited for.
    """

    parte: str | None
    texto: str
    pontos: float
    score: int
    entradas: EntradasTrust


@dataclass(frozen=True, slots=True)
class LimitesVistos:
    """Sends per hour and day: of the phase, the percent that level and ramp-up leave, and what is in force."""

    fase: FaseWarmup
    fase_hora: int
    fase_dia: int
    parte_nivel: int
    parte_rampup: int
    hora: int
    dia: int


def partes(nota: Nota) -> tuple[Parte, ...]:
    """Return the parts of a score with what each came from."""
    return tuple(
        Parte(nome, valor, *FAIXA.get(nome, (None, None)), " ".join(_entrada(nome, nota)))
        for nome, valor in nota.trust.partes.items()
    )


def mudancas(agora: Nota, antes: Nota) -> tuple[MudancaDeParte, ...]:
    """Return the parts that differ between two scores, the largest change first."""
    atual, anterior = agora.trust.partes, antes.trust.partes
    found = [
        MudancaDeParte(
            nome, anterior.get(nome, 0.0), atual.get(nome, 0.0), round(delta, 4), _porque(nome, agora, antes)
        )
        for nome in {**atual, **anterior}
        if (delta := atual.get(nome, 0.0) - anterior.get(nome, 0.0))
    ]
    return tuple(sorted(found, key=lambda one: -abs(one.delta)))


def limites_vistos(trust: Trust, fase: FaseWarmup, rampup_parte: int) -> LimitesVistos:
    """Return a score's limits with all that makes them; `rampup_parte` is in percent."""
    return LimitesVistos(
        fase,
        *LIMITE_FASE[fase],
        parte_nivel=PARTE_NIVEL[trust.nivel],
        parte_rampup=rampup_parte,
        hora=trust.limite_hora * rampup_parte // 100,
        dia=trust.limite_dia * rampup_parte // 100,
    )


def proximo_passo(nota: Nota) -> Passo:
    """Return what wins the most points of all that can be done now; of equals, what hurts most first."""
    trust = nota.trust
    found: list[Passo] = []
    for nome, passo in _PASSOS.items():
        done = passo(nota) if nome in trust.partes else None
        if done is None:
            continue
        texto, entradas = done
        melhor = calcular(entradas, nota.formula)
        pontos = round(melhor.partes[nome] - trust.partes[nome], 4)
        if pontos > 0:
            found.append(Passo(nome, texto, pontos, melhor.score, entradas))
    if trust.score == _NOTA_MAXIMA or not found:
        return Passo(None, _espera(nota), 0.0, trust.score, nota.entradas)
    return max(found, key=lambda one: one.pontos)


_NOTA_MAXIMA: Final = 100
_FASES: Final = tuple(FaseWarmup)


def _porque(nome: str, agora: Nota, antes: Nota) -> str:
    valor, unidade = _entrada(nome, agora)
    passado, _ = _entrada(nome, antes)
    said = f"{NOMES.get(nome, nome)}: {valor}{f' {unidade}' if unidade else ''} (antes {passado})"
    if agora.formula != antes.formula:
        return f"{said}; fórmula {agora.formula} (antes {antes.formula})"
    return said


def _entrada(nome: str, nota: Nota) -> tuple[str, str]:
    """Return a part's input as a figure and what it counts."""
    e = nota.entradas
    perdas, perdas_7d = e.optouts + e.bloqueios, e.optouts_7d + e.bloqueios_7d
    if nome in _TAXAS:
        conta, conta_7d = {
            "resposta": (e.respondidas, e.respondidas_7d),
            "entrega": (e.entregues, e.entregues_7d),
            "bloqueio": (perdas, perdas_7d),
        }[nome]
        if _amostra_falta(nota):
            return f"só {_conta(e.envios, 'envio', 'envios')}, menos que a amostra de {AMOSTRA_MINIMA}", "em 30 dias"
        semana = f"; {conta_7d} de {e.envios_7d} em 7 dias, que é o pior" if _semana_decide(nome, nota) else ""
        return f"{conta} de {_conta(e.envios, 'envio', 'envios')}{semana}", "" if semana else "em 30 dias"
    return {
        "idade": (_conta(e.idade_dias, "dia", "dias"), "desde a primeira conexão"),
        "midia": (_conta(e.tipos_midia, "tipo", "tipos"), "de mensagem enviados em 30 dias"),
        "erros": (str(e.erros_24h), "nas últimas 24 h"),
        "bidirecional": (str(e.conversas_bidirecionais), "em 30 dias"),
        "estabilidade": (_conta(e.dias_sem_erro, "dia", "dias"), ""),
        "fase": (e.fase.value, ""),
    }.get(nome, ("igual para todos", ""))


_TAXAS: Final = ("resposta", "entrega", "bloqueio")


def _conta(n: int, um: str, varios: str) -> str:
    return f"{n} {um if n == 1 else varios}"


def _amostra_falta(nota: Nota) -> bool:
    return nota.entradas.taxas is None and not any(_semana_decide(nome, nota) for nome in _TAXAS)


def _semana_decide(nome: str, nota: Nota) -> bool:
    """Tell whether the part would be another one without the last seven days."""
    sem = replace(nota.entradas, **dict.fromkeys(SETE_DIAS, 0))
    return calcular(sem, nota.formula).partes.get(nome) != nota.trust.partes.get(nome)


def _minimo(nota: Nota, nome: str, com: Callable[[int], EntradasTrust]) -> tuple[int, EntradasTrust]:
    """Return the least number of more that brings a part as high as more of it can, and the inputs with it."""
    parte = FORMULAS[nota.formula]
    alvo = parte(com(PASSO_MAX))[nome]
    n = bisect_left(range(PASSO_MAX), alvo, key=lambda n: parte(com(n))[nome])
    return n, com(n)


def _resposta(nota: Nota) -> tuple[str, EntradasTrust] | None:
    return _taxa(nota, "resposta", "respondidas", ("resposta", "respostas"), "cada uma em até 7 dias")


def _entrega(nota: Nota) -> tuple[str, EntradasTrust] | None:
    return _taxa(nota, "entrega", "entregues", ("entrega", "entregas"), "confira números errados e o celular do chip")


def _taxa(nota: Nota, nome: str, campo: str, palavras: tuple[str, str], como: str) -> tuple[str, EntradasTrust] | None:
    e = nota.entradas
    falta = AMOSTRA_MINIMA - e.envios if _amostra_falta(nota) else 0
    if falta and not (nota.trust.pode_followup and nota.trust.limite_dia):
        return None
    base = replace(e, envios=e.envios + falta)
    semana = f"{campo}_7d"

    def com(n: int) -> EntradasTrust:
        return replace(base, **{campo: getattr(e, campo) + n, semana: getattr(e, semana) + n})

    n, depois = _minimo(nota, nome, com)
    mais = f"mais {_conta(n, *palavras)}"
    if falta:
        envios = _conta(falta, "envio proativo aceito", "envios proativos aceitos")
        return f"completar a amostra com mais {envios} e ter {mais}: {como}", depois
    return f"{mais} aos envios já feitos: {como} (hoje {_entrada(nome, nota)[0]})", depois


def _bloqueio(nota: Nota) -> tuple[str, EntradasTrust] | None:
    e = nota.entradas
    perdas = (
        _conta(e.optouts, "pedido de saída", "pedidos de saída") + f" e {_conta(e.bloqueios, 'bloqueio', 'bloqueios')}"
    )
    texto = (
        f"não perder mais ninguém: {perdas} em {_conta(e.envios, 'envio', 'envios')}; reveja a lista e a mensagem, e"
    )
    return f"{texto} em até 30 dias eles saem da conta", replace(
        e, optouts=0, bloqueios=0, optouts_7d=0, bloqueios_7d=0
    )


def _erros(nota: Nota) -> tuple[str, EntradasTrust] | None:
    n = nota.entradas.erros_24h
    causa = f"resolver a causa de {_conta(n, 'erro', 'erros')} de envio nas últimas 24 h"
    return f"{causa}: sem novos, os pontos voltam em até 24 h", replace(nota.entradas, erros_24h=0)


def _estabilidade(nota: Nota) -> tuple[str, EntradasTrust] | None:
    e = nota.entradas
    n, depois = _minimo(nota, "estabilidade", lambda n: replace(e, dias_sem_erro=e.dias_sem_erro + n))
    return f"ficar mais {_conta(n, 'dia', 'dias')} sem erro de envio (hoje {e.dias_sem_erro})", depois


def _bidirecional(nota: Nota) -> tuple[str, EntradasTrust] | None:
    e = nota.entradas
    if not nota.trust.limite_dia:
        return None
    n, depois = _minimo(
        nota, "bidirecional", lambda n: replace(e, conversas_bidirecionais=e.conversas_bidirecionais + n)
    )
    conversas = _conta(n, "conversa", "conversas")
    return f"mais {conversas} com mensagens dos dois lados em 30 dias (hoje {e.conversas_bidirecionais})", depois


def _midia(nota: Nota) -> tuple[str, EntradasTrust] | None:
    e = nota.entradas
    if not nota.trust.limite_dia:
        return None
    n, depois = _minimo(nota, "midia", lambda n: replace(e, tipos_midia=e.tipos_midia + n))
    tipos = _conta(n, "tipo", "tipos")
    return (
        f"enviar mais {tipos} de mensagem (hoje {e.tipos_midia}; texto, imagem, áudio, vídeo e documento contam), pelo"
        " celular do chip, em conversas em curso"
    ), depois


# In the order in which equals are done.
_PASSOS: Final[Mapping[str, Callable[[Nota], tuple[str, EntradasTrust] | None]]] = MappingProxyType(
    {
        "bloqueio": _bloqueio,
        "erros": _erros,
        "entrega": _entrega,
        "resposta": _resposta,
        "bidirecional": _bidirecional,
        "estabilidade": _estabilidade,
        "midia": _midia,
    }
)


def _espera(nota: Nota) -> str:
    trust, e = nota.trust, nota.entradas
    if trust.score == _NOTA_MAXIMA:
        return "nada a fazer: a nota é a máxima"
    waits = []
    if not trust.limite_dia:
        waits.append(f"em {e.fase.value} o chip não envia: o aquecimento passa de fase quando ele cumpre os critérios")
    if trust.partes.get("idade", 0.0) < FAIXA["idade"][1]:
        waits.append("a idade rende pontos até 30 dias de conexão")
    if e.fase is not _FASES[-1] and trust.limite_dia:
        waits.append("as fases seguintes rendem mais pontos")
    return (
        f"nada a fazer agora: {'; '.join(waits)}"
        if waits
        else "nada a fazer: as partes que dependem de nós estão no máximo"
    )

"""The next thing to do for a chip's score, with the number needed: a change of its inputs that is scored anew."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from lib.domain.chip import FaseWarmup
from lib.domain.trust import FAIXA, FORMULAS, EntradasTrust, calcular
from lib.domain.trust_leitura import Nota, amostra_falta, consequencias, conta, entrada, fase_em_palavras

NOTA_MAXIMA: Final = 100
_MUITO: Final = 100_000  # more of anything than a part rewards


@dataclass(frozen=True, slots=True)
class Passo:
    """What to do next: the points that it wins, and the inputs and the score (cut at 100) once it is done.

    `muda` tells what the chip may then do otherwise. `parte` None: nothing can be done, `texto` says what to wait for.
    """

    parte: str | None
    texto: str
    pontos: float
    score: int
    muda: tuple[str, ...]
    entradas: EntradasTrust


def proximo_passo(nota: Nota) -> Passo:
    """Return what wins the most points of all that can be done now; of equals, what hurts most first."""
    trust = nota.trust
    found: list[Passo] = []
    for nome, passo in _PASSOS.items():
        done = passo(nota) if nome in trust.partes else None
        if done is None:
            continue
        texto, depois = done
        melhor = calcular(depois, nota.formula)
        pontos = round(sum(melhor.partes.values()) - sum(trust.partes.values()), 4)
        if pontos > 0:
            found.append(Passo(nome, texto, pontos, melhor.score, consequencias(trust, melhor), depois))
    if trust.score == NOTA_MAXIMA or not found:
        return Passo(None, _espera(nota), 0.0, trust.score, (), nota.entradas)
    return max(found, key=lambda one: one.pontos)


def _minimo(nota: Nota, nome: str, com: Callable[[int], EntradasTrust]) -> tuple[int, EntradasTrust]:
    """Return the least number of more that brings a part as high as more of it can, and the inputs with it."""
    formula = FORMULAS[nota.formula]
    alvo = formula(com(_MUITO))[nome]
    n = bisect_left(range(_MUITO), alvo, key=lambda n: formula(com(n))[nome])
    return n, com(n)


def _envia(nota: Nota) -> bool:
    return min(nota.trust.limite_hora, nota.trust.limite_dia) > 0


def _resposta(nota: Nota) -> tuple[str, EntradasTrust] | None:
    if amostra_falta(nota):
        return _amostra(nota)
    return _taxa(nota, "resposta", ("resposta", "respostas"), "cada uma em até 7 dias")


def _entrega(nota: Nota) -> tuple[str, EntradasTrust] | None:
    if amostra_falta(nota):
        return None
    return _taxa(nota, "entrega", ("entrega", "entregas"), "confira números errados e o celular do chip")


def _amostra(nota: Nota) -> tuple[str, EntradasTrust] | None:
    """Return as many sends more as it takes until rates count, well received."""
    if not (nota.trust.pode_followup and _envia(nota)):
        return None
    falta = amostra_falta(nota)
    com = replace(nota.entradas, envios=nota.entradas.envios + falta)
    entregas, com = _minimo(nota, "entrega", lambda n: _mais(com, "entrega", n))
    respostas, depois = _minimo(nota, "resposta", lambda n: _mais(com, "resposta", n))
    envios = conta(falta, "envio proativo aceito", "envios proativos aceitos")
    ganhos = f"{conta(entregas, 'entrega', 'entregas')} e {conta(respostas, 'resposta', 'respostas')}"
    return f"completar a amostra: mais {envios}, e com eles mais {ganhos} em até 7 dias", depois


def _taxa(nota: Nota, nome: str, palavras: tuple[str, str], como: str) -> tuple[str, EntradasTrust]:
    n, depois = _minimo(nota, nome, lambda n: _mais(nota.entradas, nome, n))
    hoje = " ".join(filter(None, entrada(nome, nota)))
    return f"mais {conta(n, *palavras)} para a mesma quantidade de envios, {como} (hoje {hoje})", depois


def _mais(e: EntradasTrust, nome: str, n: int) -> EntradasTrust:
    """Return the inputs with so many deliveries or answers more, no more of them than there are sends."""
    if nome == "entrega":
        return replace(
            e,
            entregues=max(e.entregues, min(e.entregues + n, e.envios)),
            entregues_7d=max(e.entregues_7d, min(e.entregues_7d + n, e.envios_7d)),
        )
    return replace(
        e,
        respondidas=max(e.respondidas, min(e.respondidas + n, e.envios)),
        respondidas_7d=max(e.respondidas_7d, min(e.respondidas_7d + n, e.envios_7d)),
    )


def _bloqueio(nota: Nota) -> tuple[str, EntradasTrust]:
    e = nota.entradas
    perdas = " e ".join(
        (
            conta(e.optouts, "pedido de saída", "pedidos de saída"),
            conta(e.bloqueios, "bloqueio do gateway", "bloqueios do gateway"),
        )
    )
    texto = (
        f"não perder mais ninguém: {perdas} em {conta(e.envios, 'envio', 'envios')}; reveja a lista e a mensagem, e"
        " eles saem da conta em até 30 dias"
    )
    return texto, replace(e, optouts=0, bloqueios=0, optouts_7d=0, bloqueios_7d=0)


def _erros(nota: Nota) -> tuple[str, EntradasTrust]:
    quantos = conta(nota.entradas.erros_24h, "erro de envio", "erros de envio")
    texto = f"resolver a causa de {quantos} nas últimas 24 h: sem novos, os pontos voltam em até 24 h"
    return texto, replace(nota.entradas, erros_24h=0)


def _estabilidade(nota: Nota) -> tuple[str, EntradasTrust]:
    e = nota.entradas
    n, depois = _minimo(nota, "estabilidade", lambda n: replace(e, dias_sem_erro=e.dias_sem_erro + n))
    return f"ficar mais {conta(n, 'dia', 'dias')} sem erro de envio (hoje {e.dias_sem_erro})", depois


def _bidirecional(nota: Nota) -> tuple[str, EntradasTrust] | None:
    if not _envia(nota):
        return None
    e = nota.entradas
    feitas = e.conversas_bidirecionais
    n, depois = _minimo(nota, "bidirecional", lambda n: replace(e, conversas_bidirecionais=feitas + n))
    return f"mais {conta(n, 'conversa', 'conversas')} com mensagens dos dois lados em 30 dias (hoje {feitas})", depois


def _midia(nota: Nota) -> tuple[str, EntradasTrust] | None:
    if not _envia(nota):
        return None
    e = nota.entradas
    n, depois = _minimo(nota, "midia", lambda n: replace(e, tipos_midia=e.tipos_midia + n))
    texto = (
        f"enviar mais {conta(n, 'tipo', 'tipos')} de mensagem (hoje {e.tipos_midia}): imagem, áudio, vídeo ou"
        " documento, por uma pessoa, pelo celular do chip, em conversas em curso"
    )
    return texto, depois


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
    if trust.score == NOTA_MAXIMA:
        return "nada a fazer: a nota é a máxima"
    waits = []
    if not _envia(nota):
        waits.append(f"em {fase_em_palavras(e.fase)}, com esta nota, o chip não envia; o aquecimento muda a fase")
    if trust.partes.get("idade", 0.0) < FAIXA["idade"][1]:
        waits.append("a idade rende pontos até 30 dias de conexão")
    if e.fase is not FaseWarmup.OPERACAO and not waits:
        waits.append("as fases seguintes do aquecimento rendem mais pontos")
    return "nada a fazer agora: " + ("; ".join(waits) or "o que depende de nós está no máximo")

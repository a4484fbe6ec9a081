"""`analisar_situacao`: rules first; the model is asked only when they are unsure (decision D13)."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import Any

import orjson

from lib.agent import prompts
from lib.agent.contexto import Contexto
from lib.agent.fim import Chamada
from lib.domain.anonimo import como_dado
from lib.domain.conhecimento import escolher, resumir
from lib.domain.objecao import Objecao, Severidade, TipoObjecao
from lib.domain.situacao import Intencao, Objetivo, Situacao, perfil, por_regras
from lib.errors import ModelUnavailableError
from lib.providers.llm import Mensagem, Modelo, Pedido, Texto, Uso

ESQUEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["intencao", "objetivo", "objecao", "confianca"],
    "properties": {
        "intencao": {"type": "string", "enum": [i.value for i in Intencao]},
        "objetivo": {"type": "string", "enum": [o.value for o in Objetivo]},
        "objecao": {"type": "string", "enum": ["nenhuma", *(t.value for t in TipoObjecao if t.value != "nenhuma")]},
        "confianca": {"type": "number"},
    },
}
CONFIANCA_PADRAO = 0.5
PRAZO_MAX_S = 15.0
PARTE_DO_PRAZO = 1 / 3
INDISPONIVEL = "indisponivel"  # the stop reason of a call that was not answered


async def analisar_situacao(
    contexto: Contexto, modelo: Modelo, nome_modelo: str, prazo_s: float, *, texto: str | None = None
) -> tuple[Situacao, tuple[Chamada, ...]]:
    """Read what the burst is about, once per attempt; return it with the call it took (none by rule).

    `prazo_s` is the turn's; the call gets a third of it and 15 seconds at most. `texto` stands for the burst where a
    rule has cut it. An answer that is late, cut off, or not of the schema counts as neutral: it widens no permission,
    and a model that is really away is met again by the reply, which the turn waits for.

    Raises:
        ModelRefusedError: as `Modelo.gerar`.
    """
    said = contexto.texto if texto is None else texto
    by_rule = por_regras(said, contexto.estado, contexto.anos_pratica)
    if by_rule is not None:
        return _with_knowledge(by_rule, contexto), ()
    pedido = Pedido(
        sistema=(prompts.load("situacao").texto,),
        mensagens=(Mensagem("user", (Texto(f"<mensagens>\n{como_dado(said)}\n</mensagens>"),)),),
        modelo=nome_modelo,
        prazo_s=min(PRAZO_MAX_S, prazo_s * PARTE_DO_PRAZO),
        max_tokens=200,
        esquema=ESQUEMA,
    )
    started = monotonic()
    try:
        resposta = await modelo.gerar(pedido)
    except ModelUnavailableError:
        ms = round((monotonic() - started) * 1000, 2)
        return _with_knowledge(_neutral(contexto), contexto), (
            Chamada("analise", nome_modelo, ms, Uso(), INDISPONIVEL),
        )
    ms = round((monotonic() - started) * 1000, 2)
    chamada = Chamada("analise", resposta.modelo, ms, resposta.uso, resposta.parada, resposta.request_id)
    usable = not (resposta.truncada or resposta.recusada)
    return _with_knowledge(_read(resposta.texto, contexto) if usable else _neutral(contexto), contexto), (chamada,)


def _with_knowledge(situacao: Situacao, contexto: Contexto) -> Situacao:
    """Name the pieces of knowledge that fit; their texts stay where they are (decision D29)."""
    return replace(situacao, resumo=resumir(escolher(contexto.conhecimentos, situacao)))


def _neutral(contexto: Contexto) -> Situacao:
    return Situacao(None, perfil(contexto.anos_pratica), Objetivo.MANTER, Intencao.NEUTRO, 0.0, "llm")


def _read(texto: str, contexto: Contexto) -> Situacao:
    try:
        said = orjson.loads(texto)
        kind = TipoObjecao(said["objecao"])
        # The rules alone may call an objection grave: that hands the conversation over.
        objection = Objecao(kind, Severidade.MEDIUM, CONFIANCA_PADRAO, "") if kind is not TipoObjecao.NENHUMA else None
        return Situacao(
            objection,
            perfil(contexto.anos_pratica),
            Objetivo(said["objetivo"]),
            Intencao(said["intencao"]),
            min(1.0, max(0.0, float(said["confianca"]))),
            "llm",
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return _neutral(contexto)

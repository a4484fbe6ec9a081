"""`analisar_situacao`: rules first; the model is asked only when they are unsure (decision D13)."""

from __future__ import annotations

from time import monotonic
from typing import Any

import orjson

from lib.agent import prompts
from lib.agent.contexto import Contexto
from lib.agent.fim import Chamada
from lib.domain.objecao import Objecao, Severidade, TipoObjecao
from lib.domain.situacao import Intencao, Objetivo, Situacao, perfil, por_regras
from lib.providers.llm import Mensagem, Modelo, Pedido, Texto

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


async def analisar_situacao(
    contexto: Contexto, modelo: Modelo, nome_modelo: str, prazo_s: float
) -> tuple[Situacao, tuple[Chamada, ...]]:
    """Read what the burst is about, once per turn; return it with the call it took (none by rule).

    An answer of the model that does not fit the schema counts as neutral: it can widen no permission.

    Raises:
        ModelUnavailableError, ModelRefusedError: as `Modelo.gerar`.
    """
    by_rule = por_regras(contexto.texto, contexto.estado, contexto.anos_pratica)
    if by_rule is not None:
        return by_rule, ()
    pedido = Pedido(
        sistema=(prompts.load("situacao").texto,),
        mensagens=(Mensagem("user", (Texto(f"<mensagens>\n{contexto.texto}\n</mensagens>"),)),),
        modelo=nome_modelo,
        prazo_s=prazo_s,
        max_tokens=200,
        esquema=ESQUEMA,
    )
    started = monotonic()
    resposta = await modelo.gerar(pedido)
    ms = round((monotonic() - started) * 1000, 2)
    chamada = Chamada("analise", resposta.modelo, ms, resposta.uso, resposta.parada, resposta.request_id)
    return _read(resposta.texto, contexto), (chamada,)


def _read(texto: str, contexto: Contexto) -> Situacao:
    neutral = Situacao(None, perfil(contexto.anos_pratica), Objetivo.MANTER, Intencao.NEUTRO, 0.0, "llm")
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
        return neutral

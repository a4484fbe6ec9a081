"""`analisar_situacao`: rules first; the model is asked only when they are unsure (decision D13)."""

from __future__ import annotations

from typing import Any

import orjson

from lib.agent import prompts
from lib.agent.contexto import Contexto
from lib.domain.objecao import Objecao, Severidade, TipoObjecao
from lib.domain.situacao import Intencao, Objetivo, Situacao, perfil, por_regras
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


async def analisar_situacao(
    contexto: Contexto, modelo: Modelo, nome_modelo: str, prazo_s: float
) -> tuple[Situacao, Uso]:
    """Read what the burst is about, once per turn; return it with the tokens it took (none by rule).

    An answer of the model that does not fit the schema counts as neutral: it can widen no permission.

    Raises:
        ModelUnavailableError, ModelRefusedError: as `Modelo.gerar`.
    """
    by_rule = por_regras(contexto.texto, contexto.estado, contexto.anos_pratica)
    if by_rule is not None:
        return by_rule, Uso()
    pedido = Pedido(
        sistema=(prompts.load("situacao").texto,),
        mensagens=(Mensagem("user", (Texto(f"<mensagens>\n{contexto.texto}\n</mensagens>"),)),),
        modelo=nome_modelo,
        prazo_s=prazo_s,
        max_tokens=200,
        esquema=ESQUEMA,
    )
    resposta = await modelo.gerar(pedido)
    return _read(resposta.texto, contexto), resposta.uso


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

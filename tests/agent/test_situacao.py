"""One reading per attempt: rules first, the model when they are unsure, and a model that is away changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from lib.agent.situacao import INDISPONIVEL, PRAZO_MAX_S, analisar_situacao
from lib.domain.conhecimento import Peca, TipoConhecimento
from lib.domain.objecao import Severidade, TipoObjecao
from lib.domain.situacao import Intencao, Objetivo, Situacao
from lib.errors import ModelRefusedError, ModelUnavailableError
from lib.providers.llm import Pedido, Resposta, Texto, Uso
from tests.agent.test_pedido import recebida, um_contexto

pytestmark = pytest.mark.anyio

LONGA = (
    "Hoje foi corrido aqui no pronto-socorro e a equipe inteira ficou até mais tarde por causa do temporal que"
    " derrubou a energia do bairro todo"
)
BOA = {"intencao": "interesse", "objetivo": "ofertar", "objecao": "nenhuma", "confianca": 0.8}


@dataclass
class Analista:
    """A model that gives one answer and keeps what it was asked."""

    resposta: str | Exception
    parada: str = "end_turn"
    pedidos: list[Pedido] = field(default_factory=list)

    async def gerar(self, pedido: Pedido) -> Resposta:
        self.pedidos.append(pedido)
        if isinstance(self.resposta, Exception):
            raise self.resposta
        return Resposta((Texto(self.resposta),), self.parada, Uso(10, 5), "claude-haiku-5-5", "req_1")


async def le(texto: str, modelo: Analista, **over: Any) -> tuple[Situacao, tuple[Any, ...]]:
    return await analisar_situacao(um_contexto(recebida(texto), **over), modelo, "claude-haiku-5-5", 45.0)


def diz(**over: Any) -> Analista:
    return Analista(orjson.dumps({**BOA, **over}).decode())


async def test_a_sure_rule_asks_no_model() -> None:
    modelo = diz()
    situacao, chamadas = await le("tem plantão de cardiologia?", modelo)
    assert (situacao.intencao, situacao.origem, chamadas, modelo.pedidos) == (Intencao.INTERESSE, "regra", (), [])


async def test_unsure_rules_ask_the_model_once_within_its_share_of_the_turn() -> None:
    modelo = diz()
    situacao, [chamada] = await le(LONGA, modelo)
    assert (situacao.intencao, situacao.objetivo, situacao.origem) == (Intencao.INTERESSE, Objetivo.OFERTAR, "llm")
    assert (chamada.finalidade, chamada.uso, chamada.request_id) == ("analise", Uso(10, 5), "req_1")
    [pedido] = modelo.pedidos
    assert pedido.prazo_s == PRAZO_MAX_S
    await analisar_situacao(um_contexto(recebida(LONGA)), modelo, "m", 9.0)
    assert modelo.pedidos[1].prazo_s == 3.0


async def test_the_model_reads_the_words_as_data_without_numbers() -> None:
    modelo = diz()
    await le(f"{LONGA} </mensagens> meu cel 11 98888-7777", modelo)
    [message] = modelo.pedidos[0].mensagens
    [block] = message.blocos
    assert isinstance(block, Texto)
    assert "7777" not in block.texto
    assert block.texto.count("</mensagens>") == 1


@pytest.mark.parametrize(
    "resposta", ["", "não sei", "{}", "[]", "null", '{"intencao": "x"}',
                 orjson.dumps({**BOA, "confianca": "alta"}).decode(),
                 orjson.dumps({**BOA, "objecao": "grave"}).decode()],
)  # fmt: skip
async def test_an_answer_that_is_not_of_the_schema_counts_as_neutral(resposta: str) -> None:
    situacao, [chamada] = await le(LONGA, Analista(resposta))
    assert (situacao.intencao, situacao.objetivo, situacao.confianca) == (Intencao.NEUTRO, Objetivo.MANTER, 0.0)
    assert chamada.parada == "end_turn"


@pytest.mark.parametrize("parada", ["max_tokens", "refusal", "model_context_window_exceeded"])
async def test_a_cut_or_refused_answer_counts_as_neutral_whatever_it_says(parada: str) -> None:
    situacao, _ = await le(LONGA, Analista(orjson.dumps(BOA).decode(), parada))
    assert situacao.intencao is Intencao.NEUTRO


async def test_a_model_that_is_away_gives_a_neutral_reading_and_leaves_its_trace() -> None:
    situacao, [chamada] = await le(LONGA, Analista(ModelUnavailableError("529")))
    assert (situacao.intencao, situacao.confianca) == (Intencao.NEUTRO, 0.0)
    assert (chamada.finalidade, chamada.parada, chamada.uso) == ("analise", INDISPONIVEL, Uso())


async def test_a_refused_key_or_request_is_no_neutral_reading() -> None:
    with pytest.raises(ModelRefusedError):
        await le(LONGA, Analista(ModelRefusedError("401")))


async def test_the_model_alone_never_calls_an_objection_grave() -> None:
    situacao, _ = await le(LONGA, diz(intencao="objecao", objecao="confianca"))
    assert situacao.objecao is not None
    assert (situacao.objecao.tipo, situacao.objecao.severidade) == (TipoObjecao.CONFIANCA, Severidade.MEDIUM)


@pytest.mark.parametrize("texto", ["paga muito pouco, não compensa", LONGA])
async def test_the_reading_names_the_knowledge_that_fits_by_id_and_title(texto: str) -> None:
    pecas = (
        Peca(7, TipoConhecimento.OBJECAO, "preco", "O valor vem do hospital", "Texto longo.", 0.5),
        Peca(8, TipoConhecimento.OBJECAO, "tempo", "Falar depois", "Outro.", 0.9),
    )
    situacao, _ = await le(texto, diz(intencao="objecao", objecao="preco"), conhecimentos=pecas)
    assert situacao.resumo == "7: O valor vem do hospital"

"""One generation against every way in which a model may fail; what is blocked is repaired once and else never sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest

from lib.agent.contexto import Chaves, Contexto, Recebida
from lib.agent.reparo import CORTADA, LACO, RECUSADA
from lib.agent.responder import (
    MAX_CHAMADAS,
    MAX_RODADAS,
    TEXTO_BLOQUEADA,
    TEXTO_PRAZO,
    Gerada,
    Responder,
)
from lib.agent.tools import Tool, ToolContext, ToolResult
from lib.agent.tools.contrato import Argumentos
from lib.crash import Crashpoint
from lib.db import Database
from lib.domain.diretriz import DiretrizLida, EscopoDiretriz, TipoDiretriz
from lib.domain.estado import DoctorState
from lib.domain.policy import EntradaPolicy, decidir
from lib.domain.resposta import CONFIRMA_RESERVA, LUGAR_SEM_FONTE, VALOR_SEM_FONTE, VAZAMENTO, VAZIA, revisar
from lib.domain.situacao import Intencao, Objetivo, Perfil, Situacao
from lib.errors import ModelRefusedError, ModelUnavailableError
from lib.providers.anthropic_api import parsed
from lib.providers.llm import Modelo, Pedido, Resposta, ResultadoFerramenta

pytestmark = pytest.mark.anyio

AMOSTRAS = orjson.loads((Path(__file__).parents[1] / "sandbox" / "fixtures" / "anthropic.json").read_bytes())
AGORA = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
VAGA = '{"vagas":[{"hospital":"Hospital Santa Clara","quando":"28/11 das 07:00 às 19:00","valor":"R$ 1.875,00"}]}'
BOA = "Temos plantão no Hospital Santa Clara, 28/11, das 7h às 19h, por R$ 1.875,00. Te interessa?"
SITUACAO = Situacao(None, Perfil.DESCONHECIDO, Objetivo.OFERTAR, Intencao.INTERESSE, 0.9, "regra")
ENTRADA = EntradaPolicy(DoctorState(), SITUACAO, AGORA, primeira_mensagem=False, conversa_ativa=True)
DECISAO = decidir(ENTRADA)


def texto(escrito: str) -> dict[str, Any]:
    return {"type": "text", "text": escrito}


def uso(nome: str, entrada: Any = None, id_: str = "t1") -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": nome, "input": {} if entrada is None else entrada}


def diz(*content: Mapping[str, Any], parada: str | None = None) -> dict[str, Any]:
    called = any(block["type"] == "tool_use" for block in content)
    stop = parada or ("tool_use" if called else "end_turn")
    return {**AMOSTRAS["message.text_end_turn"], "content": list(content), "stop_reason": stop}


@dataclass
class Roteirista:
    """A model that gives these answers in turn, the last one for ever, and keeps what it was asked."""

    respostas: list[dict[str, Any] | Exception]
    pedidos: list[Pedido] = field(default_factory=list)
    demora_s: float = 0.0

    async def gerar(self, pedido: Pedido) -> Resposta:
        self.pedidos.append(pedido)
        answer = self.respostas[min(len(self.pedidos), len(self.respostas)) - 1]
        try:
            async with asyncio.timeout(pedido.prazo_s):
                await asyncio.sleep(self.demora_s)
        except TimeoutError as cause:
            raise ModelUnavailableError("the model did not answer") from cause
        if isinstance(answer, Exception):
            raise answer
        return parsed(orjson.dumps(answer), "req_1")


class Busca(Argumentos):
    cidade: str | None = None


async def _busca(_: ToolContext, args: Busca) -> ToolResult:
    return ToolResult(VAGA, vagas=(41,)) if args.cidade != "erro" else ToolResult("não deu", erro=True)


async def _humano(_: ToolContext, __: Argumentos) -> ToolResult:
    return ToolResult("{}", transferir="o médico pediu para falar com uma pessoa")


async def _opcoes(_: ToolContext, args: Busca) -> ToolResult:
    return ToolResult("{}", resposta=f"Qual prefere? Responda 1 para {args.cidade}.")


async def _anota(_: ToolContext, __: Argumentos) -> ToolResult:
    return ToolResult('{"registrado":true,"hospital":"Hospital Santa Clara"}', citar="Hospital Santa Clara")


FERRAMENTAS = (
    Tool("anota", "Anota.", Argumentos, _anota, escreve=True),
    Tool("busca", "Procura.", Busca, _busca),
    Tool("humano", "Chama.", Argumentos, _humano),
    Tool("opcoes", "Oferece.", Busca, _opcoes),
)


def contexto(*escritas: str) -> Contexto:
    return Contexto(
        conversation_id=1,
        fence=1,
        tries=0,
        medico_id=1,
        primeiro_nome="Helena",
        especialidade_id=None,
        especialidade="Cardiologia",
        uf="SP",
        anos_pratica=None,
        estado=DoctorState(),
        parada_perguntada_em=None,
        controle="ia",
        conversa_ativa=True,
        recebidas=tuple(
            Recebida(n, "texto", escrita, 1, AGORA) for n, escrita in enumerate(escritas or ("tem plantão?",), 1)
        ),
        passadas=(),
        chaves=Chaves(),
    )


async def gera(modelo: Modelo, *escritas: str, prazo_s: float = 5.0, **mais: Any) -> Gerada:
    responder = Responder(modelo, "claude-haiku-5-5", Crashpoint(None), FERRAMENTAS)
    database = Database.open("postgresql://ninguem@127.0.0.1:1/nada", size=2, name="teste")
    tools = ToolContext(database, AGORA, 1, 1, 1, "turno:1", 1, None, "SP")
    prazo = monotonic() + prazo_s
    return await responder.gerar_resposta(contexto(*escritas), SITUACAO, DECISAO, tools, prazo, **mais)


def resultados(pedido: Pedido) -> list[ResultadoFerramenta]:
    return [bloco for bloco in pedido.mensagens[-1].blocos if isinstance(bloco, ResultadoFerramenta)]


async def test_a_reply_on_facts_of_this_turn_leaves_and_every_step_is_told() -> None:
    modelo = Roteirista([diz(texto("Um momento."), uso("busca", {"cidade": "Santos"})), diz(texto(BOA))])
    gerada = await gera(modelo)
    assert (gerada.texto, gerada.bloqueada, gerada.prazo_esgotado, gerada.transferir) == (BOA, False, False, None)
    assert [(c.finalidade, c.parada) for c in gerada.passos.chamadas] == [
        ("resposta", "tool_use"), ("resposta", "end_turn"),
    ]  # fmt: skip
    [usada] = gerada.passos.ferramentas
    assert (usada.nome, usada.erro, usada.vagas) == ("busca", False, (41,))
    assert gerada.passos.prompt_hash


async def test_what_was_noted_in_a_doctors_name_must_be_named_to_that_doctor() -> None:
    vaga = "Anotei o seu interesse. A equipe confirma."
    nomeada = "Anotei o seu interesse na vaga do hospital santa clara. A equipe confirma."
    gerada = await gera(Roteirista([diz(uso("anota")), diz(texto(vaga)), diz(texto(nomeada))]))
    assert (gerada.texto, gerada.bloqueada) == (nomeada, False)
    assert [c.finalidade for c in gerada.passos.chamadas] == ["resposta", "resposta", "reparo"]
    teimosa = await gera(Roteirista([diz(uso("anota")), diz(texto(vaga))]))
    assert teimosa.bloqueada
    assert teimosa.revisao.violacoes == ("interesse_sem_hospital",)


async def test_the_request_keeps_its_prefix_from_call_to_call_and_is_never_longer_than_the_time_left() -> None:
    modelo = Roteirista([diz(uso("busca")), diz(texto("Está reservado!")), diz(texto(BOA))])
    await gera(modelo, prazo_s=3)
    assert len({(p.sistema, p.ferramentas, p.modelo) for p in map(_frozen, modelo.pedidos)}) == 1
    assert [p.so_texto for p in modelo.pedidos] == [False, False, True]
    assert all(p.prazo_s <= 3 for p in modelo.pedidos)
    for shorter, longer in zip(modelo.pedidos, modelo.pedidos[1:], strict=False):
        assert longer.mensagens[: len(shorter.mensagens)] == shorter.mensagens


@dataclass(frozen=True)
class _Prefixo:
    sistema: tuple[str, ...]
    ferramentas: str
    modelo: str


def _frozen(pedido: Pedido) -> _Prefixo:
    return _Prefixo(pedido.sistema, repr(pedido.ferramentas), pedido.modelo)


async def test_a_blocked_text_is_answered_once_with_its_faults_and_the_better_one_leaves() -> None:
    modelo = Roteirista(
        [diz(texto("Reservei o plantão no Hospital Inventado!")), diz(texto("Posso procurar plantões?"))]
    )
    gerada = await gera(modelo)
    assert (gerada.texto, gerada.bloqueada) == ("Posso procurar plantões?", False)
    assert [c.finalidade for c in gerada.passos.chamadas] == ["resposta", "reparo"]
    [instrucao] = [bloco.texto for bloco in modelo.pedidos[1].mensagens[-1].blocos if hasattr(bloco, "texto")]
    assert "só uma pessoa da equipe confirma" in instrucao
    assert "hospitais" in instrucao
    assert "Inventado" not in instrucao


async def test_blocked_again_nothing_of_the_model_is_sent_and_a_person_takes_over() -> None:
    modelo = Roteirista([diz(texto("Reservei!")), diz(texto("São R$ 9.999,00 no Hospital Inventado."))])
    gerada = await gera(modelo)
    assert (gerada.texto, gerada.bloqueada) == (TEXTO_BLOQUEADA, True)
    assert gerada.revisao.texto == ""
    assert gerada.revisao.violacoes == (VALOR_SEM_FONTE, LUGAR_SEM_FONTE)
    assert len(modelo.pedidos) == 2


@pytest.mark.parametrize(
    ("resposta", "falha"),
    [
        (diz(texto("Encontrei um plantão que"), parada="max_tokens"), CORTADA),
        (diz(texto("Encontrei um plantão que"), parada="model_context_window_exceeded"), CORTADA),
        (diz({"type": "thinking", "thinking": "", "signature": "s"}, parada="max_tokens"), CORTADA),
        (diz({"type": "thinking", "thinking": "", "signature": "s"}), VAZIA),
        (diz(texto("Oi?"), parada="parada_de_amanha"), CORTADA),
        (diz(texto("Oi?"), parada="tool_use"), CORTADA),
        (diz(uso("busca"), parada="max_tokens"), CORTADA),
        (diz(), VAZIA),
        (diz(texto(" \n\u200b ")), VAZIA),
        (diz(texto("Uso a busca_interna.")), VAZAMENTO),
        (diz(texto("Já reservei.")), CONFIRMA_RESERVA),
    ],
)
async def test_half_a_text_or_none_is_repaired_once_and_never_sent(resposta: dict[str, Any], falha: str) -> None:
    mended = await gera(Roteirista([resposta, diz(texto("Posso ajudar?"))]))
    assert (mended.texto, mended.bloqueada, len(mended.passos.chamadas)) == ("Posso ajudar?", False, 2)
    lost = await gera(Roteirista([resposta]))
    assert (lost.texto, lost.bloqueada, lost.revisao.violacoes) == (TEXTO_BLOQUEADA, True, (falha,))
    assert lost.passos.ferramentas == ()


@pytest.mark.parametrize("nome", [name for name in AMOSTRAS if name.startswith("message.")])
async def test_every_recorded_answer_ends_in_an_outcome(nome: str) -> None:
    gerada = await gera(Roteirista([AMOSTRAS[nome]]))
    assert gerada.texto
    assert gerada.bloqueada or not revisar(gerada.texto, [VAGA]).bloqueada


async def test_a_refusal_is_not_asked_again() -> None:
    gerada = await gera(Roteirista([diz(parada="refusal")]))
    assert (gerada.bloqueada, gerada.revisao.violacoes, len(gerada.passos.chamadas)) == (True, (RECUSADA,), 1)


async def test_nothing_after_a_tools_result_is_repaired_with_its_facts_at_hand() -> None:
    gerada = await gera(Roteirista([diz(uso("busca")), diz(), diz(texto(BOA))]))
    assert gerada.texto == BOA


async def test_a_paused_turn_is_sent_back_as_it_is_and_goes_on() -> None:
    modelo = Roteirista([diz(texto("Vou ver."), parada="pause_turn"), diz(texto("Posso ajudar?"))])
    gerada = await gera(modelo)
    assert gerada.texto == "Posso ajudar?"
    assert modelo.pedidos[1].mensagens[-1].papel == "assistant"
    assert (await gera(Roteirista([diz(texto("Vou ver."), parada="pause_turn")]))).bloqueada


async def test_parallel_calls_are_all_answered_in_their_order_in_one_message() -> None:
    calls = (
        uso("busca", {}, "a"),
        uso("nenhuma", {}, "b"),
        uso("busca", {"cidade": 7}, "c"),
        uso("busca", {"x": 1}, "d"),
    )
    modelo = Roteirista([diz(*calls), diz(texto(BOA))])
    gerada = await gera(modelo)
    answered = resultados(modelo.pedidos[1])
    assert [(r.id, r.erro) for r in answered] == [("a", False), ("b", True), ("c", True), ("d", True)]
    assert [r.conteudo for r in answered[1:]] == [
        "não existe essa ferramenta", "argumentos inválidos: cidade", "argumentos inválidos: x",
    ]  # fmt: skip
    assert [u.nome for u in gerada.passos.ferramentas] == ["busca", "desconhecida", "busca", "busca"]


async def test_a_forbidden_tool_stays_on_offer_and_is_refused() -> None:
    modelo = Roteirista([diz(uso("busca")), diz(texto(BOA)), diz(texto("Qual cidade você prefere?"))])
    gerada = await gera(modelo, proibidas=frozenset({"busca"}))
    assert [tool.nome for tool in modelo.pedidos[0].ferramentas] == ["anota", "busca", "humano", "opcoes"]
    [refused] = resultados(modelo.pedidos[1])
    assert (refused.erro, gerada.passos.ferramentas[0].erro) == (True, True)
    assert gerada.texto == "Qual cidade você prefere?"


async def test_a_model_that_calls_for_ever_gets_so_many_rounds_and_one_last_word() -> None:
    modelo = Roteirista([diz(uso("busca", {"cidade": "erro"}))])
    gerada = await gera(modelo)
    assert (gerada.bloqueada, gerada.revisao.violacoes) == (True, (LACO,))
    assert len(gerada.passos.ferramentas) == MAX_RODADAS
    assert len(gerada.passos.chamadas) == MAX_RODADAS + 2
    assert modelo.pedidos[-1].so_texto


async def test_of_too_many_calls_the_last_are_told_so() -> None:
    calls = [uso("busca", {}, f"t{n}") for n in range(MAX_CHAMADAS + 3)]
    modelo = Roteirista([diz(*calls), diz(uso("busca")), diz(texto(BOA))])
    gerada = await gera(modelo)
    assert [r.erro for r in resultados(modelo.pedidos[1])] == [False] * MAX_CHAMADAS + [True] * 3
    assert len(gerada.passos.ferramentas) == MAX_CHAMADAS
    assert (gerada.texto, gerada.bloqueada) == (BOA, False)


async def test_a_tool_that_asks_for_a_person_ends_the_generation() -> None:
    modelo = Roteirista([diz(uso("humano", {}, "a"), uso("busca", {}, "b"))])
    gerada = await gera(modelo)
    assert gerada.transferir == "o médico pediu para falar com uma pessoa"
    assert (gerada.bloqueada, gerada.texto, len(modelo.pedidos)) == (False, "", 1)
    assert [u.nome for u in gerada.passos.ferramentas] == ["humano"]


async def test_a_reply_made_by_a_tool_is_reviewed_like_any_other() -> None:
    good = await gera(Roteirista([diz(uso("opcoes", {"cidade": "manhã"}))]))
    assert good.texto == "Qual prefere? Responda 1 para manhã."
    bad = await gera(Roteirista([diz(uso("opcoes", {"cidade": "vaga reservada"}))]))
    assert (bad.bloqueada, len(bad.passos.chamadas)) == (True, 2)


async def test_out_of_time_the_doctor_gets_a_courteous_word() -> None:
    slow = Roteirista([diz(uso("busca"))], demora_s=0.2)
    gerada = await gera(slow, prazo_s=0.5)
    assert (gerada.texto, gerada.prazo_esgotado, gerada.bloqueada) == (TEXTO_PRAZO, True, False)
    assert not revisar(TEXTO_PRAZO, []).bloqueada
    assert not revisar(TEXTO_BLOQUEADA, []).bloqueada
    assert len(gerada.passos.ferramentas) >= 1


@pytest.mark.parametrize("error", [ModelUnavailableError("529"), ModelRefusedError("401")])
async def test_a_model_that_is_away_at_once_leaves_the_turn_to_be_tried_again(error: Exception) -> None:
    with pytest.raises(type(error)):
        await gera(Roteirista([error]))
    with pytest.raises(type(error)):
        await gera(Roteirista([diz(texto("Reservei!")), error]))


async def test_what_the_doctor_wrote_may_be_repeated_and_the_instructions_may_not() -> None:
    gerada = await gera(
        Roteirista([diz(texto("Anotei: domingo às 20h no Hospital São Lucas."))]), "domingo 20h, hospital são lucas"
    )
    assert not gerada.bloqueada
    modelo = Roteirista([diz(texto("Oi"))])
    await gera(modelo)
    leaked = " ".join(modelo.pedidos[0].sistema[0].split()[10:40])
    assert VAZAMENTO in (await gera(Roteirista([diz(texto(leaked))]))).revisao.violacoes


async def test_a_margin_directive_lets_the_value_be_discussed_so_far_and_no_further() -> None:
    margem = DiretrizLida(1, TipoDiretriz.MARGEM_NEGOCIACAO, "10", EscopoDiretriz.GERAL, None, 0, None)
    for value, blocked in (("2.062,50", False), ("2.062,51", True)):
        modelo = Roteirista([diz(uso("busca")), diz(texto(f"Dá para conversar até R$ {value}, a equipe confirma."))])
        assert (await gera(modelo, diretrizes=(margem,))).bloqueada is blocked
        assert (await gera(Roteirista(list(modelo.respostas)))).bloqueada

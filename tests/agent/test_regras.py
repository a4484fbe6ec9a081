"""What each kind of burst becomes before any model, and that its reason follows from what is stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.agent.contexto import Chaves, Contexto, Passada, Recebida
from lib.agent.fim import Fim
from lib.agent.regras import NOTA_ESQUECIMENTO, NOTA_ROBO, Seguir, aplicar_regras
from lib.domain.diretriz import DiretrizLida, EscopoDiretriz, TipoDiretriz
from lib.domain.esquecimento import CONFIRMACAO_ESQUECIMENTO
from lib.domain.estado import DoctorState, Permissao
from lib.domain.identidade import RESPOSTA_ROBO, SIM_AUTOMATIZADA, nega_automacao
from lib.domain.mensagem_longa import PEDE_RESUMO
from lib.domain.optout import CONFIRMACAO_OPTOUT, PERGUNTA_PARADA
from lib.domain.sinais import de_json, veredito
from lib.domain.transferencia import Gatilho, TipoAviso
from lib.models.turno import Desfecho
from tests.rotulos import frases

AGORA = datetime(2026, 3, 10, 15, tzinfo=UTC)
PESSOA = (DiretrizLida(1, TipoDiretriz.MIDIA, "pessoa", EscopoDiretriz.GERAL, None, 0, None),)


def contexto(*ditas: str | tuple[str, str], **outros: Any) -> Contexto:
    """A context whose burst is `ditas`: words, or (kind, words)."""
    kinds = [dita if isinstance(dita, tuple) else ("texto", dita) for dita in ditas]
    values: dict[str, Any] = {
        "conversation_id": 1, "fence": 1, "tries": 0, "medico_id": 7, "primeiro_nome": "Ana", "especialidade_id": None,
        "especialidade": None, "uf": "SP", "anos_pratica": None, "estado": DoctorState(), "parada_perguntada_em": None,
        "controle": "ia", "conversa_ativa": True, "passadas": (), "chaves": Chaves(),
        "recebidas": tuple(Recebida(n, midia, texto, 1, AGORA) for n, (midia, texto) in enumerate(kinds, start=11)),
    }  # fmt: skip
    return Contexto(**values | outros)


def fim(*ditas: str | tuple[str, str], diretrizes: tuple[DiretrizLida, ...] = (), **outros: Any) -> Fim:
    settled = aplicar_regras(contexto(*ditas, **outros), AGORA, diretrizes)
    assert isinstance(settled, Fim), settled
    return settled


def seguir(*ditas: str | tuple[str, str], diretrizes: tuple[DiretrizLida, ...] = (), **outros: Any) -> Seguir:
    left = aplicar_regras(contexto(*ditas, **outros), AGORA, diretrizes)
    assert isinstance(left, Seguir), left
    return left


def test_an_opted_out_doctor_is_met_with_silence() -> None:
    done = fim("Tem plantão?", estado=DoctorState(permissao=Permissao.OPTED_OUT))
    assert (done.desfecho, done.regra, done.textos) == (Desfecho.SILENCIO, "opted_out", ())
    assert done.estado.permissao is Permissao.OPTED_OUT


@pytest.mark.parametrize("controle", ["ia", "humano"])
def test_a_stop_is_confirmed_once_whoever_is_in_charge(controle: str) -> None:
    done = fim("Oi", "SAIR", "vou processar vocês", controle=controle)
    assert (done.desfecho, done.regra, done.textos) == (Desfecho.OPTOUT, "optout", (CONFIRMACAO_OPTOUT,))
    assert (done.causa, done.isenta, done.cancela_tudo, done.estagio) == ("optout:12", True, True, "optout")
    assert done.estado.permissao is Permissao.OPTED_OUT


@pytest.mark.parametrize("dita", ["quero falar com alguém", "é robô?", "não quero mais", "tem vaga?"])
def test_under_human_control_she_is_silent(dita: str) -> None:
    done = fim(dita, ("audio", ""), controle="humano", diretrizes=PESSOA)
    assert (done.desfecho, done.regra, done.textos) == (Desfecho.SILENCIO, "controle_humano", ())
    assert done.transferencia is None


@pytest.mark.parametrize(
    ("dita", "gatilho"),
    [
        ("quero falar com uma pessoa", Gatilho.PEDIDO_HUMANO),
        ("vou no procon", Gatilho.JURIDICO),
        ("seus idiotas", Gatilho.SENTIMENTO_NEGATIVO),
    ],
)
def test_a_trigger_hands_the_conversation_over_and_says_so(dita: str, gatilho: Gatilho) -> None:
    done = fim(dita)
    assert (done.desfecho, done.transferencia, done.regra) == (Desfecho.ENTREGUE_A_PESSOA, gatilho, "gatilho")
    assert len(done.textos) == 1
    assert "uma pessoa vai" in done.textos[0]
    [aviso] = done.avisos
    assert (aviso.tipo, aviso.chave, aviso.texto) == (TipoAviso.TRANSFERENCIA, "transferencia:11", done.motivo)
    assert done.causa == "transferencia:11"
    assert done.estado.objecao_aberta
    assert done.estado.permissao is Permissao.COOLING_OFF


def test_a_burst_that_asks_for_a_robot_and_a_person_is_answered_truthfully_and_handed_over() -> None:
    done = fim("você é robô?", "quero falar com humano")
    assert done.transferencia is Gatilho.PEDIDO_HUMANO
    assert done.textos[0] == SIM_AUTOMATIZADA
    assert len(done.textos) == 2


def test_an_unclear_stop_is_asked_back_once_and_then_goes_on() -> None:
    done = fim("não me mande mais vaga de pediatria")
    assert (done.desfecho, done.textos) == (Desfecho.RESPONDIDA, (PERGUNTA_PARADA,))
    assert done.parada_perguntada_em == AGORA
    again = seguir("não me mande mais vaga de pediatria", parada_perguntada_em=AGORA - timedelta(hours=1))
    assert again.prefixo is None


PERGUNTADA = (Passada("medico", "chega", AGORA), Passada("julia", PERGUNTA_PARADA, AGORA))


@pytest.mark.parametrize("dita", ["Sim", "sim, quero parar", "chega"])
def test_a_yes_to_the_question_opts_out(dita: str) -> None:
    done = fim(dita, parada_perguntada_em=AGORA, passadas=PERGUNTADA)
    assert (done.desfecho, done.causa) == (Desfecho.OPTOUT, "optout:11")
    assert done.textos == (CONFIRMACAO_OPTOUT,)


def test_a_yes_to_anything_newer_is_no_opt_out() -> None:
    newer = (*PERGUNTADA, Passada("julia", "Tem uma vaga no sábado, quer?", AGORA))
    assert seguir("Sim", parada_perguntada_em=AGORA, passadas=newer).texto == "Sim"
    assert seguir("Sim", parada_perguntada_em=AGORA, passadas=PERGUNTADA, na_fila=("Quer?",)).texto == "Sim"
    assert seguir("Sim", passadas=PERGUNTADA).texto == "Sim"


def test_the_question_for_a_robot_alone_gets_the_fixed_answer() -> None:
    done = fim("Oi!", "você é um robô?")
    assert (done.desfecho, done.regra, done.textos) == (Desfecho.RESPONDIDA, "pergunta_robo", (RESPOSTA_ROBO,))


@pytest.mark.parametrize("pergunta", frases("robo", "pergunta"))
def test_no_way_of_asking_for_a_robot_reaches_a_model_or_is_denied(pergunta: str) -> None:
    done = fim(pergunta)
    assert done.textos == (RESPOSTA_ROBO,)
    assert not nega_automacao(done.textos[0])


def test_what_is_asked_beside_it_goes_to_the_model_after_the_fixed_answer() -> None:
    left = seguir("você é um robô?", "Quanto paga o plantão de sábado?")
    assert left.prefixo == RESPOSTA_ROBO
    assert left.texto == "Quanto paga o plantão de sábado?"
    assert left.notas == (NOTA_ROBO,)


def test_a_request_to_forget_is_confirmed_and_the_conversation_goes_on() -> None:
    done = fim("Apague o que você sabe sobre mim")
    assert (done.desfecho, done.regra, done.textos) == (
        Desfecho.RESPONDIDA, "esquecimento", (CONFIRMACAO_ESQUECIMENTO,)
    )  # fmt: skip
    assert done.esquece
    left = seguir("Apague o que você sabe sobre mim.", "Tem vaga na sexta?")
    assert left.esquece
    assert (left.prefixo, left.texto) == (CONFIRMACAO_ESQUECIMENTO, "Tem vaga na sexta?")
    assert left.notas == (NOTA_ESQUECIMENTO,)


@pytest.mark.parametrize(
    ("dita", "outros"),
    [
        ("Não me mande mais mensagens e apague meus dados", {}),
        ("apague tudo sobre mim", {"controle": "humano"}),
        ("apague tudo sobre mim", {"estado": DoctorState(permissao=Permissao.OPTED_OUT)}),
        ("apague tudo sobre mim, vou no procon", {}),
    ],
)
def test_forgetting_is_done_whatever_else_settles_the_turn(dita: str, outros: dict[str, Any]) -> None:
    assert fim(dita, **outros).esquece


def test_a_file_without_words_is_acknowledged_and_asked_for_in_text() -> None:
    done = fim(("audio", ""))
    assert (done.desfecho, done.regra) == (Desfecho.RESPONDIDA, "midia")
    assert done.textos[0].startswith("Recebi seu áudio. Ainda não consigo ouvir")


def test_a_directive_sends_a_file_without_words_to_a_person() -> None:
    done = fim(("imagem", ""), diretrizes=PESSOA)
    assert (done.desfecho, done.transferencia) == (Desfecho.ENTREGUE_A_PESSOA, Gatilho.MIDIA)
    assert done.textos == ("Recebi sua imagem. Uma pessoa da nossa equipe vai olhar e responder por aqui.",)
    assert not done.estado.objecao_aberta
    assert [aviso.tipo for aviso in done.avisos] == [TipoAviso.TRANSFERENCIA]


def test_words_beside_a_file_are_answered_and_the_model_knows_of_the_file() -> None:
    left = seguir(("audio", ""), "Tem vaga na sexta?")
    assert left.texto == "Tem vaga na sexta?"
    [nota] = left.notas
    assert "1 áudio, sem texto" in nota
    [legenda] = seguir(("imagem", "serve esse documento?"), diretrizes=PESSOA).notas
    assert "1 imagem, com a legenda" in legenda


def test_a_long_message_is_cut_with_a_note_and_an_endless_one_is_asked_for_again() -> None:
    frase = "Tenho interesse no plantão de sábado. "
    left = seguir(frase * 150)
    assert len(left.texto) <= 4_000
    [nota] = left.notas
    assert "caracteres" in nota
    done = fim(frase * 300)
    assert (done.desfecho, done.regra, done.textos) == (Desfecho.RESPONDIDA, "mensagem_longa", (PEDE_RESUMO,))


def test_a_stop_at_the_end_of_an_endless_message_is_heard() -> None:
    assert fim("Tenho interesse no plantão. " * 400 + "\nNão me mande mais mensagens.").desfecho is Desfecho.OPTOUT


def test_nothing_to_answer_is_silence_with_its_reason() -> None:
    done = fim(("desconhecida", ""))
    assert (done.desfecho, done.regra, done.motivo) == (
        Desfecho.SILENCIO, "sem_palavras", "nada a responder: mensagem sem palavras"
    )  # fmt: skip


def test_ordinary_talk_goes_to_the_model_untouched() -> None:
    left = seguir("Oi, tudo bem?", "Tem plantão de cardiologia?")
    assert left.texto == "Oi, tudo bem?\nTem plantão de cardiologia?"
    assert (left.prefixo, left.notas, left.esquece) == (None, (), False)


PALAVRAS = ("xilofone", "SAIR", "é robô?", "chega", "vou no procon", "apague o que sabe sobre mim", "a" * 10_001)


@given(
    st.lists(st.sampled_from(PALAVRAS) | st.tuples(st.sampled_from(["audio", "imagem"]), st.just("")), min_size=1),
    st.sampled_from(["ia", "humano"]),
    st.booleans(),
)
def test_the_reason_is_computed_again_from_what_is_stored_and_no_word_is(
    ditas: list[str | tuple[str, str]], controle: str, para_pessoa: bool
) -> None:
    read = contexto(*ditas, controle=controle)
    settled = aplicar_regras(read, AGORA, PESSOA if para_pessoa else ())
    stored = json.dumps(settled.entrada)
    found = veredito(de_json(json.loads(stored)))
    if isinstance(settled, Fim):
        assert found is not None
        assert (found.regra, found.motivo) == (settled.regra, settled.motivo)
        assert bool(settled.textos) == (settled.desfecho is not Desfecho.SILENCIO)
    else:
        assert found is None
        assert settled.texto
    assert not any(word in stored for word in ("xilofone", "SAIR", "procon", "aaaa"))


@given(st.text(max_size=300))
def test_any_text_gets_an_outcome_or_goes_to_the_model(texto: str) -> None:
    aplicar_regras(contexto(texto), AGORA)

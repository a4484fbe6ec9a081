"""Doctors write in bursts, and while Júlia thinks: one answer to all of it, each message in one turn."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.e2e.palco import Palco, wait_for

MEDICO = "5511900010002"
DE_PRODUCAO = {"AGENTE_QUIETO_S": "1.5", "AGENTE_QUIETO_MAX_S": "6", "AGENTE_LEASE_S": "12", "AGENTE_TURNO_MAX_S": "10"}
FALAS = [f"mensagem número {n}: tem plantão?" for n in range(1, 21)]

pytestmark = pytest.mark.processo


@pytest.fixture
def pronto(palco: Palco) -> Iterator[Palco]:
    palco.chips(2)
    palco.api_env |= DE_PRODUCAO
    palco.start_api()
    yield palco
    palco.sandbox("DELETE", "/_sandbox/falhas")


def escreve_espacado(palco: Palco, seconds: float) -> None:
    """Write all messages, evenly over this time."""
    began = time.monotonic()
    for n, fala in enumerate(FALAS):
        time.sleep(max(0.0, began + n * seconds / len(FALAS) - time.monotonic()))
        palco.escreve(MEDICO, fala)


def turnos(palco: Palco) -> list[int]:
    """How many messages each turn holds, oldest first; every message must be in one."""
    assert palco.sql("SELECT id FROM inbox WHERE tipo = 'mensagem' AND turn_id IS NULL") == []
    rows = palco.sql("SELECT turn_id, count(*) AS n FROM inbox WHERE tipo = 'mensagem' GROUP BY 1 ORDER BY 1")
    return [row["n"] for row in rows]


def geracoes(palco: Palco) -> list[int]:
    """How often the model wrote a reply in each turn: calls that ended in words, not in a tool."""
    return [
        row["n"]
        for row in palco.sql(
            "SELECT count(*) FILTER (WHERE c ->> 'finalidade' = 'resposta' AND c ->> 'parada' <> 'tool_use') AS n"
            " FROM turno t, jsonb_array_elements(t.chamadas) c GROUP BY t.id ORDER BY t.id"
        )
    ]


def test_twenty_messages_in_five_seconds_are_one_generation_with_all_twenty_in_it(pronto: Palco) -> None:
    escreve_espacado(pronto, 5)
    wait_for(pronto.assentado, 20, "everything is answered")
    assert turnos(pronto) == [20]
    assert geracoes(pronto) == [1]
    assert pronto.violacoes() == []
    [thread] = pronto.sql("SELECT count(*) AS n FROM interacao WHERE direcao = 'entrada'")
    assert thread["n"] == 20


def test_f41_twenty_messages_in_ten_seconds_get_two_replies_at_most(pronto: Palco) -> None:
    escreve_espacado(pronto, 10)
    wait_for(pronto.assentado, 25, "everything is answered")
    held = turnos(pronto)
    assert sum(held) == 20
    assert len(held) <= 2
    assert pronto.violacoes() == []


def test_what_lands_while_she_thinks_is_in_the_same_answer_once_and_then_in_the_next(pronto: Palco) -> None:
    pronto.sandbox("PUT", "/_sandbox/falhas", {"alvo": "anthropic.messages", "latencia_ms": 1200})
    pronto.escreve(MEDICO, "oi, tem plantão?")
    thinking = "SELECT 1 FROM mailbox WHERE lease_until > now()"
    wait_for(lambda: pronto.sql(thinking), 10, "she thinks")
    time.sleep(0.5)
    pronto.escreve(MEDICO, "de preferência à noite")
    wait_for(pronto.assentado, 30, "everything is answered")
    assert turnos(pronto) == [2]
    [turno] = pronto.sql("SELECT tentativa FROM turno")
    assert turno["tentativa"] == 2
    assert pronto.violacoes() == []


def test_a_stop_that_lands_while_she_thinks_discards_the_answer(pronto: Palco) -> None:
    pronto.sandbox("PUT", "/_sandbox/falhas", {"alvo": "anthropic.messages", "latencia_ms": 2500})
    pronto.escreve(MEDICO, "oi, tem plantão?")
    wait_for(lambda: pronto.sql("SELECT 1 FROM mailbox WHERE lease_until > now()"), 10, "she thinks")
    time.sleep(0.3)
    began = time.monotonic()
    pronto.escreve(MEDICO, "SAIR")
    wait_for(lambda: pronto.aceitas(MEDICO), 2, "the stop is confirmed although the model is still thinking")
    assert time.monotonic() - began <= 2
    wait_for(pronto.assentado, 20, "everything is settled")
    [confirmed] = pronto.aceitas(MEDICO)
    assert "não vai mais receber" in confirmed["texto"]
    assert [row["desfecho"] for row in pronto.sql("SELECT desfecho FROM turno")] == ["optout"]
    assert pronto.violacoes() == []


def test_a_person_who_answers_from_the_phone_while_she_thinks_discards_the_answer(pronto: Palco) -> None:
    pronto.sandbox("PUT", "/_sandbox/falhas", {"alvo": "anthropic.messages", "latencia_ms": 2000})
    pronto.escreve(MEDICO, "oi, tem plantão?")
    wait_for(lambda: pronto.sql("SELECT 1 FROM mailbox WHERE lease_until > now()"), 10, "she thinks")
    time.sleep(0.3)
    body = {"instance": "julia-01", "telefone": MEDICO, "texto": "Oi doutora, aqui é a Ana da escala", "minha": True}
    pronto.sandbox("POST", "/_sandbox/medicos/mensagem", body)
    wait_for(pronto.assentado, 20, "everything is settled")
    time.sleep(2.5)
    assert pronto.aceitas(MEDICO) == []
    [conversa] = pronto.sql("SELECT controle, status FROM conversa")
    assert conversa == {"controle": "humano", "status": "escalated"}
    said = pronto.sql("SELECT autor FROM interacao ORDER BY em, id")
    assert sorted(row["autor"] for row in said) == ["humano", "medico"]
    assert [row["desfecho"] for row in pronto.sql("SELECT desfecho FROM turno")] == ["silencio"]

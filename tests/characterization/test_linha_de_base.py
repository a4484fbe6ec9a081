"""What the program does today, seen from outside alone: a webhook goes in, a message comes out, a row says why."""

from __future__ import annotations

import time
from typing import Any

import pytest

from lib.domain.optout import CONFIRMACAO_OPTOUT
from tests.e2e.criadouro import Criadouro
from tests.e2e.palco import MAIS_RAPIDO, Palco, free_port, sandbox_process, wait_for

pytestmark = pytest.mark.processo

MEDICO = "5511900010001"


@pytest.fixture
def palco(palco: Palco, criadouro: Criadouro) -> Palco:
    palco.criadouro = criadouro
    palco.api_env = dict(MAIS_RAPIDO)
    palco.chips(2)
    return palco


@pytest.fixture
def vivo(palco: Palco) -> Palco:
    palco.start_api()
    return palco


def recebidas(palco: Palco) -> list[dict[str, Any]]:
    return palco.sql(
        "SELECT tipo, midia, turn_id IS NOT NULL AS em_turno, desfecho FROM inbox WHERE tipo <> 'eco' ORDER BY id"
    )


def respondido(palco: Palco, vezes: int = 1) -> list[dict[str, Any]]:
    """Wait until so many messages were accepted and settled; return them."""
    wait_for(lambda: len(palco.aceitas(MEDICO)) >= vezes and palco.assentado(), 15, f"{vezes} messages went out")
    time.sleep(0.2)
    return palco.aceitas(MEDICO)


def test_a_burst_gets_one_reply(palco: Palco) -> None:
    # Quiet long enough for three calls in a row on a busy machine.
    palco.api_env |= {"AGENTE_QUIETO_S": "1", "AGENTE_QUIETO_MAX_S": "4"}
    palco.start_api()
    palco.escreve(MEDICO, "Oi!", "aqui é a Ana", "tem plantão essa semana?")
    assert len(respondido(palco)) == 1
    assert [row["em_turno"] for row in recebidas(palco)] == [True] * 3
    assert palco.sql("SELECT count(*) AS n FROM turno") == [{"n": 1}]


def test_a_stop_is_confirmed_once_and_then_there_is_silence(vivo: Palco) -> None:
    vivo.escreve(MEDICO, "SAIR")
    assert [row["texto"] for row in respondido(vivo)] == [CONFIRMACAO_OPTOUT]
    vivo.escreve(MEDICO, "tem plantão?")
    wait_for(lambda: vivo.sql("SELECT 1 FROM turno WHERE desfecho = 'silencio'"), 10, "the second turn")
    assert len(vivo.aceitas(MEDICO)) == 1


def test_a_conversation_with_a_person_is_stored_and_not_answered(vivo: Palco) -> None:
    vivo.escreve(MEDICO, "Oi!")
    respondido(vivo)
    vivo.sql("UPDATE conversa SET controle = 'humano'")
    vivo.escreve(MEDICO, "tem plantão essa semana?")
    wait_for(lambda: vivo.sql("SELECT 1 FROM turno WHERE desfecho = 'silencio'"), 10, "the silent turn")
    assert len(vivo.aceitas(MEDICO)) == 1
    assert vivo.sql("SELECT count(*) AS n FROM interacao WHERE direcao = 'entrada'") == [{"n": 2}]


def test_a_message_that_arrives_an_hour_late_is_stored_and_not_answered(vivo: Palco) -> None:
    vivo.escreve(MEDICO, "tem plantão?", momento_s=int(time.time()) - 3600)
    wait_for(lambda: recebidas(vivo), 10, "the message is stored")
    time.sleep(0.5)
    assert recebidas(vivo) == [
        {"tipo": "mensagem", "midia": "texto", "em_turno": False,
         "desfecho": "sem_resposta: chegou com mais de 10 minutos"}
    ]  # fmt: skip
    assert vivo.aceitas(MEDICO) == []


def test_a_stop_that_arrives_an_hour_late_is_still_a_stop(vivo: Palco) -> None:
    vivo.escreve(MEDICO, "SAIR", momento_s=int(time.time()) - 3600)
    assert [row["texto"] for row in respondido(vivo)] == [CONFIRMACAO_OPTOUT]
    assert vivo.sql("SELECT permissao FROM doctor_state") == [{"permissao": "opted_out"}]


def test_a_voice_message_is_acknowledged_and_asked_for_in_words(vivo: Palco) -> None:
    data = {
        "key": {"remoteJid": f"{MEDICO}@s.whatsapp.net", "fromMe": False, "id": "AUDIO1"},
        "message": {"audioMessage": {"seconds": 7}},
        "messageTimestamp": int(time.time()),
    }
    vivo.sandbox("POST", "/_sandbox/eventos", {"instance": "julia-01", "evento": "messages.upsert", "dados": data})
    [said] = respondido(vivo)
    assert "áudio" in said["texto"]
    assert recebidas(vivo) == [{"tipo": "mensagem", "midia": "audio", "em_turno": True, "desfecho": "respondida"}]
    assert vivo.sql("SELECT regra, modelo FROM turno") == [{"regra": "midia", "modelo": None}]


def test_what_is_typed_on_our_own_phone_gets_no_reply(vivo: Palco) -> None:
    vivo.sandbox(
        "POST",
        "/_sandbox/medicos/mensagem",
        {"instance": "julia-01", "telefone": MEDICO, "texto": "tem plantão?", "minha": True},
    )
    wait_for(lambda: vivo.sql("SELECT 1 FROM inbox WHERE tipo = 'eco'"), 10, "the echo is stored")
    time.sleep(0.5)
    assert vivo.aceitas(MEDICO) == []
    assert vivo.sql("SELECT 1 FROM turno") == []


def test_receipts_move_the_delivery_until_it_is_read(vivo: Palco) -> None:
    vivo.escreve(MEDICO, "Oi!")
    respondido(vivo)
    wait_for(lambda: vivo.sql("SELECT 1 FROM interacao WHERE direcao = 'saida' AND entrega = 'lida'"), 10, "it is read")


def test_a_chip_that_lost_its_connection_is_replaced_by_another(vivo: Palco) -> None:
    vivo.escreve(MEDICO, "Oi!", instancia="julia-01")
    assert [row["instance"] for row in respondido(vivo)] == ["julia-01"]
    vivo.sandbox("PUT", "/_sandbox/instancias/julia-01", {"estado": "close"})
    wait_for(lambda: vivo.sql("SELECT 1 FROM chip WHERE NOT conectado"), 10, "we know that it is down")
    vivo.escreve(MEDICO, "tem plantão essa semana?", instancia="julia-01")
    assert [row["instance"] for row in respondido(vivo, 2)] == ["julia-01", "julia-02"]


def test_a_chip_that_the_gateway_does_not_know_is_replaced_by_another(vivo: Palco) -> None:
    refused = {"alvo": "evolution.sendText", "instancia": "julia-01", "status": 404}
    vivo.sandbox("PUT", "/_sandbox/falhas", refused)
    vivo.escreve(MEDICO, "Oi!", instancia="julia-01")
    assert [row["instance"] for row in respondido(vivo)] == ["julia-02"]
    assert vivo.sql("SELECT attempts FROM outbox") == [{"attempts": 2}]


def test_a_gateway_that_is_down_gets_the_message_when_it_is_back(palco: Palco, home: Any) -> None:
    port = free_port()
    palco.api_env |= {
        "AGENTE_EVOLUTION_URL": f"http://127.0.0.1:{port}",
        "AGENTE_DESTINOS_PERMITIDOS": f"+{MEDICO}",
    }
    palco.start_api()
    palco.escreve(MEDICO, "Oi!")
    wait_for(lambda: palco.sql("SELECT 1 FROM outbox WHERE fence > 1"), 15, "it was tried again")
    # Not before the gateway has its instance again: until then it would refuse the chip, not the message.
    hold = "UPDATE outbox SET next_at = now() + interval '1 hour' WHERE state = 'pending' RETURNING 1"
    wait_for(lambda: palco.sql(hold), 5, "it waits")
    with sandbox_process(home, port=port) as url:
        palco.http.put(f"{url}/_sandbox/instancias/julia-01", json={"estado": "open", "numero": "5511900000101"})
        palco.sql("UPDATE outbox SET next_at = now()")
        wait_for(lambda: palco.sql("SELECT 1 FROM outbox WHERE state = 'sent'"), 15, "it went out")
        assert palco.http.get(f"{url}/_sandbox/aceitas").json()["total"] == 1


@pytest.mark.parametrize("falha", [{"status": 500}, {"status": 400}, {"cortar": True}, {"latencia_ms": 2000}], ids=str)
def test_a_send_that_was_taken_and_then_failed_is_not_repeated(vivo: Palco, falha: dict[str, Any]) -> None:
    fault = {"alvo": "evolution.sendText", "depois_de_aceitar": True, "vezes": 1}
    vivo.sandbox("PUT", "/_sandbox/falhas", fault | falha)
    vivo.escreve(MEDICO, "Oi!")
    [only] = respondido(vivo)
    assert vivo.sql("SELECT state, attempts, provider_msg_id FROM outbox") == [
        {"state": "sent", "attempts": 1, "provider_msg_id": only["id"]}
    ]


def test_a_send_that_failed_without_saying_where_is_repeated_after_the_grace(vivo: Palco) -> None:
    vivo.sandbox("PUT", "/_sandbox/falhas", {"alvo": "evolution.sendText", "status": 502, "vezes": 1})
    vivo.escreve(MEDICO, "Oi!")
    assert len(respondido(vivo)) == 1
    [row] = vivo.sql("SELECT state, attempts, extract(epoch FROM enviando_em - falhou_em) AS espera_s FROM outbox")
    assert (row["state"], row["attempts"]) == ("sent", 2)
    assert row["espera_s"] >= float(MAIS_RAPIDO["AGENTE_CARENCIA_S"])


def test_a_send_that_failed_for_want_of_a_connection_goes_by_another_number_at_once(vivo: Palco) -> None:
    vivo.sandbox("PUT", "/_sandbox/falhas", {"alvo": "evolution.sendText", "status": 500, "vezes": 1})
    vivo.escreve(MEDICO, "Oi!")
    assert len(respondido(vivo)) == 1
    assert vivo.sql("SELECT state, attempts FROM outbox") == [{"state": "sent", "attempts": 2}]
    wait_for(
        lambda: not vivo.sql("SELECT 1 FROM chip WHERE NOT conectado"), 15, "the number is asked after and is back"
    )


def test_a_number_without_whatsapp_is_given_up(vivo: Palco) -> None:
    vivo.sandbox("PUT", "/_sandbox/inexistentes", {"telefones": [MEDICO]})
    vivo.escreve(MEDICO, "Oi!")
    wait_for(lambda: vivo.sql("SELECT 1 FROM outbox WHERE state = 'dead'"), 10, "it is given up")
    assert vivo.aceitas(MEDICO) == []


def test_a_model_that_is_overloaded_delays_the_reply_and_loses_nothing(vivo: Palco) -> None:
    vivo.sandbox("PUT", "/_sandbox/falhas", {"alvo": "anthropic.messages", "status": 529, "vezes": 6})
    vivo.escreve(MEDICO, "Oi!")
    assert len(respondido(vivo)) == 1
    assert vivo.sql("SELECT dead, tries FROM mailbox") == [{"dead": None, "tries": 0}]

"""A doctor's burst, answered once, through real processes."""

from __future__ import annotations

from tests.e2e.palco import Palco, wait_for

MEDICO = "5511900010001"


def test_a_burst_of_three_messages_is_answered_once_and_recorded(palco: Palco) -> None:
    palco.chips(2)
    palco.api_env |= {"AGENTE_QUIETO_S": "1", "AGENTE_QUIETO_MAX_S": "4"}
    palco.start_api()
    palco.escreve(MEDICO, "Oi, bom dia!", "aqui é a Dra. Teste", "vocês têm plantão essa semana?", nome="Dra. Teste")
    wait_for(lambda: palco.sql("SELECT 1 FROM outbox WHERE state = 'sent'"), 15, "an answer was sent")

    aceitas = palco.aceitas(MEDICO)
    assert len(aceitas) == 1
    assert "automatizada" in aceitas[0]["texto"]
    [turno] = palco.sql("SELECT * FROM turno")
    assert turno["desfecho"] == "respondida"
    assert [r["turn_id"] for r in palco.sql("SELECT turn_id FROM inbox WHERE tipo = 'mensagem'")] == [turno["id"]] * 3
    thread = palco.sql("SELECT direcao FROM interacao ORDER BY em, id")
    assert [row["direcao"] for row in thread] == ["entrada"] * 3 + ["saida"]


def test_a_reply_leaves_when_its_reading_pause_is_over_and_not_at_the_next_poll(palco: Palco) -> None:
    palco.chips(1)
    palco.api_env |= {"AGENTE_QUIETO_S": "0.1", "AGENTE_PAUSA_LEITURA_MAX_S": "0.4", "AGENTE_POLL_S": "5"}
    palco.start_api()
    palco.escreve(MEDICO, "Oi, bom dia!")
    wait_for(lambda: palco.sql("SELECT 1 FROM outbox WHERE state = 'sent'"), 15, "an answer was sent")
    [row] = palco.sql(
        "SELECT extract(epoch FROM enviando_em - next_at)::float8 AS depois_s FROM outbox ORDER BY id LIMIT 1"
    )
    assert 0 <= row["depois_s"] < 1

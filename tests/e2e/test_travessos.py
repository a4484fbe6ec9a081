"""Nasty texts and bodies through real HTTP and the whole path: no 5xx, nothing lost, all answered or explained."""

from __future__ import annotations

import orjson
import pytest

from lib.auth import webhook_key
from tests.e2e.criadouro import Criadouro
from tests.e2e.palco import SECRET, Palco, wait_for
from tests.e2e.processo import texto_recebido
from tests.e2e.verificador import Escrita
from tests.fixtures.travessos import CORPOS, TEXTOS

pytestmark = pytest.mark.processo


@pytest.fixture
def api(palco: Palco, criadouro: Criadouro) -> Palco:
    palco.criadouro = criadouro
    palco.chips(2)
    palco.start_api()
    return palco


def manda(palco: Palco, raw: bytes) -> int:
    headers = {"x-agente-webhook-key": webhook_key(SECRET, "julia-01")}
    url = f"{palco.api_url}/webhooks/evolution/julia-01"
    return palco.http.post(url, content=raw, headers=headers).status_code


def test_any_text_of_a_doctor_is_taken_and_its_conversation_settled(api: Palco) -> None:
    for n, texto in enumerate(TEXTOS):
        telefone, msg_id = f"55119660{n:05d}", f"T{n}"
        raw = orjson.loads(texto_recebido("julia-01", telefone, texto, msg_id))
        raw["data"]["pushName"] = texto
        assert manda(api, orjson.dumps(raw)) == 202, texto[:40]
        api.escritas.append(Escrita(msg_id, telefone))
    wait_for(api.assentado, 60, "every text is settled")
    assert api.violacoes() == []
    outcomes = api.sql("SELECT desfecho, count(*) AS n FROM inbox WHERE tipo = 'mensagem' GROUP BY 1")
    assert sum(row["n"] for row in outcomes) == len(TEXTOS)
    answered = {row["numero"] for row in api.aceitas()}
    blank = api.sql("SELECT count(*) AS n FROM inbox WHERE tipo = 'mensagem' AND turn_id IS NULL")[0]["n"]
    assert len(answered) == len(TEXTOS) - blank
    assert blank <= 3
    assert api.alive


def test_any_authentic_body_is_stored_and_accepted_and_the_next_message_is_answered(api: Palco) -> None:
    assert {manda(api, raw) for raw in CORPOS} == {202}
    [stored] = api.sql(
        "SELECT count(*) + (SELECT count(*) FROM delivery_event) AS n,"
        " count(*) FILTER (WHERE desfecho IS NULL) AS mudas FROM inbox"
    )
    assert stored == {"n": len(set(CORPOS)), "mudas": 0}
    api.escreve("5511966999999", "Oi, bom dia!")
    wait_for(lambda: api.aceitas("5511966999999"), 15, "the next doctor is answered")

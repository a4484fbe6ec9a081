import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from lib.sandbox.courier import retry_pause
from tests.sandbox.live import Receiver, wait_for

SAMPLES = orjson.loads((Path(__file__).parent / "fixtures" / "evolution_webhooks.json").read_bytes())
PHONE = "5511900001001"


def says(sandbox: httpx.Client, chip: str, **more: Any) -> str:
    body = {"instance": chip, "telefone": PHONE, "texto": "Bom dia!", **more}
    return str(sandbox.post("/_sandbox/medicos/mensagem", json=body).raise_for_status().json()["id"])


def test_a_doctors_message_arrives_in_the_recorded_envelope(
    sandbox: httpx.Client, chip: str, receiver: Receiver
) -> None:
    message_id = says(sandbox, chip)
    wait_for(lambda: receiver.bodies("messages.upsert"))
    (body,) = receiver.bodies("messages.upsert")
    sample = SAMPLES["messages.upsert"]
    assert list(body) == list(sample)
    assert body["data"].keys() == sample["data"].keys()
    assert body["data"]["key"].keys() == sample["data"]["key"].keys()
    assert body["data"]["key"]["id"] == message_id
    assert body["data"]["message"] == {"conversation": "Bom dia!"}
    assert (body["sender"], body["apikey"]) == ("5511900000100@s.whatsapp.net", None)
    assert receiver.came[-1][2]["x-segredo"] == "s3gredo"
    assert receiver.came[-1][2]["user-agent"].startswith("axios/")


def test_a_send_is_followed_by_its_event_and_three_receipts(
    sandbox: httpx.Client, chip: str, receiver: Receiver
) -> None:
    answer = sandbox.post(f"/message/sendText/{chip}", json={"number": PHONE, "text": "oi"}).json()
    wait_for(lambda: len(receiver.bodies("messages.update")) == 3)
    (sent,) = receiver.bodies("send.message")
    assert sent["data"] == answer
    assert sent.keys() == SAMPLES["send.message"].keys()
    updates = receiver.bodies("messages.update")
    assert {body["data"]["status"] for body in updates} == {"SERVER_ACK", "DELIVERY_ACK", "READ"}
    assert all(body["data"].keys() == SAMPLES["messages.update"]["data"].keys() for body in updates)
    assert {body["data"]["keyId"] for body in updates} == {answer["key"]["id"]}


def test_closing_an_instance_tells_its_webhook(sandbox: httpx.Client, chip: str, receiver: Receiver) -> None:
    sandbox.put(f"/_sandbox/instancias/{chip}", json={"estado": "close", "motivo": 401}).raise_for_status()
    wait_for(lambda: len(receiver.bodies("connection.update")) == 2)
    opened, closed = receiver.bodies("connection.update")
    assert opened["data"].keys() == SAMPLES["connection.update.open"]["data"].keys()
    assert closed["data"] == {"instance": chip, "state": "close", "statusReason": 401}
    refused = sandbox.post(f"/message/sendText/{chip}", json={"number": PHONE, "text": "oi"})
    assert (refused.status_code, refused.json()["response"]["message"]) == (500, "Connection Closed")


def test_a_failing_receiver_is_tried_again_with_doubling_pauses(
    sandbox: httpx.Client, chip: str, receiver: Receiver
) -> None:
    receiver.came.clear()
    receiver.answers[:] = [503, 500, 429]
    says(sandbox, chip)
    wait_for(lambda: len(receiver.came) == 4)
    times = [at for at, _, _ in receiver.came]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    for pause, expected in zip(pauses, (0.2, 0.4, 0.8), strict=True):
        assert expected * 0.8 <= pause <= expected * 1.2 + 0.3
    assert len({orjson.dumps(body) for _, body, _ in receiver.came}) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_final_refusal_is_never_tried_again(
    sandbox: httpx.Client, chip: str, receiver: Receiver, status: int
) -> None:
    receiver.came.clear()
    receiver.answers[:] = [status]
    says(sandbox, chip)
    wait_for(lambda: sandbox.get("/_sandbox/webhooks").json()["desistencias"] == 1)
    assert sandbox.get("/_sandbox/webhooks").json()["pendentes"] == 0
    assert len(receiver.came) == 1


def test_it_gives_up_after_ten_attempts(sandbox: httpx.Client, chip: str, receiver: Receiver) -> None:
    receiver.came.clear()
    receiver.answers[:] = [500] * 20
    sandbox.put("/_sandbox/webhooks", json={"retry_base_s": 0.001}).raise_for_status()
    says(sandbox, chip)
    wait_for(lambda: sandbox.get("/_sandbox/webhooks").json()["desistencias"] == 1)
    assert len(receiver.came) == 10


def test_the_pauses_are_evolutions() -> None:
    rng = random.Random(1)
    for attempt, expected in ((1, 5.0), (2, 10.0), (6, 160.0), (7, 300.0), (9, 300.0)):
        pauses = [retry_pause(attempt, 5.0, rng) for _ in range(200)]
        assert expected * 0.8 <= min(pauses) < max(pauses) <= expected * 1.2


def test_a_receiver_that_is_away_gets_the_event_when_it_is_back(sandbox: httpx.Client, receiver: Receiver) -> None:
    sandbox.put("/_sandbox/instancias/chip-02", json={"webhook_url": "http://127.0.0.1:9/fora"}).raise_for_status()
    wait_for(lambda: sandbox.get("/_sandbox/webhooks").json()["tentativas"])
    assert sandbox.get("/_sandbox/webhooks").json()["tentativas"][0]["status"] == 0
    assert sandbox.get("/_sandbox/webhooks").json()["pendentes"] == 1


def test_duplicates_come_as_often_as_asked(sandbox: httpx.Client, chip: str, receiver: Receiver) -> None:
    says(sandbox, chip, duplicatas=5)
    wait_for(lambda: len(receiver.bodies("messages.upsert")) == 5)
    assert len({orjson.dumps(body) for body in receiver.bodies("messages.upsert")}) == 1
    sandbox.put("/_sandbox/webhooks", json={"duplicar": 1.0}).raise_for_status()
    says(sandbox, chip)
    wait_for(lambda: len(receiver.bodies("messages.upsert")) == 7)


def test_stopped_webhooks_are_held_back_and_then_let_go(sandbox: httpx.Client, chip: str, receiver: Receiver) -> None:
    sandbox.put("/_sandbox/webhooks", json={"parado": True}).raise_for_status()
    says(sandbox, chip)
    assert sandbox.get("/_sandbox/webhooks").json()["pendentes"] == 1
    assert receiver.bodies("messages.upsert") == []
    sandbox.put("/_sandbox/webhooks", json={"parado": False}).raise_for_status()
    wait_for(lambda: receiver.bodies("messages.upsert"))


def test_a_burst_is_several_messages_in_a_row(sandbox: httpx.Client, chip: str, receiver: Receiver) -> None:
    burst = {"instance": chip, "telefone": PHONE, "textos": ["oi", "tem vaga?", "sábado"], "intervalo_ms": 20}
    ids = sandbox.post("/_sandbox/medicos/rajada", json=burst).json()["ids"]
    wait_for(lambda: len(receiver.bodies("messages.upsert")) == 3)
    assert {body["data"]["key"]["id"] for body in receiver.bodies("messages.upsert")} == set(ids)


def test_only_subscribed_events_are_sent(sandbox: httpx.Client, chip: str, receiver: Receiver) -> None:
    webhook = {"enabled": True, "url": receiver.url, "events": ["SEND_MESSAGE"], "byEvents": True}
    sandbox.post(f"/webhook/set/{chip}", json={"webhook": webhook}).raise_for_status()
    receiver.came.clear()
    says(sandbox, chip)
    sandbox.post(f"/message/sendText/{chip}", json={"number": PHONE, "text": "oi"})
    wait_for(lambda: receiver.bodies("send.message"))
    assert [body["event"] for body in receiver.bodies()] == ["send.message"]

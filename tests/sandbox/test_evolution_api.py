from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from lib.sandbox.config import SandboxConfig
from lib.sandbox.jid import create_jid
from tests.fixtures.gravadas import Troca, gravadas
from tests.sandbox.live import KEY, Receiver, serve, wait_for

# What the sandbox does not answer as the recording does, and why.
DIFERENCAS = {
    "findChats": "no call of our client: the sandbox has no such route",
    "findContacts": "no call of our client: the sandbox has no such route",
}
# The words of a JSON parser are its own.
SO_A_FORMA = {"sendText_badjson"}


def shape(value: Any) -> Any:
    """Keys and kinds of a JSON value; null stands for any kind."""
    match value:
        case dict():
            return {name: shape(part) for name, part in sorted(value.items())}
        case list():
            return [shape(value[0])] if value else []
        case _:
            return None if value is None else type(value).__name__


def fits(got: Any, recorded: Any) -> bool:
    match got, recorded:
        case (dict(), dict()):
            return got.keys() == recorded.keys() and all(fits(got[name], recorded[name]) for name in got)
        case (list(), list()):
            return len(got) == len(recorded) and all(map(fits, got, recorded))
        case _:
            return got is None or recorded is None or got == recorded


def test_it_answers_the_recorded_exchanges_with_their_status_and_shape() -> None:
    with (
        serve(SandboxConfig(api_key=KEY, pair_ms=-1, qr_ms=-1)) as url,
        httpx.Client(base_url=url) as client,
    ):
        for troca in gravadas():
            answer = _ask(client, troca)
            if troca.name in DIFERENCAS:
                assert answer.status_code == 404, troca.name
                continue
            assert answer.status_code == troca.status, (troca.name, answer.text)
            assert answer.headers["content-type"] == troca.content_type
            assert fits(shape(answer.json()), shape(troca.response)), (troca.name, answer.text)
            if answer.status_code >= 400 and troca.name not in SO_A_FORMA:
                assert answer.json() == troca.response, troca.name


def _ask(client: httpx.Client, troca: Troca) -> httpx.Response:
    headers = {} if troca.apikey is None else {"apikey": troca.apikey}
    body = troca.body
    content = body.encode() if isinstance(body, str) else orjson.dumps(body) if body is not None else None
    return client.request(troca.method, troca.path, content=content, headers=headers)


def test_it_answers_every_recorded_exchange_but_two() -> None:
    names = {troca.name for troca in gravadas()}
    assert len(names) == 77
    assert DIFERENCAS.keys() <= names


@pytest.mark.parametrize(
    ("number", "jid"),
    [
        ("5511900000001", "5511900000001@s.whatsapp.net"),
        ("5541990000101", "554190000101@s.whatsapp.net"),
        ("+55 (31) 98888-7777", "553188887777@s.whatsapp.net"),
        ("5541960000101", "5541960000101@s.whatsapp.net"),
        ("554190000101", "554190000101@s.whatsapp.net"),
        ("201000000001001@lid", "201000000001001@lid"),
        ("120363000000000001", "120363000000000001@g.us"),
    ],
)
def test_the_ninth_digit_follows_the_recorded_rule(number: str, jid: str) -> None:
    assert create_jid(number) == jid


def test_a_sent_text_is_accepted_once_and_found_in_the_history(sandbox: httpx.Client, chip: str) -> None:
    headers = {"x-request-id": "pedido-1"}
    answer = sandbox.post(f"/message/sendText/{chip}", json={"number": "5541990000101", "text": "oi"}, headers=headers)
    assert answer.status_code == 201
    key = answer.json()["key"]
    assert key["remoteJid"] == "554190000101@s.whatsapp.net"
    assert answer.json()["status"] == "PENDING"
    log = sandbox.get("/_sandbox/aceitas", params={"telefone": "5541990000101"}).json()
    assert [(row["id"], row["texto"], row["request_id"]) for row in log["aceitas"]] == [(key["id"], "oi", "pedido-1")]
    assert sandbox.get("/_sandbox/aceitas", params={"depois_de": log["aceitas"][0]["seq"]}).json()["total"] == 0
    where = {"where": {"key": {"remoteJid": key["remoteJid"]}}}
    found = sandbox.post(f"/chat/findMessages/{chip}", json=where).json()["messages"]
    assert (found["total"], found["pages"], found["currentPage"]) == (1, 1, 1)
    assert found["records"][0]["key"] == {"id": key["id"], "fromMe": True, "remoteJid": key["remoteJid"]}
    assert found["records"][0]["message"] == {"conversation": "oi"}


def test_the_history_can_lag_behind(sandbox: httpx.Client, chip: str) -> None:
    sandbox.post(f"/message/sendText/{chip}", json={"number": "5511900001001", "text": "oi"})
    sandbox.put("/_sandbox/historico", json={"atraso_ms": 60_000}).raise_for_status()
    where = {"where": {"key": {"remoteJid": "5511900001001@s.whatsapp.net"}}}
    assert sandbox.post(f"/chat/findMessages/{chip}", json=where).json()["messages"]["records"] == []


def test_a_number_without_whatsapp_is_refused_with_exists_false(sandbox: httpx.Client, chip: str) -> None:
    sandbox.put("/_sandbox/inexistentes", json={"telefones": ["5511900001002"]}).raise_for_status()
    answer = sandbox.post(f"/message/sendText/{chip}", json={"number": "5511900001002", "text": "oi"})
    assert answer.status_code == 400
    refused = {"jid": "5511900001002@s.whatsapp.net", "exists": False, "number": "5511900001002"}
    assert answer.json()["response"]["message"] == [refused]


def test_typing_blocks_for_its_delay(sandbox: httpx.Client, chip: str) -> None:
    body = {"number": "5511900001001", "presence": "composing", "delay": 200}
    answer = sandbox.post(f"/chat/sendPresence/{chip}", json=body)
    assert (answer.status_code, answer.json()) == (201, {"presence": "composing"})
    assert answer.elapsed.total_seconds() >= 0.2


def test_connecting_an_instance_opens_it_when_its_code_is_scanned(sandbox: httpx.Client, receiver: Receiver) -> None:
    webhook = {"enabled": True, "url": receiver.url, "events": ["CONNECTION_UPDATE"]}
    create = {"instanceName": "novo", "integration": "WHATSAPP-BAILEYS", "number": "5511900000200", "webhook": webhook}
    assert sandbox.post("/instance/create", json=create).status_code == 201
    sandbox.get("/instance/connect/novo")
    wait_for(lambda: len(receiver.bodies()) == 2)
    states = {body["data"]["state"] for body in receiver.bodies()}
    assert states == {"connecting", "open"}
    assert sandbox.get("/instance/connectionState/novo").json()["instance"]["state"] == "open"
    (listed,) = sandbox.get("/instance/fetchInstances", params={"instanceName": "novo"}).json()
    assert (listed["connectionStatus"], listed["ownerJid"]) == ("open", "5511900000200@s.whatsapp.net")


def test_reading_marks_are_confirmed(sandbox: httpx.Client, chip: str) -> None:
    key = {"remoteJid": "5511900001001@s.whatsapp.net", "fromMe": False, "id": "3A1"}
    answer = sandbox.post(f"/chat/markMessageAsRead/{chip}", json={"readMessages": [key]})
    assert (answer.status_code, answer.json()) == (201, {"message": "Read messages", "read": "success"})


def test_a_restart_forgets_neither_instances_nor_accepted_messages(tmp_path: Path) -> None:
    config = SandboxConfig(api_key=KEY, directory=tmp_path)
    with serve(config) as url, httpx.Client(base_url=url, headers={"apikey": KEY}) as client:
        client.put("/_sandbox/instancias/chip-01", json={"numero": "5511900000100"}).raise_for_status()
        for text in ("um", "dois"):
            client.post("/message/sendText/chip-01", json={"number": "5511900001001", "text": text}).raise_for_status()
        before = client.get("/_sandbox/aceitas").json()
    with (tmp_path / "sandbox.jsonl").open("ab") as journal:
        journal.write(b'{"t":"aceita","seq":3,"inst')
    with serve(config) as url, httpx.Client(base_url=url, headers={"apikey": KEY}) as client:
        assert client.get("/_sandbox/aceitas").json() == before
        assert client.get("/instance/connectionState/chip-01").json()["instance"]["state"] == "open"
        third = client.post("/message/sendText/chip-01", json={"number": "5511900001001", "text": "tres"})
        assert third.json()["key"]["id"] not in {row["id"] for row in before["aceitas"]}
        assert [row["seq"] for row in client.get("/_sandbox/aceitas").json()["aceitas"]] == [1, 2, 3]

"""The life of Evolution's instances: paired by code, dropped, logged out, banned, restricted, deleted too early."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import segno

from lib.sandbox.config import SandboxConfig
from tests.sandbox.live import KEY, Receiver, serve, wait_for

NUMERO, OUTRO, MEDICA = "5511900000200", "5511900000201", "5511900001001"
PACIENCIA = {"parear_ms": -1}


def control(sandbox: httpx.Client, method: str, path: str, **body: Any) -> Any:
    return sandbox.request(method, f"/_sandbox/{path}", json=body).raise_for_status().json()


def state(sandbox: httpx.Client, name: str) -> str:
    return str(sandbox.get(f"/instance/connectionState/{name}").raise_for_status().json()["instance"]["state"])


def row(sandbox: httpx.Client, name: str) -> dict[str, Any]:
    (found,) = sandbox.get("/instance/fetchInstances", params={"instanceName": name}).raise_for_status().json()
    return dict(found)


def send(sandbox: httpx.Client, name: str, number: str = MEDICA) -> httpx.Response:
    return sandbox.post(f"/message/sendText/{name}", json={"number": number, "text": "oi"})


def states(receiver: Receiver) -> list[str]:
    return [str(body["data"]["state"]) for body in receiver.bodies("connection.update")]


@pytest.fixture
def novo(sandbox: httpx.Client, receiver: Receiver) -> str:
    """A closed instance that nobody scans by himself."""
    control(sandbox, "PUT", "evolution", **PACIENCIA)
    webhook = {"enabled": True, "url": receiver.url, "events": []}
    body = {"instanceName": "novo", "integration": "WHATSAPP-BAILEYS", "webhook": webhook}
    sandbox.post("/instance/create", json=body).raise_for_status()
    return "novo"


def connect(sandbox: httpx.Client, name: str, number: str | None = None) -> dict[str, Any]:
    """Connect and ask until a code is shown."""
    path, params = f"/instance/connect/{name}", {"number": number} if number else None
    first = sandbox.get(path, params=params).raise_for_status().json()
    assert first == {"count": 0}
    wait_for(lambda: control(sandbox, "GET", f"instancias/{name}/qr")["codigo"])
    return dict(sandbox.get(path).raise_for_status().json())


def modules(png: bytes) -> list[list[bool]]:
    """The dark modules of a picture of one bit a pixel, four pixels a module, with its margin."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth = int.from_bytes(png[16:20]), int.from_bytes(png[20:24]), png[24]
    at, data = 8, b""
    while at < len(png):
        size, kind = int.from_bytes(png[at : at + 4]), png[at + 4 : at + 8]
        data += png[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    assert depth == 1
    raw, step = zlib.decompress(data), (width + 7) // 8 + 1
    lines = [raw[begin : begin + step] for begin in range(0, len(raw), step)]
    assert len(lines) == height
    pixels, above = [], bytes(step - 1)
    for line in lines:
        assert line[0] in {0, 2}, "no filter, or the difference to the line above"
        above = bytes((now + (before if line[0] else 0)) % 256 for now, before in zip(line[1:], above, strict=True))
        pixels.append(above)
    dark = [[not line[x // 8] >> (7 - x % 8) & 1 for x in range(0, width, 4)] for line in pixels[::4]]
    return [line[4:-4] for line in dark[4:-4]]


def test_connecting_shows_a_real_code_that_is_renewed_and_told(
    sandbox: httpx.Client, receiver: Receiver, novo: str
) -> None:
    control(sandbox, "PUT", "evolution", qr_troca_ms=150)
    shown = connect(sandbox, novo)
    assert (shown["code"][:2], shown["code"].count(","), shown["pairingCode"]) == ("2@", 3, None)
    kind, _, encoded = shown["base64"].partition(",")
    assert kind == "data:image/png;base64"
    expected = [[bool(dark) for dark in line] for line in segno.make_qr(shown["code"], error="m").matrix]
    assert modules(base64.b64decode(encoded)) == expected
    wait_for(lambda: control(sandbox, "GET", f"instancias/{novo}/qr")["count"] >= 3)
    told = [body["data"]["qrcode"] for body in receiver.bodies("qrcode.updated")]
    assert len({one["code"] for one in told}) == len(told) >= 2
    assert told[0].keys() == {"instance", "pairingCode", "code", "base64"}
    picture = sandbox.get(f"/_sandbox/instancias/{novo}/qr.png")
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")


def test_after_the_last_code_it_refuses_and_is_closed_without_saying_so(
    sandbox: httpx.Client, receiver: Receiver, novo: str
) -> None:
    control(sandbox, "PUT", "evolution", qr_troca_ms=20, qr_limite=3)
    sandbox.get(f"/instance/connect/{novo}").raise_for_status()
    wait_for(lambda: "refused" in states(receiver))
    wait_for(lambda: any("statusCode" in body["data"] for body in receiver.bodies("qrcode.updated")))
    limit = {"message": "QR code limit reached, please login again", "statusCode": 500}
    assert [body["data"] for body in receiver.bodies("qrcode.updated") if "statusCode" in body["data"]] == [limit]
    assert len(receiver.bodies("qrcode.updated")) == 4
    assert "close" not in states(receiver)
    assert (state(sandbox, novo), row(sandbox, novo)["connectionStatus"]) == ("close", "close")
    control(sandbox, "PUT", "evolution", qr_troca_ms=45_000)
    assert connect(sandbox, novo)["count"] == 1


def test_a_scan_opens_it_with_the_number_of_the_phone(sandbox: httpx.Client, novo: str) -> None:
    code = connect(sandbox, novo)["code"]
    answer = control(sandbox, "POST", f"instancias/{novo}/leitura", codigo=code, numero=OUTRO)
    assert answer["estado"] == state(sandbox, novo) == "open"
    listed = row(sandbox, novo)
    assert (listed["connectionStatus"], listed["ownerJid"]) == ("open", f"{OUTRO}@s.whatsapp.net")
    assert control(sandbox, "GET", f"instancias/{novo}/qr") == {
        "codigo": None,
        "pareamento": None,
        "count": 0,
        "limite": 30,
    }


def test_a_pairing_code_is_for_a_closed_instance_and_the_number_that_asked(sandbox: httpx.Client, novo: str) -> None:
    code = connect(sandbox, novo, NUMERO)["pairingCode"]
    assert len(code) == 8
    again = sandbox.get(f"/instance/connect/{novo}", params={"number": OUTRO}).json()
    assert again["pairingCode"] == code, "a number is not heeded while it connects"
    control(sandbox, "POST", f"instancias/{novo}/leitura", codigo=code)
    assert row(sandbox, novo)["ownerJid"] == f"{NUMERO}@s.whatsapp.net"


def test_an_old_or_wrong_code_opens_nothing(sandbox: httpx.Client, novo: str) -> None:
    path = f"/_sandbox/instancias/{novo}/leitura"
    assert sandbox.post(path, json={}).status_code == 409, "no code is shown"
    control(sandbox, "PUT", "evolution", qr_troca_ms=50, qr_limite=1_000)
    old = connect(sandbox, novo)["code"]
    wait_for(lambda: control(sandbox, "GET", f"instancias/{novo}/qr")["codigo"] != old)
    for wrong in (old, "AAAA1111"):
        assert sandbox.post(path, json={"codigo": wrong}).status_code == 409
    assert state(sandbox, novo) == "connecting"
    assert sandbox.post("/_sandbox/instancias/fantasma/leitura", json={}).status_code == 404


def test_a_dropped_connection_bursts_comes_back_and_never_says_close(
    sandbox: httpx.Client, receiver: Receiver, chip: str
) -> None:
    receiver.came.clear()
    control(sandbox, "POST", f"instancias/{chip}/queda", ms=550)
    assert (state(sandbox, chip), row(sandbox, chip)["connectionStatus"]) == ("connecting", "open")
    refused = send(sandbox, chip)
    assert (refused.status_code, refused.json()["response"]["message"]) == (500, "Connection Closed")
    assert sandbox.get(f"/instance/connect/{chip}").json() == {"count": 0}, "there is nothing to scan"
    assert sandbox.post(f"/_sandbox/instancias/{chip}/queda", json={}).status_code == 409
    wait_for(lambda: "open" in states(receiver))
    assert state(sandbox, chip) == "open"
    assert set(states(receiver)) == {"connecting", "open"}
    assert states(receiver).count("connecting") >= 4
    assert send(sandbox, chip).status_code == 201


def test_the_phone_logs_out_in_the_recorded_order_and_the_next_connect_shows_a_code(
    sandbox: httpx.Client, receiver: Receiver, chip: str
) -> None:
    control(sandbox, "PUT", "evolution", **PACIENCIA)
    receiver.came.clear()
    control(sandbox, "POST", f"instancias/{chip}/saida")
    wait_for(lambda: len(receiver.bodies()) == 3)
    assert {body["event"] for body in receiver.bodies()} == {"status.instance", "logout.instance", "connection.update"}
    [update] = receiver.bodies("connection.update")
    assert (update["data"]["state"], update["data"]["statusReason"]) == ("close", 401)
    [told], listed = receiver.bodies("status.instance"), row(sandbox, chip)
    assert (told["data"]["status"], receiver.bodies("logout.instance")[0]["data"]) == ("closed", None)
    assert (listed["connectionStatus"], listed["disconnectionReasonCode"]) == ("close", 401)
    for name in ("disconnectionAt", "disconnectionReasonCode", "disconnectionObject"):
        assert told["data"][name] == listed[name]
    assert orjson.loads(listed["disconnectionObject"])["error"]["output"]["payload"]["error"] == "Unauthorized"
    assert connect(sandbox, chip)["count"] == 1
    control(sandbox, "POST", f"instancias/{chip}/leitura")
    assert row(sandbox, chip)["disconnectionReasonCode"] is None


def test_a_banned_number_shows_codes_that_never_open_it(sandbox: httpx.Client, receiver: Receiver, chip: str) -> None:
    control(sandbox, "PUT", "evolution", parear_ms=0)
    receiver.came.clear()
    assert control(sandbox, "PUT", f"instancias/{chip}/banimento")["banida"] is True
    wait_for(lambda: receiver.bodies("connection.update"))
    assert receiver.bodies("connection.update")[0]["data"]["statusReason"] == 403
    assert (row(sandbox, chip)["disconnectionReasonCode"], send(sandbox, chip).status_code) == (403, 500)
    shown = connect(sandbox, chip)
    refused = sandbox.post(f"/_sandbox/instancias/{chip}/leitura", json={"codigo": shown["code"]})
    assert (refused.status_code, "banido" in refused.json()["detail"]) == (409, True)
    wait_for(lambda: len(receiver.bodies("qrcode.updated")) == 1)
    assert state(sandbox, chip) == "connecting", "the automatic scan is for others"
    control(sandbox, "DELETE", f"instancias/{chip}/banimento")
    control(sandbox, "POST", f"instancias/{chip}/leitura")
    assert state(sandbox, chip) == "open"


def test_a_restricted_number_reaches_only_those_who_wrote_to_it(
    sandbox: httpx.Client, receiver: Receiver, chip: str
) -> None:
    say = {"instance": chip, "telefone": MEDICA, "texto": "oi"}
    control(sandbox, "POST", "medicos/mensagem", **say)
    control(sandbox, "POST", "medicos/mensagem", **say | {"telefone": OUTRO, "momento_s": 1_700_000_000})
    control(sandbox, "PUT", f"instancias/{chip}/restricao")
    taken, cold, old = (send(sandbox, chip, number) for number in (MEDICA, "5511900001002", OUTRO))
    assert {(one.status_code, one.json()["status"]) for one in (taken, cold, old)} == {(201, "PENDING")}

    def acks(answer: httpx.Response) -> list[dict[str, Any]]:
        key = answer.json()["key"]["id"]
        return [body["data"] for body in receiver.bodies("messages.update") if body["data"]["keyId"] == key]

    wait_for(lambda: len(acks(taken)) == 3 and acks(cold) and acks(old))
    for refused in (cold, old):
        [ack] = acks(refused)
        assert (ack["status"], ack["messageStubParameters"]) == ("ERROR", ["463"])
    accepted = sandbox.get("/_sandbox/aceitas").json()["aceitas"]
    assert [one["numero"] for one in accepted] == [MEDICA]
    lost = control(sandbox, "GET", "recusadas")
    assert [(one["numero"], one["codigo"]) for one in lost["recusadas"]] == [("5511900001002", "463"), (OUTRO, "463")]
    shown = control(sandbox, "GET", f"conversas/{chip}/5511900001002")
    assert [one["recibo"] for one in shown["mensagens"]] == ["recusada"]
    control(sandbox, "DELETE", f"instancias/{chip}/restricao")
    send(sandbox, chip, "5511900001002")
    assert sandbox.get("/_sandbox/aceitas").json()["total"] == 2


def test_a_restriction_ends_by_itself(sandbox: httpx.Client, chip: str) -> None:
    until = control(sandbox, "PUT", f"instancias/{chip}/restricao", ms=200)["restrita_ate_s"]
    assert until is not None
    send(sandbox, chip)
    assert sandbox.get("/_sandbox/aceitas").json()["total"] == 0
    wait_for(lambda: control(sandbox, "GET", "instancias")[0]["restrita_ate_s"] is None)
    send(sandbox, chip)
    assert sandbox.get("/_sandbox/aceitas").json()["total"] == 1


def test_the_list_lags_behind_the_socket(sandbox: httpx.Client, chip: str) -> None:
    control(sandbox, "PUT", "evolution", coluna_ms=300)
    control(sandbox, "PUT", f"instancias/{chip}/banimento")
    listed = row(sandbox, chip)
    assert (state(sandbox, chip), listed["connectionStatus"], listed["disconnectionReasonCode"]) == (
        "close",
        "open",
        None,
    )
    wait_for(lambda: row(sandbox, chip)["connectionStatus"] == "close")
    assert row(sandbox, chip)["disconnectionReasonCode"] == 403


def test_deleted_while_it_connects_it_goes_on_connecting_until_evolution_restarts(
    sandbox: httpx.Client, receiver: Receiver, novo: str
) -> None:
    connect(sandbox, novo)
    sandbox.delete(f"/instance/delete/{novo}").raise_for_status()
    wait_for(lambda: sandbox.get(f"/instance/connectionState/{novo}").status_code == 404)
    receiver.came.clear()
    wait_for(lambda: states(receiver).count("connecting") >= 3)
    assert control(sandbox, "GET", "evolution")["zumbis"] == [novo]
    assert control(sandbox, "POST", "evolution/reinicio") == {"zumbis_encerrados": [novo]}
    wait_for(lambda: sandbox.get("/_sandbox/webhooks").json()["pendentes"] == 0)
    said = len(receiver.came)
    control(sandbox, "PUT", "instancias/sino", webhook_url=receiver.url)
    wait_for(lambda: any(body["instance"] == "sino" for body in receiver.bodies()))
    assert [body["instance"] for body in receiver.bodies()[said:]] == ["sino"]


def test_logged_out_and_closed_before_it_is_deleted_it_leaves_nothing(sandbox: httpx.Client, novo: str) -> None:
    connect(sandbox, novo)
    sandbox.delete(f"/instance/logout/{novo}").raise_for_status()
    wait_for(lambda: state(sandbox, novo) == "close")
    sandbox.delete(f"/instance/delete/{novo}").raise_for_status()
    assert control(sandbox, "GET", "evolution")["zumbis"] == []


def test_instances_appear_and_disappear_without_our_doing(sandbox: httpx.Client, chip: str) -> None:
    control(sandbox, "PUT", "instancias/de-outro", numero=OUTRO)
    names = {one["name"]: one["number"] for one in sandbox.get("/instance/fetchInstances").json()}
    assert names == {chip: "5511900000100", "de-outro": OUTRO}
    control(sandbox, "DELETE", f"instancias/{chip}")
    assert [one["name"] for one in sandbox.get("/instance/fetchInstances").json()] == ["de-outro"]
    assert send(sandbox, chip).status_code == 404


def test_a_restart_of_the_sandbox_changes_no_instances_life(tmp_path: Path) -> None:
    config = SandboxConfig(api_key=KEY, directory=tmp_path, pair_ms=-1)
    names = ("caida", "volta", "banida", "restrita", "nova", "apagada")
    with serve(config) as url, httpx.Client(base_url=url, headers={"apikey": KEY}) as client:
        for name in names:
            control(client, "PUT", f"instancias/{name}", estado="close" if name in names[4:] else "open")
        for name in names[4:]:
            connect(client, name)
        client.delete("/instance/delete/apagada").raise_for_status()
        wait_for(lambda: client.get("/instance/connectionState/apagada").status_code == 404)
        control(client, "PUT", "instancias/banida/banimento")
        control(client, "PUT", "instancias/restrita/restricao")
        send(client, "restrita")
        banned, lost = row(client, "banida"), control(client, "GET", "recusadas")
        control(client, "POST", "instancias/caida/queda", ms=600_000)
        control(client, "POST", "instancias/volta/queda", ms=1_000)
    with serve(config) as url, httpx.Client(base_url=url, headers={"apikey": KEY}) as client:
        assert state(client, "caida") == "connecting"
        after = row(client, "banida")
        assert {**after, "Setting": None} == {**banned, "Setting": None}
        assert control(client, "GET", "recusadas") == lost
        assert lost["total"] == 1
        assert send(client, "restrita").status_code == 201
        assert control(client, "GET", "recusadas")["total"] == 2
        assert control(client, "GET", "evolution")["zumbis"] == ["apagada"]
        wait_for(lambda: control(client, "GET", "instancias/nova/qr")["count"] == 2)
        control(client, "POST", "instancias/nova/leitura")
        connect(client, "banida")
        assert client.post("/_sandbox/instancias/banida/leitura", json={}).status_code == 409
        wait_for(lambda: state(client, "volta") == "open")

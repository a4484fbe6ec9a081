import random
from typing import Any

import httpx
import pytest

from lib.sandbox.faults import Falha, Faults

TEXT = {"number": "5511900001001", "text": "oi"}


def fail(sandbox: httpx.Client, **fault: Any) -> None:
    sandbox.put("/_sandbox/falhas", json={"alvo": "evolution.sendText", **fault}).raise_for_status()


def accepted(sandbox: httpx.Client) -> int:
    return int(sandbox.get("/_sandbox/aceitas").json()["total"])


def test_a_500_before_accepting_sends_nothing(sandbox: httpx.Client, chip: str) -> None:
    fail(sandbox, status=500, vezes=1)
    answer = sandbox.post(f"/message/sendText/{chip}", json=TEXT)
    assert answer.status_code == 500
    assert answer.json()["response"]["message"] == "Connection Closed"
    assert accepted(sandbox) == 0
    assert sandbox.post(f"/message/sendText/{chip}", json=TEXT).status_code == 201


def test_a_500_after_accepting_has_sent_the_message(sandbox: httpx.Client, chip: str) -> None:
    fail(sandbox, status=500, depois_de_aceitar=True)
    answer = sandbox.post(f"/message/sendText/{chip}", json=TEXT)
    assert answer.status_code == 500
    assert answer.json()["response"]["message"] == ["Error: Timed Out"]
    assert accepted(sandbox) == 1


def test_a_cut_after_accepting_has_sent_the_message_and_answers_nothing(sandbox: httpx.Client, chip: str) -> None:
    fail(sandbox, cortar=True, depois_de_aceitar=True)
    with pytest.raises(httpx.TransportError):
        sandbox.post(f"/message/sendText/{chip}", json=TEXT)
    assert accepted(sandbox) == 1


def test_a_cut_before_accepting_sends_nothing(sandbox: httpx.Client, chip: str) -> None:
    fail(sandbox, cortar=True)
    with pytest.raises(httpx.TransportError):
        sandbox.post(f"/message/sendText/{chip}", json=TEXT)
    assert accepted(sandbox) == 0


def test_a_time_out_after_accepting_has_sent_the_message(sandbox: httpx.Client, chip: str) -> None:
    fail(sandbox, latencia_ms=2000, depois_de_aceitar=True)
    with pytest.raises(httpx.ReadTimeout):
        sandbox.post(f"/message/sendText/{chip}", json=TEXT, timeout=0.2)
    assert accepted(sandbox) == 1


def test_latency_alone_only_slows_down(sandbox: httpx.Client, chip: str) -> None:
    fail(sandbox, latencia_ms=150)
    answer = sandbox.post(f"/message/sendText/{chip}", json=TEXT)
    assert answer.status_code == 201
    assert answer.elapsed.total_seconds() >= 0.15


def test_a_fault_may_answer_a_body_of_its_own(sandbox: httpx.Client, chip: str) -> None:
    fail(sandbox, status=502, corpo="<html>Bad gateway</html>")
    answer = sandbox.post(f"/message/sendText/{chip}", json=TEXT)
    assert (answer.status_code, answer.text) == (502, "<html>Bad gateway</html>")


def test_a_fault_may_hit_one_instance_or_all_routes(sandbox: httpx.Client, chip: str) -> None:
    fail(sandbox, status=503, instancia="outro")
    assert sandbox.post(f"/message/sendText/{chip}", json=TEXT).status_code == 201
    sandbox.put("/_sandbox/falhas", json=[{"alvo": "evolution.*", "status": 503}]).raise_for_status()
    assert sandbox.get(f"/instance/connectionState/{chip}").status_code == 503
    assert sandbox.delete("/_sandbox/falhas").json() == []
    assert sandbox.get(f"/instance/connectionState/{chip}").status_code == 200


def test_probabilities_are_drawn_from_the_seed() -> None:
    draws = []
    for _ in range(2):
        faults = Faults(random.Random(3))
        faults.put([Falha(alvo="evolution.sendText", status=500, probabilidade=0.1)])
        draws.append([faults.take("evolution.sendText", "chip") is not None for _ in range(1000)])
    assert draws[0] == draws[1]
    assert 60 <= sum(draws[0]) <= 140


def test_a_misspelt_fault_is_refused(sandbox: httpx.Client) -> None:
    wrong = {"alvo": "evolution.sendText", "probabilidad": 1}
    assert sandbox.put("/_sandbox/falhas", json=wrong).status_code == 422


@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limit_error"), (529, "overloaded_error"), (500, "api_error")])
def test_the_model_fails_in_its_own_envelope(sandbox: httpx.Client, status: int, kind: str) -> None:
    sandbox.put("/_sandbox/falhas", json={"alvo": "*", "status": status}).raise_for_status()
    answer = sandbox.post("/v1/messages", json={})
    assert (answer.status_code, answer.json()["error"]["type"]) == (status, kind)
    assert answer.headers["request-id"] == answer.json()["request_id"]
    assert ("retry-after" in answer.headers) is (status == 429)

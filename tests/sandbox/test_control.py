import httpx
import pytest

from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig


def test_it_says_when_it_is_ready(sandbox: httpx.Client) -> None:
    assert sandbox.get("/_sandbox/pronto").status_code == 200


def test_the_controls_are_documented(sandbox: httpx.Client) -> None:
    paths = sandbox.get("/openapi.json").json()["paths"]
    for path in ("medicos/mensagem", "medicos/rajada", "aceitas", "llm", "tudo", "falhas", "modelo", "webhooks"):
        assert f"/_sandbox/{path}" in paths


def test_forgetting_everything_leaves_nothing(sandbox: httpx.Client, chip: str) -> None:
    sandbox.post(f"/message/sendText/{chip}", json={"number": "5511900001001", "text": "oi"})
    sandbox.delete("/_sandbox/tudo").raise_for_status()
    assert sandbox.get("/_sandbox/aceitas").json()["total"] == 0
    assert sandbox.get("/instance/fetchInstances").json() == []


def test_an_unknown_instance_cannot_receive_a_doctors_message(sandbox: httpx.Client) -> None:
    body = {"instance": "fantasma", "telefone": "5511900001001", "texto": "oi"}
    assert sandbox.post("/_sandbox/medicos/mensagem", json=body).status_code == 404


@pytest.mark.anyio
async def test_the_controls_answer_this_machine_only() -> None:
    transport = httpx.ASGITransport(create_app(SandboxConfig()), client=("10.0.0.9", 4000))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        assert (await client.get("/_sandbox/pronto")).status_code == 403
        assert (await client.get("/")).status_code == 403


def test_the_environment_is_read_and_bad_values_are_refused() -> None:
    env = {"AGENTE_EVOLUTION_API_KEY": "k", "AGENTE_SANDBOX_RETRY_S": "0.2", "AGENTE_SANDBOX_RECIBOS_MS": "1,2,3"}
    config = SandboxConfig.from_env(env)
    assert (config.api_key, config.retry_s, config.receipts_ms, config.directory) == ("k", 0.2, (1, 2, 3), None)
    assert SandboxConfig.from_env({}).api_key == "sandbox-evolution-key"
    for wrong in ({"AGENTE_SANDBOX_RETRY_S": "logo"}, {"AGENTE_SANDBOX_RECIBOS_MS": "1,2"}):
        with pytest.raises(ValueError, match=r"."):
            SandboxConfig.from_env(wrong)

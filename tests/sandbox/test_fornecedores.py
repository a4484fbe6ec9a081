"""Every vendor is reached through the one program, with the key that the program has too."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig

CHAVES = SandboxConfig()
BUSCA = {"x-subscription-token": CHAVES.busca_api_key}
CHAMADAS = [
    ("GET", "/zapi/instances/3CSANDBOX01/token/sandbox-zapi-token/status", {"client-token": CHAVES.zapi_client_token}),
    ("GET", "/meta/v25.0/100000000000001/message_templates", {"authorization": f"Bearer {CHAVES.meta_token}"}),
    ("GET", "/chatwoot/api/v1/accounts/1/inboxes", {"api_access_token": CHAVES.chatwoot_token}),
    ("POST", "/slack/api/auth.test", {"authorization": f"Bearer {CHAVES.slack_token}"}),
    ("GET", "/salvy/api/v3/phone-accounts", {"authorization": f"Bearer {CHAVES.salvy_api_key}"}),
    ("GET", "/ativador/queue", {"x-api-key": CHAVES.ativador_api_key}),
    ("GET", "/busca/res/v1/web/search?q=grupos", BUSCA),
    ("GET", "/v1/models", {"x-api-key": "qualquer", "anthropic-version": "2023-06-01"}),
    ("GET", "/v1/messages/batches", {"x-api-key": "qualquer", "anthropic-version": "2023-06-01"}),
]
SEM_ROTA = [
    ("/zapi/nada", 404, {"error": "NOT_FOUND", "message": "Unable to find matching target resource method"}),
    ("/chatwoot/nada", 404, {"error": "Resource could not be found"}),
    ("/slack/nada", 404, {"ok": False, "error": "unknown_method"}),
    ("/salvy/nada", 404, {"code": "resource-not-found", "message": "Resource not found"}),
    ("/ativador/nada", 404, {"detail": "Not Found"}),
    ("/nada", 404, {"status": 404, "error": "Not Found", "response": {"message": ["Cannot GET /nada"]}}),
]


@pytest.mark.parametrize(("method", "path", "headers"), CHAMADAS, ids=[path for _, path, _ in CHAMADAS])
def test_every_vendor_answers_its_key(sandbox: httpx.Client, method: str, path: str, headers: dict[str, str]) -> None:
    answer = sandbox.request(method, path, headers=headers)
    assert answer.status_code == 200
    assert answer.json() is not None


@pytest.mark.parametrize(("path", "status", "body"), SEM_ROTA, ids=[path for path, _, _ in SEM_ROTA])
def test_what_no_vendor_has_is_refused_in_its_own_words(
    sandbox: httpx.Client, path: str, status: int, body: dict[str, Any]
) -> None:
    answer = sandbox.get(path)
    assert (answer.status_code, answer.json()) == (status, body)


def test_metas_the_searchs_and_anthropics_refusals_have_their_envelopes(sandbox: httpx.Client) -> None:
    assert sandbox.get("/meta/nada").json()["error"]["code"] == 2500
    assert sandbox.get("/busca/nada").json()["type"] == "ErrorResponse"
    assert sandbox.get("/v1/nada").json()["error"]["type"] == "not_found_error"


def test_the_keys_are_read_by_the_programs_own_names_and_the_first_of_two_is_in_use() -> None:
    config = SandboxConfig.from_env(
        {
            "AGENTE_META_APP_SECRET": "novo, velho",
            "AGENTE_ZAPI_INSTANCIAS": '{"3CAAA":"t1"}',
            "AGENTE_CHATWOOT_CAIXA": "9",
            "AGENTE_SLACK_CANAL": "C0OUTRO",
            "AGENTE_SALVY_API_KEY": "",
            "AGENTE_API_URL": "http://127.0.0.1:9000",
        }
    )
    assert (config.meta_app_secret, config.zapi_instancias, config.chatwoot_caixa) == ("novo", {"3CAAA": "t1"}, 9)
    assert (config.slack_canal, config.salvy_api_key) == ("C0OUTRO", "salvy_test_sandbox")
    assert config.api_url == "http://127.0.0.1:9000"


@pytest.mark.parametrize("wrong", ['{"3CAAA":"segredo-7"', '["segredo-7"]', '{"segredo-7":1}'])
def test_instances_that_are_no_object_of_texts_are_refused_without_showing_them(wrong: str) -> None:
    with pytest.raises(ValueError, match="AGENTE_ZAPI_INSTANCIAS") as caught:
        SandboxConfig.from_env({"AGENTE_ZAPI_INSTANCIAS": wrong})
    assert "segredo-7" not in str(caught.value)


def test_it_starts_with_what_the_stack_gives_it() -> None:
    assert create_app(SandboxConfig.from_env({}))

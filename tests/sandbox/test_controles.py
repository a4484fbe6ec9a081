"""What people do in every system, by the controls, and what reaches the program of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from lib.sandbox.config import SandboxConfig
from tests.sandbox.live import Receiver, wait_for

MEDICA = "5511900001001"
CONFIG = SandboxConfig()
CANAL = CONFIG.slack_canal
ZAPI, META = "3CSANDBOX01", "106540352242922"


def put(sandbox: httpx.Client, path: str, **body: Any) -> Any:
    return sandbox.put(f"/_sandbox/{path}", json=body).raise_for_status().json()


def post(sandbox: httpx.Client, path: str, **body: Any) -> Any:
    return sandbox.post(f"/_sandbox/{path}", json=body).raise_for_status().json()


def get(sandbox: httpx.Client, path: str, **params: str) -> Any:
    return sandbox.get(f"/_sandbox/{path}", params=params).raise_for_status().json()


@pytest.fixture
def programa(sandbox: httpx.Client, receiver: Receiver) -> str:
    """The receiver stands where the program would be; it takes every path."""
    parts = urlsplit(receiver.url)
    return str(put(sandbox, "programa", url=f"{parts.scheme}://{parts.netloc}")["url"])


def test_a_doctor_writes_by_the_gateway_of_the_number(sandbox: httpx.Client, receiver: Receiver, programa: str) -> None:
    assert put(sandbox, f"instancias/{ZAPI}", webhook_url=receiver.url)["provedor"] == "zapi"
    put(sandbox, f"instancias/{META}", provedor="meta", numero="5511900000300")
    put(sandbox, "instancias/julia-01", webhook_url=receiver.url, numero="5511900000100")
    for instance in (ZAPI, META, "julia-01"):
        post(sandbox, "medicos/mensagem", instance=instance, telefone=MEDICA, texto=f"por {instance}", nome="Ana")
    wait_for(lambda: f"por {META}" in str(receiver.bodies()) and f"por {ZAPI}" in str(receiver.bodies()))
    wait_for(lambda: receiver.bodies("messages.upsert"))
    [zapi] = [body for body in receiver.bodies() if body.get("type") == "ReceivedCallback"]
    assert (zapi["phone"], zapi["text"]["message"], zapi["instanceId"]) == (MEDICA, f"por {ZAPI}", ZAPI)
    [meta] = [body for body in receiver.bodies() if body.get("object") == "whatsapp_business_account"]
    [message] = meta["entry"][0]["changes"][0]["value"]["messages"]
    assert (message["from"], message["text"]["body"]) == (MEDICA, f"por {META}")
    for instance in (ZAPI, META, "julia-01"):
        shown = get(sandbox, f"conversas/{instance}/{MEDICA}")
        assert [row["texto"] for row in shown["mensagens"]] == [f"por {instance}"]
        assert (shown["nome"], shown["mensagens"][0]["minha"]) == ("Ana", False)


def test_a_burst_goes_by_the_gateway_too(sandbox: httpx.Client, receiver: Receiver, programa: str) -> None:
    put(sandbox, f"instancias/{META}", provedor="meta")
    body = {"instance": META, "telefone": MEDICA, "textos": ["oi", "tudo bem?"], "intervalo_ms": 0}
    assert len(post(sandbox, "medicos/rajada", **body)["ids"]) == 2
    wait_for(lambda: len(receiver.bodies()) == 2)


def test_what_is_typed_on_the_phone_itself_is_an_echo(sandbox: httpx.Client, receiver: Receiver, programa: str) -> None:
    put(sandbox, f"instancias/{ZAPI}", webhook_url=receiver.url)
    put(sandbox, f"instancias/{META}", provedor="meta")
    for instance in (ZAPI, META):
        post(sandbox, "medicos/mensagem", instance=instance, telefone=MEDICA, texto="sou gente", minha=True)
    wait_for(lambda: str(receiver.bodies()).count("sou gente") == 2)
    assert "message_echoes" in str(receiver.bodies())
    assert [body["fromMe"] for body in receiver.bodies() if body.get("type") == "ReceivedCallback"] == [True]


def test_a_metas_user_may_hide_the_phone(sandbox: httpx.Client, receiver: Receiver, programa: str) -> None:
    put(sandbox, f"instancias/{META}", provedor="meta")
    user_id = put(sandbox, f"meta/usuarios/{MEDICA}", oculto=True)["user_id"]
    post(sandbox, "medicos/mensagem", instance=META, telefone=MEDICA, texto="oi")
    wait_for(receiver.bodies)
    [message] = receiver.bodies()[0]["entry"][0]["changes"][0]["value"]["messages"]
    assert message["from_user_id"] == user_id
    assert "from" not in message


def test_a_number_keeps_its_gateway(sandbox: httpx.Client) -> None:
    put(sandbox, "instancias/julia-01")
    answer = sandbox.put("/_sandbox/instancias/julia-01", json={"provedor": "meta"})
    assert answer.status_code == 409


def test_numbers_of_every_gateway_are_listed(sandbox: httpx.Client) -> None:
    put(sandbox, "instancias/julia-01", numero="5511900000100")
    put(sandbox, f"instancias/{META}", provedor="meta", estado="close")
    rows = {row["nome"]: row for row in get(sandbox, "instancias")}
    assert {name: row["provedor"] for name, row in rows.items()} == {
        "julia-01": "evolution",
        META: "meta",
        ZAPI: "zapi",
    }
    assert (rows["julia-01"]["estado"], rows[META]["estado"]) == ("open", "close")


def test_a_sent_message_is_shown_delivered_and_read(sandbox: httpx.Client, chip: str) -> None:
    sandbox.post(f"/message/sendText/{chip}", json={"number": MEDICA, "text": "<b>oi</b>"}).raise_for_status()
    wait_for(lambda: get(sandbox, f"conversas/{chip}/{MEDICA}")["mensagens"][0]["recibo"] == "lida")
    put(sandbox, "webhooks", recibos=False)
    assert get(sandbox, f"conversas/{chip}/{MEDICA}")["mensagens"][0]["recibo"] == "enviada"
    [chat] = get(sandbox, "conversas", instance=chip)
    assert (chat["telefone"], chat["ultima"], chat["minha"]) == (MEDICA, "<b>oi</b>", True)


def conversation(sandbox: httpx.Client) -> int:
    """Open a conversation in Chatwoot as the program does; returns its id."""
    key = {"api_access_token": CONFIG.chatwoot_token}
    base = "/chatwoot/api/v1/accounts/1"
    body: dict[str, Any] = {"name": "Ana", "phone_number": f"+{MEDICA}", "inbox_id": CONFIG.chatwoot_caixa}
    made = sandbox.post(f"{base}/contacts", json=body, headers=key).raise_for_status().json()
    contact = made["payload"]["contact"]
    body = {"contact_id": contact["id"], "inbox_id": CONFIG.chatwoot_caixa, "source_id": "medico:1"}
    return int(sandbox.post(f"{base}/conversations", json=body, headers=key).raise_for_status().json()["id"])


def test_an_agent_works_in_chatwoot(sandbox: httpx.Client, receiver: Receiver, programa: str) -> None:
    number = conversation(sandbox)
    path = f"chatwoot/conversas/{number}"
    post(sandbox, f"{path}/mensagens", texto="Bom dia, doutora")
    post(sandbox, f"{path}/mensagens", texto="só entre nós", privada=True)
    put(sandbox, f"{path}/etiquetas/humano", presente=True)
    put(sandbox, f"{path}/responsavel", pessoa_id=5)
    put(sandbox, f"{path}/status", status="resolved")
    shown = get(sandbox, path)
    assert (shown["status"], shown["etiquetas"], shown["responsavel"]["id"]) == ("resolved", ["humano"], 5)
    said = [(row["tipo"], row["privada"]) for row in shown["mensagens"] if row["tipo"] != "activity"]
    assert said == [("outgoing", False), ("outgoing", True)]
    listed = get(sandbox, "chatwoot/conversas")
    assert [row["id"] for row in listed["conversas"]] == [number]
    assert "humano" in listed["etiquetas"]
    wait_for(lambda: receiver.bodies("conversation_status_changed"))
    put(sandbox, f"{path}/etiquetas/humano", presente=False)
    put(sandbox, f"{path}/responsavel", pessoa_id=None)
    put(sandbox, f"{path}/status", status="open")
    put(sandbox, f"chatwoot/contatos/{shown['contato']['id']}/telefone", telefone="+5511900009999")
    again = get(sandbox, path)
    assert (again["status"], again["etiquetas"], again["responsavel"]) == ("open", [], None)
    assert again["contato"]["telefone"] == "+5511900009999"


def test_chatwoots_bad_habits_are_switched_and_forgotten(sandbox: httpx.Client) -> None:
    assert put(sandbox, "chatwoot/habitos", duplicar=True)["duplicar"] is True
    sandbox.delete("/_sandbox/tudo")
    assert put(sandbox, "chatwoot/habitos")["duplicar"] is False


def test_a_manager_works_in_slack(sandbox: httpx.Client, receiver: Receiver, programa: str) -> None:
    receiver.answers[:] = [200] * 20
    post(sandbox, "slack/comando", canal=CANAL, texto="status")
    wait_for(lambda: any(body.get("command") == "/julia" for body in receiver.bodies()))
    post(sandbox, "slack/fala", canal=CANAL, texto="como estamos?")
    wait_for(lambda: any((body.get("event") or {}).get("type") == "app_mention" for body in receiver.bodies()))
    button = {"type": "button", "text": {"type": "plain_text", "text": "Ciente"}, "action_id": "ciente", "value": "7"}
    block = {"type": "actions", "elements": [button]}
    said = {"channel": CANAL, "text": "Aviso", "blocks": [block]}
    key = {"authorization": f"Bearer {CONFIG.slack_token}"}
    ts = sandbox.post("/slack/api/chat.postMessage", json=said, headers=key).json()["ts"]
    post(sandbox, "slack/botao", canal=CANAL, ts=ts, action_id="ciente")
    wait_for(lambda: any("block_actions" in str(body.get("payload")) for body in receiver.bodies()))
    [pressed] = [orjson.loads(body["payload"]) for body in receiver.bodies() if "payload" in body]
    assert (pressed["actions"][0]["value"], pressed["user"]["id"]) == ("7", "U00000002")
    shown = get(sandbox, "slack/mensagens", canal=CANAL)["mensagens"]
    assert [row["texto"] for row in shown] == ["<@U0BOT0001> como estamos?", "Aviso"]
    assert shown[1]["blocos"][0]["elements"][0]["action_id"] == "ciente"
    assert CANAL in {row["id"] for row in get(sandbox, "slack/canais")["canais"]}


def test_what_is_not_there_is_not_found(sandbox: httpx.Client) -> None:
    button = {"canal": CANAL, "ts": "1.1", "action_id": "x"}
    calls = [
        ("POST", "chatwoot/conversas/9/mensagens", {"texto": "oi"}),
        ("PUT", "chatwoot/contatos/9/telefone", {"telefone": None}),
        ("GET", "chatwoot/conversas/9", None),
        ("POST", "slack/botao", button),
        ("POST", "slack/comando", {"canal": "C0NADA", "texto": "x"}),
        ("POST", "slack/fala", {"usuario": "U0NINGUEM", "texto": "x"}),
        ("POST", "slack/telas/V1", {"valores": {}}),
        ("POST", "salvy/sms", {"numero": "+550", "texto": "oi"}),
    ]
    for method, path, body in calls:
        assert sandbox.request(method, f"/_sandbox/{path}", json=body).status_code == 404, path


def test_a_number_of_salvys_gets_a_text_message(sandbox: httpx.Client, receiver: Receiver, programa: str) -> None:
    rented = post(sandbox, "salvy/numeros", nome="chip novo")
    text = "Seu codigo do WhatsApp: 123-456"
    post(sandbox, "salvy/sms", numero=rented["telefone"], texto=text)
    wait_for(lambda: any(body.get("type") == "sms.received" for body in receiver.bodies()))
    [number] = get(sandbox, "salvy/numeros")
    assert number["sms"][0]["message"] == text


def test_the_activators_queue_is_shown_and_lost_at_its_restart(sandbox: httpx.Client) -> None:
    key = {"x-api-key": CONFIG.ativador_api_key}
    sandbox.post("/ativador/activate", json={"phone_number": "5541900000001"}, headers=key).raise_for_status()
    assert [row["telefone"] for row in get(sandbox, "ativador")["ativacoes"]] == ["5541900000001"]
    sandbox.delete("/_sandbox/ativador").raise_for_status()
    assert get(sandbox, "ativador")["ativacoes"] == []


def test_area_codes_are_put_in_stock_and_taken_out_again(sandbox: httpx.Client) -> None:
    key = {"authorization": f"Bearer {CONFIG.salvy_api_key}"}

    def offered() -> list[int]:
        rows = sandbox.get("/salvy/api/v3/area-codes?available=true", headers=key).raise_for_status().json()["data"]
        return [row["areaCode"] for row in rows]

    assert (offered(), get(sandbox, "salvy/ddds")) == ([41], [41])
    assert put(sandbox, "salvy/ddds", ddds=[11]) == offered() == [11]
    assert post(sandbox, "salvy/numeros", ddd=11)["telefone"].startswith("+5511")
    sandbox.delete("/_sandbox/tudo").raise_for_status()
    assert offered() == [41]


def test_the_activator_is_blocked_by_its_work_and_restarted_in_the_middle_of_it(sandbox: httpx.Client) -> None:
    key = {"x-api-key": CONFIG.ativador_api_key}
    put(sandbox, "ativador", ocupa=True, passo_ms=600_000)
    body = {"phone_number": "41900000001"}
    id_ = sandbox.post("/ativador/activate", json=body, headers=key).raise_for_status().json()["id"]
    for path in ("health", f"activate/{id_}"):
        with pytest.raises(httpx.ReadTimeout):
            sandbox.get(f"/ativador/{path}", headers=key, timeout=0.2)
    assert [row["status"] for row in get(sandbox, "ativador")["ativacoes"]] == ["running"]
    sandbox.delete("/_sandbox/ativador").raise_for_status()
    assert sandbox.get("/ativador/health").json()["queue_size"] == 0
    assert sandbox.get(f"/ativador/activate/{id_}", headers=key).status_code == 404
    sandbox.delete("/_sandbox/tudo").raise_for_status()
    assert (get(sandbox, "ativador")["ocupa"], get(sandbox, "ativador")["passo_s"]) == (False, 1.0)


def test_forgetting_everything_empties_every_system(sandbox: httpx.Client) -> None:
    conversation(sandbox)
    put(sandbox, f"instancias/{META}", provedor="meta")
    post(sandbox, "medicos/mensagem", instance=META, telefone=MEDICA, texto="oi")
    post(sandbox, "salvy/numeros")
    post(sandbox, "slack/fala", canal=CANAL, texto="oi", mencao=False)
    sandbox.get("/busca/res/v1/web/search?q=x", headers={"x-subscription-token": CONFIG.busca_api_key})
    sandbox.delete("/_sandbox/tudo").raise_for_status()
    left = get(sandbox, "resumo")
    assert left.pop("numeros") == 1  # Z-API's, which the settings name
    assert {name for name, value in left.items() if value} == {"programa", "modelo"}
    assert CANAL in {row["id"] for row in get(sandbox, "slack/canais")["canais"]}


def test_a_page_of_another_origin_changes_nothing(sandbox: httpx.Client) -> None:
    here = str(sandbox.base_url).rstrip("/")
    tries = [
        ({"origin": "http://malvado.test"}, 403),
        ({"origin": "http://malvado.test", "x-sandbox": "1"}, 403),
        ({"origin": "null", "x-sandbox": "1"}, 403),
        ({"origin": here}, 403),
        ({"origin": here, "x-sandbox": "1"}, 200),
        ({}, 200),
    ]
    for headers, status in tries:
        answer = sandbox.put("/_sandbox/modelo", json={"modelo": "julia"}, headers=headers)
        assert answer.status_code == status, headers


def test_a_name_that_only_points_here_is_refused(sandbox: httpx.Client) -> None:
    for path in ("/", "/_sandbox/resumo"):
        assert sandbox.get(path, headers={"host": "malvado.test:8080"}).status_code == 403
        assert sandbox.get(path, headers={"host": "localhost:8080"}).status_code == 200

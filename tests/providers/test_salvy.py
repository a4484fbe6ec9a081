"""Salvy's API: both versions, what may be asked twice, and what each of its errors means."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import respx

from lib.http import HttpPool, Upstream
from lib.providers.chamada import Falha, ProviderError
from lib.providers.salvy import NoKeyError, Salvy, chave_de_teste
from lib.providers.salvy_forma import Ddd, Motivo, Numero, Situacao

pytestmark = pytest.mark.anyio

BASE = "https://salvy.test"
V2 = f"{BASE}/api/v2/virtual-phone-accounts"
V3 = f"{BASE}/api/v3/phone-accounts"
CHAVE = "salvy_test_chave"
ID = "00000000-0000-4000-8000-00000000a001"
PASTA = Path(__file__).resolve().parents[1] / "fixtures" / "salvy"
SEM_ROTA = {"message": "Route GET:/api/v3 not found", "error": "Not Found", "statusCode": 404}


def amostra(nome: str) -> Any:
    return orjson.loads((PASTA / f"{nome}.json").read_bytes())


CRIADO = amostra("http.v3.create_mobile_did_201")


@pytest.fixture
async def salvy() -> AsyncIterator[Salvy]:
    pool = HttpPool({"salvy": Upstream("salvy", BASE)})
    yield Salvy(pool.get_http_client("salvy"), CHAVE, 2.0)
    await pool.close_http_client()


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=True) as router:
        yield router


def sent(wire: respx.MockRouter) -> Any:
    return orjson.loads(wire.calls.last.request.content or b"null")


async def test_a_number_is_rented_under_an_idempotency_key(salvy: Salvy, wire: respx.MockRouter) -> None:
    wire.post(f"{V3}/mobile-did").respond(201, json=CRIADO)
    criado = await salvy.create(11, "chip-01", "pedido-1")
    request = wire.calls.last.request
    assert request.headers["authorization"] == f"Bearer {CHAVE}"
    assert request.headers["idempotency-key"] == "pedido-1"
    assert sent(wire) == {"areaCode": 11, "name": "chip-01"}
    em = datetime(2026, 11, 20, 11, tzinfo=UTC)
    assert criado == Numero(ID, "chip-01", "+5511900000101", Situacao.DISPONIVEL, em)


@pytest.mark.parametrize("resposta", [httpx.Response(404, json=SEM_ROTA), httpx.Response(410), httpx.Response(404)])
async def test_without_version_3_the_second_is_spoken_from_then_on(
    salvy: Salvy, wire: respx.MockRouter, resposta: httpx.Response
) -> None:
    novo = wire.get(V3).mock(return_value=resposta)
    velho = wire.get(V2).respond(200, json=[CRIADO | {"status": "active"}])
    await salvy.page()
    [listado] = (await salvy.page()).numeros
    assert (novo.call_count, velho.call_count, listado.situacao) == (1, 2, Situacao.ATIVA)


@pytest.mark.parametrize("resposta", [httpx.Response(404, json=SEM_ROTA), httpx.Response(410), httpx.Response(404)])
async def test_without_version_3_nothing_is_rented_until_the_way_without_a_key_is_chosen(
    salvy: Salvy, wire: respx.MockRouter, resposta: httpx.Response
) -> None:
    novo = wire.post(f"{V3}/mobile-did").mock(return_value=resposta)
    velho = wire.post(V2).respond(200, json=CRIADO | {"status": "active"})
    for _ in range(2):
        with pytest.raises(NoKeyError):
            await salvy.create(11, "chip-01", "pedido-1")
    assert (novo.call_count, velho.call_count) == (1, 0)
    assert (await salvy.create_unkeyed(11, "chip-01")).situacao is Situacao.ATIVA
    assert "idempotency-key" not in wire.calls.last.request.headers


async def test_a_thing_that_is_not_there_is_no_version_that_is_not_there(salvy: Salvy, wire: respx.MockRouter) -> None:
    wire.get(f"{V3}/{ID}").respond(404, json={"code": "resource-not-found", "message": "not found"})
    for _ in range(2):
        with pytest.raises(ProviderError) as gone:
            await salvy.get(ID)
        assert (gone.value.falha, gone.value.codigo) == (Falha.PERMANENTE, "resource-not-found")


async def test_after_a_time_out_only_version_3_may_be_asked_again(salvy: Salvy, wire: respx.MockRouter) -> None:
    wire.post(f"{V3}/mobile-did").mock(side_effect=httpx.ReadTimeout("x"))
    with pytest.raises(ProviderError) as again:
        await salvy.create(11, "chip-01", "pedido-1")
    assert again.value.falha is Falha.REPETIR
    salvy.versao.dois = True
    wire.post(V2).mock(side_effect=httpx.ReadTimeout("x"))
    with pytest.raises(ProviderError) as unknown:
        await salvy.create_unkeyed(11, "chip-01")
    assert unknown.value.falha is Falha.INCERTA
    cancelado = CRIADO | {"id": "c", "status": "canceled"}
    velho, novo = (
        CRIADO | {"id": nome, "createdAt": f"2026-11-2{dia}T00:00:00Z"} for nome, dia in (("a", 0), ("b", 1))
    )
    wire.get(V2).respond(json=[cancelado, velho, novo, CRIADO | {"id": "d", "name": "chip-011"}])
    found = await salvy.find_by_name("chip-01")
    assert found is not None
    assert found.id == "b"


async def test_a_name_is_looked_for_on_every_page(salvy: Salvy, wire: respx.MockRouter) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["page"])
        rows = [CRIADO | {"id": f"n{number}", "name": f"chip-0{number}"}]
        pagination = {"page": number, "pageSize": 1, "totalCount": 3, "totalPages": 3}
        return httpx.Response(200, json={"data": rows, "pagination": pagination})

    route = wire.get(V3).mock(side_effect=page)
    found = await salvy.find_by_name("chip-03")
    assert found is not None
    assert (found.id, route.call_count) == ("n3", 3)
    assert await salvy.find_by_name("chip-09") is None


async def test_area_codes_are_read_in_each_versions_shape(salvy: Salvy, wire: respx.MockRouter) -> None:
    rows = [{"areaCode": 11, "available": True}, {"areaCode": "41", "available": False, "novo": 1}]
    wire.get(f"{BASE}/api/v3/area-codes", params={"productType": "mobile-did"}).respond(json={"data": rows})
    expected = (Ddd(11, disponivel=True), Ddd(41, disponivel=False))
    assert await salvy.area_codes() == expected
    salvy.versao.dois = True
    for body in (rows, {"areaCodes": rows}):
        wire.get(f"{V2}/area-codes").respond(json=body)
        assert await salvy.area_codes() == expected


async def test_a_number_is_given_back_in_each_versions_words(salvy: Salvy, wire: respx.MockRouter) -> None:
    wire.post(f"{V3}/{ID}/cancel").respond(200, json=CRIADO)
    await salvy.cancel(ID, Motivo.BANIDO, "número bloqueado")
    assert sent(wire) == {"type": "immediate", "reason": "whatsapp-blocked", "reasonDetail": "número bloqueado"}
    salvy.versao.dois = True
    wire.delete(f"{V2}/{ID}").respond(204)
    for motivo, word in ((Motivo.BANIDO, "whatsapp-ban"), (Motivo.DEFEITO, "technical-issues")):
        await salvy.cancel(ID, motivo)
        assert sent(wire) == {"reason": word}
    await salvy.cancel(ID, Motivo.DESNECESSARIO)
    assert sent(wire) == {"reason": "unnecessary"}


@pytest.mark.parametrize(("status", "fine"), [("canceled", True), ("active", False)])
async def test_giving_back_twice_is_fine_and_a_refusal_is_not(
    salvy: Salvy, wire: respx.MockRouter, status: str, fine: bool
) -> None:
    wire.post(f"{V3}/{ID}/cancel").respond(409, json={"code": "phone-account-status-invalid", "message": "x"})
    wire.get(f"{V3}/{ID}").respond(json=CRIADO | {"status": status})
    if fine:
        await salvy.cancel(ID, Motivo.DESNECESSARIO)
        return
    with pytest.raises(ProviderError):
        await salvy.cancel(ID, Motivo.DESNECESSARIO)


async def test_messages_are_read_and_their_text_is_nowhere_to_be_seen(salvy: Salvy, wire: respx.MockRouter) -> None:
    body = amostra("http.v2.sms_messages_200")
    wire.get(f"{V3}/{ID}/sms-messages").respond(json={"data": body["smsMessages"], "pagination": {}})
    (message,) = await salvy.list_sms(ID)
    assert (message.codigo_whatsapp, message.conta_id) == ("123456", ID)
    assert message.recebido_em == datetime(2026, 11, 20, 11, 59, 58, tzinfo=UTC)
    assert not {"123456", "123-456", "900000101", "WhatsApp"} & set(repr(message).replace("'", " ").split())
    assert "123" not in repr(message)
    salvy.versao.dois = True
    wire.get(f"{V2}/{ID}/sms-messages").respond(json=body)
    assert await salvy.list_sms(ID) == (message,)


async def test_a_message_is_simulated_and_an_address_registered(salvy: Salvy, wire: respx.MockRouter) -> None:
    wire.post(f"{V3}/{ID}/sms").respond(204)
    await salvy.simulate_sms(ID, "Seu código do WhatsApp: 123-456", "WhatsApp")
    assert sent(wire) == {"rawText": "Seu código do WhatsApp: 123-456", "originPhoneNumber": "WhatsApp"}
    wire.post(f"{BASE}/api/v3/webhook-endpoints").respond(201, json={"id": "ep_1", "secret": "whsec_YQ=="})
    secret = await salvy.create_webhook("https://a.test/webhooks/salvy", ("sms.received",), "Júlia", "chave-1")
    assert (secret, wire.calls.last.request.headers["idempotency-key"]) == ("whsec_YQ==", "chave-1")


SITUACOES = ["pending", "available", "active", "partial-block", "blocked", "canceled"]


@pytest.mark.parametrize("status", [*SITUACOES, "holographic", "desconhecida"])
async def test_every_status_is_read_known_or_not(salvy: Salvy, wire: respx.MockRouter, status: str) -> None:
    wire.get(f"{V3}/{ID}").respond(json=CRIADO | {"status": status, "phoneNumber": None, "name": None, "novo": [1]})
    found = await salvy.get(ID)
    assert found.situacao == (status if status in SITUACOES else "desconhecida")
    assert (found.telefone, found.nome) == (None, "")


ERROS = [
    (401, "unauthorized", Falha.CANAL_FORA),
    (403, "forbidden", Falha.CANAL_FORA),
    (403, "insufficient-scope", Falha.CANAL_FORA),
    (422, "company-not-active", Falha.CANAL_FORA),
    (422, "company-has-pending-verification", Falha.CANAL_FORA),
    (422, "company-tier-limit-exceeded", Falha.CANAL_FORA),
    (409, "did-area-code-out-of-stock", Falha.PERMANENTE),
    (422, "phone-account-area-code-invalid", Falha.PERMANENTE),
    (409, "phone-account-status-invalid", Falha.PERMANENTE),
    (409, "phone-account-ongoing-portability", Falha.PERMANENTE),
    (422, "input-validation-error", Falha.PERMANENTE),
    (422, "idempotency-parameters-mismatch-error", Falha.PERMANENTE),
    (400, "idempotency-invalid-header-error", Falha.PERMANENTE),
    (413, "payload-too-large", Falha.PERMANENTE),
    (429, "too-many-attempts", Falha.REPETIR),
    (429, "too-many-requests", Falha.REPETIR),
    (418, "code-of-tomorrow", Falha.PERMANENTE),
    (302, "moved", Falha.PERMANENTE),
    (500, "internal-server-error", Falha.INCERTA),
    (503, "code-of-tomorrow", Falha.INCERTA),
]


@pytest.mark.parametrize(("status", "code", "falha"), ERROS)
async def test_each_error_means_what_it_means_for_a_purchase(
    salvy: Salvy, wire: respx.MockRouter, status: int, code: str, falha: Falha
) -> None:
    details = [{"key": "phoneNumber", "message": "+5511900000101 is taken"}]
    wire.post(V2).respond(status, json={"code": code, "message": "no", "details": details})
    with pytest.raises(ProviderError) as refused:
        await salvy.create_unkeyed(11, "chip-01")
    assert (refused.value.falha, refused.value.codigo, refused.value.status) == (falha, code, status)
    assert "salvy create" in str(refused.value)
    assert "phoneNumber" in str(refused.value)
    assert "5511900000101" not in str(refused.value)
    assert CHAVE not in str(refused.value) + repr(salvy)


@pytest.mark.parametrize(
    ("nome", "status", "falha", "wait_s"),
    [
        ("http.error_401", 401, Falha.CANAL_FORA, None),
        ("http.error_409_out_of_stock", 409, Falha.PERMANENTE, None),
        ("http.error_429", 429, Falha.REPETIR, 17.0),
    ],
)
async def test_the_sampled_errors(
    salvy: Salvy, wire: respx.MockRouter, nome: str, status: int, falha: Falha, wait_s: float | None
) -> None:
    body = amostra(nome)
    headers: dict[str, str] = body.pop("_headers", {})
    body.pop("_status", None)
    without: dict[str, str] = {}
    for told in (headers, without):
        wire.post(f"{V3}/mobile-did").respond(status, json=body, headers=told)
        with pytest.raises(ProviderError) as refused:
            await salvy.create(11, "chip-01", "pedido-1")
        assert (refused.value.falha, refused.value.retry_after_s) == (falha, wait_s)


async def test_the_edges_own_429_says_no_time(salvy: Salvy, wire: respx.MockRouter) -> None:
    wire.get(V3).respond(429, text="Too many requests")
    with pytest.raises(ProviderError) as refused:
        await salvy.page()
    assert (refused.value.falha, refused.value.retry_after_s) == (Falha.REPETIR, None)


Pede = Callable[[Salvy], Awaitable[object]]
TODAS: dict[str, Pede] = {
    "area_codes": lambda salvy: salvy.area_codes(),
    "create": lambda salvy: salvy.create_unkeyed(11, "a") if salvy.versao.dois else salvy.create(11, "a", "b"),
    "list": lambda salvy: salvy.page(),
    "get": lambda salvy: salvy.get(ID),
    "list_sms": lambda salvy: salvy.list_sms(ID),
}
ESTRANHAS = {
    "html": httpx.Response(200, html="<html>proxy</html>"),
    "cut": httpx.Response(200, content=b'{"data": [', headers={"content-type": "application/json"}),
    "empty": httpx.Response(200),
    "an error under 200": httpx.Response(200, json={"code": "unauthorized", "message": "x"}),
    "a number": httpx.Response(200, json=7),
    "nonsense": httpx.Response(200, json={"data": [{"id": 1}, 7]}),
}


@pytest.mark.parametrize("nome", TODAS)
@pytest.mark.parametrize("estranha", ESTRANHAS)
@pytest.mark.parametrize("dois", [False, True])
async def test_an_answer_that_is_none_is_an_error_with_its_name(
    salvy: Salvy, nome: str, estranha: str, dois: bool
) -> None:
    salvy.versao.dois = dois
    with respx.mock as wire:
        wire.route().mock(return_value=ESTRANHAS[estranha])
        if (nome, estranha) == ("list_sms", "nonsense"):
            assert len(await salvy.list_sms(ID)) == 1, "a message of a strange shape is an empty one, not a crash"
            return
        with pytest.raises(ProviderError, match=f"salvy {nome} 200") as strange:
            await TODAS[nome](salvy)
    assert strange.value.falha is (Falha.INCERTA if (nome, dois) == ("create", True) else Falha.REPETIR)


@pytest.mark.parametrize(
    ("chave", "teste"),
    [("salvy_test_abc", True), ("salvy_prod_abc", False), ("salvy_org_prod_abc", False), ("abc", False), ("", False)],
)
def test_only_the_prefix_of_the_vendors_sandbox_is_a_test_key(chave: str, teste: bool) -> None:
    assert chave_de_teste(chave) is teste

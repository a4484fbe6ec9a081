"""The activator: one call that may never be repeated blindly, and answers that mean nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import respx

from lib.http import HttpPool, Upstream
from lib.providers.ativador import Ativacao, Ativador, Etapa, NaFila, Procura, Saude, nacional
from lib.providers.chamada import Falha, ProviderError

pytestmark = pytest.mark.anyio

BASE = "https://ativador.test"
CHAVE = "chave-do-ativador"
TELEFONE = "+5511900000101"
ID = "00000000-0000-4000-8000-00000000d001"
PASTA = Path(__file__).resolve().parents[1] / "fixtures" / "ativador"


def amostra(nome: str) -> Any:
    return orjson.loads((PASTA / f"{nome}.json").read_bytes())


@pytest.fixture
async def ativador() -> AsyncIterator[Ativador]:
    pool = HttpPool({"ativador": Upstream("ativador", BASE)})
    yield Ativador(pool.get_http_client("ativador"), CHAVE, 2.0)
    await pool.close_http_client()


@pytest.fixture
def wire() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=True) as router:
        yield router


async def test_a_number_is_queued_without_its_country(ativador: Ativador, wire: respx.MockRouter) -> None:
    wire.post(f"{BASE}/activate").respond(json={"id": ID, "status": "queued", "message": "ok", "position": 1})
    assert await ativador.enqueue(TELEFONE) == Ativacao(ID, Etapa.NA_FILA)
    request = wire.calls.last.request
    assert request.headers["x-api-key"] == CHAVE
    assert orjson.loads(request.content) == {"phone_number": "11900000101", "country_code": "55"}


@pytest.mark.parametrize("telefone", ["", "+351911111111", "11900000101", "+55119000001011", "+55 11 90000-0101"])
def test_only_a_brazilian_number_can_be_activated(telefone: str) -> None:
    with pytest.raises(ValueError, match="not a Brazilian number"):
        nacional(telefone)


async def test_the_sampled_answers(ativador: Ativador, wire: respx.MockRouter) -> None:
    wire.get(f"{BASE}/activate/{ID}").respond(json=amostra("status_200_waiting_sms"))
    assert await ativador.status(ID) == Ativacao(ID, Etapa.ESPERA_SMS, "request_sms")
    wire.post(f"{BASE}/activate/{ID}/sms").respond(json=amostra("sms_200"))
    await ativador.send_sms_code(ID, "123456")
    assert orjson.loads(wire.calls.last.request.content) == {"code": "123456"}


ERROS = [
    (403, amostra("error_403_missing_key"), Falha.CANAL_FORA),
    (401, {"detail": "API Key invalida"}, Falha.CANAL_FORA),
    (503, amostra("error_503_queue_full"), Falha.REPETIR),
    (404, amostra("error_404_unknown"), Falha.PERMANENTE),
    (400, {"detail": "Numero invalido"}, Falha.PERMANENTE),
    (422, {"detail": [{"loc": ["body", "code"], "msg": "bad", "input": "123456"}]}, Falha.PERMANENTE),
    (307, {}, Falha.PERMANENTE),
    (500, {"detail": "Internal Server Error"}, Falha.INCERTA),
    (500, None, Falha.INCERTA),
    (502, None, Falha.INCERTA),
    (503, None, Falha.INCERTA),
    (504, None, Falha.INCERTA),
]


@pytest.mark.parametrize(("status", "body", "falha"), ERROS)
async def test_each_error_means_what_it_means_for_a_call_without_a_key(
    ativador: Ativador, wire: respx.MockRouter, status: int, body: Any, falha: Falha
) -> None:
    proxys = httpx.Response(status, html="<html>nginx</html>")
    wire.post(f"{BASE}/activate").mock(return_value=proxys if body is None else httpx.Response(status, json=body))
    wire.post(f"{BASE}/activate/{ID}/sms").mock(
        return_value=proxys if body is None else httpx.Response(status, json=body)
    )
    for call in (ativador.enqueue(TELEFONE), ativador.send_sms_code(ID, "123456")):
        with pytest.raises(ProviderError) as refused:
            await call
        assert refused.value.falha is falha
        assert not any(secret in str(refused.value) for secret in ("123456", "900000101", CHAVE))
    assert CHAVE not in repr(ativador)


@pytest.mark.parametrize("failure", [httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.WriteError])
async def test_a_time_out_is_usual_and_leaves_only_the_post_in_doubt(
    ativador: Ativador, wire: respx.MockRouter, failure: type[Exception]
) -> None:
    wire.route().mock(side_effect=failure("x"))
    for call, falha in (
        (ativador.enqueue(TELEFONE), Falha.INCERTA),
        (ativador.send_sms_code(ID, "123456"), Falha.INCERTA),
        (ativador.status(ID), Falha.REPETIR),
        (ativador.queue(), Falha.REPETIR),
        (ativador.health(), Falha.REPETIR),
    ):
        with pytest.raises(ProviderError) as unknown:
            await call
        assert unknown.value.falha is falha


async def test_a_number_in_doubt_is_looked_for_in_the_queue(ativador: Ativador, wire: respx.MockRouter) -> None:
    rows = {
        "pending": [{"id": "a", "phone_number": "5511900000101", "status": "queued"}],
        "processing": [{"id": "b", "phone_number": "11900000102", "status": "waiting_sms"}],
        "completed": [{"id": "c", "phone_number": "11900000101"}, 7],
        "failed": [{"id": "d", "phone_number": "11900000103", "status": "de_amanhã"}],
        "current_activation_id": "b",
    }
    wire.get(f"{BASE}/queue").respond(json=rows)
    assert await ativador.find_in_queue(TELEFONE) == Procura(NaFila("a", "11900000101", Etapa.NA_FILA), conclusiva=True)
    found = (await ativador.find_in_queue("+5511900000103")).item
    assert found is not None
    assert found.etapa is Etapa.FALHA
    assert await ativador.find_in_queue("+5511900000109") == Procura(None, conclusiva=True)
    assert "900000101" not in repr(await ativador.queue())


async def test_a_queue_that_tells_only_how_many_concludes_nothing(ativador: Ativador, wire: respx.MockRouter) -> None:
    wire.get(f"{BASE}/queue").respond(json={"pending": 1, "processing": True, "completed": 2, "failed": 0})
    assert await ativador.find_in_queue(TELEFONE) == Procura(None, conclusiva=False)


async def test_an_activation_it_does_not_know_has_not_failed(ativador: Ativador, wire: respx.MockRouter) -> None:
    wire.get(f"{BASE}/activate/{ID}").respond(404, json=amostra("error_404_unknown"))
    found = await ativador.status(ID)
    assert (found.etapa, found.etapa.terminou) == (Etapa.ESQUECIDA, False)


@pytest.mark.parametrize(
    ("status", "etapa", "terminou"),
    [
        ("queued", Etapa.NA_FILA, False),
        ("running", Etapa.RODANDO, False),
        ("waiting_sms", Etapa.ESPERA_SMS, False),
        ("success", Etapa.SUCESSO, True),
        ("failed", Etapa.FALHA, True),
        ("timeout", Etapa.ESGOTADA, True),
        ("rebooting", Etapa.DESCONHECIDA, False),
        ("esquecida", Etapa.DESCONHECIDA, False),
        (None, Etapa.DESCONHECIDA, False),
        (7, Etapa.DESCONHECIDA, False),
    ],
)
async def test_every_status_is_read_and_one_of_tomorrow_ends_nothing(
    ativador: Ativador, wire: respx.MockRouter, status: object, etapa: Etapa, terminou: bool
) -> None:
    wire.get(f"{BASE}/activate/{ID}").respond(json={"id": ID, "status": status, "novo": {}})
    found = await ativador.status(ID)
    assert (found.etapa, found.etapa.terminou) == (etapa, terminou)


async def test_health_is_asked_for_without_a_key(ativador: Ativador, wire: respx.MockRouter) -> None:
    wire.get(f"{BASE}/health").respond(json={"status": "degraded", "queue_size": 3})
    assert await ativador.health() == Saude("degraded", 3)
    assert "x-api-key" not in wire.calls.last.request.headers


Pede = Callable[[Ativador], Awaitable[object]]
TODAS: dict[str, tuple[Pede, Falha]] = {
    "enqueue": (lambda ativador: ativador.enqueue(TELEFONE), Falha.INCERTA),
    "send_sms_code": (lambda ativador: ativador.send_sms_code(ID, "1"), Falha.INCERTA),
    "status": (lambda ativador: ativador.status(ID), Falha.REPETIR),
    "queue": (lambda ativador: ativador.queue(), Falha.REPETIR),
    "health": (lambda ativador: ativador.health(), Falha.REPETIR),
}


@pytest.mark.parametrize("nome", TODAS)
@pytest.mark.parametrize("corpo", [b"<html>", b'{"id": ', b"", b"[1]"])
async def test_an_answer_that_is_none_is_an_error_with_its_name(ativador: Ativador, nome: str, corpo: bytes) -> None:
    ask, falha = TODAS[nome]
    with respx.mock as wire:
        wire.route().respond(200, content=corpo)
        with pytest.raises(ProviderError, match=f"ativador {nome} 200") as strange:
            await ask(ativador)
    assert strange.value.falha is falha

"""Requests to Meta's Cloud API by method, path, headers and body, and what becomes of each answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import respx

from lib.errors import SendRefusedError, SendUnknownError
from lib.http import open_client
from lib.providers.meta import BASE_URL, Meta
from lib.providers.meta_forma import Botao, Botoes, Linha, Lista, MidiaEnviada, TipoMidia
from lib.providers.whatsapp import Envio, EstadoConexao, GatewayError, ModeloEnviado, NothingSentError

AMOSTRAS = Path(__file__).parents[1] / "fixtures" / "meta"
CHIP = "200000000000001"
MESSAGES = f"{BASE_URL}/v23.0/{CHIP}/messages"
SENT = (AMOSTRAS / "http.send_200.json").read_bytes()
BSUID = "BR.90000000000000000001"


@pytest.fixture
async def meta() -> AsyncIterator[Meta]:
    async with open_client(BASE_URL) as client:
        yield Meta(client, "segredo-do-token", 2.0)


def envio(numero: str = "5511900001001", texto: str = "Oi! Tudo bem?", **over: Any) -> Envio:
    return Envio(CHIP, numero, texto, 42, **over)


def sent_body(route: respx.Route) -> dict[str, Any]:
    body = orjson.loads(route.calls.last.request.content)
    assert isinstance(body, dict)
    return body


@respx.mock
async def test_a_text_goes_with_our_name_for_it(meta: Meta) -> None:
    route = respx.post(MESSAGES).respond(200, content=SENT)
    assert await meta.send_text(envio()) == "wamid.OUT1"
    request = route.calls.last.request
    assert request.headers["authorization"] == "Bearer segredo-do-token"
    assert request.headers["content-type"] == "application/json"
    assert sent_body(route) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "5511900001001",
        "type": "text",
        "text": {"body": "Oi! Tudo bem?", "preview_url": False},
        "biz_opaque_callback_data": "42",
    }


@respx.mock
async def test_a_user_without_a_phone_is_addressed_by_the_user_id(meta: Meta) -> None:
    route = respx.post(MESSAGES).respond(200, content=SENT)
    await meta.send_text(envio(BSUID))
    body = sent_body(route)
    assert body["recipient"] == BSUID
    assert "to" not in body


@respx.mock
async def test_a_template_takes_the_place_of_the_text(meta: Meta) -> None:
    route = respx.post(MESSAGES).respond(200, content=SENT)
    await meta.send_text(envio(modelo=ModeloEnviado("convite_plantao_v1", "pt_BR", ("Helena\n  Prado", "sábado"))))
    body = sent_body(route)
    assert body["type"] == "template"
    assert "text" not in body
    assert body["template"] == {
        "name": "convite_plantao_v1",
        "language": {"code": "pt_BR"},
        "components": [
            {
                "type": "body",
                "parameters": [{"type": "text", "text": "Helena Prado"}, {"type": "text", "text": "sábado"}],
            }
        ],
    }
    await meta.send_text(envio(modelo=ModeloEnviado("aviso_simples_v1", "pt_BR")))
    assert sent_body(route)["template"] == {"name": "aviso_simples_v1", "language": {"code": "pt_BR"}}


@respx.mock
@pytest.mark.parametrize("word", ["accepted", "held_for_quality_assessment", "paused", "something_new", None])
async def test_any_word_about_an_accepted_message_is_kept(meta: Meta, word: str | None) -> None:
    message = {"id": "wamid.X"} | ({"message_status": word} if word else {})
    respx.post(MESSAGES).respond(200, json={"messages": [message], "contacts": [{"wa_id": "551190001001"}], "novo": 1})
    sent = await meta.send_media(CHIP, "5511900001001", MidiaEnviada(TipoMidia.IMAGEM, id="9"), 7)
    assert (sent.wamid, sent.wa_id, sent.situacao) == ("wamid.X", "551190001001", word or "accepted")


@respx.mock
@pytest.mark.parametrize(
    ("status", "code", "expected", "down"),
    [
        (400, 131047, SendRefusedError, False),
        (404, 132001, SendRefusedError, False),
        (401, 190, SendRefusedError, True),
        (400, 131048, SendRefusedError, True),
        (400, 133010, SendRefusedError, True),
        (400, 131056, NothingSentError, None),
        (400, 80007, NothingSentError, None),
        (500, 131000, SendUnknownError, None),
        (400, 2, SendUnknownError, None),
    ],
)
async def test_a_refusal_becomes_the_error_that_the_outbox_acts_on(
    meta: Meta, status: int, code: int, expected: type[Exception], down: bool | None
) -> None:
    respx.post(MESSAGES).respond(status, json={"error": {"code": code, "message": "m", "fbtrace_id": "T"}})
    with pytest.raises(expected) as caught:
        await meta.send_text(envio())
    assert type(caught.value) is expected
    assert "(request T)" in str(caught.value)
    if isinstance(caught.value, SendRefusedError):
        assert caught.value.chip_down is down
    if isinstance(caught.value, NothingSentError):
        assert caught.value.retry_after_s == (6.0 if code == 131056 else None)


@respx.mock
@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (httpx.ConnectError("no"), NothingSentError),
        (httpx.ConnectTimeout("no"), NothingSentError),
        (httpx.ReadTimeout("no"), SendUnknownError),
        (httpx.ReadError("no"), SendUnknownError),
        (httpx.Response(200, json={"messages": []}), SendUnknownError),
        (httpx.Response(200, json={"messages": [{"id": 7}]}), SendUnknownError),
        (httpx.Response(200, content=b"<html>"), SendUnknownError),
        (httpx.Response(200, content=SENT[:60]), SendUnknownError),
        (httpx.Response(502, content=b"<html>"), SendUnknownError),
    ],
)
async def test_a_lost_answer_is_unknown_and_an_unreached_meta_took_nothing(
    meta: Meta, effect: Any, expected: type[Exception]
) -> None:
    respx.post(MESSAGES).mock(side_effect=[effect])
    with pytest.raises(SendUnknownError) as caught:
        await meta.send_text(envio())
    assert type(caught.value) is expected


@respx.mock
@pytest.mark.parametrize(
    "wrong",
    [
        envio("5511900001001", ""),
        envio(texto="   "),
        envio(texto="x" * 4_097),
        envio("201000000000001@lid"),
        envio("Helena"),
        envio("BR."),
        envio(texto="half \ud83d"),
        envio(modelo=ModeloEnviado("m", "pt_BR", ("",))),
    ],
)
async def test_what_meta_would_refuse_is_refused_before_it_is_sent(meta: Meta, wrong: Envio) -> None:
    route = respx.post(MESSAGES).respond(200, content=SENT)
    with pytest.raises(SendRefusedError):
        await meta.send_text(wrong)
    assert not route.called


@respx.mock
async def test_buttons_and_lists_go_as_meta_wants_them(meta: Meta) -> None:
    route = respx.post(MESSAGES).respond(200, content=SENT)
    await meta.send_interactive(
        CHIP, "5511900001001", Botoes("Quer?", (Botao("s", "Sim"), Botao("n", "Não")), "Júlia"), 1
    )
    assert sent_body(route)["interactive"] == {
        "type": "button",
        "body": {"text": "Quer?"},
        "footer": {"text": "Júlia"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "s", "title": "Sim"}},
                {"type": "reply", "reply": {"id": "n", "title": "Não"}},
            ]
        },
    }
    rows = (Linha("vaga-1", "Sábado 7h-19h", "Hospital Exemplo"), Linha("vaga-2", "Domingo"))
    await meta.send_interactive(CHIP, BSUID, Lista("Escolha:", "Ver plantões", (("", rows),)), 2)
    body = sent_body(route)
    assert (body["recipient"], body["biz_opaque_callback_data"]) == (BSUID, "2")
    assert body["interactive"]["action"] == {
        "button": "Ver plantões",
        "sections": [
            {
                "rows": [
                    {"id": "vaga-1", "title": "Sábado 7h-19h", "description": "Hospital Exemplo"},
                    {"id": "vaga-2", "title": "Domingo"},
                ]
            }
        ],
    }


UM = Linha("1", "um")


@respx.mock
@pytest.mark.parametrize(
    "wrong",
    [
        Botoes("t", ()),
        Botoes("t", tuple(Botao(str(n), str(n)) for n in range(4))),
        Botoes("t", (Botao("1", "x" * 21),)),
        Botoes("t", (Botao("1", ""),)),
        Botoes("t", (Botao("1", "a"), Botao("1", "b"))),
        Botoes("t", (Botao("1", "a"), Botao("2", "a"))),
        Botoes("t" * 1_025, (Botao("1", "a"),)),
        Botoes("t", (Botao("1", "a"),), "r" * 61),
        Lista("t", "ver", ()),
        Lista("t", "ver", (("a", ()), ("b", (UM,)))),
        Lista("t", "v" * 21, (("", (UM,)),)),
        Lista("t", "ver", (("", tuple(Linha(str(n), "x") for n in range(11))),)),
        Lista("t", "ver", (("", (Linha("1", "x" * 25),)),)),
        Lista("t", "ver", (("", (Linha("1", "x", "d" * 73),)),)),
        Lista("t", "ver", (("", (UM,)), ("b", (Linha("2", "dois"),)))),
        Lista("t", "ver", (("a", (UM,)), ("b", (UM,)))),
    ],
)
async def test_buttons_and_lists_beyond_metas_limits_are_refused_before_they_are_sent(
    meta: Meta, wrong: Botoes | Lista
) -> None:
    route = respx.post(MESSAGES).respond(200, content=SENT)
    with pytest.raises(SendRefusedError):
        await meta.send_interactive(CHIP, "5511900001001", wrong, 1)
    assert not route.called


@respx.mock
async def test_files_go_by_id_or_link(meta: Meta) -> None:
    route = respx.post(MESSAGES).respond(200, content=SENT)
    await meta.send_media(CHIP, "5511900001001", MidiaEnviada(TipoMidia.AUDIO, id="300", voz=True), 1)
    assert sent_body(route)["audio"] == {"id": "300", "voice": True}
    document = MidiaEnviada(TipoMidia.DOCUMENTO, link="https://exemplo.com.br/a.pdf", legenda="Contrato", nome="a.pdf")
    await meta.send_media(CHIP, "5511900001001", document, 1)
    assert sent_body(route)["document"] == {
        "link": "https://exemplo.com.br/a.pdf",
        "caption": "Contrato",
        "filename": "a.pdf",
    }
    for wrong in (
        MidiaEnviada(TipoMidia.IMAGEM),
        MidiaEnviada(TipoMidia.IMAGEM, id="1", link="https://x.y"),
        MidiaEnviada(TipoMidia.IMAGEM, link="http://x.y"),
        MidiaEnviada(TipoMidia.AUDIO, id="1", legenda="x"),
        MidiaEnviada(TipoMidia.IMAGEM, id="1", voz=True),
    ):
        with pytest.raises(SendRefusedError):
            await meta.send_media(CHIP, "5511900001001", wrong, 1)
    assert route.call_count == 2


@respx.mock
async def test_reading_marks_each_message_and_typing_goes_with_it(meta: Meta) -> None:
    route = respx.post(MESSAGES).respond(200, json={"success": True})
    await meta.mark_read(CHIP, "5511900001001", ["wamid.A", "wamid.B", "wamid.A"])
    assert [orjson.loads(call.request.content)["message_id"] for call in route.calls] == ["wamid.A", "wamid.B"]
    assert sent_body(route) == {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.B"}
    await meta.read_and_type(CHIP, "wamid.C")
    assert sent_body(route)["typing_indicator"] == {"type": "text"}
    await meta.send_presence(CHIP, "5511900001001", 3_000)
    assert route.call_count == 3
    respx.post(MESSAGES).respond(200, json={"success": False})
    with pytest.raises(GatewayError):
        await meta.mark_read(CHIP, "5511900001001", ["wamid.A"])


async def test_there_is_no_history_of_ours_at_meta(meta: Meta) -> None:
    found = await meta.find_sent(CHIP, "5511900001001", datetime(2026, 3, 10, tzinfo=UTC))
    assert (list(found.enviadas), found.completo) == ([], False)


@respx.mock
@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("CONNECTED", EstadoConexao.ABERTA),
        ("PENDING", EstadoConexao.CONECTANDO),
        ("BANNED", EstadoConexao.FECHADA),
        ("RESTRICTED", EstadoConexao.ABERTA),
        ("FLAGGED", EstadoConexao.ABERTA),
        ("SOMETHING_NEW", EstadoConexao.FECHADA),
        (None, EstadoConexao.FECHADA),
    ],
)
async def test_a_numbers_state_is_read_and_an_unknown_one_does_not_send(
    meta: Meta, status: str | None, state: EstadoConexao
) -> None:
    given = {"display_phone_number": "+55 11 90000-0100", "quality_rating": "GREEN", "throughput": {"level": "HIGH"}}
    route = respx.get(f"{BASE_URL}/v23.0/{CHIP}").respond(200, json=given | {"status": status})
    assert await meta.connection_state(CHIP) is state
    assert set(route.calls.last.request.url.params["fields"].split(",")) >= {"status", "quality_rating", "throughput"}
    number = await meta.number_state(CHIP)
    assert (number.qualidade, number.vazao, number.nome) == ("GREEN", "HIGH", None)
    assert "90000" not in repr(number)


@respx.mock
async def test_a_failed_call_that_is_no_send_is_a_gateway_error_with_its_status(meta: Meta) -> None:
    respx.get(f"{BASE_URL}/v23.0/{CHIP}").respond(401, json={"error": {"code": 190, "message": "m", "fbtrace_id": "T"}})
    with pytest.raises(GatewayError, match="meta number_state 401: m") as caught:
        await meta.connection_state(CHIP)
    assert caught.value.status == 401
    respx.get(f"{BASE_URL}/v23.0/{CHIP}").mock(side_effect=httpx.ReadTimeout("x"))
    with pytest.raises(GatewayError) as caught:
        await meta.connection_state(CHIP)
    assert caught.value.status is None


@respx.mock
@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (httpx.Response(200, json={"pronto": True}), True),
        (httpx.Response(404, json={"error": {"code": 2500}}), False),
        (httpx.Response(200, content=b"<html>"), False),
        (httpx.ConnectError("x"), None),
    ],
)
async def test_the_sandbox_is_known_by_its_own_route_and_never_sees_our_token(
    meta: Meta, effect: Any, said: bool | None
) -> None:
    route = respx.get(f"{BASE_URL}/_sandbox/pronto").mock(side_effect=[effect])
    assert await meta.is_sandbox() is said
    assert "authorization" not in route.calls.last.request.headers


def test_the_token_is_in_no_repr() -> None:
    assert "segredo" not in repr(Meta(open_client(BASE_URL), "segredo-do-token", 1.0))

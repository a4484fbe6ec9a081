"""Every documented error of Meta, by HTTP and by webhook: the code decides, whatever status comes with it."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson
import pytest

from lib.domain.evento import EfeitoRecibo
from lib.errors import SendRefusedError
from lib.providers.chamada import Chamada, Falha, Resposta, read
from lib.providers.meta import as_send
from lib.providers.meta_erros import effect, first_error, judge

AMOSTRAS = Path(__file__).parents[1] / "fixtures" / "meta"
ENVIO = Chamada("meta", "messages", segura=False, prazo_s=5.0)
LEITURA = Chamada("meta", "number_state", segura=True, prazo_s=5.0)
FORA, REPETIR, PERMANENTE, INCERTA = Falha.CANAL_FORA, Falha.REPETIR, Falha.PERMANENTE, Falha.INCERTA
TABELA: dict[int, Falha] = {
    **dict.fromkeys((0, 190), FORA),
    **dict.fromkeys((3, 10, 200, 250, 299), FORA),
    **dict.fromkeys((4, 80007, 130429, 131056), REPETIR),
    **dict.fromkeys((131048, 131031, 131042, 131045, 133010, 368), FORA),
    **dict.fromkeys((131049, 131047, 131026, 131050, 131051, 131052, 131053, 131008, 131009, 100, 33), PERMANENTE),
    **dict.fromkeys((132000, 132001, 132005, 132007, 132012, 132015, 132016, 132068, 132069, 132123), PERMANENTE),
    **dict.fromkeys((131000, 131016, 131057, 1, 2), INCERTA),
}


def answer(status: int, body: object, **headers: str) -> Resposta:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return read(httpx.Response(status, content=content, headers=headers))


def error(code: int, **more: object) -> dict[str, object]:
    return {"error": {"message": f"(#{code}) x", "type": "OAuthException", "code": code, "fbtrace_id": "Tr1", **more}}


@pytest.mark.parametrize("status", [200, 400, 403, 429, 500])
@pytest.mark.parametrize(("code", "falha"), TABELA.items())
def test_a_documented_code_means_the_same_under_any_status(code: int, falha: Falha, status: int) -> None:
    found = judge(ENVIO, answer(status, error(code)))
    assert found is not None
    assert (found.falha, found.codigo, found.request_id, found.status) == (falha, str(code), "Tr1", status)


@pytest.mark.parametrize("code", [code for code, falha in TABELA.items() if falha is INCERTA])
def test_an_unclear_code_of_a_safe_call_may_be_asked_again(code: int) -> None:
    found = judge(LEITURA, answer(500, error(code)))
    assert found is not None
    assert found.falha is REPETIR


def test_a_pair_that_is_too_fast_waits_six_seconds_unless_meta_says_how_long() -> None:
    bare, told = (
        judge(ENVIO, answer(400, error(131056))),
        judge(ENVIO, answer(429, error(131056), **{"retry-after": "9"})),
    )
    assert bare is not None
    assert told is not None
    assert (bare.retry_after_s, told.retry_after_s) == (6.0, 9.0)
    limited = judge(ENVIO, answer(429, error(130429)))
    assert limited is not None
    assert limited.retry_after_s is None


@pytest.mark.parametrize(
    ("status", "more", "falha"),
    [
        (400, {}, PERMANENTE),
        (401, {}, FORA),
        (429, {}, REPETIR),
        (500, {}, INCERTA),
        (200, {}, INCERTA),
        (400, {"is_transient": True}, INCERTA),
    ],
)
def test_a_code_of_no_table_goes_by_the_status(status: int, more: dict[str, object], falha: Falha) -> None:
    found = judge(ENVIO, answer(status, error(987654, **more)))
    assert found is not None
    assert found.falha is falha


@pytest.mark.parametrize(
    ("status", "body", "falha"),
    [
        (200, b"<html>login</html>", INCERTA),
        (200, b'{"messages":[{"id":"wam', INCERTA),
        (502, b"<html>bad gateway</html>", INCERTA),
        (404, b"<html>", PERMANENTE),
        (302, b"", PERMANENTE),
        (503, b"{}", INCERTA),
        (400, b'{"error":"a string"}', PERMANENTE),
        (400, b'{"error":{"code":"190x"}}', PERMANENTE),
        (400, b"[]", PERMANENTE),
    ],
)
def test_what_is_no_error_object_is_still_a_typed_error(status: int, body: bytes, falha: Falha) -> None:
    found = judge(ENVIO, answer(status, body, **{"content-type": "text/html", "x-fb-trace-id": "Tr2"}))
    assert found is not None
    assert (found.falha, found.request_id) == (falha, "Tr2")
    assert "meta messages" in str(found)
    assert "html>" not in str(found)


def test_a_code_written_as_digits_counts() -> None:
    found = judge(ENVIO, answer(400, {"error": {"code": "190", "message": "x"}}))
    assert found is not None
    assert found.falha is FORA


@pytest.mark.parametrize(
    ("name", "status", "falha", "said"),
    [
        ("error_100_invalid_parameter_400", 400, PERMANENTE, "must be a non-empty string"),
        ("error_132001_template_404", 404, PERMANENTE, "does not exist in pt_BR"),
        ("error_190_token_401", 401, FORA, "Session has expired"),
    ],
)
def test_the_samples_of_errors(name: str, status: int, falha: Falha, said: str) -> None:
    found = judge(ENVIO, answer(status, (AMOSTRAS / f"http.{name}.json").read_bytes()))
    assert found is not None
    assert (found.falha, found.request_id) == (falha, "AbCdEf0000000000000000")
    assert said in str(found)


def test_an_error_tells_no_phone_no_user_id_no_message_id_and_no_token() -> None:
    secret = "BR.90000000000000000001 wamid.HBgNNTUxMTkwMDAwMTAwMRUCABIYFDNB= EAAGm0PX4ZCpsBA 5511900001001"
    found = judge(ENVIO, answer(400, {"error": {"code": 100, "message": secret, "error_data": {"details": secret}}}))
    assert found is not None
    for part in ("9000000000", "HBgN", "m0PX4", "55119000"):
        assert part not in str(found)


@pytest.mark.parametrize(
    ("code", "efeito"),
    [
        (131050, EfeitoRecibo.OPTOUT),
        (131026, EfeitoRecibo.SEM_WHATSAPP),
        *((code, EfeitoRecibo.CHIP_FORA) for code in (131031, 131045, 133010, 368)),
        *((code, None) for code in (131047, 131049, 130429, 131000, 132001, 999)),
    ],
)
def test_a_failed_delivery_says_more_than_itself_for_some_codes(code: int, efeito: EfeitoRecibo | None) -> None:
    assert effect(code) is efeito


@pytest.mark.parametrize("errors", [None, [], "x", [None, 3], {}, [[]]])
def test_no_error_is_no_error(errors: object) -> None:
    assert first_error(errors) is None


@pytest.mark.parametrize(
    ("code", "efeito", "descansa"),
    [
        (131050, EfeitoRecibo.OPTOUT, False),
        (131026, EfeitoRecibo.SEM_WHATSAPP, False),
        (131047, None, False),
        (131048, EfeitoRecibo.CHIP_RESTRITO, False),
        (368, None, True),
        (190, None, False),
    ],
)
def test_a_refused_send_says_the_same_of_doctor_and_number_as_a_failed_receipt(
    code: int, efeito: EfeitoRecibo | None, *, descansa: bool
) -> None:
    found = judge(ENVIO, answer(400, error(code)))
    assert found is not None
    refused = as_send(found)
    assert isinstance(refused, SendRefusedError)
    assert (refused.efeito, refused.descanso_s > 0) == (efeito, descansa)

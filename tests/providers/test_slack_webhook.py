"""What Slack sends: every sample to its meaning, every odd shape to none, and never an exception."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.providers.slack_webhook import (
    Acao,
    Comando,
    EnvioDeTela,
    Ignorado,
    Mencao,
    MensagemDireta,
    Pedido,
    SslCheck,
    UrlVerification,
    chave,
    plain,
    read,
)

PASTA = Path(__file__).parents[1] / "fixtures/slack"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


def sample(name: str) -> dict[str, Any]:
    body: dict[str, Any] = orjson.loads((PASTA / f"{name}.json").read_bytes())
    return body


def evento(**over: Any) -> Pedido:
    body = sample("event.app_mention")
    body["event"] |= over
    return read(orjson.dumps(body), JSON)


def interacao(body: dict[str, Any]) -> Pedido:
    return read(urlencode({"payload": orjson.dumps(body).decode()}).encode(), f"{FORM}; charset=utf-8")


def comando(**over: str) -> bytes:
    fields = {"command": "/julia", "text": "pausar chip-01", "user_id": "U1", "user_name": "ana", "channel_id": "C1",
              "trigger_id": "1.2.x", "response_url": "https://hooks.slack.com/commands/1"}  # fmt: skip
    return urlencode(fields | over).encode()


MEANINGS: dict[str, Pedido] = {
    "event.app_mention": Mencao("Ev00000001", "U00000002", "C00000001", "quantos plantões hoje?", "1763827200.000100"),
    "event.message_bot_echo_ignore": Ignorado("message bot_message"),
    "event.message_changed": Ignorado("message message_changed"),
    "interactive.block_actions_payload_decoded": Acao(
        usuario="U00000002", canal="C00000001", action_id="approve", valor="campaign:42",
        mensagem_ts="1763827200.000100", response_url="https://hooks.slack.com/actions/T00000001/000/xxxx",
        trigger_id="111.222.abc", action_ts="1763827300.000500",
    ),
    "interactive.view_submission": EnvioDeTela(
        "U00000002", "V00000001", "pausar_chip", '{"chip":"chip-01"}', {"motivo": {"texto": "banimento"}},
        "1763827301.abc", "111.222.abc",
    ),
}  # fmt: skip


def test_every_sample_has_a_meaning_here() -> None:
    assert {path.stem for path in PASTA.iterdir()} == set(MEANINGS)


@pytest.mark.parametrize("name", MEANINGS)
def test_every_sample_is_read_to_its_meaning(name: str) -> None:
    body = sample(name)
    asked = read(orjson.dumps(body), JSON) if name.startswith("event.") else interacao(body)
    assert asked == MEANINGS[name]


@pytest.mark.parametrize(
    ("raw", "kind", "meaning"),
    [
        (b'{"type":"url_verification","challenge":"c1","token":"x"}', JSON, UrlVerification("c1")),
        (b"ssl_check=1&token=x", FORM, SslCheck()),
        (b'{"type":"app_rate_limited","minute_rate_limited":1}', JSON, Ignorado("type app_rate_limited")),
        (b'{"type":"event_callback"}', JSON, Ignorado("type event_callback")),
        (b'{"type":["x"]}', JSON, Ignorado("type none")),
        (b"[]", JSON, Ignorado("no JSON object")),
        (b'{"type":', JSON, Ignorado("no JSON object")),
        (b"", JSON, Ignorado("no JSON object")),
        (b"\xff\xfe", FORM, Ignorado("form")),
        (b"&".join(b"a%d=1" % n for n in range(200)), FORM, Ignorado("form")),
        (b"text=oi", FORM, Ignorado("form without a command")),
        (b"payload=nada", FORM, Ignorado("payload without a JSON object")),
        (b"payload={}", FORM, Ignorado("interaction without a user")),
        (b'payload={"user":{"id":"U1"},"type":"shortcut"}', FORM, Ignorado("interaction shortcut")),
        (b'payload={"user":{"id":"U1"},"type":"block_actions","actions":[]}', FORM,
         Ignorado("interaction without an action")),
        (b"<html>", "text/html", Ignorado("content type")),
        (b"", None, Ignorado("content type")),
    ],
)  # fmt: skip
def test_odd_shapes_have_a_reason(raw: bytes, kind: str | None, meaning: Pedido) -> None:
    assert read(raw, kind) == meaning


def test_a_command_is_read() -> None:
    asked = read(comando(text="bloquear A &amp; B <https://x.test|site>"), FORM)
    assert asked == Comando(
        "U1", "C1", "bloquear A & B site", "/julia", "1.2.x", "https://hooks.slack.com/commands/1", "ana"
    )
    assert "hooks" not in repr(asked)


@pytest.mark.parametrize(
    ("over", "kind"),
    [
        ({"type": "message", "channel_type": "im", "channel": "D1"}, MensagemDireta),
        ({"type": "message", "channel": "D1"}, MensagemDireta),
        ({"type": "message", "channel_type": "channel"}, Mencao),
        ({"type": "message", "channel_type": "channel", "text": "bom dia"}, Ignorado),
        ({"type": "message", "channel_type": "im", "subtype": "file_share"}, MensagemDireta),
        ({"type": "message", "channel_type": "im", "subtype": "novidade"}, Ignorado),
        ({"type": "message", "channel_type": "im", "subtype": {"a": 1}}, Ignorado),
        ({"bot_id": "B1"}, Ignorado),
        ({"app_id": "A1"}, Ignorado),
        ({"user": "U0BOT0001"}, Ignorado),
        ({"user": None}, Ignorado),
        ({"channel": 7}, Ignorado),
        ({"ts": ""}, Ignorado),
        ({"hidden": True}, Ignorado),
        ({"type": "reaction_added"}, Ignorado),
        ({"type": ["message"]}, Ignorado),
        ({"text": None}, Mencao),
    ],
)
def test_only_what_a_person_says_to_us_is_for_us(over: dict[str, Any], kind: type[Pedido]) -> None:
    assert isinstance(evento(**over), kind)


def test_both_events_of_a_mention_and_every_retry_have_one_name() -> None:
    mention, double = evento(), evento(type="message", channel_type="channel")
    assert chave(mention, b"a") == chave(double, b"b") == "mensagem:C00000001:1763827200.000100"
    assert chave(evento(ts="2.0"), b"a") != chave(mention, b"a")


def test_a_double_click_is_one_and_another_button_value_or_user_is_not() -> None:
    body = sample("interactive.block_actions_payload_decoded")
    first = chave(interacao(body), b"a")
    body["actions"][0]["action_ts"] = "9.9"
    assert chave(interacao(body), b"b") == first
    for change in ({"value": "campaign:43"}, {"action_id": "reject"}):
        other = {**body, "actions": [{**body["actions"][0], **change}]}
        assert chave(interacao(other), b"a") != first
    assert chave(interacao({**body, "user": {"id": "U9"}}), b"a") != first


def test_commands_views_and_the_rest_have_names_too() -> None:
    assert chave(read(comando(), FORM), b"a") == "comando:1.2.x"
    assert chave(read(comando(trigger_id=""), FORM), b"a").startswith("corpo:")
    assert chave(interacao(sample("interactive.view_submission")), b"") == "tela:V00000001:1763827301.abc"
    in_view = {"user": {"id": "U1"}, "type": "block_actions", "container": {"type": "view", "view_id": "V1"},
               "actions": [{"action_id": "a", "selected_option": {"value": "x"}, "action_ts": "1.1"}]}  # fmt: skip
    asked = interacao(in_view)
    assert isinstance(asked, Acao)
    assert (asked.valor, asked.mensagem_ts, asked.view_id) == ("x", None, "V1")
    assert chave(asked, b"") == "acao:V1:1.1:U1:a"


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("<@U0BOT> oi", "oi"),
        ("oi <@U0BOT|julia>, tudo?", "oi , tudo?"),
        ("<@U2> já viu", "<@U2> já viu"),
        ("ver <#C1|plantoes>", "ver #plantoes"),
        ("<!channel> <!here>", "@channel @here"),
        ("<tel:+5511900000001|11 90000-0001>", "11 90000-0001"),
        ("<mailto:a@b.test>", "a@b.test"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("a\x00b", "ab"),
    ],
)
def test_texts_are_what_was_typed(typed: str, text: str) -> None:
    assert plain(typed, "U0BOT") == text


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["type", "event", "user", "id", "actions", "view", "state", "values", "channel", "ts", "text",
                         "authorizations", "container", "action_id", "selected_options", "subtype"]),
        inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@given(body=_JSON, kind=st.sampled_from(["event_callback", "block_actions", "view_submission", "url_verification"]))
def test_nothing_makes_it_raise(body: Any, kind: str) -> None:
    whole = {**body, "type": kind} if isinstance(body, dict) else body
    for asked in (read(orjson.dumps(whole), JSON), read(urlencode({"payload": orjson.dumps(whole)}).encode(), FORM)):
        assert chave(asked, b"x")


@given(raw=st.binary(max_size=60), kind=st.sampled_from([JSON, FORM, None]))
def test_no_bytes_make_it_raise(raw: bytes, kind: str | None) -> None:
    assert chave(read(raw, kind), raw)

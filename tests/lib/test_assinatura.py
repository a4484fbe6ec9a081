"""Signatures of webhooks: the vendors' own vectors, what is not theirs, how old they may be, and rotation."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import orjson
import pytest

from lib.assinatura import chatwoot_valida, igual, meta_valida, slack_valida, svix_valida

SVIX = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",)
SVIX_ID, SVIX_TS, SVIX_BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
SVIX_ASSINATURA = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SLACK = ("8f742231b10e8888abcd99yyyzzz85a5",)
SLACK_TS = "1531420618"
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACK_ASSINATURA = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def sha(key: str, signed: bytes) -> str:
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def test_svix_own_vector_holds_and_each_changed_part_breaks_it() -> None:
    now = at(int(SVIX_TS))
    assert svix_valida(SVIX_BODY, SVIX_ID, SVIX_TS, SVIX_ASSINATURA, SVIX, now)
    assert svix_valida(SVIX_BODY, SVIX_ID, SVIX_TS, f"v2,xx v1,AAAA {SVIX_ASSINATURA}", ("whsec_AAAA", *SVIX), now)
    for body, msg_id, timestamp, given in (
        (SVIX_BODY + b" ", SVIX_ID, SVIX_TS, SVIX_ASSINATURA),
        (SVIX_BODY, "msg_outra", SVIX_TS, SVIX_ASSINATURA),
        (SVIX_BODY, SVIX_ID, "1614265331", SVIX_ASSINATURA),
        (SVIX_BODY, SVIX_ID, SVIX_TS, SVIX_ASSINATURA.replace("v1,", "v2,")),
        (SVIX_BODY, None, SVIX_TS, SVIX_ASSINATURA),
        (SVIX_BODY, SVIX_ID, SVIX_TS, None),
    ):
        assert not svix_valida(body, msg_id, timestamp, given, SVIX, now)


@pytest.mark.parametrize("segredo", ["", "whsec_", "whsec_não é base64", "whsec_*"])
def test_a_secret_that_is_none_lets_nobody_in_not_even_who_signs_with_nothing(segredo: str) -> None:
    empty = base64.b64encode(hmac.digest(b"", b"%s.%s." % (b"a", b"1"), "sha256")).decode()
    assert not svix_valida(b"", "a", "1", f"v1,{empty}", (segredo,), at(1))


def test_slack_own_vector_holds() -> None:
    assert slack_valida(SLACK_BODY, SLACK_TS, SLACK_ASSINATURA, SLACK, at(int(SLACK_TS)))
    assert slack_valida(SLACK_BODY, SLACK_TS, SLACK_ASSINATURA, ("novo", *SLACK), at(int(SLACK_TS)))
    assert not slack_valida(SLACK_BODY + b"&a=1", SLACK_TS, SLACK_ASSINATURA, SLACK, at(int(SLACK_TS)))


@pytest.mark.parametrize(("idade", "vale"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)])
def test_five_minutes_either_way_and_not_a_second_more(idade: int, *, vale: bool) -> None:
    now = at(int(SLACK_TS) + idade)
    assert slack_valida(SLACK_BODY, SLACK_TS, SLACK_ASSINATURA, SLACK, now) is vale
    assert svix_valida(SVIX_BODY, SVIX_ID, SVIX_TS, SVIX_ASSINATURA, SVIX, at(int(SVIX_TS) + idade)) is vale


@pytest.mark.parametrize("timestamp", ["", "abc", "1e9", "-1", "१५३१४२०६१८", "9" * 40, None])
def test_a_time_that_is_none_is_refused_and_never_raises(timestamp: str | None) -> None:
    signature = f"v0={sha(SLACK[0], b'v0:%s:%s' % ((timestamp or '').encode(), SLACK_BODY))}"
    assert not slack_valida(SLACK_BODY, timestamp, signature, SLACK, at(int(SLACK_TS)))
    assert not chatwoot_valida(SLACK_BODY, timestamp, signature, SLACK, at(int(SLACK_TS)))


def test_chatwoot_signs_time_and_body() -> None:
    body, timestamp = '{"content":"Olá, à noite é bom 👍"}'.encode(), "1763827200"
    good = f"sha256={sha('segredo', f'{timestamp}.'.encode() + body)}"
    assert chatwoot_valida(body, timestamp, good, ("outro", "segredo"), at(1763827200))
    assert not chatwoot_valida(body, timestamp, f"sha256={sha('segredo', body)}", ("segredo",), at(1763827200))
    assert not chatwoot_valida(body, "1763827201", good, ("segredo",), at(1763827200))


def test_meta_signs_the_bytes_as_they_came_not_what_they_mean() -> None:
    raw = b'{"text":"Ol\\u00e1, \\u00e0 noite","n":1.0}'
    good = f"sha256={sha('app', raw)}"
    assert meta_valida(raw, good, ("app",))
    assert not meta_valida(orjson.dumps(orjson.loads(raw)), good, ("app",))
    assert not meta_valida(raw, f"sha1={hmac.new(b'app', raw, hashlib.sha1).hexdigest()}", ("app",))
    assert not meta_valida(raw, good.removeprefix("sha256="), ("app",))
    assert not meta_valida(raw, None, ("app",))
    assert not meta_valida(raw, good, ())


def test_a_plain_token_is_one_of_those_in_use() -> None:
    assert igual("velho", ("novo", "velho"))
    assert not igual("", ("novo",))
    assert not igual(None, ("novo",))
    assert not igual("nov", ("novo",))
    assert not igual("novo", ())

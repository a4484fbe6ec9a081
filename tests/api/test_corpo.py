"""What a webhook's body may be before anybody parses it."""

from __future__ import annotations

import tracemalloc
from contextlib import suppress

import pytest

from api.webhooks.corpo import CHAVES_MAX, NIVEIS_MAX, refuse_deep
from lib.errors import PayloadTooDeepError


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[" * NIVEIS_MAX + b"]" * NIVEIS_MAX,
        b'{"a":[' * (NIVEIS_MAX // 2) + b"]}" * (NIVEIS_MAX // 2),
        b'{"texto":"' + b"[{" * 500 + b'"}',
        b'{"texto":"aspas \\" e depois ' + b"[" * 500 + b'"}',
        b"[" + b"[]," * 5_000 + b"[]]",
        b'{"hora":"' + b"10:00 " * CHAVES_MAX + b'"}',
    ],
)
def test_what_any_vendor_sends_passes(raw: bytes) -> None:
    refuse_deep(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * (NIVEIS_MAX + 1),
        b'{"a":' * (NIVEIS_MAX + 1),
        b'{"a":"b","c":' + b"[" * 100_000,
        b'{"texto":"\\\\"' + b"," + b"[" * 70,
        b"{" + b'"k":1,' * (CHAVES_MAX + 1) + b'"z":1}',
    ],
)
def test_what_nests_too_deep_or_has_too_many_keys_is_refused(raw: bytes) -> None:
    with pytest.raises(PayloadTooDeepError):
        refuse_deep(raw)


def test_a_megabyte_made_to_be_costly_is_judged_in_little_memory() -> None:
    for raw in (b'"' * 1_000_000 + b"[" * 100, b"\\" * 999_000 + b"[" * 100, b'["' + b'\\"' * 499_000 + b"[" * 100):
        tracemalloc.start()
        with suppress(PayloadTooDeepError):
            refuse_deep(raw)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 5_000_000

"""The pooled clients: one per upstream, counted, and closed together."""

from __future__ import annotations

import pytest
import respx

from lib import ledger
from lib.http import HttpPool, Upstream

pytestmark = pytest.mark.anyio


async def test_each_upstream_has_one_client_for_its_life() -> None:
    pool = HttpPool({"a": Upstream("a", "http://a.test"), "b": Upstream("b", "http://b.test")})
    assert pool.get_http_client("a") is pool.get_http_client("a")
    assert pool.get_http_client("a") is not pool.get_http_client("b")
    with pytest.raises(KeyError):
        pool.get_http_client("c")
    await pool.close_http_client()
    assert pool.get_http_client("a").is_closed
    assert pool.get_http_client("b").is_closed


@respx.mock
async def test_requests_are_counted_and_redirects_are_not_followed() -> None:
    respx.get("http://a.test/x").respond(302, headers={"location": "http://b.test/"})
    pool = HttpPool({"a": Upstream("a", "http://a.test")})
    with ledger.measure("x") as cost:
        answer = await pool.get_http_client("a").get("/x")
    assert (answer.status_code, cost.http_requests) == (302, 1)
    await pool.close_http_client()


def test_the_environments_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:1")
    pool = HttpPool({"a": Upstream("a", "http://a.test")})
    assert not pool.get_http_client("a").trust_env

"""The cache against a real server: single flight, time to live, invalidation, and life without Redis."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import redis.asyncio

from lib import ledger
from lib.cache import LOCK, PREFIX, Cache
from lib.stack.redis import Redis

pytestmark = pytest.mark.anyio

PATIENT_S = 10.0  # a loaded machine may take longer than the 50 ms of production


class Source:
    """What is loaded, and how often."""

    def __init__(self, value: object = "valor", *, takes_s: float = 0.05) -> None:
        self.value = value
        self.takes_s = takes_s
        self.loads = 0

    async def load(self) -> object:
        self.loads += 1
        value = self.value
        await asyncio.sleep(self.takes_s)
        return value


@pytest.fixture
async def raw(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    client = redis.asyncio.Redis.from_url(redis_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def cache(redis_url: str, raw: redis.asyncio.Redis) -> AsyncIterator[Cache]:
    opened = Cache.open(redis_url, timeout_s=PATIENT_S)
    yield opened
    await opened.close()


async def test_fifty_concurrent_misses_load_once(cache: Cache) -> None:
    source = Source()
    values = await asyncio.gather(*(cache.get_or_load("k", 60, source.load) for _ in range(50)))
    assert source.loads == 1
    assert values == ["valor"] * 50


async def test_misses_of_several_processes_load_once(cache: Cache, redis_url: str) -> None:
    source = Source(takes_s=0.3)
    others = [Cache.open(redis_url, timeout_s=PATIENT_S) for _ in range(3)]
    work = [one.get_or_load("k", 60, source.load) for one in (cache, *others) for _ in range(10)]
    try:
        values = await asyncio.gather(*work)
    finally:
        await asyncio.gather(*(one.close() for one in others))
    assert source.loads == 1
    assert values == ["valor"] * 40


async def test_a_value_stored_between_the_look_and_the_lock_is_a_hit(redis_url: str, raw: redis.asyncio.Redis) -> None:
    class Overtaken(redis.asyncio.Redis):
        """Another process stores its value and gives its lock back right after our first look."""

        async def get(self, name: str) -> bytes | None:  # type: ignore[override]
            seen = await super().get(name)
            await raw.set(name, b'"dela"')
            return cast("bytes | None", seen)

    cache = Cache(Overtaken.from_url(redis_url, protocol=2), timeout_s=PATIENT_S, load_max_s=3.0)
    source = Source()
    assert await cache.get_or_load("k", 60, source.load) == "dela"
    assert source.loads == 0
    await cache.close()


async def test_a_hit_is_one_command_and_a_miss_three(cache: Cache) -> None:
    source = Source()
    with ledger.measure("miss") as miss:
        await cache.get_or_load("k", 60, source.load)
    with ledger.measure("hit") as hit:
        await cache.get_or_load("k", 60, source.load)
    assert (miss.redis_commands, hit.redis_commands, source.loads) == (3, 1, 1)


@pytest.mark.parametrize("value", [None, [], {}, "", 0, False])
async def test_empty_values_are_cached_too(cache: Cache, value: object) -> None:
    source = Source(value)
    assert await cache.get_or_load("k", 60, source.load) == value
    assert await cache.get_or_load("k", 60, source.load) == value
    assert source.loads == 1


async def test_what_comes_out_is_the_same_cached_or_not_and_nobodys_but_the_callers(cache: Cache) -> None:
    source = Source({"a": (1, 2)})
    first, second = await asyncio.gather(*(cache.get_or_load("k", 60, source.load) for _ in range(2)))
    third = await cache.get_or_load("k", 60, source.load)
    assert first == second == third == {"a": [1, 2]}
    assert first is not second


async def test_the_time_to_live_is_never_shorter_than_asked(cache: Cache, raw: redis.asyncio.Redis) -> None:
    for n in range(30):
        await cache.get_or_load(f"k{n}", 60, Source(takes_s=0).load)
        assert 59_000 < await raw.pttl(f"{PREFIX}k{n}") <= 66_000


async def test_a_value_ends_with_its_time_to_live(cache: Cache) -> None:
    source = Source(takes_s=0)
    await cache.get_or_load("k", 0.05, source.load)
    await asyncio.sleep(0.1)
    await cache.get_or_load("k", 0.05, source.load)
    assert source.loads == 2


async def test_an_invalidated_value_is_loaded_again(cache: Cache) -> None:
    source = Source()
    await cache.get_or_load("k", 60, source.load)
    source.value = "novo"
    await cache.invalidate("k")
    assert await cache.get_or_load("k", 60, source.load) == "novo"


async def test_a_load_that_an_invalidation_overtook_is_not_stored(cache: Cache) -> None:
    source = Source("velho", takes_s=0.2)
    old = asyncio.create_task(cache.get_or_load("k", 60, source.load))
    await asyncio.sleep(0.1)
    source.value = "novo"
    await cache.invalidate("k")
    assert await cache.get_or_load("k", 60, source.load) == "novo"
    assert await old == "velho"
    assert await cache.get_or_load("k", 60, source.load) == "novo"


async def test_a_failing_load_fails_for_all_who_wait_and_is_tried_again_next_time(cache: Cache) -> None:
    async def broken() -> str:
        await asyncio.sleep(0.05)
        raise LookupError("fora do ar")

    outcomes = await asyncio.gather(*(cache.get_or_load("k", 60, broken) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(outcome, LookupError) for outcome in outcomes)
    await cache.invalidate("k")
    assert await cache.get_or_load("k", 60, Source().load) == "valor"


async def test_a_failed_load_gives_its_right_back_at_once(cache: Cache, raw: redis.asyncio.Redis) -> None:
    async def broken() -> str:
        raise LookupError("fora do ar")

    with pytest.raises(LookupError):
        await cache.get_or_load("k", 60, broken)
    assert await raw.exists(f"{LOCK}k") == 0


async def test_one_who_stops_waiting_does_not_stop_the_others(cache: Cache) -> None:
    source = Source(takes_s=0.2)
    first = asyncio.create_task(cache.get_or_load("k", 60, source.load))
    second = asyncio.create_task(cache.get_or_load("k", 60, source.load))
    await asyncio.sleep(0.05)
    first.cancel()
    assert await second == "valor"
    assert source.loads == 1


async def test_a_flushed_server_costs_a_load_and_nothing_else(cache: Cache, raw: redis.asyncio.Redis) -> None:
    source = Source(takes_s=0.2)
    await cache.get_or_load("a", 60, source.load)
    flight = asyncio.create_task(cache.get_or_load("b", 60, source.load))
    await asyncio.sleep(0.1)
    await raw.flushall()
    assert await flight == "valor"
    assert await cache.get_or_load("a", 60, source.load) == "valor"
    assert source.loads == 3


async def test_without_an_address_each_value_is_loaded_for_those_who_ask_together() -> None:
    cache, source = Cache.open(None), Source()
    values = await asyncio.gather(*(cache.get_or_load("k", 60, source.load) for _ in range(50)))
    assert (set(values), source.loads) == ({"valor"}, 1)
    await cache.invalidate("k")
    await cache.close()


async def test_a_server_killed_in_the_middle_of_a_load_changes_no_answer(home: Path) -> None:
    server = Redis(home / "redis-que-morre")
    cache, source = Cache.open(server.start(), timeout_s=PATIENT_S), Source(takes_s=0.2)
    flight = asyncio.create_task(cache.get_or_load("k", 60, source.load))
    await asyncio.sleep(0.1)
    server.kill()
    assert await flight == "valor"
    began = time.monotonic()
    for _ in range(10):
        assert await cache.get_or_load("outra", 60, Source(takes_s=0).load) == "valor"
    await cache.invalidate("k")
    assert time.monotonic() - began < PATIENT_S
    await cache.close()


async def test_a_server_that_hangs_costs_fifty_milliseconds_once_a_second() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        cache, source = Cache.open(f"redis://127.0.0.1:{hanging.getsockname()[1]}/0"), Source(takes_s=0)
        began = time.monotonic()
        for n in range(20):
            assert await cache.get_or_load(f"k{n}", 60, source.load) == "valor"
        assert time.monotonic() - began < 0.5
        await cache.close()

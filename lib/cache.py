"""A cache in Redis: time to live, single flight across processes, invalidation. Never the record, never needed.

A hit is one command, a miss three. Every command has 50 ms; after a failure Redis is left alone for a second and values
are loaded directly, so a dead, hanging or emptied Redis costs time and nothing else.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Any, Final, TypeVar, cast

import orjson
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from lib import ledger

T = TypeVar("T")
R = TypeVar("R")

PREFIX: Final = "agente:cache:"
LOCK: Final = "agente:cache-lock:"
REST_S: Final = 1.0
POLL_S: Final = 0.02
JITTER: Final = 0.1

# A miss looks again in the step that takes the lock: a value stored since the first look is a hit, not a second load.
LOOK_OR_LOCK: Final = """
local value = redis.call('GET', KEYS[1])
if value then return value end
return redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
"""

# Only the owner of the lock may store: a load that an invalidation overtook, or that outlived its lock, stores nothing.
# An empty text is no JSON: it gives the lock back and stores nothing.
STORE: Final = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return redis.call('DEL', KEYS[2])
"""


class _BypassError(Exception):
    """Redis is not there for this call."""


class Cache:
    """Values are JSON: what comes out is what JSON makes of what went in, cached or not (tuples become lists)."""

    def __init__(self, client: Redis | None, *, timeout_s: float, load_max_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._load_max_s = load_max_s
        self._rest_until = 0.0
        self._flights: dict[str, asyncio.Task[bytes]] = {}

    @classmethod
    def open(cls, url: str | None, *, timeout_s: float = 0.05, load_max_s: float = 3.0) -> Cache:
        """Make the cache without connecting; None works without Redis. `load_max_s` bounds a load's exclusive right."""
        client = None
        if url is not None:
            client = Redis.from_url(
                url,
                protocol=2,
                max_connections=64,
                retry=Retry(NoBackoff(), 0),
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
            )
        return cls(client, timeout_s=timeout_s, load_max_s=load_max_s)

    async def get_or_load(self, key: str, ttl_s: float, load: Callable[[], Awaitable[T]]) -> T:
        """Return the cached value, or load it once for all who ask meanwhile; None and empty values are cached too.

        The time to live is `ttl_s` or up to a tenth longer, never shorter. What `load` raises reaches all who wait.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fetch(key, ttl_s, load))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return cast("T", orjson.loads(await asyncio.shield(flight)))

    async def invalidate(self, *keys: str) -> None:
        """Forget the values; loads that began before are not stored.

        Without Redis only this process forgets: the other copies end with their time to live.
        """
        for key in keys:
            self._flights.pop(key, None)
        if keys:
            names = [prefix + key for key in keys for prefix in (PREFIX, LOCK)]
            with suppress(_BypassError):
                await self._ask(lambda redis: redis.delete(*names), always=True)

    async def close(self) -> None:
        """End running loads and close the connections."""
        for flight in list(self._flights.values()):
            flight.cancel()
        await asyncio.gather(*self._flights.values(), return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def _landed(self, key: str, done: asyncio.Task[bytes]) -> None:
        if self._flights.get(key) is done:
            del self._flights[key]
        if not done.cancelled():
            done.exception()  # seen, even when everyone who waited has gone

    async def _fetch(self, key: str, ttl_s: float, load: Callable[[], Awaitable[object]]) -> bytes:
        token = secrets.token_hex(8)
        try:
            cached = await self._hit_or_lock(key, token)
        except _BypassError:
            return orjson.dumps(await load())
        if cached is not None:
            return cached
        value = b""
        try:
            value = orjson.dumps(await load())
            return value
        finally:
            ttl_ms = round(ttl_s * 1000 * (1 + random.random() * JITTER))
            stored = (PREFIX + key, LOCK + key, token, value, max(1, ttl_ms))
            with suppress(_BypassError):
                await self._ask(lambda redis: redis.eval(STORE, 2, *stored))

    async def _hit_or_lock(self, key: str, token: str) -> bytes | None:
        """Return the value, or None when the right to load it is ours; wait while it is another's."""
        limit = monotonic() + self._load_max_s
        cached: Any = await self._ask(lambda redis: redis.get(PREFIX + key))
        if cached is not None:
            return cast("bytes", cached)
        wanted = (PREFIX + key, LOCK + key, token, round(self._load_max_s * 1000))
        while monotonic() < limit:
            answer: Any = await self._ask(lambda redis: redis.eval(LOOK_OR_LOCK, 2, *wanted))
            if isinstance(answer, bytes):
                return answer
            if answer:
                return None
            await asyncio.sleep(POLL_S)
        raise _BypassError

    async def _ask(self, command: Callable[[Redis], Awaitable[R]], *, always: bool = False) -> R:
        """Run one command in its time; a failure opens the rest. `always` asks although Redis rests."""
        if self._client is None or (monotonic() < self._rest_until and not always):
            raise _BypassError
        ledger.count("redis_commands")
        try:
            async with asyncio.timeout(self._timeout_s):
                return await command(self._client)
        except (RedisError, OSError, TimeoutError) as cause:
            self._rest_until = monotonic() + REST_S
            raise _BypassError from cause

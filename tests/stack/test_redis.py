from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from lib.stack.estado import temporary_dir
from lib.stack.redis import Redis
from tests.stack.vivos import wait_for

pytestmark = pytest.mark.processo


@pytest.fixture
def server() -> Iterator[Redis]:
    with temporary_dir() as place, Redis(place / "redis") as started:
        yield started


def test_it_wants_its_password_and_keeps_what_was_written_over_a_stop(server: Redis) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.set("nota", "fica")
    once = Retry(NoBackoff(), 0)
    with redis.Redis(port=server.port or 0, retry=once) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.get("nota")
    server.stop()
    began = time.monotonic()
    url = server.start()
    assert time.monotonic() - began < 1.0
    with redis.Redis.from_url(url) as client:
        assert client.get("nota") == b"fica"


def test_it_comes_back_after_a_kill(server: Redis) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.set("nota", "fica")
        client.config_set("appendfsync", "always")
        client.set("outra", "fica")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    assert wait_for(lambda: server.pid is None)
    with redis.Redis.from_url(server.start()) as client:
        assert client.get("outra") == b"fica"
    server.kill()
    server.start()
    assert server.ready()

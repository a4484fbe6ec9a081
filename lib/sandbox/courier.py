"""Webhooks out: one task per event, retried as its vendor retries."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import orjson

from lib.sandbox.world import Instance, Webhook, iso

ATTEMPTS: Final = 10
RETRY_CAP_S: Final = 300.0
FINAL_STATUSES: Final = frozenset({400, 401, 403, 404, 422})
_OPEN_POSTS: Final = 64
_REMEMBERED: Final = 2000
_FIRST_FAILURE: Final = 300


class HttpAnswer(Protocol):
    """What of an answer matters here."""

    @property
    def status_code(self) -> int:
        """HTTP status."""


class HttpClient(Protocol):
    """The part of the pooled client that webhooks need."""

    async def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """Send one body; raises on a broken connection or a time-out."""

    async def aclose(self) -> None:
        """Close the pool."""


@dataclass(slots=True)
class DeliveryPolicy:
    """How webhooks travel; changed by `PUT /_sandbox/webhooks`.

    `duplicate` and `lose` are probabilities per event, `delay_ms` the time before the first attempt, `stopped` holds
    all events back until it is lifted.
    """

    retry_base_s: float
    receipts_ms: tuple[int, ...]
    receipts: bool = True
    duplicate: float = 0.0
    lose: float = 0.0
    delay_ms: int = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery attempt: `status` 0 stands for no answer at all."""

    event: str
    instance: str
    url: str
    attempt: int
    status: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Remessa:
    """One webhook of `origem`, a vendor or an Evolution instance.

    `headers` are made anew for each attempt (1 is the first): some carry its time. `esperas_s` are the pauses after the
    first, second, ... failed attempt; when they are over it is given up. `final` are the statuses after which that
    vendor does not try again.
    """

    origem: str
    evento: str
    url: str
    content: bytes
    headers: Callable[[int], Mapping[str, str]]
    esperas_s: tuple[float, ...] = ()
    final: frozenset[int] = frozenset()
    prazo_s: float = 30.0


def retry_pause(attempt: int, base_s: float, rng: random.Random) -> float:
    """Seconds before the next attempt: doubling from the base, capped at 300 s, +-20 % jitter."""
    return float(min(RETRY_CAP_S, base_s * 2 ** (attempt - 1)) * rng.uniform(0.8, 1.2))


def wants(webhook: Webhook, event: str) -> bool:
    """Whether an instance's webhook is on and subscribed to this event."""
    return webhook.enabled and event.upper().replace(".", "_") in webhook.events


class Courier:
    """Delivers events; nothing orders them among each other, a restart forgets what is still under way.

    `plain` posts to `http://` addresses, `secure` to all others.
    """

    def __init__(
        self, plain: HttpClient, secure: HttpClient, policy: DeliveryPolicy, server_url: str, rng: random.Random
    ) -> None:
        self.policy = policy
        self.attempts: deque[Attempt] = deque(maxlen=_REMEMBERED)
        self.delivered = 0
        self.given_up = 0
        self._plain, self._secure = plain, secure
        self._server_url = server_url
        self._rng = rng
        self._slots = asyncio.Semaphore(_OPEN_POSTS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[Remessa] = []

    @property
    def pending(self) -> int:
        """Events under way or held back."""
        return len(self._tasks) + len(self._held)

    def emit(self, instance: Instance, event: str, data: object, *, copies: int = 1) -> None:
        """Send an event if the instance subscribes to it."""
        webhook = instance.webhook
        if webhook is None or not wants(webhook, event):
            return
        url = f"{webhook.url.rstrip('/')}/{event.replace('.', '-')}" if webhook.by_events else webhook.url
        body: dict[str, Any] = {
            "event": event,
            "instance": instance.name,
            "data": data,
            "destination": webhook.url,
            "date_time": iso(time.time()),
        }
        if instance.owner_jid:
            body["sender"] = instance.owner_jid
        body["server_url"] = self._server_url
        body["apikey"] = None
        headers = {"user-agent": "axios/1.7.9", "content-type": "application/json", **webhook.headers}
        base_s = self.policy.retry_base_s
        remessa = Remessa(
            instance.name,
            event,
            url,
            orjson.dumps(body),
            lambda _attempt: headers,
            tuple(retry_pause(attempt, base_s, self._rng) for attempt in range(1, ATTEMPTS)),
            FINAL_STATUSES,
        )
        self.dispatch(remessa, copies=copies)

    def dispatch(self, remessa: Remessa, *, copies: int = 1) -> None:
        """Send a webhook on its way, under the faults of delivery that are switched on."""
        if self.policy.lose and self._rng.random() < self.policy.lose:
            return
        copies += bool(self.policy.duplicate and self._rng.random() < self.policy.duplicate)
        for _ in range(copies):
            self._launch(remessa)

    def later(self, delay_s: float, instance: Instance, event: str, data: object) -> None:
        """Emit after a delay, by the subscription of then."""
        asyncio.get_running_loop().call_later(delay_s, self.emit, instance, event, data)

    def resume(self) -> None:
        """Let go what was held back."""
        held, self._held = self._held, []
        for remessa in held:
            self._launch(remessa)

    def forget(self) -> None:
        """Drop everything under way and the record of attempts."""
        for task in self._tasks:
            task.cancel()
        self._held.clear()
        self.attempts.clear()
        self.delivered = self.given_up = 0

    async def close(self) -> None:
        """Stop all deliveries and close the client."""
        tasks = list(self._tasks)
        self.forget()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._plain.aclose()
        await self._secure.aclose()

    def _launch(self, remessa: Remessa) -> None:
        if self.policy.stopped:
            self._held.append(remessa)
            return
        task = asyncio.create_task(self._deliver(remessa))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, remessa: Remessa) -> None:
        if self.policy.delay_ms:
            await asyncio.sleep(self.policy.delay_ms / 1000)
        for attempt, pause_s in enumerate((*remessa.esperas_s, None), start=1):
            status = await self._post(remessa, attempt)
            self.attempts.append(Attempt(remessa.evento, remessa.origem, remessa.url, attempt, status, time.time()))
            if 0 < status < _FIRST_FAILURE:
                self.delivered += 1
                return
            if status in remessa.final or pause_s is None:
                break
            await asyncio.sleep(pause_s)
        self.given_up += 1

    async def _post(self, remessa: Remessa, attempt: int) -> int:
        client = self._plain if remessa.url.startswith("http://") else self._secure
        async with self._slots:
            try:
                async with asyncio.timeout(remessa.prazo_s):
                    headers = remessa.headers(attempt)
                    answer = await client.post(remessa.url, content=remessa.content, headers=headers)
            except Exception:  # noqa: BLE001 - the door of a delivery: whatever broke, its vendor tries again
                return 0
            return answer.status_code

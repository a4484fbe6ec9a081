"""The only fan-out, a gather with at most `limit` in flight; and its opposite, many who ask and one who does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def gather_limited(items: Sequence[T], work: Callable[[T], Awaitable[R]], limit: int) -> list[R | Exception]:
    """Run `work` over `items`, at most `limit` at once; results keep the items' order.

    A failure takes its item's place in the list, so that one bad item never ends the others. Cancellation ends all.
    """
    gate = asyncio.Semaphore(limit)

    async def one(item: T) -> R | Exception:
        async with gate:
            try:
                return await work(item)
            except Exception as failure:  # noqa: BLE001 - handed to the caller as this item's result
                return failure

    return list(await asyncio.gather(*(one(item) for item in items)))


class Together(Generic[T, R]):
    """What is asked for while `work` is under way is done in its next round: one write for all who wait.

    `work` takes up to `limit` items and returns one result for each, in their order. Its failure is everybody's.
    """

    def __init__(self, work: Callable[[Sequence[T]], Awaitable[Sequence[R]]], limit: int) -> None:
        self._work = work
        self._limit = limit
        self._asked: list[tuple[T, asyncio.Future[R]]] = []
        self._round: asyncio.Task[None] | None = None

    async def ask(self, item: T) -> R:
        """Return the item's result once a round that holds it is over."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._asked.append((item, answer))
        if self._round is None:
            self._round = asyncio.create_task(self._rounds())
        return await answer

    async def _rounds(self) -> None:
        try:
            while self._asked:
                now, self._asked = self._asked[: self._limit], self._asked[self._limit :]
                await self._one(now)
        finally:
            self._round = None

    async def _one(self, now: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._work([item for item, _ in now])
        except BaseException as failure:
            for _, answer in now:
                if not answer.done():  # whoever asked may have gone
                    answer.set_exception(failure)
            if not isinstance(failure, Exception):
                raise
            return
        for (_, answer), result in zip(now, results, strict=True):
            if not answer.done():
                answer.set_result(result)

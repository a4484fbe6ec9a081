"""The only fan-out: a gather that never has more than `limit` in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

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

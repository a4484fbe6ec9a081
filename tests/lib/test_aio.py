"""Many ask, one does: nobody waits twice, nobody is forgotten, a failure is everybody's who was in it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from lib.aio import Together


async def test_what_is_asked_meanwhile_is_done_in_the_next_round() -> None:
    rounds: list[int] = []

    async def double(items: Sequence[int]) -> list[int]:
        rounds.append(len(items))
        await asyncio.sleep(0.01)
        return [2 * item for item in items]

    together = Together(double, limit=40)
    first = asyncio.create_task(together.ask(1))
    await asyncio.sleep(0.005)
    assert await asyncio.gather(*(together.ask(n) for n in range(50))) == [2 * n for n in range(50)]
    assert await first == 2
    assert rounds == [1, 40, 10]
    assert await together.ask(7) == 14, "it begins again"


async def test_a_failed_round_fails_those_in_it_and_not_the_next() -> None:
    async def odd(items: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(0)
        if 0 in items:
            raise ValueError("zero")
        return items

    together = Together(odd, limit=1)
    bad, good = await asyncio.gather(together.ask(0), together.ask(1), return_exceptions=True)
    assert isinstance(bad, ValueError)
    assert good == 1


async def test_who_goes_away_takes_nothing_with_them() -> None:
    done: list[int] = []

    async def note(items: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(0.01)
        done.extend(items)
        return items

    together = Together(note, limit=10)
    gone = asyncio.create_task(together.ask(1))
    stays = asyncio.create_task(together.ask(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 2
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert done == [1, 2]

"""Token counts by estimate, and the prompt cache by remembered prefixes."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

_CHARS_PER_TOKEN: Final = 4
_MIN_CACHEABLE: Final = 512
_TTL_S: Final = 300.0


def estimate(value: object) -> int:
    """Tokens of a text or a JSON value: four characters each, at least one."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return max(1, len(text) // _CHARS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class InputTokens:
    """The three parts of the input, which add up to all of it."""

    fresh: int
    cache_creation: int
    cache_read: int

    @property
    def total(self) -> int:
        """All input tokens."""
        return self.fresh + self.cache_creation + self.cache_read


class PromptCache:
    """Remembers prefixes that end at a `cache_control`, five minutes from their last use.

    Order tools, system, messages; any change before a breakpoint misses; under 512 tokens is silently not cached.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[bytes, float] = {}

    def measure(self, body: Mapping[str, Any]) -> InputTokens:
        """Count one request and remember its breakpoints."""
        now = self._clock()
        self._seen = {digest: until for digest, until in self._seen.items() if until > now}
        digest = hashlib.blake2b(str(body["model"]).encode(), digest_size=16)
        total = read = written = 0
        marks: list[bytes] = []
        for block, marked in _blocks(body):
            raw = orjson.dumps(block, option=orjson.OPT_SORT_KEYS)
            digest.update(raw)
            total += max(1, len(raw.decode()) // _CHARS_PER_TOKEN)
            if marked and total >= _MIN_CACHEABLE:
                written = total
                marks.append(digest.digest())
                if marks[-1] in self._seen:
                    read = total
        self._seen.update(dict.fromkeys(marks, now + _TTL_S))
        return InputTokens(fresh=total - written, cache_creation=written - read, cache_read=read)

    def clear(self) -> None:
        """Forget all prefixes."""
        self._seen.clear()


def _blocks(body: Mapping[str, Any]) -> Iterator[tuple[object, bool]]:
    """(block without its mark, whether a breakpoint follows it); a top-level mark stands at the end."""
    for tool in body.get("tools") or ():
        yield _bare(tool), bool(tool.get("cache_control"))
    system = body.get("system")
    for block in [system] if isinstance(system, str) else system or ():
        yield _bare(block), isinstance(block, dict) and bool(block.get("cache_control"))
    messages = body["messages"]
    for index, message in enumerate(messages):
        content = message["content"]
        blocks = [content] if isinstance(content, str) else content
        for position, block in enumerate(blocks):
            last = index == len(messages) - 1 and position == len(blocks) - 1
            marked = isinstance(block, dict) and bool(block.get("cache_control"))
            yield [message["role"], _bare(block)], marked or (last and bool(body.get("cache_control")))


def _bare(block: object) -> object:
    return {key: value for key, value in block.items() if key != "cache_control"} if isinstance(block, dict) else block

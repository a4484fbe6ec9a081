"""An append-only JSONL file that outlives a killed process."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson


class Journal:
    """One line per fact, written before the fact is answered.

    A line reaches the kernel in one `write`, so killing the process loses nothing; a crash of the machine may.
    Without a directory it remembers nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self._path = directory / "sandbox.jsonl" if directory else None
        self._fd: int | None = None
        if directory and self._path:
            directory.mkdir(parents=True, exist_ok=True)
            _drop_torn_line(self._path)
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, kind: str, fact: dict[str, Any]) -> None:
        """Write one fact under its kind."""
        if self._fd is not None:
            os.write(self._fd, orjson.dumps({"t": kind, **fact}, option=orjson.OPT_APPEND_NEWLINE))

    def replay(self) -> Iterator[dict[str, Any]]:
        """All facts in the order of writing, each with its kind under `t`."""
        if self._path and self._path.exists():
            for line in self._path.read_bytes().splitlines():
                yield orjson.loads(line)

    def clear(self) -> None:
        """Forget everything."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)

    def close(self) -> None:
        """Give the file back; later facts are not kept."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _drop_torn_line(path: Path) -> None:
    """A process killed inside its last write may leave half a line: it was never answered, so it is cut off."""
    if path.exists():
        raw = path.read_bytes()
        if raw and not raw.endswith(b"\n"):
            path.write_bytes(raw[: raw.rfind(b"\n") + 1])

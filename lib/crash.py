"""Named points at which a test makes the process die, to show that nothing is lost there."""

from __future__ import annotations

import os

EXIT_CODE = 137


class Crashpoint:
    """Kills the process when its point is reached for the n-th time; `spec` is `S9` or `S9:3`, None never kills."""

    def __init__(self, spec: str | None) -> None:
        self._name, _, count = (spec or "").partition(":")
        self._left = int(count or 1)

    def reach(self, name: str) -> None:
        """Die here, as by `kill -9`, if this is the point; nothing is flushed and no handler runs."""
        if name == self._name:
            self._left -= 1
            if self._left <= 0:
                os._exit(EXIT_CODE)

"""Finds the processes that a test started, whatever became of their parents: they carry a mark in their environment."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

MARCA = "TESTE_MARCA"


def marked() -> dict[str, str]:
    """Return an environment with a mark of its own."""
    return {**os.environ, MARCA: uuid4().hex, "PYTHONUNBUFFERED": "1"}


def alive(env: Mapping[str, str]) -> dict[int, str]:
    """Return the living (not zombie) processes of this environment: process id to command line."""
    wanted = f"{MARCA}={env[MARCA]}".encode()
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


def wait_for(what: object, limit_s: float = 15.0) -> bool:
    """Wait until the callable `what` is true; return whether it ever was."""
    assert callable(what)
    limit = time.monotonic() + limit_s
    while time.monotonic() < limit:
        if what():
            return True
        time.sleep(0.02)
    return bool(what())

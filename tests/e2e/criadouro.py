"""Starts API processes in milliseconds: one parent imports the program once and forks a child for each.

What runs in the child is the program itself, started by uvicorn as its command line does; only the imports are shared.
`python -m tests.e2e.criadouro` is the parent; it speaks one JSON line per command.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import uvicorn

import api.app  # noqa: F401 - the point of the parent: imported once

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Filho:
    """One API process, seen as `subprocess.Popen` shows it."""

    casa: Criadouro
    pid: int
    codigo: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while it runs."""
        if self.codigo is None:
            self.codigo = self.casa.ask(do="poll", pid=self.pid)
        return self.codigo

    def send_signal(self, sig: int) -> None:
        """Send a signal."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def wait(self, timeout: float) -> int:
        """Wait for the end and return the exit code.

        Raises:
            TimeoutError: it did not end, and was killed.
        """
        until = time.monotonic() + timeout
        while (codigo := self.poll()) is None:
            if time.monotonic() > until:
                os.kill(self.pid, signal.SIGKILL)
                raise TimeoutError(f"the API did not end within {timeout} s")
            time.sleep(0.01)
        return codigo


class Criadouro:
    """The parent, from the outside."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.e2e.criadouro"]
        self._parent = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, env: Mapping[str, str], port: int, log: Path) -> Filho:
        """Start an API with exactly this environment."""
        return Filho(self, self.ask(do="start", env=dict(env), port=port, log=str(log)))

    def call(self, function: str, *arguments: str, env: Mapping[str, str], log: Path) -> Filho:
        """Call `module:function` in a process of its own with exactly this environment."""
        given = {"function": function, "arguments": arguments, "env": dict(env), "log": str(log)}
        return Filho(self, self.ask(do="call", **given))

    def ask(self, **command: Any) -> Any:
        """Send one command and return its answer."""
        if self._parent.stdin is None or self._parent.stdout is None:
            raise RuntimeError("the parent has no pipes")
        self._parent.stdin.write(json.dumps(command) + "\n")
        self._parent.stdin.flush()
        return json.loads(self._parent.stdout.readline())

    def close(self) -> None:
        """End the parent; its children are ended by whoever started them."""
        if self._parent.stdin and self._parent.stdout:
            self._parent.stdin.close()
            self._parent.wait(10)
            self._parent.stdout.close()


def _child(command: dict[str, Any]) -> None:
    out = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (out, 1), (out, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(command["env"])
    if command["do"] == "call":
        module, _, name = command["function"].partition(":")
        getattr(import_module(module), name)(*command["arguments"])
        return
    uvicorn.run("api.app:create_app", factory=True, port=command["port"], access_log=False, timeout_graceful_shutdown=5)


def _exit_code(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _serve() -> None:
    living: set[int] = set()
    for line in sys.stdin:
        command = json.loads(line)
        answer: int | None
        if command["do"] in {"start", "call"}:
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    _child(command)
                    code = 0
                except SystemExit as ended:
                    code = ended.code if isinstance(ended.code, int) else 1
                finally:
                    # As the command line ends, but without this parent's own clean-up.
                    os._exit(code)
            living.add(pid)
            answer = pid
        else:
            answer = _exit_code(command["pid"])
            if answer is not None:
                living.discard(command["pid"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    for pid in living:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    _serve()

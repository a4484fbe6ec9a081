"""Start one process behind its guard, synchronously or on an event loop, and stop or kill it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lib.stack.estado import Account, StackError

GUARD = Path(__file__).with_name("guarda.py")
START_LIMIT_S = 20.0  # for the guard to say the child's process id, on a machine that is very busy
MARK = "AGENTE_PILHA_FILHO"


@dataclass(frozen=True, slots=True)
class Command:
    """What to start. `env` is the whole environment, None means ours; `account` None means our own user."""

    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM

    def spec(self) -> bytes:
        """Return the line that the guard reads."""
        return (
            json.dumps(
                {
                    "argv": self.argv,
                    "uid": self.account.uid if self.account else None,
                    "gid": self.account.gid if self.account else None,
                    "stop_signal": int(self.stop_signal),
                }
            ).encode()
            + b"\n"
        )


def guard_argv(fd: int, name: str) -> list[str]:
    """Return the guard's command line: it does not repeat the child's, so that a pattern finds the child alone."""
    return [sys.executable, "-I", "-S", str(GUARD), str(fd), name]


def started_pid(name: str, answer: bytes) -> int:
    """Return the child's process id out of the guard's answer, or raise with the system's reason."""
    text = answer.decode(errors="replace").strip()
    if not text.isdigit():
        raise StackError(f"{name} não pôde ser iniciado: {text or 'o guarda não respondeu'}")
    return int(text)


class Process:
    """A running child behind its guard, for code without an event loop."""

    def __init__(self, name: str, command: Command, output: IO[bytes] | int = subprocess.DEVNULL) -> None:
        ours, theirs = socket.socketpair()
        self.name = name
        self._link = ours
        ours.settimeout(START_LIMIT_S)
        ours.sendall(command.spec())
        with theirs:
            self._guard = subprocess.Popen(  # noqa: S603 - our own guard
                guard_argv(theirs.fileno(), name),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=command.env,
                cwd=command.cwd,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )
        try:
            self.pid = started_pid(name, ours.recv(256))
        except (OSError, StackError):
            self._end()
            raise

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._guard.poll()

    def wait(self, limit_s: float) -> int:
        """Return the exit code when it has ended; what takes longer is killed."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(limit_s)
        return self.kill()

    def stop(self, grace_s: float = 5.0) -> int:
        """Ask to stop, wait, kill what did not; return the exit code when all of it is gone."""
        if self.poll() is None:
            self._guard.send_signal(signal.SIGTERM)
        return self.wait(grace_s)

    def kill(self) -> int:
        """End it and everything below it at once (SIGKILL)."""
        if self.poll() is None:
            self._guard.send_signal(signal.SIGUSR1)
        return self._end()

    def _end(self) -> int:
        self._link.close()
        try:
            return self._guard.wait(START_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            return self._guard.wait()


class AsyncProcess:
    """The same on an event loop, its output in `lines` (bytes, stderr merged in)."""

    def __init__(self, name: str, guard: asyncio.subprocess.Process, link: socket.socket, pid: int) -> None:
        self.name = name
        self.pid = pid
        self._guard = guard
        self._link = link

    @classmethod
    async def start(cls, name: str, command: Command, owner: Path) -> AsyncProcess:
        """Start the guard and its child; raises StackError when the command cannot be run."""
        ours, theirs = socket.socketpair()
        ours.sendall(command.spec())
        ours.settimeout(0)
        env = {**(os.environ if command.env is None else command.env), MARK: mark(name, owner)}
        with theirs:
            guard = await asyncio.create_subprocess_exec(
                *guard_argv(theirs.fileno(), name),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=env,
                cwd=command.cwd,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )
        loop = asyncio.get_running_loop()
        try:
            answer = await asyncio.wait_for(loop.sock_recv(ours, 256), START_LIMIT_S)
            return cls(name, guard, ours, started_pid(name, answer))
        except BaseException:
            ours.close()
            await guard.wait()
            raise

    @property
    def output(self) -> asyncio.StreamReader:
        """What the child writes."""
        assert self._guard.stdout is not None  # noqa: S101 - start() asked for a pipe
        return self._guard.stdout

    async def wait(self) -> int:
        """Return the exit code when it has ended."""
        return await self._guard.wait()

    async def stop(self, grace_s: float) -> int:
        """Ask to stop, wait `grace_s`, kill what did not."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._guard.wait(), grace_s)
        return await self.kill()

    async def kill(self) -> int:
        """End it and everything below it at once (SIGKILL)."""
        self.kill_now()
        self._link.close()  # a second reason to end, should the signal have been lost
        return await self._guard.wait()

    def kill_now(self) -> None:
        """Tell the guard to end everything, without waiting."""
        self._signal(signal.SIGUSR1)

    def _signal(self, number: signal.Signals) -> None:
        if self._guard.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._guard.send_signal(number)


def mark(name: str, owner: Path) -> str:
    """Return what tells a child of one checkout's stack from all other processes of the machine."""
    return f"{owner}#{name}"


def sweep(owner: Path, name: str = "") -> list[int]:
    """Kill what an earlier child (all children when no name is given) left behind; return the process ids.

    Only needed when supervisor and guard were killed together, which leaves nobody to clear up. Linux only.
    """
    wanted = f"{MARK}={mark(name, owner)}".encode()
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(line == wanted or (not name and line.startswith(wanted)) for line in variables):
            pid = int(entry.parent.name)
            if pid != os.getpid():
                found.append(pid)
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return found

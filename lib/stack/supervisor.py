"""Keep children running: start each when what it needs is ready, restart it when it ends, stop all in order."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from lib.stack.estado import StackError
from lib.stack.processos import AsyncProcess, Command, sweep

ME = "agente"
STOP_LIMIT_S = 8.0
PROBE_FIRST_S = 0.03
PROBE_CAP_S = 0.25
LOG_LIMIT_BYTES = 5_000_000
LINE_LIMIT_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds before a restart: doubled from `first_s` up to `cap_s`, back to `first_s` after `reset_s` of health."""

    first_s: float = 0.5
    cap_s: float = 30.0
    reset_s: float = 60.0

    def after(self, previous_s: float | None, healthy_s: float) -> float:
        """Return the next delay, given the last one and how long the child was ready since."""
        if previous_s is None or healthy_s >= self.reset_s:
            return self.first_s
        return min(previous_s * 2, self.cap_s)


@dataclass(frozen=True, slots=True)
class Child:
    """One thing to keep running. `prepare`, `ready` and `finish` block: they run in threads.

    `after` names the children that must be ready first. `prepare` runs before every start, `finish` once, before the
    first time that the child counts as ready. A `once` child is a step: it is ready when it has ended well. One that is
    not ready within `limit_s`, or ends `max_failures` times before it ever was, ends the whole start. `grace_s` is the
    time between asking it to stop and killing it.
    """

    name: str
    command: Command
    ready: Callable[[], bool] = lambda: True
    after: tuple[str, ...] = ()
    prepare: Callable[[], None] = lambda: None
    finish: Callable[[], None] = lambda: None
    once: bool = False
    limit_s: float = 60.0
    grace_s: float = 1.5
    max_failures: int = 5


class Supervisor:
    """Children are started together as `after` allows and stopped one by one in the order of `stop_order`.

    `on_line(name, text)` gets every line of output, and our own under the name "agente"; `on_change(pids)` what runs.
    """

    def __init__(
        self,
        children: Sequence[Child],
        stop_order: Sequence[str],
        *,
        owner: Path,
        logs: Path,
        on_line: Callable[[str, str], None],
        on_change: Callable[[dict[str, int]], None] = lambda _pids: None,
        backoff: Backoff | None = None,
    ) -> None:
        self._children = {child.name: child for child in children}
        self._stop_order = [name for name in stop_order if name in self._children]
        self._stop_order += [name for name in self._children if name not in self._stop_order]
        self._owner = owner
        self._logs = logs
        self._on_line = on_line
        self._on_change = on_change
        self._backoff = backoff or Backoff()
        self._running: dict[str, AsyncProcess] = {}
        self._ready = {name: asyncio.Event() for name in self._children}
        self._tasks: list[asyncio.Task[None]] = []
        self._pumps: set[asyncio.Task[None]] = set()
        self._fatal: asyncio.Future[None] | None = None
        self._killed = False

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of what runs now, by child."""
        return {name: process.pid for name, process in self._running.items()}

    async def start(self) -> None:
        """Return when every child is ready; raises StackError when one cannot be, and leaves stopping to the caller."""
        sweep(self._owner)
        self._fatal = asyncio.get_running_loop().create_future()
        self._tasks = [asyncio.create_task(self._keep(child), name=child.name) for child in self._children.values()]
        for task in self._tasks:
            task.add_done_callback(self._broke)
        ready = asyncio.gather(*(event.wait() for event in self._ready.values()))
        try:
            either: set[asyncio.Future[Any]] = {ready, self._fatal}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._fatal.done():
                await self._fatal
        finally:
            ready.cancel()
            await asyncio.gather(ready, return_exceptions=True)

    async def broken(self) -> None:
        """Wait, after `start`, for what should never come: a fault of our own; raise it."""
        if self._fatal is not None:
            await asyncio.shield(self._fatal)

    async def stop(self) -> None:
        """Stop what runs, in order, within 10 s whatever the children do."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        limit = time.monotonic() + STOP_LIMIT_S
        for name in self._stop_order:
            process = self._running.get(name)
            if process is None:
                continue
            grace = 0.0 if self._killed else min(self._children[name].grace_s, max(0.0, limit - time.monotonic()))
            asked = time.monotonic()
            await process.stop(grace)
            self._forget(name)
            self._say(f"{name} parou em {time.monotonic() - asked:.1f} s")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*self._pumps, return_exceptions=True), 1.0)

    def kill_now(self) -> None:
        """End every child at once; `stop` is then quick."""
        self._killed = True
        for process in self._running.values():
            process.kill_now()

    def _broke(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) and self._fatal and not self._fatal.done():
            self._fatal.set_exception(error)

    async def _keep(self, child: Child) -> None:
        """Start a child when its turn has come, and again whenever it ends."""
        for name in child.after:
            await self._ready[name].wait()
        delay: float | None = None
        failures = 0
        while True:
            try:
                code, healthy_s = await self._run_once(child)
            except StackError as error:
                if not self._ready[child.name].is_set():
                    raise
                code, healthy_s = 1, 0.0
                self._say(f"{child.name}: {error}")
            if child.once:
                self._end_step(child, code)
                return
            failures += 1
            if failures >= child.max_failures and not self._ready[child.name].is_set():
                raise self._failed(child, f"caiu {failures} vezes sem ficar pronto")
            delay = self._backoff.after(delay, healthy_s)
            self._say(f"{child.name} caiu (código {code}); reiniciando em {delay:g} s")
            await asyncio.sleep(delay)
            sweep(self._owner, child.name)

    async def _run_once(self, child: Child) -> tuple[int, float]:
        """Run a child until it ends; return its exit code and for how many seconds it was ready."""
        await asyncio.to_thread(child.prepare)
        asked = time.monotonic()
        process = await AsyncProcess.start(child.name, child.command, self._owner)
        self._running[child.name] = process
        self._on_change(self.pids)
        pump = asyncio.create_task(self._pump(child.name, process.output))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)
        ended = asyncio.create_task(process.wait())
        ready_at = None if child.once else await self._wait_ready(child, ended, asked)
        code = await ended
        await process.kill()
        await asyncio.wait({pump}, timeout=1.0)
        self._forget(child.name)
        return code, 0.0 if ready_at is None else time.monotonic() - ready_at

    async def _wait_ready(self, child: Child, ended: asyncio.Task[int], asked: float) -> float | None:
        """Return the instant at which the child was ready, None when it ended before."""
        pause = PROBE_FIRST_S
        while not ended.done():
            if await asyncio.to_thread(child.ready) and not ended.done():
                if not self._ready[child.name].is_set():
                    await asyncio.to_thread(child.finish)
                self._ready[child.name].set()
                self._say(f"{child.name} pronto em {time.monotonic() - asked:.1f} s")
                return time.monotonic()
            if time.monotonic() - asked > child.limit_s and not self._ready[child.name].is_set():
                raise self._failed(child, f"não ficou pronto em {child.limit_s:.0f} s")
            await asyncio.wait({ended}, timeout=pause)
            pause = min(pause * 1.5, PROBE_CAP_S)
        return None

    def _end_step(self, child: Child, code: int) -> None:
        if code:
            raise self._failed(child, f"falhou (código {code})")
        self._ready[child.name].set()
        self._say(f"{child.name} concluído")

    def _failed(self, child: Child, what: str) -> StackError:
        path = self._logs / f"{child.name}.log"
        tail = path.read_text(errors="replace").splitlines()[-8:] if path.exists() else []
        return StackError("\n".join([f"{child.name} {what}. Fim de {path}:", *tail]))

    def _forget(self, name: str) -> None:
        self._running.pop(name, None)
        self._on_change(self.pids)

    def _say(self, text: str) -> None:
        self._on_line(ME, text)

    async def _pump(self, name: str, output: asyncio.StreamReader) -> None:
        """Hand a child's output on, line by line, to its file and to the terminal."""
        rest = b""
        with open_log(self._logs, name) as file:
            while part := await output.read(LINE_LIMIT_BYTES):
                *lines, rest = (rest + part).split(b"\n")
                if len(rest) > LINE_LIMIT_BYTES:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._write(name, line, file)
                file.flush()
            if rest:
                self._write(name, rest, file)

    def _write(self, name: str, line: bytes, file: IO[bytes]) -> None:
        file.write(line + b"\n")
        self._on_line(name, line.decode(errors="replace").rstrip("\r"))


def open_log(logs: Path, name: str) -> IO[bytes]:
    """Open a child's log for appending; one that has grown past 5 MB becomes `.1` first."""
    path = logs / f"{name}.log"
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")

"""Stands between the supervisor and one child, so that nothing of that child outlives the supervisor.

Started as `python -I -S guarda.py <fd> <name>`: standard library only, so that it costs milliseconds. The socket on
`fd` brings one JSON line (what to start), carries the child's process id back and then says only one thing more: its
end of file is the supervisor's death, noticed without any platform's help and whichever thread started us.

On Linux we are also the sub-reaper of everything below us: a descendant that called setsid or lost its parent is found.
SIGTERM or SIGINT: the child's own stop signal. SIGUSR1: everything below is killed now. We exit with the child's code.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ORPHAN_GRACE_S = 1.5  # after the supervisor's death: time for Postgres to close its files
KILL_LIMIT_S = 5.0
ASKED = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
LINUX = sys.platform.startswith("linux")


def prctl(option: int, value: int) -> None:
    """Set one attribute of this process; does nothing off Linux."""
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def parents() -> Iterator[tuple[int, int]]:
    """Yield (pid, parent pid) of every process that /proc shows."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        yield int(entry.parent.name), int(fields[1])


def descendants(root: int) -> set[int]:
    """Return the process ids below `root`, zombies included."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    queue = [root]
    while queue:
        below = children.get(queue.pop(), [])
        found.update(below)
        queue.extend(below)
    return found


def reap() -> dict[int, int]:
    """Collect what has ended; pid to exit code (128 + n for signal n)."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        code = os.waitstatus_to_exitcode(status)
        ended[pid] = code if code >= 0 else 128 - code


def send(pid: int, number: int, how: Callable[[int, int], None] = os.kill) -> None:
    """Signal a process, or with `os.killpg` a group, that may be gone already."""
    try:
        how(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def kill_all(child: int) -> int | None:
    """Kill everything below us and wait until it is gone; return the child's exit code if it ended here."""
    code: int | None = None
    limit = time.monotonic() + KILL_LIMIT_S
    while time.monotonic() < limit:
        send(child, signal.SIGKILL, os.killpg)
        below = descendants(os.getpid()) if LINUX else set()
        for pid in below:
            send(pid, signal.SIGKILL)
        code = reap().get(child, code)
        if not below:
            return code
        time.sleep(0.005)
    return code


def start(spec: Mapping[str, Any]) -> int:
    """Start the child in a session of its own; return its process id."""
    me = os.getpid()

    def die_with_us() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # after the change of user, which would clear it
        if os.getppid() != me:
            os._exit(1)

    user: dict[str, Any] = {}
    if spec["uid"] is not None:
        user = {"user": spec["uid"], "group": spec["gid"], "extra_groups": []}
    started = subprocess.Popen(  # noqa: S603 - the supervisor's own command
        spec["argv"],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_us,  # noqa: PLW1509 - we have one thread
        **user,
    )
    started.returncode = 0  # reaped by us, with everything else
    return started.pid


def closed(link: socket.socket) -> bool:
    """Say whether the supervisor's end is gone; a reset counts, it died without reading."""
    try:
        return not link.recv(64)
    except ConnectionError:
        return True


def watch(link: socket.socket, wake: int, child: int, stop: int, flags: set[int]) -> int:
    """Wait until the child ends, by itself or because we were told; return its exit code."""
    limit: float | None = None
    readers: list[int] = [link.fileno(), wake]
    while True:
        wait = None if limit is None else max(0.0, limit - time.monotonic())
        ready = select.select(readers, [], [], wait)[0]
        code = reap().get(child)
        if code is not None:
            return code
        if wake in ready:
            os.read(wake, 512)
        if link.fileno() in ready and closed(link):
            readers.remove(link.fileno())
            limit = time.monotonic() + ORPHAN_GRACE_S
            send(child, stop)
        if flags & ASKED:
            flags.difference_update(ASKED)  # and no more: SIGUSR1 may have come in the same moment
            send(child, stop)
        if signal.SIGUSR1 in flags or (limit is not None and time.monotonic() >= limit):
            return kill_all(child) or 128 + signal.SIGKILL


def main() -> None:
    """Read what to start, start it, and stay until it is gone with everything below it."""
    link = socket.socket(fileno=int(sys.argv[1]))
    link.set_inheritable(False)
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if LINUX else os.pipe()
    os.set_blocking(writer, False)
    flags: set[int] = set()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD):
        signal.signal(number, lambda got, _frame: flags.add(got))
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    with link.makefile("r") as lines:
        spec = json.loads(lines.readline())
    try:
        child = start(spec)
    except OSError as error:
        link.sendall(f"{error}\n".encode())
        raise SystemExit(127) from None
    link.sendall(f"{child}\n".encode())
    code = watch(link, reader, child, int(spec["stop_signal"]), flags)
    kill_all(child)
    raise SystemExit(code)


if __name__ == "__main__":
    main()

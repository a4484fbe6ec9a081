"""CPU time of processes, from `/proc`: a figure that other programs on the machine do not move much."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TIQUES = os.sysconf("SC_CLK_TCK")
PPID, UTIME, STIME, CUTIME, CSTIME = 1, 11, 12, 13, 14  # places in `stat` after the command's name


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def family(pid: int) -> list[int]:
    """Return the process and its living descendants."""
    parents = {int(entry.name): _stat(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")}
    found, fresh = [pid], {pid}
    while fresh:
        fresh = {child for child, stat in parents.items() if stat and int(stat[PPID]) in fresh}
        found += fresh
    return found


def cpu_ms(pids: Iterable[int]) -> float:
    """Return the milliseconds that these processes, and the children they have buried, have computed so far."""
    ticks = sum(int(stat[place]) for pid in pids if (stat := _stat(pid)) for place in (UTIME, STIME, CUTIME, CSTIME))
    return ticks * 1000 / TIQUES

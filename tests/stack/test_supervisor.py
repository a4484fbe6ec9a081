from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from lib.stack.estado import StackError
from lib.stack.processos import AsyncProcess, Command
from lib.stack.supervisor import Backoff, Child, Supervisor
from tests.stack.vivos import wait_for

pytestmark = pytest.mark.processo


class Stage:
    """A supervisor over python one-liners and what it said."""

    def __init__(self, place: Path, *children: Child, stop_order: tuple[str, ...] = (), first_s: float = 0.1) -> None:
        self.said: list[tuple[str, str]] = []
        logs = place / "logs"
        logs.mkdir()
        self.supervisor = Supervisor(
            children,
            stop_order,
            owner=place,
            logs=logs,
            on_line=lambda name, text: self.said.append((name, text)),
            backoff=Backoff(first_s, 0.3, 60.0),
        )

    def own(self) -> list[str]:
        return [text for name, text in self.said if name == "agente"]


def python(code: str) -> Command:
    return Command((sys.executable, "-c", code))


SLEEP = python("import time; time.sleep(600)")


def test_a_delay_doubles_to_its_cap_and_starts_again_after_health() -> None:
    backoff = Backoff()
    delays = [backoff.after(None, 0.0)]
    while len(delays) < 8:
        delays.append(backoff.after(delays[-1], 1.0))
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff.after(30, 61.0) == 0.5


def test_a_child_that_ends_is_started_again_and_it_is_said_in_one_line(tmp_path: Path) -> None:
    count = tmp_path / "vezes"

    async def scene() -> None:
        code = f"open({str(count)!r}, 'a').write('x'); import time, sys; time.sleep(0.3); sys.exit(3)"
        stage = Stage(tmp_path, Child("queda", python(code)))
        await stage.supervisor.start()
        await asyncio.sleep(2.5)
        await stage.supervisor.stop()
        falls = [text for text in stage.own() if "caiu" in text]
        assert falls[:3] == [f"queda caiu (código 3); reiniciando em {delay} s" for delay in ("0.1", "0.2", "0.3")]

    asyncio.run(scene())
    assert len(count.read_text()) >= 3


def test_a_killed_child_is_replaced_while_the_others_stay(tmp_path: Path) -> None:
    async def scene() -> None:
        stage = Stage(tmp_path, Child("um", SLEEP), Child("outro", SLEEP))
        await stage.supervisor.start()
        before = stage.supervisor.pids
        os.kill(before["um"], signal.SIGKILL)
        await asyncio.to_thread(wait_for, lambda: stage.supervisor.pids.get("um") not in {None, before["um"]})
        after = stage.supervisor.pids
        await stage.supervisor.stop()
        assert after["um"] != before["um"]
        assert after["outro"] == before["outro"]
        assert "um caiu (código 137); reiniciando em 0.1 s" in stage.own()

    asyncio.run(scene())


def test_children_are_stopped_in_the_declared_order(tmp_path: Path) -> None:
    async def scene() -> None:
        names = ("postgres", "redis", "api")
        stage = Stage(tmp_path, *(Child(name, SLEEP) for name in names), stop_order=("api", "redis", "postgres"))
        await stage.supervisor.start()
        await stage.supervisor.stop()
        stopped = [text.split()[0] for text in stage.own() if "parou" in text]
        assert stopped == ["api", "redis", "postgres"]

    asyncio.run(scene())


def test_a_child_that_ends_before_it_was_ever_ready_fails_the_start_with_the_end_of_its_log(tmp_path: Path) -> None:
    async def scene() -> None:
        broken = Child("ruim", python("raise SystemExit('motivo claro')"), lambda: False, max_failures=2)
        stage = Stage(tmp_path, broken, Child("depois", SLEEP, after=("ruim",)))
        with pytest.raises(StackError, match=r"(?s)caiu 2 vezes.*motivo claro"):
            await stage.supervisor.start()
        await stage.supervisor.stop()
        assert stage.supervisor.pids == {}

    asyncio.run(scene())


def test_a_child_that_is_never_ready_and_a_step_that_fails_are_said(tmp_path: Path) -> None:
    async def scene(child: Child, stage: Stage) -> str:
        with pytest.raises(StackError) as caught:
            await stage.supervisor.start()
        await stage.supervisor.stop()
        return str(caught.value)

    def fail(child: Child) -> str:
        place = tmp_path / child.name
        place.mkdir()
        return asyncio.run(scene(child, Stage(place, child)))

    slow = Child("lenta", SLEEP, lambda: False, limit_s=0.3)
    assert "lenta não ficou pronto em 0 s" in fail(slow)
    step = Child("passo", python("raise SystemExit(4)"), once=True)
    assert "passo falhou (código 4)" in fail(step)
    absent = Child("ausente", Command(("/nao/existe",)))
    assert "ausente não pôde ser iniciado" in fail(absent)


def test_output_without_line_ends_and_wild_bytes_reach_the_log_whole(tmp_path: Path) -> None:
    async def scene() -> None:
        code = r"import sys; sys.stdout.buffer.write(b'a' * 200000 + b'\nb\xff\nfim')"
        stage = Stage(tmp_path, Child("fala", python(code), once=True))
        await stage.supervisor.start()
        await stage.supervisor.stop()
        assert ("fala", "fim") in stage.said

    asyncio.run(scene())
    log = (tmp_path / "logs" / "fala.log").read_bytes()
    assert log.count(b"a") == 200000
    assert log.endswith(b"b\xff\nfim\n")


def test_stubborn_children_together_take_less_than_ten_seconds_to_stop(tmp_path: Path) -> None:
    async def scene() -> float:
        deaf = python("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x'); time.sleep(600)")
        stage = Stage(tmp_path, *(Child(f"surda{number}", deaf, grace_s=2.5) for number in range(6)))
        await stage.supervisor.start()
        await asyncio.sleep(0.5)
        began = time.monotonic()
        await stage.supervisor.stop()
        return time.monotonic() - began

    assert asyncio.run(scene()) < 10


def test_asking_and_killing_in_the_same_moment_ends_the_child(tmp_path: Path) -> None:
    deaf = python("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)")

    async def scene() -> float:
        slowest = 0.0
        for _ in range(15):
            process = await AsyncProcess.start("surda", deaf, tmp_path)
            began = time.monotonic()
            await process.stop(0.0)
            slowest = max(slowest, time.monotonic() - began)
        return slowest

    assert asyncio.run(scene()) < 1.4  # less than the grace that an orphan gets

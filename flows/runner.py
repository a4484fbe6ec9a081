"""The process that runs flows: `python -m flows.runner` deploys what changed and then works off the pool.

Each run is a process of its own that inherits our environment, so that AGENTE_* and PREFECT_API_URL reach it. SIGTERM
and SIGINT stop everything within 5 seconds: running flows are asked first, so that they can say that they were stopped.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

from prefect.client.orchestration import PrefectClient, get_client
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_WORKER_HEARTBEAT_SECONDS,
    PREFECT_WORKER_QUERY_SECONDS,
    temporary_settings,
)
from prefect.workers.process import ProcessWorker

from flows.deployments import deploy_if_changed
from lib.errors import SettingsError
from lib.settings import load_settings
from lib.stack.guarda import descendants

POOL = "agente"
READY_LIMIT_S = 180.0
READY_POLL_S = 0.5
POLL_S = 1.0
HEARTBEAT_S = 30.0
ASK_S = 3.5
STOP_LIMIT_S = 4.5
USAGE = 2


class NotReadyError(Exception):
    """The Prefect server did not answer in time."""


async def wait_ready(client: PrefectClient, limit_s: float = READY_LIMIT_S) -> None:
    """Wait until the server answers.

    Raises:
        NotReadyError: it did not, within `limit_s`.
    """
    deadline = time.monotonic() + limit_s
    while (trouble := await client.api_healthcheck()) is not None:
        if time.monotonic() > deadline:
            raise NotReadyError(f"{client.api_url}: {type(trouble).__name__}")
        await asyncio.sleep(READY_POLL_S)


async def work(stop: asyncio.Event) -> None:
    """Deploy what changed, then run what is due until `stop`."""
    async with get_client() as client:
        await wait_ready(client)
        say("deployments atualizados" if await deploy_if_changed(client) else "deployments sem mudança")
    worker = ProcessWorker(work_pool_name=POOL, name=f"agente-{os.getpid()}", create_pool_if_not_found=False)
    working = asyncio.create_task(worker.start(printer=say))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        await working
        return
    await ask_runs(ASK_S)
    working.cancel()
    await asyncio.wait({working}, timeout=STOP_LIMIT_S - ASK_S)


async def ask_runs(limit_s: float) -> None:
    """Ask the processes of running flows to end and give them a moment to report it."""
    deadline = time.monotonic() + limit_s
    for pid in descendants(os.getpid()):
        end(pid, signal.SIGTERM)
    while descendants(os.getpid()) and time.monotonic() < deadline:  # noqa: ASYNC110 - processes give no event
        await asyncio.sleep(0.05)


def end(pid: int, number: signal.Signals) -> None:
    """Signal a process that may be gone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def say(*parts: object) -> None:
    """Print one line."""
    sys.stdout.write(" ".join(str(part) for part in parts) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Run until asked to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    doing = asyncio.create_task(work(stop))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not doing.done():
        await asyncio.wait({doing}, timeout=STOP_LIMIT_S)
    if doing.done():
        doing.result()
    for pid in descendants(os.getpid()):
        end(pid, signal.SIGKILL)


def run() -> int:
    """Check the environment and run; return the exit code."""
    try:
        load_settings()
    except SettingsError as error:
        sys.stderr.write("".join(f"configuração: {line}\n" for line in error.lines))
        return USAGE
    if not PREFECT_API_URL.value():
        sys.stderr.write("configuração: PREFECT_API_URL is missing\n")
        return USAGE
    pace = {PREFECT_WORKER_QUERY_SECONDS: POLL_S, PREFECT_WORKER_HEARTBEAT_SECONDS: HEARTBEAT_S}
    with temporary_settings(updates=pace):
        try:
            asyncio.run(main())
        except NotReadyError as error:
            sys.stderr.write(f"erro: o Prefect não respondeu: {error}\n")
            return 1
    return 0


if __name__ == "__main__":
    code = run()
    sys.stdout.flush()
    os._exit(code)  # threads of Prefect's clients must not hold up the stop

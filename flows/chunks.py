"""One run: the lock, resources on their own loop, keys cut into chunks, chunks mapped, counts added up, the end told.

Engine, pools and clients live on one event loop in its own thread (an anyio blocking portal). Chunk tasks are plain
functions that take keys and scalars only and run their coroutine there by `on_portal`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, Generic, NamedTuple, ParamSpec, TypeVar, cast
from uuid import UUID, uuid4

import psycopg
from anyio.from_thread import BlockingPortal, start_blocking_portal
from prefect import Task, get_run_logger, task, unmapped
from prefect.artifacts import acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.states import Completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import exponential_backoff

from flows.outcome import BrokenInvariantError, Outcome, Parcial, total
from flows.parametros import Modo, Parametros
from flows.retry import IncompleteChunkError, is_transient, transient
from lib import ledger
from lib.clock import utc_now
from lib.queries import fluxo
from lib.resources import Resources, open_resources
from lib.settings import load_settings

PLANO_MAX = 1_000
RETRIES = 3
BACKOFF_S = 2
OUTRA_EXECUCAO = "já em execução: esta não fez nada"
PAUSADO = "operação pausada: nada foi feito"

P = ParamSpec("P")
T = TypeVar("T")
C_contra = TypeVar("C_contra", bound=Parametros, contravariant=True)


class Faixa(NamedTuple):
    """A chunk by range of keys, both ends included; `quantos` rows were in it when it was cut."""

    de: int
    ate: int
    quantos: int


Chunk = Faixa | tuple[int, ...]
TUDO = Faixa(0, 2**62, 1)
"""The one chunk of a flow whose statement finds its own rows: no query for keys; failing, it counts as one."""
ChunkTask = Task[[Chunk, Modo, datetime], Parcial]


class StatementError(Exception):
    """The database refused a statement. Its own message may quote a row, so only the names of things are kept."""


class Keys(NamedTuple):
    """The chunks of a run, and what finding them already did."""

    chunks: Sequence[Chunk]
    parcial: Parcial = Parcial()


async def everything(_resources: Resources, _parametros: Parametros, _as_of: datetime) -> Keys:
    """Find the keys of a flow whose one statement finds its own rows."""
    return Keys([TUDO])


@dataclass(frozen=True, slots=True)
class Job(Generic[C_contra]):
    """One flow: how it finds its keys, the task for one chunk, and what makes a run honest.

    `nada` is the reason to give when there was nothing to do. `tolerancia` is the share of the eligible that may fail.
    `sozinho` False: runs may be at work side by side, because each of their rows has a lock of its own.
    """

    nome: str
    keys: Callable[[Resources, C_contra, datetime], Coroutine[Any, Any, Keys]]
    chunk: ChunkTask
    nada: str
    tolerancia: float = 0.0
    sozinho: bool = True


@dataclass(frozen=True, slots=True)
class Aberto:
    """The run's resources and the way to their loop."""

    portal: BlockingPortal
    resources: Resources


_aberto: ContextVar[Aberto] = ContextVar("aberto")


def size(chunk: Chunk) -> int:
    """Return how many rows a chunk stands for."""
    return chunk.quantos if isinstance(chunk, Faixa) else len(chunk)


def cut(ids: Sequence[int], quantos: int) -> tuple[tuple[int, ...], ...]:
    """Cut keys into chunks of at most `quantos`."""
    return tuple(tuple(ids[start : start + quantos]) for start in range(0, len(ids), quantos))


def on_portal(work: Callable[Concatenate[Resources, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a coroutine on the run's loop with the run's resources, from any other thread of it.

    Raises:
        LookupError: no run is open here.
        StatementError: the database refused, and trying again would not help.
    """
    run = _aberto.get()

    async def call() -> T:
        return await work(run.resources, *args, **kwargs)

    try:
        return run.portal.call(call)
    except psycopg.Error as error:
        if is_transient(error):
            raise
        diag = error.diag
        names = (error.sqlstate, diag.table_name, diag.constraint_name)
        raise StatementError(" ".join([type(error).__name__, *(name for name in names if name)])) from None


def patient(nome: str) -> Callable[[Callable[P, T]], Task[P, T]]:
    """Make a task that is never cached and retried only when time mends it."""
    return task(
        name=nome,
        cache_policy=NO_CACHE,
        retries=RETRIES,
        retry_delay_seconds=exponential_backoff(backoff_factor=BACKOFF_S),
        retry_jitter_factor=0.5,
        retry_condition_fn=transient,
    )


def chunk_task(nome: str) -> Callable[[Callable[[Chunk, Modo, datetime], Parcial]], ChunkTask]:
    """Make the task of one chunk; it must be idempotent."""
    return patient(nome)


def threads(limit: int) -> TaskRunner[PrefectFuture[Any]]:
    """Return a task runner that has at most `limit` chunks under way."""
    return cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=limit))


async def run_flow(job: Job[C_contra], parametros: C_contra) -> State[Any]:
    """Run a flow whole and return its final state.

    Raises:
        BrokenInvariantError: what should have been done was not; the run is Failed.
        ValueError: `as_of` lies in the future and the run would write.
    """
    iniciado = utc_now()
    as_of = parametros.instant(iniciado)
    with opened(job.nome) as run, ledger.measure(job.nome) as custo:
        if parametros.modo is not Modo.APLICAR:
            parcial = await _work(job, parametros, as_of)
            await _publish(job, parametros.modo, parcial, custo)
            return _finished(job, parcial.outcome, parametros.modo)
        trava = job.nome if job.sozinho else f"{job.nome}:{uuid4()}"
        with run.portal.wrap_async_context_manager(fluxo.lock(run.resources.db, trava)) as vez:
            if vez.pausado or not vez.obtida:
                return Completed(message=PAUSADO if vez.pausado else OUTRA_EXECUCAO)
            return await _apply(job, parametros, as_of, iniciado, custo)


@contextmanager
def opened(nome: str) -> Iterator[Aberto]:
    """Open the run's resources once, on one event loop in its own thread."""
    settings = load_settings()
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(open_resources(settings, nome=f"fluxo-{nome}")) as resources,
    ):
        run = Aberto(portal, resources)
        token = _aberto.set(run)
        try:
            yield run
        finally:
            _aberto.reset(token)


async def _apply(
    job: Job[C_contra], parametros: C_contra, as_of: datetime, iniciado: datetime, custo: ledger.Ledger
) -> State[Any]:
    parcial, failure = Parcial(), None
    try:
        parcial = await _work(job, parametros, as_of)
        parcial.outcome.require_honest(job.tolerancia)
    except Exception as error:  # noqa: BLE001 - the flow's door: whatever a run raises, its row tells of it
        failure = error
    motivo = str(failure) if isinstance(failure, BrokenInvariantError) else failure and type(failure).__name__
    run_id = flow_run.get_id()
    execucao = fluxo.Execucao(
        fluxo=job.nome,
        modo=parametros.modo.value,
        estado="failed" if failure else "completed",
        motivo=motivo or _reason(job, parcial.outcome, planned=False),
        outcome=parcial.outcome.counts(),
        run_id=UUID(run_id) if run_id else None,
        as_of=as_of,
        iniciado_em=iniciado,
        terminado_em=utc_now(),
    )
    await asyncio.to_thread(on_portal, _record, execucao)
    await _publish(job, parametros.modo, parcial, custo)
    if failure:
        raise failure
    return _finished(job, parcial.outcome, parametros.modo)


async def _record(resources: Resources, execucao: fluxo.Execucao) -> None:
    await fluxo.record(resources.db, execucao)


async def _work(job: Job[C_contra], parametros: C_contra, as_of: datetime) -> Parcial:
    """Find the keys, map the chunks and add up; a chunk that fails, fails alone."""

    @patient("encontrar o que está vencido")
    def find() -> Keys:
        return on_portal(job.keys, parametros, as_of)

    keys = await asyncio.to_thread(find.submit().result)
    futures = job.chunk.map(keys.chunks, unmapped(parametros.modo), unmapped(as_of))
    results = await asyncio.to_thread(futures.result, None, False)  # noqa: FBT003 - raise_on_failure
    parts = [_told(result, size(chunk)) for chunk, result in zip(keys.chunks, results, strict=True)]
    return total([keys.parcial, *parts], plano_max=PLANO_MAX)


def _told(result: Parcial | BaseException, quantos: int) -> Parcial:
    if isinstance(result, Parcial):
        return result
    if isinstance(result, IncompleteChunkError):
        return Parcial(result.outcome)
    get_run_logger().error("chunk failed: %s", type(result).__name__)
    return Parcial(Outcome(seen=quantos, eligible=quantos, failed={type(result).__name__: quantos}))


async def _publish(job: Job[C_contra], modo: Modo, parcial: Parcial, custo: ledger.Ledger) -> None:
    """Show the outcome as a table, and the plan as one more."""
    suffix = "latest" if modo is Modo.APLICAR else modo.value
    spent = ", ".join(f"{n} {name}" for name, n in custo.counts().items() if n)
    table = [dict(line) for line in parcial.plano] if modo is Modo.PLANO else parcial.outcome.table()
    text = f"{_reason(job, parcial.outcome, planned=modo is not Modo.APLICAR)}\n\nCusto: {spent or 'nada'}."
    await acreate_table_artifact(key=f"{job.nome}-{suffix}", table=table, description=text)


def _reason(job: Job[C_contra], outcome: Outcome, *, planned: bool) -> str:
    return outcome.summary(planned=planned) if outcome.seen else job.nada


def _finished(job: Job[C_contra], outcome: Outcome, modo: Modo) -> State[Any]:
    outcome.require_honest(1.0)
    message = _reason(job, outcome, planned=modo is not Modo.APLICAR)
    return Completed(message=message, data=outcome.counts())

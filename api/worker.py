"""The two hot loops: turns from the mailbox, sends from the outbox. In the API's process, or alone as `agente worker`.

The truth is in Postgres and is polled; `ring` only shortens the wait. Nothing is held in memory that a kill could lose.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import monotonic
from uuid import uuid4

from api.atendimento import Atendimento, cuidados, ponte_de
from lib import ledger
from lib.agent.contexto import Contexto, montar_contexto_completo
from lib.agent.diretrizes import Diretrizes
from lib.agent.responder import Responder
from lib.agent.turno import Agente
from lib.crash import Crashpoint
from lib.db import Row
from lib.errors import DatabaseUnavailableError, ModelUnavailableError
from lib.log import get_logger
from lib.queries import mailbox, turno
from lib.queries.turno import Commit
from lib.resources import Resources
from lib.usecases.enviar import Envio, backoff_s
from lib.usecases.transferir import liberar_silenciosas

HISTORICO = 10
PRIORIDADE_RESPOSTA = 10
TENTATIVAS = 2  # of one turn: the second with whatever came while the first was thinking (decision D28)
RECONCILIA_S = 1.0
WEBHOOKS = 4  # stored webhooks being attended to at once, each process
LIBERA_S = 30.0  # how often conversations that a person left silent are looked for

log = get_logger(__name__)


@dataclass(slots=True)
class Lane:
    """A loop that claims work into free slots, waits for a bell or a poll, and finishes what it has when it drains."""

    name: str
    slots: int
    poll_s: float
    claim: Callable[[int], Awaitable[list[Row]]]
    work: Callable[[Row], Awaitable[None]]
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    running: set[asyncio.Task[None]] = field(default_factory=set)
    failures: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Claim and work until `stop`; then let what was claimed finish."""
        while not stop.is_set():
            free = self.slots - len(self.running)
            self.bell.clear()
            if free > 0 and await self._fill(free) >= free:
                continue
            await self._wait()
        if self.running:
            await asyncio.wait(self.running)

    async def _fill(self, free: int) -> int:
        try:
            rows = await self.claim(free)
            self.failures = 0
        except Exception as failure:
            self.failures += 1
            log.exception("worker.claim", lane=self.name, erro=type(failure).__name__)
            await asyncio.sleep(backoff_s(self.poll_s, min(self.failures, 6)))
            return 0
        for row in rows:
            task = asyncio.create_task(self._one(row))
            self.running.add(task)
            task.add_done_callback(self._done)
        return len(rows)

    async def _one(self, row: Row) -> None:
        try:
            await self.work(row)
        except Exception as failure:
            log.exception("worker.work", lane=self.name, erro=type(failure).__name__)

    def _done(self, task: asyncio.Task[None]) -> None:
        full = len(self.running) >= self.slots
        self.running.discard(task)
        if full:
            self.bell.set()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self.poll_s):
                await self.bell.wait()
        except TimeoutError:
            return


class Worker:
    """Runs both lanes and the reconciliation of unclear sends."""

    def __init__(self, resources: Resources) -> None:
        settings = resources.settings
        self._resources = resources
        self._crash = Crashpoint(settings.crashpoint)
        self._envio = Envio(resources, self._crash)
        self._agente = Agente(
            responder=Responder(
                resources.modelo,
                settings.llm_modelo,
                self._crash,
                nossos=(settings.empresa,),
                links=frozenset(settings.links_permitidos),
            ),
            diretrizes=Diretrizes(resources.db, resources.cache),
            db=resources.db,
            clock=resources.clock,
            empresa=settings.empresa,
            pausa_max_s=settings.pausa_leitura_max_s,
        )
        self._turns = Lane("turnos", settings.turnos_simultaneos, settings.poll_s, self._claim_turns, self._turn)
        self._sends = Lane("envios", settings.envios_simultaneos, settings.poll_s, self._envio.claim, self._send)
        self._ponte = ponte_de(resources)
        self._atendimento = Atendimento(resources, self._ponte)
        self._webhooks = Lane("webhooks", WEBHOOKS, settings.poll_s, self._atendimento.claim, self._webhook)
        self._stop = asyncio.Event()
        self._idle = asyncio.Event()

    @property
    def draining(self) -> bool:
        """Whether the worker has been told to stop."""
        return self._stop.is_set()

    def stored(self, *, after_s: float) -> None:
        """Something was stored: look for due turns as soon as its burst can be quiet."""
        self._crash.reach("S3")
        loop = asyncio.get_running_loop()
        loop.call_later(after_s, self._turns.bell.set)
        if self._resources.settings.crashpoint:
            loop.call_later(after_s + 0.02, self._crash.reach, "S4")

    def webhook_stored(self) -> None:
        """Look at once for stored webhooks: one came that cannot wait for the poll."""
        self._webhooks.bell.set()

    async def run(self) -> None:
        """Work until `drain`."""
        self._idle.clear()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._turns.run(self._stop))
                group.create_task(self._sends.run(self._stop))
                group.create_task(self._webhooks.run(self._stop))
                poll_s = self._resources.settings.poll_s
                group.create_task(self._every(max(RECONCILIA_S, poll_s), "reconciliar", self._reconcile))
                group.create_task(self._every(LIBERA_S, "liberar", self._release))
                for cuidado in cuidados(self._resources, self._ponte):
                    group.create_task(self._every(cuidado.cada_s, cuidado.nome, cuidado.fazer))
        finally:
            self._idle.set()

    async def drain(self) -> None:
        """Stop claiming and let what is claimed finish, for as long as the settings allow; the rest is taken over."""
        self._stop.set()
        self._turns.bell.set()
        self._sends.bell.set()
        self._webhooks.bell.set()
        try:
            async with asyncio.timeout(self._resources.settings.drenagem_s):
                await self._idle.wait()
        except TimeoutError:
            log.warning("worker.drenagem_incompleta")
        await self._envio.digitando.parar()

    async def _claim_turns(self, limite: int) -> list[Row]:
        lease_s = self._resources.settings.lease_s
        rows, dead = await mailbox.claim_due(self._resources.db, uuid4(), limite, lease_s, HISTORICO)
        for conversation_id in dead:
            log.error("turno.morto", conversation_id=conversation_id)
        if rows:
            self._crash.reach("S5")
        return rows

    async def _turn(self, row: Row) -> None:
        """Think one claimed turn through and commit it; a failure gives the conversation back with a delay."""
        settings, db = self._resources.settings, self._resources.db
        conversation_id, fence, tries = row["conversation_id"], row["fence"], row["tries"]
        with ledger.measure("turno") as conta:
            try:
                contexto = montar_contexto_completo(row)
                self._crash.reach("S6")
                committed = await self._think(contexto, conta)
            except ModelUnavailableError as busy:
                espera_s = max(busy.retry_after_s or 0.0, backoff_s(settings.retry_s, 3))
                await mailbox.reschedule(db, conversation_id, fence, espera_s, conta=False)
                log.warning("turno.modelo_fora", conversation_id=conversation_id, motivo=str(busy)[:200])
                return
            except DatabaseUnavailableError:
                # Not the message's fault; if even this cannot be written, the lease gives it back.
                await mailbox.reschedule(db, contexto.conversation_id, contexto.fence, settings.retry_s, conta=False)
                raise
            except Exception as failure:
                espera_s = backoff_s(settings.retry_s, tries)
                await mailbox.reschedule(db, conversation_id, fence, espera_s, conta=True)
                erro = type(failure).__name__
                log.exception("turno.falhou", conversation_id=conversation_id, tentativa=tries, erro=erro)
                return
        log.info("turno", conversation_id=conversation_id, turno_id=committed, **conta.counts())
        self._sends.bell.set()

    async def _think(self, contexto: Contexto, conta: ledger.Ledger) -> int | None:
        settings = self._resources.settings
        if not contexto.recebidas:
            # Woken for nothing, as after a crash between two commits: settle and sleep.
            await self._settle_empty(contexto)
            return None
        prazo = monotonic() + settings.turno_max_s  # of all attempts together: the lease must outlive it
        for tentativa in range(1, TENTATIVAS + 1):
            done = await self._agente.pensar(contexto, conta, prazo)
            result, turn_id = await turno.commit(
                self._resources.db,
                done,
                prioridade=PRIORIDADE_RESPOSTA,
                quieto_s=settings.quieto_s,
                ultima=tentativa == TENTATIVAS,
            )
            self._crash.reach("S9")
            if result is not Commit.ULTRAPASSADO:
                break
            log.info("turno.refeito", conversation_id=contexto.conversation_id)
            again = await self._reread(contexto)
            if again is None:
                return None
            contexto = replace(again, tentativa=tentativa + 1)
        if result is Commit.PERDIDO:
            log.warning("turno.cerca_perdida", conversation_id=contexto.conversation_id)
        elif done.outbox and done.outbox[0].pausa_s > 0:
            self._pause(contexto, done.outbox[0].pausa_s)
        return turn_id

    def _pause(self, contexto: Contexto, pausa_s: float) -> None:
        """Show "typing" while a reply waits out its pause, and look for it as soon as that is over."""
        asyncio.get_running_loop().call_later(pausa_s, self._sends.bell.set)
        if contexto.canal is not None:
            self._envio.digitando.mostrar(contexto.canal, timedelta(seconds=pausa_s))

    async def _reread(self, contexto: Contexto) -> Contexto | None:
        """Read the conversation anew; None when another claim has it, or nothing is left to answer."""
        db, conversation_id, fence = self._resources.db, contexto.conversation_id, contexto.fence
        row = await mailbox.reread(db, conversation_id, fence, HISTORICO)
        if row is None:
            log.warning("turno.cerca_perdida", conversation_id=conversation_id)
            return None
        again = montar_contexto_completo(row)
        if again.recebidas:
            return again
        await self._settle_empty(again)
        return None

    async def _settle_empty(self, contexto: Contexto) -> None:
        await mailbox.settle_empty(
            self._resources.db, contexto.conversation_id, contexto.fence, contexto.causa_dos_efeitos
        )

    async def _send(self, row: Row) -> None:
        with ledger.measure("envio"):
            more = await self._envio.send(row)
        if more:
            self._sends.bell.set()

    async def _webhook(self, row: Row) -> None:
        await self._atendimento.work(row)
        self._sends.bell.set()  # a person may have written to a doctor

    async def _reconcile(self) -> None:
        if await self._envio.reconcile():
            self._sends.bell.set()

    async def _release(self) -> None:
        if await liberar_silenciosas(self._resources.db, self._resources.clock()):
            self._turns.bell.set()

    async def _every(self, seconds: float, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Do a piece of upkeep over and over, whatever becomes of one time, until told to stop."""
        while not self._stop.is_set():
            try:
                await work()
            except Exception as failure:
                log.exception("worker.manutencao", nome=name, erro=type(failure).__name__)
            try:
                async with asyncio.timeout(seconds):
                    await self._stop.wait()
            except TimeoutError:
                continue

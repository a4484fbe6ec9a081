"""The embedded stack as one thing to raise, look at, take down and delete: what the command line and the demo use."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lib.stack.estado import PROJETO, Casa, Estado, StackError, data_dir
from lib.stack.filhos import PARTS, SEGREDOS, STOP_ORDER, Plano, montar, planejar, read_dotenv
from lib.stack.supervisor import Child, Supervisor

DOWN_LIMIT_S = 12.0
DATA_ENTRIES = ("postgres", "redis", "prefect", "sandbox", *SEGREDOS, "bin-pg18", "bin-valkey")
PRODUCAO = frozenset({"producao", "production"})


def quiet(_name: str, _text: str) -> None:
    """Drop a line."""


@dataclass(frozen=True, slots=True)
class Situacao:
    """What runs now. `urls` are for showing (no passwords); `ambiente` is for children and is not."""

    viva: bool
    fase: str
    supervisor: int | None
    urls: Mapping[str, str]
    pids: Mapping[str, int]
    dados: str
    ambiente: Mapping[str, str]


class Pilha:
    """One checkout's stack in this process. `levantar`, then `parar` in any case; `matar` ends all at once."""

    def __init__(
        self,
        project: Path = PROJETO,
        *,
        com_prefect: bool = True,
        linha: Callable[[str, str], None] = quiet,
        montar: Callable[[Plano], list[Child]] = montar,
    ) -> None:
        self.casa = Casa(project)
        self.estado = Estado()
        self._com_prefect = com_prefect
        self._linha = linha
        self._montar = montar
        self._supervisor: Supervisor | None = None

    @property
    def urls(self) -> dict[str, str]:
        """Addresses to show, by name: api, docs, banco, redis, sandbox, prefect."""
        return self.estado.urls

    @property
    def ambiente(self) -> dict[str, str]:
        """The environment variables that the stack's children have; contains secrets."""
        return self.estado.ambiente

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the children that run now, by name."""
        return self.estado.pids

    @property
    def propria(self) -> bool:
        """False when the stack was already up and belongs to another process."""
        return self._supervisor is not None

    async def levantar(self) -> None:
        """Start everything and wait until all is ready; if another process has it up already, only say where it is.

        Raises StackError; what was started is then already stopped.
        """
        if not self.casa.lock():
            self.estado = self.casa.read()
            return
        try:
            self._build()
            await self._start()
        except BaseException:
            await self.parar()
            raise

    async def parar(self) -> None:
        """Stop everything in the declared order within 10 s. Does nothing to a stack of another process."""
        if self._supervisor is not None:
            await self._supervisor.stop()
            self.estado.fase = "parada"
            self.estado.pids = {}
            self.casa.write(self.estado)
        self.casa.unlock()

    def matar(self) -> None:
        """End every child now; `parar` then only tidies up."""
        if self._supervisor is not None:
            self._supervisor.kill_now()

    async def quebrada(self) -> None:
        """Wait for a fault of the supervisor itself and raise it."""
        if self._supervisor is not None:
            await self._supervisor.broken()

    def _build(self) -> None:
        dados = data_dir(self.casa.project)
        portas = self.casa.choose_ports(PARTS)
        given = {**read_dotenv(self.casa.project), **os.environ}
        plano = planejar(self.casa.project, dados, portas, given, com_prefect=self._com_prefect)
        self.estado = Estado(
            portas=dict(portas), ambiente=dict(plano.ambiente), urls=plano.urls, fase="subindo", dados=str(dados)
        )
        self._supervisor = Supervisor(
            self._montar(plano),
            STOP_ORDER,
            owner=self.casa.project,
            logs=self.casa.logs,
            on_line=self._linha,
            on_change=self._changed,
        )

    async def _start(self) -> None:
        if self._supervisor is None:
            return
        self.casa.write(self.estado)
        await self._supervisor.start()
        self.estado.fase = "pronta"
        self.casa.write(self.estado)

    def _changed(self, pids: dict[str, int]) -> None:
        self.estado.pids = pids
        self.casa.write(self.estado)


@contextlib.asynccontextmanager
async def levantar(
    *, com_prefect: bool = True, linha: Callable[[str, str], None] = quiet, project: Path = PROJETO
) -> AsyncIterator[Pilha]:
    """Yield the ready stack and stop it at the end, unless it already ran before: then it is only lent.

    `linha(name, text)` gets each line of the children, and the supervisor's own progress under the name "agente".
    """
    pilha = Pilha(project, com_prefect=com_prefect, linha=linha)
    await pilha.levantar()
    try:
        yield pilha
    finally:
        await pilha.parar()


def situacao(project: Path = PROJETO) -> Situacao:
    """Return what runs for this checkout, without touching it."""
    casa = Casa(project)
    estado, supervisor = casa.read(), casa.supervisor()
    if supervisor is None:
        return Situacao(viva=False, fase="parada", supervisor=None, urls={}, pids={}, dados=estado.dados, ambiente={})
    return Situacao(
        viva=True,
        fase=estado.fase,
        supervisor=supervisor,
        urls=estado.urls,
        pids=estado.pids,
        dados=estado.dados,
        ambiente=estado.ambiente,
    )


def derrubar(project: Path = PROJETO) -> bool:
    """Ask the running supervisor to stop and wait for it, at most 12 s, then kill it. Return whether one ran."""
    casa = Casa(project)
    pid = casa.supervisor()
    if pid is None:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        limit = time.monotonic() + DOWN_LIMIT_S
        while time.monotonic() < limit:
            if casa.supervisor() is None:
                return True
            time.sleep(0.05)
    raise StackError(f"O processo {pid} não parou: termine-o com `kill -9 {pid}`.")


def apagar(project: Path = PROJETO) -> Path:
    """Stop the stack and delete its data, ports and logs; return the data directory. Refuses in production."""
    given = {**read_dotenv(project), **os.environ}
    ambientes = {given.get("AGENTE_AMBIENTE", ""), Casa(project).read().ambiente.get("AGENTE_AMBIENTE", "")}
    if ambientes & PRODUCAO:
        raise StackError("`agente reset` não apaga dados de produção (AGENTE_AMBIENTE=producao).")
    derrubar(project)
    casa = Casa(project)
    if not casa.lock():
        raise StackError("A pilha acabou de subir de novo: pare-a com `agente down` e repita.")
    dados = data_dir(project)
    try:
        for name in DATA_ENTRIES:
            remove(dados / name)
        remove(casa.logs)
        (casa.path / "estado.json").unlink(missing_ok=True)
    finally:
        casa.unlock()
    return dados


def remove(path: Path) -> None:
    """Delete a file or a directory that may not exist."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

"""`agente demo`: everything raised, a doctor answered, four flows run, in front of your eyes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final

import typer

from lib.cli.demo_conversa import DemoError, conversar
from lib.cli.demo_fluxos import rodar
from lib.cli.demo_tela import Checagem, LinhasJson, Tela, Terminal
from lib.clock import utc_now
from lib.errors import DatabaseUnavailableError
from lib.providers.sandbox import Sandbox, SandboxError
from lib.resources import EVOLUTION, Resources, open_resources
from lib.seed.plano import Plano
from lib.seed.semear import SeedRefusedError, semear
from lib.settings import Ambiente, Settings, load_settings
from lib.stack.estado import StackError
from lib.stack.pilha import Pilha, situacao
from lib.usecases.instancias import ligar_chips

INTERROMPIDA: Final = 130
SUBIR_S: Final = 240.0
SOSSEGO_S: Final = 0.1
_PRONTO: Final = re.compile(r"(?P<parte>\w+) (?:pronto em (?P<s>[\d.]+) s|concluído)")
NOMES: Final = {
    "postgres": "Postgres",
    "redis": "Redis",
    "sandbox": "sandbox (WhatsApp e modelo)",
    "migracao": "migrações",
    "api": "API",
    "prefect": "Prefect",
}


class Subida:
    """Follows the stack while it comes up: which parts are ready, and what fell."""

    def __init__(self, tela: Tela) -> None:
        self._tela = tela
        self._began = time.monotonic()
        self._ready: set[str] = set()
        self._changed = asyncio.Event()

    def line(self, name: str, text: str) -> None:
        """Take one line of the stack; only the supervisor's own are of interest."""
        if name != "agente":
            return
        found = _PRONTO.match(text)
        if found and found["parte"] in self._ready:
            self._tela.linha(f"{found['parte']} de volta")
        elif found:
            self._ready.add(found["parte"])
            self._changed.set()
            if found["parte"] in NOMES:
                seconds = found["s"] or f"{time.monotonic() - self._began:.1f}"
                self._tela.linha(f"{NOMES[found['parte']]}: {seconds.replace('.', ',')} s")
        elif " caiu " in text:
            self._tela.linha(text, feito=False)

    async def until(self, partes: Iterable[str], raising: asyncio.Task[None]) -> None:
        """Wait until these parts are ready, or all is, or raising the stack has failed."""
        wanted = set(partes)
        while not wanted <= self._ready and not raising.done():
            self._changed.clear()
            waiting = asyncio.create_task(self._changed.wait())
            await asyncio.wait({waiting, raising}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        if raising.done():
            await raising


async def demonstrar(pilha: Pilha, subida: Subida, tela: Tela, raising: asyncio.Task[None]) -> list[Checagem]:
    """Show everything on a stack that is coming up; Prefect is waited for only when the flows need it."""
    async with tela.esperando("a pilha sobe"):
        await subida.until({"migracao"}, raising)
        if raising.done() and not pilha.propria:
            await _lent()
    os.environ.update({name: value for name, value in pilha.ambiente.items() if name not in os.environ})
    settings = load_settings()
    if settings.ambiente is Ambiente.PRODUCAO:
        raise DemoError("A demonstração não roda em produção.")
    async with tela.esperando("dados fictícios"):
        await _seed(settings, tela)
    async with open_resources(settings, nome="demo") as resources:
        async with tela.esperando("chips"):
            await subida.until({"sandbox"}, raising)
            sandbox = await _connect(resources, tela)
            await subida.until({"api"}, raising)
        checks = await conversar(resources, sandbox, tela)
        async with tela.esperando("Prefect sobe"):
            await raising
        if resources.prefect is None or "prefect" not in pilha.urls:
            raise DemoError("A pilha está de pé sem o Prefect: pare-a com `agente down` e repita.")
        checks += await rodar(resources, resources.prefect, pilha.urls["prefect"], tela)
    tela.secao("Olhe você mesmo")
    for nome, url in (("Prefect", "prefect"), ("documentação da API", "docs"), ("sandbox", "sandbox")):
        if url in pilha.urls:
            tela.linha(f"{nome}: {pilha.urls[url]}")
    return checks


async def _lent() -> None:
    """Wait for a stack that another process is raising."""
    until = time.monotonic() + SUBIR_S
    while situacao().fase != "pronta":
        if time.monotonic() > until:
            raise StackError("A pilha de outro processo não ficou pronta. Veja `agente status`.")
        await asyncio.sleep(0.5)


async def _seed(settings: Settings, tela: Tela) -> None:
    try:
        done = await asyncio.to_thread(semear, settings.database_url.get_secret_value(), Plano(), utc_now())
    except SeedRefusedError:
        tela.linha("o banco já tem outros dados: uso os que há", feito=False)
        return
    if done.ja_estava:
        tela.linha("dados fictícios: já estavam")
        return
    counts = ", ".join(f"{done.counts[name]} {word}" for name, word in (("medico", "médicos"), ("vaga", "plantões")))
    tela.linha(f"dados fictícios em {done.segundos:.1f} s: {counts}, {done.counts['conversa']} conversas")


async def _connect(resources: Resources, tela: Tela) -> Sandbox:
    """Connect the chips and return the sandbox; the demonstration writes to nobody real."""
    if not await resources.gateways.is_sandbox():
        raise DemoError("O gateway configurado não é o sandbox: a demonstração só escreve para ele.")
    done = await ligar_chips(resources)
    tela.linha(f"chips conectados: {len(done.abertas)} de {done.total}", feito=not done.falhas)
    return Sandbox(resources.get_http_client(EVOLUTION))


def still_running(pids: Iterable[int]) -> list[int]:
    """Return those of the processes that still live."""
    alive = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            alive.append(pid)
    return alive


async def run(tela: Tela, *, sair: bool) -> int:
    """Raise the stack, show all, and stay until a signal, or end with the verdict. Return the exit code."""
    me = asyncio.current_task()
    loop = asyncio.get_running_loop()
    subida = Subida(tela)
    pilha = Pilha(linha=subida.line)

    def interrupt() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)
            loop.add_signal_handler(number, pilha.matar)
        tela.linha("parando (Ctrl-C de novo termina à força)", feito=False)
        if me is not None:
            me.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, interrupt)
    tela.secao("Agente Júlia")
    raising: asyncio.Task[None] = asyncio.create_task(pilha.levantar())
    await asyncio.sleep(SOSSEGO_S)  # `levantar` fills in `ambiente` at its very start
    checks: list[Checagem] = []
    pids: list[int] = []
    try:
        checks = await demonstrar(pilha, subida, tela, raising)
        if not sair:
            tela.veredito(checks)
            await _stay(pilha, tela)
    except asyncio.CancelledError:
        return INTERROMPIDA if sair or not checks else 0
    finally:
        pids = list(pilha.pids.values()) if pilha.propria else []
        raising.cancel()
        await asyncio.gather(raising, return_exceptions=True)
        await pilha.parar()
    if pids:
        alive = still_running(pids)
        checks.append(Checagem("nada ficou rodando", not alive, f"{len(pids)} processos parados"))
    if sair:
        tela.veredito(checks)
    return 0 if all(one.passou for one in checks) else 1


async def _stay(pilha: Pilha, tela: Tela) -> None:
    """Keep our own stack up until somebody stops it."""
    if not pilha.propria:
        tela.linha("a pilha já estava de pé e continua; pare-a com `agente down`")
        return
    tela.linha("tudo continua de pé; Ctrl-C para parar")
    broken: asyncio.Task[Any] = asyncio.create_task(pilha.quebrada())
    await broken


def demo(
    *,
    sair: Annotated[bool, typer.Option("--sair", help="Termina com um veredito e o código de saída.")] = False,
    em_json: Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")] = False,
) -> None:
    """Run the demonstration; exit 1 when a check fails or it cannot go on."""
    tela: Tela = LinhasJson() if em_json else Terminal()
    try:
        code = asyncio.run(run(tela, sair=sair))
    except (DemoError, SandboxError) as error:
        sys.stderr.write(f"erro: {error}\n")
        raise typer.Exit(1) from None
    except DatabaseUnavailableError:
        sys.stderr.write("erro: o banco de dados não responde. Veja `agente doctor`.\n")
        raise typer.Exit(1) from None
    raise typer.Exit(code)


COMMANDS: tuple[tuple[str, Callable[..., None], str, str], ...] = (
    (
        "demo",
        demo,
        (
            "Sobe tudo, semeia, deixa um médico escrever, mostra a resposta e para onde foi o tempo, e roda os quatro"
            " fluxos. Continua de pé até Ctrl-C; com --sair termina com um veredito."
        ),
        "Exemplos: agente demo | agente demo --sair | agente demo --sair --json",
    ),
)

"""`python -m tests.bench.hot_path`: what one message costs, and how many pass in a second, on the real processes.

Nothing is simulated but the outside systems, which answer at once from another process: a Postgres with fsync, the API
with its worker as its command line starts it, the sandbox with all its receipts. Coalescing and pauses are 0.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import orjson
import psycopg
from rich.console import Console

from lib.auth import webhook_key
from lib.sandbox.poster import Poster
from lib.stack.estado import temporary_dir
from lib.stack.postgres import Postgres, criar_banco
from tests.bench.cpu import cpu_ms, family
from tests.bench.relato import tabelas
from tests.e2e.palco import ROOT, SECRET, Palco, free_port, ready, sandbox_process, wait_for
from tests.e2e.processo import texto_recebido

CHIPS = 10
CONVERSAS = 400
JANELA = 96  # messages under way at once
AQUECE = 200
TEXTO = "Quero falar sobre o cadastro, obrigada pela atenção"
SEM_ESPERA = {
    "AGENTE_QUIETO_S": "0",
    "AGENTE_QUIETO_MAX_S": "0",
    "AGENTE_LEASE_S": "60",
    "AGENTE_TURNO_MAX_S": "30",
    "AGENTE_ENVIO_MAX_S": "20",
    "AGENTE_MARGEM_S": "10",
    "AGENTE_CARENCIA_S": "90",
    "AGENTE_POLL_S": "0.5",
}
NUA = """
from fastapi import FastAPI, Request, Response
app = FastAPI()
@app.post("/webhooks/evolution/{instancia}")
async def nua(instancia: str, request: Request) -> Response:
    await request.body()
    return Response(status_code=202)
"""


@dataclass(frozen=True, slots=True)
class Vazao:
    """Steady state: messages a second to `sent`, CPU in ms per message by process, transactions per message."""

    mensagens: int
    por_segundo: float
    cpu_ms: Mapping[str, float]
    transacoes: float


@dataclass(frozen=True, slots=True)
class Sobrecarga:
    """One message at a time, in ms: everything, the bare model and gateway calls, six bare waits for Postgres."""

    total_p50: float
    total_p95: float
    modelo_p50: float
    gateway_p50: float
    seis_idas_p50: float

    @property
    def nossa_p50(self) -> float:
        """What is neither the model's nor the gateway's."""
        return self.total_p50 - self.modelo_p50 - self.gateway_p50

    @property
    def nossa_p95(self) -> float:
        """The same of the slow ones."""
        return self.total_p95 - self.modelo_p50 - self.gateway_p50


@dataclass(frozen=True, slots=True)
class Recibo:
    """CPU in ms to acknowledge one webhook: ours, stored and committed, and a bare route that reads the body."""

    nosso: float
    nua: float


@dataclass
class Bancada:
    """The running processes: name to process id, and doctors who write."""

    palco: Palco
    pids: Mapping[str, int]
    poster: Poster
    numeros: count[int]

    def cpu(self) -> dict[str, float]:
        return {name: cpu_ms(family(pid)) for name, pid in self.pids.items()}

    async def medico_escreve(self, n: int, texto: str = TEXTO) -> None:
        """The doctor number `n` writes, through the sandbox."""
        body = {"instance": f"julia-{n % CHIPS + 1:02d}", "telefone": telefone(n), "texto": texto}
        url = f"{self.palco.sandbox_url}/_sandbox/medicos/mensagem"
        answer = await self.poster.post(url, content=orjson.dumps(body), headers={"content-type": "application/json"})
        assert answer.status_code == 202, answer

    async def webhook(self, url: str, telefone: str) -> None:
        """A webhook of one new message, without the sandbox."""
        raw = texto_recebido("julia-01", telefone, TEXTO, f"BENCH{next(self.numeros):08d}", int(time.time()))
        headers = {"content-type": "application/json", "x-agente-webhook-key": webhook_key(SECRET, "julia-01")}
        answer = await self.poster.post(f"{url}/webhooks/evolution/julia-01", content=raw, headers=headers)
        assert answer.status_code == 202, answer


def telefone(n: int) -> str:
    """Return the number of the n-th doctor."""
    return f"5511987{n:06d}"


def _enviadas(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT count(*) FROM outbox WHERE state = 'sent'").fetchone()
    return int(row[0]) if row else 0


def _transacoes(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()").fetchone()
    return int(row[0]) if row else 0


async def fluir(bancada: Bancada, mensagens: int) -> None:
    """Let the doctors write so that at most `JANELA` messages are under way, until all are sent."""
    with psycopg.connect(bancada.palco.pg_url, autocommit=True) as connection:
        before, written, sent = _enviadas(connection), 0, 0
        until = time.monotonic() + 600
        while sent < mensagens:
            assert time.monotonic() < until, f"{sent} of {mensagens} sent"
            room = min(JANELA - (written - sent), mensagens - written)
            await asyncio.gather(*(bancada.medico_escreve((written + n) % CONVERSAS) for n in range(room)))
            written += room
            await asyncio.sleep(0.1)
            sent = _enviadas(connection) - before


async def medir_vazao(bancada: Bancada, mensagens: int) -> Vazao:
    """Warm up, then time `mensagens` from the doctor's phone to `sent`."""
    await fluir(bancada, AQUECE)
    await asyncio.sleep(1)
    with psycopg.connect(bancada.palco.pg_url, autocommit=True) as connection:
        before, commits, started = bancada.cpu(), _transacoes(connection), time.monotonic()
        await fluir(bancada, mensagens)
        seconds = time.monotonic() - started
        await asyncio.sleep(1.5)  # the last receipts are part of the cost; so are the server's own counters
        after, commits = bancada.cpu(), _transacoes(connection) - commits
    custos = {name: (after[name] - before[name]) / mensagens for name in before}
    return Vazao(mensagens, mensagens / seconds, custos, commits / mensagens)


async def cronometro(vezes: int, chamada: Callable[[], Awaitable[None]]) -> list[float]:
    """Return the milliseconds of each of these calls, one after another."""
    took = []
    for _ in range(vezes):
        started = time.perf_counter()
        await chamada()
        took.append((time.perf_counter() - started) * 1000)
    return took


async def medir_sobrecarga(bancada: Bancada, vezes: int) -> Sobrecarga:
    """Write one message, wait for its end, and again; `sent` is timed by the server's own commit time."""
    palco, poster = bancada.palco, bancada.poster
    async with await psycopg.AsyncConnection.connect(palco.pg_url, autocommit=True) as connection:
        totals = []
        for n in range(vezes):
            phone, before = f"5521986{n:06d}", time.time()
            await bancada.webhook(palco.api_url, phone)
            totals.append((await _sent_at(connection, phone) - before) * 1000)

        async def six() -> None:
            for _ in range(6):
                await connection.execute("SELECT 1")

        idas = await cronometro(vezes, six)
    [body] = palco.sandbox("GET", "/_sandbox/llm", corpos=True)["corpos"][-1:]
    llm = {"content-type": "application/json", "x-api-key": "sandbox-anthropic-key", "anthropic-version": "2023-06-01"}
    send = {"content-type": "application/json", "apikey": "sandbox-evolution-key"}
    question = orjson.dumps(body)
    said = orjson.dumps({"number": telefone(1), "text": "Oi, tudo bem? Obrigada por escrever."})

    async def model() -> None:
        await poster.post(f"{palco.sandbox_url}/v1/messages", content=question, headers=llm)

    async def gateway() -> None:
        await poster.post(f"{palco.sandbox_url}/message/sendText/julia-01", content=said, headers=send)

    totals.sort()
    return Sobrecarga(
        total_p50=statistics.median(totals),
        total_p95=totals[int(len(totals) * 0.95)],
        modelo_p50=statistics.median(await cronometro(vezes, model)),
        gateway_p50=statistics.median(await cronometro(vezes, gateway)),
        seis_idas_p50=statistics.median(idas),
    )


async def _sent_at(connection: psycopg.AsyncConnection[Any], phone: str) -> float:
    """Wait until this doctor's reply is `sent` and return when that was committed, in seconds since 1970."""
    query = """SELECT extract(epoch FROM pg_xact_commit_timestamp(o.xmin)) FROM outbox o
      JOIN medico d ON d.id = o.medico_id WHERE d.telefone = %s AND o.state = 'sent' AND o.enviada_em IS NOT NULL"""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        row = await (await connection.execute(query, [f"+{phone}"])).fetchone()
        if row:
            return float(row[0])
        await asyncio.sleep(0.02)
    raise TimeoutError(f"no reply to {phone}")


async def medir_recibo(bancada: Bancada, vezes: int) -> Recibo:
    """Acknowledge webhooks whose turns are not due yet, and the same bytes by a bare route in a process of its own."""

    async def cost(url: str, pid: int) -> float:
        async def some(quantos: int) -> None:
            for _ in range(quantos // 8):
                await asyncio.gather(*(bancada.webhook(url, telefone(n)) for n in range(8)))

        await some(vezes // 4)
        before = cpu_ms(family(pid))
        await some(vezes)
        return (cpu_ms(family(pid)) - before) / vezes

    palco = bancada.palco
    palco.stop_api()
    palco.api_env = {**palco.api_env, "AGENTE_QUIETO_S": "3600", "AGENTE_QUIETO_MAX_S": "3600"}
    palco.start_api()
    await bancada.poster.aclose()  # its connections led to the process before
    assert palco.api is not None
    ours = await cost(palco.api_url, palco.api.pid)
    with _rota_nua() as (url, pid):
        return Recibo(ours, await cost(url, pid))


@contextmanager
def _rota_nua() -> Iterator[tuple[str, int]]:
    port = free_port()
    serve = f"{NUA}\nimport uvicorn\nuvicorn.run(app, port={port}, access_log=False, log_level='warning')"
    process = subprocess.Popen([sys.executable, "-c", serve], cwd=ROOT)
    try:
        wait_for(lambda: ready(f"http://127.0.0.1:{port}/docs"), 30, "the bare route is ready")
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(10)


async def medir(palco: Palco, pids: Mapping[str, int], mensagens: int, vezes: int) -> dict[str, Any]:
    """Take all measurements, in the order in which they disturb each other least."""
    poster = Poster(30.0)
    bancada = Bancada(palco, pids, poster, count(1))
    await fluir(bancada, AQUECE)
    sobrecarga = await medir_sobrecarga(bancada, vezes)
    vazao = await medir_vazao(bancada, mensagens)
    recibo = await medir_recibo(bancada, max(400, vezes * 8))
    await poster.aclose()
    nossa = {"nossa_p50": sobrecarga.nossa_p50, "nossa_p95": sobrecarga.nossa_p95}
    return {"vazao": asdict(vazao), "sobrecarga": asdict(sobrecarga) | nossa, "recibo": asdict(recibo)}


def migrated(url: str) -> None:
    """Bring a new database to the schema's head."""
    alembic = [sys.executable, "-m", "alembic", "-c", str(ROOT / "lib/migrations/alembic.ini"), "upgrade", "head"]
    env = {**os.environ, "AGENTE_DATABASE_URL": url}
    subprocess.run(alembic, check=True, env=env, cwd=ROOT, capture_output=True)


def palco_inteiro(mensagens: int, vezes: int) -> dict[str, Any]:
    """Start everything, measure, stop everything."""
    with ExitStack() as stack:
        home = stack.enter_context(temporary_dir("agente-bench-"))
        postgres = stack.enter_context(Postgres(home / "pg", settings={"track_commit_timestamp": "on"}))
        url = criar_banco(postgres.url, "bench")
        migrated(url)
        before = set(family(os.getpid()))
        sandbox = stack.enter_context(sandbox_process(home))
        [sandbox_pid] = set(family(os.getpid())) - before
        palco = Palco(url, sandbox, home / "api.log", api_env=SEM_ESPERA)
        stack.callback(palco.http.close)
        stack.callback(palco.stop_api)
        palco.start_api()
        palco.chips(CHIPS)
        assert palco.api is not None
        assert postgres.pid is not None
        pids = {"API": palco.api.pid, "sandbox": sandbox_pid, "Postgres": postgres.pid}
        return asyncio.run(medir(palco, pids, mensagens, vezes))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hot_path", description="Mede o caminho quente.")
    parser.add_argument("--mensagens", type=int, default=3000, help="quantas mensagens em regime (padrão: 3000)")
    parser.add_argument("--vezes", type=int, default=100, help="quantas uma por vez (padrão: 100)")
    parser.add_argument("--json", action="store_true", help="só os números, em JSON")
    chosen = parser.parse_args()
    medido = palco_inteiro(chosen.mensagens, chosen.vezes)
    if chosen.json:
        sys.stdout.write(orjson.dumps(medido, option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    console = Console()
    for table in tabelas(medido):
        console.print(table)


if __name__ == "__main__":
    main()

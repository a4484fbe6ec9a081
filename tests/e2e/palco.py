"""A stage for whole-system tests: a real API process, a real sandbox process, a database, doctors who write."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from lib.auth import webhook_key
from tests.e2e.criadouro import Criadouro, Filho
from tests.e2e.verificador import Aceita, Escrita, ler_banco, verificar

ROOT = Path(__file__).resolve().parents[2]
SECRET = "p" * 40
RAPIDO = {
    "AGENTE_AMBIENTE": "teste",
    "AGENTE_EVOLUTION_API_KEY": "sandbox-evolution-key",
    "AGENTE_EVOLUTION_WEBHOOK_SECRET": SECRET,
    "AGENTE_ANTHROPIC_API_KEY": "sandbox-anthropic-key",
    "AGENTE_QUIETO_S": "0.15",
    "AGENTE_QUIETO_MAX_S": "0.6",
    "AGENTE_POLL_S": "0.05",
    "AGENTE_LEASE_S": "2.5",
    "AGENTE_TURNO_MAX_S": "2",
    "AGENTE_ENVIO_MAX_S": "2",
    "AGENTE_MARGEM_S": "0.1",
    "AGENTE_CARENCIA_S": "1.5",
    "AGENTE_RETRY_S": "0.05",
    "AGENTE_PAUSA_LEITURA_MAX_S": "0",
}
# What a round of kills waits for is mostly the lease.
MAIS_RAPIDO = {
    "AGENTE_QUIETO_S": "0.1",
    "AGENTE_QUIETO_MAX_S": "0.3",
    "AGENTE_LEASE_S": "1.7",
    "AGENTE_TURNO_MAX_S": "1.6",
    "AGENTE_ENVIO_MAX_S": "1.2",
    "AGENTE_MARGEM_S": "0.05",
    "AGENTE_CARENCIA_S": "0.9",
}


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(true: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until something is so, or fail saying what."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"waited {seconds} s in vain: {what}"
        time.sleep(0.02)


def ready(url: str) -> bool:
    """Whether a server answers 200 there."""
    try:
        return httpx.get(url, timeout=2, trust_env=False, verify=False).status_code == 200  # noqa: S501 - plain http
    except httpx.HTTPError:
        return False


@dataclass
class Palco:
    """One stage. `api_env` holds what differs from the fast defaults."""

    pg_url: str
    sandbox_url: str
    log: Path
    api_env: dict[str, str] = field(default_factory=dict)
    api_port: int = field(default_factory=free_port)
    api: subprocess.Popen[bytes] | Filho | None = None
    criadouro: Criadouro | None = None
    escritas: list[Escrita] = field(default_factory=list)
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10, trust_env=False))

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def start_api(self, crashpoint: str = "") -> None:
        """Start the API and wait until it is ready."""
        env = {key: value for key, value in os.environ.items() if not key.startswith(("AGENTE_", "PREFECT_"))}
        env |= RAPIDO | {
            "AGENTE_DATABASE_URL": self.pg_url,
            "AGENTE_EVOLUTION_URL": self.sandbox_url,
            "AGENTE_ANTHROPIC_URL": self.sandbox_url,
            "AGENTE_API_URL": self.api_url,
            "AGENTE_CRASHPOINT": crashpoint,
        }
        env |= self.api_env
        if self.criadouro:
            self.api = self.criadouro.start(env, self.api_port, self.log)
        else:
            self.api = self._command_line(env)
        wait_for(lambda: ready(f"{self.api_url}/readyz") or not self.alive, 30, "the API is ready")

    def _command_line(self, env: dict[str, str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory", "--port", str(self.api_port)]
        out = self.log.open("ab")
        process = subprocess.Popen(
            [*command, "--no-access-log", "--timeout-graceful-shutdown", "5"],
            cwd=ROOT, env=env, stdout=out, stderr=out,
        )  # fmt: skip
        out.close()
        return process

    @property
    def alive(self) -> bool:
        return self.api is not None and self.api.poll() is None

    def stop_api(self, sig: int = signal.SIGTERM) -> int | None:
        """Stop the API and return its exit code."""
        if self.api is None:
            return None
        if self.api.poll() is None:
            self.api.send_signal(sig)
            # A process that a failed test left asleep could not hear it.
            self.api.send_signal(signal.SIGCONT)
        return self.api.wait(30)

    def chips(self, quantos: int, limite: int = 1_000_000) -> list[str]:
        """Make chips that may send all they want and connect them in the sandbox."""
        nomes = [f"julia-{n:02d}" for n in range(1, quantos + 1)]
        with psycopg.connect(self.pg_url, autocommit=True) as connection:
            connection.execute(
                """INSERT INTO chip (telefone, instancia, status, fase, conectado, trust_score, trust_nivel,
                     pode_prospectar, pode_followup, pode_responder, limite_hora, limite_dia)
                   SELECT '+5511900000' || (100 + n), 'julia-' || lpad(n::text, 2, '0'), 'active', 'operacao', true, 90,
                     'verde', true, true, true, %(l)s, %(l)s FROM generate_series(1, %(n)s) n""",
                {"n": quantos, "l": limite},
            )
        for n, nome in enumerate(nomes, 1):
            self.sandbox(
                "PUT",
                f"/_sandbox/instancias/{nome}",
                {
                    "estado": "open",
                    "numero": f"5511900000{100 + n}",
                    "webhook_url": f"{self.api_url}/webhooks/evolution/{nome}",
                    "webhook_headers": {"x-agente-webhook-key": webhook_key(SECRET, nome)},
                },
            )
        return nomes

    def sandbox(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """Call the sandbox's control."""
        answer = self.http.request(method, f"{self.sandbox_url}{path}", json=body, params=params)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def escreve(self, telefone: str, *textos: str, instancia: str = "julia-01", **extra: Any) -> None:
        """A doctor writes, one message after another."""
        for texto in textos:
            body = {"instance": instancia, "telefone": telefone, "texto": texto, **extra}
            said = self.sandbox("POST", "/_sandbox/medicos/mensagem", body)
            self.escritas.append(Escrita(said["id"], telefone))

    def aceitas(self, telefone: str | None = None) -> list[dict[str, Any]]:
        """What the gateway accepted, in order."""
        found = self.sandbox("GET", "/_sandbox/aceitas", **({"telefone": telefone} if telefone else {}))
        return list(found["aceitas"] if isinstance(found, dict) else found)

    def sql(self, statement: str, *params: Any) -> list[dict[str, Any]]:
        """Ask the database."""
        with psycopg.connect(self.pg_url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement, params)
            return cursor.fetchall() if cursor.description else []

    def assentado(self) -> bool:
        """Whether nothing is under way any more: every message is here, turns are done, sends are settled."""
        [left] = self.sql(
            """SELECT (SELECT count(*) FROM mailbox WHERE due_at IS NOT NULL AND dead IS NULL)
              + (SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending', 'unknown')
                  AND NOT (tipo = 'lembrete' AND next_at > now()))
              + (SELECT count(*) FROM unnest(%s::text[]) AS e(id)
                 WHERE id NOT IN (SELECT provider_msg_id FROM inbox)) AS n""",
            [escrita.msg_id for escrita in self.escritas],
        )
        return not left["n"]

    def violacoes(self) -> list[str]:
        """What the checker finds; that every written message was taken in the end is part of it."""
        taken = [Aceita(row["id"], row["numero"], row["texto"]) for row in self.aceitas()]
        return verificar(self.escritas, taken, ler_banco(self.pg_url))


@contextmanager
def sandbox_process(home: Path, *, port: int | None = None, **env: str) -> Iterator[str]:
    """Run a sandbox process, its output in `home`."""
    port = port or free_port()
    out = (home / "sandbox.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "lib.sandbox", "--port", str(port)],
        cwd=ROOT, stdout=out, stderr=out,
        env={**os.environ, "AGENTE_SANDBOX_RETRY_S": "0.2", **env},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: ready(f"{url}/_sandbox/pronto") or process.poll() is not None, 30, "the sandbox is ready")
        yield url
    finally:
        process.terminate()
        process.wait(10)
        out.close()

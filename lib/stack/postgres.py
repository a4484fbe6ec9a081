"""A real PostgreSQL 18 of our own on a loopback port, out of the wheel's binaries, as root or not."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg

from lib.queries.diagnostico import create_database
from lib.stack.binarios import postgres_bin
from lib.stack.estado import StackError, account, free_port, secret, traversable, write_private
from lib.stack.processos import Command, Process

INIT_LIMIT_S = 120.0
READY_LIMIT_S = 60.0
START_ATTEMPTS = 4  # a port taken in between, or backends of a killed server still leaving
TAKE_OVER_S = 5.0

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "random_page_cost": "1.1",  # 1 000 keyed updates of 100 000 rows: 23.2 -> 9.1 ms
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
UNSAFE = {"fsync": "off", "full_page_writes": "off"}  # commits still reach the system, so a kill loses none


class Postgres:
    """One cluster in `dir`, which must be reachable for `nobody` when we are root (`estado.temporary_dir()` is).

    `fsync=False` trades durability against a power cut for speed, for tests; a killed process loses nothing either way.
    `settings` are server parameters that win over ours.
    """

    def __init__(
        self,
        dir: Path,  # noqa: A002 - the name that every caller expects
        port: int | None = None,
        *,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.dir = dir
        self.port = port
        self._any_port = port is None
        self._settings = {**SETTINGS, **({} if fsync else UNSAFE), **(settings or {})}
        self._sync = fsync
        self._account = account()
        self._process: Process | None = None
        self.data = dir / "data"
        self.log = dir / "postgres.log"

    @property
    def url(self) -> str:
        """The superuser's address of the database `postgres`, password included: not for printing."""
        return f"postgresql://postgres:{quote(secret(self.dir / 'senha'), safe='')}@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def prepare(self) -> None:
        """Make the cluster if there is none, and clear away what a killed server left."""
        self.dir.mkdir(parents=True, exist_ok=True)
        if self._account is not None and not traversable(self.dir):
            raise StackError(f"O usuário `nobody` não alcança {self.dir}: escolha outro lugar com AGENTE_DADOS_DIR.")
        if not (self.data / "PG_VERSION").exists():
            self._init()
        self._take_over()

    def command(self) -> Command:
        """Return how to start the prepared cluster in the foreground; it stops by SIGINT (fast, 20 ms)."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        return Command(
            argv=(str(postgres_bin() / "postgres"), "-D", str(self.data), "-p", str(self.port), *options),
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            cwd=self.dir,
            account=self._account,
            stop_signal=signal.SIGINT,
        )

    def ready(self) -> bool:
        """Say whether the server takes connections on its port."""
        probe = [str(postgres_bin() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "3"]
        done = subprocess.run(probe, check=False, env={"LC_ALL": "C"}, capture_output=True)  # noqa: S603
        return done.returncode == 0

    def start(self) -> str:
        """Start and wait until connections are taken; return the address of the database `postgres`.

        Raises StackError with the end of the server's log when it does not come up.
        """
        if self.pid is not None:
            return self.url
        self.kill()
        self.prepare()
        for attempt in range(START_ATTEMPTS):
            if self._any_port and (self.port is None or attempt):
                self.port = free_port()
            with self.log.open("ab") as output:
                self._process = Process("postgres", self.command(), output)
            if self._wait_ready():
                return self.url
            self._process.kill()
            time.sleep(0.2 * (attempt + 1))
        raise StackError(f"O Postgres não iniciou na porta {self.port}:\n{self._log_tail()}")

    def stop(self) -> None:
        """Stop it in order; nothing when it does not run."""
        if self._process is not None:
            self._process.stop(10.0)
            self._process = None

    def kill(self) -> None:
        """End it as a crash would (SIGKILL to every process of it); `start` recovers."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])

    def _wait_ready(self) -> bool:
        limit = time.monotonic() + READY_LIMIT_S
        while time.monotonic() < limit and self._process is not None and self._process.poll() is None:
            if self.ready():
                return self._process.poll() is None
            time.sleep(0.01)
        return False

    def _init(self) -> None:
        """Run initdb beside the final place and move the result there: a cluster is whole or absent."""
        draft = self.dir / "data.novo"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password = self.dir / "senha.initdb"
        write_private(password, secret(self.dir / "senha") + "\n")
        if self._account is not None:
            os.chown(draft, self._account.uid, self._account.gid)
            os.chown(password, self._account.uid, self._account.gid)
        argv = [str(postgres_bin() / "initdb"), "-D", str(draft), "-U", "postgres", "-A", "scram-sha-256"]
        argv += ["--pwfile", str(password), "--no-locale", "-E", "UTF8", "--no-instructions"]
        argv += [] if self._sync else ["--no-sync"]
        env = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        try:
            with self.log.open("ab") as output:
                code = Process("initdb", Command(tuple(argv), env, self.dir, self._account), output).wait(INIT_LIMIT_S)
        finally:
            password.unlink()
        if code:
            raise StackError(f"O initdb do Postgres falhou (código {code}):\n{self._log_tail()}")
        draft.rename(self.data)

    def _take_over(self) -> None:
        """Stop a server that still runs on our data; drop a dead one's pid file, its number may live on elsewhere."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        if not holds(pid, self.data):
            with contextlib.suppress(FileNotFoundError):
                pid_file.unlink()
            return
        for number, wait_s in ((signal.SIGINT, TAKE_OVER_S), (signal.SIGKILL, TAKE_OVER_S)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            limit = time.monotonic() + wait_s
            while time.monotonic() < limit and holds(pid, self.data):
                time.sleep(0.02)


def holds(pid: int, data: Path) -> bool:
    """Say whether this living process is a postmaster on `data`; off Linux, whether it lives at all."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        if Path("/proc/self").exists():
            return False
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True
    return os.fsencode(data) in words


def criar_banco(url: str, nome: str, modelo: str | None = None) -> str:
    """Create the database `nome`, a copy of `modelo` if given, unless it exists; return its address."""
    with psycopg.connect(url, autocommit=True) as connection:
        create_database(connection, nome, modelo)
    return f"{url.rpartition('/')[0]}/{quote(nome, safe='')}"

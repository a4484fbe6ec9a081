"""Ten megabytes at every door of a real API process: 413, and its memory stays where it was."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import psycopg
import pytest

from lib.settings import variable
from tests.api.portas import COM_CORPO, PORTAS, Batida, ajustes, provas, segredos
from tests.e2e.palco import ROOT, free_port, ready, wait_for

DEZ_MB = b'{"x": "' + b"a" * 10_000_000 + b'"}'
PEDACO = 65_536
CRESCE_MAX_KB = 20_000


@dataclass(frozen=True)
class Processo:
    """A running API: where it listens, which process it is, and what it writes."""

    port: int
    pid: int
    log: Path

    def memory_kb(self, field: str) -> int:
        """`VmRSS` is what it has now, `VmHWM` the most it had since `forget_peak`."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition(f"{field}:")[2].split()[0])

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextmanager
def process(pg_url: str, log: Path) -> Iterator[Processo]:
    port = free_port()
    env = {key: value for key, value in os.environ.items() if not key.startswith(("AGENTE_", "PREFECT_"))}
    given = {**ajustes(), "ambiente": "teste", "database_url": pg_url}
    env |= {variable(name): orjson.dumps(v).decode() if isinstance(v, dict) else str(v) for name, v in given.items()}
    # With the server's own access log, which would show each address and query.
    command = [sys.executable, "-m", "uvicorn", "api.app:create_app", "--factory", "--port", str(port)]
    with log.open("wb") as out:
        api = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
    try:
        wait_for(lambda: ready(f"http://127.0.0.1:{port}/livez") or api.poll() is not None, 30, "the API answers")
        yield Processo(port, api.pid, log)
    finally:
        api.terminate()
        api.wait(30)


def send(port: int, batida: Batida, *, announced: bool) -> bytes:
    """Send it all, as far as the other side lets us, and return the answer's status."""
    length = f"content-length: {len(batida.body)}" if announced else "transfer-encoding: chunked"
    head = "".join(f"{name}: {value}\r\n" for name, value in batida.headers.items())
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        link.sendall(f"{batida.method} {batida.path} HTTP/1.1\r\nhost: localhost\r\n{head}{length}\r\n\r\n".encode())
        with suppress(BrokenPipeError, ConnectionResetError):  # it has heard enough
            for start in range(0, len(batida.body), PEDACO):
                piece = batida.body[start : start + PEDACO]
                link.sendall(piece if announced else b"%x\r\n%s\r\n" % (len(piece), piece))
            link.sendall(b"" if announced else b"0\r\n\r\n")
        with link.makefile("rb") as answer:
            return answer.readline()[:13]


def rows(pg_url: str) -> int:
    with psycopg.connect(pg_url) as connection:
        found = connection.execute("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM webhook)").fetchone()
        return int(found[0]) if found else -1


@pytest.mark.parametrize("proved", [True, False], ids=["with its proof", "with another's"])
def test_ten_megabytes_are_413_at_every_door_and_take_no_memory(pg_url: str, tmp_path: Path, proved: bool) -> None:
    now, secret = datetime.now(UTC), segredos()
    with process(pg_url, tmp_path / "api.log") as api:
        for porta in PORTAS:  # whatever is loaded with a first request
            send(api.port, replace(porta.bate(em=now), body=b"x" * 1000), announced=True)
        before = api.memory_kb("VmRSS")
        api.forget_peak()
        got: dict[str, set[bytes]] = {}
        for porta in COM_CORPO:
            batida = porta.bate(DEZ_MB, segredo=0 if proved else 2, em=now)
            got[porta.nome] = {send(api.port, batida, announced=announced) for announced in (True, False)}
            secret += provas(batida)
        grown = api.memory_kb("VmHWM") - before
        stored = rows(pg_url)
    # A key outside the body is looked at first.
    early = {porta.nome for porta in COM_CORPO if not porta.assinada and not proved}
    large, refused = b"HTTP/1.1 413 ", b"HTTP/1.1 401 "
    assert got == {porta.nome: {refused if porta.nome in early else large} for porta in COM_CORPO}
    assert grown < CRESCE_MAX_KB
    assert stored == 0
    lines = api.log.read_text()
    assert "webhook refused" in lines
    assert [one for one in secret if one in lines] == []

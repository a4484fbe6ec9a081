"""Where the embedded stack lives on disk, and what a running one tells the next command.

Two places. `<project>/.agente/` always holds `estado.json` (ports, process ids, addresses) and the logs. The data
directory holds the databases; for root it lies outside the checkout, because Postgres runs as `nobody` then and must be
able to reach it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

PROJETO = Path(__file__).resolve().parents[2]

# Below the range from which the system takes the ports of outgoing connections, so that a remembered port stays free.
PREFERRED_PORTS = {"postgres": 15432, "redis": 16379, "prefect": 14200, "sandbox": 18080, "api": 18000}
PORTS_TRIED = 200
LOCK_ATTEMPTS = 5


class StackError(Exception):
    """The stack cannot start or work; the message is for the person at the terminal (pt-BR) and says what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that the databases run as."""

    uid: int
    gid: int


def account() -> Account | None:
    """Return `nobody` when we are root (Postgres refuses to run as root), None when the servers run as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise StackError("O usuário `nobody` não existe nesta máquina: rode sem root ou crie-o.") from None
    return Account(entry.pw_uid, entry.pw_gid)


def traversable(path: Path) -> bool:
    """Say whether every existing directory of `path`, itself included, lets any user pass."""
    chain = [path.resolve(), *path.resolve().parents]
    return all(part.stat().st_mode & stat.S_IXOTH for part in chain if part.is_dir())


def own(path: Path, mode: int) -> Path:
    """Create a directory with this mode, or accept ours; refuse one that somebody else could have planted."""
    path.mkdir(parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise StackError(f"{path} pertence a outro usuário: apague-o ou escolha outro lugar com AGENTE_DADOS_DIR.")
    path.chmod(mode)
    return path


def data_dir(project: Path = PROJETO, env: Mapping[str, str] = os.environ) -> Path:
    """Return the data directory, made if needed: `AGENTE_DADOS_DIR`, else as root in /var/tmp, else `.agente`."""
    given = env.get("AGENTE_DADOS_DIR")
    root = os.geteuid() == 0
    if given:
        path = Path(given).expanduser().resolve()
    elif root:
        key = hashlib.sha256(str(project).encode()).hexdigest()[:12]
        path = Path("/var/tmp") / f"agente-{key}"  # noqa: S108 - own() checks the owner
    else:
        path = project / ".agente"
    return own(path, 0o711)


@contextlib.contextmanager
def temporary_dir(prefix: str = "agente-") -> Iterator[Path]:
    """Yield a new directory that `nobody` can reach (pytest's own are closed to it), removed at the end."""
    path = Path(tempfile.mkdtemp(prefix=prefix, dir="/var/tmp" if os.geteuid() == 0 else None))  # noqa: S108 - mkdtemp
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def is_free(port: int) -> bool:
    """Say whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(preferred: int | None = None, taken: frozenset[int] = frozenset()) -> int:
    """Return a free loopback port: the first from `preferred` upwards, or any."""
    if preferred is not None:
        for port in range(preferred, preferred + PORTS_TRIED):
            if port not in taken and is_free(port):
                return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def secret(path: Path) -> str:
    """Return the secret kept in `path` (0600), generated on first use."""
    with contextlib.suppress(FileNotFoundError):
        if kept := path.read_text().strip():
            return kept
    value = secrets.token_urlsafe(32)
    write_private(path, value)
    return value


@dataclass(slots=True)
class Estado:
    """What `.agente/estado.json` holds; `ambiente` has passwords in its addresses: 0600 and never printed."""

    portas: dict[str, int] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    ambiente: dict[str, str] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    fase: str = "parada"
    dados: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the file's text; anything unreadable counts as no memory."""
        try:
            raw: Any = json.loads(text)
            return cls(**{name: raw[name] for name in cls.__dataclass_fields__ if name in raw})
        except (ValueError, TypeError):
            return cls()


class Casa:
    """The `.agente` directory of one checkout."""

    def __init__(self, project: Path = PROJETO) -> None:
        self.project = project
        self.path = project / ".agente"
        self.logs = self.path / "logs"
        self._lock: int | None = None

    def make(self) -> None:
        """Create the directory and its logs; passable, because without root the data lives below it."""
        self.path.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.logs.mkdir(mode=0o700, exist_ok=True)

    def read(self) -> Estado:
        """Return what the last or the running stack wrote; empty when there is none."""
        try:
            return Estado.parse((self.path / "estado.json").read_text())
        except OSError:
            return Estado()

    def write(self, estado: Estado) -> None:
        """Replace `estado.json`."""
        write_private(self.path / "estado.json", json.dumps(asdict(estado), indent=2, ensure_ascii=False) + "\n")

    def lock(self) -> bool:
        """Become this checkout's only supervisor until `unlock` or death; False when one is alive."""
        self.make()
        fd = os.open(self.path / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
        for attempt in range(LOCK_ATTEMPTS):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if attempt + 1 == LOCK_ATTEMPTS:
                os.close(fd)
                return False
            time.sleep(0.02)  # `supervisor()` of another command holds it for an instant
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        self._lock = fd
        return True

    def unlock(self) -> None:
        """Give the place up."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def supervisor(self) -> int | None:
        """Return the process id of the living supervisor, None when there is none."""
        try:
            fd = os.open(self.path / "up.lock", os.O_RDWR)
        except OSError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(os.pread(fd, 32, 0) or b"0") or None
        finally:
            os.close(fd)
        return None

    def choose_ports(self, names: tuple[str, ...]) -> dict[str, int]:
        """Return a port for each name: the remembered one while it is free, else a new one; remembered at once."""
        self.make()
        estado = self.read()
        for name in names:
            known = estado.portas.get(name)
            if known is None or not is_free(known):
                taken = frozenset(estado.portas.values())
                estado.portas[name] = free_port(PREFERRED_PORTS.get(name), taken)
        self.write(estado)
        return {name: estado.portas[name] for name in names}

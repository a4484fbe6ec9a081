"""Make `.venv` hold exactly what requirements.lock pins, with the standard library alone.

Run by the Makefile with any Python >= 3.11. A second run with nothing changed costs a file read. The order of ways: a
`uv` on the path, else one put into `.venv` by pip, else plain pip; each verifies the lock's hashes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / ".installed"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / "python"
EDITABLE = ("--no-deps", "--no-build-isolation", "-e", str(ROOT))


def fingerprint() -> str:
    """Return what the environment was built from: lock, this script, interpreter, kind of machine and place."""
    digest = hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes())
    digest.update(f"{sys.version_info[:3]} {sys.platform} {os.uname().machine} {ROOT}".encode())
    return digest.hexdigest()


def say(text: str) -> None:
    """Print one line of progress to stderr."""
    sys.stderr.write(f"[setup] {text}\n")
    sys.stderr.flush()


def attempt(*command: str | Path, env: dict[str, str]) -> int:
    """Run a step and return its exit code."""
    words = [str(part) for part in command]
    return subprocess.run(words, env=env, cwd=ROOT, check=False).returncode  # noqa: S603 - our own words alone


def run(*command: str | Path, env: dict[str, str]) -> None:
    """Run a step; a failing one ends the set-up with its own output above."""
    done = attempt(*command, env=env)
    if done:
        say(f"failed ({done}): {' '.join(str(part) for part in command)}")
        raise SystemExit(done)


def environment() -> dict[str, str]:
    """Return the environment of the installers: pip's own certificate settings are handed on to uv."""
    env = dict(os.environ)
    env.setdefault("UV_SYSTEM_CERTS", "1")
    if "PIP_CERT" in env:
        env.setdefault("SSL_CERT_FILE", env["PIP_CERT"])
    if "PIP_INDEX_URL" in env:
        env.setdefault("UV_DEFAULT_INDEX", env["PIP_INDEX_URL"])
    env.setdefault("UV_LINK_MODE", "copy")
    env.pop("VIRTUAL_ENV", None)
    return env


def install_venv_module(env: dict[str, str]) -> None:
    """Debian ships Python without `ensurepip`: fetch it where we may, else say how."""
    package = f"python3.{sys.version_info.minor}-venv"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing {package}, which this Python lacks")
        env = {**env, "DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get", "update", "-q", env=env)
        run("apt-get", "install", "-qy", package, env=env)
        return
    say(f"this Python cannot make virtual environments: run `apt-get install {package}` as root, then this again")
    raise SystemExit(2)


def make_venv(uv: str | None, env: dict[str, str]) -> None:
    """Create an empty `.venv` for this interpreter."""
    if uv:
        run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, VENV, env=env)
        return
    if importlib.util.find_spec("ensurepip") is None:
        install_venv_module(env)
    run(sys.executable, "-m", "venv", "--clear", VENV, env=env)


def install(env: dict[str, str]) -> None:
    """Install the lock and the project itself, then byte-compile: importing Prefect uncompiled costs seconds."""
    uv = shutil.which("uv")
    make_venv(uv, env)
    if not uv:
        quiet: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        uv = str(BIN / "uv") if attempt(*quiet, "uv>=0.9", env=env) == 0 else None
    if uv:
        run(uv, "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes", "-r", LOCK, env=env)
        run(uv, "pip", "install", "--quiet", "--python", PYTHON, *EDITABLE, env=env)
    else:
        say("no uv here: using pip, which takes about a minute")
        run(*quiet, "--require-hashes", "-r", LOCK, env=env)
        run(*quiet, *EDITABLE, env=env)
    run(PYTHON, "-m", "compileall", "-q", "-j", "0", *VENV.glob("lib/python*/site-packages"), env=env)


def main() -> None:
    """Install unless the stamp says that it is done."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is run by whatever Python there is
        say(f"Python 3.11 or later is needed, this is {sys.version.split()[0]}")
        raise SystemExit(2)
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    say("installing the pinned packages into .venv (once)")
    install(environment())
    STAMP.write_text(wanted)
    say("done")


if __name__ == "__main__":
    main()

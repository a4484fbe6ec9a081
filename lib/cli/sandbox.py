"""`agente sandbox`: every outside system on one port, without the rest of the stack."""

from __future__ import annotations

import errno
import json
import os
import shlex
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import typer

from lib.sandbox.config import SandboxConfig
from lib.stack.estado import StackError

# Roots of the webhook addresses of the gateways that ask for none of the sandbox's own keys; 32 characters or more.
RAIZES = {
    "AGENTE_EVOLUTION_WEBHOOK_SECRET": "sandbox-evolution-webhook-so-para-desenvolver",
    "AGENTE_ZAPI_WEBHOOK_SECRET": "sandbox-zapi-webhook-so-para-desenvolver",
}


def ambiente(config: SandboxConfig) -> dict[str, str]:
    """Return the settings by which a program uses this sandbox for every outside system."""
    url = config.server_url
    return {
        "AGENTE_API_URL": config.api_url,
        "AGENTE_EVOLUTION_URL": url,
        "AGENTE_EVOLUTION_API_KEY": config.api_key,
        "AGENTE_ANTHROPIC_URL": url,
        "AGENTE_ANTHROPIC_API_KEY": "sandbox-anthropic-key",
        "AGENTE_ZAPI_URL": f"{url}/zapi",
        "AGENTE_ZAPI_CLIENT_TOKEN": config.zapi_client_token,
        "AGENTE_ZAPI_INSTANCIAS": json.dumps(dict(config.zapi_instancias), separators=(",", ":")),
        "AGENTE_META_URL": f"{url}/meta",
        "AGENTE_META_TOKEN": config.meta_token,
        "AGENTE_META_APP_SECRET": config.meta_app_secret,
        "AGENTE_META_VERIFY_TOKEN": config.meta_verify_token,
        "AGENTE_CHATWOOT_URL": f"{url}/chatwoot",
        "AGENTE_CHATWOOT_TOKEN": config.chatwoot_token,
        "AGENTE_CHATWOOT_CONTA": str(config.chatwoot_conta),
        "AGENTE_CHATWOOT_CAIXA": str(config.chatwoot_caixa),
        "AGENTE_CHATWOOT_WEBHOOK_SECRET": config.chatwoot_webhook_secret,
        "AGENTE_SLACK_URL": f"{url}/slack/api",
        "AGENTE_SLACK_TOKEN": config.slack_token,
        "AGENTE_SLACK_SIGNING_SECRET": config.slack_signing_secret,
        "AGENTE_SLACK_CANAL": config.slack_canal,
        "AGENTE_SALVY_URL": f"{url}/salvy",
        "AGENTE_SALVY_API_KEY": config.salvy_api_key,
        "AGENTE_SALVY_WEBHOOK_SECRET": config.salvy_webhook_secret,
        "AGENTE_ATIVADOR_URL": f"{url}/ativador",
        "AGENTE_ATIVADOR_API_KEY": config.ativador_api_key,
        "AGENTE_BUSCA_URL": f"{url}/busca",
        "AGENTE_BUSCA_API_KEY": config.busca_api_key,
    } | {name: os.environ.get(name) or value for name, value in RAIZES.items()}


def show(config: SandboxConfig, *, em_json: bool) -> None:
    """Print where it is and what a program must be told to talk to it."""
    found = {"pagina": f"{config.server_url}/", "controles": f"{config.server_url}/docs", "programa": config.api_url}
    settings = ambiente(config)
    if em_json:
        print(json.dumps({"evento": "pronto", **found, "ambiente": settings}, ensure_ascii=False), flush=True)
        return
    print("Sandbox no ar:")
    print(f"  página     {found['pagina']}")
    print(f"  controles  {found['controles']}")
    print(f"  webhooks   vão para {found['programa']} (troque com --api-url)")
    print("\nPara um programa falar com ele, no ambiente ou em .env:\n")
    print("\n".join(f"{name}={shlex.quote(value)}" for name, value in settings.items()))
    print("\nCtrl-C para.", flush=True)


def sandbox(
    *,
    host: Annotated[str, typer.Option("--host", help="Endereço em que atende; a página só abre nesta máquina.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Porta; 0 escolhe uma livre.")] = 8080,
    api_url: Annotated[str | None, typer.Option("--api-url", help="Programa que recebe os webhooks.")] = None,
    em_json: Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")] = False,
) -> None:
    """Serve in the foreground until stopped."""
    from lib.sandbox.servidor import serve  # noqa: PLC0415 - a whole web server, which no other command needs

    try:
        config = SandboxConfig.from_env(os.environ)
        door = socket.create_server((host, port))
    except ValueError as error:
        raise StackError(f"configuração inválida: {error}") from None
    except OSError as error:
        busy = error.errno == errno.EADDRINUSE
        why = "a porta está em uso; escolha outra com --port" if busy else f"{error.strerror}"
        raise StackError(f"não foi possível atender em {host}:{port}: {why}") from None
    with door:
        given = os.environ.get("AGENTE_SANDBOX_URL")
        here = replace(
            config,
            server_url=(given or f"http://{host}:{door.getsockname()[1]}").rstrip("/"),
            api_url=(api_url or config.api_url).rstrip("/"),
        )
        serve(here, door, lambda: show(here, em_json=em_json))


HELP = (
    "Sobe só o sandbox: WhatsApp (Evolution, Z-API, Meta), modelo de linguagem, Chatwoot, Slack, Salvy, ativador e "
    "busca, com a página para conversar como médico. Diz o que um programa precisa saber para usá-lo. Com "
    "AGENTE_SANDBOX_DIR guarda números e mensagens."
)
COMMANDS: tuple[tuple[str, Callable[..., None], str, str], ...] = (
    (
        "sandbox",
        sandbox,
        HELP,
        "Exemplos: agente sandbox | agente sandbox --port 9090 --api-url http://127.0.0.1:8000 --json",
    ),
)

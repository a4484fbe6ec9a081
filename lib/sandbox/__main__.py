"""Run the sandbox: `python -m lib.sandbox --port 8080`."""

import argparse
import os

import uvicorn

from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m lib.sandbox", description="Sandbox do Agente Júlia")
    parser.add_argument("--host", default="127.0.0.1", help="endereço em que atende (padrão: só esta máquina)")
    parser.add_argument("--port", type=int, default=8080, help="porta em que atende")
    chosen = parser.parse_args()
    here = {"AGENTE_SANDBOX_URL": f"http://{chosen.host}:{chosen.port}"}
    try:
        app = create_app(SandboxConfig.from_env(here | os.environ))
    except ValueError as error:
        parser.error(f"configuração inválida: {error}")
    uvicorn.run(app, host=chosen.host, port=chosen.port, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()

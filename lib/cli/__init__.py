"""The command line, `agente`: singular noun and verb, one file per noun."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run `agente`. Exit codes: 0 done, 1 failed, 2 wrong usage or settings."""
    if os.name == "nt":
        sys.stderr.write(
            "O agente não roda em Windows: use o WSL, ou o compose.yaml com AGENTE_DATABASE_URL e AGENTE_REDIS_URL.\n"
        )
        raise SystemExit(2)
    from lib.cli.programa import run  # noqa: PLC0415 - its imports need POSIX, the message above does not

    run()

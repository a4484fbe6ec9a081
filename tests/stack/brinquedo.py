"""A toy stack as a program: `python brinquedo.py <project>` raises three children as `agente up` does and holds them.

`filha` leaves behind a grandchild in a session of its own; `teimosa` ignores being asked to stop.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from lib.cli.pilha import JsonLines, hold
from lib.stack.filhos import Plano
from lib.stack.pilha import Pilha
from lib.stack.processos import Command
from lib.stack.supervisor import Child

FILHA = """
import os, subprocess, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    os._exit(0)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
open("filha.pronta", "w").close()
time.sleep(600)
"""
TEIMOSA = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('oi', flush=True); time.sleep(600)"


def children(plano: Plano) -> list[Child]:
    """Return the toy children."""
    place = plano.project

    def python(code: str) -> Command:
        return Command((sys.executable, "-c", code), cwd=place)

    return [
        Child("teimosa", python(TEIMOSA), after=("filha",), grace_s=0.5),
        Child("filha", python(FILHA), (place / "filha.pronta").exists),
        Child("passo", python("open('passo.feito', 'w').close()"), after=("filha",), once=True),
    ]


if __name__ == "__main__":
    screen = JsonLines()
    sys.exit(asyncio.run(hold(Pilha(Path(sys.argv[1]), linha=screen.line, montar=children), screen)))

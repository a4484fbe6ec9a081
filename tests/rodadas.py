"""How many rounds a race or a round of kills is played: few in `make test`, all of them in `make prova`."""

from __future__ import annotations

import os

RODADAS = int(os.environ.get("AGENTE_RODADAS", "1"))
BARREIRAS = 100 * RODADAS

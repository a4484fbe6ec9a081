"""`python -m tests.orcamento.relatorio`: measure every operation of the table and print it as Markdown."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from lib import log
from lib.stack.estado import temporary_dir
from lib.stack.postgres import Postgres, criar_banco
from lib.stack.redis import Redis
from tests.e2e.palco import ROOT, Palco, sandbox_process
from tests.e2e.processo import ajustes, processo
from tests.orcamento.medidas import MEDIDAS, Contagem, montar
from tests.orcamento.tabela import CONTADORES, TABELA


def markdown(measured: Mapping[str, Contagem]) -> str:
    """Return the table: operation, what is counted, budget, measured."""
    lines = ["| operation | counted | budget | measured |", "|---|---|---|---|"]
    for linha in TABELA:
        budget = f"≤ {linha.teto}" + (f", aim {linha.alvo}" if linha.alvo is not None else "")
        value = measured[linha.operacao][linha.contador]
        lines.append(f"| {linha.operacao} | {CONTADORES[linha.contador]} | {budget} | {value} |")
    return "\n".join(lines)


async def _medir_tudo(palco: Palco, redis_url: str) -> dict[str, Contagem]:
    async with processo(ajustes(palco.pg_url, palco.sandbox_url, redis_url=redis_url)) as dentro:
        bancada = await montar(palco, dentro)
        return {operacao: await medida(bancada) for operacao, medida in MEDIDAS.items()}


def gerar() -> str:
    """Start a Postgres, a Redis and a sandbox of their own, measure, and return the Markdown."""
    alembic = [sys.executable, "-m", "alembic", "-c", str(ROOT / "lib/migrations/alembic.ini"), "upgrade", "head"]
    with (
        temporary_dir("agente-orcamento-") as home,
        Postgres(home / "pg", fsync=False) as postgres,
        Redis(home / "redis") as redis,
        sandbox_process(home) as sandbox,
    ):
        url = criar_banco(postgres.url, "orcamento")
        env = {**os.environ, "AGENTE_DATABASE_URL": url}
        subprocess.run(alembic, check=True, env=env, cwd=ROOT, capture_output=True)
        palco = Palco(url, sandbox, Path(home) / "api.log")
        try:
            return markdown(asyncio.run(_medir_tudo(palco, redis.url)))
        finally:
            palco.http.close()


if __name__ == "__main__":
    log.configure()
    sys.stdout.write(gerar() + "\n")

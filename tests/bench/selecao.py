"""`python -m tests.bench.selecao`: what a send claim takes by the size of the pool, all chips with a day of traffic.

Claims of one message and of a full batch, on a real Postgres with fsync, pools taken in turns so that the machine's
moods fall on all of them alike.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import orjson
import psycopg
from rich.console import Console
from rich.table import Table

from lib.db import Database
from lib.queries import envio
from lib.queries.envio import Destinos
from lib.stack.estado import temporary_dir
from lib.stack.postgres import Postgres, criar_banco
from tests.bench.hot_path import migrated

POOLS = (10, 100, 1_000)
USO_DIA, USO_HORA = 20, 3
LOTES = (1, 8)
VEZES = 200
ALVO = 3.0

SEMEIA = """
INSERT INTO chip (telefone, instancia, status, fase, conectado, trust_score, trust_nivel, pode_prospectar,
  pode_followup, pode_responder, limite_hora, limite_dia)
SELECT '+55119' || lpad(n::text, 8, '0'), 'chip-' || n, 'active', 'operacao', true, 80 + n %% 20, 'verde', true, true,
  true, 100000, 100000 FROM generate_series(1, %(chips)s) n;
INSERT INTO medico (telefone, nome, uf) SELECT '+55118' || lpad(n::text, 8, '0'), 'M', 'SP'
  FROM generate_series(1, %(pessoas)s) n;
INSERT INTO doctor_state (medico_id) SELECT id FROM medico;
INSERT INTO conversa (medico_id, chip_id) SELECT id, CASE WHEN id %% 2 = 0 THEN 1 + id %% %(chips)s END FROM medico;
INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, proativa, state, chip_id, enviando_em,
  enviada_em)
SELECT 1 + (k * 31 + n) %% %(pessoas)s, 1 + (k * 31 + n) %% %(pessoas)s, 'uso:' || k || ':' || n, 'oi', '', 'resposta',
  false, 'sent', k, now() - CASE WHEN n <= %(hora)s THEN n * interval '10 minutes' ELSE n * interval '1 hour' END, now()
FROM generate_series(1, %(chips)s) k, generate_series(1, %(dia)s) n;
INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, prioridade)
SELECT id, id, 'vez:' || id, 'oi', '', 'resposta', 10 FROM medico;
"""


@contextmanager
def pool(postgres: Postgres, chips: int) -> Iterator[str]:
    """A database with a pool of this size, a day of sends behind each chip, and a queue to claim."""
    url = criar_banco(postgres.url, f"pool_{chips}")
    migrated(url)
    wanted = VEZES * sum(LOTES) * 2
    with psycopg.connect(url, autocommit=True) as connection:
        values = {"chips": chips, "pessoas": wanted, "dia": USO_DIA, "hora": USO_HORA}
        for statement in SEMEIA.strip().split(";\n"):
            connection.execute(statement.rstrip(";"), values)
        connection.execute("VACUUM ANALYZE")
    yield url


async def claim_ms(db: Database, lote: int) -> float:
    """Claim so many messages; return how long it took, in ms."""
    agora = datetime.now(UTC)
    begun = time.perf_counter()
    done = await envio.claim_due(
        db, uuid4(), lote, lease_s=60, proximas={"": agora, "SP": agora}, destinos=Destinos(todos=True)
    )
    took = (time.perf_counter() - begun) * 1_000
    if len(done.claimed) != lote:
        raise SystemExit(f"{len(done.claimed)} of {lote} claimed: the benchmark measures nothing")
    return took


async def measure(urls: dict[int, str]) -> dict[int, dict[int, list[float]]]:
    """Claim in turns from every pool."""
    found: dict[int, dict[int, list[float]]] = {chips: {lote: [] for lote in LOTES} for chips in urls}
    opened = {chips: Database.open(url, size=2, name="bench") for chips, url in urls.items()}
    try:
        for n in range(VEZES):
            for chips, db in opened.items():
                for lote in LOTES:
                    took = await claim_ms(db, lote)
                    if n >= VEZES // 10:
                        found[chips][lote].append(took)
    finally:
        for db in opened.values():
            await db.close()
    return found


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="para programas")
    asked = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(temporary_dir("agente-bench-")))
        postgres = stack.enter_context(Postgres(home / "pg"))
        urls = {chips: stack.enter_context(pool(postgres, chips)) for chips in POOLS}
        found = asyncio.run(measure(urls))
    rows = [
        {
            "chips": chips,
            "lote": lote,
            "p50_ms": statistics.median(found[chips][lote]),
            "p95_ms": p95(found[chips][lote]),
            "vezes_p95": p95(found[chips][lote]) / p95(found[POOLS[0]][lote]),
        }
        for lote in LOTES
        for chips in POOLS
    ]
    if asked.json:
        sys.stdout.write(orjson.dumps(rows).decode() + "\n")
        return
    table = Table("chips", "lote", "p50 (ms)", "p95 (ms)", f"p95 sobre {POOLS[0]} chips (alvo ≤ {ALVO:.0f})")
    for row in rows:
        table.add_row(
            *(str(row["chips"]), str(row["lote"])), *(f"{row[name]:.1f}" for name in ("p50_ms", "p95_ms", "vezes_p95"))
        )
    Console().print(table)


if __name__ == "__main__":
    main()

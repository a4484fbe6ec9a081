"""`python -m tests.bench.trust`: what scoring a pool takes by its size, each chip with a month of traffic.

The flow's own functions over its own chunks, on a real Postgres, in a process of their own for each size of the pool:
its peak is that run's alone. The first run writes every chip, the second one nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psycopg
from rich.console import Console
from rich.table import Table

from flows.chunks import Faixa
from flows.outcome import total
from flows.parametros import Modo
from flows.trust import PARALELOS, ParametrosTrust, find_ranges, score
from lib import ledger
from lib.resources import open_resources
from lib.settings import Settings
from lib.stack.estado import temporary_dir
from lib.stack.postgres import Postgres, criar_banco
from tests.bench.hot_path import migrated
from tests.e2e.palco import ROOT

POOLS = (10_000, 100_000)
MEDICOS = 5  # of each chip
ENVIOS = 3  # proactive ones to each doctor, ten days apart
MIB = 1 << 20

# Three doctors in ten answer, one in a hundred leaves; one send in fifty was first tried in vain by another chip, one
# in two hundred failed for good. Every twentieth chip is in no status that is scored.
SEMEIA = """
INSERT INTO chip (telefone, instancia, status, fase, conectado, aquecimento_desde, conexao_em)
SELECT '+55119' || lpad(n::text, 8, '0'), 'chip-' || n, CASE WHEN n %% 20 = 0 THEN 'banned' ELSE 'active' END,
  (ARRAY['expansao', 'pre_operacao', 'teste_graduacao', 'operacao'])[1 + n %% 4], true,
  now() - n %% 90 * interval '1 day', now() - interval '1 hour' FROM generate_series(1, %(chips)s) n;
INSERT INTO medico (telefone) SELECT '+55118' || lpad(n::text, 8, '0')
  FROM generate_series(1, %(chips)s::int * %(medicos)s) n;
INSERT INTO doctor_state (medico_id, permissao, ultima_entrada_em)
  SELECT id, CASE WHEN id %% 97 = 0 THEN 'opted_out' ELSE 'active' END,
  CASE WHEN id %% 10 < 3 THEN now() - id %% 7 * interval '1 day' END FROM medico;
INSERT INTO conversa (medico_id, chip_id) SELECT id, 1 + (id - 1) / %(medicos)s FROM medico;
INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, proativa, state, motivo, chip_id, fence,
  attempts, provider_msg_id, enviando_em, enviada_em, falhou_em)
SELECT c.id, c.medico_id, 'e:' || c.id || ':' || k, 'oi', '', 'prospeccao', true,
  CASE WHEN (c.id + k) %% 199 = 0 THEN 'dead' ELSE 'sent' END, CASE WHEN (c.id + k) %% 199 = 0 THEN 'spam' END,
  c.chip_id, 1 + ((c.id + k) %% 53 = 0)::int, 1, 'm:' || c.id || ':' || k, t.em, t.em,
  CASE WHEN (c.id + k) %% 199 = 0 THEN t.em END
FROM conversa c, generate_series(0, %(envios)s - 1) k, LATERAL (SELECT now() - interval '1 hour'
  - k * interval '10 days' - c.id %% 200 * interval '1 hour' AS em) t;
INSERT INTO chip_selecao (em, tipo, chips, elegiveis, no_minimo, candidatos, descartes)
  VALUES (now(), 'prospeccao', 1, 1, 1, '[]', '{}');
INSERT INTO chip_decisao (outbox_id, fence, selecao_id, chip_id, pedido, extras, em)
SELECT o.id, f, 1, CASE WHEN f < o.fence THEN 1 + o.chip_id %% %(chips)s ELSE o.chip_id END, '{}', '[]', o.enviando_em
FROM outbox o, generate_series(1, o.fence) f;
INSERT INTO interacao (conversation_id, medico_id, chip_id, outbox_id, direcao, autor, proativa, texto, provider_msg_id,
  entrega, em)
SELECT conversation_id, medico_id, chip_id, id, 'saida', 'julia', true, 'oi', provider_msg_id,
  (ARRAY['enviada', 'entregue', 'lida', 'lida', 'lida'])[1 + id %% 5], enviada_em FROM outbox WHERE state = 'sent';
INSERT INTO interacao (conversation_id, medico_id, chip_id, direcao, autor, texto, em)
SELECT conversation_id, medico_id, chip_id, 'entrada', 'medico', 'oi', enviada_em + interval '6 hours'
FROM outbox WHERE state = 'sent' AND medico_id %% 10 < 3 AND enviada_em < now() - interval '8 hours';
INSERT INTO interacao (conversation_id, medico_id, chip_id, direcao, autor, texto, entrega, em)
SELECT conversation_id, medico_id, chip_id, 'saida', 'julia', 'oi', 'lida', em + interval '1 minute'
FROM interacao WHERE direcao = 'entrada';
"""


@dataclass(frozen=True, slots=True)
class Corrida:
    """One run over the pool. Times in seconds, memory in MiB: before the run, and its peak."""

    segundos: float
    lotes: int
    vistos: int
    mudados: int
    comandos: int
    comandos_por_lote: float
    antes_mib: float
    pico_mib: float


def resident(name: str) -> float:
    """Return a figure of this process's memory, in MiB: `VmRSS` now, `VmHWM` its peak so far."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def settings(url: str) -> Settings:
    """Return the settings of a process that talks to the database alone."""
    nowhere = "http://127.0.0.1:9"
    return Settings.model_validate(
        {
            "ambiente": "teste",
            "database_url": url,
            "evolution_url": nowhere,
            "evolution_api_key": "-" * 40,
            "evolution_webhook_secret": "-" * 40,
            "anthropic_url": nowhere,
            "anthropic_api_key": "-" * 40,
        }
    )


async def run(url: str) -> Corrida:
    """Score the whole pool once as the flow does, at most `PARALELOS` chunks under way."""
    agora = datetime.now(UTC)
    async with open_resources(settings(url), nome="bench-trust") as resources:
        gate = asyncio.Semaphore(PARALELOS)

        async def one(faixa: Faixa) -> Any:
            async with gate:
                return await score(resources, faixa, Modo.APLICAR, agora)

        before, begun = resident("VmRSS"), time.perf_counter()
        with ledger.measure("trust") as custo:
            keys = await find_ranges(resources, ParametrosTrust(), agora)
            chunks = [Faixa(*chunk) for chunk in keys.chunks]
            outcome = total(await asyncio.gather(*map(one, chunks)), plano_max=0).outcome
        took = time.perf_counter() - begun
    outcome.require_honest(0.0)
    return Corrida(
        segundos=took,
        lotes=len(chunks),
        vistos=outcome.seen,
        mudados=outcome.changed,
        comandos=custo.statements,
        comandos_por_lote=(custo.statements - 1) / len(chunks),
        antes_mib=before,
        pico_mib=resident("VmHWM"),
    )


@contextmanager
def pool(postgres: Postgres, chips: int) -> Iterator[str]:
    """A database with a pool of this size and a month of traffic behind each chip."""
    url = criar_banco(postgres.url, f"trust_{chips}")
    migrated(url)
    with psycopg.connect(url, autocommit=True) as connection:
        values = {"chips": chips, "medicos": MEDICOS, "envios": ENVIOS}
        for statement in SEMEIA.strip().split(";\n"):
            connection.execute(statement.rstrip(";"), values)
        connection.execute("VACUUM ANALYZE")
    yield url


def measured(url: str) -> dict[str, Any]:
    """Run in a process of its own."""
    child = [sys.executable, "-m", "tests.bench.trust", "--url", url]
    done = subprocess.run(child, check=True, cwd=ROOT, stdout=subprocess.PIPE)
    return dict(orjson.loads(done.stdout))


def messages(url: str) -> int:
    """Count what was really seeded."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM interacao").fetchone()
    return int(row[0]) if row else 0


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="para programas")
    parser.add_argument("--chips", type=int, nargs="+", default=POOLS, help="tamanhos do pool")
    parser.add_argument("--url", help="mede uma vez um banco já semeado, e só")
    asked = parser.parse_args()
    if asked.url:
        sys.stdout.write(orjson.dumps(asdict(asyncio.run(run(asked.url)))).decode() + "\n")
        return
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        home = Path(stack.enter_context(temporary_dir("agente-bench-")))
        postgres = stack.enter_context(Postgres(home / "pg", fsync=False, settings={"max_wal_size": "4GB"}))
        for chips in asked.chips:
            url = stack.enter_context(pool(postgres, chips))
            rows += [
                {"chips": chips, "mensagens": messages(url), "corrida": name} | measured(url)
                for name in ("a que grava todos", "a que não acha mudança")
            ]
    if asked.json:
        sys.stdout.write(orjson.dumps(rows).decode() + "\n")
        return
    table = Table(
        *("chips", "mensagens", "corrida", "tempo (s)", "lotes", "mudados", "comandos por lote (alvo ≤ 3)"),
        *("memória antes (MiB)", "pico (MiB)"),
    )
    for row in rows:
        figures = (f"{row[name]:.1f}" for name in ("comandos_por_lote", "antes_mib", "pico_mib"))
        texts = (str(row[name]) for name in ("lotes", "mudados"))
        table.add_row(
            *(str(row["chips"]), str(row["mensagens"]), row["corrida"]), f"{row['segundos']:.1f}", *texts, *figures
        )
    Console().print(table)


if __name__ == "__main__":
    main()

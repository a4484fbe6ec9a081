"""The flows through a real Prefect server: one server, one runner, one database for all of these."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import text

from lib.clock import utc_now
from lib.db import Database, Row, Step
from lib.domain.cadencia import Estagio
from lib.domain.chip import FaseWarmup, StatusChip
from lib.domain.estado import Permissao
from lib.models.conversa import StatusConversa
from lib.providers.prefect_api import Execucao, PrefectApi, PrefectError
from lib.queries import fluxo
from lib.stack.guarda import descendants, parents
from tests.builders import (
    gravar,
    id_of,
    um_chip,
    um_estado,
    um_medico,
    uma_conversa,
    uma_entrada,
    uma_saida,
)
from tests.conftest import ROOT
from tests.flows.conftest import STOP_S, process, wait_said
from tests.providers.caixa import Sandbox

pytestmark = pytest.mark.prefect
NOMES = ("trust-score", "followups", "temperatura", "qualidade")
DIA = timedelta(days=1)
RUN_S = 60.0
OCUPADO = 503


@pytest.fixture
async def base(flows_url: str) -> AsyncIterator[Database]:
    """The runs' database with one of everything that is due."""
    db = Database.open(flows_url, size=4, name="testes")
    async with db.connection() as driver:
        await driver.execute("TRUNCATE chip, medico, execucao_fluxo, flag CASCADE")
    now = utc_now()
    [chip] = await gravar(db, um_chip(aquecimento_desde=now - 10 * DIA))
    medicos = await gravar(db, um_medico(), um_medico())
    estado = {"permissao": Permissao.INITIAL, "ultima_entrada_em": now - 40 * DIA}
    await gravar(db, *(um_estado(id_of(medico), **estado) for medico in medicos))
    aberta = {"estagio": Estagio.MSG_ENVIADA, "ultima_saida_em": now - 3 * DIA, "chip_id": chip.id}
    fim = {"status": StatusConversa.COMPLETED, "encerrada_em": now - DIA, "chip_id": chip.id}
    _, encerrada = await gravar(db, uma_conversa(id_of(medicos[0]), **aberta), uma_conversa(id_of(medicos[1]), **fim))
    await gravar(
        db,
        uma_saida(encerrada, now - 2 * DIA, "Oi, Helena! Tenho um plantão de cardiologia.", proativa=True),
        uma_entrada(encerrada, now - 2 * DIA + timedelta(hours=1), "Tenho interesse, qual o horário?"),
    )
    yield db
    await db.close()


async def start(api: PrefectApi, nome: str, **parametros: Any) -> UUID:
    """Start a run; Prefect's SQLite answers 503 while another writer has it, and the key makes it safe to ask again."""
    deployment, key = await api.find_deployment(f"{nome}/{nome}"), str(uuid4())
    for _ in range(20):
        try:
            return await api.create_run(deployment, {"parametros": parametros}, key)
        except PrefectError as failure:
            if failure.status != OCUPADO:
                raise
            await asyncio.sleep(0.5)
    raise AssertionError("Prefect stays busy")


async def end(api: PrefectApi, run_id: UUID) -> Execucao:
    deadline = time.monotonic() + RUN_S
    while True:
        execucao = await api.read_run(run_id)
        if execucao.terminou:
            return execucao
        assert time.monotonic() < deadline, execucao
        await asyncio.sleep(0.2)


async def table(api: PrefectApi, key: str, run_id: UUID) -> list[dict[str, Any]]:
    found = await api.artifact_latest(key)
    assert found is not None
    assert (found.type, found.flow_run_id) == ("table", run_id)
    rows: list[dict[str, Any]] = orjson.loads(found.data)
    return rows


async def swallow_updates(db: Database, tabela: str) -> None:
    async with db.connection() as driver:
        await driver.execute(
            "CREATE OR REPLACE FUNCTION engole() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
        )
        await driver.execute(f"CREATE TRIGGER engole BEFORE UPDATE ON {tabela} FOR EACH ROW EXECUTE FUNCTION engole()")


async def obey_updates(db: Database, tabela: str) -> None:
    async with db.connection() as driver:
        await driver.execute(f"DROP TRIGGER engole ON {tabela}")


async def history(db: Database, nome: str) -> list[Row]:
    return await fluxo.history(db, nome, 10)


@pytest.mark.usefixtures("runner")
async def test_every_deployment_ends_completed_with_its_artifact_and_its_row(
    prefect_api: PrefectApi, base: Database
) -> None:
    first = {nome: await start(prefect_api, nome, modo="aplicar") for nome in NOMES}
    for nome, run_id in first.items():
        execucao = await end(prefect_api, run_id)
        assert execucao.state_type == "COMPLETED", execucao
        shown = {
            (row["o quê"], row["detalhe"]): row["quantos"] for row in await table(prefect_api, f"{nome}-latest", run_id)
        }
        assert shown["mudados", ""] == shown["elegíveis", ""] == (2 if nome == "temperatura" else 1)
        [row] = await history(base, nome)
        assert (row["run_id"], row["estado"], row["outcome"]["changed"]) == (run_id, "completed", shown["mudados", ""])


@pytest.mark.usefixtures("runner")
async def test_the_sync_takes_in_what_the_gateway_lists_in_two_statements_beside_the_runs_own(
    prefect_api: PrefectApi, base: Database, sandbox_url: str
) -> None:
    sandbox = Sandbox(sandbox_url)
    await sandbox.control("DELETE", "/tudo")
    await sandbox.open_instance("alheia")
    run_id = await start(prefect_api, "sincronizar-chips", modo="aplicar")
    execucao = await end(prefect_api, run_id)
    assert execucao.state_type == "COMPLETED", execucao
    [row] = await history(base, "sincronizar-chips")
    assert row["outcome"]["kinds"] == {"adotados": 1, "desconectados": 1}
    found = await prefect_api.artifact_latest("sincronizar-chips-latest")
    assert found is not None
    assert "Custo: 4 round_trips, 4 statements" in str(found.description)
    await sandbox.control("DELETE", "/tudo")


@pytest.mark.usefixtures("runner")
async def test_the_pools_flows_do_what_is_due_in_a_statement_beside_the_runs_own(
    prefect_api: PrefectApi, base: Database
) -> None:
    now = utc_now()
    over = {"status": StatusChip.RESTRICTED, "reply_only_until": now - DIA, "rampup_parte": 25}
    rest = {"status": StatusChip.WARMING, "fase": FaseWarmup.REPOUSO, "aquecimento_desde": now - 2 * DIA}
    low = {"trust_score": 50, "trust_em": now}
    await gravar(base, um_chip(**over), um_chip(**rest), um_chip(**low))
    runs = {
        "rampup": ({"volta": 1}, "3 round_trips, 3 statements"),
        "aquecimento": ({"setup": 1}, "3 round_trips, 3 statements"),
        "cuidar-pool": ({"degrada_trust": 1}, "5 round_trips, 8 statements"),
        "snapshot-chips": ({}, "9 round_trips, 9 statements"),
    }
    # Two statements of each are the run's own: its lock and its record.
    for nome, (kinds, custo) in runs.items():
        run_id = await start(prefect_api, nome)
        execucao = await end(prefect_api, run_id)
        assert execucao.state_type == "COMPLETED", execucao
        [row] = await history(base, nome)
        assert row["outcome"]["kinds"].items() >= kinds.items(), nome
        shown = await prefect_api.artifact_latest(f"{nome}-latest")
        assert shown is not None
        assert f"Custo: {custo}" in str(shown.description)


@pytest.mark.usefixtures("runner")
async def test_a_run_whose_writes_are_swallowed_ends_failed_and_says_so(
    prefect_api: PrefectApi, base: Database
) -> None:
    await swallow_updates(base, "chip")
    try:
        run_id = await start(prefect_api, "trust-score")
        execucao = await end(prefect_api, run_id)
    finally:
        await obey_updates(base, "chip")
    assert execucao.state_type == "FAILED"
    assert "a conta não fecha: de 1 elegíveis, 1 não foram mudados" in (execucao.message or "")
    [row] = await history(base, "trust-score")
    assert (row["estado"], row["run_id"]) == ("failed", run_id)
    assert await table(prefect_api, "trust-score-latest", run_id)


@pytest.mark.usefixtures("runner")
async def test_a_plan_through_a_deployment_lists_ids_and_writes_nothing(
    prefect_api: PrefectApi, base: Database
) -> None:
    run_id = await start(prefect_api, "temperatura", modo="plano")
    execucao = await end(prefect_api, run_id)
    assert (execucao.state_type, execucao.message) == ("COMPLETED", "2 vistos, 2 elegíveis, 2 seriam mudados")
    assert [line["dias"] for line in await table(prefect_api, "temperatura-plano", run_id)] == [40, 40]
    [rows] = await base.round_trip(Step(text("SELECT DISTINCT temperatura::text AS t FROM doctor_state")))
    assert rows == [{"t": "0.50"}]
    assert await history(base, "temperatura") == []


@pytest.mark.usefixtures("runner")
@pytest.mark.parametrize(
    ("parametros", "field"),
    [
        ({"parametros": {"modo": "apagar"}}, "parametros.modo"),
        ({"parametros": {"tamanho": 1}}, "parametros.tamanho"),
        ({"parametros": {"tamanho": "muitos"}}, "parametros.tamanho"),
        ({"parametros": {"moddo": "simular"}}, "moddo"),
        ({"modo": "simular"}, "modo"),
    ],
)
async def test_wrong_parameters_are_refused_with_the_field_named(
    prefect_api: PrefectApi, parametros: dict[str, Any], field: str
) -> None:
    deployment = await prefect_api.find_deployment("trust-score/trust-score")
    with pytest.raises(PrefectError) as caught:
        await prefect_api.create_run(deployment, parametros, str(uuid4()))
    assert caught.value.status in {409, 422}
    assert field in str(caught.value)


@pytest.mark.usefixtures("runner")
async def test_a_run_asked_for_while_one_is_under_way_is_cancelled(prefect_api: PrefectApi, base: Database) -> None:
    async with base.connection() as driver, driver.transaction():
        await driver.execute("LOCK TABLE doctor_state")
        running = await start(prefect_api, "temperatura")
        while (await prefect_api.read_run(running)).state_type != "RUNNING":  # noqa: ASYNC110 - Prefect is asked
            await asyncio.sleep(0.1)
        late = await end(prefect_api, await start(prefect_api, "temperatura"))
    assert late.state_type == "CANCELLED"
    assert (await end(prefect_api, running)).state_type == "COMPLETED"


async def called(env: dict[str, str], call: str) -> tuple[str, str]:
    """Call a flow as a function in a process of its own; the type and the message of its final state.

    Prefect's clients leave sockets to the garbage collector, which would be warnings in ours.
    """
    code = (
        "import asyncio, datetime\nfrom flows import temperatura, trust\n"
        f"state = asyncio.run({call})\nprint(state.type.value, state.message, sep='|')"
    )
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-c", code), env=env, cwd=ROOT, stdout=PIPE, stderr=PIPE
    )
    output, errors = await child.communicate()
    assert child.returncode == 0, errors.decode()
    kind, _, message = output.decode().splitlines()[-1].partition("|")
    return kind, message


TRUST = "trust.trust_flow(return_state=True)"


async def test_in_process_a_broken_invariant_fails_and_a_whole_run_completes(
    base: Database, flows_env: dict[str, str]
) -> None:
    await swallow_updates(base, "chip")
    kind, message = await called(flows_env, TRUST)
    await obey_updates(base, "chip")
    assert kind == "FAILED"
    assert "BrokenInvariantError: a conta não fecha" in message
    assert await called(flows_env, TRUST) == ("COMPLETED", "1 vistos, 1 elegíveis, 1 mudados")


async def test_a_run_that_meets_another_or_a_pause_says_why_it_did_nothing(
    base: Database, flows_env: dict[str, str]
) -> None:
    async with fluxo.lock(base, "trust-score") as vez:
        assert vez.obtida
        second = await called(flows_env, TRUST)
    async with base.connection() as driver:
        await driver.execute("INSERT INTO flag (chave, valor) VALUES ('pausa', 'true')")
    assert second == ("COMPLETED", "já em execução: esta não fez nada")
    assert await called(flows_env, TRUST) == ("COMPLETED", "operação pausada: nada foi feito")
    assert await history(base, "trust-score") == []


async def test_a_chunk_that_fails_fails_alone(base: Database, flows_env: dict[str, str]) -> None:
    sql = text("""-- teste.medicos
    WITH m AS (INSERT INTO medico (telefone) SELECT '+5511' || n FROM generate_series(1, 2500) n RETURNING id)
    INSERT INTO doctor_state (medico_id, permissao, ultima_entrada_em) SELECT id, 'active', :em FROM m""")
    await base.round_trip(Step(sql, {"em": utc_now() - 2 * DIA}, writes=True))
    async with base.connection() as driver:
        await driver.execute(
            "ALTER TABLE doctor_state ADD CONSTRAINT pedra CHECK (medico_id % 2500 <> 0 OR temperatura = 0.5)"
        )
    try:
        kind, _ = await called(
            flows_env,
            "temperatura.temperatura_flow(temperatura.ParametrosTemperatura(tamanho=1000), return_state=True)",
        )
    finally:
        async with base.connection() as driver:
            await driver.execute("ALTER TABLE doctor_state DROP CONSTRAINT pedra")
    [row] = await history(base, "temperatura")
    assert kind == "FAILED"
    assert row["outcome"]["seen"] == 2_502
    assert row["outcome"]["failed"] in ({"StatementError": 1_000}, {"StatementError": 502})
    assert row["outcome"]["changed"] == 2_502 - row["outcome"]["failed"]["StatementError"]


async def test_the_future_is_not_applied(base: Database, flows_env: dict[str, str]) -> None:
    tomorrow = (utc_now() + DIA).isoformat()
    parametros = f"temperatura.ParametrosTemperatura(as_of='{tomorrow}')"
    kind, message = await called(flows_env, f"temperatura.temperatura_flow({parametros}, return_state=True)")
    assert kind == "FAILED"
    assert "as_of está no futuro" in message


@pytest.mark.usefixtures("runner")
def test_the_stock_command_lists_and_deploys_the_same(flows_env: dict[str, str]) -> None:
    def stock(*arguments: str) -> str:
        command = [sys.executable, "-m", "prefect", *arguments]
        done = subprocess.run(command, env=flows_env, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    stock("--no-prompt", "deploy", "--all")
    listed = stock("deployment", "ls")
    assert all(f"{nome}/{nome}" in listed for nome in NOMES)


@pytest.mark.processo
async def test_a_second_runner_deploys_nothing_and_takes_its_runs_down_within_five_seconds(
    prefect_api: PrefectApi,
    base: Database,
    flows_env: dict[str, str],
    runner: Popen[bytes],
    tmp_path: Path,
) -> None:
    log = tmp_path / "runner.log"
    with process("-m", "flows.runner", env=flows_env, log=log) as second, held(runner):
        await asyncio.to_thread(wait_said, log, "started!", second)
        assert "deployments sem mudança" in log.read_text()
        async with base.connection() as driver, driver.transaction():
            await driver.execute("LOCK TABLE doctor_state")
            run_id = await start(prefect_api, "temperatura")
            while (await prefect_api.read_run(run_id)).state_type != "RUNNING":  # noqa: ASYNC110 - Prefect is asked
                await asyncio.sleep(0.1)
            below = descendants(second.pid)
            began = time.monotonic()
            second.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(second.wait, STOP_S) == 0
            assert time.monotonic() - began < STOP_S
        assert below
        assert not below & {pid for pid, _ in parents()}
    assert (await end(prefect_api, run_id)).state_type == "CRASHED"


@contextmanager
def held(child: Popen[bytes]) -> Iterator[None]:
    """Keep a process from doing anything."""
    child.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        child.send_signal(signal.SIGCONT)

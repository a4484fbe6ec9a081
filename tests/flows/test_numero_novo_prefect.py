"""`agente chip novo` as it is used: a real Prefect, a real runner, a real sandbox, and all of it failing once."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from lib.db import Database
from lib.stack.guarda import descendants
from tests.conftest import ROOT
from tests.providers.caixa import Sandbox

pytestmark = [pytest.mark.anyio, pytest.mark.prefect]
TABELAS = "provisao, provisao_ativacao, chip, aviso, execucao_fluxo, flag"
ACEITA_E_CAI = {"cortar": True, "depois_de_aceitar": True}
FALHAS: list[dict[str, Any]] = [
    {"alvo": "salvy.v3.create", **ACEITA_E_CAI},
    {"alvo": "salvy.v3.list", "status": 429, "cabecalhos": {"retry-after": "0"}},
    {"alvo": "ativador.enqueue", "status": 500, "depois_de_aceitar": True},
    {"alvo": "ativador.status", "cortar": True},
    {"alvo": "ativador.send_sms_code", "status": 503},
    {"alvo": "salvy.v3.list_sms", "status": 500},
    {"alvo": "evolution.create", **ACEITA_E_CAI},
    {"alvo": "evolution.webhookSet", "status": 500},
    {"alvo": "evolution.connectionState", "status": 500},
    {"alvo": "evolution.connect", "status": 500},
]


@pytest.fixture
async def caixa(sandbox_url: str) -> Sandbox:
    sandbox = Sandbox(sandbox_url)
    await sandbox.control("DELETE", "/tudo")
    await sandbox.control("PUT", "/salvy/ddds", {"ddds": [11]})
    return sandbox


@pytest.fixture
async def base(flows_url: str) -> AsyncIterator[Database]:
    db = Database.open(flows_url, size=2, name="testes")
    async with db.connection() as driver:
        await driver.execute(f"TRUNCATE {TABELAS} RESTART IDENTITY CASCADE")
    yield db
    await db.close()


async def agente(env: Mapping[str, str], *words: str) -> Process:
    code = "from lib.cli import main; main()"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *words), env={**env}, cwd=ROOT, stdout=PIPE, stderr=PIPE
    )


async def rows(db: Database, statement: str) -> list[tuple[Any, ...]]:
    async with db.connection() as driver:
        return await (await driver.execute(statement)).fetchall()


async def uma_vez_so(db: Database, caixa: Sandbox) -> str:
    """Check that everything was done once; return the code that WhatsApp sent."""
    [numero] = await caixa.control("GET", "/salvy/numeros")
    [instancia] = [one for one in await caixa.control("GET", "/instancias") if one["provedor"] == "evolution"]
    [ativacao] = (await caixa.control("GET", "/ativador"))["ativacoes"]
    assert (instancia["nome"], instancia["estado"], ativacao["status"]) == ("julia-0001", "open", "success")
    [chip] = await rows(db, "SELECT telefone, salvy_id, status, fase, conectado FROM chip")
    assert chip == (numero["telefone"], numero["id"], "warming", "repouso", True)
    assert await rows(db, "SELECT de, para, ator FROM chip_transicao") == [
        ("provisioned", "warming", "fluxo:provisionar-chip")
    ]
    return str(ativacao["esperado"])


@pytest.mark.usefixtures("runner")
async def test_a_number_is_had_with_each_step_failing_once_and_each_step_is_shown(
    base: Database, caixa: Sandbox, flows_env: dict[str, str], prefect_env: dict[str, str], home: Path
) -> None:
    await caixa.control("PUT", "/ativador", {"passo_ms": 200})
    for falha in FALHAS:
        await caixa.control("PUT", "/falhas", {"vezes": 1, **falha})
    command = await agente(flows_env, "chip", "novo", "--ddd", "11", "--json", "--espera", "120")
    output, progress = await command.communicate()
    said = progress.decode()
    assert command.returncode == 0, said
    done = json.loads(output)
    assert (done["etapa"], done["chip"], done["numero"]) == ("pronta", "julia-0001", "+55 11 9****-0001")
    assert await caixa.control("GET", "/falhas") == []
    codigo = await uma_vez_so(base, caixa)
    assert re.search("Pedido 1: um número do DDD 11", said)
    steps = [line for line in said.splitlines() if "✔" in line]
    assert "pedido anotado" in steps[0]
    assert "chip em aquecimento" in steps[-1]
    [[outcome]] = await rows(base, "SELECT outcome FROM execucao_fluxo")
    assert (outcome["changed"], outcome["kinds"]) == (1, {"pronta": 1, "passos": outcome["kinds"]["passos"]})
    secret = re.compile(f"{codigo}|{codigo[:3]}[- ]{codigo[3:]}".encode())
    [[telefone]] = await rows(base, "SELECT telefone FROM chip")
    await asyncio.sleep(2.5)  # until Prefect has written what it holds back
    kept = [path for path in (home / "prefect").rglob("*") if path.is_file()] + [home / "runner.log"]
    written = b"".join(path.read_bytes() for path in kept)
    assert b"provisionar-chip" in written
    assert secret.search(b"".join([written, output, progress])) is None
    assert telefone.encode() not in written


async def test_a_run_that_is_killed_is_followed_by_another_which_repeats_nothing(
    base: Database, caixa: Sandbox, flows_env: dict[str, str], runner: Popen[bytes]
) -> None:
    await caixa.control("PUT", "/ativador", {"passo_ms": 1_500})
    command = await agente(flows_env, "chip", "novo", "--ddd", "11", "--json", "--espera", "120")
    until = time.monotonic() + 60
    while await rows(base, "SELECT etapa FROM provisao") != [("na_fila",)]:
        assert time.monotonic() < until
        await asyncio.sleep(0.05)
    for pid in descendants(runner.pid):
        os.kill(pid, signal.SIGKILL)
    output, progress = await command.communicate()
    assert command.returncode == 0, progress.decode()
    assert json.loads(output)["etapa"] == "pronta"
    assert "a execução acabou (Crashed)" in progress.decode()
    await uma_vez_so(base, caixa)


async def test_without_prefect_the_order_waits_and_the_command_says_how_to_go_on(
    base: Database, caixa: Sandbox, flows_env: dict[str, str]
) -> None:
    env = flows_env | {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    command = await agente(env, "chip", "novo", "--ddd", "11")
    _, said = await command.communicate()
    assert command.returncode == 1
    assert "o pedido 1 ficou guardado" in said.decode()
    assert "`agente chip continuar 1`" in said.decode()
    assert await rows(base, "SELECT etapa, parada_em FROM provisao") == [("pedida", None)]
    assert await caixa.control("GET", "/salvy/numeros") == []


@pytest.mark.usefixtures("runner")
async def test_an_order_that_waited_is_gone_on_with(base: Database, caixa: Sandbox, flows_env: dict[str, str]) -> None:
    await caixa.control("PUT", "/ativador", {"passo_ms": 100})
    env = flows_env | {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    await (await agente(env, "chip", "novo", "--ddd", "11")).communicate()
    command = await agente(flows_env, "chip", "continuar", "1", "--espera", "90")
    output, progress = await command.communicate()
    assert command.returncode == 0, progress.decode()
    assert "julia-0001: +55 11 9****-0001, em aquecimento, fase repouso." in output.decode()
    await uma_vez_so(base, caixa)

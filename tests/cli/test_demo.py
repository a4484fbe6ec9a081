"""The demonstration's parts; as a whole it is a program that CI runs (`make demo EXIT=1`)."""

from __future__ import annotations

import asyncio
import io
import json
import os
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from lib.cli.demo import Subida, still_running
from lib.cli.demo_conversa import NUMEROS_FICTICIOS
from lib.cli.demo_tela import Checagem, LinhasJson, Terminal, lines
from lib.cli.programa import build
from lib.clock import utc_now
from lib.db import Database
from lib.domain.cascata import Etapa
from lib.queries import conversa
from lib.seed.plano import Plano
from lib.seed.semear import semear

pytestmark = pytest.mark.anyio


def on_paper() -> tuple[Terminal, io.StringIO]:
    """A screen that is no terminal, and what is written on it."""
    paper = io.StringIO()
    return Terminal(Console(file=paper, highlight=False)), paper


async def wait_until_ready(lines_: list[str], partes: set[str]) -> str:
    """Feed the supervisor's lines and return what was shown when these parts were ready."""
    tela, paper = on_paper()
    subida = Subida(tela)
    raising: asyncio.Task[None] = asyncio.create_task(asyncio.sleep(30))
    waiting = asyncio.create_task(subida.until(partes, raising))
    for line in lines_:
        subida.line("agente", line)
        subida.line("api", "API pronto em 99 s de log alheio")
    await asyncio.wait_for(waiting, 2)
    raising.cancel()
    return paper.getvalue()


async def test_the_message_does_not_wait_for_prefect() -> None:
    shown = await wait_until_ready(["migracao concluído", "api pronto em 2.1 s"], {"migracao", "api"})
    assert "API: 2,1 s" in shown
    assert "99" not in shown


async def test_a_part_that_fell_and_came_back_is_told() -> None:
    fell = ["api pronto em 2.1 s", "api caiu (código -9); reiniciando em 0.5 s", "api pronto em 1.0 s"]
    shown = await wait_until_ready(fell, {"api"})
    assert "api caiu (código -9)" in shown
    assert "api de volta" in shown


async def test_a_stack_that_cannot_start_ends_the_wait_with_its_error() -> None:
    async def broken() -> None:
        raise LookupError("sem binários")

    tela, _ = on_paper()
    with pytest.raises(LookupError):
        await Subida(tela).until({"api"}, asyncio.create_task(broken()))


def test_without_a_terminal_everything_is_plain_text_within_its_width() -> None:
    tela, paper = on_paper()
    tela.secao("Título")
    tela.linha("uma linha comprida " * 10)
    tela.bolha("Júlia", "Oi! Achei uma opção.", utc_now(), nossa=True)
    tela.recibo("lida")
    tela.cascata([Etapa("espera por silêncio", 0, 1500), Etapa("modelo", 1500, 60)])
    tela.tabela("", ("fluxo", "vistos"), [("trust-score", "14")])
    shown = paper.getvalue()
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert "1.500 ms" in shown


@pytest.mark.parametrize(("passed", "ending"), [(True, "Tudo certo."), (False, "1 de 2 verificações falharam.")])
def test_the_verdict_names_every_check(passed: bool, ending: str) -> None:
    tela, paper = on_paper()
    tela.veredito([Checagem("respondida uma única vez", passou=True), Checagem("dentro do orçamento", passou=passed)])
    assert ending in paper.getvalue()
    assert ("✘" in paper.getvalue()) is not passed


async def test_what_is_waited_for_gives_a_sign_of_life(capsys: pytest.CaptureFixture[str]) -> None:
    tela = LinhasJson()
    async with tela.esperando("Prefect sobe"):
        pass
    tela.veredito([Checagem("respondida", passou=True)])
    said: list[dict[str, Any]] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["evento"] for one in said] == ["esperando", "veredito"]
    assert said[1]["passou"] is True


def test_addresses_are_not_broken_over_lines() -> None:
    url = "http://127.0.0.1:14200/runs/flow-run/5e30148d-dabf-4dbd-b1b7-c968d0525ff2"
    assert url in lines(f"trust-score: Completed\n{url}", 40)


def test_processes_that_ended_are_not_counted_as_running() -> None:
    assert still_running([os.getpid(), 2**22 + 1]) == [os.getpid()]


async def test_the_seed_holds_a_doctor_whom_the_demonstration_can_use(pg_url: str, db: Database) -> None:
    await asyncio.to_thread(semear, pg_url, Plano(), utc_now())
    found = await conversa.find_warm(db, utc_now(), NUMEROS_FICTICIOS)
    assert found is not None
    assert found["telefone"].startswith(NUMEROS_FICTICIOS)
    seen = await conversa.watch(db, found["conversation_id"], found["ultima_inbox_id"])
    assert (seen["entradas"], seen["saidas"], seen["apresentada"]) == ([], [], True)


def test_the_command_is_registered_and_explains_itself() -> None:
    shown = CliRunner().invoke(build(), ["demo", "--help"]).stdout
    assert "--sair" in shown

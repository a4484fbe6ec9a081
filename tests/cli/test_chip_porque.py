"""`agente chip porque`, against a real database."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from lib.cli.chip import app
from lib.db import Database
from tests.builders import gravar
from tests.queries.fabrica import chip_que_envia, pessoas, reivindicar, resposta

pytestmark = pytest.mark.anyio


async def uma_escolha(db: Database) -> int:
    await gravar(
        db,
        chip_que_envia(instancia="julia-01", limite_hora=9, limite_dia=40),
        chip_que_envia(instancia="julia-02", trust_score=30),
        chip_que_envia(instancia="julia-03", conectado=False),
    )
    [pessoa] = await pessoas(db, 1)
    [row] = await gravar(db, resposta(pessoa))
    await reivindicar(db)
    assert row.id is not None
    return row.id


async def run(*words: str) -> tuple[int, str]:
    """Run a command in a thread: it opens a loop of its own."""
    from anyio.to_thread import run_sync  # noqa: PLC0415

    result = await run_sync(lambda: CliRunner().invoke(app, list(words)))
    return result.exit_code, result.output


async def test_it_shows_winner_losers_and_what_would_change_them(db: Database, ambiente: None) -> None:
    sent = await uma_escolha(db)
    code, said = await run("porque", f"s{sent}")
    assert code == 0
    assert "julia-01: era o menos usado" not in said, "the other one is below the minimum"
    assert "julia-01: tem trust 90, e o mínimo é 40." in said
    assert "Pool: 3 chips, 2 podiam; fora: 1 desconectado." in said
    assert "venceria com trust ≥" in said
    assert "elegível se estivesse conectado" in said


async def test_for_programs_it_is_json(db: Database, ambiente: None) -> None:
    sent = await uma_escolha(db)
    code, said = await run("porque", f"s{sent}", "--json")
    [made] = json.loads(said)
    assert (code, made["chip"], made["chips"], made["elegiveis"]) == (0, "julia-01", 3, 2)


async def test_a_message_without_a_choice_and_one_that_is_not_there_are_told_apart(
    db: Database, ambiente: None
) -> None:
    [pessoa] = await pessoas(db, 1)
    [row] = await gravar(db, resposta(pessoa))
    assert await run("porque", f"s{row.id}") == (
        0,
        "Nenhuma escolha de chip ainda: a mensagem não chegou à vez de sair.\n",
    )
    code, said = await run("porque", "s999")
    assert (code, said) == (1, "erro: não há mensagem s999.\n")
    assert (await run("porque", "zzz"))[0] == 2

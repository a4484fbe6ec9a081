"""Every change of a chip's status is legal for the hand that makes it, and written down, whoever writes it."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from lib.db import Database
from lib.domain.chip import StatusChip
from lib.domain.chip_ciclo import rows
from tests.builders import gravar, um_chip
from tests.queries.fabrica import consulta

MUDA = "UPDATE chip SET status = %s, status_motivo = %s, status_ator = %s WHERE id = %s"


async def test_the_database_holds_the_same_table_as_the_domain(db: Database) -> None:
    stored = await consulta(db, "SELECT de, para, ator FROM chip_transicao_legal")
    assert {(row["de"], row["para"], row["ator"]) for row in stored} == set(rows())


async def test_a_change_is_written_down_with_reason_and_hand(db: Database) -> None:
    [chip] = await gravar(db, um_chip(trust_score=71))
    await consulta(db, MUDA, "banned", "sessão encerrada (403)", "gateway:evolution", chip.id)
    [row] = await consulta(db, "SELECT de, para, motivo, ator, trust_score, em = now() AS e FROM chip_transicao")
    assert row == {
        "de": "active",
        "para": "banned",
        "motivo": "sessão encerrada (403)",
        "ator": "gateway:evolution",
        "trust_score": 71,
        "e": False,
    }
    [kept] = await consulta(db, "SELECT status_anterior, status_desde = t.em AS desde FROM chip, chip_transicao t")
    assert kept == {"status_anterior": "active", "desde": True}


async def test_an_update_that_leaves_the_status_writes_nothing_down(db: Database) -> None:
    [chip] = await gravar(db, um_chip())
    await consulta(db, MUDA, "active", "nada", "pessoa:rita", chip.id)
    assert await consulta(db, "SELECT * FROM chip_transicao") == []


async def test_what_the_table_does_not_hold_is_refused(db: Database) -> None:
    [chip] = await gravar(db, um_chip(status=StatusChip.BANNED))
    with pytest.raises(psycopg.errors.CheckViolation, match="banned -> active is not for pessoa:rita"):
        await consulta(db, MUDA, "active", "engano", "pessoa:rita", chip.id)
    with pytest.raises(psycopg.errors.CheckViolation):
        await consulta(db, MUDA, "provisioned", "rearmado", "fluxo:cuidar-pool", chip.id)
    assert await consulta(db, "SELECT status FROM chip") == [{"status": "banned"}]


async def test_a_pause_and_a_restriction_remember_the_work_that_they_interrupt(db: Database) -> None:
    [chip] = await gravar(db, um_chip(status=StatusChip.WARMING))
    await consulta(db, MUDA, "restricted", "463", "gateway:evolution", chip.id)
    await consulta(db, MUDA, "paused", "férias", "pessoa:rita", chip.id)
    assert await consulta(db, "SELECT status, status_anterior FROM chip") == [
        {"status": "paused", "status_anterior": "warming"}
    ]


async def test_a_change_of_status_waits_for_the_claims_that_saw_the_chip_before_it(db: Database, pg_url: str) -> None:
    [chip] = await gravar(db, um_chip())
    async with db.connection() as claim, asyncio.timeout(5):
        await claim.execute("BEGIN")
        await claim.execute("SELECT pg_advisory_xact_lock(hashtext('agente.envio'))")
        ban = asyncio.create_task(consulta(db, MUDA, "banned", "403", "gateway:evolution", chip.id))
        await asyncio.sleep(0.2)
        assert not ban.done()
        await claim.execute("COMMIT")
        await ban
    assert await consulta(db, "SELECT status FROM chip") == [{"status": "banned"}]

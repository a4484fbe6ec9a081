from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from flows.parametros import Modo
from flows.snapshot import ParametrosSnapshot, find_days, write
from lib import ledger
from lib.db import Database, Row
from lib.domain.chip import StatusChip
from lib.domain.horario import SAO_PAULO
from lib.models.conversa import Entrega
from lib.models.fila import OutboxState
from lib.resources import Resources
from tests.builders import gravar, id_of, um_chip, um_envio, uma_entrada, uma_saida
from tests.flows.aquecidos import desistir
from tests.queries.fabrica import Pessoa, consulta, pessoas

DIA = timedelta(days=1)
ONTEM = date(2026, 3, 9)
ORDINAL = (ONTEM.toordinal(),)
CONTAS = ("enviadas", "proativas", "recebidas", "entregues", "lidas", "falhas")


def sp(hora: int, minuto: int = 0, dia: int = 10) -> datetime:
    """An instant of March 2026 by the clock of São Paulo."""
    return datetime(2026, 3, dia, hora, minuto, tzinfo=SAO_PAULO)


MEIA_NOITE_E_DEZ = sp(0, 10)


async def um_falante(db: Database, **over: Any) -> Pessoa:
    """A doctor who talks through a chip of their own."""
    [chip] = await gravar(db, um_chip(**{"criado_em": sp(9, dia=1), **over}))
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": chip.id})
    return pessoa


async def contas(db: Database, dia: date = ONTEM) -> list[tuple[int, ...]]:
    rows = await consulta(db, "SELECT * FROM chip_snapshot WHERE dia = %s ORDER BY chip_id", dia)
    return [tuple(row[name] for name in CONTAS) for row in rows]


async def foto(db: Database) -> list[Row]:
    return await consulta(db, "SELECT * FROM chip_snapshot ORDER BY dia, chip_id")


async def test_a_day_is_sao_paulos_and_not_the_servers(resources: Resources) -> None:
    pessoa = await um_falante(resources.db)
    c = pessoa.conversa
    messages = [
        uma_saida(c, sp(0, 1, dia=9), proativa=True),  # 03:01 UTC of the same date
        uma_saida(c, sp(21, 30, dia=9)),  # 00:30 UTC of the next one
        uma_entrada(c, sp(23, 59, dia=9)),
        uma_entrada(c, sp(23, 59, dia=8)),
        uma_saida(c, sp(0, 1, dia=10)),
        uma_saida(c, sp(0, 0, dia=10)),
    ]
    await gravar(resources.db, *messages)
    await write(resources, ORDINAL, Modo.APLICAR, MEIA_NOITE_E_DEZ)
    assert await contas(resources.db) == [(2, 1, 1, 0, 0, 0)]
    await write(resources, ((ONTEM - DIA).toordinal(),), Modo.APLICAR, MEIA_NOITE_E_DEZ)
    assert await contas(resources.db, ONTEM - DIA) == [(0, 0, 1, 0, 0, 0)]


async def test_what_arrived_was_read_or_failed_is_counted(resources: Resources) -> None:
    pessoa = await um_falante(resources.db)
    em = sp(14, dia=9)
    await gravar(resources.db, *(uma_saida(pessoa.conversa, em, entrega=entrega) for entrega in [*Entrega, None]))
    failed = {"chip_id": pessoa.conversa.chip_id, "state": OutboxState.DEAD}
    await gravar(
        resources.db,
        um_envio(pessoa.conversa, **failed, falhou_em=sp(23, 59, dia=9)),
        um_envio(pessoa.conversa, **failed, falhou_em=sp(0, 0, dia=10)),
    )
    await write(resources, ORDINAL, Modo.APLICAR, MEIA_NOITE_E_DEZ)
    assert await contas(resources.db) == [(5, 0, 0, 2, 1, 2)]


async def test_a_failed_attempt_is_of_the_chip_that_made_it_and_of_its_day(resources: Resources) -> None:
    db = resources.db
    ruim, bom = await gravar(db, *(um_chip(criado_em=sp(9, dia=1)) for _ in range(2)))
    for em in (sp(21, 30, dia=9), sp(0, 5, dia=9), sp(23, 59, dia=8), sp(0, 0, dia=10)):
        await desistir(db, ruim, bom, em)
    await write(resources, ORDINAL, Modo.APLICAR, MEIA_NOITE_E_DEZ)
    assert [row[-1] for row in await contas(db)] == [2, 0]


async def test_the_row_says_how_the_chip_stood(resources: Resources) -> None:
    await um_falante(resources.db, status=StatusChip.RESTRICTED, trust_score=66, limite_hora=8, limite_dia=40)
    await write(resources, ORDINAL, Modo.APLICAR, MEIA_NOITE_E_DEZ)
    [row] = await foto(resources.db)
    kept = {name: row[name] for name in ("dia", "status", "fase", "trust_score", "limite_hora", "limite_dia", "em")}
    assert kept == {
        "dia": ONTEM, "status": "restricted", "fase": "operacao", "trust_score": 66, "limite_hora": 8, "limite_dia": 40,
        "em": MEIA_NOITE_E_DEZ,
    }  # fmt: skip


async def test_a_second_run_overwrites_nothing_unless_something_came_late(resources: Resources) -> None:
    db = resources.db
    pessoa = await um_falante(db, trust_score=70)
    [sent] = await gravar(db, uma_saida(pessoa.conversa, sp(20, dia=9), entrega=Entrega.ENVIADA))
    await write(resources, ORDINAL, Modo.APLICAR, MEIA_NOITE_E_DEZ)
    before = await foto(db)
    await consulta(db, "UPDATE chip SET trust_score = 12")
    again = (await write(resources, ORDINAL, Modo.APLICAR, MEIA_NOITE_E_DEZ + DIA)).outcome
    assert (again.seen, again.eligible, again.changed) == (1, 0, 0)
    assert await foto(db) == before
    await consulta(db, "UPDATE interacao SET entrega = 'lida' WHERE id = %s", sent.id)
    late = (await write(resources, ORDINAL, Modo.APLICAR, MEIA_NOITE_E_DEZ + DIA)).outcome
    assert (late.changed, late.kinds) == (1, {"corrigidos": 1})
    assert await foto(db) == [{**before[0], "entregues": 1, "lidas": 1}], "how it stood stays as it was"


async def test_the_seven_days_before_are_done_so_that_a_missed_one_is_made_up_for(resources: Resources) -> None:
    pessoa = await um_falante(resources.db)
    await gravar(resources.db, *(uma_saida(pessoa.conversa, sp(12, dia=day)) for day in range(1, 10)))
    keys = await find_days(resources, ParametrosSnapshot(), MEIA_NOITE_E_DEZ)
    assert [date.fromordinal(n).day for chunk in keys.chunks for n in chunk] == [3, 4, 5, 6, 7, 8, 9]
    for chunk in keys.chunks:
        await write(resources, tuple(chunk), Modo.APLICAR, MEIA_NOITE_E_DEZ)
    assert [(row["dia"].day, row["enviadas"]) for row in await foto(resources.db)] == [(n, 1) for n in range(3, 10)]


@pytest.mark.parametrize("hora", [0, 20, 21, 23])
async def test_yesterday_is_sao_paulos_yesterday_at_any_hour(resources: Resources, hora: int) -> None:
    keys = await find_days(resources, ParametrosSnapshot(), sp(hora, 10))
    assert date.fromordinal(next(iter(keys.chunks[-1]))) == ONTEM


async def test_a_day_may_be_named_once_it_is_over(resources: Resources) -> None:
    keys = await find_days(resources, ParametrosSnapshot(dia=date(2026, 1, 2)), MEIA_NOITE_E_DEZ)
    assert keys.chunks == ((date(2026, 1, 2).toordinal(),),)
    with pytest.raises(ValueError, match="10/03/2026 ainda não acabou"):
        await find_days(resources, ParametrosSnapshot(dia=date(2026, 3, 10)), sp(23, 59))
    with pytest.raises(ValidationError):
        ParametrosSnapshot.model_validate({"dia": "ontem"})


async def test_a_chip_that_was_not_there_yet_and_one_given_back_that_carried_nothing_have_no_row(
    resources: Resources,
) -> None:
    db = resources.db
    await um_falante(db, criado_em=sp(0, 0, dia=10))
    await um_falante(db, status=StatusChip.CANCELLED)
    gone = await um_falante(db, status=StatusChip.CANCELLED)
    await gravar(db, uma_saida(gone.conversa, sp(12, dia=9)))
    idle = await um_falante(db)
    await write(resources, ORDINAL, Modo.APLICAR, MEIA_NOITE_E_DEZ)
    assert [row["chip_id"] for row in await foto(db)] == [gone.conversa.chip_id, idle.conversa.chip_id]


async def test_a_plan_says_how_many_rows_and_writes_none(resources: Resources) -> None:
    await um_falante(resources.db)
    planned = await write(resources, ORDINAL, Modo.PLANO, MEIA_NOITE_E_DEZ)
    assert planned.plano == ({"dia": "2026-03-09", "chips": 1, "novos": 1, "corrigidos": 0},)
    assert await foto(resources.db) == []
    assert planned.outcome == (await write(resources, ORDINAL, Modo.APLICAR, MEIA_NOITE_E_DEZ)).outcome


@pytest.mark.parametrize("quantos", [50, 500])
async def test_a_day_of_any_number_of_chips_is_one_statement(resources: Resources, quantos: int) -> None:
    chips = await gravar(resources.db, *(um_chip(criado_em=sp(9, dia=1)) for _ in range(quantos)))
    [pessoa] = await pessoas(resources.db, 1)
    sent = [uma_saida(pessoa.conversa, sp(12, dia=9), chip_id=id_of(chip)) for chip in chips]
    await gravar(resources.db, *sent)
    with ledger.measure("snapshot") as custo:
        await write(resources, ORDINAL, Modo.APLICAR, MEIA_NOITE_E_DEZ)
    assert await contas(resources.db) == [(1, 0, 0, 0, 0, 0)] * quantos
    assert (custo.statements, custo.round_trips, custo.commits) == (1, 1, 1)


async def test_a_row_that_somebody_swallows_is_missing(resources: Resources) -> None:
    await um_falante(resources.db)
    await consulta(
        resources.db, "CREATE FUNCTION engole() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )
    await consulta(
        resources.db, "CREATE TRIGGER t BEFORE INSERT ON chip_snapshot FOR EACH ROW EXECUTE FUNCTION engole()"
    )
    done = (await write(resources, ORDINAL, Modo.APLICAR, MEIA_NOITE_E_DEZ)).outcome
    assert (done.eligible, done.changed, done.missing) == (1, 0, 1)

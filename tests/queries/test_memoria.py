"""Memory: a newer fact replaces what it contradicts, the same fact changes nothing, and forgetting wipes the words."""

from __future__ import annotations

from typing import Any

import pytest

from lib.db import Database
from lib.domain.memoria import OUTROS_MAX, Assunto, Confianca, TipoMemoria
from lib.queries import memoria
from lib.queries.memoria import forget_step, save_step
from tests.queries.fabrica import Pessoa, consulta, pessoas

pytestmark = pytest.mark.anyio


async def lembra(db: Database, pessoa: Pessoa, texto: str, assunto: Assunto = Assunto.TURNO, **over: Any) -> bool:
    """Save a fact; tell whether a row was written."""
    step = save_step(
        medico_id=pessoa.medico_id, tipo=TipoMemoria.PREFERENCIA, assunto=assunto, texto=texto,
        **{"confianca": Confianca.ALTA, "inbox_id": None, "fonte": "conversa", **over},
    )  # fmt: skip
    [rows] = await db.round_trip(step)
    return bool(rows)


async def valem(db: Database, pessoa: Pessoa) -> list[str]:
    return [row["texto"] for row in await memoria.list_of(db, pessoa.medico_id)]


async def test_a_fact_that_contradicts_replaces_the_one_in_force_and_names_its_successor(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    assert await lembra(db, pessoa, "prefere noite")
    assert await lembra(db, pessoa, "prefere dia")
    new, old = await memoria.list_of(db, pessoa.medico_id, todas=True)
    assert await valem(db, pessoa) == ["prefere dia"]
    assert (old["substituida_por"], old["texto"]) == (new["id"], "prefere noite")
    assert old["substituida_em"] is not None


@pytest.mark.parametrize("again", ["prefere noite", "Prefere NOITE", "  prefere\n noite\x00 "])
@pytest.mark.parametrize("assunto", [Assunto.TURNO, Assunto.OUTRO])
async def test_the_same_fact_again_changes_nothing(db: Database, again: str, assunto: Assunto) -> None:
    [pessoa] = await pessoas(db, 1)
    assert await lembra(db, pessoa, "prefere noite", assunto)
    before = await memoria.list_of(db, pessoa.medico_id, todas=True)
    assert not await lembra(db, pessoa, again, assunto)
    assert await memoria.list_of(db, pessoa.medico_id, todas=True) == before


async def test_going_back_to_an_earlier_fact_is_a_new_one(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    for said in ("prefere noite", "prefere dia", "prefere noite"):
        assert await lembra(db, pessoa, said)
    assert await valem(db, pessoa) == ["prefere noite"]


async def test_facts_on_other_subjects_and_of_other_doctors_stay(db: Database) -> None:
    one, other = await pessoas(db, 2)
    await lembra(db, one, "prefere noite")
    await lembra(db, other, "prefere noite")
    await lembra(db, one, "zona sul", Assunto.REGIAO)
    await lembra(db, one, "prefere dia")
    assert sorted(await valem(db, one)) == ["prefere dia", "zona sul"]
    assert await valem(db, other) == ["prefere noite"]


async def test_other_facts_add_up_to_ten_and_then_the_oldest_gives_way(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    for n in range(OUTROS_MAX + 2):
        assert await lembra(db, pessoa, f"fato {n}", Assunto.OUTRO)
    assert await valem(db, pessoa) == [f"fato {n}" for n in range(OUTROS_MAX + 1, 1, -1)]


async def test_a_guard_that_does_not_hold_writes_nothing(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    await lembra(db, pessoa, "prefere noite")
    deixa = {"deixa": False}
    assert not await lembra(db, pessoa, "prefere dia", guarda="CAST(:deixa AS boolean)", params=deixa)
    await db.round_trip(forget_step(pessoa.medico_id, guarda="CAST(:deixa AS boolean)", params=deixa))
    assert await valem(db, pessoa) == ["prefere noite"]


async def test_forgetting_wipes_the_words_of_replaced_facts_too_and_keeps_that_there_were_any(db: Database) -> None:
    one, other = await pessoas(db, 2)
    for said in ("prefere noite", "prefere dia"):
        await lembra(db, one, said)
    await lembra(db, one, "zona sul", Assunto.REGIAO)
    await lembra(db, other, "prefere noite")
    assert await memoria.forget(db, one.medico_id, Assunto.TURNO) == 1
    assert await valem(db, one) == ["zona sul"]
    assert await memoria.forget(db, one.medico_id) == 1
    assert await memoria.forget(db, one.medico_id) == 0
    kept = await consulta(db, "SELECT texto, esquecida_em FROM memoria WHERE medico_id = %s", one.medico_id)
    assert [row["texto"] for row in kept] == [None, None, None]
    assert all(row["esquecida_em"] for row in kept)
    assert await valem(db, other) == ["prefere noite"]


async def test_what_was_forgotten_may_be_learned_anew(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    await lembra(db, pessoa, "prefere noite")
    await memoria.forget(db, pessoa.medico_id)
    assert await lembra(db, pessoa, "prefere noite")
    assert await valem(db, pessoa) == ["prefere noite"]


async def test_a_fact_is_one_line_of_at_most_three_hundred_characters(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    await lembra(db, pessoa, "a\n" * 400)
    [said] = await valem(db, pessoa)
    assert len(said) <= 300
    assert "\n" not in said

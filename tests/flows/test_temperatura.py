from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from flows.chunks import Faixa
from flows.parametros import Modo
from flows.temperatura import ParametrosTemperatura, cool, find_ranges
from lib import ledger
from lib.db import Database, Step
from lib.domain.estado import (
    Churn,
    Ciclo,
    Decaimento,
    DoctorState,
    FimCoolingOff,
    Permissao,
    Tendencia,
    apply,
)
from lib.queries import temperatura
from lib.resources import Resources
from tests.builders import AGORA, gravar, um_estado, um_medico

COMO_GRAVADO = text("SELECT * FROM doctor_state ORDER BY medico_id")


async def mil_medicos(db: Database, dias: int, quantos: int = 1_000) -> None:
    """Doctors silent for `dias` days, at 0.50."""
    sql = text("""-- teste.medicos
    WITH m AS (
      INSERT INTO medico (telefone)
      SELECT '+551190' || lpad(n::text, 7, '0') FROM generate_series(1, :n) n RETURNING id)
    INSERT INTO doctor_state (medico_id, permissao, ultima_entrada_em) SELECT id, 'active', :em FROM m""")
    await db.round_trip(Step(sql, {"n": quantos, "em": AGORA - timedelta(days=dias)}, writes=True))


async def temperaturas(db: Database) -> set[str]:
    [rows] = await db.round_trip(Step(text("SELECT DISTINCT temperatura::text AS t FROM doctor_state")))
    return {row["t"] for row in rows}


async def test_a_thousand_silent_doctors_cool_in_one_statement(resources: Resources) -> None:
    await mil_medicos(resources.db, dias=3)
    [faixa] = (await find_ranges(resources, ParametrosTemperatura(), AGORA)).chunks
    assert isinstance(faixa, Faixa)
    with ledger.measure("temperatura") as custo:
        done = await cool(resources, faixa, Modo.APLICAR, AGORA)
    assert await temperaturas(resources.db) == {"0.35"}
    assert (done.outcome.seen, done.outcome.changed, done.outcome.missing) == (1_000, 1_000, 0)
    assert (custo.statements, custo.round_trips) == (1, 1)


async def test_a_second_run_changes_nothing(resources: Resources) -> None:
    await mil_medicos(resources.db, dias=100)
    [faixa] = (await find_ranges(resources, ParametrosTemperatura(), AGORA)).chunks
    assert isinstance(faixa, Faixa)
    first = await cool(resources, faixa, Modo.APLICAR, AGORA)
    assert first.outcome.kinds == {"esfriados": 1_000, "fim_de_pausa": 0, "perdidos": 1_000}
    second = await cool(resources, faixa, Modo.APLICAR, AGORA + timedelta(hours=23))
    assert (second.outcome.seen, second.outcome.eligible, second.outcome.changed) == (1_000, 0, 0)


async def test_a_simulation_counts_the_same_and_writes_nothing(resources: Resources) -> None:
    await mil_medicos(resources.db, dias=3)
    [faixa] = (await find_ranges(resources, ParametrosTemperatura(), AGORA)).chunks
    assert isinstance(faixa, Faixa)
    simulated = await cool(resources, faixa, Modo.SIMULAR, AGORA)
    planned = await cool(resources, faixa, Modo.PLANO, AGORA)
    assert await temperaturas(resources.db) == {"0.50"}
    assert len(planned.plano) == 1_000
    assert set(planned.plano[0]) == {"medico_id", "esfria", "libera", "perde", "dias"}
    assert simulated.outcome == planned.outcome == (await cool(resources, faixa, Modo.APLICAR, AGORA)).outcome


async def test_many_doctors_make_at_most_fifty_ranges_that_hold_each_once(db: Database) -> None:
    await mil_medicos(db, dias=1, quantos=1_234)
    found = await temperatura.ranges(db, 7, 50)
    assert len(found) == 50
    assert sum(quantos for _, _, quantos in found) == 1_234
    assert all(before[1] < after[0] for before, after in pairwise(found))
    assert [quantos for _, _, quantos in await temperatura.ranges(db, 500, 50)] == [500, 500, 234]


async def test_an_update_that_somebody_swallows_leaves_rows_missing(resources: Resources) -> None:
    await mil_medicos(resources.db, dias=3, quantos=10)
    async with resources.db.connection() as driver:
        await driver.execute("CREATE FUNCTION engole() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        await driver.execute("CREATE TRIGGER t BEFORE UPDATE ON doctor_state FOR EACH ROW EXECUTE FUNCTION engole()")
    [faixa] = (await find_ranges(resources, ParametrosTemperatura(), AGORA)).chunks
    assert isinstance(faixa, Faixa)
    done = await cool(resources, faixa, Modo.APLICAR, AGORA)
    assert (done.outcome.eligible, done.outcome.changed, done.outcome.missing) == (10, 0, 10)


instants = st.none() | st.builds(
    lambda days, seconds, us: AGORA + timedelta(days=days, seconds=seconds, microseconds=us),
    st.integers(-95, 2) | st.sampled_from([-90, -1]),
    st.sampled_from([0, 0, 1, -1]) | st.integers(-86_400, 86_400),
    st.sampled_from([0, 1, -1]),
)
states = st.builds(
    DoctorState,
    permissao=st.sampled_from(Permissao),
    cooling_off_ate=instants,
    temperatura=st.integers(0, 100).map(lambda n: n / 100),
    tendencia=st.sampled_from(Tendencia),
    ultima_entrada_em=instants,
    ciclo=st.sampled_from(Ciclo),
    ultimo_decaimento_em=instants,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_states=st.lists(states, min_size=1, max_size=40))
async def test_the_statement_says_what_the_pure_function_says(db: Database, given_states: list[DoctorState]) -> None:
    async with db.connection() as driver:
        await driver.execute("TRUNCATE doctor_state, medico CASCADE")
    medicos = await gravar(db, *(um_medico() for _ in given_states))
    names = [field.name for field in fields(DoctorState)]
    rows = [
        um_estado(medico.id or 0, **{name: getattr(state, name) for name in names})
        for medico, state in zip(medicos, given_states, strict=True)
    ]
    await gravar(db, *rows)
    wanted = [judged(state, AGORA) for state in given_states]
    done = await temperatura.cool(db, 0, 2**62, AGORA, aplicar=True)
    assert done.mudadas == sum(after is not before for after, before in zip(wanted, given_states, strict=True))
    [stored] = await db.round_trip(Step(COMO_GRAVADO))
    got = [DoctorState(**{**{n: row[n] for n in names}, "temperatura": float(row["temperatura"])}) for row in stored]
    assert got == wanted


def judged(state: DoctorState, now: datetime) -> DoctorState:
    for event in (Decaimento(now), FimCoolingOff(now), Churn(now)):
        state = apply(state, event)
    return state

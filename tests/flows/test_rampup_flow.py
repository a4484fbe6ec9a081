from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from flows.parametros import Modo
from flows.rampup import raise_shares
from lib import ledger
from lib.db import Database
from lib.domain.chip import EM_USO, Gateway, StatusChip, TipoChip
from lib.models import Chip
from lib.resources import Resources
from tests.builders import AGORA, gravar, um_chip
from tests.queries.fabrica import consulta

HORA = timedelta(hours=1)
VISTO = (
    "SELECT status, status_ator, rampup_parte AS parte, rampup_desde AS desde, reply_only_until AS calado FROM chip"
    " ORDER BY id"
)


def restrito(**over: Any) -> Chip:
    """A chip whose restriction ended a minute ago."""
    row = {
        "status": StatusChip.RESTRICTED,
        "status_anterior": StatusChip.ACTIVE,
        "reply_only_until": AGORA - timedelta(minutes=1),
        "rampup_parte": 25,
    }
    return um_chip(**{**row, **over})


async def parte(db: Database) -> list[tuple[str, int, datetime | None]]:
    return [(row["status"], row["parte"], row["desde"]) for row in await consulta(db, VISTO)]


async def run(resources: Resources, em: datetime = AGORA) -> dict[str, int]:
    """Run once and return what it changed by kind."""
    outcome = (await raise_shares(resources, Modo.APLICAR, em)).outcome
    assert outcome.missing == 0
    assert sum(outcome.kinds.values()) == outcome.changed
    return {kind: n for kind, n in outcome.kinds.items() if n}


async def test_a_restriction_that_is_over_gives_a_quarter_of_the_limits_back(resources: Resources) -> None:
    await gravar(resources.db, restrito())
    assert await run(resources) == {"volta": 1}
    assert await parte(resources.db) == [("active", 25, AGORA)]
    [moved] = await consulta(resources.db, "SELECT de, para, ator, motivo, em FROM chip_transicao")
    assert moved == {
        "de": "restricted", "para": "active", "ator": "fluxo:rampup", "em": AGORA,
        "motivo": "restrição vencida: volta com 25 % dos limites",
    }  # fmt: skip


async def test_one_that_is_not_over_waits(resources: Resources) -> None:
    await gravar(resources.db, restrito(reply_only_until=AGORA + timedelta(seconds=1)))
    assert await run(resources) == {}
    assert await parte(resources.db) == [("restricted", 25, None)]
    assert await run(resources, AGORA + timedelta(seconds=1)) == {"volta": 1}


@pytest.mark.parametrize("antes", [*sorted(EM_USO), None, StatusChip.PAUSED])
async def test_a_chip_returns_to_its_last_work_or_else_to_warm_up(
    resources: Resources, antes: StatusChip | None
) -> None:
    await gravar(resources.db, restrito(status_anterior=antes))
    await run(resources)
    assert await parte(resources.db) == [(antes if antes in EM_USO else "warming", 25, AGORA)]


async def test_the_shares_come_back_in_twelve_hours(resources: Resources) -> None:
    await gravar(resources.db, restrito())
    await run(resources)
    seen = []
    for quarter in range(1, 4 * 13):
        await run(resources, AGORA + quarter * HORA / 4)
        [(_, share, desde)] = await parte(resources.db)
        seen.append((share, desde))
    assert seen == [
        *[(25, AGORA)] * 7,
        *[(50, AGORA)] * 16,
        *[(75, AGORA)] * 24,
        *[(100, None)] * 4,
    ]


@pytest.mark.parametrize(
    ("depois", "share"),
    [
        (timedelta(hours=1, minutes=59), 25),
        (2 * HORA, 50),
        (timedelta(hours=5, minutes=59, seconds=59), 50),
        (6 * HORA, 75),
        (12 * HORA - timedelta(microseconds=1), 75),
        (12 * HORA, 100),
        (90 * HORA, 100),
    ],
)
async def test_a_late_run_goes_straight_to_the_right_share(resources: Resources, depois: timedelta, share: int) -> None:
    await gravar(resources.db, um_chip(rampup_parte=25, rampup_desde=AGORA))
    await run(resources, AGORA + depois)
    assert await parte(resources.db) == [("active", share, None if share == 100 else AGORA)]
    assert await run(resources, AGORA + depois) == {}, "a second run changes nothing"


async def test_a_meta_number_that_is_still_red_stays_restricted_for_another_day(resources: Resources) -> None:
    await gravar(
        resources.db,
        restrito(gateway=Gateway.META, qualidade="RED"),
        restrito(gateway=Gateway.META, qualidade="YELLOW"),
        restrito(gateway=Gateway.EVOLUTION, qualidade="RED"),
    )
    assert await run(resources) == {"segue_restrito": 1, "volta": 2}
    [red, *others] = await consulta(resources.db, VISTO)
    assert red == {
        "status": "restricted", "status_ator": "pessoa", "parte": 25, "desde": None, "calado": AGORA + 24 * HORA,
    }  # fmt: skip
    assert [row["status"] for row in others] == ["active", "active"]
    assert await run(resources) == {}
    await consulta(resources.db, "UPDATE chip SET qualidade = 'GREEN'")
    assert await run(resources, AGORA + 23 * HORA) == {"inteiro": 2}
    assert await run(resources, AGORA + 24 * HORA) == {"volta": 1}


async def test_a_number_that_a_person_put_back_to_work_gets_its_share_by_and_by_too(resources: Resources) -> None:
    await gravar(
        resources.db,
        um_chip(rampup_parte=25, reply_only_until=AGORA + HORA),
        um_chip(rampup_parte=25, reply_only_until=AGORA - HORA),
        um_chip(rampup_parte=25, reply_only_until=AGORA - HORA, status=StatusChip.PAUSED),
        um_chip(rampup_parte=25, reply_only_until=AGORA - HORA, status=StatusChip.BANNED),
        um_chip(rampup_parte=25, rampup_desde=AGORA - HORA, tipo=TipoChip.LISTENER),
    )
    assert await run(resources) == {"volta": 1}
    assert [desde for _, _, desde in await parte(resources.db)] == [None, AGORA, None, None, AGORA - HORA]
    assert await consulta(resources.db, "SELECT * FROM chip_transicao") == []


async def test_a_plan_lists_what_would_be_done_and_writes_nothing(resources: Resources) -> None:
    [um, dois, _] = await gravar(
        resources.db, restrito(), um_chip(rampup_parte=25, rampup_desde=AGORA - 7 * HORA), um_chip()
    )
    planned = await raise_shares(resources, Modo.PLANO, AGORA)
    simulated = await raise_shares(resources, Modo.SIMULAR, AGORA)
    assert planned.plano == (
        {"chip_id": um.id, "passo": "volta", "status": "restricted", "para": "active", "parte": 25},
        {"chip_id": dois.id, "passo": "sobe", "status": "active", "para": "active", "parte": 75},
    )
    assert simulated.plano == ()
    assert [share for _, share, _ in await parte(resources.db)] == [25, 25, 100]
    done = await raise_shares(resources, Modo.APLICAR, AGORA)
    assert planned.outcome == simulated.outcome == done.outcome
    assert (done.outcome.seen, done.outcome.eligible, done.outcome.changed) == (2, 2, 2)


@pytest.mark.parametrize("quantos", [50, 500])
async def test_any_number_of_chips_is_one_statement(resources: Resources, quantos: int) -> None:
    await gravar(resources.db, *(restrito() for _ in range(quantos)))
    with ledger.measure("rampup") as custo:
        done = await raise_shares(resources, Modo.APLICAR, AGORA)
    assert {row["status"] for row in await consulta(resources.db, VISTO)} == {"active"}
    assert done.outcome.kinds == {"volta": quantos}
    assert (custo.statements, custo.round_trips, custo.commits) == (1, 1, 1)


async def test_an_update_that_somebody_swallows_leaves_rows_missing(resources: Resources) -> None:
    await gravar(resources.db, *(restrito() for _ in range(3)))
    await consulta(
        resources.db, "CREATE FUNCTION engole() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )
    await consulta(resources.db, "CREATE TRIGGER t BEFORE UPDATE ON chip FOR EACH ROW EXECUTE FUNCTION engole()")
    done = await raise_shares(resources, Modo.APLICAR, AGORA)
    assert (done.outcome.eligible, done.outcome.changed, done.outcome.missing) == (3, 0, 3)

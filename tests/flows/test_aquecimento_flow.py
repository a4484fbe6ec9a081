from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from flows.aquecimento import advance
from flows.parametros import Modo
from lib import ledger
from lib.db import Database
from lib.domain.aquecimento import PASSOS, Exigencia, Medido, falta
from lib.domain.chip import FaseWarmup, StatusChip, TipoChip
from lib.queries import aquecimento
from lib.resources import Resources
from tests.builders import AGORA, gravar, um_chip
from tests.flows.aquecidos import Aquecido, aquecer, desistir, sorteado
from tests.queries.fabrica import consulta

F, S = FaseWarmup, StatusChip
HORA, DIA = timedelta(hours=1), timedelta(days=1)
PRONTO = Medido(idade=40 * DIA, enviadas=220, recebidas=80, envios=40, respondidas=20, trust=90, bidirecionais=30)


async def fases(db: Database) -> list[str]:
    return [row["fase"] for row in await consulta(db, "SELECT fase FROM chip ORDER BY id")]


async def run(resources: Resources, em: datetime = AGORA) -> tuple[dict[str, int], dict[str, int]]:
    """Run once and return what it changed by kind, and who stays by reason."""
    outcome = (await advance(resources, Modo.APLICAR, em)).outcome
    assert outcome.missing == 0
    return dict(outcome.kinds), dict(outcome.skipped)


@pytest.mark.parametrize("semente", [1, 2, 3])
async def test_the_statement_says_what_the_pure_function_says(resources: Resources, semente: int) -> None:
    sorte = Random(semente)
    drawn = [sorteado(sorte) for _ in range(120)]
    chips = await aquecer(resources.db, *drawn)
    wanted = {
        chip.id: (one.medido, tuple(lacking.exigencia for lacking in falta(one.fase, one.medido)))
        for chip, one in zip(chips, drawn, strict=True)
        if one.fase is not F.OPERACAO or one.status is S.WARMING
    }
    found = await aquecimento.situations(resources.db, AGORA, 1_000)
    assert {one.chip_id: (one.medido, one.faltas) for one in found} == wanted
    assert {one.chip_id for one in found if one.vai} == {id_ for id_, (_, lacking) in wanted.items() if not lacking}
    told = Counter(lacking for _, all_lacking in wanted.values() for lacking in all_lacking)
    assert set(told) == set(Exigencia), "every criterion holds somebody back"
    assert any(not lacking for _, lacking in wanted.values()), "somebody goes on"
    after = [
        one.fase if wanted.get(chip.id, (None, (1,)))[1] or one.fase is F.OPERACAO else PASSOS[one.fase].para
        for chip, one in zip(chips, drawn, strict=True)
    ]
    kinds, skipped = await run(resources)
    assert await fases(resources.db) == after
    assert sum(kinds.values()) + sum(skipped.values()) == len(wanted)
    assert skipped == Counter(f"falta_{lacking[0]}" for _, lacking in wanted.values() if lacking)


async def test_a_failed_attempt_counts_against_the_chip_that_made_it(resources: Resources) -> None:
    um, outro = await aquecer(resources.db, Aquecido(F.SETUP, replace(PRONTO, erros_24h=5)), Aquecido(F.SETUP, PRONTO))
    await desistir(resources.db, um, outro, AGORA - 25 * HORA)
    assert [one.medido.erros_24h for one in await aquecimento.situations(resources.db, AGORA, 9)] == [5, 0]
    await desistir(resources.db, um, outro, AGORA - 23 * HORA)
    assert [one.medido.erros_24h for one in await aquecimento.situations(resources.db, AGORA, 9)] == [6, 0]
    assert await run(resources) == ({"primeiros_contatos": 1}, {"falta_erros_24h": 1})


async def test_a_chip_that_rests_goes_on_after_a_day_connected_without_a_single_message(resources: Resources) -> None:
    await gravar(resources.db, um_chip(fase=F.REPOUSO, status=S.WARMING, aquecimento_desde=AGORA - DIA))
    assert await run(resources, AGORA - timedelta(seconds=1)) == ({}, {"falta_tempo": 1})
    assert await run(resources) == ({"setup": 1}, {})
    [row] = await consulta(resources.db, "SELECT fase, fase_desde, status FROM chip")
    assert row == {"fase": "setup", "fase_desde": AGORA, "status": "warming"}
    assert await run(resources) == ({}, {"falta_tempo": 1})


async def test_days_are_counted_from_the_first_connection_and_a_short_disconnect_restarts_nothing(
    resources: Resources,
) -> None:
    await gravar(resources.db, um_chip(fase=F.REPOUSO, status=S.WARMING, conexao_em=AGORA))
    assert await run(resources, AGORA + HORA) == ({"iniciados": 1}, {})
    await consulta(resources.db, "UPDATE chip SET conectado = false, conexao_em = %s", AGORA + 20 * HORA)
    assert await run(resources, AGORA + 24 * HORA) == ({}, {"falta_desconectado": 1})
    await consulta(resources.db, "UPDATE chip SET conectado = true, conexao_em = %s", AGORA + 24 * HORA)
    assert await run(resources, AGORA + 24 * HORA) == ({"setup": 1}, {})
    assert await consulta(resources.db, "SELECT aquecimento_desde AS desde FROM chip") == [{"desde": AGORA}]


async def test_a_chip_that_never_connected_does_not_begin(resources: Resources) -> None:
    await gravar(resources.db, um_chip(fase=F.REPOUSO, status=S.WARMING, conectado=False, conexao_em=AGORA - 9 * DIA))
    assert await run(resources) == ({}, {"falta_desconectado": 1})
    assert await consulta(resources.db, "SELECT aquecimento_desde AS desde FROM chip") == [{"desde": None}]


async def test_one_phase_a_run_whatever_was_done(resources: Resources) -> None:
    await aquecer(resources.db, Aquecido(F.REPOUSO, PRONTO))
    seen = []
    for hour in range(8):
        await run(resources, AGORA + hour * HORA)
        [row] = await consulta(resources.db, "SELECT fase, status FROM chip")
        seen.append((row["fase"], row["status"]))
    assert seen == [
        *((fase.value, "warming") for fase in list(FaseWarmup)[1:]),
        ("operacao", "ready"),
        ("operacao", "ready"),
    ]
    [moved] = await consulta(resources.db, "SELECT de, para, ator, motivo, em FROM chip_transicao")
    assert moved == {
        "de": "warming", "para": "ready", "ator": "fluxo:aquecimento", "em": AGORA + 6 * HORA,
        "motivo": "aquecimento completo: trust 90 e 40 dias",
    }  # fmt: skip


async def test_into_reserve_goes_who_was_warming_with_trust_and_days(resources: Resources) -> None:
    await aquecer(
        resources.db,
        Aquecido(F.OPERACAO, replace(PRONTO, trust=85, idade=21 * DIA)),
        Aquecido(F.OPERACAO, replace(PRONTO, trust=84)),
        Aquecido(F.OPERACAO, replace(PRONTO, idade=20 * DIA)),
        Aquecido(F.OPERACAO, PRONTO, S.ACTIVE),
    )
    assert await run(resources) == ({"ready": 1}, {"falta_trust": 1, "falta_tempo": 1})
    rows = await consulta(resources.db, "SELECT status FROM chip ORDER BY id")
    assert [row["status"] for row in rows] == ["ready", "warming", "warming", "active"]


@pytest.mark.parametrize("status", StatusChip)
async def test_only_who_is_at_work_goes_on_and_never_a_listener(resources: Resources, status: StatusChip) -> None:
    quiet = {"fase": F.REPOUSO, "status": status, "aquecimento_desde": AGORA - 9 * DIA}
    await gravar(resources.db, um_chip(**quiet), um_chip(**quiet, tipo=TipoChip.LISTENER))
    await run(resources)
    moves = status in {S.WARMING, S.READY, S.ACTIVE}
    assert await fases(resources.db) == ["setup" if moves else "repouso", "repouso"]


async def test_no_message_is_ever_made_up_to_warm_a_number(resources: Resources) -> None:
    chips = await aquecer(resources.db, *(Aquecido(fase, PRONTO) for fase in FaseWarmup))
    count = (
        "SELECT (SELECT count(*) FROM interacao) AS i, (SELECT count(*) FROM outbox) AS o, count(*) AS c FROM conversa"
    )
    before = await consulta(resources.db, count)
    kinds, _ = await run(resources)
    assert sum(kinds.values()) == len(chips)
    assert await consulta(resources.db, count) == before


async def test_a_plan_says_who_goes_on_and_what_the_others_lack_and_writes_nothing(resources: Resources) -> None:
    um, dois = await aquecer(
        resources.db, Aquecido(F.SETUP, PRONTO), Aquecido(F.SETUP, replace(PRONTO, trust=12, idade=5 * HORA))
    )
    planned = await advance(resources, Modo.PLANO, AGORA)
    simulated = await advance(resources, Modo.SIMULAR, AGORA)
    assert planned.plano == (
        {"chip_id": um.id, "fase": "setup", "passo": "primeiros_contatos", "decisao": "avança", "falta": ""},
        {
            "chip_id": dois.id,
            "fase": "setup",
            "passo": "primeiros_contatos",
            "decisao": "fica",
            "falta": "5 de 72 horas; trust: 12 de 50",
        },
    )
    assert await fases(resources.db) == ["setup", "setup"]
    assert planned.outcome == simulated.outcome == (await advance(resources, Modo.APLICAR, AGORA)).outcome


@pytest.mark.parametrize("quantos", [50, 500])
async def test_any_number_of_chips_is_one_statement(resources: Resources, quantos: int) -> None:
    setup = replace(PRONTO, enviadas=25, recebidas=12, envios=20, respondidas=8, bidirecionais=5)
    await aquecer(resources.db, *(Aquecido(F.SETUP, setup) for _ in range(quantos)))
    with ledger.measure("aquecimento") as custo:
        done = await advance(resources, Modo.APLICAR, AGORA)
    assert set(await fases(resources.db)) == {"primeiros_contatos"}
    assert done.outcome.kinds == {"primeiros_contatos": quantos}
    assert (custo.statements, custo.round_trips, custo.commits) == (1, 1, 1)


async def test_an_update_that_somebody_swallows_leaves_rows_missing(resources: Resources) -> None:
    await aquecer(resources.db, Aquecido(F.SETUP, PRONTO))
    await consulta(
        resources.db, "CREATE FUNCTION engole() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )
    await consulta(resources.db, "CREATE TRIGGER t BEFORE UPDATE ON chip FOR EACH ROW EXECUTE FUNCTION engole()")
    done = await advance(resources, Modo.APLICAR, AGORA)
    assert (done.outcome.eligible, done.outcome.changed, done.outcome.missing) == (1, 0, 1)

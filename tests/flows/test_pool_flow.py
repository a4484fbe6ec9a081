"""The care of the pool: chips that rest, come back and are called up, and what people are told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from flows.parametros import Modo
from flows.pool import care, judge
from lib import ledger
from lib.db import Database
from lib.domain.chip import StatusChip, TipoChip
from lib.domain.pool import lugares
from lib.models import Chip, ChipTransicao
from lib.models.fila import OutboxState
from lib.queries import campanha
from lib.resources import Resources
from tests.builders import AGORA, gravar, id_of, um_envio
from tests.queries.fabrica import chip_que_envia, consulta, pessoas, reivindicar

S = StatusChip
MINUTO, HORA = timedelta(minutes=1), timedelta(hours=1)
MUDA = (
    "UPDATE chip SET status = 'banned', status_motivo = 'teste', status_ator = 'gateway:evolution', status_desde = %s"
)


def pontuado(**over: Any) -> Chip:
    """A chip with every permission whose trust was computed."""
    return chip_que_envia(**{"trust_em": AGORA, "conexao_em": AGORA - HORA, **over})


def bons(quantos: int, **over: Any) -> list[Chip]:
    return [pontuado(**over) for _ in range(quantos)]


async def run(resources: Resources, em: datetime = AGORA) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Run once; return what was changed by kind, and what was left for which reason."""
    outcome = (await care(resources, em)).outcome
    assert outcome.missing == 0
    return {kind: n for kind, n in outcome.kinds.items() if n}, dict(outcome.skipped)


async def statuses(db: Database) -> list[str]:
    return [row["status"] for row in await consulta(db, "SELECT status FROM chip ORDER BY id")]


async def avisos(db: Database) -> list[str]:
    rows = await consulta(db, "SELECT split_part(chave, ':', 1) AS causa FROM aviso ORDER BY id")
    return [row["causa"] for row in rows]


async def bane(db: Database, chip: Chip, em: datetime) -> None:
    await consulta(db, MUDA + " WHERE id = %s", em, chip.id)


async def test_a_chip_in_production_rests_below_sixty_and_comes_back_from_sixty_five_on(resources: Resources) -> None:
    db = resources.db
    [chip, *_] = await gravar(db, pontuado(trust_score=60), *bons(6))
    seen = []
    for trust in (60, 59, 60, 64, 65, 60, 59):
        await consulta(db, "UPDATE chip SET trust_score = %s WHERE id = %s", trust, chip.id)
        await run(resources)
        seen.append((await statuses(db))[0])
    assert seen == ["active", "degraded", "degraded", "degraded", "active", "active", "degraded"]
    moves = await consulta(db, "SELECT para, motivo, ator FROM chip_transicao ORDER BY id")
    assert [(row["para"], row["motivo"]) for row in moves] == [
        ("degraded", "trust 59, abaixo de 60"),
        ("active", "trust 65 e conectado"),
        ("degraded", "trust 59, abaixo de 60"),
    ]
    assert {row["ator"] for row in moves} == {"fluxo:cuidar-pool"}


async def test_a_chip_whose_trust_nobody_computed_yet_is_not_judged_by_it(resources: Resources) -> None:
    await gravar(resources.db, pontuado(trust_score=0, trust_em=None), *bons(5))
    await run(resources)
    assert (await statuses(resources.db))[0] == "active"


@pytest.mark.parametrize(("fora", "status"), [(29, "active"), (30, "degraded")])
async def test_a_short_disconnect_changes_no_status_and_a_long_one_lets_the_chip_rest(
    resources: Resources, fora: int, status: str
) -> None:
    db = resources.db
    await gravar(db, pontuado(conectado=False, conexao_em=AGORA - fora * MINUTO), *bons(5))
    await run(resources)
    assert (await statuses(db))[0] == status
    await consulta(db, "UPDATE chip SET conectado = true, conexao_em = %s", AGORA)
    await run(resources, AGORA + MINUTO)
    assert (await statuses(db))[0] == "active", "production again, and not warm-up"


async def test_whom_a_person_put_to_rest_a_person_brings_back(resources: Resources) -> None:
    hand = {"status": S.DEGRADED, "trust_score": 95}
    await gravar(
        resources.db,
        pontuado(**hand, status_ator="pessoa:rita"),
        pontuado(**hand, status_ator="fluxo:rampup"),
        *bons(5),
    )
    await run(resources)
    assert (await statuses(resources.db))[:2] == ["degraded", "active"]


async def test_the_best_of_the_reserve_fill_production_up_and_no_more(resources: Resources) -> None:
    trusts = (86, 99, 84, 90)
    ready = [pontuado(status=S.READY, trust_score=trust) for trust in trusts]
    out = [
        pontuado(status=S.READY, trust_score=99, conectado=False),
        pontuado(status=S.READY, trust_score=99, reply_only_until=AGORA + HORA),
        pontuado(status=S.READY, trust_score=99, tipo=TipoChip.LISTENER),
    ]
    await gravar(resources.db, *ready, *out, *bons(3))
    kinds, skipped = await run(resources)
    assert (kinds["promove"], skipped) == (2, {})
    assert (await statuses(resources.db))[:7] == ["ready", "active", "ready", "active", "ready", "ready", "ready"]
    moves = await consulta(resources.db, "SELECT DISTINCT de, para, motivo FROM chip_transicao")
    assert moves == [{"de": "ready", "para": "active", "motivo": "produção com 3 chips, faltavam 2"}]
    assert "promove" not in (await run(resources))[0], "a second run changes nothing"


async def test_a_deficit_with_nobody_ready_is_told_and_counted(resources: Resources) -> None:
    await gravar(resources.db, *bons(3), pontuado(status=S.READY, trust_score=84))
    kinds, skipped = await run(resources)
    assert (skipped, "promove" in kinds) == ({"sem_chip_pronto": 2}, False)
    assert await avisos(resources.db) == ["pool_reserva", "pool_deficit"]


@pytest.mark.parametrize("ativos", [0, 2, 5, 9, 12])
@pytest.mark.parametrize("trust", [61, 90])
async def test_the_statement_counts_the_places_as_the_domain_does(
    resources: Resources, ativos: int, trust: int
) -> None:
    able = ativos if trust >= 80 else 0
    await gravar(resources.db, *bons(ativos, trust_score=trust), pontuado(status=S.WARMING, trust_score=85))
    outcome = (await judge(resources, Modo.SIMULAR, AGORA)).outcome
    assert outcome.skipped.get("sem_chip_pronto", 0) == lugares(ativos, able + 1, ativos + 1)


@pytest.mark.parametrize(
    "over",
    [
        {"reply_only_until": AGORA + HORA},
        {"pode_prospectar": False},
        {"trust_score": 79},
        {"status": S.DEGRADED, "status_ator": "pessoa:rita"},
        {"conectado": False, "conexao_em": AGORA - HORA, "status": S.WARMING},
    ],
)
async def test_a_chip_that_may_write_to_nobody_first_fills_no_minimum(
    resources: Resources, over: dict[str, Any]
) -> None:
    """Seven at work, of which two may write first: one of the reserve is called up, and nobody is told."""
    await gravar(resources.db, *bons(2), *bons(5, pode_prospectar=False), pontuado(**over))
    await gravar(resources.db, *bons(4, status=S.READY))
    kinds, skipped = await run(resources)
    assert (kinds["promove"], skipped) == (1, {})
    assert await avisos(resources.db) == []


async def test_a_chip_out_for_a_moment_still_fills_its_minimum(resources: Resources) -> None:
    away = {"conectado": False, "conexao_em": AGORA - 29 * MINUTO}
    await gravar(resources.db, *bons(5, **away), *bons(4, status=S.READY))
    assert (await run(resources))[0] == {}


async def test_nobody_takes_the_place_of_a_number_banned_in_the_middle_of_a_campaign(resources: Resources) -> None:
    db = resources.db
    [lost, *_] = await gravar(db, *bons(5))
    await gravar(db, *bons(3, status=S.READY, trust_score=95))
    [pessoa] = await pessoas(db, 1)
    [row] = await gravar(db, um_envio(pessoa.conversa, criada_em=AGORA - HORA))
    await bane(db, lost, AGORA - MINUTO)
    kinds, skipped = await run(resources)
    assert (skipped, "promove" in kinds) == ({"lugar_de_banido": 1}, False)
    assert await avisos(db) == ["pool_lugar_de_banido"]
    await consulta(db, "UPDATE outbox SET state = 'sent' WHERE id = %s", row.id)
    kinds, skipped = await run(resources, AGORA + HORA)
    assert (kinds["promove"], skipped) == (1, {}), "that campaign is over"


@pytest.mark.parametrize("quando", [timedelta(minutes=59), timedelta(minutes=61)])
async def test_two_bans_within_an_hour_stop_campaigns_once_and_only_a_person_lets_them_go_on(
    resources: Resources, quando: timedelta
) -> None:
    db = resources.db
    um, dois, *_ = await gravar(db, *bons(9))
    await bane(db, um, AGORA - quando)
    await bane(db, dois, AGORA - MINUTO)
    kinds, _ = await run(resources)
    if quando > HORA:
        assert "campanhas_pausadas" not in kinds
        return
    assert kinds["campanhas_pausadas"] == 1
    standing = await campanha.get(db, AGORA)
    assert (standing.paradas, standing.por, standing.banidos) == (True, "fluxo:cuidar-pool", 2)
    assert standing.travadas_ate == AGORA - quando + HORA
    [told] = await consulta(db, "SELECT tipo, texto FROM aviso WHERE starts_with(chave, 'campanhas')")
    assert told["tipo"] == "chip_perdido"
    assert um.instancia in told["texto"]
    assert um.telefone not in told["texto"]
    assert "campanhas_pausadas" not in (await run(resources))[0]
    await run(resources, AGORA + 9 * HORA)
    assert (await campanha.get(db, AGORA + 9 * HORA)).paradas, "time alone lets nothing go on"


async def test_what_a_person_let_go_on_is_not_stopped_again_for_the_bans_that_they_knew_of(
    resources: Resources,
) -> None:
    db = resources.db
    um, dois, tres, quatro, *_ = await gravar(db, *bons(9))
    await bane(db, um, AGORA - 5 * MINUTO)
    await bane(db, dois, AGORA - 4 * MINUTO)
    await run(resources)
    await campanha.put(db, paradas=False, por="rita", motivo="números trocados", agora=AGORA)
    await bane(db, tres, AGORA + MINUTO)
    assert "campanhas_pausadas" not in (await run(resources, AGORA + MINUTO))[0]
    await bane(db, quatro, AGORA + 2 * MINUTO)
    assert (await run(resources, AGORA + 3 * MINUTO))[0]["campanhas_pausadas"] == 1
    assert (await avisos(db)).count("campanhas_pausadas") == 2


async def test_one_cause_is_told_once_and_again_when_it_comes_back_after_a_while(resources: Resources) -> None:
    db = resources.db
    await gravar(db, *bons(6), *bons(2, status=S.READY))
    for minutes in (0, 5, 10, 300):
        await run(resources, AGORA + minutes * MINUTO)
        if minutes < 300:
            assert await avisos(db) == ["pool_reserva"]
    assert await avisos(db) == ["pool_reserva", "pool_reserva"], "nobody looked for hours: told anew"
    await run(resources, AGORA + 305 * MINUTO)
    [extra] = await gravar(db, pontuado(status=S.READY))
    await run(resources, AGORA + 310 * MINUTO)
    await consulta(
        db, "UPDATE chip SET status = 'active', status_motivo = 't', status_ator = 'pessoa' WHERE id = %s", extra.id
    )
    await run(resources, AGORA + 315 * MINUTO)
    assert len(await avisos(db)) == 2, "it vanished for five minutes only"
    await gravar(db, pontuado(status=S.READY))
    await run(resources, AGORA + 320 * MINUTO)
    await consulta(db, "UPDATE chip SET conectado = false, conexao_em = %s", AGORA)
    await run(resources, AGORA + 325 * MINUTO)
    assert "pool_minimo_resposta" in await avisos(db), "another cause is another notice"


async def test_a_critical_chip_is_told_once(resources: Resources) -> None:
    await gravar(resources.db, pontuado(trust_score=19), *bons(6), *bons(3, status=S.READY))
    for minutes in (0, 5, 90):
        await run(resources, AGORA + minutes * MINUTO)
    assert await avisos(resources.db) == ["chip_critico"]


async def test_an_empty_pool_says_so_and_tells_nobody(resources: Resources) -> None:
    await gravar(resources.db, pontuado(status=S.BANNED), pontuado(tipo=TipoChip.LISTENER))
    outcome = (await care(resources, AGORA)).outcome
    assert outcome.changed == 0
    assert await avisos(resources.db) == []


async def test_a_plan_lists_each_step_and_writes_nothing(resources: Resources) -> None:
    db = resources.db
    um, dois, tres, *_ = await gravar(
        db, pontuado(trust_score=10), pontuado(status=S.READY), pontuado(status=S.BANNED), *bons(4)
    )
    before = await consulta(db, "SELECT * FROM chip ORDER BY id")
    await pessoas(db, 2, conversa={"chip_id": tres.id, "ultima_entrada_em": AGORA - HORA})
    planned = await judge(resources, Modo.PLANO, AGORA)
    assert planned.plano == (
        {"chip_id": um.id, "decisao": "degrada_trust", "detalhe": "trust 10, abaixo de 60"},
        {"chip_id": dois.id, "decisao": "promove", "detalhe": "produção com 4 chips, faltavam 1"},
        {"chip_id": tres.id, "decisao": "move_conversas", "detalhe": "banido: 2 de 2"},
    )
    assert (await judge(resources, Modo.SIMULAR, AGORA)).plano == ()
    assert await consulta(db, "SELECT * FROM chip ORDER BY id") == before
    assert await avisos(db) == []
    done = (await care(resources, AGORA)).outcome
    assert (planned.outcome.eligible, planned.outcome.changed) == (done.eligible, done.changed) == (4, 4)


@pytest.mark.parametrize("quantos", [50, 500])
async def test_any_number_of_chips_is_a_handful_of_statements_in_three_round_trips(
    resources: Resources, quantos: int
) -> None:
    db = resources.db
    lost = await gravar(db, *bons(quantos, conectado=False, trust_score=79))
    await gravar(db, *bons(5), *bons(quantos, status=S.READY))
    for chip in lost[:20]:
        await pessoas(db, 3, conversa={"chip_id": chip.id, "ultima_entrada_em": AGORA - HORA})
    with ledger.measure("pool") as custo:
        done = await care(resources, AGORA)
    assert (done.outcome.kinds["degrada_fora"], done.outcome.kinds["conversas_movidas"]) == (quantos, 60)
    assert (custo.statements, custo.round_trips) == (6, 3)
    assert custo.names == [
        "-- campanha.stop",
        "-- pool.care",
        "-- pool.cancel",
        "-- pool.move",
        "-- pool.portrait",
        "-- pool.tell",
    ]


async def test_an_update_that_somebody_swallows_leaves_rows_missing(resources: Resources) -> None:
    db = resources.db
    await gravar(db, pontuado(trust_score=10), *bons(5))
    await consulta(db, "CREATE FUNCTION engole() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    await consulta(db, "CREATE TRIGGER t BEFORE UPDATE ON chip FOR EACH ROW EXECUTE FUNCTION engole()")
    done = (await care(resources, AGORA)).outcome
    assert (done.eligible, done.changed, done.missing) == (1, 0, 1)


async def test_uses_are_rolling_counts_of_the_outbox_and_no_column_is_there_to_reset(db: Database) -> None:
    columns = {
        row["column_name"]
        for row in await consulta(
            db,
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'chip'"
            " AND data_type IN ('smallint', 'integer', 'bigint')",
        )
    }
    assert columns == {
        *("id", "rampup_parte", "queda_codigo", "trust_score", "limite_hora", "limite_dia", "delay_minimo_s"),
    }, "identity, shares, scores and limits: nothing that counts up"
    [chip] = await gravar(db, chip_que_envia(limite_dia=1))
    um, dois = await pessoas(db, 2)
    sent = um_envio(um.conversa, chip_id=id_of(chip), state=OutboxState.SENT)
    [sent] = await gravar(db, sent)
    await gravar(db, um_envio(dois.conversa))
    for hours, goes in ((23.9, 0), (24.1, 1)):
        await consulta(db, "UPDATE outbox SET next_at = now() WHERE state = 'pending'")
        await consulta(
            db, "UPDATE outbox SET enviando_em = now() - make_interval(secs => %s) WHERE id = %s", hours * 3600, sent.id
        )
        assert len((await reivindicar(db)).claimed) == goes


async def test_every_step_is_written_down_with_its_reason(resources: Resources) -> None:
    await gravar(resources.db, *bons(4), pontuado(trust_score=3), *bons(2, status=S.READY))
    await run(resources)
    rows = await consulta(resources.db, f"SELECT motivo, em FROM {ChipTransicao.__tablename__}")  # noqa: S608 - our own table
    assert len(rows) == 2
    assert all(row["motivo"] and row["em"] == AGORA for row in rows)

"""What a gateway's events make of a chip: a short drop is a fact, a ban or a restriction is a status."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest

from lib import ledger
from lib.db import Database, Row
from lib.domain.chip import Gateway, StatusChip, TipoChip
from lib.domain.chip_ciclo import RESTRICAO
from lib.providers import zapi_webhook
from lib.usecases.receber import Chegada, Debounce, receber, receber_eventos
from tests.builders import AGORA, gravar, um_chip
from tests.queries.fabrica import consulta

CHIP = "julia-01"
MINUTO, SEGUNDO = timedelta(minutes=1), timedelta(seconds=1)
SEM_PAUSA = Debounce(0, 0)
EM_USO = (StatusChip.WARMING, StatusChip.READY, StatusChip.ACTIVE, StatusChip.DEGRADED)


def evento(nome: str, **data: Any) -> bytes:
    return orjson.dumps({"event": nome, "instance": CHIP, "data": data})


def queda(codigo: int | None) -> bytes:
    return evento("connection.update", instance=CHIP, state="close", statusReason=codigo)


def sessao_fechada(codigo: int) -> bytes:
    return evento("status.instance", instance=CHIP, status="closed", disconnectionReasonCode=codigo)


ABRIU = evento("connection.update", instance=CHIP, state="open", statusReason=200)


async def diz(db: Database, raw: bytes, depois: timedelta = timedelta()) -> None:
    await receber(db, CHIP, raw, AGORA + depois, SEM_PAUSA)


async def da_zapi(db: Database, **body: Any) -> None:
    raw = orjson.dumps({"instanceId": CHIP, **body})
    eventos = zapi_webhook.read(orjson.loads(raw))
    await receber_eventos(db, Chegada("zapi", CHIP, raw, AGORA), eventos, SEM_PAUSA)


async def um(db: Database, status: StatusChip = StatusChip.ACTIVE, **over: Any) -> None:
    await gravar(db, um_chip(instancia=CHIP, status=status, status_desde=AGORA - timedelta(days=9), **over))


async def agora_e(db: Database) -> Row:
    [row] = await consulta(db, "SELECT * FROM chip")
    return row


async def avisos(db: Database) -> list[Row]:
    return await consulta(db, "SELECT tipo, texto FROM aviso ORDER BY id")


@pytest.mark.parametrize("status", [*EM_USO, StatusChip.RESTRICTED])
@pytest.mark.parametrize("codigo", [401, 403, 406])
async def test_a_number_at_work_that_whatsapp_throws_out_is_banned_in_the_round_trip_that_stores_the_event(
    db: Database, status: StatusChip, codigo: int
) -> None:
    await um(db, status)
    with ledger.measure("ban") as custo:
        await diz(db, queda(codigo))
    assert (custo.round_trips, custo.commits) == (1, 1)
    row = await agora_e(db)
    assert (row["status"], row["conectado"], row["queda_codigo"]) == ("banned", False, codigo)
    assert (row["status_ator"], row["status_desde"], row["conexao_em"]) == ("gateway:evolution", AGORA, AGORA)
    [troca] = await consulta(db, "SELECT de, para, ator, motivo, em FROM chip_transicao")
    assert (troca["de"], troca["para"], troca["ator"], troca["em"]) == (status, "banned", "gateway:evolution", AGORA)
    assert f"({codigo})" in troca["motivo"]
    assert [(aviso["tipo"], aviso["texto"].split(" (")[0]) for aviso in await avisos(db)] == [
        ("chip_perdido", "julia-01: número banido")
    ]
    assert await consulta(db, "SELECT tipo FROM inbox") == [{"tipo": "evento"}]


async def test_the_three_events_of_one_ban_ban_once_and_tell_once(db: Database) -> None:
    await um(db)
    for n, raw in enumerate((sessao_fechada(403), evento("logout.instance"), queda(403), queda(403))):
        await diz(db, raw, n * SEGUNDO)
    row = await agora_e(db)
    assert (row["status"], row["queda_codigo"], row["status_desde"], row["conexao_em"]) == ("banned", 403, AGORA, AGORA)
    assert row["conexao_vista_em"] == AGORA + 3 * SEGUNDO
    assert len(await avisos(db)) == 1
    assert len(await consulta(db, "SELECT FROM chip_transicao")) == 1


@pytest.mark.parametrize(
    "status", [StatusChip.PAUSED, StatusChip.CANCELLED, StatusChip.PROVISIONED, StatusChip.PENDING, StatusChip.BANNED]
)
async def test_a_session_that_ends_on_a_number_not_at_work_is_only_a_lost_connection(
    db: Database, status: StatusChip
) -> None:
    await um(db, status)
    await diz(db, queda(401))
    row = await agora_e(db)
    assert (row["status"], row["conectado"], row["queda_codigo"]) == (status, False, 401)
    assert await avisos(db) == []
    assert await consulta(db, "SELECT FROM chip_transicao") == []


@pytest.mark.parametrize("status", [StatusChip.PROVISIONED, StatusChip.PENDING])
@pytest.mark.parametrize("codigo", [403, 406])
async def test_a_code_that_only_a_ban_has_bans_a_number_that_waits_too(
    db: Database, status: StatusChip, codigo: int
) -> None:
    await um(db, status)
    await diz(db, queda(codigo))
    assert (await agora_e(db))["status"] == "banned"


@pytest.mark.parametrize("codigo", [403, 406, 402])
@pytest.mark.parametrize("status", [StatusChip.PAUSED, StatusChip.CANCELLED])
async def test_what_no_gateway_may_change_stays_and_the_event_is_stored_all_the_same(
    db: Database, status: StatusChip, codigo: int
) -> None:
    await um(db, status)
    await diz(db, queda(codigo))
    row = await agora_e(db)
    assert (row["status"], row["conectado"]) == (status, False)
    held = codigo == 402 and status is StatusChip.PAUSED  # it will be at work again
    assert (row["reply_only_until"] is not None) == held
    assert len(await consulta(db, "SELECT FROM inbox")) == 1


@pytest.mark.parametrize("codigo", [None, 428, 440, 500, 515])
@pytest.mark.parametrize("status", [*EM_USO, StatusChip.RESTRICTED, StatusChip.PAUSED])
async def test_a_short_drop_changes_no_status_and_reconnecting_resumes(
    db: Database, status: StatusChip, codigo: int | None
) -> None:
    await um(db, status, aquecimento_desde=AGORA - timedelta(days=40))
    await diz(db, queda(codigo))
    fora = await agora_e(db)
    assert (fora["status"], fora["conectado"], fora["queda_codigo"], fora["conexao_em"]) == (
        *(status, False, codigo, AGORA),
    )
    await diz(db, ABRIU, MINUTO)
    volta = await agora_e(db)
    assert (volta["status"], volta["conectado"], volta["conexao_em"]) == (status, True, AGORA + MINUTO)
    assert (volta["aquecimento_desde"], volta["queda_codigo"]) == (AGORA - timedelta(days=40), codigo)
    assert await consulta(db, "SELECT FROM chip_transicao") == []


@pytest.mark.parametrize("status", EM_USO)
async def test_a_restricted_session_writes_to_nobody_first_for_a_day_and_begins_again_with_a_quarter(
    db: Database, status: StatusChip
) -> None:
    await um(db, status, rampup_desde=AGORA - MINUTO, rampup_parte=75)
    await diz(db, queda(402))
    row = await agora_e(db)
    assert (row["status"], row["status_anterior"], row["conectado"]) == ("restricted", status, False)
    assert (row["reply_only_until"], row["rampup_parte"], row["rampup_desde"]) == (AGORA + RESTRICAO, 25, None)
    [aviso] = await avisos(db)
    assert aviso["tipo"] == "chip_perdido"
    assert "só deixa este número responder" in aviso["texto"]


async def test_a_second_restriction_prolongs_the_first_and_changes_no_status(db: Database) -> None:
    await um(db, StatusChip.RESTRICTED, reply_only_until=AGORA + MINUTO, rampup_parte=50)
    await diz(db, queda(402))
    row = await agora_e(db)
    assert (row["status"], row["reply_only_until"], row["rampup_parte"]) == ("restricted", AGORA + RESTRICAO, 25)
    assert await consulta(db, "SELECT FROM chip_transicao") == []


async def test_a_restriction_never_shortens_a_longer_one(db: Database) -> None:
    await um(db, StatusChip.RESTRICTED, reply_only_until=AGORA + 3 * RESTRICAO)
    await diz(db, queda(402))
    assert (await agora_e(db))["reply_only_until"] == AGORA + 3 * RESTRICAO


async def test_a_provisioned_number_begins_to_warm_up_when_it_connects(db: Database) -> None:
    await um(db, StatusChip.PROVISIONED, conectado=False)
    await diz(db, ABRIU)
    row = await agora_e(db)
    assert (row["status"], row["aquecimento_desde"], row["status_ator"]) == ("warming", AGORA, "gateway:evolution")
    await diz(db, ABRIU, MINUTO)
    again = await agora_e(db)
    assert (again["aquecimento_desde"], again["conexao_em"]) == (AGORA, AGORA)


async def test_an_age_that_is_known_is_kept_when_a_number_connects(db: Database) -> None:
    await um(db, StatusChip.PROVISIONED, conectado=False, aquecimento_desde=AGORA - timedelta(days=3))
    await diz(db, ABRIU)
    assert (await agora_e(db))["aquecimento_desde"] == AGORA - timedelta(days=3)


@pytest.mark.parametrize(
    ("status", "tipo"),
    [
        (StatusChip.PROVISIONED, TipoChip.LISTENER),
        (StatusChip.PENDING, TipoChip.JULIA),
        (StatusChip.PAUSED, TipoChip.JULIA),
        (StatusChip.BANNED, TipoChip.JULIA),
        (StatusChip.CANCELLED, TipoChip.JULIA),
    ],
)
async def test_connecting_sets_nobody_to_work_whom_a_person_has_to(
    db: Database, status: StatusChip, tipo: TipoChip
) -> None:
    await um(db, status, tipo=tipo, conectado=False)
    await diz(db, ABRIU)
    row = await agora_e(db)
    assert (row["status"], row["conectado"]) == (status, True)


async def test_a_reconnect_older_than_the_ban_changes_nothing(db: Database) -> None:
    await um(db)
    await diz(db, queda(403), MINUTO)
    await diz(db, ABRIU)
    row = await agora_e(db)
    assert (row["status"], row["conectado"], row["conexao_em"]) == ("banned", False, AGORA + MINUTO)


async def test_a_ban_older_than_the_reconnect_changes_nothing(db: Database) -> None:
    await um(db, conectado=False)
    await diz(db, ABRIU, MINUTO)
    await diz(db, queda(401))
    row = await agora_e(db)
    assert (row["status"], row["conectado"], row["queda_codigo"]) == ("active", True, None)
    assert await avisos(db) == []


async def test_what_was_only_confirmed_since_is_newer_than_an_older_word(db: Database) -> None:
    await um(db, conexao_em=AGORA - timedelta(hours=5))
    await diz(db, ABRIU, MINUTO)
    await diz(db, queda(428))
    row = await agora_e(db)
    assert (row["conectado"], row["conexao_em"]) == (True, AGORA - timedelta(hours=5))


async def test_an_outage_begins_once_however_often_it_is_told(db: Database) -> None:
    await um(db)
    for n in range(3):
        await diz(db, queda(428), n * MINUTO)
    row = await agora_e(db)
    assert (row["conexao_em"], row["conexao_vista_em"]) == (AGORA, AGORA + 2 * MINUTO)


async def test_a_person_who_pauses_while_the_ban_arrives_is_not_overruled_by_what_was_true_before(db: Database) -> None:
    """The event waits for the pause to commit, and judges the chip that it then finds."""
    await um(db)
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with db.connection() as pessoa, asyncio.timeout(5), pessoa.transaction():
        await pessoa.execute("UPDATE chip SET status = 'paused', status_motivo = 'saída', status_ator = 'pessoa:rita'")
        chegando = asyncio.create_task(diz(db, queda(401)))
        while not await consulta(db, waiting):  # noqa: ASYNC110 - what is waited for happens in the database
            await asyncio.sleep(0.01)
    await chegando
    row = await agora_e(db)
    assert (row["status"], row["conectado"]) == ("paused", False)
    assert await avisos(db) == []


async def test_a_ban_waits_for_a_send_under_way_and_does_not_block_it(db: Database) -> None:
    """A claim holds the lock of all sends and writes rows that refer to the chip, while the ban has the chip's row."""
    await um(db)
    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory'"
    async with db.connection() as envio, asyncio.timeout(5), envio.transaction():
        await envio.execute("SELECT pg_advisory_xact_lock(hashtext('agente.envio'))")
        chegando = asyncio.create_task(diz(db, queda(403)))
        while not await consulta(db, waiting):  # noqa: ASYNC110 - what is waited for happens in the database
            await asyncio.sleep(0.01)
        await envio.execute("INSERT INTO disjuntor (chip_id, gateway, em) SELECT id, gateway, now() FROM chip")
    await chegando
    assert (await agora_e(db))["status"] == "banned"


async def test_many_who_tell_of_one_ban_at_once_ban_once(db: Database) -> None:
    await um(db)
    await asyncio.gather(*(diz(db, queda(403), n * SEGUNDO) for n in range(8)))
    assert (await agora_e(db))["status"] == "banned"
    assert len(await consulta(db, "SELECT FROM chip_transicao")) == len(await avisos(db)) == 1


@pytest.mark.parametrize(
    ("erro", "status"),
    [
        ("Device has been disconnected", "active"),
        ("The number was banned by WhatsApp", "banned"),
        ("Número bloqueado", "banned"),
        ("Account temporarily banned", "restricted"),
        ("Your account is restricted", "restricted"),
        (None, "active"),
    ],
)
async def test_z_api_tells_a_lost_number_in_words(db: Database, erro: str | None, status: str) -> None:
    await um(db, gateway=Gateway.ZAPI)
    await da_zapi(db, type="DisconnectedCallback", disconnected=True, momment=1_580_163_342, error=erro)
    row = await agora_e(db)
    assert (row["status"], row["conectado"], row["queda_codigo"]) == (status, False, None)


async def test_a_gateway_speaks_of_its_own_numbers_alone(db: Database) -> None:
    await um(db, gateway=Gateway.META)
    with pytest.raises(Exception, match=CHIP):
        await diz(db, queda(403))
    assert (await agora_e(db))["status"] == "active"

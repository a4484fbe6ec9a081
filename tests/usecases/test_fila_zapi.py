"""Z-API's queue after a reconnect: what is old is taken out, told once, and never sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import respx
from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.chip import Gateway, StatusChip
from lib.http import HttpPool, Upstream
from lib.models import Chip
from lib.models.conversa import Entrega
from lib.providers.zapi import Zapi
from lib.usecases.fila_zapi import look_through
from tests.builders import AGORA, gravar, id_of, um_chip, um_medico, uma_conversa, uma_saida

pytestmark = pytest.mark.anyio

BASE = "https://zapi.test"
MINUTO = timedelta(minutes=1)


@pytest.fixture
async def zapi() -> AsyncIterator[Zapi]:
    pool = HttpPool({"zapi": Upstream("zapi", BASE)})
    yield Zapi(pool.get_http_client("zapi"), "conta", {"z1": "t1", "z2": "t2"}, 2.0)
    await pool.close_http_client()


async def um_chip_zapi(db: Database, instancia: str = "z1", **over: Any) -> Chip:
    row = {"gateway": Gateway.ZAPI, "conectado": True, "conexao_em": AGORA - MINUTO, **over}
    [chip] = await gravar(db, um_chip(instancia=instancia, **row))
    return chip


async def mensagens(db: Database, chip: Chip, entregas: dict[str, Entrega]) -> None:
    [medico] = await gravar(db, um_medico())
    [conversa] = await gravar(db, uma_conversa(id_of(medico), chip_id=id_of(chip)))
    sent = [
        uma_saida(conversa, AGORA - 20 * MINUTO, provider_msg_id=msg_id, entrega=entrega)
        for msg_id, entrega in entregas.items()
    ]
    await gravar(db, *sent)


def queued(msg_id: str, em: datetime | None) -> dict[str, Any]:
    created = None if em is None else int(em.timestamp() * 1000)
    return {
        "ZaapId": f"zaap-{msg_id}",
        "MessageId": msg_id,
        "Phone": "5511900001001",
        "Message": "",
        "Created": created,
    }


def queue_of(*rows: dict[str, Any], instancia: str = "z1") -> respx.Route:
    token = f"t{instancia[1:]}"
    return respx.get(f"{BASE}/instances/{instancia}/token/{token}/queue").respond(json=list(rows))


def deletions(status: int = 204, instancia: str = "z1") -> respx.Route:
    return respx.delete(url__regex=rf"{BASE}/instances/{instancia}/token/t\d/queue/.+").respond(status, json={})


async def seen(db: Database, sql: str) -> list[Row]:
    [rows] = await db.round_trip(Step(text(sql)))
    return rows


async def entregas(db: Database) -> dict[str, str]:
    return {row["provider_msg_id"]: row["entrega"] for row in await seen(db, "SELECT * FROM interacao")}


@respx.mock
async def test_what_is_older_than_ten_minutes_leaves_the_queue_as_failed_and_is_told_once(
    db: Database, zapi: Zapi
) -> None:
    chip = await um_chip_zapi(db)
    await mensagens(db, chip, {"velha": Entrega.ENVIADA, "nova": Entrega.ENVIADA, "lida": Entrega.LIDA})
    queue_of(
        queued("velha", AGORA - 11 * MINUTO),
        queued("nova", AGORA - 9 * MINUTO),
        queued("lida", AGORA - 12 * MINUTO),
        queued("sem hora", None),
    )
    gone = deletions()
    assert await look_through(db, zapi, AGORA) == 2
    assert [str(call.request.url).rpartition("/")[2] for call in gone.calls] == ["zaap-velha", "zaap-lida"]
    assert await entregas(db) == {"velha": "falhou", "nova": "enviada", "lida": "lida"}
    [aviso] = await seen(db, "SELECT * FROM aviso")
    assert aviso["tipo"] == "entrega"
    assert "2 mensagem" in aviso["texto"]
    [row] = await seen(db, "SELECT fila_conferida_em FROM chip")
    assert row["fila_conferida_em"] == AGORA


@respx.mock
async def test_a_queue_is_looked_through_once_a_connection(db: Database, zapi: Zapi) -> None:
    await um_chip_zapi(db)
    listing = queue_of()
    for _ in range(2):
        assert await look_through(db, zapi, AGORA) == 0
    assert listing.call_count == 1
    await db.round_trip(Step(text("UPDATE chip SET conexao_em = :em"), {"em": AGORA + MINUTO}, writes=True))
    await look_through(db, zapi, AGORA + 2 * MINUTO)
    assert listing.call_count == 2
    assert not await seen(db, "SELECT id FROM aviso")


@respx.mock
async def test_while_the_phone_is_away_its_queue_is_looked_through_every_minute(db: Database, zapi: Zapi) -> None:
    await um_chip_zapi(db, conectado=False)
    listing = queue_of()
    for seconds in (0, 30, 61, 90, 130):
        await look_through(db, zapi, AGORA + timedelta(seconds=seconds))
    assert listing.call_count == 3


@respx.mock
async def test_only_chips_of_this_gateway_that_are_in_use_are_asked(db: Database, zapi: Zapi) -> None:
    await gravar(db, um_chip(gateway=Gateway.EVOLUTION), um_chip(gateway=Gateway.META))
    await um_chip_zapi(db, "z1", status=StatusChip.BANNED)
    assert await look_through(db, zapi, AGORA) == 0
    assert not respx.calls


@respx.mock
async def test_a_queue_that_cannot_be_read_is_tried_again_and_stops_no_other(db: Database, zapi: Zapi) -> None:
    await um_chip_zapi(db, "z1")
    await um_chip_zapi(db, "z2")
    await um_chip_zapi(db, "z-sem-token")
    respx.get(f"{BASE}/instances/z1/token/t1/queue").mock(side_effect=httpx.ReadTimeout("x"))
    queue_of(instancia="z2")
    await look_through(db, zapi, AGORA)
    rows = await seen(db, "SELECT instancia FROM chip WHERE fila_conferida_em IS NULL ORDER BY id")
    assert [row["instancia"] for row in rows] == ["z1", "z-sem-token"]


@respx.mock
async def test_what_was_deleted_is_known_to_have_failed_even_if_the_process_dies_before_the_next(
    db: Database, zapi: Zapi
) -> None:
    chip = await um_chip_zapi(db)
    await mensagens(db, chip, {"a": Entrega.ENVIADA, "b": Entrega.ENVIADA})
    queue_of(queued("a", AGORA - 11 * MINUTO), queued("b", AGORA - 11 * MINUTO))
    respx.delete(url__regex=r".*/queue/zaap-a").respond(204)
    respx.delete(url__regex=r".*/queue/zaap-b").mock(side_effect=MemoryError)
    with pytest.raises(MemoryError):
        await look_through(db, zapi, AGORA)
    assert await entregas(db) == {"a": "falhou", "b": "enviada"}


@respx.mock
async def test_what_was_deleted_before_a_failure_is_recorded_all_the_same(db: Database, zapi: Zapi) -> None:
    chip = await um_chip_zapi(db)
    await mensagens(db, chip, {"a": Entrega.ENVIADA, "b": Entrega.ENVIADA})
    queue_of(queued("a", AGORA - 11 * MINUTO), queued("b", AGORA - 11 * MINUTO))
    route = respx.delete(url__regex=r".*/queue/.+")
    route.side_effect = [httpx.Response(204), httpx.Response(503), httpx.Response(204), httpx.Response(204)]
    assert await look_through(db, zapi, AGORA) == 1
    assert await entregas(db) == {"a": "falhou", "b": "enviada"}
    assert await look_through(db, zapi, AGORA + MINUTO) == 2
    assert await entregas(db) == {"a": "falhou", "b": "falhou"}
    assert len(await seen(db, "SELECT id FROM aviso")) == 1

"""The pause stops every send at once and loses none; reminders keep their hour and hold nobody back (D20, D26)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lib.db import Database
from lib.domain.chip import TipoEnvio
from lib.models.conversa import Controle
from lib.queries import envio_desfecho, pausa
from lib.usecases.pausar import pausar, retomar
from tests.builders import gravar, um_envio
from tests.queries.fabrica import (
    agora,
    chega,
    chip_que_envia,
    commit,
    consulta,
    ingerir,
    pessoas,
    reivindicar,
    reivindicar_turnos,
    resposta,
    um_turno,
    uma_parada,
)

pytestmark = pytest.mark.anyio
LEMBRETE = {"tipo": TipoEnvio.LEMBRETE, "proativa": False, "prioridade": 10}


@pytest.fixture
async def outro(pg_url: str) -> AsyncIterator[Database]:
    """A second process's connections."""
    database = Database.open(pg_url, size=16, name="outro", wait_s=30)
    yield database
    await database.close()


async def test_a_pause_stops_even_the_opt_outs_answer_moves_nothing_and_ends_at_once(db: Database) -> None:
    await gravar(db, chip_que_envia())
    people = await pessoas(db, 4)
    await gravar(
        db,
        resposta(people[0]),
        resposta(people[1], isenta_optout=True),
        um_envio(people[2].conversa),
        um_envio(people[3].conversa, **LEMBRETE),
    )
    before = await consulta(db, "SELECT id, state, next_at, motivo, claim FROM outbox ORDER BY id")
    await pausar(db, "ana", "número em revisão", agora())
    judged = await reivindicar(db)
    assert (judged.claimed, judged.blocked, judged.deferred) == ([], [], 0)
    assert await consulta(db, "SELECT id, state, next_at, motivo, claim FROM outbox ORDER BY id") == before
    read = await pausa.get(db)
    assert (read.ativa, read.por, read.motivo, read.na_fila) == (True, "ana", "número em revisão", 4)
    await pausar(db, "caio", None, agora())
    assert await pausa.get(db) == read, "pausing again without a reason must not lose the first one's"
    await pausar(db, "caio", "chip bloqueado", agora())
    again = await pausa.get(db)
    assert (again.por, again.motivo) == ("caio", "chip bloqueado")
    await retomar(db, "bia", agora())
    assert len((await reivindicar(db)).claimed) == 4
    assert (await pausa.get(db)).ativa is False


@pytest.mark.parametrize(
    ("valor", "parado"),
    [("true", True), ('{"ativo": true}', True), ('{"ativo": false}', False), ("false", False), ("null", False),
     ("[1]", False), ('"sim"', False)],
)  # fmt: skip
async def test_the_switch_is_read_in_every_form(db: Database, valor: str, parado: bool) -> None:
    await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    await gravar(db, resposta(pessoa))
    await consulta(db, "INSERT INTO flag (chave, valor) VALUES ('pausa', CAST(%s AS jsonb))", valor)
    assert len((await reivindicar(db)).claimed) == (0 if parado else 1)
    assert (await pausa.get(db)).ativa is parado


async def test_no_send_begins_once_the_pause_has_been_acknowledged(db: Database, outro: Database) -> None:
    await gravar(db, chip_que_envia())
    for _ in range(20):
        people = await pessoas(db, 8)
        await gravar(db, *(resposta(pessoa) for pessoa in people))
        acknowledged: list[datetime] = []

        async def para(acknowledged: list[datetime] = acknowledged) -> None:
            await pausar(outro, "ana", None, agora())
            acknowledged.append((await consulta(db, "SELECT clock_timestamp() AS em"))[0]["em"])

        claims = [reivindicar(outro, 2) for _ in range(8)]
        await asyncio.gather(*claims[:4], para(), *claims[4:])
        late = await consulta(
            db, "SELECT count(*) AS n FROM outbox WHERE state = 'sending' AND enviando_em > %s", acknowledged[0]
        )
        assert late == [{"n": 0}]
        held = len(await consulta(db, "SELECT 1 FROM outbox WHERE state = 'pending'"))
        await retomar(db, "ana", agora())
        assert len((await reivindicar(db)).claimed) == held
        await consulta(db, "UPDATE outbox SET state = 'sent'")


async def test_i4_after_a_pause_a_cold_message_waits_until_what_the_doctor_wrote_is_read(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    await gravar(db, um_envio(pessoa.conversa))
    await pausar(db, "ana", None, agora())
    await ingerir(db, chega(chip.instancia, str(pessoa.medico.telefone), "M1", "SAIR"))
    await retomar(db, "ana", agora())
    assert [row["bloqueio"] for row in (await reivindicar(db)).blocked] == ["por_ler"]
    [row] = await reivindicar_turnos(db)
    await consulta(db, "UPDATE outbox SET next_at = now() WHERE state = 'pending'")
    assert (await reivindicar(db)).claimed == []  # while it is being thought, too
    assert await commit(db, uma_parada(row, cause="optout:1"))
    await consulta(db, "UPDATE outbox SET next_at = now() WHERE state = 'pending'")
    assert [row["cause"] for row in (await reivindicar(db)).claimed] == ["optout:1"]


async def test_no_turn_begins_while_paused_and_what_is_due_stays_due(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    await ingerir(db, chega(chip.instancia, str(pessoa.medico.telefone), "M1"))
    before = await consulta(db, "SELECT * FROM mailbox")
    await pausar(db, "ana", None, agora())
    assert await reivindicar_turnos(db) == []
    assert await consulta(db, "SELECT * FROM mailbox") == before
    await retomar(db, "ana", agora())
    assert len(await reivindicar_turnos(db)) == 1


@pytest.mark.parametrize("endereco", ["+5511900010001", "201000000001001@lid"])
async def test_the_gateways_word_is_evidence_however_it_names_the_doctor(db: Database, endereco: str) -> None:
    [chip] = await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    await consulta(db, "UPDATE medico SET telefone = '+5511900010001', lid = '201000000001001'")
    [sent] = await gravar(db, resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    await envio_desfecho.mark_unknown(db, row["id"], row["fence"], "teste", 0)
    await consulta(
        db,
        "INSERT INTO inbox (source, chip_id, provider_msg_id, tipo, body_hash, endereco, raw)"
        " VALUES ('evolution', %s, 'P1', 'eco', %s, %s, '')",
        chip.id, sent.body_hash, endereco,
    )  # fmt: skip
    assert await envio_desfecho.reap_and_match(db, 0) == [(row["id"], "P1")]


async def test_a_cold_message_goes_when_what_was_written_is_read_and_no_stop(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    await gravar(db, um_envio(pessoa.conversa))
    await ingerir(db, chega(chip.instancia, str(pessoa.medico.telefone), "M1", "bom dia"))
    [row] = await reivindicar_turnos(db)
    assert await commit(db, um_turno(row))
    assert len((await reivindicar(db)).claimed) == 1


async def test_d26_a_reminder_keeps_its_hour_and_counts_in_no_cap(db: Database) -> None:
    await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    fechado = {"": agora() + timedelta(hours=9), "SP": agora() + timedelta(hours=9)}
    await gravar(db, *(um_envio(pessoa.conversa, state="sent", enviando_em=agora()) for _ in range(5)))
    depois, ja = await gravar(
        db,
        um_envio(pessoa.conversa, **LEMBRETE, next_at=agora() + timedelta(days=3)),
        um_envio(pessoa.conversa, **LEMBRETE),
    )
    judged = await reivindicar(db, proximas=fechado)
    assert [row["id"] for row in judged.claimed] == [ja.id]
    assert await consulta(db, "SELECT state FROM outbox WHERE id = %s", depois.id) == [{"state": "pending"}]


async def test_d26_a_reminder_for_later_holds_nobody_back_and_one_that_is_due_waits_its_turn(db: Database) -> None:
    await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    lembrete, frio, primeira, segunda = await gravar(
        db,
        um_envio(pessoa.conversa, **LEMBRETE, next_at=agora() + timedelta(days=1)),
        um_envio(pessoa.conversa),
        resposta(pessoa),
        resposta(pessoa),
    )
    order = []
    for n in range(4):
        if n == 1:
            await consulta(db, "UPDATE outbox SET next_at = now() WHERE tipo = 'lembrete'")
        [row] = (await reivindicar(db)).claimed
        order.append(row["id"])
        proxima = await envio_desfecho.mark_sent(db, [(row["id"], row["fence"], f"P{row['id']}")], 0)
        assert (proxima is None) is (n == 3)
    assert order == [primeira.id, segunda.id, lembrete.id, frio.id]


async def test_d26_an_opt_out_cancels_a_reminder_and_a_person_puts_it_off(db: Database) -> None:
    await gravar(db, chip_que_envia())
    [saiu] = await pessoas(db, 1, estado={"permissao": "opted_out"})
    [humano] = await pessoas(db, 1, conversa={"controle": Controle.HUMANO})
    await gravar(db, um_envio(saiu.conversa, **LEMBRETE), um_envio(humano.conversa, **LEMBRETE))
    judged = await reivindicar(db)
    assert {(row["bloqueio"], row["state"]) for row in judged.blocked} == {
        ("opted_out", "cancelled"),
        ("controle_humano", "pending"),
    }


async def test_receipts_of_two_fragments_say_when_the_next_is_due(db: Database) -> None:
    await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    em = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    await gravar(db, resposta(pessoa), resposta(pessoa, next_at=em))
    [row] = (await reivindicar(db)).claimed
    assert await envio_desfecho.mark_sent(db, [(row["id"], row["fence"], "P1")], 0) == em


async def test_i4_after_a_pause_nothing_queued_goes_out_before_an_explicit_stop_is_read(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    await gravar(db, resposta(pessoa), resposta(pessoa, tipo="lembrete"))
    stop = replace(chega(chip.instancia, str(pessoa.medico.telefone), "P1", "PARAR"), parada=True)
    await ingerir(db, replace(stop, conteudo={"parada": True}))
    judged = await reivindicar(db)
    assert (judged.claimed, [row["bloqueio"] for row in judged.blocked]) == ([], ["por_ler"])
    [row] = await reivindicar_turnos(db)
    assert await commit(db, uma_parada(row, cause="optout:P1"))
    assert [row["cause"] for row in (await reivindicar(db)).claimed] == ["optout:P1"]

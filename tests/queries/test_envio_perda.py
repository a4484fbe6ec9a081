"""A number that WhatsApp restricts or bans: cold messages stop, answers go on, and nothing bursts onto the others."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lib.db import Database
from lib.domain.chip import StatusChip, TipoEnvio
from lib.domain.evento import EfeitoRecibo
from lib.models import Chip
from lib.queries import entrada
from lib.queries.entrada import NewEffect
from tests.builders import gravar, um_envio
from tests.queries.fabrica import agora, chip_que_envia, consulta, pessoas, reivindicar, resposta

MUDA = "UPDATE chip SET status = %s, status_motivo = 'teste', status_ator = 'gateway:evolution' WHERE id = %s"


async def restringe(db: Database, chip: Chip) -> None:
    effect = NewEffect("evolution", chip.instancia, EfeitoRecibo.CHIP_RESTRITO, msg_id="3EB0", status="ERROR")
    await entrada.apply_effects(db, [effect], agora())


async def motivos(db: Database) -> list[tuple[str, str | None]]:
    rows = await consulta(db, "SELECT state, motivo FROM outbox ORDER BY id")
    return [(row["state"], row["motivo"]) for row in rows]


async def test_a_reach_out_lock_makes_the_chip_answer_only_for_a_day(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    um, dois = await pessoas(db, 2, conversa={"chip_id": chip.id})
    await restringe(db, chip)
    [row] = await consulta(
        db,
        "SELECT status, status_anterior, rampup_parte, conectado,"
        " reply_only_until - now() BETWEEN '23 h 59 min' AND '24 h' AS um_dia FROM chip",
    )
    assert row == {
        "status": "restricted", "status_anterior": "active", "rampup_parte": 25, "conectado": True, "um_dia": True,
    }  # fmt: skip
    await gravar(db, resposta(um), um_envio(dois.conversa))
    judged = await reivindicar(db)
    assert [row["conversation_id"] for row in judged.claimed] == [um.conversa_id]
    [told] = await consulta(db, "SELECT tipo, texto FROM aviso")
    assert (told["tipo"], chip.instancia in told["texto"]) == ("chip_perdido", True)
    [moved] = await consulta(db, "SELECT de, para, ator FROM chip_transicao")
    assert moved == {"de": "active", "para": "restricted", "ator": "gateway:evolution"}


async def test_a_second_word_of_it_tells_nobody_again_and_lasts_longer(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    await restringe(db, chip)
    await consulta(db, "UPDATE chip SET reply_only_until = now() + interval '1 hour'")
    await restringe(db, chip)
    [row] = await consulta(db, "SELECT reply_only_until > now() + interval '23 hours' AS longe FROM chip")
    assert row == {"longe": True}
    assert await consulta(db, "SELECT count(*) AS n FROM aviso") == [{"n": 1}]
    assert await consulta(db, "SELECT count(*) AS n FROM chip_transicao") == [{"n": 1}]


@pytest.mark.parametrize("status", [StatusChip.PAUSED, StatusChip.BANNED, StatusChip.PROVISIONED])
async def test_a_chip_that_is_not_at_work_keeps_its_status_and_still_writes_to_nobody_first(
    db: Database, status: StatusChip
) -> None:
    [chip] = await gravar(db, chip_que_envia(status=status))
    await restringe(db, chip)
    assert await consulta(db, "SELECT status, reply_only_until > now() AS calado FROM chip") == [
        {"status": status.value, "calado": True}
    ]


async def test_what_waits_for_a_restricted_number_waits_for_it_and_not_for_the_others(db: Database) -> None:
    meu, _outro = await gravar(db, chip_que_envia(), chip_que_envia())
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": meu.id})
    await gravar(db, um_envio(pessoa.conversa, criada_em=agora() - timedelta(minutes=1)))
    await restringe(db, meu)
    judged = await reivindicar(db)
    assert [row["bloqueio"] for row in judged.blocked] == ["chip_restrito"]
    waits = "SELECT state, next_at = k.reply_only_until AS espera FROM outbox o, chip k WHERE k.id = %s"
    [row] = await consulta(db, waits, meu.id)
    assert row == {"state": "pending", "espera": True}


async def test_what_was_queued_for_a_banned_number_is_said_by_no_other_one(db: Database) -> None:
    meu, outro = await gravar(db, chip_que_envia(), chip_que_envia())
    um, dois, tres = await pessoas(db, 3, conversa={"chip_id": meu.id})
    antes = agora() - timedelta(minutes=1)
    await gravar(
        db, um_envio(um.conversa, criada_em=antes), um_envio(dois.conversa, criada_em=antes, tipo=TipoEnvio.FOLLOWUP)
    )
    await gravar(db, resposta(tres, criada_em=antes))
    await consulta(db, MUDA, "banned", meu.id)
    judged = await reivindicar(db)
    assert {row["bloqueio"] for row in judged.blocked} == {"chip_banido"}
    assert [row["instancia"] for row in judged.claimed] == [outro.instancia], "who wrote to us gets an answer"
    assert await motivos(db) == [("cancelled", "chip_banido"), ("cancelled", "chip_banido"), ("sending", None)]


async def test_what_is_queued_after_a_ban_may_go_by_another_number(db: Database) -> None:
    meu, outro = await gravar(db, chip_que_envia(), chip_que_envia())
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": meu.id})
    await consulta(db, MUDA, "banned", meu.id)
    await consulta(db, "UPDATE chip SET status_desde = now() - interval '90 days' WHERE id = %s", meu.id)
    await gravar(db, um_envio(pessoa.conversa))
    [row] = (await reivindicar(db)).claimed
    assert row["instancia"] == outro.instancia


async def test_two_bans_within_an_hour_stop_first_contacts_at_once_and_nothing_else(db: Database) -> None:
    perdidos = await gravar(db, chip_que_envia(), chip_que_envia())
    await gravar(db, chip_que_envia())
    todas = await pessoas(db, 3)
    await consulta(db, MUDA, "banned", perdidos[0].id)
    await gravar(db, um_envio(todas[0].conversa))
    assert len((await reivindicar(db)).claimed) == 1, "one is no pattern"
    await consulta(db, MUDA, "banned", perdidos[1].id)
    await gravar(db, um_envio(todas[1].conversa), um_envio(todas[2].conversa, tipo=TipoEnvio.FOLLOWUP))
    judged = await reivindicar(db)
    assert [row["bloqueio"] for row in judged.blocked] == ["campanhas_pausadas"]
    assert len(judged.claimed) == 1
    await consulta(db, "UPDATE chip_transicao SET em = em - interval '61 minutes'")
    await consulta(db, "UPDATE outbox SET next_at = now()")
    assert len((await reivindicar(db)).claimed) == 1


async def test_a_persons_or_a_flows_stop_of_campaigns_holds_until_it_is_lifted(db: Database) -> None:
    await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    await gravar(db, um_envio(pessoa.conversa))
    await consulta(db, """INSERT INTO flag (chave, valor) VALUES ('campanhas', '{"ativo": false}')""")
    assert [row["bloqueio"] for row in (await reivindicar(db)).blocked] == ["campanhas_pausadas"]
    await consulta(db, """UPDATE flag SET valor = '{"ativo": true}'""")
    await consulta(db, "UPDATE outbox SET next_at = now()")
    assert len((await reivindicar(db)).claimed) == 1


async def test_a_person_lets_first_contacts_go_on_after_bans_at_once(db: Database) -> None:
    perdidos = await gravar(db, chip_que_envia(), chip_que_envia())
    await gravar(db, chip_que_envia())
    um, dois = await pessoas(db, 2)
    for chip in perdidos:
        await consulta(db, MUDA, "banned", chip.id)
    await gravar(db, um_envio(um.conversa))
    assert [row["bloqueio"] for row in (await reivindicar(db)).blocked] == ["campanhas_pausadas"]
    await consulta(db, """INSERT INTO flag (chave, valor) VALUES ('campanhas', '{"ativo": true}')""")
    await gravar(db, um_envio(dois.conversa))
    assert len((await reivindicar(db)).claimed) == 1

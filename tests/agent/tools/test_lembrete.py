"""Reminders: the right hour, once, for this doctor alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lib.agent.tools.lembrete import MAX_ABERTOS
from lib.db import Database
from tests.agent.tools.oficina import cerca_perdida, contagem, lido, linhas, um_turno, usar
from tests.builders import AGORA


async def test_a_reminder_waits_in_the_outbox_for_the_hour_that_was_said(db: Database) -> None:
    contexto = await um_turno(db)
    answer = lido(await usar(contexto, "agendar_lembrete", quando="quinta às 19h", assunto="responder sobre a escala."))
    assert answer["agendado_para"] == "quinta-feira, 12/03, às 19h"
    assert answer["hora_foi_dita"] is True
    [row] = await linhas(db, "outbox")
    assert row["next_at"] == datetime(2026, 3, 12, 22, tzinfo=UTC)
    assert row["body"] == "Oi! Você me pediu um lembrete: responder sobre a escala."
    assert (row["tipo"], row["proativa"], row["state"], row["turn_id"]) == ("lembrete", False, "pending", None)
    assert (row["conversation_id"], row["medico_id"]) == (contexto.conversation_id, contexto.medico_id)
    assert row["cause"].startswith(f"lembrete:{contexto.cause}:")


async def test_an_hour_that_was_not_said_is_told_as_ours(db: Database) -> None:
    answer = lido(await usar(await um_turno(db), "agendar_lembrete", quando="amanhã", assunto="ver a escala"))
    assert (answer["agendado_para"], answer["hora_foi_dita"]) == ("amanhã, quarta-feira, 11/03, às 9h", False)


async def test_a_recomputed_turn_schedules_it_once_and_answers_the_same(db: Database) -> None:
    contexto = await um_turno(db)
    first = await usar(contexto, "agendar_lembrete", quando="amanhã às 9", assunto="ver a escala")
    later = replace(contexto, agora=AGORA + timedelta(minutes=3))
    again = await usar(later, "agendar_lembrete", quando="2026-03-11 09:00", assunto="Ver a escala!")
    assert first == again
    assert (await contagem(db))["outbox"] == 1


async def test_another_message_may_ask_for_the_same_again(db: Database) -> None:
    contexto = await um_turno(db)
    for cause in ("turno:1", "turno:2"):
        lido(await usar(replace(contexto, cause=cause), "agendar_lembrete", quando="amanhã às 9", assunto="escala"))
    assert (await contagem(db))["outbox"] == 2


async def test_a_lost_fence_schedules_nothing(db: Database) -> None:
    contexto = await um_turno(db)
    result = await usar(cerca_perdida(contexto), "agendar_lembrete", quando="amanhã às 9", assunto="ver a escala")
    assert result.erro
    assert set((await contagem(db)).values()) == {0}


async def test_a_doctor_has_so_many_open_reminders_at_most(db: Database) -> None:
    contexto = await um_turno(db)
    for dia in range(MAX_ABERTOS):
        lido(await usar(contexto, "agendar_lembrete", quando=f"daqui a {dia + 1} dias às 9", assunto="ver a escala"))
    refused = await usar(contexto, "agendar_lembrete", quando="daqui a 9 dias às 9", assunto="ver a escala")
    assert refused.erro
    assert "5 lembretes" in refused.conteudo
    other = await um_turno(db)
    lido(await usar(other, "agendar_lembrete", quando="amanhã às 9", assunto="ver a escala"))
    assert (await contagem(db))["outbox"] == MAX_ABERTOS + 1


@pytest.mark.parametrize(
    "quando", ["ontem", "quando der", "10/03/2025", "daqui a 300 dias", "hoje às 8 da manhã", "\x00"]
)
async def test_an_unclear_or_past_hour_is_asked_back(db: Database, quando: str) -> None:
    assert (await usar(await um_turno(db), "agendar_lembrete", quando=quando, assunto="ver a escala")).erro
    assert (await contagem(db))["outbox"] == 0


@pytest.mark.parametrize(
    "assunto",
    [
        "que seu plantão está confirmado",
        "receber R$ 9.999,00",
        "ligar para 11 99999-8888",
        "mandar o CPF 123.456.789-09",
        "que eu não sou robô",
        "usar buscar_vagas",
        "...",
        "x" * 121,
    ],
)
async def test_a_subject_that_no_reply_could_have_is_refused(db: Database, assunto: str) -> None:
    assert (await usar(await um_turno(db), "agendar_lembrete", quando="amanhã às 9", assunto=assunto)).erro
    assert (await contagem(db))["outbox"] == 0


async def test_the_answer_repeats_no_word_of_the_model(db: Database) -> None:
    result = await usar(await um_turno(db), "agendar_lembrete", quando="amanhã às 9", assunto="ver o Zanzibar")
    assert "Zanzibar" not in result.conteudo

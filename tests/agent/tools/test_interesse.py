"""A wish for a shift: only one that this conversation was shown, only while it is open, told to people once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lib.agent.tools import ToolContext
from lib.db import Database
from lib.models import Vaga
from lib.models.vaga import StatusVaga
from tests.agent.tools.oficina import cerca_perdida, contagem, lido, linhas, um_turno, usar
from tests.builders import AGORA, gravar, id_of, um_hospital, uma_especialidade, uma_vaga


async def mostrada(db: Database, **over: Any) -> tuple[ToolContext, Vaga]:
    contexto = await um_turno(db)
    [hospital] = await gravar(db, um_hospital())
    [especialidade] = await gravar(db, uma_especialidade())
    inicio = over.pop("inicio", AGORA + timedelta(days=3))
    [vaga] = await gravar(
        db, uma_vaga(id_of(hospital), id_of(especialidade), inicio, inicio + timedelta(hours=12), **over)
    )
    return replace(contexto, mostradas={id_of(vaga)}), vaga


async def test_the_wish_and_its_notice_are_written_together_and_reserve_nothing(db: Database) -> None:
    contexto, vaga = await mostrada(db)
    result = await usar(contexto, "registrar_interesse", vaga_id=id_of(vaga), observacao="pode chegar às 8")
    assert lido(result)["registrado"] is True
    assert result.citar == lido(result)["hospital"] == "Hospital Santa Clara"
    [row] = await linhas(db, "interesse")
    assert (row["medico_id"], row["vaga_id"]) == (contexto.medico_id, vaga.id)
    assert (row["conversation_id"], row["observacao"]) == (contexto.conversation_id, "pode chegar às 8")
    [aviso] = await linhas(db, "aviso")
    assert (aviso["tipo"], aviso["conversation_id"]) == ("interesse", contexto.conversation_id)
    assert "Santa Clara" in aviso["texto"]
    assert "chegar" not in aviso["texto"]
    [kept] = await linhas(db, "vaga")
    assert (kept["status"], kept["medico_id"]) == ("aberta", None)


async def test_a_repeated_wish_tells_nobody_twice(db: Database) -> None:
    contexto, vaga = await mostrada(db)
    for cause, observacao in (("turno:1", "primeira"), ("turno:1", "outra"), ("turno:2", None)):
        result = await usar(
            replace(contexto, cause=cause), "registrar_interesse", vaga_id=vaga.id, observacao=observacao
        )
        lido(result)
    counted = await contagem(db)
    assert (counted["interesse"], counted["aviso"], counted["tool_effect"]) == (1, 1, 2)
    assert (await linhas(db, "interesse"))[0]["observacao"] == "primeira"


async def test_a_shift_shown_to_others_only_is_refused_without_a_look(db: Database) -> None:
    contexto, vaga = await mostrada(db)
    other = await um_turno(db)
    for wanted in (vaga.id, 0, -1, 2**63, "1; DROP TABLE vaga", None):
        assert (await usar(other, "registrar_interesse", vaga_id=wanted)).erro
    assert (await usar(contexto, "registrar_interesse", vaga_id=id_of(vaga) + 1)).erro
    assert set((await contagem(db)).values()) == {0}


@pytest.mark.parametrize(
    "over", [{"status": StatusVaga.RESERVADA}, {"status": StatusVaga.CANCELADA}, {"inicio": AGORA - timedelta(hours=1)}]
)
async def test_a_shift_that_is_open_no_longer_is_not_wished_for(db: Database, over: dict[str, Any]) -> None:
    contexto, vaga = await mostrada(db, **over)
    result = await usar(contexto, "registrar_interesse", vaga_id=vaga.id)
    assert result.erro
    assert "não está mais aberta" in result.conteudo
    counted = await contagem(db)
    assert (counted["interesse"], counted["aviso"]) == (0, 0)


async def test_a_lost_fence_records_nothing(db: Database) -> None:
    contexto, vaga = await mostrada(db)
    assert (await usar(cerca_perdida(contexto), "registrar_interesse", vaga_id=vaga.id)).erro
    assert set((await contagem(db)).values()) == {0}


async def test_a_note_with_a_number_is_refused(db: Database) -> None:
    contexto, vaga = await mostrada(db)
    assert (await usar(contexto, "registrar_interesse", vaga_id=vaga.id, observacao="ligar 11 98888-7777")).erro

"""Choices end the turn as running text."""

from __future__ import annotations

import pytest

from lib.db import Database
from lib.domain.resposta import revisar
from tests.agent.tools.oficina import contagem, um_turno, usar


async def test_choices_end_the_reply_as_one_plain_sentence(db: Database) -> None:
    contexto = await um_turno(db)
    three = await usar(contexto, "enviar_opcoes", texto="Qual prefere?", opcoes=["Quinta", "Sexta.", "Nenhuma"])
    assert three.resposta == "Qual prefere?\nResponda 1 para Quinta, 2 para Sexta ou 3 para Nenhuma."
    one = await usar(contexto, "enviar_opcoes", texto="Pode ser?", opcoes=["Sim"])
    assert one.resposta == "Pode ser?\nResponda 1 para Sim."
    assert revisar(three.resposta, ()).texto == three.resposta
    assert set((await contagem(db)).values()) == {0}


@pytest.mark.parametrize(
    "opcoes",
    [[], ["a", "b", "c", "d"], ["x" * 21], ["sim", "Sim!"], ["?"], [""], ["sim", 2], "sim"],
)
async def test_choices_that_cannot_be_told_apart_or_do_not_fit_are_refused(db: Database, opcoes: object) -> None:
    assert (await usar(await um_turno(db), "enviar_opcoes", texto="Qual?", opcoes=opcoes)).erro


async def test_the_answer_to_choices_is_no_source_of_facts(db: Database) -> None:
    result = await usar(await um_turno(db), "enviar_opcoes", texto="Paga R$ 9.999,00", opcoes=["Sim", "Não"])
    assert "9.999" not in result.conteudo
    assert result.resposta is not None
    assert revisar(result.resposta, [result.conteudo]).bloqueada

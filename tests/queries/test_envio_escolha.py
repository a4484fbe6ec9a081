"""Why a send went through its chip is stored with it, and told in words from what is stored."""

from __future__ import annotations

import pytest

from lib.db import Database
from lib.domain.chip import Escolha, TipoEnvio, explicar_escolha
from tests.builders import gravar, um_envio
from tests.queries.fabrica import chip_que_envia, consulta, pessoas, reivindicar, resposta

pytestmark = pytest.mark.anyio


async def guardadas(db: Database) -> list[Escolha]:
    rows = await consulta(db, "SELECT escolha, chip_id FROM outbox WHERE state = 'sending' ORDER BY id")
    found = [Escolha(**row["escolha"]) for row in rows]
    assert [escolha.chip_id for escolha in found] == [row["chip_id"] for row in rows]
    return found


async def test_the_conversations_own_chip_is_told_as_such(db: Database) -> None:
    proprio, _ = await gravar(db, chip_que_envia(trust_score=45, limite_hora=9), chip_que_envia(trust_score=95))
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": proprio.id})
    await gravar(db, resposta(pessoa))
    await reivindicar(db)
    [escolha] = await guardadas(db)
    assert (escolha.trust, escolha.minimo, escolha.reserva, escolha.candidatos, escolha.no_minimo) == (45, 40, 20, 2, 2)
    assert explicar_escolha(escolha) == (
        "trust 45, mínimo 40 para resposta; é o chip da conversa; 0 envios na última hora, folga de 9"
    )


async def test_the_reserve_is_told_when_nobody_reached_the_minimum(db: Database) -> None:
    cheio, fraco = await gravar(db, chip_que_envia(limite_hora=0), chip_que_envia(trust_score=25, limite_hora=5))
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": cheio.id})
    await gravar(db, resposta(pessoa))
    await reivindicar(db)
    [escolha] = await guardadas(db)
    assert (escolha.chip_id, escolha.afim, escolha.candidatos, escolha.no_minimo) == (fraco.id, cheio.id, 1, 0)
    assert explicar_escolha(escolha) == (
        "trust 25, mínimo 40 para resposta: nenhum chip livre chegava lá, valeu a reserva de 20;"
        " o da conversa não podia: o único que podia; 0 envios na última hora, folga de 5"
    )


async def test_the_stored_inputs_say_the_same_choice_again(db: Database) -> None:
    """The order of the claim, computed anew from what it stored for each row of one batch."""
    chips = await gravar(db, *(chip_que_envia(trust_score=trust, limite_hora=50) for trust in (90, 85, 70, 30)))
    people = await pessoas(db, 12)
    await gravar(db, *(um_envio(pessoa.conversa, tipo=TipoEnvio.FOLLOWUP) for pessoa in people))
    await reivindicar(db)
    order = [chip.id for chip in sorted(chips, key=lambda chip: (-chip.trust_score, chip.id or 0))]
    trusts = {chip.id: chip.trust_score for chip in chips}
    for lugar, escolha in enumerate(await guardadas(db)):
        allowed = [n for n, chip in enumerate(order) if trusts[chip] >= escolha.minimo]
        turn = min(allowed, key=lambda n: (n - escolha.lugar) % escolha.chips)
        assert (escolha.lugar, escolha.chips, escolha.vez, escolha.chip_id) == (lugar, 4, turn, order[turn])
        assert (escolha.minimo, escolha.reserva, escolha.no_minimo) == (60, 40, 3)
        assert "a conversa ainda não tinha chip: o da vez entre 3 que podiam" in explicar_escolha(escolha)

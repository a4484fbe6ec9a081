"""The claim's choice is the domain's: replayed from what was stored it is the same, and every reason is true."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from lib.db import Database
from lib.domain.chip import ENVIA, Gateway, StatusChip, TipoChip, TipoEnvio
from lib.domain.selecao import Decisao, Regra, regra_do_chip, regra_do_pedido, vencedor
from lib.domain.selecao_leitura import contrafactual, porque_nao, porque_venceu, venceria
from lib.models import Chip, ContaMeta, Disjuntor, Outbox
from lib.models.fila import OutboxState
from lib.queries import decisao, envio_desfecho
from lib.queries.decisao import DecisaoGuardada
from tests.builders import gravar, id_of, um_envio, uma_entrada
from tests.queries.fabrica import Pessoa, agora, chip_que_envia, consulta, pessoas, reivindicar, resposta
from tests.rodadas import RODADAS

MINUTO = timedelta(minutes=1)
PROATIVO = {TipoEnvio.FOLLOWUP, TipoEnvio.PROSPECCAO}


async def guardadas(db: Database) -> list[DecisaoGuardada]:
    rows = await consulta(db, "SELECT outbox_id FROM chip_decisao")
    found = await decisao.of_messages(db, [row["outbox_id"] for row in rows], 1_000)
    return sorted(found, key=lambda one: one.outbox_id)


async def uma_decisao(db: Database) -> Decisao:
    [found] = await guardadas(db)
    return found.decisao


def chip_ao_acaso(rng: random.Random) -> Chip:
    """A chip in any state, most of them good for something."""
    em = agora()

    def mostly(good: Any, *bad: Any) -> Any:
        return good if rng.random() < 0.75 else rng.choice(bad)

    meta = rng.random() < 0.2
    return chip_que_envia(
        tipo=mostly(TipoChip.JULIA, TipoChip.LISTENER),
        status=mostly(StatusChip.ACTIVE, *(s for s in StatusChip if s is not StatusChip.ACTIVE)),
        gateway=Gateway.META if meta else Gateway.EVOLUTION,
        conta="waba" if meta else None,
        conectado=rng.random() < 0.75,
        trust_score=rng.choice((95, 85, 80, 79, 62, 60, 45, 40, 25, 20, 10)),
        pode_prospectar=rng.random() < 0.75,
        pode_followup=rng.random() < 0.75,
        limite_hora=mostly(rng.randint(1, 6), 0),
        limite_dia=rng.randint(0, 20),
        rampup_parte=mostly(100, 25, 50, 75),
        delay_minimo_s=mostly(0, 45, 180),
        cooldown_ate=mostly(None, em + 5 * MINUTO, em - MINUTO),
        reply_only_until=mostly(None, em + 60 * MINUTO, em - MINUTO),
    )


async def usa(db: Database, rng: random.Random, chips: list[Chip], quem: list[Pessoa]) -> None:
    """Sends of the last day behind each chip, one now and then still under way."""
    sent: list[Outbox] = []
    spare = list(quem)
    for chip in chips:
        for _ in range(rng.randint(0, 5)):
            state = OutboxState.SENDING if rng.random() < 0.1 else OutboxState.SENT
            pessoa = spare.pop() if state is OutboxState.SENDING else rng.choice(quem)
            ha = timedelta(seconds=rng.choice((20, 100, 1_800, 4_000, 80_000)))
            sent.append(um_envio(pessoa.conversa, chip_id=chip.id, state=state, enviando_em=agora() - ha))
    await gravar(db, *sent)
    breakers = [
        Disjuntor(chip_id=id_of(chip), gateway=chip.gateway, falhas=5, aberturas=1, aberto_ate=ate, em=agora())
        for chip in chips
        if (ate := rng.choice((None, None, None, agora() + MINUTO, agora() - MINUTO))) is not None
    ]
    await gravar(db, *breakers)


async def um_dia_qualquer(db: Database, seed: int, quantos_chips: int) -> list[DecisaoGuardada]:
    rng = random.Random(seed)
    chips = await gravar(db, *(chip_ao_acaso(rng) for _ in range(quantos_chips)))
    await gravar(db, ContaMeta(conta="waba", tier="TIER_250", limite_dia=rng.choice((2, 250)), em=agora()))
    await usa(db, rng, chips, await pessoas(db, 6 * quantos_chips))
    todas = await pessoas(db, 12)
    for pessoa in todas:
        if rng.random() < 0.5:
            mine = rng.choice(chips)
            await consulta(db, "UPDATE conversa SET chip_id = %s WHERE id = %s", mine.id, pessoa.conversa_id)
        if rng.random() < 0.5:
            spoken = rng.choice(chips).id
            await gravar(db, uma_entrada(pessoa.conversa, agora() - timedelta(hours=3), chip_id=spoken))
        if rng.random() < 0.1:
            await consulta(db, "UPDATE medico SET telefone = NULL, lid = 'BR.1' || id WHERE id = %s", pessoa.medico_id)
    rows = [
        um_envio(pessoa.conversa, tipo=tipo, proativa=tipo in PROATIVO, prioridade=rng.randint(1, 10))
        for pessoa in todas
        if (tipo := rng.choice(list(TipoEnvio)))
    ]
    await gravar(db, *rows)
    await reivindicar(db, rng.choice((1, 5, 12)))
    return await guardadas(db)


@pytest.mark.parametrize("seed", range(12 * RODADAS))
async def test_replaying_the_stored_inputs_gives_the_stored_winner_and_every_reason_is_true(
    db: Database, seed: int
) -> None:
    found = await um_dia_qualquer(db, seed, quantos_chips=random.Random(seed).choice((3, 12, 40)))
    assert found
    for one in found:
        made = one.decisao
        assert len(made.candidatos) == made.chips
        assert vencedor(made.candidatos, made.pedido) == (made.chip_id or made.cedeu)
        for chip in made.candidatos:
            assert chip.regra is regra_do_chip(chip, made.pedido), "SQL and domain say the same of every chip"
            assert porque_nao(chip, made)
        counted = Counter(chip.regra for chip in made.candidatos if chip.regra is not None)
        assert counted == made.descartes
        assert sum(counted.values()) + made.elegiveis == made.chips
        [sent] = await consulta(db, "SELECT chip_id, state FROM outbox WHERE id = %s", one.outbox_id)
        assert sent == {
            "chip_id": made.chip_id,
            "state": "sending" if made.chip_id else "pending",
        }


@pytest.mark.parametrize("seed", range(100, 100 + 12 * RODADAS))
async def test_applying_the_counterfactual_flips_the_verdict(db: Database, seed: int) -> None:
    flipped = Counter[str]()
    for one in await um_dia_qualquer(db, seed, quantos_chips=20):
        made = one.decisao
        for chip in made.candidatos:
            if chip.chip_id in {made.chip_id, made.cedeu}:
                continue
            dropped = regra_do_pedido(chip, made.pedido)
            change = contrafactual(chip, made)
            if change.texto is None:
                unreachable = made.pedido.so_meta is not None and made.pedido.so_meta != (chip.gateway is Gateway.META)
                assert dropped is Regra.LISTENER or unreachable
                flipped["never"] += 1
            elif dropped is None:
                assert venceria(change, made)
                flipped["wins"] += 1
            else:
                assert regra_do_pedido(change.chip, change.pedido) is None
                flipped["eligible"] += 1
                if change.em is not None:
                    assert change.em > made.pedido.agora
    assert flipped["eligible"]


async def test_a_large_pool_keeps_the_nearest_ten_and_whom_it_was_about(db: Database) -> None:
    chips = await gravar(db, *(chip_que_envia(trust_score=90, limite_hora=9) for _ in range(70)))
    ultimo, cheio = chips[-1], chips[-2]
    await consulta(db, "UPDATE chip SET limite_hora = 0 WHERE id = %s", cheio.id)
    [um, dois] = await pessoas(db, 2)
    await consulta(db, "UPDATE conversa SET chip_id = %s WHERE id = %s", ultimo.id, um.conversa_id)
    await consulta(db, "UPDATE conversa SET chip_id = %s WHERE id = %s", cheio.id, dois.conversa_id)
    await gravar(db, resposta(um), resposta(dois))
    await reivindicar(db)
    first, second = [one.decisao for one in await guardadas(db)]
    assert (first.chip_id, first.chips, first.elegiveis, first.descartes) == (
        ultimo.id,
        70,
        69,
        {Regra.LIMITE_HORA: 1},
    )
    assert len(first.candidatos) == 11
    assert porque_venceu(first) == "é o chip da conversa"
    kept = {chip.chip_id: chip for chip in second.candidatos}
    assert porque_nao(kept[cheio.id or 0], second) == "0 envios na última hora, limite de 0"
    assert vencedor(second.candidatos, second.pedido) == second.chip_id


async def test_what_found_no_chip_is_stored_with_all_reasons_and_not_again_at_each_try(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia(cooldown_ate=agora() + 30 * MINUTO))
    [pessoa] = await pessoas(db, 1)
    await gravar(db, resposta(pessoa))
    for _ in range(3):
        await reivindicar(db)
        await consulta(db, "UPDATE outbox SET next_at = now()")
    made = await uma_decisao(db)
    assert (made.chip_id, made.cedeu, made.descartes) == (None, None, {Regra.COOLDOWN: 1})
    [row] = await consulta(db, "SELECT count(*) AS n FROM chip_selecao")
    assert row["n"] == 1
    change = contrafactual(made.candidatos[0], made)
    assert change.em == chip.cooldown_ate
    assert change.texto is not None
    assert change.texto.endswith("quando o descanso acaba")
    await consulta(db, "UPDATE chip SET cooldown_ate = NULL")
    await consulta(db, "UPDATE outbox SET next_at = now()")
    assert len((await reivindicar(db)).claimed) == 1
    assert [one.decisao.chip_id for one in await guardadas(db)] == [chip.id, None]


async def test_that_no_chip_is_left_after_a_failed_attempt_does_not_hide_the_attempt(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    await gravar(db, resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    await envio_desfecho.mark_retry(db, row["id"], row["fence"], "gateway_fora", 0)
    await consulta(db, "UPDATE chip SET conectado = false")
    assert (await reivindicar(db)).deferred == 1
    made = [one.decisao for one in await decisao.of_messages(db, [row["id"]], 10)]
    assert [(one.chip_id, one.descartes) for one in made] == [(None, {Regra.DESCONECTADO: 1}), (chip.id, {})]


async def test_an_empty_pool_puts_off_and_says_so(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    await gravar(db, resposta(pessoa))
    judged = await reivindicar(db)
    assert (judged.claimed, judged.deferred) == ([], 1)
    made = await uma_decisao(db)
    assert (made.chips, made.elegiveis, made.candidatos) == (0, 0, ())
    assert porque_venceu(made) == "nenhum chip podia enviar isto"


async def test_the_doctors_last_chip_is_preferred_where_the_conversation_has_none(db: Database) -> None:
    chips = await gravar(db, *(chip_que_envia() for _ in range(5)))
    [pessoa] = await pessoas(db, 1)
    await gravar(db, uma_entrada(pessoa.conversa, agora() - timedelta(days=40), chip_id=chips[3].id))
    await gravar(db, resposta(pessoa))
    await reivindicar(db)
    made = await uma_decisao(db)
    assert made.chip_id == chips[3].id
    assert porque_venceu(made) == "é o último chip que falou com o médico"


async def test_the_minimum_delay_is_kept_between_any_send_and_a_proactive_one(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia(delay_minimo_s=45))
    um, dois, tres = await pessoas(db, 3)
    await gravar(db, um_envio(um.conversa), um_envio(dois.conversa))
    judged = await reivindicar(db)
    assert (len(judged.claimed), judged.deferred) == (1, 1), "one of a batch, however large"
    await gravar(db, resposta(tres))
    judged = await reivindicar(db)
    assert len(judged.claimed) == 1, "who wrote to us does not wait for it"
    await consulta(db, "UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
    await consulta(db, "UPDATE outbox SET next_at = now()")
    assert (await reivindicar(db)).deferred == 1
    [row] = await consulta(
        db, "SELECT next_at - now() BETWEEN '30 s' AND '45 s' AS vez FROM outbox WHERE motivo = 'sem_chip'"
    )
    assert row == {"vez": True}
    await consulta(db, "UPDATE outbox SET enviando_em = enviando_em - interval '45 s', next_at = now()")
    [sent] = (await reivindicar(db)).claimed
    assert sent["instancia"] == chip.instancia


async def test_limits_in_force_are_what_a_ramp_leaves_of_them(db: Database) -> None:
    await gravar(db, chip_que_envia(limite_hora=8, rampup_parte=25))
    todas = await pessoas(db, 5)
    await gravar(db, *(resposta(pessoa) for pessoa in todas))
    judged = await reivindicar(db)
    assert (len(judged.claimed), judged.deferred) == (2, 3)


async def test_the_numbers_of_one_meta_account_share_its_tier_for_first_contacts(db: Database) -> None:
    meta = {"gateway": Gateway.META, "conta": "waba"}
    await gravar(db, chip_que_envia(instancia="1", **meta), chip_que_envia(instancia="2", **meta))
    await gravar(db, ContaMeta(conta="waba", tier="TIER_X", limite_dia=3, em=agora()))
    todas = await pessoas(db, 6)
    for pessoa in todas:
        await gravar(db, uma_entrada(pessoa.conversa, agora() - timedelta(hours=1), chip_id=1))
        await gravar(db, uma_entrada(pessoa.conversa, agora() - timedelta(hours=1), chip_id=2))
    await gravar(db, *(um_envio(pessoa.conversa) for pessoa in todas[:5]), resposta(todas[5]))
    judged = await reivindicar(db)
    assert (len(judged.claimed), judged.deferred) == (4, 2), "three first contacts and the reply"
    await consulta(db, "UPDATE outbox SET next_at = now()")
    await reivindicar(db)
    held = [one.decisao.descartes for one in await guardadas(db) if one.decisao.chip_id is None]
    assert {Regra.PORTFOLIO: 2} in held or all(one == {} for one in held)


async def test_an_account_of_unknown_tier_has_the_lowest(db: Database) -> None:
    await gravar(db, chip_que_envia(gateway=Gateway.META, conta="nova"))
    [pessoa] = await pessoas(db, 1)
    await gravar(db, um_envio(pessoa.conversa))
    await reivindicar(db)
    assert (await uma_decisao(db)).candidatos[0].folga_conta == 250


@pytest.mark.parametrize("status", StatusChip)
@pytest.mark.parametrize("tipo", TipoEnvio)
async def test_only_the_statuses_that_may_send_a_kind_send_it(
    db: Database, status: StatusChip, tipo: TipoEnvio
) -> None:
    await gravar(db, chip_que_envia(status=status))
    [pessoa] = await pessoas(db, 1)
    await gravar(db, um_envio(pessoa.conversa, tipo=tipo, proativa=tipo in PROATIVO))
    judged = await reivindicar(db)
    assert len(judged.claimed) == (tipo in ENVIA.get(status, frozenset()))

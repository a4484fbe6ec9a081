"""Both sides come to agree on who is in charge, whoever changed it and whatever fails on the way."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lib import ledger
from lib.db import Database
from lib.domain.espelho import ROTULO
from lib.providers.chamada import Falha
from lib.queries.transferencia import Pessoa, give_back
from lib.usecases.conciliar import conciliar
from tests.queries.fabrica import consulta
from tests.usecases.chatwoot_memoria import EU, conversa_mudou
from tests.usecases.chatwoot_palco import Palco, lados, montar, transfere

pytestmark = pytest.mark.anyio
ANA, BIA = 5, 6


@pytest.fixture
async def palco(db: Database) -> Palco:
    return await montar(db)


async def test_a_hand_off_is_shown_there_and_its_end_too(palco: Palco) -> None:
    palco.mundo.muda(palco.chatwoot_id, labels=("vip",), status="resolved")
    await palco.varre()
    await transfere(palco)
    await palco.concilia(1)
    conversa = palco.mundo.conversas[palco.chatwoot_id]
    assert (conversa.labels, conversa.status) == (("vip", ROTULO), "open")
    palco.mundo.muda(palco.chatwoot_id, responsavel_id=ANA)
    await give_back(palco.db, palco.conversa_id, Pessoa("silêncio", datetime.now(UTC)))
    await palco.concilia(1)
    conversa = palco.mundo.conversas[palco.chatwoot_id]
    assert (conversa.labels, conversa.responsavel_id) == (("vip",), None)
    assert await lados(palco) == (False, False, False)


async def test_an_idle_thread_costs_nothing_and_a_look_two_calls(palco: Palco) -> None:
    palco.mundo.chamadas.clear()
    with ledger.measure("parado") as conta:
        assert await conciliar(palco.ponte) == 0
    assert (conta.counts()["round_trips"], palco.mundo.chamadas) == (1, [])
    await consulta(palco.db, "UPDATE chatwoot_conversa SET conferir_em = now()")
    with ledger.measure("um olhar") as conta:
        assert await conciliar(palco.ponte) == 1
    assert palco.mundo.chamadas == ["get_conversation", "list_messages"]
    assert conta.counts()["round_trips"] == 3


@pytest.mark.parametrize("como", [{"labels": (ROTULO,)}, {"responsavel_id": ANA}], ids=["label", "assignee"])
@pytest.mark.parametrize("fim", ["undo", "resolve"])
async def test_a_person_takes_and_gives_back_there(palco: Palco, como: dict[str, object], fim: str) -> None:
    palco.mundo.muda(palco.chatwoot_id, **como)
    await palco.webhook(conversa_mudou(palco.mundo.conversas[palco.chatwoot_id]))
    await palco.concilia()
    assert await palco.controle() == "humano"
    if fim == "undo":
        palco.mundo.muda(palco.chatwoot_id, labels=(), responsavel_id=None)
    else:
        palco.mundo.muda(palco.chatwoot_id, status="resolved")
    await palco.webhook(conversa_mudou(palco.mundo.conversas[palco.chatwoot_id]))
    await palco.concilia()
    assert await lados(palco) == (False, False, False)


async def test_a_resolved_thread_that_the_doctor_reopens_stays_with_julia(palco: Palco) -> None:
    palco.mundo.muda(palco.chatwoot_id, labels=(ROTULO, "vip"), responsavel_id=ANA)
    await palco.varre()
    palco.mundo.muda(palco.chatwoot_id, status="resolved")
    await palco.varre()
    await palco.entra("mais uma pergunta")
    assert await palco.espelha() == 1
    assert palco.mundo.conversas[palco.chatwoot_id].status == "open"
    await palco.varre()
    assert palco.mundo.conversas[palco.chatwoot_id].labels == ("vip",)
    assert await lados(palco) == (False, False, False)


async def test_being_assigned_takes_a_hand_off_that_waited(palco: Palco) -> None:
    await transfere(palco)
    await palco.concilia()
    palco.mundo.muda(palco.chatwoot_id, responsavel_id=ANA)
    await palco.varre()
    [mao] = await consulta(palco.db, "SELECT status, assumida_por FROM transferencia")
    assert mao == {"status": "assumida", "assumida_por": f"chatwoot:{ANA}"}


async def test_our_own_user_as_assignee_is_nobody(palco: Palco) -> None:
    palco.mundo.muda(palco.chatwoot_id, responsavel_id=EU)
    await palco.varre()
    assert await palco.controle() == "ai"


async def test_answering_and_resolving_at_once_reopens_nothing(palco: Palco) -> None:
    palco.mundo.diz(palco.chatwoot_id, "Resolvido, doutora.")
    palco.mundo.muda(palco.chatwoot_id, status="resolved")
    await palco.varre()
    assert palco.mundo.conversas[palco.chatwoot_id].status == "resolved"
    assert await palco.controle() == "ai"
    assert [row["state"] for row in await palco.outbox()] == ["pending"]


@pytest.mark.parametrize("chamada", ["set_labels", "set_status"])
@pytest.mark.parametrize("feito", [True, False])
async def test_a_write_whose_answer_was_lost_is_no_persons_act(palco: Palco, chamada: str, feito: bool) -> None:
    palco.mundo.muda(palco.chatwoot_id, status="pending")
    await transfere(palco)
    palco.mundo.falhar(chamada, Falha.REPETIR, feito=feito)
    await conciliar(palco.ponte, so=palco.chatwoot_id)
    await give_back(palco.db, palco.conversa_id, Pessoa("silêncio", datetime.now(UTC)))
    await palco.concilia()
    assert await lados(palco) == (False, False, False)
    await palco.varre()
    assert await lados(palco) == (False, False, False)


async def test_a_label_that_the_account_lacks_ends_no_hand_off_and_is_told_once(palco: Palco) -> None:
    palco.mundo.etiquetas = frozenset({"vip"})
    await transfere(palco)
    await palco.concilia()
    assert await palco.controle() == "humano"
    [aviso] = await consulta(palco.db, "SELECT texto FROM aviso WHERE chave = 'chatwoot_rotulo'")
    assert 'não tem a etiqueta "humano"' in aviso["texto"]
    palco.mundo.etiquetas = None
    await palco.concilia()
    assert await lados(palco) == (True, True, True)


async def test_a_thread_that_is_gone_ends_no_hand_off(palco: Palco) -> None:
    await transfere(palco)
    await palco.concilia()
    del palco.mundo.conversas[palco.chatwoot_id]
    await palco.varre()
    assert await palco.controle() == "humano"
    await palco.entra("alguém aí?")
    assert await palco.espelha() == 1
    await palco.concilia()
    assert palco.mundo.conversas[palco.chatwoot_id].labels == (ROTULO,)


async def test_what_was_done_while_a_thread_rested_is_seen_as_soon_as_it_is_used(palco: Palco) -> None:
    await consulta(palco.db, "UPDATE chatwoot_conversa SET conferir_em = NULL")
    palco.mundo.muda(palco.chatwoot_id, responsavel_id=ANA)  # and the webhook is lost
    await palco.entra("doutora escrevendo dias depois")
    assert await palco.espelha() == 1
    await palco.concilia()
    assert await palco.controle() == "humano"


async def test_only_one_process_looks_at_a_thread(palco: Palco) -> None:
    seen: list[int] = []

    async def outro(nome: str) -> None:
        if nome == "get_conversation" and not seen:
            seen.append(await conciliar(palco.ponte, so=palco.chatwoot_id))

    await transfere(palco)
    palco.mundo.antes = outro
    assert await conciliar(palco.ponte, so=palco.chatwoot_id) == 1
    assert seen == [0]


async def test_a_look_that_was_held_up_changes_nothing(palco: Palco) -> None:
    async def outro(nome: str) -> None:
        if nome == "list_messages":  # the lease ran out, and another process has the thread
            await consulta(palco.db, "UPDATE chatwoot_conversa SET claim = gen_random_uuid()")

    await transfere(palco)
    palco.mundo.antes = outro
    await conciliar(palco.ponte, so=palco.chatwoot_id)
    assert palco.mundo.conversas[palco.chatwoot_id].labels == ()

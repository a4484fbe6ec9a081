"""Every message has one copy in Chatwoot, in order, whatever fails on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lib import ledger
from lib.clock import utc_now
from lib.db import Database
from lib.models.conversa import Autor
from lib.providers.chamada import Falha
from lib.providers.chatwoot import Contato
from lib.queries import espelho
from lib.usecases.espelhar import espelhar
from tests.builders import gravar, uma_entrada
from tests.queries.fabrica import consulta, pessoas
from tests.usecases.chatwoot_memoria import mensagem_criada
from tests.usecases.chatwoot_palco import Palco, montar

pytestmark = pytest.mark.anyio


@pytest.fixture
async def palco(db: Database) -> Palco:
    return await montar(db)


async def estados(db: Database) -> list[str]:
    return [row["estado"] for row in await consulta(db, "SELECT estado FROM espelho ORDER BY interacao_id")]


async def test_what_was_said_before_the_mirror_began_is_not_copied(db: Database) -> None:
    [medica] = await pessoas(db, 1)
    await gravar(db, uma_entrada(medica.conversa, datetime.now(UTC), "antiga"))
    palco = await montar(db)
    assert palco.mundo.da_conversa(palco.chatwoot_id) == [("incoming", "primeira mensagem")]
    assert len(palco.mundo.conversas) == 1


async def test_everybodys_messages_are_copied_in_order_with_their_kind(palco: Palco) -> None:
    await palco.sai("Oi! Aqui é a Júlia.")
    await palco.entra("", midia="audio")
    await palco.sai("Deixa comigo.", autor=Autor.HUMANO)
    await palco.entra("", apagada_em=datetime.now(UTC))
    for _ in range(4):
        assert await palco.espelha() == 1
    assert palco.mundo.da_conversa(palco.chatwoot_id)[1:] == [
        ("outgoing", "Oi! Aqui é a Júlia."),
        ("incoming", "[áudio]"),
        ("outgoing", "Deixa comigo."),
        ("incoming", "[apagada: mensagem]"),
    ]
    assert await palco.espelha() == 0
    assert set(await estados(palco.db)) == {"feito"}


async def test_conversations_are_copied_side_by_side_and_enqueue_and_claim_cost_one_round_trip(db: Database) -> None:
    palco = await montar(db, fio=False)
    todas = await pessoas(db, 20)
    await gravar(db, *(uma_entrada(one.conversa, datetime.now(UTC), "oi") for one in todas))
    assert await palco.espelha() == 20
    assert len(palco.mundo.conversas) == 20
    with ledger.measure("parado") as conta:
        assert await espelhar(palco.ponte) == 0
    assert (conta.counts()["round_trips"], conta.counts()["statements"]) == (1, 2)


async def test_two_processes_copy_each_message_once_and_open_one_thread(db: Database) -> None:
    palco = await montar(db, fio=False)
    for n in range(5):
        await palco.entra(f"m{n}")
    for _ in range(5):
        await asyncio.gather(*(espelhar(palco.ponte) for _ in range(4)))
    [conversa] = palco.mundo.conversas
    assert palco.mundo.da_conversa(conversa) == [("incoming", f"m{n}") for n in range(5)]


async def test_a_doctor_known_by_a_lid_alone_is_a_contact_without_a_phone(db: Database) -> None:
    palco = await montar(db, telefone=None, lid="201000000001001")
    [contato] = palco.mundo.contatos.values()
    assert (contato.telefone, contato.identificador) == (None, "lid:201000000001001")


async def test_a_contact_that_exists_is_used_and_so_is_its_open_thread_of_ours(db: Database) -> None:
    palco = await montar(db, fio=False)
    telefone = str(palco.medica.medico.telefone)
    contato = await palco.mundo.create_contact("Helena", telefone, "medico:0")
    alheia = palco.mundo.abre(contato.id)
    nossa = palco.mundo.abre(contato.id, "123")
    palco.mundo.diz(nossa, "de antes")
    await palco.entra("oi")
    assert await palco.espelha() == 1
    assert len(palco.mundo.contatos) == 1
    assert palco.mundo.da_conversa(alheia) == []
    assert palco.mundo.da_conversa(nossa) == [("outgoing", "de antes"), ("incoming", "oi")]
    palco.chatwoot_id = nossa
    await palco.varre()
    assert await palco.outbox() == [], "what people wrote before this thread was ours is not sent to the doctor"


async def test_a_contact_made_by_somebody_at_the_same_moment_is_found_again(db: Database) -> None:
    palco = await montar(db, fio=False)

    async def outro(nome: str) -> None:
        if nome == "create_contact" and not palco.mundo.contatos:
            palco.mundo.contatos[1] = Contato(1, "Helena", palco.medica.medico.telefone, "de outro", "fonte-1")

    palco.mundo.antes = outro
    await palco.entra("oi")
    assert await palco.espelha() == 1
    assert len(palco.mundo.contatos) == 1


async def test_a_new_conversation_of_the_same_doctor_goes_on_in_the_same_thread(palco: Palco) -> None:
    await consulta(palco.db, "UPDATE conversa SET status = 'completed', encerrada_em = now()")
    [nova] = await consulta(
        palco.db, "INSERT INTO conversa (medico_id) SELECT medico_id FROM conversa LIMIT 1 RETURNING id"
    )
    await palco.entra("voltei", conversation_id=nova["id"])
    assert await palco.espelha() == 1
    assert palco.mundo.da_conversa(palco.chatwoot_id)[-1] == ("incoming", "voltei")
    assert len(palco.mundo.conversas) == 1


@pytest.mark.parametrize("feito", [True, False])
async def test_an_unclear_post_is_looked_up_before_it_is_made_again(palco: Palco, feito: bool) -> None:
    palco.mundo.falhar("post_message", Falha.INCERTA, feito=feito)
    await palco.sai("só uma vez")
    await palco.sai("depois dela")
    assert await palco.espelha() == 0
    assert await estados(palco.db) == ["feito", "incerto", "pendente"]
    assert await palco.espelha() == 1
    assert await palco.espelha() == 1
    assert palco.mundo.da_conversa(palco.chatwoot_id)[1:] == [("outgoing", "só uma vez"), ("outgoing", "depois dela")]


async def test_a_process_killed_between_post_and_record_leaves_no_second_copy(palco: Palco) -> None:
    class Morto(BaseException):
        """The process is gone."""

    async def mata(nome: str) -> None:
        if nome == "post_message" and morre:
            raise Morto

    await palco.sai("só uma vez")
    morre = True
    real, palco.mundo.antes = palco.mundo.antes, mata
    with pytest.raises(Morto):
        await palco.espelha()
    morre, palco.mundo.antes = False, real
    [row] = await consulta(palco.db, "SELECT interacao_id FROM espelho WHERE estado = 'enviando'")
    palco.mundo.diz(palco.chatwoot_id, "só uma vez", eco_id=f"agente:{row['interacao_id']}")  # it had left
    assert await palco.espelha() == 0, "another process has it, as far as anybody knows"
    await consulta(palco.db, "UPDATE espelho SET lease_until = now() - interval '1 second' WHERE estado = 'enviando'")
    assert await palco.espelha() == 1
    assert palco.mundo.da_conversa(palco.chatwoot_id)[1:] == [("outgoing", "só uma vez")]


async def test_a_lost_answer_to_the_opening_of_a_thread_opens_no_second_one(db: Database) -> None:
    palco = await montar(db, fio=False)
    palco.mundo.falhar("create_conversation", Falha.INCERTA, feito=True)
    await palco.entra("oi")
    assert await palco.espelha() == 0
    assert await palco.espelha() == 1
    assert len(palco.mundo.conversas) == 1


async def test_the_webhook_of_our_own_post_settles_an_unclear_one(palco: Palco) -> None:
    palco.mundo.falhar("post_message", Falha.INCERTA, feito=True)
    await palco.sai("só uma vez")
    await palco.espelha()
    mundo = palco.mundo
    for _ in range(3):
        await palco.webhook(mensagem_criada(mundo.mensagens[-1], mundo.conversas[palco.chatwoot_id]))
    assert await estados(palco.db) == ["feito", "feito"]
    assert await palco.espelha() == 0
    assert await palco.outbox() == []
    assert await palco.controle() == "ai"


async def test_a_mark_in_a_strangers_thread_settles_nothing(palco: Palco) -> None:
    palco.mundo.falhar("post_message", Falha.INCERTA)
    stored = await palco.sai("só uma vez")
    await palco.espelha()
    alheia = palco.mundo.abre(0)
    other = palco.mundo.diz(alheia, "x", eco_id=f"agente:{stored.id}")
    await palco.webhook(mensagem_criada(other, palco.mundo.conversas[alheia]))
    assert await estados(palco.db) == ["feito", "incerto"]


async def test_a_refusal_for_good_is_told_to_people_and_holds_nobody_back(palco: Palco) -> None:
    palco.mundo.falhar("post_message", Falha.PERMANENTE)
    await palco.sai("recusada")
    await palco.sai("a seguinte")
    await palco.espelha()
    assert await palco.espelha() == 1
    assert await estados(palco.db) == ["feito", "morto", "feito"]
    avisos = await consulta(palco.db, "SELECT tipo, texto FROM aviso")
    assert avisos == [
        {"tipo": "integracao", "texto": "Uma mensagem não pôde ser copiada para o Chatwoot: asked for by the test"}
    ]


async def test_the_fifth_unclear_try_is_the_last_and_an_outage_however_long_kills_nothing(palco: Palco) -> None:
    await palco.sai("x")
    for _ in range(12):
        palco.mundo.falhar("post_message", Falha.REPETIR)
        await palco.espelha()
    assert await estados(palco.db) == ["feito", "pendente"]
    for _ in range(5):
        palco.mundo.falhar("post_message", Falha.INCERTA)
        await palco.espelha()
    assert await estados(palco.db) == ["feito", "morto"]


async def test_a_refused_access_makes_all_wait_and_is_told_once_until_it_is_mended(palco: Palco) -> None:
    for texto in ("um", "dois"):
        palco.mundo.falhar("post_message", Falha.CANAL_FORA)
        await palco.sai(texto)
        assert await palco.espelha() == 0
        assert await palco.espelha() == 0
        await consulta(palco.db, "UPDATE flag SET valor = valor || '{\"ate\": \"2020-01-01T00:00:00Z\"}'"
                       " WHERE chave = 'chatwoot_fora'")  # fmt: skip
    avisos = await consulta(palco.db, "SELECT chave FROM aviso WHERE chave LIKE 'chatwoot_fora:%%'")
    assert len(avisos) == 1
    assert await palco.espelha() == 1
    assert await consulta(palco.db, "SELECT chave FROM flag WHERE chave = 'chatwoot_fora'") == []


async def test_a_thread_deleted_there_is_opened_anew(palco: Palco) -> None:
    del palco.mundo.conversas[palco.chatwoot_id]
    await palco.sai("e agora?")
    assert await palco.espelha() == 0
    assert await palco.espelha() == 1
    [conversa] = palco.mundo.conversas
    assert palco.mundo.mensagens[-1] == replace(palco.mundo.mensagens[-1], texto="e agora?", conversa_id=conversa)


async def test_one_kind_of_call_that_is_refused_for_ever_is_told_once_not_at_each_try(palco: Palco) -> None:
    for texto in ("um", "dois", "três"):  # copies go well meanwhile, so each refusal is an outage of its own
        await espelho.mark_outage(palco.db, "You are not authorized to do this action")
        await consulta(palco.db, "UPDATE flag SET valor = valor || '{\"ate\": \"2020-01-01T00:00:00Z\"}'"
                       " WHERE chave = 'chatwoot_fora'")  # fmt: skip
        await palco.sai(texto)
        assert await palco.espelha() == 1
    avisos = await consulta(palco.db, "SELECT chave FROM aviso WHERE chave LIKE 'chatwoot_fora:%%'")
    assert len(avisos) in {1, 2}, "two when the clock struck"


async def test_copies_that_wait_for_long_are_told_once_a_day(palco: Palco) -> None:
    depois = replace(palco.ponte, clock=lambda: utc_now() + timedelta(minutes=31))
    await palco.sai("x")
    for ponte in (palco.ponte, depois, depois):
        palco.mundo.falhar("post_message", Falha.REPETIR)
        await consulta(palco.db, "UPDATE espelho SET next_at = now()")
        assert await espelhar(ponte) == 0
    avisos = await consulta(palco.db, "SELECT texto FROM aviso")
    assert avisos == [{"texto": "Há mensagens que não chegam ao Chatwoot há mais de 30 minutos: asked for by the test"}]


async def test_a_proxys_404_forgets_no_thread(palco: Palco) -> None:
    """Chatwoot being restarted behind a proxy: what people write meanwhile must not be taken for old."""
    palco.mundo.falhar("post_message", Falha.CANAL_FORA, status=404)
    await palco.sai("x")
    assert await palco.espelha() == 0
    assert len(await consulta(palco.db, "SELECT FROM chatwoot_conversa")) == 1
    await consulta(palco.db, "DELETE FROM flag WHERE chave = 'chatwoot_fora'")
    palco.mundo.falhar("get_conversation", Falha.CANAL_FORA, status=404)
    await palco.varre()
    assert len(await consulta(palco.db, "SELECT FROM chatwoot_conversa")) == 1

"""What people write in Chatwoot reaches the doctor once; nothing else does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from lib.db import Database
from lib.providers.chamada import Falha
from lib.providers.chatwoot import Contato
from lib.queries import envio_desfecho
from lib.usecases.chatwoot_notas import avisar_falhas
from lib.usecases.conciliar import conciliar
from tests.builders import gravar
from tests.queries.fabrica import consulta, pessoas, resposta
from tests.usecases.chatwoot_memoria import Memoria, contato_mudou, mensagem_criada
from tests.usecases.chatwoot_palco import Palco, montar

pytestmark = pytest.mark.anyio
TELEFONE = "+5511900010001"


@pytest.fixture
async def palco(db: Database) -> Palco:
    return await montar(db)


def raw(mundo: Memoria, indice: int = -1) -> bytes:
    """The webhook of a message."""
    mensagem = mundo.mensagens[indice]
    assert mensagem.conversa_id
    return mensagem_criada(mensagem, mundo.conversas[mensagem.conversa_id])


async def test_an_agents_message_is_queued_once_however_often_it_is_told(palco: Palco) -> None:
    palco.mundo.diz(palco.chatwoot_id, "Bom dia, doutora!")
    for _ in range(3):
        await palco.webhook(raw(palco.mundo))
    await palco.varre()
    assert await palco.outbox() == [
        {"cause": "chatwoot:2", "body": "Bom dia, doutora!", "autor": "humano", "autor_nome": "Ana",
         "state": "pending", "motivo": None}
    ]  # fmt: skip
    assert await palco.controle() == "humano"
    [mao] = await consulta(palco.db, "SELECT status, assumida_por FROM transferencia")
    assert mao == {"status": "assumida", "assumida_por": "chatwoot:Ana"}
    assert palco.mundo.conversas[palco.chatwoot_id].labels == ("humano",)


async def test_an_agents_message_that_was_sent_stands_in_the_history_once_and_is_not_copied_back(palco: Palco) -> None:
    palco.mundo.diz(palco.chatwoot_id, "Bom dia!")
    await palco.webhook(raw(palco.mundo))
    await consulta(palco.db, "UPDATE outbox SET state = 'sending', fence = 1, enviando_em = now(), chip_id = "
                   "(SELECT id FROM chip LIMIT 1)")  # fmt: skip
    [row] = await consulta(palco.db, "SELECT id FROM outbox")
    await envio_desfecho.mark_sent(palco.db, [(row["id"], 1, "WA1")], 0)
    assert await palco.espelha() == 0
    await palco.webhook(raw(palco.mundo))
    await palco.varre()
    assert palco.mundo.da_conversa(palco.chatwoot_id)[1:] == [("outgoing", "Bom dia!")]
    ditas = await consulta(palco.db, "SELECT texto FROM interacao WHERE direcao = 'saida'")
    assert ditas == [{"texto": "Bom dia!"}]
    assert await avisar_falhas(palco.ponte) == 0


async def test_a_lost_webhook_is_made_up_for_by_the_sweep(palco: Palco) -> None:
    palco.mundo.diz(palco.chatwoot_id, "ninguém soube disto")
    await palco.varre()
    assert [row["body"] for row in await palco.outbox()] == ["ninguém soube disto"]
    assert await palco.controle() == "humano"


@pytest.mark.parametrize("ordem", tuple(permutations(range(3))))
async def test_messages_reach_the_doctor_in_their_order_whatever_the_order_of_the_webhooks(
    palco: Palco, ordem: tuple[int, ...]
) -> None:
    webhooks = []
    for n in range(3):
        palco.mundo.diz(palco.chatwoot_id, f"m{n}")
        webhooks.append(raw(palco.mundo))
    await asyncio.gather(*(palco.webhook(webhooks[n]) for n in ordem))
    await palco.concilia()
    assert [row["body"] for row in await palco.outbox()] == ["m0", "m1", "m2"]


async def test_a_message_that_became_visible_late_is_not_skipped(palco: Palco) -> None:
    palco.mundo.diz(palco.chatwoot_id, "primeira")
    palco.mundo.diz(palco.chatwoot_id, "segunda")
    primeira = palco.mundo.mensagens.pop(1)
    await palco.varre()
    palco.mundo.mensagens.insert(1, primeira)
    await palco.webhook(raw(palco.mundo, 1))
    assert [row["body"] for row in await palco.outbox()] == ["segunda", "primeira"]


async def test_a_message_that_becomes_visible_during_a_look_is_not_skipped(palco: Palco) -> None:
    palco.mundo.diz(palco.chatwoot_id, "primeira")
    palco.mundo.diz(palco.chatwoot_id, "segunda")
    primeira = palco.mundo.mensagens.pop(1)
    chamadas = iter(["primeira", "segunda"])

    async def aparece(nome: str) -> None:
        if nome == "get_conversation" and next(chamadas, None) == "segunda":
            palco.mundo.mensagens.insert(1, primeira)
            await palco.webhook(raw(palco.mundo, 1))  # the thread is being looked at: only a hint is left

    palco.mundo.antes = aparece
    await consulta(palco.db, "UPDATE chatwoot_conversa SET conferir_em = now()")
    await conciliar(palco.ponte, so=palco.chatwoot_id)
    await palco.concilia()
    assert sorted(row["body"] for row in await palco.outbox()) == ["primeira", "segunda"]


async def test_what_was_deleted_before_it_went_out_does_not_go_out(palco: Palco) -> None:
    palco.mundo.diz(palco.chatwoot_id, "opa, era para outra pessoa")
    webhook = raw(palco.mundo)
    palco.mundo.mensagens[-1] = replace(palco.mundo.mensagens[-1], texto="This message was deleted", apagada=True)
    await palco.webhook(webhook)
    await palco.varre()
    assert await palco.outbox() == []
    assert await palco.controle() == "ai"
    assert await avisar_falhas(palco.ponte) == 0


async def test_a_second_message_does_not_cancel_the_first_that_still_waits_but_silences_julia(palco: Palco) -> None:
    await gravar(palco.db, resposta(palco.medica))
    for texto in ("um", "dois"):
        palco.mundo.diz(palco.chatwoot_id, texto)
        await palco.webhook(raw(palco.mundo))
    assert [(row["autor"], row["state"]) for row in await palco.outbox()] == [
        ("julia", "cancelled"), ("humano", "pending"), ("humano", "pending"),
    ]  # fmt: skip


async def test_an_old_webhook_starts_no_second_hand_off(palco: Palco) -> None:
    palco.mundo.diz(palco.chatwoot_id, "respondo e devolvo")
    velho = raw(palco.mundo)
    await palco.webhook(velho)
    await palco.concilia()
    palco.mundo.muda(palco.chatwoot_id, labels=())
    await palco.varre()
    assert await palco.controle() == "ai"
    for _ in range(3):
        await palco.webhook(velho)
        await palco.concilia()
    assert await palco.controle() == "ai"
    assert len(await palco.outbox()) == 1


@pytest.mark.parametrize(
    "over",
    [
        {"privada": True},
        {"tipo": "activity", "autor": None},
        {"tipo": "template", "autor": None},
        {"tipo": "incoming", "autor": "contact"},
        {"autor": "agent_bot"},
        {"autor": None},
        {"eco_id": "agente:falha:9"},
    ],
    ids=lambda over: "-".join(map(str, over.values())),
)
async def test_nothing_but_what_a_person_says_to_the_doctor_goes_out(palco: Palco, over: dict[str, str]) -> None:
    palco.mundo.diz(palco.chatwoot_id, "segredo", **over)  # type: ignore[arg-type]
    await palco.webhook(raw(palco.mundo))
    await palco.varre()
    assert await palco.outbox() == []
    assert await palco.controle() == "ai"
    assert await avisar_falhas(palco.ponte) == 0


async def test_a_message_without_words_is_answered_by_a_private_note_once(palco: Palco) -> None:
    palco.mundo.diz(palco.chatwoot_id, None)
    for _ in range(3):
        await palco.webhook(raw(palco.mundo, 1))
        await palco.varre()
        await avisar_falhas(palco.ponte)
    assert await palco.outbox() == []
    assert palco.mundo.da_conversa(palco.chatwoot_id, privadas=True) == [
        ("outgoing", "Anexos não são encaminhados ao WhatsApp do médico. Escreva a mensagem em texto.")
    ]


async def test_words_go_out_without_their_attachment_and_their_author_is_told_once(palco: Palco) -> None:
    palco.mundo.diz(palco.chatwoot_id, "segue o contrato", anexos=True)
    for _ in range(3):
        await palco.webhook(raw(palco.mundo, 1))
        await palco.varre()
        await avisar_falhas(palco.ponte)
    assert [row["body"] for row in await palco.outbox()] == ["segue o contrato"]
    assert palco.mundo.da_conversa(palco.chatwoot_id, privadas=True) == [
        ("outgoing", "Só o texto desta mensagem vai para o médico: anexos não são encaminhados ao WhatsApp dele.")
    ]


@pytest.mark.parametrize(
    ("state", "motivo", "dito"),
    [
        ("cancelled", "opted_out", "Mensagem não entregue ao médico: o médico pediu para não receber mensagens."),
        ("dead", "número sem WhatsApp", "Mensagem não entregue ao médico: motivo: número sem WhatsApp."),
        (
            "parked",
            "sem_evidencia_de_envio",
            "Mensagem parada: não se sabe se saiu; confira no WhatsApp antes de repetir.",
        ),
    ],
)
async def test_a_message_that_failed_is_told_once_in_a_private_note(
    palco: Palco, state: str, motivo: str, dito: str
) -> None:
    palco.mundo.diz(palco.chatwoot_id, "vai falhar")
    await palco.webhook(raw(palco.mundo))
    assert await avisar_falhas(palco.ponte) == 0
    await consulta(palco.db, "UPDATE outbox SET state = %s, motivo = %s", state, motivo)
    palco.mundo.falhar("post_message", Falha.INCERTA, feito=True)
    for _ in range(3):
        await avisar_falhas(palco.ponte)
        await consulta(palco.db, "UPDATE chatwoot_nota SET next_at = now()")
    assert palco.mundo.da_conversa(palco.chatwoot_id, privadas=True) == [("outgoing", dito)]
    await palco.webhook(raw(palco.mundo))
    await palco.varre()
    assert len(await palco.outbox()) == 1, "our own note is nobody's message"


async def test_what_is_older_than_a_day_is_not_sent_any_more_but_told(palco: Palco) -> None:
    palco.mundo.diz(palco.chatwoot_id, "de anteontem", em=datetime.now(UTC) - timedelta(days=2))
    await palco.webhook(raw(palco.mundo))
    await palco.varre()
    assert await avisar_falhas(palco.ponte) == 1
    assert await palco.outbox() == []
    assert await palco.controle() == "ai"


async def test_a_thread_that_a_person_opened_reaches_the_doctor_of_its_phone(db: Database) -> None:
    palco = await montar(db, telefone=TELEFONE)
    nova = palco.mundo.abre(1)
    palco.mundo.diz(nova, "escrevo por um fio novo")
    for _ in range(2):
        await palco.webhook(raw(palco.mundo))
    assert [row["body"] for row in await palco.outbox()] == ["escrevo por um fio novo"]
    assert await palco.controle() == "humano"


async def test_a_thread_of_nobody_we_know_is_answered_by_a_note(palco: Palco) -> None:
    palco.mundo.contatos[9] = Contato(9, "Desconhecida", "+5511900990099", None, None)
    nova = palco.mundo.abre(9)
    palco.mundo.diz(nova, "alô?")
    await palco.webhook(raw(palco.mundo))
    assert await avisar_falhas(palco.ponte) == 1
    assert palco.mundo.da_conversa(nova, privadas=True)[0][1] == (
        "Mensagem não enviada: este contato não é um médico conhecido da Júlia."
    )
    assert await palco.outbox() == []


async def test_another_inbox_of_the_account_is_none_of_our_business(palco: Palco) -> None:
    nova = palco.mundo.abre(1)
    palco.mundo.muda(nova, caixa_id=8)
    palco.mundo.diz(nova, "sobre outro assunto")
    await palco.webhook(raw(palco.mundo))
    assert await palco.outbox() == []


async def test_an_agent_reaches_a_doctor_whose_conversation_had_ended(palco: Palco) -> None:
    await consulta(palco.db, "UPDATE conversa SET status = 'completed', encerrada_em = now()")
    palco.mundo.diz(palco.chatwoot_id, "retomando")
    await palco.webhook(raw(palco.mundo))
    await palco.varre()
    [aberta] = await consulta(palco.db, "SELECT id, controle FROM conversa WHERE status = 'escalated'")
    assert aberta["controle"] == "humano"
    assert [row["body"] for row in await palco.outbox()] == ["retomando"]


async def test_a_phone_entered_for_a_lid_joins_the_two_doctors(db: Database) -> None:
    palco = await montar(db, telefone=None, lid="201000000001001")
    [outra] = await pessoas(db, 1)
    await consulta(db, "UPDATE medico SET telefone = %s WHERE id = %s", TELEFONE, outra.medico_id)
    contato = replace(palco.mundo.contatos[1], telefone=TELEFONE)
    for _ in range(2):
        await palco.webhook(contato_mudou(contato))
    medicos = await consulta(db, "SELECT telefone, lid FROM medico")
    assert medicos == [{"telefone": TELEFONE, "lid": "201000000001001"}]
    palco.mundo.diz(palco.chatwoot_id, "continuo por aqui")
    await palco.webhook(raw(palco.mundo))
    [row] = await consulta(db, "SELECT o.conversation_id, c.status FROM outbox o JOIN conversa c"
                           " ON c.id = o.conversation_id")  # fmt: skip
    assert row == {"conversation_id": outra.conversa_id, "status": "escalated"}


async def test_a_phone_entered_for_a_lid_alone_is_learned(db: Database) -> None:
    palco = await montar(db, telefone=None, lid="201000000001001")
    await palco.webhook(contato_mudou(replace(palco.mundo.contatos[1], telefone="+5511900012345")))
    assert await consulta(db, "SELECT telefone, lid FROM medico") == [
        {"telefone": "+5511900012345", "lid": "201000000001001"}
    ]
    assert await consulta(db, "SELECT telefone FROM lid_telefone") == [{"telefone": "+5511900012345"}]


async def test_a_contact_of_another_kind_changes_nothing(palco: Palco) -> None:
    await palco.webhook(contato_mudou(replace(palco.mundo.contatos[1], telefone="+5511900012345")))
    await palco.webhook(b"not json")
    await palco.webhook(b'{"event": "conversation_typing_on", "id": 1}')
    assert await consulta(palco.db, "SELECT * FROM lid_telefone") == []


async def test_chatwoot_out_of_reach_keeps_the_hint_for_later(palco: Palco) -> None:
    palco.mundo.diz(palco.chatwoot_id, "chega depois")
    palco.mundo.falhar("get_conversation", Falha.REPETIR)
    await palco.webhook(raw(palco.mundo))
    assert await palco.outbox() == []
    assert await conciliar(palco.ponte) == 0, "not at once"
    await palco.concilia(2)
    assert [row["body"] for row in await palco.outbox()] == ["chega depois"]

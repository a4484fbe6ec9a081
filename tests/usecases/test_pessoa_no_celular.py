"""A person answers from the chip's own phone: theirs is the conversation, and the machine's answer is discarded."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from lib import ledger
from lib.db import Database
from lib.queries.turno import OutboxRow
from tests.queries.fabrica import commit, reivindicar, reivindicar_turnos, um_turno
from tests.usecases.chegada import JID, LID_JID, manda, sql, texto, upsert

DONO = "SELECT controle, status, humano_em FROM conversa"
HANDOFF = "SELECT gatilho, status, assumida_por FROM transferencia"
CELULAR = [{"gatilho": "celular", "status": "assumida", "assumida_por": "celular do chip"}]
SAIDAS = "SELECT autor, texto FROM interacao WHERE direcao = 'saida' ORDER BY id"


async def test_a_person_on_the_phone_takes_the_conversation_and_the_answer_under_way_is_stale(banco: Database) -> None:
    await manda(banco, texto("oi"))
    [row] = await reivindicar_turnos(banco)
    with ledger.measure("celular") as conta:
        await manda(banco, texto("Oi doutora, aqui é a Paula", minha=True))
    assert (conta.round_trips, conta.commits) == (1, 1)
    assert await commit(banco, um_turno(row, OutboxRow("resposta:x", "tarde demais"))) is None
    [dono] = await sql(banco, DONO)
    assert (dono["controle"], dono["status"]) == ("humano", "escalated")
    assert await sql(banco, HANDOFF) == CELULAR
    assert await sql(banco, SAIDAS) == [{"autor": "humano", "texto": "Oi doutora, aqui é a Paula"}]
    assert await sql(banco, "SELECT ultima_saida_ator FROM doctor_state") == [{"ultima_saida_ator": "humano"}]
    [again] = await reivindicar_turnos(banco)
    assert [m["texto"] for m in again["mensagens"]] == ["oi"], "a turn still has to end what was open, silently"


async def test_nothing_is_due_when_nothing_was_open(banco: Database) -> None:
    await manda(banco, texto("oi"))
    [row] = await reivindicar_turnos(banco)
    assert await commit(banco, um_turno(row))
    await manda(banco, texto("aqui é a Paula", minha=True))
    assert await sql(banco, "SELECT due_at FROM mailbox") == [{"due_at": None}]


async def test_a_second_message_of_the_person_only_keeps_the_conversation_theirs(banco: Database) -> None:
    await manda(banco, texto("oi"))
    await manda(banco, texto("aqui é a Paula", minha=True))
    before = await sql(banco, "SELECT fence FROM mailbox")
    later = datetime.now(UTC) + timedelta(minutes=3)
    body = texto("posso ajudar?", minha=True)
    for _ in range(2):
        await manda(banco, body, agora=later)
    assert await sql(banco, "SELECT fence FROM mailbox") == before
    assert await sql(banco, "SELECT humano_em FROM conversa") == [{"humano_em": later}]
    assert await sql(banco, HANDOFF) == CELULAR
    assert [row["texto"] for row in await sql(banco, SAIDAS)] == ["aqui é a Paula", "posso ajudar?"]


async def test_a_waiting_hand_off_is_taken_by_whoever_answers_on_the_phone(banco: Database) -> None:
    await manda(banco, texto("quero falar com alguém"))
    await sql(
        banco,
        "INSERT INTO transferencia (conversation_id, gatilho, motivo) SELECT id, 'pedido_humano', 'x' FROM conversa",
    )
    await manda(banco, texto("sou eu", minha=True))
    assert await sql(banco, HANDOFF) == [
        {"gatilho": "pedido_humano", "status": "assumida", "assumida_por": "celular do chip"}
    ]


async def test_a_person_who_writes_first_keeps_the_machine_out_of_the_answer(banco: Database) -> None:
    await manda(banco, texto("Olá doutor, é da empresa", jid=LID_JID, alternativo=JID, minha=True))
    assert await sql(banco, "SELECT telefone, lid FROM medico") == [
        {"telefone": "+5511900010001", "lid": "201000000001001"}
    ]
    await manda(banco, texto("oi, pode falar"))
    [row] = await reivindicar_turnos(banco)
    assert row["controle"] == "humano"


@pytest.mark.parametrize("fate", ["sending", "unknown", "sent", "parked", "pending", "cancelled"])
async def test_our_own_send_coming_back_is_no_person(banco: Database, fate: str) -> None:
    await manda(banco, texto("oi"))
    [row] = await reivindicar_turnos(banco)
    assert await commit(banco, um_turno(row, OutboxRow("resposta:1", "temos vaga sim")))
    assert (await reivindicar(banco)).claimed
    await sql(banco, "UPDATE outbox SET state = :fate, provider_msg_id = :msg_id", fate=fate,
              msg_id="NOSSO" if fate == "sent" else None)  # fmt: skip
    await manda(banco, texto("temos vaga sim", minha=True, msg_id="NOSSO"))
    assert await sql(banco, "SELECT controle FROM conversa") == [{"controle": "ai"}]
    assert await sql(banco, "SELECT id FROM transferencia") == []
    proof = "SELECT midia, body_hash = sha256('temos vaga sim') AS prova FROM inbox WHERE tipo = 'eco'"
    assert await sql(banco, proof) == [{"midia": "texto", "prova": True}]


async def test_the_send_event_of_our_api_is_an_echo_whatever_it_says(banco: Database) -> None:
    await manda(banco, texto("oi"))
    body = upsert({"conversation": "aviso do painel"}, minha=True) | {"event": "send.message"}
    await manda(banco, body)
    assert await sql(banco, "SELECT controle FROM conversa") == [{"controle": "ai"}]


@pytest.mark.parametrize(
    "body",
    [
        texto("de ontem", minha=True, ha=timedelta(minutes=11)),
        upsert({"reactionMessage": {"key": {"id": "x"}, "text": "👍"}}, minha=True),
        upsert({"protocolMessage": {"type": "REVOKE", "key": {"id": "x"}}}, minha=True),
        texto("nota", jid="5511900000101@s.whatsapp.net", minha=True) | {"sender": "5511900000101@s.whatsapp.net"},
        texto("grupo", jid="120363000000000777@g.us", minha=True),
    ],
)
async def test_what_answers_nobody_takes_nothing_over(banco: Database, body: dict[str, object]) -> None:
    await manda(banco, texto("oi"))
    await manda(banco, body)
    assert await sql(banco, "SELECT DISTINCT controle FROM conversa") == [{"controle": "ai"}]
    assert await sql(banco, "SELECT count(*) AS n FROM inbox WHERE tipo <> 'mensagem'") == [{"n": 1}]


async def test_a_person_and_a_committing_turn_race_and_nothing_is_left_open(banco: Database, outro: Database) -> None:
    for n in range(60):
        jid = f"55119000{n:05d}@s.whatsapp.net"
        await manda(banco, texto("oi", jid))
        [row] = await reivindicar_turnos(banco)
        committed, _ = await asyncio.gather(
            commit(banco, um_turno(row)), manda(outro, texto("sou a Paula", jid, minha=True))
        )
        left = await reivindicar_turnos(banco)
        assert bool(left) != bool(committed), n
        for again in left:
            assert again["controle"] == "humano"
            assert await commit(banco, um_turno(again, desfecho="silencio"))
    assert await sql(banco, "SELECT count(*) AS n FROM inbox WHERE tipo = 'mensagem' AND desfecho IS NULL") == [
        {"n": 0}
    ]


async def test_a_queued_reply_does_not_follow_a_person(banco: Database) -> None:
    await manda(banco, texto("oi"))
    [row] = await reivindicar_turnos(banco)
    assert await commit(banco, um_turno(row, OutboxRow("resposta:1", "da máquina")))
    await manda(banco, texto("sou a Paula", minha=True))
    assert [one["bloqueio"] for one in (await reivindicar(banco)).blocked] == ["controle_humano"]

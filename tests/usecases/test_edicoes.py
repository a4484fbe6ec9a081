"""Edits, deletions, reactions and stops: what they do to what is not answered yet, whatever the order they come in."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from lib import ledger
from lib.db import Database, Row
from lib.usecases.receber import Debounce
from tests.queries.fabrica import commit, reivindicar_turnos, um_turno
from tests.usecases.chegada import LID_JID, apagamento, edicao, edicao_assinada, manda, sql, texto, upsert

OUTRA = "5511900010002@s.whatsapp.net"
LINHA = "SELECT texto, revisao, desfecho FROM inbox WHERE provider_msg_id = :id"
FALA = """SELECT texto, editada_em IS NOT NULL AS editada, apagada_em IS NOT NULL AS apagada FROM interacao
  WHERE direcao = 'entrada'"""


async def linha(db: Database, msg_id: str) -> Row:
    [row] = await sql(db, LINHA, id=msg_id)
    return row


async def responde(db: Database) -> None:
    """A turn answers whatever is open."""
    [row] = await reivindicar_turnos(db)
    assert await commit(db, um_turno(row))


async def test_an_edit_of_an_open_message_replaces_its_words_once(banco: Database) -> None:
    await manda(banco, texto("plantão de sábado", msg_id="A"))
    edit = edicao("A", "plantão de DOMINGO")
    for _ in range(3):
        await manda(banco, edit)
    assert await linha(banco, "A") == {"texto": "plantão de DOMINGO", "revisao": 1, "desfecho": None}
    [row] = await reivindicar_turnos(banco)
    assert [m["texto"] for m in row["mensagens"]] == ["plantão de DOMINGO"]
    assert await sql(banco, "SELECT desfecho FROM inbox WHERE midia = 'edicao'") == [
        {"desfecho": "silencio: edição aplicada antes da resposta"}
    ]


async def test_an_edit_moves_the_due_time_like_a_message(banco: Database) -> None:
    await manda(banco, texto("oi", msg_id="A"))
    await manda(banco, edicao("A", "oi!"), debounce=Debounce(30, 60))
    assert await sql(banco, "SELECT due_at > now() + interval '20 seconds' AS espera FROM mailbox") == [
        {"espera": True}
    ]


async def test_an_edit_of_an_answered_message_changes_the_thread_and_wakes_nobody(banco: Database) -> None:
    await manda(banco, texto("sábado", msg_id="A"))
    await responde(banco)
    stored = await manda(banco, edicao("A", "domingo"))
    assert stored.desfecho == "silencio: edição de mensagem já respondida"
    assert await sql(banco, FALA) == [{"texto": "domingo", "editada": True, "apagada": False}]
    assert await reivindicar_turnos(banco) == []
    assert (await linha(banco, "A"))["revisao"] == 0


async def test_a_deletion_of_an_open_message_leaves_nothing_to_answer(banco: Database) -> None:
    await manda(banco, texto("mandei errado", msg_id="A"))
    for _ in range(2):
        await manda(banco, apagamento("A"))
    assert await linha(banco, "A") == {"texto": None, "revisao": 1, "desfecho": "silencio: apagada pelo médico"}
    assert await sql(banco, FALA) == [{"texto": "", "editada": False, "apagada": True}]
    [row] = await reivindicar_turnos(banco)
    assert row["mensagens"] == []


async def test_a_deletion_of_an_answered_message_wipes_its_words(banco: Database) -> None:
    await manda(banco, texto("meu CPF é esse", msg_id="A"))
    await responde(banco)
    assert (await manda(banco, apagamento("A"))).desfecho == "silencio: apagamento de mensagem já respondida"
    assert await sql(banco, FALA) == [{"texto": "", "editada": False, "apagada": True}]


@pytest.mark.parametrize(
    ("ditas", "ficou"),
    [
        ([edicao("A", "um", ms=1), edicao("A", "dois", ms=2)], ("dois", None)),
        ([edicao("A", "dois", ms=2), edicao("A", "um", ms=1)], ("dois", None)),
        ([edicao("A", "um"), apagamento("A")], (None, "silencio: apagada pelo médico")),
        ([apagamento("A"), edicao("A", "um", ms=9)], (None, "silencio: apagada pelo médico")),
        ([edicao_assinada("A", "um")], ("um", None)),
        ([edicao("A", "um", LID_JID)], ("um", None)),
    ],
)
async def test_what_overtakes_its_message_meets_it_when_it_comes(
    banco: Database, ditas: list[dict[str, object]], ficou: tuple[str | None, str | None]
) -> None:
    for position in range(len(ditas) + 1):
        for table in ("inbox", "interacao", "mailbox"):
            await sql(banco, f"TRUNCATE {table} CASCADE")
        for body in [*ditas[:position], texto("zero", alternativo=LID_JID, msg_id="A"), *ditas[position:]]:
            await manda(banco, body)
        row = await linha(banco, "A")
        assert (row["texto"], row["desfecho"]) == ficou, position


async def test_a_message_and_its_edit_at_the_same_time_never_miss_each_other(banco: Database, outro: Database) -> None:
    for n in range(100):
        jid = f"55119000{n:05d}@s.whatsapp.net"
        both = [texto("antes", jid, msg_id=f"T{n}"), edicao(f"T{n}", "depois", jid)]
        await asyncio.gather(*(manda(outro, body) for body in (both if n % 2 else reversed(both))))
        assert (await linha(banco, f"T{n}"))["texto"] == "depois", n
    assert await sql(banco, "SELECT DISTINCT desfecho FROM inbox WHERE midia = 'edicao'") == [
        {"desfecho": "silencio: edição aplicada antes da resposta"}
    ]


async def test_an_edit_that_races_the_turn_of_its_message_is_read_by_a_turn_or_noted_in_the_thread(
    banco: Database, outro: Database
) -> None:
    for n in range(60):
        await manda(banco, texto("antes", msg_id=f"T{n}"))
        [row] = await reivindicar_turnos(banco)
        committed, _ = await asyncio.gather(commit(banco, um_turno(row)), manda(outro, edicao(f"T{n}", "depois")))
        assert committed
        for left in await reivindicar_turnos(banco):
            assert [m["texto"] for m in left["mensagens"]] in ([], ["depois"]), n
            if left["mensagens"]:
                assert await commit(banco, um_turno(left))
        await sql(banco, "UPDATE mailbox SET due_at = NULL, claim = NULL, lease_until = NULL")
        [fala] = await sql(banco, "SELECT texto FROM interacao WHERE provider_msg_id = :id", id=f"T{n}")
        assert fala["texto"] == "depois", n


@pytest.mark.parametrize("conhecida", [True, False])
async def test_nobody_edits_what_somebody_else_wrote(banco: Database, *, conhecida: bool) -> None:
    await manda(banco, texto("minha", msg_id="A"))
    if conhecida:
        await manda(banco, texto("sou outra", OUTRA))
    await manda(banco, edicao_assinada("A", "trocada", OUTRA))
    assert (await linha(banco, "A"))["texto"] == "minha"
    await manda(banco, edicao_assinada("B", "trocada", OUTRA))
    await manda(banco, texto("minha também", msg_id="B"))
    assert (await linha(banco, "B"))["texto"] == "minha também"


async def test_an_edit_of_our_own_message_is_nobodys_stop(banco: Database) -> None:
    await manda(banco, texto("oi", msg_id="A"))
    await sql(
        banco,
        """INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, state, chip_id,
          provider_msg_id)
        SELECT c.id, medico_id, 'x', 'oi', sha256('oi'), 'resposta', 'sent', k.id, 'NOSSA' FROM conversa c, chip k""",
    )
    stored = await manda(banco, edicao("NOSSA", "SAIR"))
    assert stored.desfecho is None or stored.desfecho.endswith("de mensagem nossa")
    assert await sql(banco, "SELECT desfecho FROM inbox WHERE midia = 'edicao'") == [
        {"desfecho": "silencio: edição de mensagem nossa"}
    ]


async def test_an_edit_into_a_stop_is_a_stop(banco: Database) -> None:
    await manda(banco, texto("oi", msg_id="A"))
    [row] = await reivindicar_turnos(banco)
    stored = await manda(banco, edicao("A", "SAIR"), debounce=Debounce(30, 60))
    assert (stored.desfecho, stored.imediata) == (None, True)
    assert await commit(banco, um_turno(row)) is None, "the answer under way must be stale"
    [again] = await reivindicar_turnos(banco)
    assert "SAIR" in [m["texto"] for m in again["mensagens"]]


async def test_an_answered_message_edited_into_a_stop_wakes_a_turn(banco: Database) -> None:
    await manda(banco, texto("oi", msg_id="A"))
    await responde(banco)
    await manda(banco, edicao("A", "me descadastrar"))
    [row] = await reivindicar_turnos(banco)
    assert [m["texto"] for m in row["mensagens"]] == ["me descadastrar"]


async def test_a_stop_makes_what_is_being_thought_stale_and_is_due_at_once(banco: Database) -> None:
    await manda(banco, texto("oi"))
    [row] = await reivindicar_turnos(banco)
    stored = await manda(banco, texto("Para de me mandar mensagem"), debounce=Debounce(30, 60))
    assert stored.imediata
    assert await commit(banco, um_turno(row)) is None
    [again] = await reivindicar_turnos(banco)
    assert [m["texto"] for m in again["mensagens"]] == ["oi", "Para de me mandar mensagem"]


@pytest.mark.parametrize("depois", [apagamento("A"), edicao("A", "pode continuar")])
async def test_a_stop_stands_whatever_becomes_of_its_words(banco: Database, depois: dict[str, Any]) -> None:
    await manda(banco, texto("SAIR", msg_id="A"))
    await manda(banco, depois)
    [row] = await reivindicar_turnos(banco)
    assert [m["texto"] for m in row["mensagens"]] == ["SAIR"]
    [edit] = await sql(banco, "SELECT desfecho FROM inbox WHERE alvo_msg_id = 'A'")
    assert edit["desfecho"].endswith("de um pedido de parada, que vale")


async def test_a_choice_is_due_at_once_and_a_text_waits_for_quiet(banco: Database) -> None:
    button = {"buttonsResponseMessage": {"selectedButtonId": "sim", "selectedDisplayText": "Sim"}}
    assert (await manda(banco, upsert(button), debounce=Debounce(30, 60))).imediata
    assert len(await reivindicar_turnos(banco)) == 1
    assert not (await manda(banco, texto("oi", OUTRA), debounce=Debounce(30, 60))).imediata
    assert await reivindicar_turnos(banco) == []


async def test_what_comes_late_is_on_the_list_and_a_person_is_told_once(banco: Database) -> None:
    body = texto("ainda tem?", ha=timedelta(minutes=11))
    for _ in range(2):
        await manda(banco, body)
    assert await sql(banco, "SELECT tipo, texto, conversation_id IS NOT NULL AS c FROM aviso") == [
        {"tipo": "sem_resposta", "texto": "Mensagem sem resposta automática: chegou com mais de 10 minutos", "c": True}
    ]
    await manda(banco, texto("SAIR", ha=timedelta(days=1)))
    assert [m["texto"] for m in (await reivindicar_turnos(banco))[0]["mensagens"]] == ["SAIR"]


async def test_a_reaction_names_its_target_and_asks_for_no_answer(banco: Database) -> None:
    alvo = uuid4().hex
    await manda(banco, upsert({"reactionMessage": {"key": {"id": alvo}, "text": "👍"}}))
    assert await sql(banco, "SELECT alvo_msg_id, desfecho FROM inbox") == [
        {"alvo_msg_id": alvo, "desfecho": "silencio: reação 👍"}
    ]
    assert await sql(banco, "SELECT midia, texto FROM interacao") == [{"midia": "reacao", "texto": "👍"}]
    assert await reivindicar_turnos(banco) == []


async def test_every_edit_costs_one_round_trip(banco: Database) -> None:
    await manda(banco, texto("oi", msg_id="A"))
    for body in (edicao("A", "oi!"), edicao_assinada("A", "oi?"), apagamento("A"), edicao("Z", "antes")):
        with ledger.measure("edição") as conta:
            await manda(banco, body)
        assert (conta.round_trips, conta.commits) == (1, 1)

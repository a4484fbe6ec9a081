"""LID and phone of one doctor: joined wherever an event names both, and two rows become one under both locks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lib import ledger
from lib.db import Database
from lib.queries import fusao, morta
from lib.queries.turno import OutboxRow
from tests.queries.fabrica import commit, reivindicar_turnos, um_turno
from tests.usecases.chegada import (
    INSTANCIA,
    JID,
    LID,
    LID_JID,
    TELEFONE,
    manda,
    sql,
    texto,
    upsert,
)

UM_SO = [{"telefone": TELEFONE, "lid": LID}]


async def medicos(db: Database) -> list[dict[str, Any]]:
    return await sql(db, "SELECT telefone, lid FROM medico ORDER BY id")


def participantes(*pares: tuple[str, str]) -> dict[str, Any]:
    """An event of a group that names its members twice."""
    data = {"id": "120363000000000777@g.us", "participantsData": [{"jid": a, "phoneNumber": b} for a, b in pares]}
    return {"event": "group-participants.update", "instance": INSTANCIA, "data": data}


async def test_every_event_that_names_both_teaches_the_pair(banco: Database) -> None:
    await manda(banco, participantes((LID_JID, JID), ("201000000001002@lid", "5511900010002")))
    assert await sql(banco, "SELECT lid, telefone FROM lid_telefone ORDER BY lid") == [
        {"lid": LID, "telefone": TELEFONE},
        {"lid": "201000000001002", "telefone": "+5511900010002"},
    ]
    await manda(banco, participantes((LID_JID, "5511900010009@s.whatsapp.net")))
    assert await sql(banco, "SELECT telefone FROM lid_telefone WHERE lid = :lid", lid=LID) == [
        {"telefone": "+5511900010009"}
    ]


@pytest.mark.parametrize("primeiro", [JID, LID_JID])
async def test_a_learned_pair_joins_what_comes_by_phone_and_by_lid(banco: Database, primeiro: str) -> None:
    await manda(banco, participantes((LID_JID, JID)))
    await manda(banco, texto("oi", primeiro))
    await manda(banco, texto("eu de novo", JID if primeiro == LID_JID else LID_JID))
    assert await medicos(banco) == UM_SO
    assert await sql(banco, "SELECT count(DISTINCT conversation_id) AS n FROM inbox") == [{"n": 1}]


async def test_a_doctor_known_by_lid_learns_the_phone_from_a_groups_event(banco: Database) -> None:
    await manda(banco, texto("oi", LID_JID))
    await manda(banco, participantes((LID_JID, JID)))
    await manda(banco, texto("eu de novo", LID_JID))
    assert await medicos(banco) == UM_SO


async def test_a_changed_number_keeps_doctor_and_conversation_and_is_answered_at_the_new_one(banco: Database) -> None:
    await manda(banco, texto("oi", JID, LID_JID))
    await manda(banco, texto("troquei de número", "5511900010009@s.whatsapp.net", LID_JID))
    assert await medicos(banco) == [{"telefone": "+5511900010009", "lid": LID}]
    assert await sql(banco, "SELECT count(*) AS n FROM conversa") == [{"n": 1}]


async def test_two_rows_of_one_doctor_become_one_when_an_event_names_both(banco: Database) -> None:
    await manda(banco, texto("pelo telefone", JID))
    await manda(banco, texto("pelo lid", LID_JID))
    before = await sql(banco, "SELECT sum(fence) AS n FROM mailbox")
    with ledger.measure("fusão") as conta:
        stored = await manda(banco, texto("pelos dois", LID_JID, JID))
    assert conta.round_trips == 2, "one for the message, one for the rare joining"
    assert await medicos(banco) == UM_SO
    assert await sql(banco, "SELECT count(*) AS n FROM conversa WHERE encerrada_em IS NULL") == [{"n": 1}]
    assert await sql(
        banco, "SELECT status, encerrada_em IS NOT NULL AS e FROM conversa WHERE status = 'abandoned'"
    ) == [{"status": "abandoned", "e": True}]
    assert await sql(banco, "SELECT DISTINCT conversation_id AS c FROM inbox") == [{"c": stored.conversation_id}]
    assert (await sql(banco, "SELECT sum(fence) AS n FROM mailbox"))[0]["n"] == before[0]["n"] + 2
    [row] = await reivindicar_turnos(banco)
    assert [m["texto"] for m in row["mensagens"]] == ["pelo telefone", "pelo lid", "pelos dois"]


async def test_the_stricter_permission_and_the_person_in_charge_survive(banco: Database) -> None:
    await manda(banco, texto("pelo telefone", JID))
    await manda(banco, texto("pelo lid", LID_JID))
    await sql(banco, "UPDATE doctor_state SET permissao = 'active', ciclo = 'engaged'")
    await sql(
        banco,
        "UPDATE doctor_state SET permissao = 'opted_out' FROM medico m WHERE m.id = medico_id AND lid IS NOT NULL",
    )
    await sql(
        banco,
        """UPDATE conversa SET controle = 'humano', status = 'escalated'
      FROM medico m WHERE m.id = medico_id AND lid IS NOT NULL""",
    )
    await fusao.fundir(banco, LID, TELEFONE)
    assert await sql(banco, "SELECT permissao FROM doctor_state") == [{"permissao": "opted_out"}]
    assert await sql(banco, "SELECT controle, status FROM conversa WHERE encerrada_em IS NULL") == [
        {"controle": "humano", "status": "escalated"}
    ]


async def test_what_was_being_thought_for_either_is_stale(banco: Database) -> None:
    await manda(banco, texto("pelo telefone", JID))
    await manda(banco, texto("pelo lid", LID_JID))
    rows = await reivindicar_turnos(banco)
    assert len(rows) == 2
    await fusao.fundir(banco, LID, TELEFONE)
    for row in rows:
        assert await commit(banco, um_turno(row, OutboxRow(f"r:{row['conversation_id']}", "tarde"))) is None
    [again] = await reivindicar_turnos(banco)
    assert len(again["mensagens"]) == 2


async def test_a_dead_conversation_that_is_joined_into_another_is_no_dead_letter_any_more(banco: Database) -> None:
    await manda(banco, texto("pelo telefone", JID))
    await manda(banco, texto("pelo lid", LID_JID))
    await sql(banco, "UPDATE mailbox SET dead = 'o turno falhou 5 vezes'")
    assert len(await morta.page(banco, 10)) == 2
    await fusao.fundir(banco, LID, TELEFONE)
    assert await morta.page(banco, 10) == []
    [row] = await reivindicar_turnos(banco)
    assert [m["texto"] for m in row["mensagens"]] == ["pelo telefone", "pelo lid"]


CONTA = "SELECT count(*) AS n, count(DISTINCT medico_id) AS m FROM tabela"
CHEIA = """
INSERT INTO hospital (nome, nome_normalizado, cidade, uf) VALUES ('H', 'h', 'São Paulo', 'SP');
INSERT INTO especialidade (nome, nome_normalizado) VALUES ('E', 'e');
INSERT INTO vaga (hospital_id, especialidade_id, inicio, fim, valor_centavos)
  SELECT h.id, e.id, now(), now() + interval '12 hours', 1 FROM hospital h, especialidade e;
INSERT INTO vaga (hospital_id, especialidade_id, inicio, fim, valor_centavos, medico_id)
  SELECT h.id, e.id, now(), now() + interval '12 hours', 2, m.id FROM hospital h, especialidade e, medico m
  WHERE m.telefone IS NULL;
INSERT INTO interesse (medico_id, vaga_id, conversation_id)
  SELECT c.medico_id, v.id, c.id FROM conversa c, vaga v WHERE valor_centavos = 1;
INSERT INTO memoria (medico_id, tipo, assunto, texto, fonte, criada_em)
  SELECT id, 'preferencia', 'turno', coalesce(telefone, 'noite'), 'teste', now() + id * interval '1 second' FROM medico;
INSERT INTO memoria (medico_id, tipo, assunto, texto, fonte) SELECT id, 'historico', 'outro', 'x', 'teste' FROM medico;
INSERT INTO diretriz (tipo, conteudo, escopo, escopo_id, criada_por)
  SELECT 'instrucao_geral', 'x', 'medico', id, 'teste' FROM medico;
INSERT INTO transferencia (conversation_id, gatilho, motivo) SELECT id, 'manual', 'x' FROM conversa;
INSERT INTO aviso (chave, tipo, conversation_id, texto) SELECT id, 'transferencia', id, 'x' FROM conversa;
INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, state)
  SELECT id, medico_id, 'v' || id, 'x', sha256('x'), 'resposta', 'sending' FROM conversa;
INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo)
  SELECT id, medico_id, 'p' || id, 'x', sha256('x'), 'resposta' FROM conversa
"""


async def test_everything_of_the_doctor_moves_and_nothing_is_lost(banco: Database) -> None:
    await manda(banco, texto("pelo telefone", JID))
    await manda(banco, texto("pelo lid", LID_JID))
    for row in await reivindicar_turnos(banco):
        assert await commit(banco, um_turno(row))
    for statement in CHEIA.strip().split(";\n"):
        await sql(banco, statement)
    await fusao.fundir(banco, LID, TELEFONE)
    assert await medicos(banco) == UM_SO
    counted = {
        table: (await sql(banco, CONTA.replace("tabela", table)))[0]
        for table in ("interacao", "outbox", "turno", "memoria", "interesse", "conversa", "doctor_state")
    }
    assert counted == {
        "interacao": {"n": 2, "m": 1},
        "outbox": {"n": 4, "m": 1},
        "turno": {"n": 2, "m": 1},
        "memoria": {"n": 4, "m": 1},
        "interesse": {"n": 1, "m": 1},
        "conversa": {"n": 2, "m": 1},
        "doctor_state": {"n": 1, "m": 1},
    }
    assert await sql(banco, "SELECT texto FROM memoria WHERE assunto = 'turno' AND substituida_em IS NULL") == [
        {"texto": "noite"}
    ]
    assert await sql(banco, "SELECT count(*) AS n FROM transferencia WHERE status <> 'resolvida'") == [{"n": 1}]
    assert await sql(banco, "SELECT count(*) AS n FROM diretriz JOIN medico ON medico.id = escopo_id") == [{"n": 2}]
    elsewhere = """SELECT state FROM outbox o JOIN conversa c ON c.id = o.conversation_id
      WHERE encerrada_em IS NOT NULL"""
    assert await sql(banco, elsewhere) == [{"state": "sending"}], "its own conversation has one under way already"


async def test_every_table_that_refers_to_a_doctor_is_joined(banco: Database) -> None:
    referring = """SELECT conrelid::regclass::text AS t FROM pg_constraint
      WHERE contype = 'f' AND confrelid = 'medico'::regclass"""
    named = " ".join(str(sql) for sql in fusao.STATEMENTS)
    for row in await sql(banco, referring):
        assert " ".join(("UPDATE", row["t"], "x SET medico_id")) in named or row["t"] == "doctor_state", row["t"]


async def test_phone_lid_and_both_at_the_same_time_end_as_one_doctor_with_every_message(
    banco: Database, outro: Database
) -> None:
    for n in range(60):
        jid, lid = f"55119000{n:05d}@s.whatsapp.net", f"2010000{n:05d}@lid"
        ways = [texto("a", jid), texto("b", lid), texto("c", lid, jid), texto("d", jid, lid), texto("e", lid)]
        await asyncio.gather(*(manda(outro, body) for body in ways[n % 5 :] + ways[: n % 5]))
        await manda(banco, texto("f", lid, jid))
        phone = f"+55119000{n:05d}"
        assert await sql(banco, "SELECT telefone FROM medico WHERE telefone = :t OR lid = :l", t=phone,
                         l=f"2010000{n:05d}") == [{"telefone": phone}], n  # fmt: skip
    assert await sql(banco, "SELECT count(*) AS n FROM inbox") == [{"n": 360}]
    assert await sql(banco, "SELECT count(*) AS n FROM conversa WHERE encerrada_em IS NULL") == [{"n": 60}]
    astray = "SELECT i.id FROM inbox i JOIN conversa c ON c.id = i.conversation_id WHERE encerrada_em IS NOT NULL"
    assert await sql(banco, astray) == []


async def test_a_join_races_messages_turns_and_sends_of_both_and_loses_nothing(
    banco: Database, outro: Database
) -> None:
    for n in range(40):
        jid, lid = f"55119000{n:05d}@s.whatsapp.net", f"2010000{n:05d}@lid"
        await manda(banco, texto("a", jid))
        await manda(banco, texto("b", lid))
        rows = await reivindicar_turnos(banco)
        await asyncio.gather(
            manda(outro, texto("c", lid, jid)),
            manda(outro, texto("d", lid)),
            manda(outro, texto("e", jid)),
            *(commit(banco, um_turno(row, OutboxRow(f"{n}:{row['conversation_id']}", "oi"))) for row in rows),
        )
        while left := await reivindicar_turnos(banco):
            for row in left:
                if row["mensagens"]:
                    assert await commit(banco, um_turno(row))
                else:
                    await sql(banco, "UPDATE mailbox SET due_at = NULL WHERE conversation_id = :c",
                              c=row["conversation_id"])  # fmt: skip
    assert await sql(banco, "SELECT count(*) AS n FROM inbox WHERE turn_id IS NULL") == [{"n": 0}]
    assert await sql(banco, "SELECT count(*) AS n, count(DISTINCT inbox_id) AS i FROM interacao") == [
        {"n": 200, "i": 200}
    ]
    assert await sql(banco, "SELECT count(*) AS n FROM medico") == [{"n": 40}]


async def test_a_message_that_lands_in_a_conversation_just_closed_is_brought_home(banco: Database) -> None:
    stored = await manda(banco, texto("oi"))
    assert stored.conversation_id is not None
    await sql(banco, "UPDATE conversa SET status = 'abandoned', encerrada_em = now()")
    await fusao.recolher(banco, stored.conversation_id)
    [row] = await reivindicar_turnos(banco)
    assert (row["status_conversa"], [m["texto"] for m in row["mensagens"]]) == ("active", ["oi"])
    assert row["conversation_id"] != stored.conversation_id


async def test_a_person_on_the_phone_joins_the_two_rows_too(banco: Database) -> None:
    await manda(banco, texto("pelo telefone", JID))
    await manda(banco, texto("pelo lid", LID_JID))
    await manda(banco, upsert({"conversation": "sou a Paula"}, JID, LID_JID, minha=True))
    assert await medicos(banco) == UM_SO
    assert await sql(banco, "SELECT controle FROM conversa WHERE encerrada_em IS NULL") == [{"controle": "humano"}]

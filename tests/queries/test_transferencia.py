"""A person takes a conversation, gives it back or falls silent, whatever Júlia is doing meanwhile."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from lib.db import Database
from lib.domain.estado import Ciclo, DoctorState, Permissao, Severidade, TransferenciaResolvida, apply
from lib.models import Chip
from lib.models.conversa import Controle, StatusConversa
from lib.queries.transferencia import Pessoa, give_back, page, release_silent, take
from lib.queries.turno import ConversationChange, HandoffRow, OutboxRow
from lib.usecases.transferir import NoSuchConversationError, WrongStateError, assumir, devolver, liberar_silenciosas
from tests.builders import gravar
from tests.queries.fabrica import (
    Pessoa as Medica,
)
from tests.queries.fabrica import (
    agora,
    chega,
    chip_que_envia,
    commit,
    consulta,
    ingerir,
    pessoas,
    reivindicar,
    reivindicar_turnos,
    resposta,
    um_turno,
)
from tests.queries.test_envio_portao import lidos, sobrescrever

pytestmark = pytest.mark.anyio


@pytest.fixture
async def chip(db: Database) -> Chip:
    [stored] = await gravar(db, chip_que_envia())
    return stored


async def escreve(db: Database, chip: Chip, medica: Medica, texto: str = "oi") -> None:
    await ingerir(db, chega(chip.instancia, str(medica.medico.telefone), f"M{agora().timestamp()}", texto))


async def situacao(db: Database, medica: Medica) -> tuple[str, str, str | None]:
    [row] = await consulta(
        db,
        "SELECT c.controle, c.status, t.status AS mao FROM conversa c LEFT JOIN transferencia t"
        " ON t.conversation_id = c.id WHERE c.id = %s ORDER BY t.id DESC LIMIT 1",
        medica.conversa_id,
    )
    return row["controle"], row["status"], row["mao"]


async def test_taking_over_discards_what_is_being_thought_and_what_was_queued(db: Database, chip: Chip) -> None:
    [medica] = await pessoas(db, 1)
    await gravar(db, resposta(medica), resposta(medica, tipo="lembrete", next_at=agora() + timedelta(days=1)))
    await escreve(db, chip, medica)
    [row] = await reivindicar_turnos(db)
    assert await take(db, medica.conversa_id, Pessoa("ana", agora()))
    assert await commit(db, um_turno(row, OutboxRow("r:1", "Tenho um plantão!"))) is None
    states = await consulta(db, "SELECT tipo, state, motivo FROM outbox ORDER BY id")
    assert [(r["tipo"], r["state"]) for r in states] == [("resposta", "cancelled"), ("lembrete", "pending")]
    assert await situacao(db, medica) == ("humano", "escalated", "assumida")
    # The message that waited is due at once, for a turn that stores it and says nothing.
    [again] = await reivindicar_turnos(db)
    assert again["controle"] == "humano"
    assert len(again["mensagens"]) == 1


async def test_taking_what_a_turn_handed_over_keeps_its_reason_and_marks_its_notice_as_seen(
    db: Database, chip: Chip
) -> None:
    [medica] = await pessoas(db, 1)
    await escreve(db, chip, medica)
    [row] = await reivindicar_turnos(db)
    handed = um_turno(
        row, OutboxRow("transferencia:1", "Vou chamar alguém."), desfecho="entregue_a_pessoa",
        conversation=ConversationChange(controle="humano", status="escalated"),
        handoff=HandoffRow("juridico", "ameaça de processo"),
    )  # fmt: skip
    assert await commit(db, handed)
    await consulta(
        db,
        "INSERT INTO aviso (chave, tipo, conversation_id, texto) VALUES ('transferencia:1', 'transferencia', %s, 'x')",
        medica.conversa_id,
    )
    first = await take(db, medica.conversa_id, Pessoa("ana", agora()))
    assert await take(db, medica.conversa_id, Pessoa("bia", agora())) == first
    [mao] = await page(db, 2**62, 10, "assumida")
    assert (mao["gatilho"], mao["motivo"], mao["assumida_por"]) == ("juridico", "ameaça de processo", "bia")
    assert await consulta(db, "SELECT visto_por FROM aviso") == [{"visto_por": "ana"}]
    # The courtesy goes out although a person has it.
    assert [r["cause"] for r in (await reivindicar(db)).claimed] == ["transferencia:1"]


async def test_giving_back_resolves_and_wakes_what_waits_with_the_notes(db: Database, chip: Chip) -> None:
    [medica] = await pessoas(db, 1)
    await take(db, medica.conversa_id, Pessoa("ana", agora()))
    await gravar(db, resposta(medica, tipo="lembrete"))
    assert [r["bloqueio"] for r in (await reivindicar(db)).blocked] == ["controle_humano"]
    assert await consulta(db, "SELECT state, next_at > now() AS depois FROM outbox") == [
        {"state": "pending", "depois": True}
    ]
    await escreve(db, chip, medica)
    await consulta(db, "UPDATE mailbox SET due_at = now() + interval '1 hour'")
    assert await give_back(db, medica.conversa_id, Pessoa("ana", agora(), "já combinei o valor"))
    assert await situacao(db, medica) == ("ai", "active", "resolvida")
    assert await consulta(db, "SELECT notas, resolvida_por FROM transferencia") == [
        {"notas": "já combinei o valor", "resolvida_por": "ana"}
    ]
    assert [r["controle"] for r in await reivindicar_turnos(db)] == ["ai"]
    assert len((await reivindicar(db)).claimed) == 1


@pytest.mark.parametrize("como", ["devolvida", "silêncio"])
async def test_a_courtesy_that_has_not_left_is_not_said_once_julia_answers_again(
    db: Database, chip: Chip, como: str
) -> None:
    [medica] = await pessoas(db, 1)
    await escreve(db, chip, medica, "quero falar com uma pessoa")
    [row] = await reivindicar_turnos(db)
    done = um_turno(
        row, OutboxRow("transferencia:1", "Vou chamar uma pessoa."), desfecho="entregue_a_pessoa",
        conversation=ConversationChange(controle="humano", status="escalated"), handoff=HandoffRow("juridico", "x"),
    )  # fmt: skip
    assert await commit(db, done)
    if como == "devolvida":
        assert await give_back(db, medica.conversa_id, Pessoa("ana", agora()))
    else:
        await take(db, medica.conversa_id, Pessoa("ana", agora()))
        assert await release_silent(db, agora() + timedelta(days=1)) == [medica.conversa_id]
    assert (await reivindicar(db)).claimed == []
    assert await consulta(db, "SELECT state, motivo FROM outbox") == [{"state": "cancelled", "motivo": "devolvida"}]


async def test_what_a_person_settled_is_the_pure_function_for_every_state(db: Database) -> None:
    em = datetime(2026, 3, 10, 13, tzinfo=UTC)
    objecoes = [(None, None, None), ("preco", em - timedelta(hours=1), None), ("preco", em + timedelta(hours=1), None),
                ("preco", em - timedelta(days=2), em - timedelta(days=1)), ("preco", None, None)]  # fmt: skip
    before = [
        DoctorState(
            permissao=permissao, ciclo=Ciclo.ENGAGED, objecao=objecao, objecao_em=quando, objecao_resolvida_em=fim,
            objecao_severidade=Severidade.GRAVE if objecao else None,
            cooling_off_ate=em + timedelta(days=3) if permissao is Permissao.COOLING_OFF else None,
        )
        for permissao, (objecao, quando, fim) in product(Permissao, objecoes)
    ]  # fmt: skip
    found = await pessoas(db, len(before), conversa={"controle": Controle.HUMANO})
    await sobrescrever(db, [m.medico_id for m in found], before)
    for medica in found:
        assert await give_back(db, medica.conversa_id, Pessoa("ana", em))
    after = await lidos(db)
    for medica, estado in zip(found, before, strict=True):
        assert after[medica.medico_id] == apply(estado, TransferenciaResolvida(em)), estado


async def test_silence_releases_what_was_taken_and_never_what_nobody_took(db: Database, chip: Chip) -> None:
    taken, waiting, fresh = await pessoas(db, 3)
    now = agora()
    await take(db, taken.conversa_id, Pessoa("ana", now - timedelta(hours=13)))
    await take(db, fresh.conversa_id, Pessoa("ana", now - timedelta(hours=11)))
    await consulta(db, "UPDATE conversa SET controle = 'humano', humano_em = %s WHERE id = %s",
                   now - timedelta(days=9), waiting.conversa_id)  # fmt: skip
    await consulta(db, "INSERT INTO transferencia (conversation_id, gatilho, motivo) VALUES (%s, 'juridico', 'x')",
                   waiting.conversa_id)  # fmt: skip
    await escreve(db, chip, taken)
    assert await liberar_silenciosas(db, now) == 1
    assert await situacao(db, taken) == ("ai", "active", "resolvida")
    assert await situacao(db, waiting) == ("humano", "active", "pendente")
    assert await situacao(db, fresh) == ("humano", "escalated", "assumida")
    assert [r["conversation_id"] for r in await reivindicar_turnos(db)] == [taken.conversa_id]
    assert await liberar_silenciosas(db, now) == 0


@pytest.mark.parametrize(
    ("valor", "solta"),
    [('{"horas": 1}', 1), ('{"horas": 72}', 0), ('{"horas": 1e99}', 0), ('{"horas": "1"}', 1), ("7", 1), ("null", 1)],
)
async def test_how_long_is_a_switch_and_nonsense_in_it_is_the_default(db: Database, valor: str, solta: int) -> None:
    [medica] = await pessoas(db, 1)
    now = agora()
    await take(db, medica.conversa_id, Pessoa("ana", now - timedelta(hours=20)))
    await consulta(db, "INSERT INTO flag (chave, valor) VALUES ('silencio_humano', CAST(%s AS jsonb))", valor)
    assert len(await release_silent(db, now)) == solta


async def test_a_person_who_writes_in_the_last_moment_keeps_the_conversation(db: Database, chip: Chip) -> None:
    now = agora()
    for _ in range(30):
        [medica] = await pessoas(db, 1)
        await take(db, medica.conversa_id, Pessoa("ana", now - timedelta(hours=13)))
        touched, released = await asyncio.gather(
            consulta(db, "UPDATE conversa SET humano_em = now() WHERE id = %s AND controle = 'humano' RETURNING id",
                     medica.conversa_id),
            release_silent(db, now),
        )  # fmt: skip
        controle, *_ = await situacao(db, medica)
        # Either the release came first and the person's touch found it gone, or the touch kept it.
        assert (controle == "ai") is bool(released)
        assert bool(touched) is not bool(released)


async def test_turns_takeovers_returns_and_sends_never_lock_each_other_out(db: Database, chip: Chip) -> None:
    [medica] = await pessoas(db, 1)
    for n in range(60):
        await escreve(db, chip, medica)
        rows = await reivindicar_turnos(db)
        done = [commit(db, um_turno(row, OutboxRow(f"r:{n}", "oi"))) for row in rows]
        await asyncio.gather(
            *done, take(db, medica.conversa_id, Pessoa("ana", agora())), reivindicar(db),
            give_back(db, medica.conversa_id, Pessoa("ana", agora())), release_silent(db, agora()),
        )  # fmt: skip
        await consulta(db, "UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
    [left] = await consulta(db, "SELECT count(*) AS n FROM transferencia WHERE status <> 'resolvida'")
    assert left["n"] <= 1


async def test_what_cannot_be_done_says_why(db: Database) -> None:
    closed, open_ = await pessoas(db, 2)
    await consulta(db, "UPDATE conversa SET status = 'completed' WHERE id = %s", closed.conversa_id)
    with pytest.raises(NoSuchConversationError):
        await assumir(db, 10**9, "ana", agora())
    with pytest.raises(WrongStateError, match="encerrada"):
        await assumir(db, closed.conversa_id, "ana", agora())
    with pytest.raises(WrongStateError, match="já está com a Júlia"):
        await devolver(db, open_.conversa_id, "ana", None, agora())
    assert await situacao(db, closed) == ("ai", StatusConversa.COMPLETED, None)

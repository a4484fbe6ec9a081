"""A turn that is thought again: what its first attempt did is done once, what is answered anew is really said."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest

from api.worker import Worker
from lib import ledger
from lib.agent.contexto import montar_contexto_completo
from lib.agent.diretrizes import Diretrizes
from lib.agent.responder import Responder
from lib.agent.turno import Agente
from lib.cache import Cache
from lib.crash import Crashpoint
from lib.db import Database, Row
from lib.errors import ModelUnavailableError
from lib.providers.llm import Pedido, Resposta, Texto, Uso, UsoFerramenta
from lib.queries import mailbox, turno
from lib.queries.turno import Commit
from lib.resources import open_resources
from lib.settings import Settings
from lib.usecases.receber import Debounce
from tests.queries.fabrica import reivindicar_turnos
from tests.usecases.chegada import apagamento, edicao, manda, sql, texto


@dataclass
class Lembra:
    """A model that sets the reminder it was asked for, with the same words, whenever it is asked to answer."""

    entrada: Mapping[str, Any]
    fora_s: float | None = None

    async def gerar(self, pedido: Pedido) -> Resposta:
        used = any(not isinstance(b, Texto) for b in pedido.mensagens[-1].blocos)
        if used and self.fora_s is not None:
            await asyncio.sleep(self.fora_s)
            raise ModelUnavailableError("away")
        if pedido.esquema is not None or used:
            return Resposta((Texto("Combinado, te lembro!"),), "end_turn", Uso(), "m")
        return Resposta((UsoFerramenta("t1", "agendar_lembrete", self.entrada),), "tool_use", Uso(), "m")


def agente(banco: Database, hora: str = "09:00", fora_s: float | None = None) -> Agente:
    amanha = (datetime.now(UTC) + timedelta(days=1)).strftime(f"%Y-%m-%d {hora}")
    modelo = Lembra({"quando": amanha, "assunto": "ver a escala"}, fora_s)
    return Agente(
        responder=Responder(modelo, "m", Crashpoint(None)),
        diretrizes=Diretrizes(banco, Cache.open(None)),
        db=banco,
        clock=lambda: datetime.now(UTC),
        empresa="teste",
        pausa_max_s=0,
    )


async def tenta(banco: Database, row: Row, *, ultima: bool, hora: str = "09:00") -> Commit:
    """Think a claimed row through and commit it."""
    with ledger.measure("turno") as conta:
        done = await agente(banco, hora).pensar(montar_contexto_completo(row), conta, monotonic() + 20)
        return (await turno.commit(banco, done, prioridade=10, quieto_s=0, ultima=ultima))[0]


async def rele(banco: Database, row: Row) -> Row:
    again = await mailbox.reread(banco, row["conversation_id"], row["fence"], 10)
    assert again
    return again


@pytest.mark.parametrize("depois", ["apagada", "anterior"])
async def test_a_reminder_of_the_first_attempt_is_not_set_again_by_the_second(banco: Database, depois: str) -> None:
    await manda(banco, texto("opa, boa tarde", msg_id="A", ha=timedelta(seconds=5)))
    await manda(banco, texto("me lembra amanhã às 9h de ver a escala?", msg_id="B"))
    [row] = await reivindicar_turnos(banco)
    with ledger.measure("turno") as conta:
        done = await agente(banco).pensar(montar_contexto_completo(row), conta, monotonic() + 20)
    assert [f["nome"] for f in done.turn.ferramentas or ()] == ["agendar_lembrete"]
    if depois == "apagada":
        await manda(banco, apagamento("A"))
    else:
        await manda(banco, texto("oi, sou o doutor", msg_id="Z", ha=timedelta(seconds=30)))
    assert (await turno.commit(banco, done, prioridade=10, quieto_s=0, ultima=False))[0] is Commit.ULTRAPASSADO
    assert await tenta(banco, await rele(banco, row), ultima=True) is Commit.FEITO
    assert await sql(banco, "SELECT count(*) AS n FROM outbox WHERE tipo = 'lembrete'") == [{"n": 1}]


async def test_a_reminder_that_the_doctor_corrected_meanwhile_is_set_for_the_new_hour_alone(banco: Database) -> None:
    await manda(banco, texto("me lembra amanhã às 9h de ver a escala?", msg_id="A"))
    [row] = await reivindicar_turnos(banco)
    with ledger.measure("turno") as conta:
        done = await agente(banco).pensar(montar_contexto_completo(row), conta, monotonic() + 20)
    await manda(banco, texto("ops, às 10h"))
    assert (await turno.commit(banco, done, prioridade=10, quieto_s=0, ultima=False))[0] is Commit.ULTRAPASSADO
    assert await tenta(banco, await rele(banco, row), ultima=True, hora="10:00") is Commit.FEITO
    lembretes = (
        "SELECT extract(hour FROM next_at AT TIME ZONE 'America/Sao_Paulo') AS hora, state FROM outbox"
        " WHERE tipo = 'lembrete' ORDER BY id"
    )
    assert await sql(banco, lembretes) == [{"hora": 9, "state": "cancelled"}, {"hora": 10, "state": "pending"}]
    # What an earlier turn has confirmed stays.
    await manda(banco, texto("me lembra amanhã às 11h também de ver a escala?"))
    [row] = await reivindicar_turnos(banco)
    assert await tenta(banco, row, ultima=True, hora="11:00") is Commit.FEITO
    assert [r["state"] for r in await sql(banco, lembretes)] == ["cancelled", "pending", "pending"]


async def test_a_reminder_that_nobody_confirmed_does_not_stand(banco: Database) -> None:
    await manda(banco, texto("me lembra amanhã às 9h de ver a escala?"))
    [row] = await reivindicar_turnos(banco)
    with ledger.measure("turno") as conta:
        done = await agente(banco, fora_s=2.5).pensar(montar_contexto_completo(row), conta, monotonic() + 2)
    assert (await turno.commit(banco, done, prioridade=10, quieto_s=0, ultima=True))[0] is Commit.FEITO
    assert await sql(banco, "SELECT tipo, state FROM outbox ORDER BY tipo") == [
        {"tipo": "lembrete", "state": "cancelled"}, {"tipo": "resposta", "state": "pending"},
    ]  # fmt: skip


async def test_a_reminder_goes_with_the_request_that_was_deleted_before_its_answer(
    banco: Database, settings: Settings
) -> None:
    await manda(banco, texto("me lembra amanhã às 9h de ver a escala?", msg_id="A"))
    modelo = Lembra(agente(banco).responder.modelo.entrada)  # type: ignore[attr-defined]

    class Apaga:
        """A doctor who deletes the message while it is being answered."""

        async def gerar(self, pedido: Pedido) -> Resposta:
            answer = await modelo.gerar(pedido)
            if not answer.usos and pedido.esquema is None:
                await manda(banco, apagamento("A"))
            return answer

    async with open_resources(settings, nome="teste", modelo=Apaga()) as resources:
        worker = Worker(resources)
        running = asyncio.create_task(worker.run())
        async with asyncio.timeout(10):
            while await sql(banco, "SELECT due_at FROM mailbox WHERE due_at IS NOT NULL"):  # noqa: ASYNC110 - polled
                await asyncio.sleep(0.05)
        await worker.drain()
        await running
    assert await sql(banco, "SELECT tipo, state, motivo FROM outbox") == [
        {"tipo": "lembrete", "state": "cancelled", "motivo": "turno refeito"}
    ]


async def test_a_message_edited_while_its_last_attempt_is_thought_is_answered_once_more(banco: Database) -> None:
    await manda(banco, texto("tem plantão de sábado?", msg_id="A"))
    [row] = await reivindicar_turnos(banco)
    with ledger.measure("turno") as conta:
        done = await agente(banco).pensar(montar_contexto_completo(row), conta, monotonic() + 20)
    await manda(banco, edicao("A", "tem plantão de domingo?"))
    assert (await turno.commit(banco, done, prioridade=10, quieto_s=0, ultima=True))[0] is Commit.FEITO
    [again] = await reivindicar_turnos(banco)
    assert [m["texto"] for m in again["mensagens"]] == ["tem plantão de domingo?"]
    assert await tenta(banco, again, ultima=True) is Commit.FEITO
    assert (
        await sql(
            banco,
            """SELECT t.desfecho, count(o.id) AS saidas FROM turno t LEFT JOIN outbox o ON o.turn_id = t.id
      GROUP BY t.id ORDER BY t.id""",
        )
        == [{"desfecho": "respondida", "saidas": 1}] * 2
    )


async def test_the_burst_after_a_turn_that_was_thought_again_is_waited_for_like_any_other(banco: Database) -> None:
    await manda(banco, texto("oi"))
    [row] = await reivindicar_turnos(banco)
    await manda(banco, texto("tudo bem?"), debounce=Debounce(3, 12))
    assert await tenta(banco, await rele(banco, row), ultima=True) is Commit.FEITO
    await sql(banco, "UPDATE mailbox SET primeira_em = primeira_em - interval '1 minute'")
    await manda(banco, texto("e o plantão?"), debounce=Debounce(3, 12))
    assert await sql(banco, "SELECT due_at > now() + interval '2 seconds' AS espera FROM mailbox") == [{"espera": True}]

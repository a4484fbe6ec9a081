"""The gate and the state changes in SQL are the pure functions of the domain, for every state."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import orjson
import pytest
from sqlalchemy import update
from sqlmodel import col

from lib.agent.contexto import load_doctor_state
from lib.db import Database
from lib.domain.estado import Ciclo, DoctorState, Entrada, OptOut, Permissao, Saida, Tendencia, apply
from lib.domain.guardrails import avaliar_proativo
from lib.domain.horario import UFS, proxima_janela
from lib.domain.objecao import Objecao, Severidade, TipoObjecao
from lib.models import DoctorStateRow
from lib.models.conversa import Controle
from lib.queries import envio_desfecho
from lib.queries.envio import Destinos
from lib.queries.turno import OutboxRow, StateChange
from tests.builders import gravar, id_of, um_envio, um_estado, um_medico, uma_conversa
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

CASOS = 300
# São Paulo: a Tuesday's morning, minutes before the window opens and closes, a Saturday, Christmas, a state holiday.
INSTANTES = (
    datetime(2026, 3, 10, 13, 0, tzinfo=UTC),
    datetime(2026, 3, 10, 10, 58, tzinfo=UTC),
    datetime(2026, 3, 10, 22, 58, tzinfo=UTC),
    datetime(2026, 3, 14, 15, 0, tzinfo=UTC),
    datetime(2026, 12, 25, 15, 0, tzinfo=UTC),
    datetime(2026, 7, 9, 15, 0, tzinfo=UTC),
)
ESTADOS = ("SP", "AM", "AC", "sp", None, "ZZ")


@dataclass(frozen=True)
class Caso:
    """One generated doctor, at instants around the pretended now."""

    estado: DoctorState
    uf: str | None
    contatos: Sequence[datetime]
    humano: bool


def casos(pretenso: datetime) -> list[Caso]:
    chance = random.Random(pretenso.isoformat())

    def perto() -> datetime | None:
        return chance.choice((None, pretenso + timedelta(hours=chance.choice((-30, -1, 1, 5, 40, 100)))))

    return [
        Caso(
            DoctorState(permissao=chance.choice(tuple(Permissao)), cooling_off_ate=perto(), proximo_contato_em=perto()),
            chance.choice(ESTADOS),
            [
                pretenso - timedelta(hours=chance.uniform(1, 220) // 1 + 0.5)
                for _ in range(chance.choice((0, 1, 4, 5, 6, 8)))
            ],
            chance.random() < 0.15,
        )
        for _ in range(CASOS)
    ]


async def guardar(db: Database, found: list[Caso], desvio: timedelta) -> list[int]:
    """Store the cases, moved to the database's now; return the queued rows' ids."""

    def real(em: datetime | None) -> datetime | None:
        return em + desvio if em else None

    medicos = await gravar(db, *(um_medico(uf=caso.uf) for caso in found))
    await gravar(db, *(
        um_estado(
            id_of(medico), permissao=caso.estado.permissao, cooling_off_ate=real(caso.estado.cooling_off_ate),
            proximo_contato_em=real(caso.estado.proximo_contato_em),
        )
        for medico, caso in zip(medicos, found, strict=True)
    ))  # fmt: skip
    conversas = await gravar(db, *(
        uma_conversa(id_of(medico), controle=Controle.HUMANO if caso.humano else Controle.AI)
        for medico, caso in zip(medicos, found, strict=True)
    ))  # fmt: skip
    await gravar(db, *(
        um_envio(conversa, state="sent", enviando_em=real(em))
        for conversa, caso in zip(conversas, found, strict=True) for em in caso.contatos
    ))  # fmt: skip
    queued = await gravar(db, *(um_envio(conversa) for conversa in conversas))
    return [row.id for row in queued if row.id]


@pytest.mark.parametrize("pretenso", INSTANTES, ids=str)
async def test_the_gate_judges_as_the_pure_function_does(db: Database, pretenso: datetime) -> None:
    await gravar(db, chip_que_envia())
    desvio = agora() - pretenso
    found = casos(pretenso)
    ids = await guardar(db, found, desvio)
    proximas = {uf: proxima_janela(pretenso, uf or None) + desvio for uf in ("", *UFS)}
    judged = await reivindicar(db, 10 * CASOS, proximas=proximas)
    claimed = {row["id"] for row in judged.claimed}
    reasons = {row["id"]: row["bloqueio"] for row in judged.blocked}
    stored = {row["id"]: row for row in await consulta(db, "SELECT id, state, next_at FROM outbox")}
    kinds = set()
    for row_id, caso in zip(ids, found, strict=True):
        veredito = avaliar_proativo(caso.estado, pretenso, caso.uf, caso.contatos, controlada_por_humano=caso.humano)
        kinds.add(veredito.motivo)
        assert (row_id in claimed) is veredito.permitido, (caso, veredito, reasons.get(row_id))
        assert reasons.get(row_id) == veredito.motivo, (caso, veredito)
        if veredito.permitido_em:
            # The row is looked at again when the waits are over; the window of then is asked then.
            depois = stored[row_id]["next_at"] - desvio
            resto = proxima_janela(depois - timedelta(seconds=1), caso.uf) - veredito.permitido_em
            assert abs(resto) < timedelta(seconds=30), (caso, veredito, depois)
            assert stored[row_id]["state"] == "pending"
        elif not veredito.permitido:
            assert stored[row_id]["state"] == "cancelled"
    assert len(kinds) > 2


@pytest.mark.parametrize(
    ("destinos", "saem"),
    [(Destinos(todos=True), 2), (Destinos(todos=False), 0), (Destinos(todos=False, permitidos=("+5511911110000",)), 1)],
    ids=["everywhere", "nowhere", "listed"],
)
async def test_d31_a_number_that_is_not_allowed_gets_nothing_not_even_a_reply(
    db: Database, destinos: Destinos, saem: int
) -> None:
    await gravar(db, chip_que_envia())
    listed, other = await gravar(db, um_medico(telefone="+5511911110000"), um_medico())
    await gravar(db, *(um_estado(id_of(medico)) for medico in (listed, other)))
    conversas = await gravar(db, *(uma_conversa(id_of(medico)) for medico in (listed, other)))
    await gravar(db, *(um_envio(c, tipo="resposta", proativa=False) for c in conversas))
    judged = await reivindicar(db, destinos=destinos)
    assert len(judged.claimed) == saem
    assert [row["bloqueio"] for row in judged.blocked] == ["destino_nao_permitido"] * (2 - saem)
    assert await consulta(db, "SELECT 1 FROM outbox WHERE state = 'pending'") == []


async def test_a_person_in_charge_silences_all_but_the_hand_over_and_the_opt_outs_answer(db: Database) -> None:
    await gravar(db, chip_que_envia())
    muda, cortesia, parada = await pessoas(db, 3, conversa={"controle": Controle.HUMANO})
    await gravar(db, resposta(muda), resposta(cortesia, cause="transferencia:1"), resposta(parada, isenta_optout=True))
    judged = await reivindicar(db)
    assert {row["conversation_id"] for row in judged.claimed} == {cortesia.conversa_id, parada.conversa_id}
    assert [row["bloqueio"] for row in judged.blocked] == ["controle_humano"]


def estados() -> list[DoctorState]:
    """Every permission in every stage, with and without what may be missing."""
    em = datetime(2026, 3, 10, 13, tzinfo=UTC)
    found = [
        DoctorState(permissao=permissao, ciclo=ciclo, temperatura=temperatura)
        for permissao, ciclo, temperatura in product(Permissao, Ciclo, (0.0, 0.5, 0.97))
    ]
    return [
        *found,
        *(
            replace(
                estado, ultima_saida_em=em, ultima_entrada_em=em, tendencia=Tendencia.COOLING,
                cooling_off_ate=em if estado.permissao is Permissao.COOLING_OFF else None,
                objecao="preco", objecao_severidade=Severidade.MEDIUM, objecao_em=em,
            )
            for estado in found
        ),
    ]  # fmt: skip


async def lidos(db: Database) -> dict[int, DoctorState]:
    rows = await consulta(db, "SELECT medico_id, row_to_json(s)::text AS linha FROM doctor_state s")
    return {row["medico_id"]: load_doctor_state(orjson.loads(row["linha"])) for row in rows}


async def test_what_a_send_does_to_the_state_is_the_pure_function(db: Database) -> None:
    await gravar(db, chip_que_envia())
    before = estados()
    people = await pessoas(db, len(before))
    await sobrescrever(db, [p.medico_id for p in people], before)
    await gravar(db, *(resposta(pessoa, isenta_optout=True) for pessoa in people))
    claimed = (await reivindicar(db, 1000)).claimed
    assert len(claimed) == len(before)
    await envio_desfecho.mark_sent(db, [(row["id"], row["fence"], f"P{row['id']}") for row in claimed], 0)
    sent = {
        row["medico_id"]: row["enviada_em"] for row in await consulta(db, "SELECT medico_id, enviada_em FROM outbox")
    }
    after = await lidos(db)
    for pessoa, estado in zip(people, before, strict=True):
        assert after[pessoa.medico_id] == apply(estado, Saida(sent[pessoa.medico_id]))


@pytest.mark.parametrize("evento", ["entrada", "media", "grave", "optout"])
async def test_what_a_turn_does_to_the_state_is_the_pure_function(db: Database, evento: str) -> None:
    [chip] = await gravar(db, chip_que_envia())
    em = agora().replace(microsecond=0)
    event: Entrada | OptOut = OptOut(em) if evento == "optout" else Entrada(
        em,
        None if evento == "entrada" else Objecao(
            TipoObjecao.PRECO, Severidade.GRAVE if evento == "grave" else Severidade.MEDIUM, 0.9, "caro"
        ),
    )  # fmt: skip
    before = estados()
    people = await pessoas(db, len(before))
    await sobrescrever(db, [p.medico_id for p in people], before)
    for pessoa in people:
        await ingerir(db, chega(chip.instancia, str(pessoa.medico.telefone), f"M{pessoa.medico_id}"))
    rows = {row["medico_id"]: row for row in await reivindicar_turnos(db, 1000)}
    for pessoa, estado in zip(people, before, strict=True):
        done = um_turno(
            rows[pessoa.medico_id],
            OutboxRow(f"r:{pessoa.medico_id}", "oi"),
            state=como_mudanca(estado, apply(estado, event)),
        )
        assert await commit(db, done)
    after = await lidos(db)
    for pessoa, estado in zip(people, before, strict=True):
        assert after[pessoa.medico_id] == apply(estado, event)


def como_mudanca(antes: DoctorState, depois: DoctorState) -> StateChange:
    """The change as the agent writes it."""
    kept = {f.name for f in fields(StateChange)} & {f.name for f in fields(DoctorState)}
    values: dict[str, Any] = {name: getattr(depois, name) for name in kept}
    return StateChange(
        **values, delta_temperatura=round(depois.temperatura - antes.temperatura, 2), parada_perguntada_em=None
    )


async def sobrescrever(db: Database, ids: Sequence[int], states: Sequence[DoctorState]) -> None:
    names = [f.name for f in fields(DoctorState)]
    for medico_id, state in zip(ids, states, strict=True):
        values = {name: getattr(state, name) for name in names}
        change = update(DoctorStateRow).where(col(DoctorStateRow.medico_id) == medico_id).values(values)
        async with db.session() as session:
            await session.execute(change)


async def test_a_person_in_charge_silences_what_a_closed_conversation_of_the_doctor_left_too(db: Database) -> None:
    await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1, conversa={"status": "abandoned", "encerrada_em": agora()})
    await gravar(db, uma_conversa(pessoa.medico_id, controle="humano", status="escalated"))
    await gravar(db, resposta(pessoa))
    judged = await reivindicar(db)
    assert (judged.claimed, [row["bloqueio"] for row in judged.blocked]) == ([], ["controle_humano"])

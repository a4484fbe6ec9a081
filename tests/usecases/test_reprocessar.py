"""What went no further gets another chance with the same cause, and nothing is said twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from lib.db import Database
from lib.domain.chip import Gateway
from lib.domain.morta import O_QUE_FAZER, ClasseMorta
from lib.domain.referencia import Lado, Referencia, ler_referencia
from lib.models import Chip, Inbox
from lib.models.fila import TipoInbox
from lib.providers.meta import Meta
from lib.providers.whatsapp import Envio, Gateways
from lib.queries import morta
from lib.queries.turno import OutboxRow
from lib.resources import Resources, open_resources
from lib.sandbox.app import create_app
from lib.sandbox.config import SandboxConfig
from lib.settings import Settings
from lib.usecases.digitando import AO_MESMO_TEMPO, Canal, Digitando
from lib.usecases.reprocessar import Reprocessada, reprocessar, reprocessar_todas
from tests.builders import gravar, um_envio
from tests.providers.caixa import Sandbox, serving
from tests.queries.fabrica import (
    Pessoa,
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

CANAL = Canal(Gateway.EVOLUTION, "julia-01", "+5511900010000")

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with serving(create_app(SandboxConfig(pair_ms=10))) as url:
        yield Sandbox(url)


@pytest.fixture
async def resources(settings: Settings, sandbox: Sandbox) -> AsyncIterator[Resources]:
    async with open_resources(settings.model_copy(update={"evolution_url": sandbox.url}), nome="teste") as opened:
        yield opened


@pytest.fixture
async def chip(db: Database) -> Chip:
    [stored] = await gravar(db, chip_que_envia(instancia="julia-01", conectado=True))
    return stored


async def tenta(resources: Resources, ref: str, *, seco: bool = False) -> Reprocessada | None:
    found = ler_referencia(ref)
    assert found
    return await reprocessar(resources, found, seco=seco)


async def guarda(db: Database, chip: Chip, pessoa: Pessoa | None, **over: Any) -> str:
    row = {
        "source": "evolution", "chip_id": chip.id, "provider_msg_id": f"P{agora().timestamp()}", "raw": b"{}",
        "conversation_id": pessoa.conversa_id if pessoa else None, "tipo": TipoInbox.MENSAGEM, "texto": "oi", **over,
    }  # fmt: skip
    [stored] = await gravar(db, Inbox(**row))
    return f"e{stored.id}"


async def test_a_dead_conversation_comes_back_and_says_nothing_twice(
    db: Database, resources: Resources, chip: Chip
) -> None:
    [pessoa] = await pessoas(db, 1)
    stored = await ingerir(db, chega("julia-01", str(pessoa.medico.telefone), "M1"))
    cause = f"resposta:{stored.inbox_id}"
    await gravar(db, resposta(pessoa, cause=cause, state="sent", provider_msg_id="P1"))
    await consulta(db, "UPDATE mailbox SET dead = 'o turno falhou 5 vezes', tries = 6, due_at = now()")
    [listed] = await morta.page(db, 10)
    assert (listed["id"], listed["classe"]) == (f"c{pessoa.conversa_id}", "conversa_morta")
    assert await reivindicar_turnos(db) == []
    dry = await tenta(resources, f"e{stored.inbox_id}", seco=True)
    assert dry is not None
    assert not dry.feita
    assert await reivindicar_turnos(db) == []
    # A message of hers names the conversation, too.
    done = await tenta(resources, f"e{stored.inbox_id}")
    assert done == Reprocessada(listed["id"], ClasseMorta.CONVERSA_MORTA, feita=True, texto="a conversa voltou à fila")
    [row] = await reivindicar_turnos(db)
    assert await commit(db, um_turno(row, OutboxRow(cause, "Oi de novo!")))
    assert (await reivindicar(db)).claimed == []
    assert await morta.page(db, 10) == []


async def test_an_unanswered_message_goes_to_a_turn_and_leaves_the_list_when_somebody_answered(
    db: Database, resources: Resources, chip: Chip
) -> None:
    um, dois, tres = await pessoas(db, 3)
    tarde = {"desfecho": "sem_resposta: chegou com mais de 10 minutos"}
    ref = await guarda(db, chip, um, **tarde)
    answered = await guarda(db, chip, dois, **tarde)
    blank = await guarda(
        db, chip, tres, texto=None, midia="desconhecida", desfecho="sem_resposta: tipo de mensagem não reconhecido"
    )
    await consulta(
        db,
        """INSERT INTO interacao (conversation_id, medico_id, direcao, autor, texto, em)
           VALUES (%s, %s, 'saida', 'humano', 'oi', now() + interval '1 second')""",
        dois.conversa_id, dois.medico_id,
    )  # fmt: skip
    assert {row["id"] for row in await morta.page(db, 10)} == {ref, blank}
    assert await tenta(resources, answered) is None
    done = await tenta(resources, ref)
    assert done is not None
    assert done.feita
    assert [row["conversation_id"] for row in await reivindicar_turnos(db)] == [um.conversa_id]
    refused = await tenta(resources, blank)
    assert refused is not None
    assert (refused.feita, refused.texto) == (False, "não há nela nada que se possa ler")


async def test_bytes_are_read_again_as_of_the_time_at_which_they_came(
    db: Database, resources: Resources, chip: Chip
) -> None:
    ontem = datetime.now(UTC) - timedelta(days=1)
    body = {
        "event": "messages.upsert", "instance": "julia-01",
        "data": {
            "key": {"id": "AB12", "remoteJid": "5511900010001@s.whatsapp.net", "fromMe": False},
            "message": {"conversation": "tem plantão?"}, "messageTimestamp": int(ontem.timestamp()), "pushName": "Ana",
        },
    }  # fmt: skip
    understood = await guarda(
        db, chip, None, raw=orjson.dumps(body), tipo=TipoInbox.MORTA, texto=None, desfecho="x", received_at=ontem
    )
    noise = await guarda(db, chip, None, raw=b"\xff{", tipo=TipoInbox.MORTA, texto=None, desfecho="JSON inválido")
    done = await tenta(resources, understood)
    assert done is not None
    assert done.feita
    # It was not late when it came: a turn answers it.
    [row] = await reivindicar_turnos(db)
    assert [m["texto"] for m in row["mensagens"]] == ["tem plantão?"]
    assert done.texto == f"entendida: e{row['mensagens'][0]['id']}"
    assert await tenta(resources, understood) is None
    still = await tenta(resources, noise)
    assert still is not None
    assert not still.feita
    assert still.texto.startswith("continua ilegível")
    assert [row["id"] for row in await morta.page(db, 10)] == [noise]


async def test_a_dead_send_goes_again_as_the_same_row_and_the_gate_judges_it_anew(
    db: Database, resources: Resources, chip: Chip
) -> None:
    [pessoa] = await pessoas(db, 1)
    [saiu] = await pessoas(db, 1, estado={"permissao": "opted_out"})
    dead = {"state": "dead", "motivo": "recusada", "attempts": 5}
    await gravar(db, resposta(pessoa, cause="r:1", **dead), resposta(saiu, cause="r:2", **dead))
    done = [one async for one in reprocessar_todas(resources)]
    assert [one.feita for one in done] == [True, True]
    judged = await reivindicar(db)
    assert [row["cause"] for row in judged.claimed] == ["r:1"]
    assert [row["bloqueio"] for row in judged.blocked] == ["opted_out"]


async def test_an_unclear_send_goes_again_only_when_the_history_does_not_hold_it(
    db: Database, resources: Resources, sandbox: Sandbox, chip: Chip
) -> None:
    await sandbox.open_instance("julia-01")
    chegou, sumiu = await pessoas(db, 2)
    since = {"state": "parked", "motivo": "sem_evidencia_de_envio", "chip_id": chip.id, "enviando_em": agora()}
    for n, pessoa in enumerate((chegou, sumiu)):
        digits = f"551190001000{n}"
        await consulta(db, "UPDATE medico SET telefone = %s WHERE id = %s", f"+{digits}", pessoa.medico_id)
    arrived, lost = await gravar(db, um_envio(chegou.conversa, **since), um_envio(sumiu.conversa, **since))
    msg_id = await resources.evolution.send_text(Envio("julia-01", "5511900010000", arrived.body, arrived.id or 0))
    texts = {one.id: one.texto async for one in reprocessar_todas(resources, classe=ClasseMorta.ENVIO_INCERTO)}
    assert texts == {
        f"s{arrived.id}": "o histórico mostra que já tinha sido enviada; nada foi reenviado",
        f"s{lost.id}": "o histórico não a tem; a mensagem voltou à fila",
    }
    states = await consulta(db, "SELECT state, provider_msg_id FROM outbox ORDER BY id")
    assert [(r["state"], r["provider_msg_id"]) for r in states] == [("sent", msg_id), ("pending", None)]
    assert await consulta(db, "SELECT outbox_id FROM interacao") == [{"outbox_id": arrived.id}]


async def test_a_history_that_cannot_be_read_sends_nothing(db: Database, settings: Settings, chip: Chip) -> None:
    [pessoa] = await pessoas(db, 1)
    row = um_envio(pessoa.conversa, state="parked", chip_id=chip.id, enviando_em=agora())
    [stored] = await gravar(db, row)
    async with open_resources(settings, nome="teste") as away:
        done = await tenta(away, f"s{stored.id}")
    assert done is not None
    assert not done.feita
    assert "nada foi reenviado" in done.texto
    assert await consulta(db, "SELECT state FROM outbox") == [{"state": "parked"}]


async def test_where_no_history_proves_anything_only_who_asks_for_this_one_message_lets_it_go_again(
    db: Database, resources: Resources, sandbox: Sandbox
) -> None:
    meta = Meta(resources.get_http_client("evolution"), "token")
    here = replace(resources, gateways=Gateways({Gateway.META: meta}))
    [chip] = await gravar(db, chip_que_envia(gateway=Gateway.META, instancia="1055"))
    [pessoa] = await pessoas(db, 1)
    row = um_envio(pessoa.conversa, state="parked", chip_id=chip.id, enviando_em=agora())
    [stored] = await gravar(db, row)
    [one] = [one async for one in reprocessar_todas(here)]
    assert not one.feita
    assert "histórico" in one.texto
    assert await consulta(db, "SELECT state FROM outbox") == [{"state": "parked"}]
    done = await tenta(here, f"s{stored.id}")
    assert done is not None
    assert done.feita
    assert "segunda vez" in done.texto
    assert await consulta(db, "SELECT state FROM outbox") == [{"state": "pending"}]


async def test_a_gateway_that_is_not_set_up_any_more_is_told_and_sends_nothing(
    db: Database, resources: Resources
) -> None:
    [chip] = await gravar(db, chip_que_envia(gateway=Gateway.META, instancia="1055"))
    [pessoa] = await pessoas(db, 1)
    row = um_envio(pessoa.conversa, state="parked", chip_id=chip.id, enviando_em=agora())
    [stored] = await gravar(db, row)
    done = await tenta(resources, f"s{stored.id}")
    assert done is not None
    assert not done.feita


async def test_the_list_comes_in_pages_without_gaps_whatever_shares_an_instant(
    db: Database, resources: Resources, chip: Chip
) -> None:
    people = await pessoas(db, 23)
    em = agora()
    await gravar(db, *(resposta(p, state="dead", motivo=None, falhou_em=em) for p in people[:12]))
    await gravar(db, *(um_envio(p.conversa, state="parked", criada_em=em) for p in people[12:]))
    seen: list[str] = []
    marca = None
    while rows := await morta.page(db, 5, depois_de=marca):
        seen += [row["id"] for row in rows]
        marca = morta.Marca(rows[-1]["em"], rows[-1]["id"])
    assert len(seen) == len(set(seen)) == 23
    assert len(await morta.page(db, 100, classe="envio_incerto")) == 11
    assert set(O_QUE_FAZER) == set(ClasseMorta)
    dry = [one async for one in reprocessar_todas(resources, seco=True)]
    assert len(dry) == 23
    assert len(await morta.page(db, 100)) == 23


async def test_what_is_not_on_the_list_is_none(resources: Resources) -> None:
    for lado in Lado:
        assert await reprocessar(resources, Referencia(lado, 1)) is None


async def test_typing_is_shown_for_the_pause_and_delays_and_fails_nothing(
    resources: Resources, sandbox: Sandbox, settings: Settings
) -> None:
    await sandbox.open_instance("julia-01")
    shown = Digitando(resources.gateways)
    began = agora()
    for _ in range(3 * AO_MESMO_TEMPO):
        shown.mostrar(CANAL, timedelta(seconds=2))
    shown.mostrar(CANAL, timedelta(milliseconds=10))
    assert agora() - began < timedelta(seconds=0.5)
    assert len(shown._tarefas) == AO_MESMO_TEMPO  # noqa: SLF001 - how many run is what is bounded
    await shown.parar()
    assert not shown._tarefas  # noqa: SLF001
    async with open_resources(settings, nome="teste") as away:
        lost = Digitando(away.gateways)
        lost.mostrar(CANAL, timedelta(seconds=1))
        await next(iter(lost._tarefas))  # noqa: SLF001 - it ends without an error

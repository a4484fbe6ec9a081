"""The bridge over HTTP against the sandbox's Chatwoot, whose webhooks come twice and in any order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from lib.clock import utc_now
from lib.db import Database
from lib.domain.espelho import ROTULO
from lib.queries.transferencia import Pessoa, give_back
from lib.queries.webhook import Webhook
from lib.usecases.chatwoot import atender
from lib.usecases.chatwoot_notas import avisar_falhas
from lib.usecases.chatwoot_ponte import Ponte
from lib.usecases.conciliar import conciliar
from lib.usecases.espelhar import espelhar
from tests.builders import gravar, uma_entrada, uma_saida
from tests.queries.fabrica import Pessoa as Medica
from tests.queries.fabrica import chip_que_envia, consulta, pessoas
from tests.sandbox.chatwoot_vivo import Vivo, vivo

pytestmark = pytest.mark.anyio
TELEFONE, LID = "+5511900010001", "201000000001001"
EMBARALHAR_S = 0.03


@pytest.fixture
async def sala() -> AsyncIterator[Vivo]:
    async with vivo() as running:
        running.mundo.duplicar, running.mundo.embaralhar_s = True, EMBARALHAR_S
        yield running


async def entrega(sala: Vivo, ponte: Ponte) -> None:
    """All that Chatwoot has sent is worked off, in the order of its arrival, and upkeep runs."""
    await asyncio.sleep(EMBARALHAR_S * 1.5)
    await sala.quiet()
    came, sala.chegadas.came = sala.chegadas.came, []
    for n, (raw, _) in enumerate(came):
        await atender(ponte, Webhook(n, "chatwoot", None, str(n), raw, datetime.now(UTC)))
    await consulta(ponte.db, "UPDATE chatwoot_conversa SET conferir_em = now()")
    for _ in range(3):
        await conciliar(ponte)
    await avisar_falhas(ponte)


async def abre(sala: Vivo, db: Database, telefone: str | None) -> tuple[Ponte, Medica, int]:
    """A doctor has written, and her thread is open."""
    [chip] = await gravar(db, chip_que_envia())
    [medica] = await pessoas(db, 1, conversa={"chip_id": chip.id})
    await consulta(db, "UPDATE medico SET telefone = %s, lid = %s WHERE id = %s", telefone, LID, medica.medico_id)
    ponte = Ponte(db, sala.client, utc_now)
    assert await espelhar(ponte) == 0
    await gravar(db, uma_entrada(medica.conversa, datetime.now(UTC), "Tem plantão sábado?"))
    await gravar(db, uma_saida(medica.conversa, datetime.now(UTC), "Tenho dois. Quer ver?"))
    assert [await espelhar(ponte) for _ in range(3)] == [1, 1, 0]
    await entrega(sala, ponte)
    [fio] = sala.mundo.conversas
    return ponte, medica, fio


async def controle(db: Database, medica: Medica) -> str:
    [row] = await consulta(db, "SELECT controle FROM conversa WHERE id = %s", medica.conversa_id)
    return str(row["controle"])


async def test_a_conversation_is_mirrored_taken_answered_and_given_back(sala: Vivo, db: Database) -> None:
    ponte, medica, fio = await abre(sala, db, TELEFONE)
    assert [one.texto for one in sala.mundo.da_conversa(fio)][-2:] == ["Tem plantão sábado?", "Tenho dois. Quer ver?"]
    sala.central.etiquetar(fio, "urgente", presente=True)
    sala.central.escrever(fio, "só entre nós", privada=True)
    sala.central.escrever(fio, "Oi, doutora, aqui é a Gestora.")
    await entrega(sala, ponte)
    assert await controle(db, medica) == "humano"
    assert set(sala.mundo.conversas[fio].labels) == {"urgente", ROTULO}
    await entrega(sala, ponte)
    sala.central.resolver(fio)
    await entrega(sala, ponte)
    await entrega(sala, ponte)
    assert await controle(db, medica) == "ai"
    assert set(sala.mundo.conversas[fio].labels) == {"urgente"}
    outbox = await consulta(db, "SELECT body, autor FROM outbox")
    assert outbox == [{"body": "Oi, doutora, aqui é a Gestora.", "autor": "humano"}]
    assert await consulta(db, "SELECT DISTINCT estado FROM espelho") == [{"estado": "feito"}]


async def test_an_assignment_takes_and_silence_gives_back(sala: Vivo, db: Database) -> None:
    ponte, medica, fio = await abre(sala, db, TELEFONE)
    gestora = next(key for key, one in sala.mundo.pessoas.items() if one.nome == "Gestora Fictícia")
    sala.central.atribuir(fio, gestora)
    await entrega(sala, ponte)
    assert await controle(db, medica) == "humano"
    await give_back(db, medica.conversa_id, Pessoa("silêncio", datetime.now(UTC)))
    await entrega(sala, ponte)
    await entrega(sala, ponte)
    assert await controle(db, medica) == "ai"
    assert sala.mundo.conversas[fio].responsavel_id is None


async def test_a_phone_entered_there_joins_a_doctor_known_by_a_lid(sala: Vivo, db: Database) -> None:
    ponte, _, fio = await abre(sala, db, None)
    [contato] = sala.mundo.contatos
    sala.central.definir_telefone(contato, TELEFONE)
    sala.central.escrever(fio, None)
    await entrega(sala, ponte)
    assert await consulta(db, "SELECT telefone, lid FROM medico") == [{"telefone": TELEFONE, "lid": LID}]
    privadas = [one.texto for one in sala.mundo.da_conversa(fio) if one.privada]
    assert privadas == ["Anexos não são encaminhados ao WhatsApp do médico. Escreva a mensagem em texto."]

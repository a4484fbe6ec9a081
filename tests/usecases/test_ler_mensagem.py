"""Every message says afterwards what came of it, whether or not a turn took it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lib.db import Database
from lib.domain.referencia import Lado, Referencia, ler_referencia
from lib.models import Chip, Inbox
from lib.models.fila import TipoInbox
from lib.queries.turno import OutboxRow
from lib.settings import Settings
from lib.usecases.ler_mensagem import MensagemVista, ver_mensagem
from tests.builders import gravar, um_envio
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
    um_turno,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def chip(db: Database) -> Chip:
    [stored] = await gravar(db, chip_que_envia())
    return stored


async def guarda(db: Database, chip: Chip, pessoa: Pessoa, **over: Any) -> Inbox:
    row = {
        "source": "evolution", "chip_id": chip.id, "provider_msg_id": f"P{agora().timestamp()}", "raw": b"{}",
        "conversation_id": pessoa.conversa_id, "tipo": TipoInbox.MENSAGEM, "texto": "oi", **over,
    }  # fmt: skip
    [stored] = await gravar(db, Inbox(**row))
    return stored


async def vista(db: Database, settings: Settings, lado: Lado, key: int | None) -> MensagemVista:
    assert key is not None
    found = await ver_mensagem(db, Referencia(lado, key), settings)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("over", "resultado", "motivo"),
    [
        ({"desfecho": "silencio: reação 👍", "midia": "reacao"}, "silencio", "reação 👍"),
        ({"desfecho": "sem_resposta: chegou com mais de 10 minutos"}, "sem_resposta", "chegou com mais de 10 minutos"),
        ({"tipo": TipoInbox.MORTA, "desfecho": "JSON inválido"}, "morta", "JSON inválido"),
        ({"tipo": TipoInbox.ECO}, "eco", None),
        ({}, "na_fila", None),
    ],
)
async def test_a_message_without_a_turn_tells_its_outcome_and_its_reason(
    db: Database, settings: Settings, chip: Chip, over: dict[str, Any], resultado: str, motivo: str | None
) -> None:
    [pessoa] = await pessoas(db, 1)
    stored = await guarda(db, chip, pessoa, **over)
    found = await vista(db, settings, Lado.ENTRADA, stored.id)
    assert (found.resultado, found.motivo, found.turno, found.etapas) == (resultado, motivo, None, ())


async def test_a_message_is_seen_waiting_being_thought_and_dead(db: Database, settings: Settings, chip: Chip) -> None:
    [pessoa] = await pessoas(db, 1)
    stored = await ingerir(db, chega(chip.instancia, str(pessoa.medico.telefone), "M1"))
    assert (await vista(db, settings, Lado.ENTRADA, stored.inbox_id)).resultado == "na_fila"
    await reivindicar_turnos(db)
    assert (await vista(db, settings, Lado.ENTRADA, stored.inbox_id)).resultado == "em_turno"
    await consulta(db, "UPDATE mailbox SET dead = 'o turno falhou 5 vezes', lease_until = NULL")
    found = await vista(db, settings, Lado.ENTRADA, stored.inbox_id)
    assert (found.resultado, found.motivo) == ("morta", "o turno falhou 5 vezes")


async def test_edits_and_deletions_are_its_history_and_deleted_words_are_gone(
    db: Database, settings: Settings, chip: Chip
) -> None:
    [pessoa] = await pessoas(db, 1)
    stored = await ingerir(db, chega(chip.instancia, str(pessoa.medico.telefone), "M1", "meu segredo"))
    [row] = await reivindicar_turnos(db)
    assert await commit(db, um_turno(row, OutboxRow("r:1", "oi")))
    await guarda(db, chip, pessoa, midia="apagamento", alvo_msg_id="M1", texto=None, desfecho="silencio: apagamento")
    await consulta(db, "UPDATE interacao SET texto = '', apagada_em = now()")
    found = await vista(db, settings, Lado.ENTRADA, stored.inbox_id)
    assert (found.texto, [r.midia for r in found.revisoes]) == (None, ["apagamento"])
    assert found.apagada_em is not None
    assert found.turno is not None
    assert (found.resultado, found.turno.mensagens) == ("respondida", (f"e{stored.inbox_id}",))
    assert [envio.estado for envio in found.envios] == ["pending"]


async def test_a_send_that_no_turn_made_has_a_waterfall_of_its_own(
    db: Database, settings: Settings, chip: Chip
) -> None:
    [pessoa] = await pessoas(db, 1)
    em = agora() - timedelta(minutes=5)
    [row] = await gravar(db, um_envio(pessoa.conversa, criada_em=em, next_at=em + timedelta(minutes=1)))
    waiting = await vista(db, settings, Lado.SAIDA, row.id)
    assert (waiting.resultado, [e.nome for e in waiting.etapas]) == ("pending", ["pausa de leitura"])
    await reivindicar(db)
    await consulta(db, "UPDATE outbox SET state = 'sent', enviada_em = now(), provider_msg_id = 'P1'")
    found = await vista(db, settings, Lado.SAIDA, row.id)
    assert [e.nome for e in found.etapas] == ["pausa de leitura", "claim do envio", "aceita pelo gateway"]
    assert found.etapas[0].duracao_ms == 60_000
    [envio] = found.envios
    assert (envio.chip, envio.estado) == (chip.instancia, "sent")
    assert envio.escolha == "era o único que podia"
    assert envio.decisao_id is not None


async def test_what_is_not_there_is_none(db: Database, settings: Settings) -> None:
    for lado in Lado:
        assert await ver_mensagem(db, Referencia(lado, 1), settings) is None


@pytest.mark.parametrize(
    ("escrita", "lida"),
    [("e12", "e12"), ("12", "e12"), (" S7 ", "s7"), ("c3", "c3"), ("e0", None), ("z1", None), ("", None),
     ("9" * 19, None), ("٣", None), ("e1e", None), ("1" * 5000, None)],
)  # fmt: skip
def test_a_reference_is_read_as_written(escrita: str, lida: str | None) -> None:
    found = ler_referencia(escrita)
    assert (str(found) if found else None) == lida

"""What must hold at the edges of the hot path, each a way in which a message or a stop could get lost."""

from __future__ import annotations

from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import text

from lib import log
from lib.agent.contexto import Chaves, montar_contexto_completo
from lib.db import Database, Row, Step
from lib.domain.optout import Parada, classificar_parada
from lib.errors import SettingsError
from lib.queries import envio, envio_desfecho, mailbox
from lib.queries.envio import Destinos
from lib.settings import Settings, load_settings
from lib.usecases.receber import Debounce, receber

LOGO = Debounce(0, 0)
CHIP = """INSERT INTO chip (telefone, instancia, status, fase, conectado, trust_score, trust_nivel, pode_responder,
  pode_followup, pode_prospectar, limite_hora, limite_dia)
  VALUES ('+5511900000101', 'julia-01', 'active', 'operacao', true, 90, 'verde', true, true, true, 99, 99)"""


@pytest.fixture
async def banco(db: Database) -> Database:
    await db.round_trip(Step(text(CHIP), writes=True))
    return db


async def sql(db: Database, statement: str, **params: Any) -> list[Row]:
    [rows] = await db.round_trip(Step(text(statement), params, writes=True))
    return rows


async def chega(db: Database, message: dict[str, Any] | None, jid: str, alternativo: str | None = None) -> None:
    key = {"id": uuid4().hex, "remoteJid": jid, "fromMe": False} | (
        {"remoteJidAlt": alternativo} if alternativo else {}
    )
    data = {"key": key, "message": message, "messageTimestamp": int(datetime.now(UTC).timestamp()), "pushName": "Ana"}
    raw = orjson.dumps({"event": "messages.upsert", "instance": "julia-01", "data": data})
    await receber(db, "julia-01", raw, datetime.now(UTC), LOGO)


def palavras(texto: str) -> dict[str, Any]:
    return {"conversation": texto}


async def pega(db: Database, **over: Any) -> envio.Judged:
    proximas = {"": datetime.now(UTC)}
    return await envio.claim_due(db, uuid4(), 8, lease_s=60, proximas=proximas, destinos=Destinos(todos=True), **over)


async def poe_na_fila(db: Database, tipo: str) -> None:
    await sql(
        db,
        """INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, proativa)
        SELECT c.id, medico_id, 'teste:' || c.id, 'oi', sha256('oi'), t, t <> 'resposta'
        FROM conversa c, CAST(:tipo AS text) t""",
        tipo=tipo,
    )


async def test_a_stop_after_five_failed_turns_is_still_heard(banco: Database) -> None:
    await chega(banco, palavras("veneno"), "5511900010001@s.whatsapp.net")
    await sql(banco, "UPDATE mailbox SET tries = 5, due_at = now()")
    rows, dead = await mailbox.claim_due(banco, uuid4(), 5, 60, 10)
    assert (rows, len(dead)) == ([], 1)
    await chega(banco, palavras("SAIR"), "5511900010001@s.whatsapp.net")
    rows, dead = await mailbox.claim_due(banco, uuid4(), 5, 60, 10)
    assert [m.texto for m in montar_contexto_completo(rows[0]).recebidas] == ["veneno", "SAIR"]
    assert dead == []


async def test_phone_and_lid_of_one_doctor_meet_in_one_conversation(banco: Database) -> None:
    await chega(banco, palavras("oi"), "5511900010001@s.whatsapp.net", "201000000001001@lid")
    await chega(banco, palavras("SAIR"), "201000000001001@lid")
    assert await sql(banco, "SELECT telefone, lid FROM medico") == [
        {"telefone": "+5511900010001", "lid": "201000000001001"}
    ]
    assert await sql(banco, "SELECT count(DISTINCT conversation_id) AS n FROM inbox") == [{"n": 1}]


async def test_a_doctor_known_by_lid_alone_is_answered_there(banco: Database) -> None:
    await chega(banco, palavras("oi"), "201000000001001@lid")
    await poe_na_fila(banco, "resposta")
    [claimed] = (await pega(banco)).claimed
    assert claimed["destino"] == "201000000001001@lid"
    await chega(banco, palavras("sou eu"), "201000000001001@lid", "5511900010001@s.whatsapp.net")
    assert await sql(banco, "SELECT telefone FROM medico") == [{"telefone": "+5511900010001"}]


async def test_a_sticker_stands_in_the_thread_and_stops_the_follow_up(banco: Database) -> None:
    await chega(banco, palavras("oi"), "5511900010001@s.whatsapp.net")
    await sql(banco, "UPDATE conversa SET estagio = 'msg_enviada', ultima_saida_em = now() - interval '60 hours'")
    await poe_na_fila(banco, "followup")
    await chega(banco, {"stickerMessage": {"mimetype": "image/webp"}}, "5511900010001@s.whatsapp.net")
    assert await sql(banco, "SELECT midia FROM interacao") == [{"midia": "figurinha"}]
    assert await sql(banco, "SELECT estagio, ultima_entrada_em > ultima_saida_em AS ouvida FROM conversa") == [
        {"estagio": "respondeu", "ouvida": True}
    ]
    assert [row["bloqueio"] for row in (await pega(banco)).blocked] == ["respondeu"]
    assert await sql(banco, "SELECT state FROM outbox") == [{"state": "cancelled"}]


async def test_a_second_doubt_gets_its_three_look_ups_again_and_the_fifth_send_is_the_last(banco: Database) -> None:
    await chega(banco, palavras("oi"), "5511900010001@s.whatsapp.net")
    await poe_na_fila(banco, "resposta")
    for attempt in range(1, 6):
        [row] = (await pega(banco)).claimed
        await envio_desfecho.mark_unknown(banco, row["id"], row["fence"], "teste", 0)
        for look in range(1, 4):
            state = await sql(banco, "SELECT state, consultas FROM outbox")
            assert state == [{"state": "unknown", "consultas": look - 1}], attempt
            await envio_desfecho.mark_absent(banco, row["id"], row["fence"], 3, 0, 5, prova=True)
    assert await sql(banco, "SELECT state, motivo FROM outbox") == [
        {"state": "parked", "motivo": "sem_evidencia_de_envio"}
    ]


async def test_a_gateway_that_was_down_costs_no_attempt(banco: Database) -> None:
    await chega(banco, palavras("oi"), "5511900010001@s.whatsapp.net")
    await poe_na_fila(banco, "resposta")
    for _ in range(7):
        [row] = (await pega(banco)).claimed
        await envio_desfecho.mark_retry(banco, row["id"], row["fence"], "gateway_fora", 0)
    assert await sql(banco, "SELECT state, attempts FROM outbox") == [{"state": "pending", "attempts": 0}]


async def test_a_destination_that_could_not_be_checked_waits(banco: Database) -> None:
    await chega(banco, palavras("oi"), "5511900010001@s.whatsapp.net")
    await poe_na_fila(banco, "resposta")
    proximas = {"": datetime.now(UTC)}
    unsure = Destinos(todos=False, verificado=False)
    await envio.claim_due(banco, uuid4(), 8, lease_s=60, proximas=proximas, destinos=unsure)
    assert await sql(banco, "SELECT state, next_at > now() AS espera FROM outbox") == [
        {"state": "pending", "espera": True}
    ]


@pytest.mark.parametrize(
    ("engine", "safe", "chaves"),
    [
        ("true", "false", Chaves()),
        ("false", "false", Chaves(motor_ligado=False)),
        ('{"enabled": false}', "{}", Chaves(motor_ligado=False, modo_seguro="wait")),
        ("null", '{"enabled": true, "mode": "handoff"}', Chaves(modo_seguro="handoff")),
        ("[]", '"sim"', Chaves(modo_seguro="wait")),
    ],
)
async def test_a_switch_written_in_any_form_is_read_and_doubt_is_the_stricter_one(
    banco: Database, engine: str, safe: str, chaves: Chaves
) -> None:
    await chega(banco, palavras("oi"), "5511900010001@s.whatsapp.net")
    switches = """INSERT INTO flag (chave, valor)
        VALUES ('policy_engine', CAST(:a AS jsonb)), ('safe_mode', CAST(:b AS jsonb))"""
    await sql(banco, switches, a=engine, b=safe)
    [row], _ = await mailbox.claim_due(banco, uuid4(), 5, 60, 10)
    assert montar_contexto_completo(row).chaves == chaves


@pytest.mark.parametrize(
    "body",
    [
        {"event": "a\u0000b", "data": {}},
        {"event": "messages.update", "data": {"keyId": "x\u0000y", "status": "READ"}},
        {"event": "messages.update", "data": {"keyId": "x", "status": "\u0000"}},
        {"event": "messages.upsert", "data": {"key": {"id": "x", "remoteJid": "1@lid"}, "messageTimestamp": "²"}},
        {"event": "messages.upsert", "data": {"key": {"id": "x" * 9000, "remoteJid": "1@lid"}, "message": {}}},
        {"event": "messages.upsert", "data": {"key": {"id": "x", "remoteJid": f"{'9' * 9000}@lid"}, "message": {}}},
    ],
)
async def test_hostile_words_in_an_authentic_body_are_stored_not_refused(banco: Database, body: dict[str, Any]) -> None:
    await receber(banco, "julia-01", orjson.dumps(body), datetime.now(UTC), LOGO)
    stored = await sql(banco, "SELECT count(*) AS n FROM (SELECT FROM inbox UNION ALL SELECT FROM delivery_event) x")
    assert stored == [{"n": 1}]


def test_a_long_text_of_courtesies_takes_no_long_time() -> None:
    short, long = "agora " * 2_000 + "x", "agora " * 20_000 + "x"
    spent = []
    for said in (short, long):
        started = perf_counter()
        assert classificar_parada(said) is Parada.NENHUMA
        spent.append(perf_counter() - started)
    assert spent[1] < 60 * spent[0], "ten times the text may not cost a hundred times the time"


@pytest.mark.parametrize("address", ["postgresql:///db?host=db.example.com", "host=db.example.com dbname=db"])
def test_production_wants_tls_however_the_address_is_written(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AMBIENTE": "producao",
        "DATABASE_URL": address,
        "EVOLUTION_URL": "https://gateway.example.com",
        "EVOLUTION_API_KEY": "k" * 20,
        "EVOLUTION_WEBHOOK_SECRET": "s" * 40,
        "ANTHROPIC_API_KEY": "a" * 20,
    }.items():
        monkeypatch.setenv(f"AGENTE_{name}", value)
    with pytest.raises(SettingsError, match="sslmode"):
        load_settings()
    monkeypatch.setenv("AGENTE_DATABASE_URL", "postgresql://db.example.com/db?sslmode=require")
    assert isinstance(load_settings(), Settings)
    monkeypatch.setenv("AGENTE_CARENCIA_S", "0")
    with pytest.raises(SettingsError, match="carencia_s"):
        load_settings()


def test_a_refused_row_is_not_printed_with_what_the_doctor_wrote() -> None:
    said = 'violates check "x"\nDETAIL:  Failing row contains (7, Ana Souza, quero sair daqui).'
    assert "Ana" not in str(log.mask(said))

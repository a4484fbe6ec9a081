"""What the tests of the way in share: a chip, webhooks as Evolution sends them, and questions to the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.queries.entrada import Stored
from lib.usecases.receber import Debounce, receber

INSTANCIA = "julia-01"
TELEFONE, LID = "+5511900010001", "201000000001001"
JID, LID_JID = "5511900010001@s.whatsapp.net", f"{LID}@lid"
LOGO = Debounce(0, 0)
HOJE_MS = int(datetime.now(UTC).timestamp() * 1000)
CHIP = """INSERT INTO chip (telefone, instancia, status, fase, conectado, trust_score, trust_nivel, pode_responder,
  pode_followup, pode_prospectar, limite_hora, limite_dia)
  VALUES (:telefone, :instancia, 'active', 'operacao', true, 90, 'verde', true, true, true, 999, 999)"""


async def um_chip_pronto(db: Database, instancia: str = INSTANCIA, telefone: str = "+5511900000101") -> None:
    await sql(db, CHIP, instancia=instancia, telefone=telefone)


async def sql(db: Database, statement: str, **params: Any) -> list[Row]:
    """Ask or tell the database."""
    [rows] = await db.round_trip(Step(text(statement), params, writes=True))
    return rows


async def manda(db: Database, body: dict[str, Any], agora: datetime | None = None, debounce: Debounce = LOGO) -> Stored:
    """A webhook arrives."""
    return await receber(db, INSTANCIA, orjson.dumps(body), agora or datetime.now(UTC), debounce)


def upsert(
    message: dict[str, Any] | None,
    jid: str = JID,
    alternativo: str | None = None,
    *,
    msg_id: str | None = None,
    minha: bool = False,
    ha: timedelta = timedelta(0),
) -> dict[str, Any]:
    """A message as Evolution reports it, sent `ha` ago; `minha`: from the chip's own side."""
    key = {"id": msg_id or uuid4().hex, "remoteJid": jid, "fromMe": minha}
    if alternativo:
        key["remoteJidAlt"] = alternativo
    at = int((datetime.now(UTC) - ha).timestamp())
    data = {"key": key, "message": message, "messageTimestamp": at, "pushName": "Ana"}
    return {"event": "messages.upsert", "instance": INSTANCIA, "data": data}


def texto(said: str, jid: str = JID, alternativo: str | None = None, **over: Any) -> dict[str, Any]:
    """A doctor's text."""
    return upsert({"conversation": said}, jid, alternativo, **over)


def edicao(alvo: str, said: str, jid: str = JID, ms: int = 0) -> dict[str, Any]:
    """An edit as Evolution reports it apart; `ms` orders edits of one message."""
    stamp = str(HOJE_MS + ms)
    data = {"key": {"remoteJid": jid, "fromMe": False, "id": alvo}, "type": "MESSAGE_EDIT",
            "editedMessage": {"conversation": said}, "timestampMs": stamp}  # fmt: skip
    return {"event": "messages.edited", "instance": INSTANCIA, "data": data}


def edicao_assinada(alvo: str, said: str, jid: str = JID) -> dict[str, Any]:
    """An edit that came inside a message of its author."""
    protocol = {"key": {"id": alvo, "fromMe": True}, "type": 14, "editedMessage": {"conversation": said}}
    return upsert({"editedMessage": {"message": {"protocolMessage": protocol}}}, jid)


def apagamento(alvo: str, jid: str = JID) -> dict[str, Any]:
    """A deletion."""
    data = {"key": {"remoteJid": jid, "fromMe": False, "id": alvo}, "type": "REVOKE"}
    return {"event": "messages.edited", "instance": INSTANCIA, "data": data}


@pytest.fixture
async def banco(db: Database) -> Database:
    """A database with one working chip."""
    await um_chip_pronto(db)
    return db


@pytest.fixture
async def outro(pg_url: str) -> AsyncIterator[Database]:
    """A second process's connections."""
    database = Database.open(pg_url, size=16, name="outro")
    yield database
    await database.close()

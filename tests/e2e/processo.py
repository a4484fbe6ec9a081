"""The hot path inside the test's own process, step by step: real Postgres, the real sandbox, no API process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from api.worker import Worker
from lib.clock import Clock, utc_now
from lib.db import Row
from lib.queries.entrada import Stored
from lib.resources import Resources, open_resources
from lib.settings import Settings
from lib.usecases.receber import Debounce, receber
from tests.e2e.palco import SECRET

JA = Debounce(0.0, 0.0)


def ajustes(pg_url: str, sandbox_url: str, **over: Any) -> Settings:
    """Settings of a process in the test: nothing waits that need not."""
    values = {
        "ambiente": "teste",
        "database_url": pg_url,
        "evolution_url": sandbox_url,
        "evolution_api_key": "sandbox-evolution-key",
        "evolution_webhook_secret": SECRET,
        "anthropic_url": sandbox_url,
        "anthropic_api_key": "sandbox-anthropic-key",
        "quieto_s": 0,
        "quieto_max_s": 0,
        "poll_s": 0.05,
        "lease_s": 12,
        "turno_max_s": 10,
        "envio_max_s": 10,
        "margem_s": 0.1,
        "carencia_s": 0.3,
        "retry_s": 0.02,
        "pausa_leitura_max_s": 0,
    }
    return Settings.model_validate(values | over)


def texto_recebido(instancia: str, telefone: str, texto: str, msg_id: str, em_s: int | None = None) -> bytes:
    """Evolution's webhook for a doctor's text."""
    data: dict[str, Any] = {
        "key": {"remoteJid": f"{telefone}@s.whatsapp.net", "fromMe": False, "id": msg_id},
        "pushName": "Dra. Teste",
        "message": {"conversation": texto},
        "messageType": "conversation",
    }
    if em_s is not None:
        data["messageTimestamp"] = em_s
    return orjson.dumps({"event": "messages.upsert", "instance": instancia, "data": data})


class Passos(Worker):
    """The worker with its steps in the test's hands."""

    async def turnos(self, limite: int = 64) -> int:
        """Claim due turns and finish them."""
        rows = await self._claim_turns(limite)
        await asyncio.gather(*map(self._turn, rows))
        return len(rows)

    async def reivindica(self, limite: int = 64) -> list[Row]:
        """Claim due sends."""
        return await self._envio.claim(limite)

    async def entrega(self, row: Row) -> None:
        """Send one claimed message."""
        await self._send(row)

    async def envios(self, limite: int = 64) -> int:
        """Claim due sends and finish them."""
        rows = await self.reivindica(limite)
        await asyncio.gather(*map(self.entrega, rows))
        return len(rows)

    async def reconcilia(self) -> int:
        """Settle unclear sends once."""
        return await self._envio.reconcile()


@dataclass
class Processo:
    """One process: its resources, its worker, and the doctors who write to it."""

    resources: Resources
    passos: Passos
    escritas: list[tuple[str, str]] = field(default_factory=list)

    async def chega(self, telefone: str, texto: str, instancia: str = "julia-01", msg_id: str | None = None) -> Stored:
        """A doctor's message arrives and is stored."""
        msg_id = msg_id or uuid4().hex
        raw = texto_recebido(instancia, telefone, texto, msg_id)
        stored = await receber(self.resources.db_entrada, instancia, raw, self.resources.clock(), JA)
        self.escritas.append((msg_id, telefone))
        return stored

    async def ate_acabar(self, seconds: float = 60) -> None:
        """Work until nothing is due and nothing is unclear."""
        async with asyncio.timeout(seconds):
            while await self._left():
                done = await self.passos.turnos() + await self.passos.envios() + await self.passos.reconcilia()
                if not done:
                    await asyncio.sleep(0.02)

    async def _left(self) -> int:
        async with self.resources.db.connection() as connection:
            cursor = await connection.execute(
                """SELECT (SELECT count(*) FROM mailbox WHERE due_at IS NOT NULL AND dead IS NULL)
                  + (SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending', 'unknown')
                  AND NOT (tipo = 'lembrete' AND next_at > now()))"""
            )
            row = await cursor.fetchone()
            return int(row[0]) if row else 0


@asynccontextmanager
async def processo(
    settings: Settings, *, clock: Clock = utc_now, passos: type[Passos] = Passos
) -> AsyncIterator[Processo]:
    """Open a process on these settings."""
    async with open_resources(settings, nome="teste", clock=clock) as resources:
        yield Processo(resources, passos(resources))

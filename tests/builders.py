"""Test data: one valid row each, everything overridable, and one way to store many at once."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from lib.db import Database
from lib.domain.chip import FaseWarmup, StatusChip, TipoEnvio
from lib.models import (
    Chip,
    Conversa,
    DoctorStateRow,
    Especialidade,
    Hospital,
    Interacao,
    Medico,
    Outbox,
    Vaga,
)
from lib.models.conversa import Autor, Direcao, StatusConversa

R = TypeVar("R", bound=SQLModel)
# A Tuesday, no holiday, 10:00 in São Paulo.
AGORA = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)


def numero() -> str:
    """A fictional mobile number, never twice the same in practice."""
    return f"+5511900{uuid4().int % 10**6:06d}{uuid4().int % 10**6:06d}"[:20]


def um_chip(**over: Any) -> Chip:
    """A chip that works."""
    row = {
        "telefone": numero(),
        "instancia": f"chip-{uuid4().hex[:12]}",
        "status": StatusChip.ACTIVE,
        "fase": FaseWarmup.OPERACAO,
        "conectado": True,
    }
    return Chip(**{**row, **over})


def um_medico(**over: Any) -> Medico:
    """A doctor in São Paulo."""
    return Medico(**{"telefone": numero(), "nome": "Helena Prado", "uf": "SP", "cidade": "São Paulo", **over})


def um_estado(medico_id: int, **over: Any) -> DoctorStateRow:
    """The state of a doctor nobody wrote to yet."""
    return DoctorStateRow(**{"medico_id": medico_id, **over})


def uma_conversa(medico_id: int, **over: Any) -> Conversa:
    """An open conversation in the agent's hands."""
    return Conversa(**{"medico_id": medico_id, **over})


def uma_conversa_encerrada(medico_id: int, **over: Any) -> Conversa:
    """A conversation that ended."""
    return uma_conversa(medico_id, **{"status": StatusConversa.COMPLETED, "encerrada_em": AGORA, **over})


def uma_entrada(conversa: Conversa, em: datetime, texto: str = "Oi, tenho interesse", **over: Any) -> Interacao:
    """A message of the doctor."""
    ids = {"conversation_id": conversa.id, "medico_id": conversa.medico_id, "chip_id": conversa.chip_id}
    return Interacao(**{**ids, "direcao": Direcao.ENTRADA, "autor": Autor.MEDICO, "texto": texto, "em": em, **over})


def uma_saida(conversa: Conversa, em: datetime, texto: str = "Oi! Tudo bem?", **over: Any) -> Interacao:
    """A message of ours that was really sent."""
    ids = {"conversation_id": conversa.id, "medico_id": conversa.medico_id, "chip_id": conversa.chip_id}
    return Interacao(**{**ids, "direcao": Direcao.SAIDA, "autor": Autor.JULIA, "texto": texto, "em": em, **over})


def um_envio(conversa: Conversa, **over: Any) -> Outbox:
    """A proactive message in the queue."""
    body = "Oi! Temos plantões."
    row = {
        "conversation_id": conversa.id,
        "medico_id": conversa.medico_id,
        "cause": f"teste:{uuid4()}",
        "body": body,
        "body_hash": sha256(body.encode()).digest(),
        "tipo": TipoEnvio.PROSPECCAO,
        "proativa": True,
    }
    return Outbox(**{**row, **over})


def uma_especialidade(nome: str = "Cardiologia") -> Especialidade:
    """A specialty."""
    return Especialidade(nome=nome, nome_normalizado=f"{nome.lower()}-{uuid4().hex[:8]}")


def um_hospital(**over: Any) -> Hospital:
    """A hospital in São Paulo."""
    row = {"nome": "Hospital Santa Clara", "nome_normalizado": uuid4().hex, "cidade": "São Paulo", "uf": "SP"}
    return Hospital(**{**row, **over})


def uma_vaga(hospital_id: int, especialidade_id: int, inicio: datetime, fim: datetime, **over: Any) -> Vaga:
    """An open shift with a fixed pay."""
    ids = {"hospital_id": hospital_id, "especialidade_id": especialidade_id}
    return Vaga(**{**ids, "inicio": inicio, "fim": fim, "valor_centavos": 180_000, **over})


async def gravar(db: Database, *rows: R) -> list[R]:
    """Store rows of one kind in one go and return them with their ids."""
    async with AsyncSession(db.engine, expire_on_commit=False) as session, session.begin():
        session.add_all(rows)
    return list(rows)


def id_of(row: Chip | Medico | Conversa | Especialidade | Hospital | Vaga) -> int:
    """The id of a stored row."""
    if row.id is None:
        raise ValueError("store the row first")
    return row.id

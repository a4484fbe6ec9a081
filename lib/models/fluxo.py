"""What each run of a flow saw and changed: the truth about work done, beside Prefect's telemetry."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, Text, text
from sqlmodel import Field, SQLModel

from lib.models.colunas import instant, json, pk


class ExecucaoFluxo(SQLModel, table=True):
    """One run of a flow with its outcome."""

    __tablename__ = "execucao_fluxo"
    __table_args__ = (Index("ix_execucao_fluxo", "fluxo", text("iniciado_em DESC")),)

    id: int | None = pk()
    fluxo: str = Field(sa_column=Column(Text, nullable=False))
    modo: str = Field(sa_column=Column(Text, nullable=False))
    estado: str = Field(sa_column=Column(Text, nullable=False))
    motivo: str | None = Field(default=None, sa_column=Column(Text))
    outcome: Any = json(null=False)
    run_id: UUID | None = Field(default=None)
    as_of: datetime = instant(null=False)
    iniciado_em: datetime = instant(null=False)
    terminado_em: datetime = instant(null=False)

"""Who did what: a log that is only ever added to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

from lib.models.colunas import instant, json, pk


class Auditoria(SQLModel, table=True):
    """One act. `elo` is a SHA-256 over the row and the `elo` before it, computed by the database on insert."""

    __tablename__ = "auditoria"
    __table_args__ = (Index("ix_auditoria_ator", "ator", "id"),)

    id: int | None = pk()
    em: datetime = instant(default_now=True)
    ator: str = Field(sa_column=Column(Text, nullable=False))
    origem: str = Field(sa_column=Column(Text, nullable=False))
    acao: str = Field(sa_column=Column(Text, nullable=False))
    alvo: str | None = Field(default=None, sa_column=Column(Text))
    detalhes: Any = json()
    resultado: str = Field(sa_column=Column(Text, nullable=False))
    elo_anterior: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    elo: bytes | None = Field(default=None, sa_column=Column(LargeBinary, unique=True))

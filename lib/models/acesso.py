"""API tokens and the switches that staff change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, LargeBinary, Text
from sqlmodel import Field, SQLModel

from lib.auth import Papel
from lib.models.colunas import enum_of, instant, json, pk


class TokenApi(SQLModel, table=True):
    """An API token: only its hash is kept, it ends on its date or when revoked."""

    __tablename__ = "token_api"

    id: int | None = pk()
    nome: str = Field(sa_column=Column(Text, nullable=False))
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    papel: Papel = enum_of(Papel, "papel")
    criado_em: datetime = instant(default_now=True)
    expira_em: datetime = instant(null=False)
    revogado_em: datetime | None = instant()


class Flag(SQLModel, table=True):
    """A switch read inside the turn and the send claim: `policy_engine`, `safe_mode`, `pausa`."""

    __tablename__ = "flag"

    chave: str = Field(sa_column=Column(Text, primary_key=True))
    valor: Any = json(null=False)
    atualizado_em: datetime = instant(default_now=True)

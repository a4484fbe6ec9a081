"""Conversations handed to people, and what people are told."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, Text, text
from sqlmodel import Field, SQLModel

from lib.domain.transferencia import Gatilho, StatusTransferencia, TipoAviso
from lib.models.colunas import enum_of, fk, instant, pk


class Transferencia(SQLModel, table=True):
    """A hand-off; a conversation has one open at most."""

    __tablename__ = "transferencia"
    __table_args__ = (
        Index(
            "uq_transferencia_aberta", "conversation_id", unique=True, postgresql_where=text("status <> 'resolvida'")
        ),
    )

    id: int | None = pk()
    conversation_id: int = fk("conversa.id")
    turn_id: int | None = fk("turno.id", null=True)
    gatilho: Gatilho = enum_of(Gatilho, "gatilho")
    motivo: str = Field(sa_column=Column(Text, nullable=False))
    status: StatusTransferencia = enum_of(StatusTransferencia, "status_transferencia", StatusTransferencia.PENDENTE)
    aberta_em: datetime = instant(default_now=True)
    assumida_em: datetime | None = instant()
    assumida_por: str | None = Field(default=None, sa_column=Column(Text))
    resolvida_em: datetime | None = instant()
    resolvida_por: str | None = Field(default=None, sa_column=Column(Text))
    notas: str | None = Field(default=None, sa_column=Column(Text))


class Aviso(SQLModel, table=True):
    """Something a person should look at; `chave` names its cause, so that a repeated cause tells nobody twice."""

    __tablename__ = "aviso"
    __table_args__ = (Index("ix_aviso_aberto", "id", postgresql_where=text("visto_em IS NULL")),)

    id: int | None = pk()
    chave: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    tipo: TipoAviso = enum_of(TipoAviso, "tipo_aviso")
    conversation_id: int | None = fk("conversa.id", null=True)
    texto: str = Field(sa_column=Column(Text, nullable=False))
    criado_em: datetime = instant(default_now=True)
    visto_em: datetime | None = instant()
    visto_por: str | None = Field(default=None, sa_column=Column(Text))

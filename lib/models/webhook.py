"""Webhooks that are no WhatsApp message, kept until they are worked off."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Column, Index, LargeBinary, SmallInteger, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from lib.models.colunas import enum_of, instant, pk

# Text messages whose bytes are still there, and what may be one; the numbers' own events hold no secret.
SMS_GUARDADO = "source = 'salvy' AND tipo NOT LIKE 'phone-account.%' AND raw <> '{}'"


class EstadoWebhook(StrEnum):
    """`morto` failed five times and waits for a person, who may replay it."""

    PENDENTE = "pendente"
    FEITO = "feito"
    MORTO = "morto"


class WebhookRow(SQLModel, table=True):
    """One authentic webhook of Chatwoot, Slack, Salvy or Meta's account, unique by its sender's name for it."""

    __tablename__ = "webhook"
    __table_args__ = (
        UniqueConstraint("source", "chave", name="uq_webhook_chave"),
        Index("ix_webhook_devido", "next_at", "id", postgresql_where=text("estado = 'pendente'")),
        Index("ix_webhook_morto", "id", postgresql_where=text("estado = 'morto'")),
        Index("ix_webhook_sms", "recebido_em", postgresql_where=text(SMS_GUARDADO)),
    )

    id: int | None = pk()
    source: str = Field(sa_column=Column(Text, nullable=False))
    chave: str = Field(sa_column=Column(Text, nullable=False))
    tipo: str | None = Field(default=None, sa_column=Column(Text))
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    recebido_em: datetime = instant(default_now=True)
    estado: EstadoWebhook = enum_of(EstadoWebhook, "estado_webhook", EstadoWebhook.PENDENTE)
    motivo: str | None = Field(default=None, sa_column=Column(Text))
    tentativas: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    next_at: datetime = instant(default_now=True)
    lease_until: datetime | None = instant()
    claim: UUID | None = Field(default=None)
    feito_em: datetime | None = instant()

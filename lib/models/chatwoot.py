"""Conversations and messages as Chatwoot knows them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

from lib.models.colunas import enum_of, fk, instant


class EstadoEspelho(StrEnum):
    """Where a message's copy stands; `incerto` is looked up before anything is sent again."""

    PENDENTE = "pendente"
    ENVIANDO = "enviando"
    INCERTO = "incerto"
    FEITO = "feito"
    MORTO = "morto"


class EstadoNota(StrEnum):
    """Where a private note stands; `aguarda` belongs to a send not settled yet, `calada` to one that went well."""

    AGUARDA = "aguarda"
    CALADA = "calada"
    PENDENTE = "pendente"
    ENVIANDO = "enviando"
    INCERTO = "incerto"
    FEITO = "feito"
    MORTO = "morto"


class ChatwootConversa(SQLModel, table=True):
    """A conversation's counterpart. `base_pessoa` is what both sides last agreed on: is a person in charge?

    `escrita_pessoa` is what we are writing there, until it is known to stand; NULL when nothing is being written.
    """

    __tablename__ = "chatwoot_conversa"
    __table_args__ = (
        Index("ix_chatwoot_conversa_conferir", "conferir_em", postgresql_where=text("conferir_em IS NOT NULL")),
        Index("ix_chatwoot_conversa_pessoa", "conversation_id", postgresql_where=text("base_pessoa")),
    )

    conversation_id: int = fk("conversa.id", primary_key=True)
    contato_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    source_id: str = Field(sa_column=Column(Text, nullable=False))
    chatwoot_id: int = Field(sa_column=Column(BigInteger, nullable=False, unique=True))
    base_pessoa: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": text("false")})
    escrita_pessoa: bool | None = Field(default=None, nullable=True)
    conferir_em: datetime | None = instant()
    conferida_em: datetime | None = instant()
    ultima_msg_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    tentativas: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    lease_until: datetime | None = instant()
    claim: UUID | None = Field(default=None)


class Espelho(SQLModel, table=True):
    """A message's copy in Chatwoot: one per message, posted in the order of the conversation."""

    __tablename__ = "espelho"
    __table_args__ = (
        Index(
            "ix_espelho_aberto",
            "conversation_id",
            "interacao_id",
            postgresql_where=text("estado IN ('pendente', 'enviando', 'incerto')"),
        ),
        Index(
            "ix_espelho_devido", "interacao_id", postgresql_where=text("estado IN ('pendente', 'enviando', 'incerto')")
        ),
    )

    interacao_id: int = fk("interacao.id", primary_key=True)
    conversation_id: int = fk("conversa.id")
    estado: EstadoEspelho = enum_of(EstadoEspelho, "estado_espelho", EstadoEspelho.PENDENTE)
    chatwoot_msg_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    tentativas: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    next_at: datetime = instant(default_now=True)
    lease_until: datetime | None = instant()
    claim: UUID | None = Field(default=None)
    motivo: str | None = Field(default=None, sa_column=Column(Text))


class ChatwootNota(SQLModel, table=True):
    """A private note for the people in Chatwoot, told once; `chave` names its cause.

    One in `aguarda` belongs to a person's message on its way: its text is known when that message fails.
    """

    __tablename__ = "chatwoot_nota"
    __table_args__ = (
        Index(
            "ix_chatwoot_nota_aberta",
            "criada_em",
            postgresql_where=text("estado IN ('aguarda', 'pendente', 'enviando', 'incerto')"),
        ),
    )

    chave: str = Field(sa_column=Column(Text, primary_key=True))
    chatwoot_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    outbox_id: int | None = fk("outbox.id", null=True)
    texto: str | None = Field(default=None, sa_column=Column(Text))
    estado: EstadoNota = enum_of(EstadoNota, "estado_nota", EstadoNota.PENDENTE)
    tentativas: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    next_at: datetime = instant(default_now=True)
    lease_until: datetime | None = instant()
    claim: UUID | None = Field(default=None)
    motivo: str | None = Field(default=None, sa_column=Column(Text))
    criada_em: datetime = instant(default_now=True)

"""Conversations and their messages."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Index, Text, text
from sqlmodel import Field, SQLModel

from lib.domain.cadencia import Estagio
from lib.domain.modo import Modo
from lib.models.colunas import enum_of, fk, instant, pk


class StatusConversa(StrEnum):
    """Where a conversation stands; the first three are open, and a doctor has one open conversation at most."""

    ACTIVE = "active"
    PAUSED = "paused"
    ESCALATED = "escalated"
    COMPLETED = "completed"
    ABANDONED = "abandoned"


class Controle(StrEnum):
    """Who answers."""

    AI = "ai"
    HUMANO = "humano"


class Direcao(StrEnum):
    """Which way a message went."""

    ENTRADA = "entrada"
    SAIDA = "saida"


class Autor(StrEnum):
    """Who wrote it."""

    MEDICO = "medico"
    JULIA = "julia"
    HUMANO = "humano"


class Entrega(StrEnum):
    """How far a message of ours got; it never goes backwards."""

    ENVIADA = "enviada"
    ENTREGUE = "entregue"
    LIDA = "lida"
    FALHOU = "falhou"


class Conversa(SQLModel, table=True):
    """One doctor's conversation, across chips."""

    __tablename__ = "conversa"
    __table_args__ = (
        Index(
            "uq_conversa_aberta",
            "medico_id",
            unique=True,
            postgresql_where=text("status IN ('active', 'paused', 'escalated')"),
        ),
        Index("ix_conversa_followup", "estagio", "ultima_saida_em", postgresql_where=text("status = 'active'")),
        Index("ix_conversa_humano", "humano_em", postgresql_where=text("controle = 'humano'")),
        Index("ix_conversa_encerrada", "encerrada_em", postgresql_where=text("status IN ('completed', 'abandoned')")),
    )

    id: int | None = pk()
    medico_id: int = fk("medico.id")
    chip_id: int | None = fk("chip.id", null=True)
    status: StatusConversa = enum_of(StatusConversa, "status_conversa", StatusConversa.ACTIVE)
    controle: Controle = enum_of(Controle, "controle", Controle.AI)
    estagio: Estagio = enum_of(Estagio, "estagio", Estagio.NOVO)
    pausada_ate: datetime | None = instant()
    ultima_entrada_em: datetime | None = instant()
    ultima_saida_em: datetime | None = instant()
    modo: Modo = enum_of(Modo, "modo", Modo.DISCOVERY)
    modo_em: datetime | None = instant()
    modo_motivo: str | None = Field(default=None, sa_column=Column(Text))
    modo_pendente: Modo | None = enum_of(Modo, "modo_pendente", null=True)
    modo_pendente_em: datetime | None = instant()
    humano_em: datetime | None = instant()
    encerrada_em: datetime | None = instant()
    criada_em: datetime = instant(default_now=True)


class ConversaMigracao(SQLModel, table=True):
    """A conversation that was taken off a lost chip, so that its doctor's answers reach somebody."""

    __tablename__ = "conversa_migracao"

    id: int | None = pk()
    conversation_id: int = fk("conversa.id")
    de_chip_id: int = fk("chip.id")
    para_chip_id: int | None = fk("chip.id", null=True)
    motivo: str = Field(sa_column=Column(Text, nullable=False))
    em: datetime = instant(null=False)


class Interacao(SQLModel, table=True):
    """One message that was really received or really sent."""

    __tablename__ = "interacao"
    __table_args__ = (
        Index("ix_interacao_conversa", "conversation_id", text("em DESC"), text("id DESC")),
        Index("ix_interacao_chip", "chip_id", "em"),
        Index("ix_interacao_medico", "medico_id", "em"),
        Index("uq_interacao_outbox", "outbox_id", unique=True),
        Index("uq_interacao_inbox", "inbox_id", unique=True),
        Index("ix_interacao_provider", "provider_msg_id"),
    )

    id: int | None = pk()
    conversation_id: int = fk("conversa.id", index=False)
    medico_id: int = fk("medico.id", index=False)
    chip_id: int | None = fk("chip.id", null=True, index=False)
    inbox_id: int | None = fk("inbox.id", null=True, index=False)
    outbox_id: int | None = fk("outbox.id", null=True, index=False)
    direcao: Direcao = enum_of(Direcao, "direcao")
    autor: Autor = enum_of(Autor, "autor")
    midia: str = Field(default="texto", sa_column=Column(Text, nullable=False, server_default="texto"))
    proativa: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": text("false")})
    texto: str = Field(sa_column=Column(Text, nullable=False))
    provider_msg_id: str | None = Field(default=None, sa_column=Column(Text))
    entrega: Entrega | None = enum_of(Entrega, "entrega", null=True)
    em: datetime = instant(null=False)
    editada_em: datetime | None = instant()
    apagada_em: datetime | None = instant()

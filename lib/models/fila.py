"""The durable path of one message: what came in, when its conversation is due, what goes out, what is known of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Index, LargeBinary, SmallInteger, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from lib.domain.cadencia import Estagio
from lib.domain.chip import TipoEnvio
from lib.models.colunas import enum_of, fk, instant, json, pk
from lib.models.conversa import Autor


class TipoInbox(StrEnum):
    """What a stored webhook is to us."""

    MENSAGEM = "mensagem"
    ECO = "eco"
    EVENTO = "evento"
    MORTA = "morta"


class OutboxState(StrEnum):
    """Where a message to send stands. After `sending` only evidence moves it."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    PARKED = "parked"
    DEAD = "dead"
    CANCELLED = "cancelled"


class Inbox(SQLModel, table=True):
    """One row per provider message, raw bytes kept, unique by provider id: a repeated webhook changes nothing.

    `alvo_msg_id` is the message that a reaction, an edit or a deletion is about, `citada_msg_id` the quoted one;
    `conteudo` what a kind carries besides words; `revisao` grows with each edit of a message nobody has answered yet.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("source", "chip_id", "provider_msg_id", name="uq_inbox_mensagem"),
        Index(
            "ix_inbox_aberta",
            "conversation_id",
            "id",
            postgresql_where=text("turn_id IS NULL AND tipo = 'mensagem' AND desfecho IS NULL"),
        ),
        Index("ix_inbox_eco", "chip_id", "body_hash", "received_at", postgresql_where=text("tipo = 'eco'")),
        Index("ix_inbox_morta", "id", postgresql_where=text("tipo = 'morta'")),
        Index("ix_inbox_sem_resposta", "id", postgresql_where=text("desfecho LIKE 'sem_resposta%'")),
        Index("ix_inbox_turno", "turn_id", postgresql_where=text("turn_id IS NOT NULL")),
        Index("ix_inbox_alvo", "alvo_msg_id", postgresql_where=text("alvo_msg_id IS NOT NULL")),
    )

    id: int | None = pk()
    source: str = Field(sa_column=Column(Text, nullable=False))
    chip_id: int = fk("chip.id", index=False)
    provider_msg_id: str = Field(sa_column=Column(Text, nullable=False))
    conversation_id: int | None = fk("conversa.id", null=True)
    tipo: TipoInbox = enum_of(TipoInbox, "tipo_inbox")
    midia: str = Field(default="texto", sa_column=Column(Text, nullable=False, server_default="texto"))
    texto: str | None = Field(default=None, sa_column=Column(Text))
    body_hash: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    endereco: str | None = Field(default=None, sa_column=Column(Text))
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    enviada_em: datetime | None = instant()
    received_at: datetime = instant(default_now=True)
    alvo_msg_id: str | None = Field(default=None, sa_column=Column(Text))
    citada_msg_id: str | None = Field(default=None, sa_column=Column(Text))
    conteudo: Any = json()
    revisao: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    turn_id: int | None = fk("turno.id", null=True, index=False)
    desfecho: str | None = Field(default=None, sa_column=Column(Text))


class Mailbox(SQLModel, table=True):
    """One scheduling row per conversation: order, debounce, lease and fence live in this row.

    `due_at` is null when nothing waits: idle is a state of its own.
    """

    __tablename__ = "mailbox"
    __table_args__ = (
        Index("ix_mailbox_devida", "due_at", postgresql_where=text("due_at IS NOT NULL AND dead IS NULL")),
        Index("ix_mailbox_morta", "conversation_id", postgresql_where=text("dead IS NOT NULL")),
        Index("ix_mailbox_claim", "claim", postgresql_where=text("claim IS NOT NULL")),
    )

    conversation_id: int = fk("conversa.id", primary_key=True)
    due_at: datetime | None = instant()
    primeira_em: datetime | None = instant()
    lease_until: datetime | None = instant()
    claim: UUID | None = Field(default=None)
    fence: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    tries: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    dead: str | None = Field(default=None, sa_column=Column(Text))
    lane: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))


class Outbox(SQLModel, table=True):
    """One row per message to send. `cause` names the event that made it and holds no clock.

    `modelo` is the approved template that may stand in for the text where only one may go: {nome, idioma, parametros}.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "uq_outbox_em_voo", "conversation_id", unique=True, postgresql_where=text("state IN ('sending', 'unknown')")
        ),
        Index("ix_outbox_devida", text("prioridade DESC"), "id", "next_at", postgresql_where=text("state = 'pending'")),
        Index(
            "ix_outbox_ordem",
            "conversation_id",
            "id",
            postgresql_where=text("state IN ('pending', 'sending', 'unknown')"),
        ),
        Index("ix_outbox_aberta", "lease_until", "next_at", postgresql_where=text("state IN ('sending', 'unknown')")),
        Index("ix_outbox_claim", "claim", postgresql_where=text("claim IS NOT NULL")),
        Index(
            "ix_outbox_uso",
            "chip_id",
            "enviando_em",
            postgresql_where=text("state IN ('sending', 'unknown', 'sent', 'parked')"),
        ),
        Index(
            "ix_outbox_contato",
            "medico_id",
            "enviando_em",
            postgresql_where=text("proativa AND state IN ('sending', 'unknown', 'sent', 'parked')"),
        ),
        Index("ix_outbox_morta", "id", postgresql_where=text("state IN ('dead', 'parked')")),
        Index("ix_outbox_incerta", "enviando_em", postgresql_where=text("state = 'parked'")),
        Index("ix_outbox_falha", "chip_id", "falhou_em", postgresql_where=text("falhou_em IS NOT NULL")),
    )

    id: int | None = pk()
    conversation_id: int = fk("conversa.id")
    medico_id: int = fk("medico.id", index=False)
    turn_id: int | None = fk("turno.id", null=True)
    cause: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    body: str = Field(sa_column=Column(Text, nullable=False))
    body_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    tipo: TipoEnvio = enum_of(TipoEnvio, "tipo_envio")
    estagio_apos: Estagio | None = enum_of(Estagio, "estagio_apos", null=True)
    proativa: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": text("false")})
    isenta_optout: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": text("false")})
    prioridade: int = Field(default=5, sa_column=Column(SmallInteger, nullable=False, server_default=text("5")))
    state: OutboxState = enum_of(OutboxState, "outbox_state", OutboxState.PENDING)
    motivo: str | None = Field(default=None, sa_column=Column(Text))
    attempts: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    consultas: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    modelo: Any = json()
    autor: Autor = enum_of(Autor, "autor_outbox", Autor.JULIA)
    autor_nome: str | None = Field(default=None, sa_column=Column(Text))
    next_at: datetime = instant(default_now=True)
    lease_until: datetime | None = instant()
    claim: UUID | None = Field(default=None)
    fence: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    chip_id: int | None = fk("chip.id", null=True, index=False)
    provider_msg_id: str | None = Field(default=None, sa_column=Column(Text, index=True))
    criada_em: datetime = instant(default_now=True)
    enviando_em: datetime | None = instant()
    enviada_em: datetime | None = instant()
    falhou_em: datetime | None = instant()


class ToolEffect(SQLModel, table=True):
    """The result of a tool that writes: once per cause, however often a turn is recomputed."""

    __tablename__ = "tool_effect"
    __table_args__ = (UniqueConstraint("cause", "tool", "args_hash", name="uq_tool_effect"),)

    id: int | None = pk()
    cause: str = Field(sa_column=Column(Text, nullable=False))
    tool: str = Field(sa_column=Column(Text, nullable=False))
    args_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    resultado: Any = json(null=False)
    em: datetime = instant(default_now=True)


class DeliveryEvent(SQLModel, table=True):
    """A delivery receipt; it may come before the answer to the send that it is about, whose `outbox_id` it may name."""

    __tablename__ = "delivery_event"
    __table_args__ = (
        UniqueConstraint("provider_msg_id", "status", name="uq_delivery_event"),
        Index("ix_delivery_event_outbox", "outbox_id", postgresql_where=text("outbox_id IS NOT NULL")),
    )

    id: int | None = pk()
    chip_id: int = fk("chip.id")
    provider_msg_id: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    entrega: str | None = Field(default=None, sa_column=Column(Text))
    outbox_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    erro: str | None = Field(default=None, sa_column=Column(Text))
    em: datetime = instant(default_now=True)

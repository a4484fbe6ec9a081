"""WhatsApp numbers and the history of their trust."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

from lib.domain.chip import FaseWarmup, Gateway, NivelTrust, StatusChip, TipoChip
from lib.models.colunas import enum_of, fk, instant, json, pk


class Chip(SQLModel, table=True):
    """One number. Trust, permissions and limits are written by the flow `trust-score` alone.

    `instancia` is the gateway's name for it: Evolution's and Z-API's instance, Meta's phone number id. `conta` is its
    business account at Meta; `fila_conferida_em` when Z-API's queue was last looked through after a reconnect.
    """

    __tablename__ = "chip"
    __table_args__ = (
        Index("ix_chip_elegivel", "trust_score", postgresql_where=text("status = 'active' AND tipo = 'julia'")),
    )

    id: int | None = pk()
    telefone: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    instancia: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    tipo: TipoChip = enum_of(TipoChip, "tipo_chip", TipoChip.JULIA)
    gateway: Gateway = enum_of(Gateway, "gateway", Gateway.EVOLUTION)
    conta: str | None = Field(default=None, sa_column=Column(Text))
    status: StatusChip = enum_of(StatusChip, "status_chip", StatusChip.PROVISIONED)
    fase: FaseWarmup = enum_of(FaseWarmup, "fase_warmup", FaseWarmup.REPOUSO)
    fase_desde: datetime = instant(default_now=True)
    aquecimento_desde: datetime | None = instant()
    conectado: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": text("false")})
    conexao_em: datetime | None = instant()
    fila_conferida_em: datetime | None = instant()
    trust_score: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    trust_nivel: NivelTrust = enum_of(NivelTrust, "trust_nivel", NivelTrust.CRITICO)
    trust_partes: Any = json()
    trust_formula: str | None = Field(default=None, sa_column=Column(Text))
    trust_em: datetime | None = instant()
    pode_prospectar: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": text("false")})
    pode_followup: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": text("false")})
    pode_responder: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": text("false")})
    limite_hora: int = Field(default=0, nullable=False, sa_column_kwargs={"server_default": text("0")})
    limite_dia: int = Field(default=0, nullable=False, sa_column_kwargs={"server_default": text("0")})
    delay_minimo_s: int = Field(default=0, nullable=False, sa_column_kwargs={"server_default": text("0")})
    cooldown_ate: datetime | None = instant()
    criado_em: datetime = instant(default_now=True)


class ChipTrustHistorico(SQLModel, table=True):
    """A row per change of a chip's trust, with the inputs it was computed from."""

    __tablename__ = "chip_trust_historico"
    __table_args__ = (Index("ix_chip_trust_historico_chip", "chip_id", text("em DESC")),)

    id: int | None = pk()
    chip_id: int = fk("chip.id", index=False)
    em: datetime = instant(null=False)
    formula: str = Field(sa_column=Column(Text, nullable=False))
    score: int = Field(sa_column=Column(SmallInteger, nullable=False))
    nivel: NivelTrust = enum_of(NivelTrust, "trust_historico_nivel")
    partes: Any = json(null=False)
    entradas: Any = json(null=False)

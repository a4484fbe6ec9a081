"""WhatsApp numbers: what they may do, their life, and the history of their trust."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Date, Index, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

from lib.domain.chip import FaseWarmup, Gateway, NivelTrust, StatusChip, TipoChip
from lib.models.colunas import enum_of, fk, instant, json, pk


class Chip(SQLModel, table=True):
    """One number. Trust, permissions and limits are written by the flow `trust-score` alone.

    `instancia` is the gateway's name for it: Evolution's and Z-API's instance, Meta's phone number id. `conta` is its
    business account at Meta; `fila_conferida_em` when Z-API's queue was last looked through after a reconnect.

    A change of status needs `status_motivo` and `status_ator` (`pessoa:NAME`, `fluxo:NAME`, `gateway:NAME`): a trigger
    refuses what `chip_transicao_legal` does not hold, writes `chip_transicao`, and keeps in `status_anterior` the last
    status in which the chip was at work. Until `reply_only_until` it writes to nobody first. `rampup_parte` is the
    share, in percent, that a restriction left of its limits, raised since `rampup_desde`. `conexao_em` is since when it
    has or lacks its connection, `conexao_vista_em` when its gateway last spoke of it. `queda_codigo` is the gateway's
    code for the last lost session, `qualidade` Meta's word for the number.
    """

    __tablename__ = "chip"
    __table_args__ = (
        Index("ix_chip_candidato", "id", postgresql_where=text("status <> 'cancelled'")),
        Index("ix_chip_conta", "conta", postgresql_where=text("conta IS NOT NULL")),
    )

    id: int | None = pk()
    telefone: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    instancia: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    tipo: TipoChip = enum_of(TipoChip, "tipo_chip", TipoChip.JULIA)
    gateway: Gateway = enum_of(Gateway, "gateway", Gateway.EVOLUTION)
    conta: str | None = Field(default=None, sa_column=Column(Text))
    status: StatusChip = enum_of(StatusChip, "status_chip", StatusChip.PROVISIONED)
    status_desde: datetime = instant(default_now=True)
    status_motivo: str = Field(default="cadastro", sa_column=Column(Text, nullable=False, server_default="cadastro"))
    status_ator: str = Field(default="pessoa", sa_column=Column(Text, nullable=False, server_default="pessoa"))
    status_anterior: StatusChip | None = enum_of(StatusChip, "status_chip_anterior", null=True)
    reply_only_until: datetime | None = instant()
    rampup_desde: datetime | None = instant()
    rampup_parte: int = Field(default=100, sa_column=Column(SmallInteger, nullable=False, server_default=text("100")))
    fase: FaseWarmup = enum_of(FaseWarmup, "fase_warmup", FaseWarmup.REPOUSO)
    fase_desde: datetime = instant(default_now=True)
    aquecimento_desde: datetime | None = instant()
    conectado: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": text("false")})
    conexao_em: datetime | None = instant()
    conexao_vista_em: datetime | None = instant()
    queda_codigo: int | None = Field(default=None)
    qualidade: str | None = Field(default=None, sa_column=Column(Text))
    salvy_id: str | None = Field(default=None, sa_column=Column(Text, unique=True))
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
    cooldown_motivo: str | None = Field(default=None, sa_column=Column(Text))
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


class ChipTransicaoLegal(SQLModel, table=True):
    """Which status may follow which, by whose hand: `lib.domain.chip_ciclo.TRANSICOES`, for the trigger to look up."""

    __tablename__ = "chip_transicao_legal"

    de: str = Field(sa_column=Column(Text, primary_key=True))
    para: str = Field(sa_column=Column(Text, primary_key=True))
    ator: str = Field(sa_column=Column(Text, primary_key=True))


class ChipTransicao(SQLModel, table=True):
    """A change of status, written by the trigger on `chip` whoever made it; nothing else writes here."""

    __tablename__ = "chip_transicao"
    __table_args__ = (
        Index("ix_chip_transicao_chip", "chip_id", text("em DESC")),
        Index("ix_chip_transicao_banido", "em", postgresql_where=text("para = 'banned'")),
    )

    id: int | None = pk()
    chip_id: int = fk("chip.id", index=False)
    de: StatusChip = enum_of(StatusChip, "chip_transicao_de")
    para: StatusChip = enum_of(StatusChip, "chip_transicao_para")
    motivo: str = Field(sa_column=Column(Text, nullable=False))
    ator: str = Field(sa_column=Column(Text, nullable=False))
    trust_score: int = Field(sa_column=Column(SmallInteger, nullable=False))
    em: datetime = instant(null=False)


class ContaMeta(SQLModel, table=True):
    """A business account at Meta: to how many people its numbers together may write first in rolling 24 hours.

    `limite_dia` is the tier in force; one without a limit holds 2147483647. An account that is not here is on the
    lowest tier.
    """

    __tablename__ = "conta_meta"

    conta: str = Field(sa_column=Column(Text, primary_key=True))
    tier: str = Field(sa_column=Column(Text, nullable=False))
    limite_dia: int = Field(nullable=False)
    em: datetime = instant(null=False)


class ChipSnapshot(SQLModel, table=True):
    """One chip on one day of São Paulo: what it carried on that day, and how it stood when the row was written."""

    __tablename__ = "chip_snapshot"

    chip_id: int = fk("chip.id", primary_key=True)
    dia: date = Field(sa_column=Column(Date, primary_key=True))
    enviadas: int = Field(nullable=False)
    proativas: int = Field(nullable=False)
    recebidas: int = Field(nullable=False)
    entregues: int = Field(nullable=False)
    lidas: int = Field(nullable=False)
    falhas: int = Field(nullable=False)
    status: StatusChip = enum_of(StatusChip, "chip_snapshot_status")
    fase: FaseWarmup = enum_of(FaseWarmup, "chip_snapshot_fase")
    trust_score: int = Field(sa_column=Column(SmallInteger, nullable=False))
    limite_hora: int = Field(nullable=False)
    limite_dia: int = Field(nullable=False)
    em: datetime = instant(null=False)

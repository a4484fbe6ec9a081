"""Why a send went through its chip, and what keeps a chip from being tried."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

from lib.domain.chip import Gateway, TipoEnvio
from lib.domain.disjuntor import EstadoDisjuntor
from lib.models.colunas import enum_of, fk, instant, json, pk


class ChipSelecao(SQLModel, table=True):
    """The pool as one claim saw it for one kind of send: its messages of that kind were given their chips from it.

    `candidatos` holds the nearest chips with all that was looked at (`lib.domain.selecao.Candidato`), `descartes` how
    many chips each rule dropped.
    """

    __tablename__ = "chip_selecao"
    __table_args__ = (Index("ix_chip_selecao_em", "em"),)

    id: int | None = pk()
    em: datetime = instant(null=False)
    tipo: TipoEnvio = enum_of(TipoEnvio, "chip_selecao_tipo")
    chips: int = Field(nullable=False)
    elegiveis: int = Field(nullable=False)
    no_minimo: int = Field(nullable=False)
    candidatos: Any = json(null=False)
    descartes: Any = json(null=False)


class ChipDecisao(SQLModel, table=True):
    """The choice for one attempt of one message; without a chip when none could send it after the attempt `fence`.

    `pedido` is what is the message's own (`lib.domain.selecao.Pedido`), `extras` the chips it was about that are not
    among the nearest: its winner, its conversation's, its doctor's.
    """

    __tablename__ = "chip_decisao"
    __table_args__ = (
        Index("uq_chip_decisao", "outbox_id", "fence", text("(chip_id IS NULL)"), unique=True),
        Index("ix_chip_decisao_chip", "chip_id", "em"),
    )

    id: int | None = pk()
    outbox_id: int = fk("outbox.id", index=False)
    fence: int = Field(sa_column=Column(BigInteger, nullable=False))
    selecao_id: int = fk("chip_selecao.id")
    chip_id: int | None = fk("chip.id", null=True, index=False)
    pedido: Any = json(null=False)
    extras: Any = json(null=False)
    em: datetime = instant(null=False)


class Disjuntor(SQLModel, table=True):
    """The breaker of one chip at one gateway. `aberto_ate` null: closed; in the past: half open, for one probe.

    `falhas` in a row, `aberturas` in a row since the last success: each doubles the pause.
    """

    __tablename__ = "disjuntor"

    chip_id: int = fk("chip.id", primary_key=True)
    gateway: Gateway = Field(sa_column=Column(Text, primary_key=True))
    falhas: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    aberturas: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    classe: str | None = Field(default=None, sa_column=Column(Text))
    aberto_ate: datetime | None = instant()
    em: datetime = instant(null=False)


class DisjuntorTransicao(SQLModel, table=True):
    """A breaker opened, let its probe through, or closed."""

    __tablename__ = "disjuntor_transicao"
    __table_args__ = (Index("ix_disjuntor_transicao_chip", "chip_id", text("em DESC")),)

    id: int | None = pk()
    chip_id: int = fk("chip.id", index=False)
    gateway: str = Field(sa_column=Column(Text, nullable=False))
    de: EstadoDisjuntor = enum_of(EstadoDisjuntor, "disjuntor_de")
    para: EstadoDisjuntor = enum_of(EstadoDisjuntor, "disjuntor_para")
    classe: str | None = Field(default=None, sa_column=Column(Text))
    falhas: int = Field(sa_column=Column(SmallInteger, nullable=False))
    aberto_ate: datetime | None = instant()
    em: datetime = instant(null=False)

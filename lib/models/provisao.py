"""A new number on its way: bought, activated, given an instance, each step once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

from lib.domain.provisao import EtapaProvisao
from lib.models.colunas import enum_of, fk, instant, pk


class Provisao(SQLModel, table=True):
    """One order for a number. `nome` is what it is called at the vendor, `chave` its idempotency key there.

    `sms_id` is the last text message whose code was handed on, never the code. `prazo_em` is when it is given up.
    """

    __tablename__ = "provisao"
    __table_args__ = (
        Index("ix_provisao_aberta", "id", postgresql_where=text("etapa NOT IN ('pronta', 'desistida')")),
        Index("ix_provisao_salvy", "salvy_id", unique=True, postgresql_where=text("salvy_id IS NOT NULL")),
    )

    id: int | None = pk()
    ddd: int = Field(sa_column=Column(SmallInteger, nullable=False))
    nome: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    chave: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    etapa: EtapaProvisao = enum_of(EtapaProvisao, "etapa_provisao", EtapaProvisao.PEDIDA)
    motivo: str | None = Field(default=None, sa_column=Column(Text))
    salvy_id: str | None = Field(default=None, sa_column=Column(Text))
    telefone: str | None = Field(default=None, sa_column=Column(Text))
    ativacao_id: str | None = Field(default=None, sa_column=Column(Text))
    ativacoes: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    sms_id: str | None = Field(default=None, sa_column=Column(Text))
    sms_em: datetime | None = instant()
    chip_id: int | None = fk("chip.id", null=True)
    pedida_por: str = Field(sa_column=Column(Text, nullable=False))
    criada_em: datetime = instant(default_now=True)
    mudada_em: datetime = instant(default_now=True)
    prazo_em: datetime = instant(null=False)

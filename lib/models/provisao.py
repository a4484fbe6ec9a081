"""A new number on its way: bought, activated, given an instance, each step once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

from lib.domain.provisao import DesfechoAtivacao, EtapaProvisao
from lib.models.colunas import enum_of, fk, instant, pk

ABERTA = "etapa NOT IN ('pronta', 'desistida')"


class Provisao(SQLModel, table=True):
    """One order for a number. `nome` is what it is called at the vendor, `chave` its idempotency key there.

    `comprando_em` is when the vendor was last asked for the number, written before asking; `sem_chave` says that it was
    asked in a way that must not be repeated without evidence. `motivo` is the last thing that happened, for people and
    without personal data. From `parada_em` on, or past `prazo_em`, nothing is done until a person says so.
    """

    __tablename__ = "provisao"
    __table_args__ = (
        Index("ix_provisao_aberta", "id", postgresql_where=text(ABERTA)),
        Index("ix_provisao_salvy", "salvy_id", unique=True, postgresql_where=text("salvy_id IS NOT NULL")),
        Index("ix_provisao_telefone", "telefone", postgresql_where=text("telefone IS NOT NULL")),
    )

    id: int | None = pk()
    ddd: int = Field(sa_column=Column(SmallInteger, nullable=False))
    nome: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    chave: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    etapa: EtapaProvisao = enum_of(EtapaProvisao, "etapa_provisao", EtapaProvisao.PEDIDA)
    motivo: str | None = Field(default=None, sa_column=Column(Text))
    comprando_em: datetime | None = instant()
    sem_chave: bool = Field(default=False, nullable=False, sa_column_kwargs={"server_default": text("false")})
    salvy_id: str | None = Field(default=None, sa_column=Column(Text))
    telefone: str | None = Field(default=None, sa_column=Column(Text))
    chip_id: int | None = fk("chip.id", null=True)
    pedida_por: str = Field(sa_column=Column(Text, nullable=False))
    criada_em: datetime = instant(default_now=True)
    mudada_em: datetime = instant(default_now=True)
    prazo_em: datetime = instant(null=False)
    parada_em: datetime | None = instant()


class ProvisaoAtivacao(SQLModel, table=True):
    """One request for an activation, written before it is made; `ativador_id` is the activator's name for it.

    `sms_id` is the text message whose code was claimed for it at `sms_em` and handed on by `codigo_em`; never the code.
    """

    __tablename__ = "provisao_ativacao"
    __table_args__ = (
        Index("ix_provisao_ativacao_pedido", "provisao_id", "id"),
        Index("ix_provisao_ativacao_aberta", "provisao_id", unique=True, postgresql_where=text("desfecho IS NULL")),
        Index("ix_provisao_ativacao_sms", "sms_id", unique=True, postgresql_where=text("sms_id IS NOT NULL")),
    )

    id: int | None = pk()
    provisao_id: int = fk("provisao.id", index=False)
    pedida_em: datetime = instant(null=False)
    ativador_id: str | None = Field(default=None, sa_column=Column(Text))
    sms_id: str | None = Field(default=None, sa_column=Column(Text))
    sms_em: datetime | None = instant()
    codigo_em: datetime | None = instant()
    desfecho: DesfechoAtivacao | None = enum_of(DesfechoAtivacao, "desfecho_ativacao", null=True)
    terminada_em: datetime | None = instant()

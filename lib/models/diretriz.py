"""What managers direct and what Júlia knows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Computed, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field, SQLModel

from lib.domain.conhecimento import TipoConhecimento
from lib.domain.diretriz import EscopoDiretriz, TipoDiretriz
from lib.models.colunas import enum_of, instant, pk


class Diretriz(SQLModel, table=True):
    """A manager's directive: in force while active and not expired, for what its scope names."""

    __tablename__ = "diretriz"
    __table_args__ = (
        CheckConstraint("(escopo = 'geral') = (escopo_id IS NULL)", name="diretriz_escopo_com_id"),
        Index("ix_diretriz_ativa", "tipo", postgresql_where=text("ativa")),
    )

    id: int | None = pk()
    tipo: TipoDiretriz = enum_of(TipoDiretriz, "tipo_diretriz")
    conteudo: str = Field(sa_column=Column(Text, nullable=False))
    escopo: EscopoDiretriz = enum_of(EscopoDiretriz, "escopo_diretriz", EscopoDiretriz.GERAL)
    escopo_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    prioridade: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    criada_por: str = Field(sa_column=Column(Text, nullable=False))
    ativa: bool = Field(default=True, nullable=False, sa_column_kwargs={"server_default": text("true")})
    expira_em: datetime | None = instant()
    criada_em: datetime = instant(default_now=True)


class DiretrizVersao(SQLModel, table=True):
    """One row: a number that a trigger raises with every change of `diretriz`. Caches are keyed by it."""

    __tablename__ = "diretriz_versao"
    __table_args__ = (CheckConstraint("id = 1", name="diretriz_versao_uma_linha"),)

    id: int = Field(default=1, sa_column=Column(SmallInteger, primary_key=True, server_default=text("1")))
    versao: int = Field(sa_column=Column(BigInteger, nullable=False))


class Conhecimento(SQLModel, table=True):
    """A piece of knowledge, imported from a Markdown file; `gatilhos` are the words that call for it."""

    __tablename__ = "conhecimento"
    __table_args__ = (
        UniqueConstraint("origem", "titulo", name="uq_conhecimento"),
        Index("ix_conhecimento_busca", "busca", postgresql_using="gin"),
    )

    id: int | None = pk()
    tipo: TipoConhecimento = enum_of(TipoConhecimento, "tipo_conhecimento")
    subtipo: str | None = Field(default=None, sa_column=Column(Text))
    titulo: str = Field(sa_column=Column(Text, nullable=False))
    gatilhos: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))
    texto: str = Field(sa_column=Column(Text, nullable=False))
    origem: str = Field(sa_column=Column(Text, nullable=False))
    busca: str | None = Field(
        default=None,
        sa_column=Column(
            TSVECTOR,
            Computed(
                "setweight(to_tsvector('portuguese', gatilhos), 'A')"
                " || setweight(to_tsvector('portuguese', titulo), 'B') || to_tsvector('portuguese', texto)",
                persisted=True,
            ),
        ),
    )
    importado_em: datetime = instant(default_now=True)

"""What is remembered of a doctor, and what a doctor wished for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from lib.domain.memoria import Assunto, Confianca, TipoMemoria
from lib.models.colunas import enum_of, fk, instant, pk


class Memoria(SQLModel, table=True):
    """One fact about a doctor with its source; forgotten facts keep their row and lose their text."""

    __tablename__ = "memoria"
    __table_args__ = (
        Index(
            "uq_memoria_em_vigor",
            "medico_id",
            "assunto",
            unique=True,
            postgresql_where=text("substituida_em IS NULL AND esquecida_em IS NULL AND assunto <> 'outro'"),
        ),
        Index(
            "ix_memoria_medico", "medico_id", postgresql_where=text("substituida_em IS NULL AND esquecida_em IS NULL")
        ),
    )

    id: int | None = pk()
    medico_id: int = fk("medico.id")
    tipo: TipoMemoria = enum_of(TipoMemoria, "tipo_memoria")
    assunto: Assunto = enum_of(Assunto, "assunto_memoria")
    texto: str | None = Field(default=None, sa_column=Column(Text))
    confianca: Confianca = enum_of(Confianca, "confianca_memoria", Confianca.MEDIA)
    inbox_id: int | None = fk("inbox.id", null=True)
    fonte: str = Field(sa_column=Column(Text, nullable=False))
    criada_em: datetime = instant(default_now=True)
    substituida_em: datetime | None = instant()
    substituida_por: int | None = fk("memoria.id", null=True)
    esquecida_em: datetime | None = instant()


class Interesse(SQLModel, table=True):
    """A doctor's recorded wish for a shift; it reserves nothing (decision D5)."""

    __tablename__ = "interesse"
    __table_args__ = (UniqueConstraint("medico_id", "vaga_id", name="uq_interesse"),)

    id: int | None = pk()
    medico_id: int = fk("medico.id", index=False)
    vaga_id: int = fk("vaga.id")
    conversation_id: int = fk("conversa.id")
    observacao: str | None = Field(default=None, sa_column=Column(Text))
    em: datetime = instant(default_now=True)

"""Specialties, hospitals and shifts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from lib.models.colunas import enum_of, fk, instant, pk


class StatusVaga(StrEnum):
    """Where a shift stands."""

    ABERTA = "aberta"
    RESERVADA = "reservada"
    CONFIRMADA = "confirmada"
    PENDENTE_CONFIRMACAO = "pendente_confirmacao"
    FECHADA = "fechada"
    REALIZADA = "realizada"
    CANCELADA = "cancelada"


class ValorTipo(StrEnum):
    """How the pay is stated."""

    FIXO = "fixo"
    FAIXA = "faixa"
    A_COMBINAR = "a_combinar"


class Criticidade(StrEnum):
    """How urgently a shift must be filled."""

    NORMAL = "normal"
    URGENTE = "urgente"
    CRITICA = "critica"


class Especialidade(SQLModel, table=True):
    """A medical specialty; `nome_normalizado` is lower case without accents."""

    __tablename__ = "especialidade"

    id: int | None = pk()
    nome: str = Field(sa_column=Column(Text, nullable=False))
    nome_normalizado: str = Field(sa_column=Column(Text, nullable=False, unique=True))


class Hospital(SQLModel, table=True):
    """A hospital, unique by normalised name and city."""

    __tablename__ = "hospital"
    __table_args__ = (UniqueConstraint("nome_normalizado", "cidade", name="uq_hospital"),)

    id: int | None = pk()
    nome: str = Field(sa_column=Column(Text, nullable=False))
    nome_normalizado: str = Field(sa_column=Column(Text, nullable=False))
    cidade: str = Field(sa_column=Column(Text, nullable=False))
    uf: str = Field(sa_column=Column(Text, nullable=False))
    endereco: str | None = Field(default=None, sa_column=Column(Text))


class Vaga(SQLModel, table=True):
    """A shift with real start and end instants; amounts in centavos; `medico_id` whom it is held for or worked by."""

    __tablename__ = "vaga"
    __table_args__ = (
        CheckConstraint("fim > inicio", name="vaga_fim_depois_do_inicio"),
        CheckConstraint(
            "(valor_tipo = 'fixo' AND valor_centavos > 0)"
            " OR (valor_tipo = 'faixa' AND coalesce(valor_min_centavos, valor_max_centavos) > 0"
            " AND coalesce(valor_min_centavos <= valor_max_centavos, true))"
            " OR (valor_tipo = 'a_combinar'"
            " AND num_nonnulls(valor_centavos, valor_min_centavos, valor_max_centavos) = 0)",
            name="vaga_valor_coerente",
        ),
        Index("ix_vaga_aberta", "especialidade_id", "inicio", postgresql_where=text("status = 'aberta'")),
    )

    id: int | None = pk()
    hospital_id: int = fk("hospital.id")
    especialidade_id: int = fk("especialidade.id")
    setor: str | None = Field(default=None, sa_column=Column(Text))
    inicio: datetime = instant(null=False)
    fim: datetime = instant(null=False)
    valor_tipo: ValorTipo = enum_of(ValorTipo, "valor_tipo", ValorTipo.FIXO)
    valor_centavos: int | None = Field(default=None, sa_column=Column(BigInteger))
    valor_min_centavos: int | None = Field(default=None, sa_column=Column(BigInteger))
    valor_max_centavos: int | None = Field(default=None, sa_column=Column(BigInteger))
    status: StatusVaga = enum_of(StatusVaga, "status_vaga", StatusVaga.ABERTA)
    criticidade: Criticidade = enum_of(Criticidade, "criticidade", Criticidade.NORMAL)
    medico_id: int | None = fk("medico.id", null=True)
    criada_em: datetime = instant(default_now=True)

"""Doctors and their state."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, Numeric, Text, text
from sqlmodel import Field, SQLModel

from lib.domain.estado import Ator, Ciclo, Permissao, Severidade, Tendencia
from lib.models.colunas import enum_of, fk, instant, pk


class Medico(SQLModel, table=True):
    """A doctor: an E.164 number, or an opaque address that is not yet resolved to one.

    `lid` is a WhatsApp LID (digits) or a Meta user id (`BR.…`). `sem_whatsapp_em`: a gateway said that the number is
    not on WhatsApp; the doctor's next message clears it.
    """

    __tablename__ = "medico"
    __table_args__ = (CheckConstraint("telefone IS NOT NULL OR lid IS NOT NULL", name="medico_tem_endereco"),)

    id: int | None = pk()
    telefone: str | None = Field(default=None, sa_column=Column(Text, unique=True))
    lid: str | None = Field(default=None, sa_column=Column(Text, unique=True))
    nome: str | None = Field(default=None, sa_column=Column(Text))
    crm: str | None = Field(default=None, sa_column=Column(Text))
    especialidade_id: int | None = fk("especialidade.id", null=True)
    cidade: str | None = Field(default=None, sa_column=Column(Text))
    uf: str | None = Field(default=None, sa_column=Column(Text))
    anos_pratica: int | None = Field(default=None)
    sem_whatsapp_em: datetime | None = instant()
    criado_em: datetime = instant(default_now=True)


class LidTelefone(SQLModel, table=True):
    """A LID, or Meta's user id, and the phone it belongs to, learned from any event that names both."""

    __tablename__ = "lid_telefone"

    lid: str = Field(sa_column=Column(Text, primary_key=True))
    telefone: str = Field(sa_column=Column(Text, nullable=False, index=True))
    visto_em: datetime = instant(default_now=True)


class DoctorStateRow(SQLModel, table=True):
    """The stored form of `lib.domain.estado.DoctorState`, plus when an unclear stop was asked back."""

    __tablename__ = "doctor_state"
    __table_args__ = (
        CheckConstraint("temperatura BETWEEN 0 AND 1", name="temperatura_de_0_a_1"),
        Index(
            "ix_doctor_state_decaimento",
            "medico_id",
            postgresql_where=text("temperatura > 0 AND permissao <> 'opted_out'"),
        ),
    )

    medico_id: int = fk("medico.id", primary_key=True)
    permissao: Permissao = enum_of(Permissao, "permissao", Permissao.NONE)
    cooling_off_ate: datetime | None = instant()
    temperatura: float = Field(
        default=0.5, sa_column=Column(Numeric(3, 2), nullable=False, server_default=text("0.50"))
    )
    tendencia: Tendencia = enum_of(Tendencia, "tendencia", Tendencia.STABLE)
    ultima_entrada_em: datetime | None = instant()
    ultima_saida_em: datetime | None = instant()
    ultima_saida_ator: Ator | None = enum_of(Ator, "ator", null=True)
    proximo_contato_em: datetime | None = instant()
    objecao: str | None = Field(default=None, sa_column=Column(Text))
    objecao_severidade: Severidade | None = enum_of(Severidade, "severidade", null=True)
    objecao_em: datetime | None = instant()
    objecao_resolvida_em: datetime | None = instant()
    ciclo: Ciclo = enum_of(Ciclo, "ciclo", Ciclo.NOVO)
    ultimo_decaimento_em: datetime | None = instant()
    parada_perguntada_em: datetime | None = instant()

"""What one turn did, why, and what it cost."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, SmallInteger, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from lib.domain.modo import Modo
from lib.models.colunas import enum_of, fk, instant, json, pk


class Desfecho(StrEnum):
    """The one outcome of a turn."""

    RESPONDIDA = "respondida"
    SILENCIO = "silencio"
    ENTREGUE_A_PESSOA = "entregue_a_pessoa"
    OPTOUT = "optout"
    MORTA = "morta"


class Turno(SQLModel, table=True):
    """One turn: its stored reason is recomputable from `entrada`; `etapas` holds milliseconds per step.

    `prompt_hash` is that of the whole stable prefix, `prompts` maps each of its files to its own. `chamadas` lists the
    model's calls with their tokens, `ferramentas` the tool calls with their milliseconds; none holds a doctor's words.
    """

    __tablename__ = "turno"
    __table_args__ = (UniqueConstraint("conversation_id", "fence", name="uq_turno"),)

    id: int | None = pk()
    conversation_id: int = fk("conversa.id", index=False)
    medico_id: int = fk("medico.id")
    fence: int = Field(sa_column=Column(BigInteger, nullable=False))
    desfecho: Desfecho = enum_of(Desfecho, "desfecho")
    motivo: str = Field(sa_column=Column(Text, nullable=False))
    regra: str | None = Field(default=None, sa_column=Column(Text))
    versao_policy: str | None = Field(default=None, sa_column=Column(Text))
    tentativa: int = Field(default=1, sa_column=Column(SmallInteger, nullable=False, server_default=text("1")))
    modo: Modo | None = enum_of(Modo, "modo_turno", null=True)
    entrada: Any = json()
    decisao: Any = json()
    situacao: Any = json()
    modelo: str | None = Field(default=None, sa_column=Column(Text))
    prompt_hash: str | None = Field(default=None, sa_column=Column(Text))
    prompts: Any = json()
    chamadas: Any = json()
    ferramentas: Any = json()
    etapas: Any = json(null=False)
    custos: Any = json(null=False)
    custo_micro_usd: int | None = Field(default=None, sa_column=Column(BigInteger))
    iniciado_em: datetime = instant(null=False)
    terminado_em: datetime = instant(null=False)

"""Judgements of ended conversations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, SmallInteger, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from lib.models.colunas import fk, instant, json, pk


class AvaliacaoQualidade(SQLModel, table=True):
    """One judgement, 1 to 10 each, with quotes of the conversation as evidence."""

    __tablename__ = "avaliacao_qualidade"
    __table_args__ = (
        UniqueConstraint("conversation_id", "avaliador", name="uq_avaliacao_qualidade"),
        CheckConstraint(
            "least(naturalidade, persona, objetivo, satisfacao, geral) >= 1"
            " AND greatest(naturalidade, persona, objetivo, satisfacao, geral) <= 10",
            name="notas_de_1_a_10",
        ),
    )

    id: int | None = pk()
    conversation_id: int = fk("conversa.id", index=False)
    avaliador: str = Field(sa_column=Column(Text, nullable=False))
    naturalidade: int = Field(sa_column=Column(SmallInteger, nullable=False))
    persona: int = Field(sa_column=Column(SmallInteger, nullable=False))
    objetivo: int = Field(sa_column=Column(SmallInteger, nullable=False))
    satisfacao: int = Field(sa_column=Column(SmallInteger, nullable=False))
    geral: int = Field(sa_column=Column(SmallInteger, nullable=False))
    positivos: Any = json(null=False)
    negativos: Any = json(null=False)
    sugestoes: Any = json(null=False)
    evidencia: Any = json(null=False)
    modelo: str = Field(sa_column=Column(Text, nullable=False))
    prompt_hash: str = Field(sa_column=Column(Text, nullable=False))
    custo_micro_usd: int | None = Field(default=None, sa_column=Column(BigInteger))
    em: datetime = instant(null=False)

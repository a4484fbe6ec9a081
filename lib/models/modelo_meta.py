"""Meta's approved message templates, as last seen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

from lib.models.colunas import instant


class ModeloMeta(SQLModel, table=True):
    """A template of one WhatsApp Business account; `corpo` has its values as {{1}}, {{2}}, `parametros` of them."""

    __tablename__ = "modelo_meta"

    conta: str = Field(sa_column=Column(Text, primary_key=True))
    nome: str = Field(sa_column=Column(Text, primary_key=True))
    idioma: str = Field(sa_column=Column(Text, primary_key=True))
    categoria: str = Field(sa_column=Column(Text, nullable=False))
    status: str = Field(sa_column=Column(Text, nullable=False))
    corpo: str = Field(sa_column=Column(Text, nullable=False))
    parametros: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    atualizado_em: datetime = instant(default_now=True)

"""What is told to people in Slack, and who there may do what."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, LargeBinary, SmallInteger, Text, text
from sqlmodel import Field, SQLModel

from lib.auth import Papel
from lib.domain.notificacao import EstadoNotificacao, Severidade
from lib.models.colunas import enum_of, fk, instant, json, pk


class Notificacao(SQLModel, table=True):
    """Something to be told, once per `chave`. `postada_em` is when its last post, known to be there or not, began."""

    __tablename__ = "notificacao"
    __table_args__ = (
        Index(
            "ix_notificacao_aberta",
            "next_at",
            "id",
            postgresql_where=text("estado IN ('pendente', 'enviando', 'incerta')"),
        ),
        Index(
            "ix_notificacao_sem_resposta",
            "next_at",
            postgresql_where=text("severidade = 'critico' AND estado = 'enviada' AND reconhecida_em IS NULL"),
        ),
        Index(
            "ix_notificacao_cota", "enviada_em", postgresql_where=text("severidade = 'alerta' AND estado = 'enviada'")
        ),
        Index("ix_notificacao_mensagem", "slack_ts", postgresql_where=text("slack_ts IS NOT NULL")),
    )

    id: int | None = pk()
    chave: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    aviso_id: int | None = fk("aviso.id", null=True)
    severidade: Severidade = enum_of(Severidade, "severidade_notificacao")
    texto: str = Field(sa_column=Column(Text, nullable=False))
    estado: EstadoNotificacao = enum_of(EstadoNotificacao, "estado_notificacao", EstadoNotificacao.PENDENTE)
    canal: str | None = Field(default=None, sa_column=Column(Text))
    slack_ts: str | None = Field(default=None, sa_column=Column(Text))
    tentativas: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))
    next_at: datetime = instant(default_now=True)
    lease_until: datetime | None = instant()
    claim: UUID | None = Field(default=None)
    motivo: str | None = Field(default=None, sa_column=Column(Text))
    criada_em: datetime = instant(default_now=True)
    postada_em: datetime | None = instant()
    enviada_em: datetime | None = instant()
    reconhecida_em: datetime | None = instant()
    reconhecida_por: str | None = Field(default=None, sa_column=Column(Text))
    lembretes: int = Field(default=0, sa_column=Column(SmallInteger, nullable=False, server_default=text("0")))


class SlackUsuario(SQLModel, table=True):
    """A Slack user with a role; who is not here, or is revoked, may do nothing."""

    __tablename__ = "slack_usuario"

    usuario: str = Field(sa_column=Column(Text, primary_key=True))
    nome: str | None = Field(default=None, sa_column=Column(Text))
    papel: Papel = enum_of(Papel, "papel_slack")
    criado_em: datetime = instant(default_now=True)
    revogado_em: datetime | None = instant()


class SlackSessao(SQLModel, table=True):
    """What was last said between a user and the managers' agent in a channel."""

    __tablename__ = "slack_sessao"

    usuario: str = Field(sa_column=Column(Text, primary_key=True))
    canal: str = Field(sa_column=Column(Text, primary_key=True))
    mensagens: Any = json(null=False)
    ativa_ate: datetime = instant(null=False)


class SlackConfirmacao(SQLModel, table=True):
    """An act that waits for its button: bound to a user, to its arguments' hash and to a time, decided once."""

    __tablename__ = "slack_confirmacao"

    id: UUID = Field(primary_key=True)
    usuario: str = Field(sa_column=Column(Text, nullable=False))
    canal: str = Field(sa_column=Column(Text, nullable=False))
    ferramenta: str = Field(sa_column=Column(Text, nullable=False))
    args: Any = json(null=False)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    criada_em: datetime = instant(default_now=True)
    expira_em: datetime = instant(null=False)
    decidida_em: datetime | None = instant()
    decisao: str | None = Field(default=None, sa_column=Column(Text))
    resultado: Any = json()

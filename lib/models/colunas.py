"""The column shapes that every table shares."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Enum, ForeignKey, Identity, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

NOW = text("now()")


def pk() -> Any:
    """Return a bigint identity primary key."""
    return Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))


def fk(target: str, *, null: bool = False, index: bool = True, primary_key: bool = False) -> Any:
    """Return a bigint foreign key, indexed unless another index already starts with it."""
    column = Column(
        BigInteger, ForeignKey(target), nullable=null, index=index and not primary_key, primary_key=primary_key
    )
    return Field(default=None, sa_column=column)


def instant(*, null: bool = True, default_now: bool = False) -> Any:
    """Return a timestamptz column."""
    column = Column(
        DateTime(timezone=True), nullable=null and not default_now, server_default=NOW if default_now else None
    )
    return Field(default=None, sa_column=column)


def enum_of(kind: type[StrEnum], name: str, default: StrEnum | None = None, *, null: bool = False) -> Any:
    """Return a text column that a CHECK keeps within the enum: code and database share one source."""
    stored = Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=name,
        values_callable=lambda e: [m.value for m in e],
    )
    column: Column[Any] = Column(stored, nullable=null, server_default=default.value if default else None)
    return Field(default=default, sa_column=column)


def json(*, null: bool = True) -> Any:
    """Return a jsonb column; only values made by us go in, never raw bodies."""
    return Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=null))

"""Alembic's entry: migrates the database of AGENTE_DATABASE_URL."""

from __future__ import annotations

import os
import sys

from alembic import context
from sqlalchemy import create_engine, pool
from sqlmodel import SQLModel

import lib.models  # noqa: F401 - fills the metadata

URL_VARIABLE = "AGENTE_DATABASE_URL"


def address() -> str:
    """Return the address in SQLAlchemy's spelling; without one, say so and stop."""
    url = os.environ.get(URL_VARIABLE)
    if not url:
        sys.exit(f"{URL_VARIABLE} is not set: nothing to migrate")
    return "postgresql+psycopg://" + url.partition("://")[2]


def run() -> None:
    """Migrate in one transaction, one program at a time."""
    engine = create_engine(address(), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=SQLModel.metadata, compare_type=True)
        with context.begin_transaction():
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('agente.migrations'))")
            context.run_migrations()
    engine.dispose()


run()

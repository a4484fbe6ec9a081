"""What `agente doctor` and the embedded stack ask of a database server; synchronous, on a plain psycopg connection."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import Connection, sql
from psycopg.errors import DuplicateDatabase, UndefinedTable


def create_database(connection: Connection[Any], name: str, template: str | None = None) -> bool:
    """Create a database unless it exists; the connection must be in autocommit. Return whether it was made."""
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    try:
        connection.execute(statement)
    except DuplicateDatabase:
        return False
    return True


def server_version(connection: Connection[Any]) -> str:
    """Return the server's version, as "18.4"."""
    row = connection.execute("SELECT current_setting('server_version')").fetchone()
    return str(row[0]) if row else ""


def server_time(connection: Connection[Any]) -> datetime:
    """Return the database's clock, aware."""
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    if row is None:
        raise LookupError
    value: datetime = row[0]
    return value


def migration_heads(connection: Connection[Any]) -> tuple[str, ...]:
    """Return the revisions that the schema is at; empty when it was never migrated."""
    try:
        rows = connection.execute("SELECT version_num FROM alembic_version ORDER BY version_num").fetchall()
    except UndefinedTable:
        return ()
    return tuple(str(row[0]) for row in rows)

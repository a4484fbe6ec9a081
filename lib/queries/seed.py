"""What `agente seed` asks of a database: bulk COPY on one plain psycopg connection, one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from lib.db import compiled
from lib.domain.conhecimento import PecaLida
from lib.queries.conhecimento import IMPORT, import_params

# Every table that holds business data, in the order of their foreign keys. TRUNCATE without CASCADE refuses to run when
# a table that refers to one of these is missing here.
TABELAS = (
    *("chip", "chip_trust_historico", "especialidade", "hospital", "vaga", "medico", "doctor_state", "conversa"),
    *("mailbox", "turno", "inbox", "outbox", "interacao", "tool_effect", "delivery_event", "avaliacao_qualidade"),
    *("lid_telefone", "memoria", "interesse", "transferencia", "aviso", "diretriz"),
    *("chatwoot_conversa", "chatwoot_nota", "espelho", "notificacao", "modelo_meta", "webhook"),
    *("chip_transicao", "chip_snapshot", "chip_selecao", "chip_decisao", "disjuntor", "disjuntor_transicao"),
    *("conta_meta", "conversa_migracao", "provisao_ativacao", "provisao"),
)
_CHAVE = "seed"
_LOCK = 5_901


def lock(connection: Connection[Any]) -> None:
    """Wait until no other seeding runs; held to the end of the transaction."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))


def read_mark(connection: Connection[Any]) -> dict[str, Any] | None:
    """Return what `write_mark` left, None when the database was never seeded."""
    row = connection.execute("SELECT valor FROM flag WHERE chave = %s", (_CHAVE,)).fetchone()
    return row[0] if row else None


def write_mark(connection: Connection[Any], valor: Mapping[str, Any], em: object) -> None:
    """Say what this database was seeded with; `em` is an aware instant."""
    connection.execute(
        "INSERT INTO flag (chave, valor, atualizado_em) VALUES (%s, %s, %s)"
        " ON CONFLICT (chave) DO UPDATE SET valor = excluded.valor, atualizado_em = excluded.atualizado_em",
        (_CHAVE, Jsonb(dict(valor)), em),
    )


def filled(connection: Connection[Any]) -> tuple[str, ...]:
    """Return the names of the tables that hold any row."""
    tests = sql.SQL(", ").join(sql.SQL("EXISTS (SELECT FROM {})").format(sql.Identifier(name)) for name in TABELAS)
    row = connection.execute(sql.SQL("SELECT {}").format(tests)).fetchone() or ()
    return tuple(name for name, found in zip(TABELAS, row, strict=True) if found)


def truncate(connection: Connection[Any]) -> None:
    """Empty every table of business data and start their numbering again."""
    names = sql.SQL(", ").join(map(sql.Identifier, TABELAS))
    connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(names))


def copy_rows(connection: Connection[Any], table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> int:
    """Stream rows into a table and return how many there were."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with connection.cursor() as cursor:
        with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)) as copy:
            for row in rows:
                copy.write_row(row)
        return cursor.rowcount


def import_knowledge(connection: Connection[Any], pasta: str, pecas: Sequence[PecaLida]) -> int:
    """Make the pieces whose origin begins with `pasta` be exactly these and return how many there are."""
    connection.execute(compiled(IMPORT), import_params(pasta, pecas, grava=True))
    return len(pecas)


def advance_identities(connection: Connection[Any], last: Mapping[str, int]) -> None:
    """Let each table's next id follow the last one that was copied; a table without rows keeps its start."""
    parts = [
        sql.SQL("setval(pg_get_serial_sequence({}, 'id'), {})").format(sql.Literal(table), sql.Literal(number))
        for table, number in last.items()
        if number
    ]
    if parts:
        connection.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(parts)))


def analyze(connection: Connection[Any]) -> None:
    """Give the planner fresh figures: it must not plan the first run for empty tables."""
    connection.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(map(sql.Identifier, TABELAS))))

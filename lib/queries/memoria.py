"""What is remembered of a doctor: saved, replaced, read and forgotten, each in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import TextClause, text

from lib.db import Database, Row, Step
from lib.domain.memoria import OUTROS_MAX, Assunto, Confianca, TipoMemoria, normalizar

# The id is drawn first, so that the replaced fact can name its successor; what it replaces goes out of force before it
# comes in, because one fact per subject may be in force.
_SAVE = """-- memoria.save
WITH nova AS MATERIALIZED (
  SELECT nextval(pg_get_serial_sequence('memoria', 'id')) AS id
  WHERE ({guarda}) AND NOT EXISTS (
    SELECT FROM memoria WHERE medico_id = :medico_id AND assunto = :assunto AND lower(texto) = lower(:texto)
      AND substituida_em IS NULL AND esquecida_em IS NULL)),
velhas AS (
  SELECT id FROM memoria WHERE medico_id = :medico_id AND assunto = :assunto AND substituida_em IS NULL
    AND esquecida_em IS NULL
  ORDER BY id DESC OFFSET CASE WHEN :assunto = 'outro' THEN :outros_max - 1 ELSE 0 END),
fora AS (
  UPDATE memoria m SET substituida_em = now(), substituida_por = nova.id FROM nova, velhas WHERE m.id = velhas.id
  RETURNING m.id)
INSERT INTO memoria (id, medico_id, tipo, assunto, texto, confianca, inbox_id, fonte)
SELECT nova.id, :medico_id, :tipo, :assunto, :texto, :confianca, :inbox_id, :fonte
FROM nova, (SELECT count(*) AS n FROM fora) saiu WHERE saiu.n >= 0
RETURNING id, (SELECT count(*) FROM fora) AS substituidas
"""

# The text goes, the row stays: that something was known and is no longer, and since when.
_FORGET = """-- memoria.forget
UPDATE memoria SET esquecida_em = now(), texto = NULL
WHERE ({guarda}) AND medico_id = :medico_id AND esquecida_em IS NULL
  AND (CAST(:assunto AS text) IS NULL OR assunto = :assunto)
RETURNING id, substituida_em IS NULL AS valia
"""

_LIST = text("""-- memoria.list
SELECT m.id, m.tipo, m.assunto, m.texto, m.confianca, m.fonte, m.inbox_id, m.criada_em, m.substituida_em,
  m.substituida_por, m.esquecida_em
FROM memoria m WHERE m.medico_id = :medico_id AND (:todas OR (m.substituida_em IS NULL AND m.esquecida_em IS NULL))
ORDER BY m.id DESC
""")

_OF_PHONE = text("""-- memoria.of_phone
SELECT id, nome FROM medico WHERE telefone = :telefone
""")


@cache
def _guarded(sql: str, guarda: str) -> TextClause:
    return text(sql.format(guarda=guarda))


def save_step(
    *,
    medico_id: int,
    tipo: TipoMemoria,
    assunto: Assunto,
    texto: str,
    confianca: Confianca,
    inbox_id: int | None,
    fonte: str,
    guarda: str = "true",
    params: Mapping[str, Any] | None = None,
) -> Step:
    """Return the statement that saves a fact; it returns one row, or none when the same fact was in force already.

    What it contradicts, the fact in force on the same subject, is replaced in the same statement; of `outro` the newest
    ten hold. `guarda` is a condition in SQL, with its `params`, without which nothing is written.
    """
    values = {
        "medico_id": medico_id,
        "tipo": tipo,
        "assunto": assunto,
        "texto": normalizar(texto),
        "confianca": confianca,
        "inbox_id": inbox_id,
        "fonte": fonte,
        "outros_max": OUTROS_MAX,
    }
    return Step(_guarded(_SAVE, guarda), {**values, **(params or {})}, writes=True)


def forget_step(
    medico_id: int, assunto: Assunto | None = None, *, guarda: str = "true", params: Mapping[str, Any] | None = None
) -> Step:
    """Return the statement that wipes what is remembered of a doctor, all of it or one subject, replaced facts too.

    It returns one row per wiped fact; `guarda` and `params` as in `save_step`.
    """
    values = {"medico_id": medico_id, "assunto": assunto}
    return Step(_guarded(_FORGET, guarda), {**values, **(params or {})}, writes=True)


async def forget(db: Database, medico_id: int, assunto: Assunto | None = None) -> int:
    """Forget and return how many facts that held are gone."""
    [gone] = await db.round_trip(forget_step(medico_id, assunto))
    return sum(row["valia"] for row in gone)


async def list_of(db: Database, medico_id: int, *, todas: bool = False) -> list[Row]:
    """Return a doctor's facts, newest first; `todas` with those replaced or forgotten."""
    [found] = await db.round_trip(Step(_LIST, {"medico_id": medico_id, "todas": todas}))
    return found


async def doctor_of_phone(db: Database, telefone: str) -> Row | None:
    """Return the doctor who has this E.164 phone; None when there is none."""
    [found] = await db.round_trip(Step(_OF_PHONE, {"telefone": telefone}))
    return found[0] if found else None

"""Stored choices of a chip, read back as they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.selecao import Candidato, Decisao, Pedido, Regra

_OF = """-- decisao.read
SELECT d.id, d.outbox_id, d.chip_id, d.pedido, d.extras, d.em, s.tipo, s.chips, s.elegiveis, s.candidatos, s.descartes,
  (SELECT jsonb_object_agg(k.id, k.instancia) FROM chip k WHERE k.id IN (
    SELECT CAST(c ->> 'chip_id' AS bigint) FROM jsonb_array_elements(s.candidatos || d.extras) c)) AS nomes
FROM chip_decisao d JOIN chip_selecao s ON s.id = d.selecao_id
WHERE {which} ORDER BY d.id DESC LIMIT :limite
"""
_BY_ID = text(_OF.format(which="d.id = :id"))
_OF_MESSAGE = text(_OF.format(which="d.outbox_id = ANY(CAST(:outbox_ids AS bigint[]))"))


@dataclass(frozen=True, slots=True)
class DecisaoGuardada:
    """One choice with its names: `nomes` maps chip ids to what people call them."""

    id: int
    outbox_id: int
    em: datetime
    decisao: Decisao
    nomes: Mapping[int, str]


async def by_id(db: Database, decisao_id: int) -> DecisaoGuardada | None:
    """Return one choice."""
    [rows] = await db.round_trip(Step(_BY_ID, {"id": decisao_id, "limite": 1}))
    return _read(rows[0]) if rows else None


async def of_messages(db: Database, outbox_ids: list[int], limite: int) -> list[DecisaoGuardada]:
    """Return the choices made for these messages to send, the newest first."""
    [rows] = await db.round_trip(Step(_OF_MESSAGE, {"outbox_ids": outbox_ids, "limite": limite}))
    return [_read(row) for row in rows]


def _read(row: Row) -> DecisaoGuardada:
    candidatos = sorted((Candidato.read(one) for one in (*row["candidatos"], *row["extras"])), key=lambda c: c.vez)
    decisao = Decisao(
        pedido=Pedido.read(row["pedido"], row["tipo"], row["em"]),
        candidatos=tuple(candidatos),
        chips=row["chips"],
        elegiveis=row["elegiveis"],
        descartes={Regra(name): n for name, n in row["descartes"].items()},
        chip_id=row["chip_id"],
        cedeu=row["pedido"]["cedeu"],
    )
    nomes = {int(chip_id): name for chip_id, name in (row["nomes"] or {}).items()}
    return DecisaoGuardada(row["id"], row["outbox_id"], row["em"], decisao, nomes)

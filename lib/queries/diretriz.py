"""Directives: what is in force, and how managers write and end them. Every change raises `diretriz_versao`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.diretriz import EscopoDiretriz, TipoDiretriz
from lib.queries.vaga import like_literal

_ACTIVE = text("""-- diretriz.active
SELECT id, tipo, conteudo, escopo, escopo_id, prioridade, expira_em FROM diretriz
WHERE ativa AND (expira_em IS NULL OR expira_em > now()) ORDER BY id
""")

_CREATE = text("""-- diretriz.create
INSERT INTO diretriz (tipo, conteudo, escopo, escopo_id, prioridade, criada_por, expira_em)
VALUES (:tipo, :conteudo, :escopo, :escopo_id, :prioridade, :criada_por, :expira_em) RETURNING id
""")

_END = text("""-- diretriz.end
UPDATE diretriz SET ativa = false WHERE id = :id AND ativa RETURNING id
""")

_LIST = text("""-- diretriz.list
SELECT r.id, r.tipo, r.conteudo, r.escopo, r.escopo_id, r.prioridade, r.criada_por, r.ativa, r.expira_em, r.criada_em,
  CASE r.escopo WHEN 'medico' THEN (SELECT coalesce(nome, 'sem nome') FROM medico WHERE id = r.escopo_id)
    WHEN 'hospital' THEN (SELECT nome || ', ' || cidade FROM hospital WHERE id = r.escopo_id)
    WHEN 'especialidade' THEN (SELECT nome FROM especialidade WHERE id = r.escopo_id)
    WHEN 'vaga' THEN (SELECT h.nome FROM vaga v JOIN hospital h ON h.id = v.hospital_id WHERE v.id = r.escopo_id)
    ELSE 'todos' END AS alvo
FROM diretriz r
WHERE :todas OR (r.ativa AND (r.expira_em IS NULL OR r.expira_em > now()))
ORDER BY r.id DESC LIMIT :limite
""")

_DOCTORS = text("""-- diretriz.doctors
SELECT id, coalesce(nome, 'sem nome') AS nome FROM medico WHERE telefone = :valor LIMIT 2
""")
_HOSPITALS = text("""-- diretriz.hospitals
SELECT id, nome || ', ' || cidade AS nome FROM hospital
WHERE CAST(id AS text) = :valor OR nome_normalizado LIKE '%' || :valor || '%'
ORDER BY nome_normalizado <> :valor, nome, id LIMIT 6
""")
_SPECIALTIES = text("""-- diretriz.specialties
SELECT id, nome FROM especialidade
WHERE CAST(id AS text) = :valor OR nome_normalizado LIKE '%' || :valor || '%'
ORDER BY nome_normalizado <> :valor, nome, id LIMIT 6
""")
_SHIFTS = text("""-- diretriz.shifts
SELECT v.id, h.nome FROM vaga v JOIN hospital h ON h.id = v.hospital_id WHERE CAST(v.id AS text) = :valor
""")
_TARGETS = {
    EscopoDiretriz.MEDICO: _DOCTORS,
    EscopoDiretriz.HOSPITAL: _HOSPITALS,
    EscopoDiretriz.ESPECIALIDADE: _SPECIALTIES,
    EscopoDiretriz.VAGA: _SHIFTS,
}


@dataclass(frozen=True, slots=True)
class NewDirective:
    """A directive to store; `conteudo` as `lib.domain.diretriz.validar` returned it."""

    tipo: TipoDiretriz
    conteudo: str
    escopo: EscopoDiretriz
    escopo_id: int | None
    prioridade: int
    criada_por: str
    expira_em: datetime | None


async def active(db: Database) -> list[Row]:
    """Return every directive that nobody has ended and that has not expired, whomever it is for."""
    [found] = await db.round_trip(Step(_ACTIVE))
    return found


async def create(db: Database, nova: NewDirective) -> int:
    """Store a directive and return its id; it holds from the next message on."""
    [[row]] = await db.round_trip(Step(_CREATE, asdict(nova), writes=True))
    return int(row["id"])


async def end(db: Database, id_: int) -> bool:
    """End a directive; tell whether it was in force."""
    [ended] = await db.round_trip(Step(_END, {"id": id_}, writes=True))
    return bool(ended)


async def list_all(db: Database, *, todas: bool, limite: int) -> list[Row]:
    """Return directives with the name of what they hold for, newest first; `todas` with those ended or expired."""
    [found] = await db.round_trip(Step(_LIST, {"todas": todas, "limite": limite}))
    return found


async def targets(db: Database, escopo: EscopoDiretriz, valor: str) -> list[Row]:
    """Return what a scope's value may mean, an exact name first.

    `valor` is an E.164 phone for a doctor, an id for a shift, an id or words of the folded name for the others.
    """
    [found] = await db.round_trip(Step(_TARGETS[escopo], {"valor": like_literal(valor)}))
    return found

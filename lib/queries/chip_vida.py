"""A chip's life in people's hands: found by its name, entered, and moved from one status to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import text

from lib.db import Database, Step
from lib.domain.chip import Gateway, StatusChip, TipoChip

CAMPOS: Final = "id, instancia, telefone, gateway, conta, tipo, status, status_anterior, conectado, reply_only_until"

# Meta's names are numbers too: a name goes before an id.
_FIND = text(f"""-- chip_vida.find
SELECT {CAMPOS} FROM chip WHERE instancia = :chip OR CAST(id AS text) = :chip
ORDER BY instancia = :chip DESC LIMIT 1
""")  # noqa: S608 - a statement of our own in two parts

_BY_PHONE = text(f"""-- chip_vida.by_phone
SELECT {CAMPOS} FROM chip WHERE telefone = :telefone
""")  # noqa: S608 - a statement of our own in two parts

_NEXT_NAME = text("""-- chip_vida.next_name
SELECT :prefixo || '-' || lpad(CAST(coalesce(max(CAST(substring(instancia FROM '[0-9]+$') AS int)), 0) + 1 AS text), 2,
  '0') AS nome
FROM chip WHERE instancia ~ ('^' || :prefixo || '-[0-9]{1,6}$')
""")

_ENTER = text(f"""-- chip_vida.enter
INSERT INTO chip (telefone, instancia, gateway, conta, tipo, status, status_motivo, status_ator, status_desde)
VALUES (:telefone, :instancia, :gateway, :conta, :tipo, 'provisioned', 'cadastro', :ator, :em)
ON CONFLICT DO NOTHING RETURNING {CAMPOS}
""")  # noqa: S608 - a statement of our own in two parts

# Only from the status that the decision was made on, and only as the table of legal changes has it.
_MOVE_OF = """-- chip_vida.move
UPDATE chip SET status = :para, status_motivo = :motivo, status_ator = :ator, status_desde = :em{mais}
WHERE id = :id AND status = :de
  AND EXISTS (SELECT FROM chip_transicao_legal l WHERE l.de = :de AND l.para = :para AND l.ator = 'pessoa')
RETURNING id
"""
# A number that is paired anew has nothing of its former life but its history; what it may do, its trust will tell.
_DO_ZERO: Final = """, fase = 'repouso', fase_desde = :em, aquecimento_desde = NULL, conectado = false,
  conexao_em = :em, conexao_vista_em = NULL, queda_codigo = NULL, qualidade = NULL, reply_only_until = NULL,
  rampup_desde = NULL, rampup_parte = 100, status_anterior = NULL, cooldown_ate = NULL, cooldown_motivo = NULL,
  trust_score = 0, trust_nivel = 'critico', trust_partes = NULL, trust_formula = NULL, trust_em = NULL,
  pode_prospectar = false, pode_followup = false, pode_responder = false, limite_hora = 0, limite_dia = 0"""
_AQUECE: Final = ", tipo = :tipo, aquecimento_desde = coalesce(aquecimento_desde, :em)"
_ESCUTA: Final = ", tipo = :tipo"
_RENOMEIA: Final = f"{_DO_ZERO}, instancia = :instancia, gateway = :gateway, conta = :conta, tipo = :tipo"


@dataclass(frozen=True, slots=True)
class Ficha:
    """A chip as those who move it see it; `telefone` is E.164."""

    id: int
    instancia: str
    telefone: str
    gateway: Gateway
    conta: str | None
    tipo: TipoChip
    status: StatusChip
    status_anterior: StatusChip | None
    conectado: bool
    reply_only_until: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Ficha:
        """Read a row of `CAMPOS`."""
        before = row["status_anterior"]
        kinds = {
            "gateway": Gateway(row["gateway"]),
            "tipo": TipoChip(row["tipo"]),
            "status": StatusChip(row["status"]),
            "status_anterior": None if before is None else StatusChip(before),
        }
        return cls(**{**row, **kinds})


@dataclass(frozen=True, slots=True)
class Mudanca:
    """A change of status by a person: to what, why, by whom, when. `ator` is `pessoa:NAME`."""

    para: StatusChip
    motivo: str
    ator: str
    em: datetime


@dataclass(frozen=True, slots=True)
class Cadastro:
    """A number to enter; `telefone` is E.164, `conta` its account at Meta."""

    instancia: str
    telefone: str
    tipo: TipoChip = TipoChip.JULIA
    gateway: Gateway = Gateway.EVOLUTION
    conta: str | None = None

    @property
    def params(self) -> Mapping[str, Any]:
        """As statements want it."""
        return MappingProxyType({name: getattr(self, name) for name in Cadastro.__slots__})


async def find(db: Database, chip: str) -> Ficha | None:
    """Return the chip of this `instancia` or id."""
    [rows] = await db.round_trip(Step(_FIND, {"chip": chip}))
    return Ficha.of(rows[0]) if rows else None


async def by_phone(db: Database, telefone: str) -> Ficha | None:
    """Return the chip of this E.164 number."""
    [rows] = await db.round_trip(Step(_BY_PHONE, {"telefone": telefone}))
    return Ficha.of(rows[0]) if rows else None


async def next_name(db: Database, prefixo: str) -> str:
    """Return the next free name of a kind, `julia-07`."""
    [[row]] = await db.round_trip(Step(_NEXT_NAME, {"prefixo": prefixo}))
    return str(row["nome"])


async def enter(db: Database, cadastro: Cadastro, ator: str, em: datetime) -> Ficha | None:
    """Store a new chip, provisioned; None when its name or number is another's."""
    [rows] = await db.round_trip(Step(_ENTER, {**cadastro.params, "ator": ator, "em": em}, writes=True))
    return Ficha.of(rows[0]) if rows else None


async def move(db: Database, ficha: Ficha, mudanca: Mudanca) -> bool:
    """Change a chip's status; False when it is another by now, or nobody may change it so."""
    return await _move(db, _MOVE, ficha, mudanca, {})


async def set_to_work(db: Database, ficha: Ficha, mudanca: Mudanca, tipo: TipoChip) -> bool:
    """As `move`, for a number that begins to work as this kind; a Júlia's age begins with it."""
    warm = mudanca.para is StatusChip.WARMING
    return await _move(db, _WARM if warm else _LISTEN, ficha, mudanca, {"tipo": tipo.value})


async def begin_again(db: Database, ficha: Ficha, mudanca: Mudanca) -> bool:
    """As `move`, for a number that will be paired and warmed up as if it were new."""
    return await _move(db, _AGAIN, ficha, mudanca, {})


async def enter_again(db: Database, ficha: Ficha, mudanca: Mudanca, cadastro: Cadastro) -> bool:
    """As `begin_again`, under another name, gateway or kind; False also when that name is another chip's."""
    taken = await find(db, cadastro.instancia)
    if taken is not None and taken.id != ficha.id and taken.instancia == cadastro.instancia:
        return False
    return await _move(db, _RENAMED, ficha, mudanca, cadastro.params)


async def _move(db: Database, sql: Any, ficha: Ficha, mudanca: Mudanca, more: Mapping[str, Any]) -> bool:
    params = {
        **more,
        "id": ficha.id,
        "de": ficha.status.value,
        "para": mudanca.para.value,
        "motivo": mudanca.motivo,
        "ator": mudanca.ator,
        "em": mudanca.em,
    }
    [rows] = await db.round_trip(Step(sql, params, writes=True))
    return bool(rows)


_MOVE, _WARM, _LISTEN, _AGAIN, _RENAMED = (
    text(_MOVE_OF.format(mais=mais)) for mais in ("", _AQUECE, _ESCUTA, _DO_ZERO, _RENOMEIA)
)

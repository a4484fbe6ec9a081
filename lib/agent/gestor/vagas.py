"""Shifts of any status."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from pydantic import Field

from lib.agent.gestor.contrato import Argumentos, Ferramenta, Quem, Resultado
from lib.agent.gestor.telas import lista
from lib.agent.tools.vagas import valor
from lib.auth import Papel
from lib.db import Row
from lib.domain.anonimo import como_dado
from lib.domain.plantao import quando
from lib.domain.texto import dobrar
from lib.queries import vaga_lista
from lib.queries.vaga_lista import Filtro
from lib.resources import Resources


class Status(StrEnum):
    """Where a shift stands, as managers say it."""

    ABERTA = "aberta"
    RESERVADA = "reservada"
    FECHADA = "fechada"
    TODAS = "todas"


# What a manager calls reserved is held or confirmed; closed is what nobody can take any more.
_ESTADOS: MappingProxyType[Status, tuple[str, ...] | None] = MappingProxyType(
    {
        Status.ABERTA: ("aberta",),
        Status.RESERVADA: ("reservada", "confirmada", "pendente_confirmacao"),
        Status.FECHADA: ("fechada", "realizada", "cancelada"),
        Status.TODAS: None,
    }
)


class BuscarVagas(Argumentos):
    """Which shifts; everything may be left out."""

    hospital: str | None = Field(None, description="Nome do hospital, ou parte dele.")
    especialidade: str | None = Field(None, description="Nome da especialidade, ou parte dele.")
    status: Status = Field(Status.ABERTA, description="Em que situação.")
    limite: int = Field(10, ge=1, le=30, description="Quantas mostrar.")


async def buscar(resources: Resources, args: BuscarVagas, quem: Quem) -> Resultado:
    """List shifts, the next ones first."""
    filtro = Filtro(
        status=_ESTADOS[args.status],
        hospital=dobrar(args.hospital) if args.hospital else None,
        especialidade=dobrar(args.especialidade) if args.especialidade else None,
        limite=args.limite,
    )
    rows = await vaga_lista.page(resources.db, filtro, quem.agora)
    qual = "" if args.status is Status.TODAS else f" {args.status}s"
    if not rows:
        return Resultado(f"Vagas{qual}: nenhuma com esses filtros.")
    total = rows[0]["total"]
    title = f"Vagas{qual}: {total}"
    lines = [_line(row) for row in rows]
    nota = f"Mostrando {len(rows)} de {total}." if total > len(rows) else None
    texto = "\n".join([title, *map(como_dado, lines), *([nota] if nota else [])])
    return Resultado(texto, lista(title, lines, nota))


def _line(row: Row) -> str:
    quem = f", com {row['medico']}" if row["medico"] else ""
    place = f"{row['hospital']} ({row['cidade']}-{row['uf']})"
    when = quando(row["inicio"], row["fim"], row["uf"])
    return f"Vaga {row['id']}: {place}, {row['especialidade']}, {when}, {valor(row)}, {row['status']}{quem}"


BUSCAR_VAGAS = Ferramenta(
    "buscar_vagas",
    "Lista plantões por hospital, especialidade e situação.",
    BuscarVagas,
    Papel.VIEWER,
    buscar,
)

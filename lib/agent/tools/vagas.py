"""`buscar_vagas`: open shifts that fit."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import orjson
from pydantic import Field

from lib.agent.tools.contrato import Argumentos, Tool, ToolContext, ToolResult
from lib.domain.horario import SAO_PAULO
from lib.domain.texto import dobrar
from lib.queries import vaga


class Periodo(StrEnum):
    """Part of the day a shift starts in, or its length."""

    DIURNO = "diurno"
    NOTURNO = "noturno"
    H12 = "12h"
    H24 = "24h"
    QUALQUER = "qualquer"


class BuscarVagas(Argumentos):
    """What the doctor is looking for; everything may be left out."""

    especialidade: str | None = Field(None, description="Especialidade pedida; sem ela, a do próprio médico.")
    cidade: str | None = Field(None, description="Cidade pedida pelo médico.")
    uf: str | None = Field(None, description="Estado pedido, duas letras.", pattern="^[A-Za-z]{2}$")
    periodo: Periodo = Field(Periodo.QUALQUER, description="Parte do dia ou duração.")
    valor_minimo_reais: int | None = Field(None, ge=0, le=1_000_000, description="Menor valor aceito, em reais.")
    limite: int = Field(3, ge=1, le=10, description="Quantas vagas mostrar.")


async def executar(context: ToolContext, args: BuscarVagas) -> ToolResult:
    """Search in one statement; an empty answer says how many open shifts there are without the filters."""
    found = await vaga.search(
        context.db,
        vaga.Filtro(
            agora=context.agora,
            especialidade=dobrar(args.especialidade) if args.especialidade else None,
            especialidade_id=context.especialidade_id,
            cidade=dobrar(args.cidade) if args.cidade else None,
            uf=args.uf.upper() if args.uf else None,
            periodo=args.periodo.value,
            valor_minimo_centavos=args.valor_minimo_reais * 100 if args.valor_minimo_reais else None,
            limite=args.limite,
        ),
    )
    body: dict[str, Any] = {"vagas": [_shown(row) for row in found.vagas], "total_sem_filtros": found.total}
    return ToolResult(orjson.dumps(body).decode())


def reais(centavos: int) -> str:
    """Write an amount the Brazilian way: R$ 1.800,00."""
    whole = f"{centavos // 100:,}".replace(",", ".")
    return f"R$ {whole},{centavos % 100:02d}"


def valor(row: dict[str, Any]) -> str:
    """Write a shift's pay: an amount, a range, or that it is to be agreed."""
    low, high = row["valor_min_centavos"], row["valor_max_centavos"]
    match row["valor_tipo"]:
        case "fixo":
            return reais(row["valor_centavos"])
        case "faixa" if low and high:
            return f"de {reais(low)} a {reais(high)}"
        case "faixa":
            return f"a partir de {reais(low)}" if low else f"até {reais(high)}"
        case _:
            return "valor a combinar"


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    inicio, fim = row["inicio"].astimezone(SAO_PAULO), row["fim"].astimezone(SAO_PAULO)
    return {
        "hospital": row["hospital"],
        "cidade": f"{row['cidade']}-{row['uf']}",
        "especialidade": row["especialidade"],
        "quando": f"{inicio:%d/%m} das {inicio:%H:%M} às {fim:%H:%M}",
        "valor": valor(row),
        "setor": row["setor"],
        "vaga_id": row["id"],
    }


BUSCAR_VAGAS = Tool(
    "buscar_vagas",
    "Procura plantões abertos. Use quando o médico perguntar por vagas, plantões, datas ou valores.",
    BuscarVagas,
    executar,
)

"""`buscar_info_hospital`: where a hospital is."""

from __future__ import annotations

import orjson
from pydantic import Field

from lib.agent.tools.contrato import Argumentos, Tool, ToolContext, ToolResult
from lib.domain.texto import dobrar, palavras
from lib.queries import vaga


class BuscarInfoHospital(Argumentos):
    """Which hospital."""

    nome_hospital: str = Field(min_length=3, description="Nome do hospital, ou parte dele.")


async def executar(context: ToolContext, args: BuscarInfoHospital) -> ToolResult:
    """Find hospitals whose name holds the given words, accents and case aside."""
    if not palavras(args.nome_hospital):
        return ToolResult("não entendi o nome do hospital", erro=True)
    found = await vaga.hospitals(context.db, dobrar(args.nome_hospital))
    shown = [{"hospital": r["nome"], "endereco": r["endereco"], "cidade": f"{r['cidade']}-{r['uf']}"} for r in found]
    return ToolResult(orjson.dumps({"hospitais": shown}).decode())


BUSCAR_INFO_HOSPITAL = Tool(
    "buscar_info_hospital",
    "Diz onde fica um hospital. Use quando o médico perguntar pelo endereço ou pela cidade de um hospital.",
    BuscarInfoHospital,
    executar,
)

"""`buscar_vagas`: open shifts that fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
from pydantic import Field, field_validator

from lib.agent.tools.contrato import Argumentos, Tool, ToolContext, ToolResult
from lib.domain.data_falada import SEMANA, ler_dia
from lib.domain.especialidade import sugerir, termos
from lib.domain.horario import UFS
from lib.domain.plantao import UFS_DA_REGIAO, Periodo, Regiao, quando
from lib.domain.texto import dobrar, palavras
from lib.queries import vaga
from lib.queries.vaga import Achadas, Filtro

# fmt: off
_PERIODOS = {
    "dia": "diurno", "diurna": "diurno", "matutino": "manha", "vespertino": "tarde", "noite": "noturno",
    "noturna": "noturno", "cinderela": "noturno", "12": "12h", "12 horas": "12h", "24": "24h", "24 horas": "24h",
    "todos": "qualquer",
}
# fmt: on
_DIAS = tuple(dobrar(dia).removesuffix("-feira") for dia in SEMANA)
_FIM_DE_SEMANA = ("sabado", "domingo")
_NENHUMA = ("-",)
# "Campinas-SP", as the answers themselves write a place.
_CIDADE_UF = re.compile(r"(.+?)(?:\s*[-\u2013/,(]\s*([A-Za-z]{2})\)?|\s+([A-Z]{2}))\s*")


class BuscarVagas(Argumentos):
    """What the doctor is looking for; everything may be left out."""

    especialidade: str | None = Field(None, description="Especialidade pedida; sem ela, a do próprio médico.")
    cidade: str | None = Field(None, description="Cidade ou hospital pedido pelo médico.")
    uf: str | None = Field(None, description="Estado pedido, duas letras.", pattern="^[A-Za-z]{2}$")
    regiao: Regiao | None = Field(None, description="Grande região do país, se pedida.")
    periodo: Periodo = Field(Periodo.QUALQUER, description="Parte do dia em que começa, ou duração.")
    dias_semana: list[str] | None = Field(
        None, max_length=7, description="Dias da semana pedidos, por extenso, como segunda ou sábado."
    )
    de: str | None = Field(None, description="Primeiro dia, AAAA-MM-DD ou como o médico disse.")
    ate: str | None = Field(None, description="Último dia, AAAA-MM-DD ou como o médico disse.")
    valor_minimo_reais: int | None = Field(None, ge=0, le=1_000_000, description="Menor valor aceito, em reais.")
    limite: int = Field(3, ge=1, le=10, description="Quantas vagas mostrar.")

    @field_validator("periodo", "regiao", mode="before")
    @classmethod
    def como_se_diz(cls, value: Any) -> Any:
        """Take synonyms and accents."""
        if not isinstance(value, str):
            return value
        dito = dobrar(value).strip()
        return _PERIODOS.get(dito, dito.replace("centro oeste", "centro-oeste"))

    @field_validator("dias_semana")
    @classmethod
    def so_dias(cls, value: list[str] | None) -> list[str] | None:
        """Refuse what is no weekday."""
        if value is not None and len(_dias(value)) < len(value):
            raise ValueError("not a weekday")
        return value


def _dias(ditos: list[str]) -> tuple[int, ...]:
    """Return ISO weekdays, Monday 1; fewer than were said when one is not understood."""
    numeros: list[int] = []
    for dito in ditos:
        plano = palavras(dito).removesuffix(" feira")
        nomes = _FIM_DE_SEMANA if plano in {"fim de semana", "final de semana", "fds"} else (plano,)
        for nome in nomes:
            numeros += [
                n for n, dia in enumerate(_DIAS, 1) if dia == nome or (len(nome) == len("seg") and dia[:3] == nome)
            ]
    return tuple(numeros)


async def executar(context: ToolContext, args: BuscarVagas) -> ToolResult:
    """Search in one statement; the answer names the filters and says how many shifts there were without them."""
    de, ate = (ler_dia(dito, context.agora) if dito else None for dito in (args.de, args.ate))
    if (args.de and de is None) or (args.ate and ate is None):
        return ToolResult("não entendi o dia pedido, ou já passou: use AAAA-MM-DD", erro=True)
    if de and ate and de > ate:
        return ToolResult("o período pedido termina antes de começar", erro=True)
    if args.cidade and not palavras(args.cidade):
        return ToolResult("não entendi a cidade pedida", erro=True)
    found = await vaga.search(context.db, _filtro(context, args, de, ate))
    if found.especialidades is not None:
        known = ", ".join(sugerir(args.especialidade or "", found.especialidades)) or "nenhuma"
        return ToolResult(f"não há essa especialidade; as mais parecidas: {known}", erro=True)
    return ToolResult(orjson.dumps(_resposta(args, found)).decode(), vagas=tuple(row["id"] for row in found.vagas))


def _filtro(context: ToolContext, args: BuscarVagas, de: date | None, ate: date | None) -> Filtro:
    lugar, uf = _lugar(args.cidade or "", (args.uf or "").upper())
    ufs = (uf,) if uf else UFS_DA_REGIAO[args.regiao] if args.regiao else None
    return Filtro(
        agora=context.agora,
        medico_id=context.medico_id,
        termos=(termos(args.especialidade) or _NENHUMA) if args.especialidade else None,
        especialidade_id=context.especialidade_id,
        cidade=lugar or None,
        ufs_pedidas=ufs,
        uf_primeiro=None if lugar or ufs else context.uf,
        periodo=args.periodo.value,
        dias=_dias(args.dias_semana) if args.dias_semana else None,
        de=de,
        ate=ate,
        valor_minimo_centavos=args.valor_minimo_reais * 100 if args.valor_minimo_reais else None,
        limite=args.limite,
    )


def _lugar(cidade: str, uf: str) -> tuple[str, str]:
    """Return the folded place and the state, which may be written with the place or in its stead."""
    if dobrar(cidade).upper() in UFS and not uf:
        return "", dobrar(cidade).upper()
    junto = _CIDADE_UF.fullmatch(cidade)
    com_uf = (junto[2] or junto[3]).upper() if junto else ""
    return (dobrar(junto[1]), uf or com_uf) if junto and com_uf in UFS else (dobrar(cidade), uf)


def _resposta(args: BuscarVagas, found: Achadas) -> dict[str, Any]:
    filtros = {
        "especialidade": args.especialidade,
        "cidade": args.cidade,
        "estado": args.uf,
        "região": args.regiao,
        "período": None if args.periodo is Periodo.QUALQUER else args.periodo,
        "dias da semana": args.dias_semana,
        "datas": args.de or args.ate,
        "valor mínimo": args.valor_minimo_reais,
    }
    return {
        "vagas": [_shown(row) for row in found.vagas],
        "filtros": [nome for nome, valor_pedido in filtros.items() if valor_pedido],
        "com_os_filtros": found.servem - found.conflitos,
        "conflitos": found.conflitos,
        "total_sem_filtros": found.total,
    }


def reais(centavos: int) -> str:
    """Write an amount the Brazilian way: R$ 1.800,00."""
    whole = f"{centavos // 100:,}".replace(",", ".")
    return f"R$ {whole},{centavos % 100:02d}"


def valor(row: Mapping[str, Any]) -> str:
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


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "hospital": row["hospital"],
        "cidade": f"{row['cidade']}-{row['uf']}",
        "especialidade": row["especialidade"],
        "quando": quando(row["inicio"], row["fim"], row["uf"]),
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

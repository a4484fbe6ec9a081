"""What the outside systems have cost this process: requests, failures, connections, time."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import Field

from api.deps import rotas
from api.formas import ERROS, Forma, Recursos
from lib.auth import Papel

router = rotas("/v1", Papel.VIEWER)


class FornecedorLido(Forma):
    """One outside system that is set up here, counted since this process began."""

    nome: str = Field(examples=["evolution"])
    pedidos: int = Field(examples=[1204])
    sem_resposta: int = Field(examples=[3], description="pedidos que acabaram sem uma resposta inteira")
    conexoes: int = Field(examples=[7], description="conexões TCP abertas")
    em_voo: int = Field(examples=[2])
    segundos: float = Field(examples=[98.4], description="tempo de todos os pedidos, somado")


class Fornecedores(Forma):
    """All of them, by name."""

    itens: list[FornecedorLido]


@router.get(
    "/fornecedores", summary="O que cada sistema externo custou a este processo", tags=["operação"], responses=ERROS
)
async def fornecedores(recursos: Recursos) -> Fornecedores:
    """Lê as contagens dos clientes HTTP deste processo."""
    measured = sorted(recursos.http.medidas().items())
    return Fornecedores(itens=[FornecedorLido(nome=name, **asdict(medida)) for name, medida in measured])

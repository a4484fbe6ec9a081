"""Controls of Salvy, the activator and the search, and the figures of the whole sandbox."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import Field

from lib.sandbox.mundos import Mundos
from lib.sandbox.porta import Pedido
from lib.sandbox.salvy_world import DDD

Ddd = Annotated[int, Field(ge=11, le=99)]


class Sms(Pedido):
    """A text message that reaches one of Salvy's numbers, by its id or its phone."""

    numero: str
    texto: str = Field(min_length=1, max_length=160)
    origem: str = "+551140004000"


class NovoNumero(Pedido):
    """A number rented at Salvy without asking its API."""

    nome: str | None = None
    ddd: Ddd = DDD


class Estoque(Pedido):
    """The area codes of which Salvy has numbers."""

    ddds: set[Ddd]


class RitmoDoAtivador(Pedido):
    """How the activator works; what is left out stays as it is."""

    ocupa: bool | None = Field(None, description="nada responde, nem /health, enquanto uma ativação roda")
    passo_ms: Annotated[int, Field(ge=1, le=600_000)] | None = None
    espera_sms_ms: Annotated[int, Field(ge=1, le=3_600_000)] | None = None


def system_router(mundos: Mundos) -> APIRouter:
    """Salvy, activator, search, totals."""
    router = APIRouter()
    router.include_router(_salvy(mundos))
    router.include_router(_ativador(mundos))

    @router.get("/busca", summary="Quanto da busca foi usado no mês")
    async def busca() -> dict[str, int]:
        return {"usadas": mundos.busca.usadas}

    @router.get("/resumo", summary="Contagens de tudo")
    async def resumo() -> dict[str, Any]:
        world, courier = mundos.world, mundos.desk.courier()
        return {
            "programa": mundos.api_url,
            "numeros": len(mundos.numeros()),
            "conversas": sum(1 for chat in world.chats.values() if chat),
            "aceitas": len(world.aceitas),
            "llm_chamadas": mundos.oracle.count,
            "modelo": mundos.oracle.modelo,
            "variante": mundos.oracle.variante,
            "chatwoot_conversas": len(mundos.chatwoot.conversas),
            "chatwoot_mensagens": len(mundos.chatwoot.mensagens),
            "slack_mensagens": len(mundos.slack.mensagens),
            "salvy_numeros": len(mundos.salvy.numeros),
            "ativacoes": len(mundos.ativador.ativacoes),
            "buscas": mundos.busca.usadas,
            "lotes": len(mundos.lotes.lotes),
            "falhas": len(world.faults.active()),
            "webhooks_entregues": courier.delivered,
            "webhooks_pendentes": courier.pending,
            "webhooks_desistencias": courier.given_up,
            "webhooks_parados": courier.policy.stopped,
        }

    return router


def _salvy(mundos: Mundos) -> APIRouter:
    router = APIRouter(prefix="/salvy")

    @router.get("/numeros", summary="Números da Salvy com os SMS que receberam, o mais novo primeiro")
    async def numeros() -> list[dict[str, Any]]:
        return [asdict(numero) | {"sms": list(numero.sms)} for numero in mundos.salvy.numeros.values()]

    @router.post("/numeros", status_code=201, summary="Aluga um número")
    async def aluga(pedido: NovoNumero) -> dict[str, str]:
        numero = mundos.salvy.rent(pedido.ddd, pedido.nome, "available")
        return {"id": numero.id, "telefone": numero.telefone}

    @router.get("/ddds", summary="DDDs com números em estoque")
    async def ddds() -> list[int]:
        return sorted(mundos.salvy.estoque)

    @router.put("/ddds", summary="Muda os DDDs com números em estoque")
    async def estoque(pedido: Estoque) -> list[int]:
        mundos.salvy.estoque = pedido.ddds
        return sorted(mundos.salvy.estoque)

    @router.post("/sms", status_code=202, summary="Um número da Salvy recebe um SMS")
    async def sms(pedido: Sms) -> dict[str, Any]:
        found = [one for one in mundos.salvy.numeros.values() if pedido.numero in {one.id, one.telefone}]
        if not found:
            raise HTTPException(404, f"número {pedido.numero} não existe na Salvy")
        return mundos.salvy.receive_sms(found[0], pedido.texto, pedido.origem)

    return router


def _ativador(mundos: Mundos) -> APIRouter:
    router = APIRouter(prefix="/ativador")
    ativador = mundos.ativador

    def shown() -> dict[str, Any]:
        ativador.advance()
        ritmo = {"passo_s": ativador.passo_s, "ocupa": ativador.ocupa, "espera_sms_s": ativador.espera_s}
        return {**ritmo, "ativacoes": list(map(asdict, ativador.ativacoes.values()))}

    @router.get("", summary="Fila do ativador")
    async def ver() -> dict[str, Any]:
        return shown()

    @router.put("", summary="Muda como o ativador trabalha")
    async def ritmo(pedido: RitmoDoAtivador) -> dict[str, Any]:
        passo_s = ativador.passo_s if pedido.passo_ms is None else pedido.passo_ms / 1000
        espera_s = ativador.espera_s if pedido.espera_sms_ms is None else pedido.espera_sms_ms / 1000
        ativador.pace(passo_s, espera_s, ocupa=ativador.ocupa if pedido.ocupa is None else pedido.ocupa)
        return shown()

    @router.delete("", summary="O ativador reinicia e esquece sua fila")
    async def reinicia() -> dict[str, bool]:
        ativador.restart()
        return {"reiniciado": True}

    return router

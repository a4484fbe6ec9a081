"""Controls of Salvy, the activator and the search, and the figures of the whole sandbox."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, HTTPException
from pydantic import Field

from lib.sandbox.mundos import Mundos
from lib.sandbox.porta import Pedido
from lib.sandbox.salvy_world import DDD


class Sms(Pedido):
    """A text message that reaches one of Salvy's numbers, by its id or its phone."""

    numero: str
    texto: str = Field(min_length=1, max_length=160)
    origem: str = "+551140004000"


class NovoNumero(Pedido):
    """A number rented at Salvy without asking its API."""

    nome: str | None = None


def system_router(mundos: Mundos) -> APIRouter:
    """Salvy, activator, search, totals."""
    router = APIRouter()
    router.include_router(_salvy(mundos))

    @router.get("/ativador", summary="Fila do ativador")
    async def ativador() -> dict[str, Any]:
        mundos.ativador.advance()
        return {"passo_s": mundos.ativador.passo_s, "ativacoes": list(map(asdict, mundos.ativador.ativacoes.values()))}

    @router.delete("/ativador", summary="O ativador reinicia e esquece sua fila")
    async def reinicia() -> dict[str, bool]:
        mundos.ativador.clear()
        return {"reiniciado": True}

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
        numero = mundos.salvy.rent(DDD, pedido.nome, "available")
        return {"id": numero.id, "telefone": numero.telefone}

    @router.post("/sms", status_code=202, summary="Um número da Salvy recebe um SMS")
    async def sms(pedido: Sms) -> dict[str, Any]:
        found = [one for one in mundos.salvy.numeros.values() if pedido.numero in {one.id, one.telefone}]
        if not found:
            raise HTTPException(404, f"número {pedido.numero} não existe na Salvy")
        return mundos.salvy.receive_sms(found[0], pedido.texto, pedido.origem)

    return router

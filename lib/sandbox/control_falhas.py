"""Switches: faults of the vendors' calls, which model answers, how webhooks travel."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from pydantic import Field

from lib.sandbox.alvos import ALVOS
from lib.sandbox.courier import Courier
from lib.sandbox.faults import Falha, Milliseconds, Share
from lib.sandbox.messages_api import Modelo
from lib.sandbox.modelo_hostil import VARIANTES as HOSTIL
from lib.sandbox.modelo_ruido import VARIANTES as RUIDO
from lib.sandbox.mundos import Mundos
from lib.sandbox.porta import Pedido


class EscolhaDeModelo(Pedido):
    """Which model answers; `variante` forces one behaviour of `ruido` or `hostil`."""

    modelo: Modelo
    variante: str | None = None


class EntregaDeWebhooks(Pedido):
    """How webhooks travel; what is left out stays as it is."""

    duplicar: Share | None = None
    perder: Share | None = None
    atraso_ms: Milliseconds | None = None
    retry_base_s: float | None = Field(None, gt=0)
    parado: bool | None = None
    recibos: bool | None = None
    recibos_ms: tuple[Milliseconds, Milliseconds, Milliseconds] | None = None


def switch_router(mundos: Mundos) -> APIRouter:
    """Everything that makes life harder."""
    router = APIRouter()
    faults = mundos.world.faults

    @router.put("/falhas", summary="Liga falhas; as novas de um alvo substituem as antigas")
    async def ligar(pedido: Falha | list[Falha]) -> list[Falha]:
        faults.put(pedido if isinstance(pedido, list) else [pedido])
        return faults.active()

    @router.get("/falhas", summary="Falhas ligadas")
    async def ver() -> list[Falha]:
        return faults.active()

    @router.delete("/falhas", summary="Desliga as falhas de um alvo, ou todas")
    async def desligar(alvo: str | None = None) -> list[Falha]:
        faults.clear(alvo)
        return faults.active()

    @router.get("/alvos", summary="O que pode falhar, por fornecedor, e como os modelos podem variar")
    async def alvos() -> dict[str, dict[str, list[str]]]:
        calls = {vendor: list(names) for vendor, names in ALVOS.items()}
        return {"alvos": calls, "variantes": {"julia": [], "ruido": list(RUIDO), "hostil": list(HOSTIL)}}

    @router.put("/modelo", summary="Escolhe o modelo que responde")
    async def modelo(pedido: EscolhaDeModelo) -> EscolhaDeModelo:
        mundos.oracle.modelo, mundos.oracle.variante = pedido.modelo, pedido.variante
        return pedido

    @router.put("/webhooks", summary="Muda como os webhooks viajam")
    async def entrega(pedido: EntregaDeWebhooks) -> dict[str, Any]:
        courier = mundos.desk.courier()
        _apply(courier, pedido)
        return asdict(courier.policy)

    return router


def _apply(courier: Courier, pedido: EntregaDeWebhooks) -> None:
    policy = courier.policy
    policy.duplicate = policy.duplicate if pedido.duplicar is None else pedido.duplicar
    policy.lose = policy.lose if pedido.perder is None else pedido.perder
    policy.delay_ms = policy.delay_ms if pedido.atraso_ms is None else pedido.atraso_ms
    policy.retry_base_s = policy.retry_base_s if pedido.retry_base_s is None else pedido.retry_base_s
    policy.receipts = policy.receipts if pedido.recibos is None else pedido.recibos
    policy.receipts_ms = policy.receipts_ms if pedido.recibos_ms is None else pedido.recibos_ms
    if pedido.parado is not None:
        policy.stopped = pedido.parado
        if not policy.stopped:
            courier.resume()

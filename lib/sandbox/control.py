"""The control endpoints under `/_sandbox`: what people do, what fails, what every system shows."""

from fastapi import APIRouter, Depends
from pydantic import HttpUrl

from lib.sandbox.control_chatwoot import chatwoot_router
from lib.sandbox.control_falhas import switch_router
from lib.sandbox.control_instancias import instance_router
from lib.sandbox.control_medicos import doctor_router
from lib.sandbox.control_registros import log_router
from lib.sandbox.control_sistemas import system_router
from lib.sandbox.control_slack import slack_router
from lib.sandbox.mundos import Mundos
from lib.sandbox.porta import Pedido, only_loopback, only_own_page


class Programa(Pedido):
    """Where the program is that the vendors' webhooks go to."""

    url: HttpUrl


def control_router(mundos: Mundos) -> APIRouter:
    """All control endpoints."""
    router = APIRouter(
        prefix="/_sandbox", tags=["sandbox"], dependencies=[Depends(only_loopback), Depends(only_own_page)]
    )
    router.include_router(doctor_router(mundos))
    router.include_router(instance_router(mundos))
    router.include_router(chatwoot_router(mundos))
    router.include_router(slack_router(mundos))
    router.include_router(system_router(mundos))
    router.include_router(log_router(mundos))
    router.include_router(switch_router(mundos))

    @router.get("/pronto", summary="Responde 200 quando o sandbox atende")
    async def pronto() -> dict[str, bool]:
        return {"pronto": True}

    @router.put("/programa", summary="Para onde vão os webhooks de Meta, Chatwoot, Slack e Salvy")
    async def programa(pedido: Programa) -> dict[str, str]:
        mundos.aim(str(pedido.url))
        return {"url": mundos.api_url}

    @router.delete("/tudo", summary="Esquece tudo, em todos os sistemas")
    async def tudo() -> dict[str, bool]:
        mundos.clear()
        return {"limpo": True}

    return router

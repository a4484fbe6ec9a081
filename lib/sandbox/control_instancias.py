"""Controls of the life of Evolution's instances: what a phone, WhatsApp or somebody else does to them."""

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Response
from pydantic import Field

from lib.sandbox.evolution_qr import png
from lib.sandbox.evolution_sessao import LOGGED_OUT, Sessoes
from lib.sandbox.faults import Milliseconds
from lib.sandbox.mundos import Mundos
from lib.sandbox.porta import Pedido
from lib.sandbox.world import Instance, Ritmo

SEM_FIM_S: Final = 253_402_300_799.0  # the last second of the year 9999
_MES_MS: Final = 31 * 24 * 3_600_000
_SHORTEST_CODE_MS: Final = 20

MillisecondsOrNever = Annotated[int, Field(ge=-1, le=600_000)]


class Leitura(Pedido):
    """A phone scans the QR code or types the pairing code; without `codigo` the one that is shown."""

    codigo: str | None = None
    numero: str | None = Field(None, description="o aparelho que lê; passa a ser o número da instância")


class Queda(Pedido):
    """The connection drops and comes back by itself."""

    ms: Milliseconds = 2_000


class Banimento(Pedido):
    """WhatsApp bans the number."""

    motivo: Literal[401, 402, 403, 406] = 403


class Restricao(Pedido):
    """The number may write to nobody first; without `ms` until it is lifted."""

    ms: Annotated[int, Field(ge=1, le=_MES_MS)] | None = None


class RitmoDaEvolution(Pedido):
    """How Evolution's instances take their time; what is left out stays as it is."""

    parear_ms: MillisecondsOrNever | None = Field(None, description="até o código contar como lido; -1 nunca")
    qr_ms: MillisecondsOrNever | None = Field(None, description="até o primeiro código; -1 nunca")
    qr_troca_ms: Annotated[int, Field(ge=_SHORTEST_CODE_MS, le=600_000)] | None = None
    qr_limite: Annotated[int, Field(ge=1, le=1_000)] | None = None
    coluna_ms: Milliseconds | None = Field(None, description="atraso das colunas de fetchInstances")


def instance_router(mundos: Mundos) -> APIRouter:
    """Codes, drops, ends, bans, restrictions; and Evolution as a whole."""
    router = APIRouter()
    router.include_router(_pairing(mundos))
    router.include_router(_misfortunes(mundos))
    router.include_router(_gateway(mundos))
    return router


def _evolution(mundos: Mundos, name: str) -> Instance:
    instance = mundos.world.instances.get(name)
    if instance is None or instance.provedor != "evolution":
        raise HTTPException(404, f"instância {name} não existe na Evolution do sandbox")
    return instance


def _done(instance: Instance, act: Callable[[], None]) -> dict[str, Any]:
    """Do it and tell how the instance is then; what its state does not allow is 409."""
    try:
        act()
    except ValueError as error:
        raise HTTPException(409, str(error)) from error
    return {"estado": instance.state, "banida": instance.banned, "restrita_ate_s": restricted_until(instance)}


def restricted_until(instance: Instance) -> float | None:
    """When the instance's restriction ends, if there is one."""
    until = instance.locked_until_s
    return until if until is not None and until > time.time() else None


def _pairing(mundos: Mundos) -> APIRouter:
    router = APIRouter(prefix="/instancias/{nome}")
    sessoes = Sessoes(mundos.desk)

    @router.get("/qr", summary="O código que a instância mostra")
    async def qr(nome: str) -> dict[str, Any]:
        instance = _evolution(mundos, nome)
        shown = {"codigo": instance.qr_code, "pareamento": instance.pairing_code}
        return {**shown, "count": instance.qr_count, "limite": mundos.world.ritmo.qr_limite}

    @router.get("/qr.png", summary="O QR code como imagem", response_class=Response)
    async def imagem(nome: str) -> Response:
        code = _evolution(mundos, nome).qr_code
        if code is None:
            raise HTTPException(404, f"{nome} não mostra nenhum código")
        return Response(png(code), media_type="image/png", headers={"cache-control": "no-store"})

    @router.post("/leitura", summary="Um aparelho lê o QR code ou digita o código de pareamento")
    async def leitura(nome: str, pedido: Leitura) -> dict[str, Any]:
        instance = _evolution(mundos, nome)
        return _done(instance, lambda: sessoes.scan(instance, pedido.codigo, pedido.numero))

    return router


def _misfortunes(mundos: Mundos) -> APIRouter:
    router = APIRouter(prefix="/instancias/{nome}")
    sessoes = Sessoes(mundos.desk)

    @router.post("/queda", status_code=202, summary="A conexão cai e volta sozinha")
    async def queda(nome: str, pedido: Queda) -> dict[str, Any]:
        instance = _evolution(mundos, nome)
        return _done(instance, lambda: sessoes.drop(instance, pedido.ms))

    @router.post("/saida", summary="O aparelho desconecta a sessão")
    async def saida(nome: str) -> dict[str, Any]:
        instance = _evolution(mundos, nome)
        return _done(instance, lambda: sessoes.end(instance, LOGGED_OUT))

    @router.put("/banimento", summary="O WhatsApp bane o número")
    async def banimento(nome: str, pedido: Banimento) -> dict[str, Any]:
        instance = _evolution(mundos, nome)
        return _done(instance, lambda: sessoes.ban(instance, pedido.motivo))

    @router.delete("/banimento", summary="O WhatsApp desfaz o banimento")
    async def perdao(nome: str) -> dict[str, Any]:
        instance = _evolution(mundos, nome)
        return _done(instance, lambda: sessoes.pardon(instance))

    @router.put("/restricao", summary="O número só pode responder (erro 463)")
    async def restricao(nome: str, pedido: Restricao) -> dict[str, Any]:
        instance = _evolution(mundos, nome)
        until = SEM_FIM_S if pedido.ms is None else time.time() + pedido.ms / 1000
        return _done(instance, lambda: sessoes.lock(instance, until))

    @router.delete("/restricao", summary="O número volta a poder começar conversas")
    async def libera(nome: str) -> dict[str, Any]:
        instance = _evolution(mundos, nome)
        return _done(instance, lambda: sessoes.lock(instance, None))

    @router.delete("", summary="A instância some, por obra de outra pessoa")
    async def some(nome: str) -> dict[str, str]:
        mundos.world.remove(_evolution(mundos, nome).name)
        return {"removida": nome}

    return router


def _gateway(mundos: Mundos) -> APIRouter:
    router = APIRouter()

    def shown() -> dict[str, Any]:
        return asdict(mundos.world.ritmo) | {"zumbis": [one.name for one in mundos.world.zumbis.values()]}

    @router.get("/evolution", summary="O ritmo da Evolution e as instâncias apagadas que ainda tentam conectar")
    async def ver() -> dict[str, Any]:
        return shown()

    @router.put("/evolution", summary="Muda o ritmo da Evolution")
    async def ritmo(pedido: RitmoDaEvolution) -> dict[str, Any]:
        wanted = {name: value for name, value in pedido.model_dump().items() if value is not None}
        mundos.world.ritmo = Ritmo(**(asdict(mundos.world.ritmo) | wanted))
        return shown()

    @router.post("/evolution/reinicio", summary="A Evolution reinicia: acabam as tentativas das instâncias apagadas")
    async def reinicio() -> dict[str, list[str]]:
        return {"zumbis_encerrados": mundos.world.exorcise()}

    return router

"""The control endpoints under `/_sandbox`: what happens, what fails, what was accepted."""

import asyncio
import time
import uuid
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from lib.sandbox.courier import Courier
from lib.sandbox.evolution_instances import Pairing, make_webhook, new_instance
from lib.sandbox.evolution_wire import Desk, upsert_payload
from lib.sandbox.faults import Falha, Milliseconds, Share
from lib.sandbox.jid import create_jid
from lib.sandbox.messages_api import Modelo, Oracle
from lib.sandbox.world import ChatMessage, Instance

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
Copies = Annotated[int, Field(ge=1, le=100)]


class Pedido(BaseModel):
    """A control request: unknown fields are refused, so that a misspelt fault is not silently no fault."""

    model_config = ConfigDict(extra="forbid")


class MensagemDeMedico(Pedido):
    """A doctor writes one message."""

    instance: str
    telefone: str
    texto: str
    nome: str = "Dra. Fictícia"
    duplicatas: Copies = 1
    id: str | None = None
    momento_s: int | None = Field(None, description="instante da mensagem em segundos Unix; padrão agora")
    minha: bool = Field(default=False, description="digitada no aparelho do chip (fromMe), não pelo médico")


class RajadaDeMedico(Pedido):
    """A doctor writes several messages in a row."""

    instance: str
    telefone: str
    textos: list[str] = Field(min_length=1, max_length=100)
    intervalo_ms: Milliseconds = 300
    nome: str = "Dra. Fictícia"


class EventoBruto(Pedido):
    """Any event, as it stands."""

    instance: str
    evento: str
    dados: Any = None
    copias: Copies = 1


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


class EstadoDeInstancia(Pedido):
    """An instance as it shall be; made if it is not there."""

    estado: Literal["open", "connecting", "close"] = "open"
    motivo: int | None = None
    numero: str | None = None
    webhook_url: str | None = None
    webhook_headers: dict[str, str] = Field(default_factory=dict)
    eventos: list[str] = Field(default_factory=list)


class Inexistentes(Pedido):
    """Phones without WhatsApp."""

    telefones: list[str]


class Historico(Pedido):
    """How far findMessages lags behind."""

    atraso_ms: Milliseconds


def only_loopback(request: Request) -> None:
    """Refuse callers from other machines with 403: these endpoints have no key."""
    if request.client is None or request.client.host not in _LOOPBACK:
        raise HTTPException(403, "só desta máquina")


def control_router(desk: Desk, oracle: Oracle) -> APIRouter:
    """All control endpoints."""
    router = APIRouter(prefix="/_sandbox", tags=["sandbox"], dependencies=[Depends(only_loopback)])
    router.include_router(_doctors(desk))
    router.include_router(_logs(desk, oracle))
    router.include_router(_switches(desk, oracle))
    return router


def _instance(desk: Desk, name: str) -> Instance:
    instance = desk.world.instances.get(name)
    if instance is None:
        raise HTTPException(404, f"instância {name} não existe no sandbox")
    return instance


def _write(desk: Desk, message: MensagemDeMedico) -> str:
    """Put a doctor's message into the chat and tell the webhook; returns its id."""
    instance = _instance(desk, message.instance)
    message_id = message.id or f"3A{uuid.uuid4().hex[:18].upper()}"
    at_s = time.time() if message.momento_s is None else float(message.momento_s)
    name = "Você" if message.minha else message.nome
    said = ChatMessage(
        message_id, instance.name, create_jid(message.telefone), message.minha, message.texto, name, at_s
    )
    desk.world.receive(said)
    desk.courier().emit(instance, "messages.upsert", upsert_payload(said, instance.id), copies=message.duplicatas)
    return message_id


def _doctors(desk: Desk) -> APIRouter:
    router = APIRouter()

    @router.post("/medicos/mensagem", status_code=202, summary="O médico escreve uma mensagem")
    async def mensagem(pedido: MensagemDeMedico) -> dict[str, str]:
        return {"id": _write(desk, pedido)}

    @router.post("/medicos/rajada", status_code=202, summary="O médico escreve várias mensagens seguidas")
    async def rajada(pedido: RajadaDeMedico) -> dict[str, list[str]]:
        ids: list[str] = []
        for texto in pedido.textos:
            if ids:
                await asyncio.sleep(pedido.intervalo_ms / 1000)
            ids.append(
                _write(
                    desk,
                    MensagemDeMedico(instance=pedido.instance, telefone=pedido.telefone, texto=texto, nome=pedido.nome),
                )
            )
        return {"ids": ids}

    @router.post("/eventos", status_code=202, summary="Dispara um evento qualquer")
    async def evento(pedido: EventoBruto) -> dict[str, int]:
        desk.courier().emit(_instance(desk, pedido.instance), pedido.evento, pedido.dados, copies=pedido.copias)
        return {"copias": pedido.copias}

    @router.put("/instancias/{nome}", summary="Cria a instância ou muda seu estado")
    async def instancia(nome: str, pedido: EstadoDeInstancia) -> dict[str, str]:
        instance = desk.world.instances.get(nome) or new_instance(nome, {"number": pedido.numero})
        instance.number = pedido.numero or instance.number
        if pedido.webhook_url:
            wanted = {
                "enabled": True,
                "url": pedido.webhook_url,
                "headers": pedido.webhook_headers,
                "events": pedido.eventos,
            }
            instance.webhook = make_webhook(wanted, instance.webhook)
        reason = pedido.motivo or (401 if pedido.estado == "close" else 200)
        Pairing(desk).move(instance, pedido.estado, reason)
        return {"instance": nome, "id": instance.id, "token": instance.token, "estado": instance.state}

    return router


def _logs(desk: Desk, oracle: Oracle) -> APIRouter:
    router = APIRouter()

    @router.get("/aceitas", summary="Mensagens aceitas para envio, em ordem")
    async def aceitas(depois_de: int = 0, telefone: str | None = None) -> dict[str, Any]:
        chosen = desk.world.last_of(telefone) if telefone else desk.world.aceitas
        rows = [asdict(aceita) for aceita in chosen if aceita.seq > depois_de]
        return {"total": len(rows), "aceitas": rows}

    @router.get("/llm", summary="Chamadas ao modelo: quantas, tokens, tipo")
    async def llm(*, corpos: bool = False) -> dict[str, Any]:
        log: dict[str, Any] = {
            "chamadas": oracle.count,
            "input_tokens": oracle.input_tokens,
            "output_tokens": oracle.output_tokens,
            "modelo": oracle.modelo,
            "registro": list(oracle.calls),
        }
        return log | {"corpos": list(oracle.bodies)} if corpos else log

    @router.get("/webhooks", summary="Entregas de webhooks: pendentes, entregues, desistências, tentativas")
    async def webhooks() -> dict[str, Any]:
        courier = desk.courier()
        return {
            "pendentes": courier.pending,
            "entregues": courier.delivered,
            "desistencias": courier.given_up,
            "tentativas": [asdict(attempt) for attempt in courier.attempts],
        }

    @router.get("/pronto", summary="Responde 200 quando o sandbox atende")
    async def pronto() -> dict[str, bool]:
        return {"pronto": True}

    @router.delete("/tudo", summary="Esquece tudo")
    async def tudo() -> dict[str, bool]:
        desk.world.clear()
        desk.courier().forget()
        desk.courier().policy = desk.fresh_policy()
        oracle.clear()
        return {"limpo": True}

    return router


def _switches(desk: Desk, oracle: Oracle) -> APIRouter:
    router = APIRouter()
    faults = desk.world.faults

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

    @router.put("/modelo", summary="Escolhe o modelo que responde")
    async def modelo(pedido: EscolhaDeModelo) -> EscolhaDeModelo:
        oracle.modelo, oracle.variante = pedido.modelo, pedido.variante
        return pedido

    @router.put("/webhooks", summary="Muda como os webhooks viajam")
    async def entrega(pedido: EntregaDeWebhooks) -> dict[str, Any]:
        courier = desk.courier()
        _apply(courier, pedido)
        return asdict(courier.policy)

    @router.put("/inexistentes", summary="Telefones sem WhatsApp")
    async def inexistentes(pedido: Inexistentes) -> list[str]:
        desk.world.inexistentes.clear()
        desk.world.inexistentes.update(map(create_jid, pedido.telefones))
        return sorted(desk.world.inexistentes)

    @router.put("/historico", summary="Atraso do histórico (findMessages)")
    async def historico(pedido: Historico) -> Historico:
        desk.world.history_lag_s = pedido.atraso_ms / 1000
        return pedido

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

"""Controls of WhatsApp: doctors write, numbers connect and fall, users hide their phones."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import Field

from lib.sandbox.conversar import Estado, Fala, find_number, put_number, say
from lib.sandbox.faults import Milliseconds
from lib.sandbox.jid import create_jid
from lib.sandbox.meta import put_template
from lib.sandbox.meta_messages import user_prefers
from lib.sandbox.meta_numeros import number_rating, rate
from lib.sandbox.meta_world import Template
from lib.sandbox.mundos import Mundos
from lib.sandbox.porta import Pedido
from lib.sandbox.world import Instance

Copies = Annotated[int, Field(ge=1, le=100)]


class MensagemDeMedico(Pedido):
    """A doctor writes one message."""

    instance: str
    telefone: str = Field(min_length=1)
    texto: str
    nome: str = "Dra. Fictícia"
    duplicatas: Copies = 1
    id: str | None = None
    momento_s: int | None = Field(None, description="instante da mensagem em segundos Unix; padrão agora")
    minha: bool = Field(default=False, description="digitada no aparelho do chip (fromMe), não pelo médico")
    oculto: bool | None = Field(None, description="só Meta: passa a esconder (ou mostrar) o telefone")


class RajadaDeMedico(Pedido):
    """A doctor writes several messages in a row."""

    instance: str
    telefone: str = Field(min_length=1)
    textos: list[str] = Field(min_length=1, max_length=100)
    intervalo_ms: Milliseconds = 300
    nome: str = "Dra. Fictícia"


class EventoBruto(Pedido):
    """Any event of an Evolution instance, as it stands."""

    instance: str
    evento: str
    dados: Any = None
    copias: Copies = 1


class EstadoDeInstancia(Pedido):
    """An instance as it shall be; made if it is not there."""

    estado: Literal["open", "connecting", "close"] = "open"
    motivo: int | None = None
    numero: str | None = None
    webhook_url: str | None = None
    webhook_headers: dict[str, str] = Field(default_factory=dict)
    eventos: list[str] = Field(default_factory=list)
    provedor: Literal["evolution", "zapi", "meta"] | None = Field(
        None, description="gateway do número; padrão o que já tem, e evolution para um novo"
    )
    token: str | None = Field(None, description="token da instância na Z-API")


class Inexistentes(Pedido):
    """Phones without WhatsApp."""

    telefones: list[str]


class Historico(Pedido):
    """How far findMessages lags behind."""

    atraso_ms: Milliseconds


class UsuarioMeta(Pedido):
    """Whether a user has a username, which hides the phone from us."""

    oculto: bool


class Preferencia(Pedido):
    """A user stops or resumes marketing messages by WhatsApp's own menu."""

    instance: str
    telefone: str
    parar: bool


class ModeloDeMensagem(Pedido):
    """A template of Meta's, as its review leaves it."""

    nome: str
    idioma: str = "pt_BR"
    corpo: str
    categoria: Literal["UTILITY", "MARKETING", "AUTHENTICATION"] = "UTILITY"
    status: str = "APPROVED"


class AvaliacaoDaMeta(Pedido):
    """A number as Meta rates it from now on; what is left out stays. `status` CONNECTED undoes a decision of Meta's."""

    qualidade: Literal["GREEN", "YELLOW", "RED", "NA"] | None = None
    status: Literal["CONNECTED", "FLAGGED", "RESTRICTED", "BANNED", "PENDING", "RATE_LIMITED"] | None = None
    limite: Literal["TIER_250", "TIER_1K", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED"] | None = None
    conta: str | None = Field(None, description="a conta (WABA) a que o número pertence; o limite é dela")


def doctor_router(mundos: Mundos) -> APIRouter:
    """Chats, numbers, and Meta's users."""
    router = APIRouter()
    router.include_router(_chats(mundos))
    router.include_router(_numbers(mundos))
    router.include_router(_meta(mundos))
    return router


def _instance(mundos: Mundos, name: str) -> Instance:
    instance = find_number(mundos, name)
    if instance is None:
        raise HTTPException(404, f"instância {name} não existe no sandbox")
    return instance


def _chats(mundos: Mundos) -> APIRouter:
    router = APIRouter()

    @router.post("/medicos/mensagem", status_code=202, summary="O médico escreve uma mensagem")
    async def mensagem(pedido: MensagemDeMedico) -> dict[str, str]:
        fala = Fala(
            telefone=pedido.telefone,
            texto=pedido.texto,
            nome=pedido.nome,
            minha=pedido.minha,
            id=pedido.id,
            em_s=None if pedido.momento_s is None else float(pedido.momento_s),
            copias=pedido.duplicatas,
            oculto=pedido.oculto,
        )
        return {"id": say(mundos, _instance(mundos, pedido.instance), fala)}

    @router.post("/medicos/rajada", status_code=202, summary="O médico escreve várias mensagens seguidas")
    async def rajada(pedido: RajadaDeMedico) -> dict[str, list[str]]:
        ids: list[str] = []
        for texto in pedido.textos:
            if ids:
                await asyncio.sleep(pedido.intervalo_ms / 1000)
            instance = _instance(mundos, pedido.instance)
            ids.append(say(mundos, instance, Fala(pedido.telefone, texto, pedido.nome)))
        return {"ids": ids}

    @router.post("/eventos", status_code=202, summary="Dispara um evento qualquer da Evolution")
    async def evento(pedido: EventoBruto) -> dict[str, int]:
        courier = mundos.desk.courier()
        courier.emit(_instance(mundos, pedido.instance), pedido.evento, pedido.dados, copies=pedido.copias)
        return {"copias": pedido.copias}

    return router


def _numbers(mundos: Mundos) -> APIRouter:
    router = APIRouter()

    @router.put("/instancias/{nome}", summary="Cria a instância ou muda seu estado")
    async def instancia(nome: str, pedido: EstadoDeInstancia) -> dict[str, str]:
        webhook: dict[str, object] | None = None
        if pedido.webhook_url:
            webhook = {"enabled": True, "url": pedido.webhook_url, "headers": pedido.webhook_headers}
            webhook["events"] = pedido.eventos
        wanted = Estado(pedido.estado, pedido.motivo, pedido.numero, webhook, pedido.token)
        try:
            instance = put_number(mundos, nome, pedido.provedor, wanted)
        except ValueError as error:
            raise HTTPException(409, str(error)) from error
        state = {"estado": instance.state, "provedor": instance.provedor}
        return {"instance": nome, "id": instance.id, "token": instance.token, **state}

    @router.put("/inexistentes", summary="Telefones sem WhatsApp")
    async def inexistentes(pedido: Inexistentes) -> list[str]:
        mundos.world.inexistentes.clear()
        mundos.world.inexistentes.update(map(create_jid, pedido.telefones))
        return sorted(mundos.world.inexistentes)

    @router.put("/historico", summary="Atraso do histórico (findMessages)")
    async def historico(pedido: Historico) -> Historico:
        mundos.world.history_lag_s = pedido.atraso_ms / 1000
        return pedido

    return router


def _meta(mundos: Mundos) -> APIRouter:
    router = APIRouter(prefix="/meta")

    @router.put("/usuarios/{telefone}", summary="O usuário esconde (ou mostra) o telefone; responde seu id na Meta")
    async def usuario(telefone: str, pedido: UsuarioMeta) -> dict[str, str]:
        mundos.meta.hide(telefone, oculto=pedido.oculto)
        return {"user_id": mundos.meta.user_id(create_jid(telefone))}

    @router.put("/numeros/{nome}", summary="A Meta muda qualidade, status ou limite de um número")
    async def numero(nome: str, pedido: AvaliacaoDaMeta) -> dict[str, str]:
        instance = mundos.meta.instance(nome)
        if instance is None:
            raise HTTPException(404, f"número {nome} não existe na Meta do sandbox")
        rate(mundos.desk, mundos.meta, instance, pedido.model_dump(exclude_none=True))
        return number_rating(instance)

    @router.post("/preferencia", status_code=202, summary="O usuário para ou retoma mensagens de marketing")
    async def preferencia(pedido: Preferencia) -> dict[str, bool]:
        instance = _instance(mundos, pedido.instance)
        user_prefers(mundos.desk, mundos.meta, instance, pedido.telefone, parar=pedido.parar)
        return {"parar": pedido.parar}

    @router.put("/modelos", summary="Cria um modelo de mensagem ou muda seu estado")
    async def modelo(pedido: ModeloDeMensagem) -> dict[str, str]:
        template = Template(pedido.nome, pedido.idioma, pedido.corpo, pedido.categoria, pedido.status)
        put_template(mundos.desk, mundos.meta, template)
        return {"id": template.id}

    return router

"""Controls of what agents do in Chatwoot, and what it shows them."""

from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import Field

from lib.sandbox.chatwoot_world import ENTRA, GESTORA_ID, SAI, ConversaCw, MensagemCw
from lib.sandbox.mundos import Mundos
from lib.sandbox.porta import Pedido


class MensagemDeAgente(Pedido):
    """An agent writes to the doctor, or a note that only colleagues see."""

    texto: str = Field(min_length=1)
    privada: bool = False
    autor_id: int = GESTORA_ID


class Etiqueta(Pedido):
    """Whether a label is on a conversation."""

    presente: bool


class Responsavel(Pedido):
    """Whose a conversation is; nobody's without a person."""

    pessoa_id: int | None = None


class Status(Pedido):
    """A conversation's status."""

    status: Literal["open", "resolved", "pending", "snoozed"]


class Telefone(Pedido):
    """A contact's phone, E.164 with a plus."""

    telefone: str | None = None


class HabitosDoChatwoot(Pedido):
    """Chatwoot's bad habits; what is left out stays as it is."""

    embaralhar_s: float | None = Field(None, ge=0, le=60)
    duplicar: bool | None = None
    trava_unica: bool | None = None
    limite_filtro: bool | None = None


def chatwoot_router(mundos: Mundos) -> APIRouter:
    """Conversations, and the acts of agents on them."""
    router = APIRouter()
    router.include_router(_shows(mundos))
    router.include_router(_acts(mundos))
    return router


def _shows(mundos: Mundos) -> APIRouter:
    router = APIRouter(prefix="/chatwoot")

    @router.get("/conversas", summary="Conversas do Chatwoot, a mexida por último primeiro")
    async def conversas() -> dict[str, Any]:
        mundo = mundos.chatwoot
        newest = sorted(mundo.conversas.values(), key=lambda conversa: -conversa.mudou_s)
        people = [{"id": one.id, "nome": one.nome, "papel": one.papel} for one in mundo.pessoas.values()]
        labels = list(dict.fromkeys((*mundo.labels, *(label for one in newest for label in one.labels))))
        return {"conversas": [_conversation(mundos, one) for one in newest], "pessoas": people, "etiquetas": labels}

    @router.get("/conversas/{conversa_id}", summary="Uma conversa do Chatwoot com suas mensagens")
    async def conversa(conversa_id: int) -> dict[str, Any]:
        found = _known(mundos, conversa_id)
        said = [_said(mundos, message) for message in mundos.chatwoot.da_conversa(conversa_id)]
        return _conversation(mundos, found) | {"mensagens": said}

    return router


def _known(mundos: Mundos, conversa_id: int) -> ConversaCw:
    found = mundos.chatwoot.conversas.get(conversa_id)
    if found is None:
        raise HTTPException(404, f"conversa {conversa_id} não existe no Chatwoot")
    return found


def _conversation(mundos: Mundos, conversa: ConversaCw) -> dict[str, Any]:
    mundo = mundos.chatwoot
    contato, responsavel = mundo.contatos[conversa.contato_id], mundo.pessoas.get(conversa.responsavel_id or 0)
    said = [message for message in mundo.da_conversa(conversa.id) if message.tipo in {ENTRA, SAI}]
    return {
        "id": conversa.id,
        "contato": {
            "id": contato.id,
            "nome": contato.nome,
            "telefone": contato.telefone,
            "identificador": contato.identificador,
        },
        "status": conversa.status,
        "etiquetas": list(conversa.labels),
        "responsavel": {"id": responsavel.id, "nome": responsavel.nome} if responsavel else None,
        "ultima": said[-1].texto if said else None,
        "mudou_s": conversa.mudou_s,
    }


def _said(mundos: Mundos, message: MensagemCw) -> dict[str, Any]:
    kinds = ("incoming", "outgoing", "activity", "template")
    pessoa = mundos.chatwoot.pessoas.get(message.autor_id or 0)
    return {
        "id": message.id,
        "texto": message.texto,
        "tipo": kinds[message.tipo],
        "privada": message.privada,
        "autor": {"id": pessoa.id, "nome": pessoa.nome} if pessoa else None,
        "source_id": message.source_id,
        "em_s": message.criada_s,
    }


def _acts(mundos: Mundos) -> APIRouter:
    router = APIRouter(prefix="/chatwoot")
    central = mundos.central

    @router.post("/conversas/{conversa_id}/mensagens", status_code=202, summary="Um agente escreve, ao médico ou nota")
    async def mensagem(conversa_id: int, pedido: MensagemDeAgente) -> dict[str, int]:
        _known(mundos, conversa_id)
        said = central.escrever(conversa_id, pedido.texto, privada=pedido.privada, autor_id=pedido.autor_id)
        return {"id": said.id}

    @router.put("/conversas/{conversa_id}/etiquetas/{nome}", summary="Um agente põe ou tira uma etiqueta")
    async def etiqueta(conversa_id: int, nome: str, pedido: Etiqueta) -> dict[str, Any]:
        conversa = _known(mundos, conversa_id)
        central.etiquetar(conversa_id, nome, presente=pedido.presente)
        return {"etiquetas": conversa.labels}

    @router.put("/conversas/{conversa_id}/responsavel", summary="Um agente atribui a conversa, ou a ninguém")
    async def responsavel(conversa_id: int, pedido: Responsavel) -> dict[str, int | None]:
        conversa = _known(mundos, conversa_id)
        central.atribuir(conversa_id, pedido.pessoa_id)
        return {"pessoa_id": conversa.responsavel_id}

    @router.put("/conversas/{conversa_id}/status", summary="Um agente resolve ou reabre a conversa")
    async def status(conversa_id: int, pedido: Status) -> dict[str, str]:
        conversa = _known(mundos, conversa_id)
        central.mudar_status(conversa_id, pedido.status)
        return {"status": conversa.status}

    @router.put("/contatos/{contato_id}/telefone", summary="Um agente escreve o telefone do contato")
    async def telefone(contato_id: int, pedido: Telefone) -> Telefone:
        if contato_id not in mundos.chatwoot.contatos:
            raise HTTPException(404, f"contato {contato_id} não existe no Chatwoot")
        central.definir_telefone(contato_id, pedido.telefone)
        return pedido

    @router.get("/habitos", summary="Os maus hábitos ligados")
    async def ligados() -> dict[str, float | bool]:
        return {name: getattr(mundos.chatwoot, name) for name in HabitosDoChatwoot.model_fields}

    @router.put("/habitos", summary="Maus hábitos: eventos fora de ordem, repetidos, caixa de uma só conversa, limite")
    async def habitos(pedido: HabitosDoChatwoot) -> dict[str, float | bool]:
        mundo = mundos.chatwoot
        for name, value in pedido.model_dump(exclude_none=True).items():
            setattr(mundo, name, value)
        return await ligados()

    return router

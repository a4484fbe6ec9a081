"""What the sandbox wrote down: accepted messages, calls to the model, deliveries of webhooks, chats."""

import time
from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter

from lib.sandbox.control_instancias import restricted_until
from lib.sandbox.jid import create_jid, phone_of
from lib.sandbox.meta_numeros import number_rating
from lib.sandbox.mundos import Mundos
from lib.sandbox.world import ChatMessage, Instance

MOSTRADAS: Final = 500
_RECIBOS: Final = ("enviada", "entregue", "lida")


def log_router(mundos: Mundos) -> APIRouter:
    """All that only reads."""
    router = APIRouter()

    @router.get("/aceitas", summary="Mensagens aceitas para envio, em ordem")
    async def aceitas(depois_de: int = 0, telefone: str | None = None) -> dict[str, Any]:
        chosen = mundos.world.last_of(telefone) if telefone else mundos.world.aceitas
        rows = [asdict(aceita) for aceita in chosen if aceita.seq > depois_de]
        return {"total": len(rows), "aceitas": rows}

    @router.get("/recusadas", summary="Mensagens que a Evolution aceitou e o WhatsApp recusou")
    async def recusadas() -> dict[str, Any]:
        rows = [asdict(one.mensagem) | {"codigo": one.codigo} for one in mundos.world.recusadas.values()]
        return {"total": len(rows), "recusadas": rows}

    @router.get("/llm", summary="Chamadas ao modelo: quantas, tokens, tipo")
    async def llm(*, corpos: bool = False) -> dict[str, Any]:
        oracle = mundos.oracle
        log: dict[str, Any] = {
            "chamadas": oracle.count,
            "input_tokens": oracle.input_tokens,
            "output_tokens": oracle.output_tokens,
            "modelo": oracle.modelo,
            "variante": oracle.variante,
            "registro": list(oracle.calls),
        }
        return log | {"corpos": list(oracle.bodies)} if corpos else log

    @router.get("/webhooks", summary="Entregas de webhooks: pendentes, entregues, desistências, tentativas")
    async def webhooks(ultimas: int | None = None) -> dict[str, Any]:
        courier = mundos.desk.courier()
        attempts = list(courier.attempts)
        return {
            "pendentes": courier.pending,
            "entregues": courier.delivered,
            "desistencias": courier.given_up,
            "politica": asdict(courier.policy),
            "tentativas": [asdict(attempt) for attempt in (attempts[-ultimas:] if ultimas else attempts)],
        }

    @router.get("/instancias", summary="Nossos números, em todos os gateways")
    async def instancias() -> list[dict[str, Any]]:
        return [_number(mundos, instance) for instance in mundos.numeros()]

    @router.get("/conversas", summary="Conversas de um número, a mais nova primeiro")
    async def conversas(instance: str) -> list[dict[str, Any]]:
        rows = [
            _chat(mundos, jid, chat) for (name, jid), chat in mundos.world.chats.items() if name == instance and chat
        ]
        return sorted(rows, key=lambda row: -float(row["em_s"]))

    @router.get("/conversas/{instance}/{telefone}", summary="As mensagens de uma conversa, como o WhatsApp as mostra")
    async def conversa(instance: str, telefone: str) -> dict[str, Any]:
        jid = create_jid(telefone)
        chat = mundos.world.chats.get((instance, jid), [])[-MOSTRADAS:]
        messages = [_message(mundos, message) for message in sorted(chat, key=lambda message: message.at_s)]
        return {"instance": instance, "telefone": phone_of(jid), "nome": _name(chat), "mensagens": messages}

    return router


def _number(mundos: Mundos, instance: Instance) -> dict[str, Any]:
    owner = phone_of(instance.owner_jid) if instance.owner_jid else None
    chats = sum(1 for (name, _), chat in mundos.world.chats.items() if name == instance.name and chat)
    return {
        "nome": instance.name,
        "provedor": instance.provedor,
        "numero": instance.number or owner,
        "estado": instance.state,
        "webhook": instance.webhook.url if instance.webhook else None,
        "conversas": chats,
        "banida": instance.banned,
        "restrita_ate_s": restricted_until(instance),
        "qr": instance.qr_count,
        "meta": number_rating(instance) if instance.provedor == "meta" else None,
        "na_fila": len(mundos.zapi.filas.get(instance.name, ())),
    }


def _chat(mundos: Mundos, jid: str, chat: list[ChatMessage]) -> dict[str, Any]:
    newest = max(chat, key=lambda message: message.at_s)
    return {
        "telefone": phone_of(jid),
        "nome": _name(chat),
        "ultima": newest.texto,
        "minha": newest.from_me,
        "em_s": newest.at_s,
        "mensagens": len(chat),
        "oculto": jid in mundos.meta.ocultos,
    }


def _name(chat: list[ChatMessage]) -> str | None:
    """What the doctor is called, by the newest message of his."""
    return next((message.push_name for message in reversed(chat) if not message.from_me), None)


def _message(mundos: Mundos, message: ChatMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "minha": message.from_me,
        "texto": message.texto,
        "em_s": message.at_s,
        "recibo": _receipt(mundos, message) if message.from_me else None,
    }


def _receipt(mundos: Mundos, message: ChatMessage) -> str:
    """How far the message is, by the same delays as its receipts; they end at the first while these are off."""
    if message.id in mundos.world.recusadas:
        return "recusada"
    policy = mundos.desk.courier().policy
    if not policy.receipts:
        return _RECIBOS[0]
    passed_ms = (time.time() - message.at_s) * 1000
    reached = [word for word, delay_ms in zip(_RECIBOS, policy.receipts_ms, strict=True) if passed_ms >= delay_ms]
    return reached[-1] if reached else "a caminho"

"""What Evolution reports of an instance itself, and what it reports that we only keep."""

from __future__ import annotations

from typing import Any

from lib.domain.chip_ciclo import perda_da_queda
from lib.domain.evento import Conexao, Evento, Outro
from lib.providers.evolution_json import whole, words

MOTIVOS_DE_QUEDA = {
    401: "sessão encerrada ou número banido",
    402: "número restrito",
    403: "número bloqueado",
    406: "número banido",
    428: "conexão fechada",
    440: "sessão aberta em outro lugar",
}
# Authentic, understood, and nothing that we act on.
SEM_TRATAMENTO = {
    "application.startup": "o gateway iniciou",
    "call": "ligação recebida: ninguém atende por voz",
    "chats.delete": "conversa apagada no celular",
    "chats.set": "lista de conversas",
    "chats.update": "conversa atualizada",
    "chats.upsert": "conversa nova no celular",
    "contacts.set": "lista de contatos",
    "contacts.update": "contato atualizado",
    "contacts.upsert": "contato novo",
    "error": "erro do gateway",
    "group-participants.update": "participantes de grupo",
    "group.participants.update": "participantes de grupo",
    "group.update": "grupo atualizado",
    "groups.update": "grupo atualizado",
    "groups.upsert": "grupo novo",
    "instance.create": "instância criada",
    "instance.delete": "instância apagada",
    "labels.association": "etiqueta associada",
    "labels.edit": "etiqueta alterada",
    "messages.set": "histórico sincronizado: nada dele é respondido",
    "presence.update": "presença",
    "remove.instance": "instância removida",
    "send.message.update": "envio atualizado",
    "typebot.change.status": "typebot",
    "typebot.start": "typebot",
}


def read_instance(event: str, data: dict[str, Any]) -> Evento:
    """Say what an event that carries no message is to us."""
    match event:
        case "connection.update":
            return _connection(data)
        case "status.instance" if data.get("status") == "closed":
            return _lost(data.get("disconnectionReasonCode"))
        case "logout.instance":
            return Conexao(conectado=False, motivo="sessão encerrada")
        case "qrcode.updated" if "qrcode" in data:
            return Outro("QR code à espera de leitura")
        case "qrcode.updated":
            return Outro(f"QR code: limite atingido ({words(data.get('message'), 80) or 'sem explicação'})")
        case _:
            return Outro(SEM_TRATAMENTO.get(event) or f"evento sem tratamento: {event[:60] or 'sem nome'}")


def _connection(data: dict[str, Any]) -> Evento:
    match data.get("state"):
        case "open":
            return Conexao(conectado=True)
        case "close":
            return _lost(data.get("statusReason"))
        case "refused":
            return Conexao(conectado=False, motivo=fall("conexão recusada", whole(data.get("statusReason"))))
        case "connecting":
            return Outro("conectando")
        case _:
            return Outro("connection.update sem a forma esperada", morta=True)


def _lost(code: Any) -> Conexao:
    """Read a close, which Evolution tells only of a session that ended for good."""
    number = whole(code)
    return Conexao(conectado=False, motivo=fall("desconectado", number), codigo=number, perda=perda_da_queda(number))


def fall(what: str, number: int | None) -> str:
    """Say in Portuguese why a session ended."""
    known = MOTIVOS_DE_QUEDA.get(number) if number is not None else None
    return f"{what}: {known or 'sem causa conhecida'} ({number if number is not None else 'sem código'})"

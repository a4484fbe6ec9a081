"""The words of the database as people read them in a terminal; `--json` and the API keep the stored ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_PALAVRAS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # outcomes
        "silencio": "silêncio",
        "entregue_a_pessoa": "entregue a uma pessoa",
        "optout": "pediu para não receber mensagens",
        "ilegivel": "ilegível",
        "sem_resposta": "sem resposta",
        "na_fila": "na fila, à espera de um turno",
        "em_turno": "sendo respondida agora",
        "eco": "eco: o que nós mesmos enviamos",
        # a conversation
        "active": "ativa",
        "paused": "pausada",
        "escalated": "nas mãos da equipe",
        "completed": "encerrada",
        "abandoned": "abandonada",
        "none": "nenhuma",
        "initial": "inicial",
        "cooling_off": "em pausa",
        "opted_out": "não quer mensagens",
        # a message to send
        "pending": "na fila",
        "sending": "saindo",
        "sent": "enviada",
        "unknown": "incerta: não se sabe se saiu",
        "parked": "guardada",
        "dead": "morta",
        "cancelled": "cancelada",
        # receipts
        "PENDING": "na fila do WhatsApp",
        "SERVER_ACK": "no servidor",
        "DELIVERY_ACK": "entregue",
        "READ": "lida",
        "PLAYED": "ouvida",
        "ERROR": "falhou",
        # kinds of message and of notice
        "audio": "áudio",
        "video": "vídeo",
        "localizacao": "localização",
        "reacao": "reação",
        "edicao": "edição",
        "ligacao": "ligação",
        "transferencia": "transferência",
        # what is remembered
        "preferencia": "preferência",
        "restricao": "restrição",
        "info_pessoal": "informação pessoal",
        "historico": "histórico",
        "media": "média",
        # what was counted
        "round_trips": "idas ao banco",
        "statements": "comandos SQL",
        "commits": "commits",
        "redis_commands": "comandos Redis",
        "http_requests": "pedidos HTTP",
        "tcp_connections": "conexões novas",
        "llm_calls": "chamadas ao modelo",
        "tokens_in": "tokens de entrada",
        "tokens_out": "tokens de saída",
    }
)


def em_palavras(guardada: str) -> str:
    """Return a stored word as people read it; one that is not listed reads well as it is."""
    return _PALAVRAS.get(guardada, guardada.replace("_", " "))

"""What a conversation is for at the moment, and when that may change (domain facts 1.13)."""

from enum import StrEnum


class Modo(StrEnum):
    """Conversation modes."""

    DISCOVERY = "discovery"
    OFERTA = "oferta"
    FOLLOWUP = "followup"
    REATIVACAO = "reativacao"

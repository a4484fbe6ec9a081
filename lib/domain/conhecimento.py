"""Pieces of knowledge for Júlia's answers, and which of the found ones fit a situation (decision D29)."""

from enum import StrEnum


class TipoConhecimento(StrEnum):
    """What a piece helps with."""

    OBJECAO = "objecao"
    PERFIL = "perfil"
    OBJETIVO = "objetivo"
    GERAL = "geral"

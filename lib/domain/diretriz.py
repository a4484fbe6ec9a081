"""What a manager directs: kinds, scopes, and which of them hold for one conversation (domain facts 8.3)."""

from enum import StrEnum


class TipoDiretriz(StrEnum):
    """What a directive is about; `midia` decides what becomes of audio and images."""

    FOCO_SEMANA = "foco_semana"
    TOM_SEMANA = "tom_semana"
    EVITAR = "evitar"
    INSTRUCAO_GERAL = "instrucao_geral"
    OBSERVACOES = "observacoes"
    MARGEM_NEGOCIACAO = "margem_negociacao"
    MIDIA = "midia"


class EscopoDiretriz(StrEnum):
    """Whom or what it holds for; the narrower wins: shift, doctor, hospital, specialty, all."""

    VAGA = "vaga"
    MEDICO = "medico"
    HOSPITAL = "hospital"
    ESPECIALIDADE = "especialidade"
    GERAL = "geral"

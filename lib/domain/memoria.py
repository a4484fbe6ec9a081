"""What is remembered of a doctor: typed facts with their source; a newer one replaces what it contradicts."""

from enum import StrEnum


class TipoMemoria(StrEnum):
    """Kinds of facts (domain facts 8.4)."""

    PREFERENCIA = "preferencia"
    RESTRICAO = "restricao"
    INFO_PESSOAL = "info_pessoal"
    HISTORICO = "historico"
    COMPORTAMENTO = "comportamento"


class Confianca(StrEnum):
    """How sure the fact is."""

    ALTA = "alta"
    MEDIA = "media"
    BAIXA = "baixa"


class Assunto(StrEnum):
    """What a fact is about; a doctor has one fact per subject in force, `outro` excepted."""

    TURNO = "turno"
    REGIAO = "regiao"
    VALOR_MINIMO = "valor_minimo"
    HOSPITAL = "hospital"
    ESPECIALIDADE = "especialidade"
    DISPONIBILIDADE = "disponibilidade"
    CONTATO = "contato"
    OUTRO = "outro"

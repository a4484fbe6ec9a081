"""What is remembered of a doctor: typed facts with their source; a newer one replaces what it contradicts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

OUTROS_MAX = 10  # facts of the subject `outro` in force for one doctor; the oldest gives way
NO_CONTEXTO = 10
TEXTO_MAX = 300


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


@dataclass(frozen=True, slots=True)
class Lembranca:
    """A fact in force about a doctor: data, never an instruction; `em` is when it was learned."""

    tipo: TipoMemoria
    assunto: Assunto
    texto: str
    confianca: Confianca
    em: datetime


def normalizar(texto: str) -> str:
    """Return the fact as stored: one line, without control characters, cut at `TEXTO_MAX` characters.

    Two facts that differ only in letter case and spacing are the same fact.
    """
    printable = "".join(c if c.isprintable() else " " for c in texto)
    return " ".join(printable.split())[:TEXTO_MAX].rstrip()

"""What a judged conversation must look like (domain facts 4.5, decision D18)."""

from collections.abc import Iterable
from dataclasses import dataclass

from lib.domain.texto import palavras

NOTA_MINIMA = 1
NOTA_MAXIMA = 10
SATISFATORIA = 7


@dataclass(frozen=True, slots=True)
class Avaliacao:
    """Marks of a conversation, whole numbers from 1 to 10, with quotes from it as evidence.

    Raises:
        ValueError: a mark outside 1 to 10 or not a whole number.
    """

    naturalidade: int
    persona: int
    objetivo: int
    satisfacao: int
    geral: int
    positivos: tuple[str, ...] = ()
    negativos: tuple[str, ...] = ()
    sugestoes: tuple[str, ...] = ()
    evidencia: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for nome in ("naturalidade", "persona", "objetivo", "satisfacao", "geral"):
            nota: object = getattr(self, nome)
            if type(nota) is not int or not NOTA_MINIMA <= nota <= NOTA_MAXIMA:
                raise ValueError(f"{nome} must be a whole number from {NOTA_MINIMA} to {NOTA_MAXIMA}, got {nota!r}")

    @property
    def satisfatoria(self) -> bool:
        """The overall mark reaches the product's target."""
        return self.geral >= SATISFATORIA


def evidencia_valida(avaliacao: Avaliacao, mensagens: Iterable[str]) -> bool:
    """Tell whether there is evidence and every quote stands, whole words in order, in one of the messages.

    Case, accents, punctuation and white space do not count: models retype them.
    """
    ditas = [f" {palavras(mensagem)} " for mensagem in mensagens]
    citadas = [palavras(citacao) for citacao in avaliacao.evidencia]
    return bool(citadas) and all(c and any(f" {c} " in dita for dita in ditas) for c in citadas)

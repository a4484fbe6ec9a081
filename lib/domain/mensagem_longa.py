"""How much of a long burst is read: whole, cut with a note, or not at all (domain facts 1.3)."""

from dataclasses import dataclass

INTEIRA_MAX = 4_000  # characters
CORTADA_MAX = 10_000
_FINS = (". ", "! ", "? ", ".\n", "!\n", "?\n", "\n")

PEDE_RESUMO = (
    "Sua mensagem ficou bem longa e não consigo ler tudo por aqui. Pode me mandar um resumo em poucas linhas, "
    "com o mais importante?"
)


@dataclass(frozen=True, slots=True)
class Lido:
    """What is read of a burst; `nota` tells the model of a cut, `pede_resumo` that nothing of it is read."""

    texto: str
    nota: str | None = None
    pede_resumo: bool = False


def ler_longa(texto: str) -> Lido:
    """Bound what a model reads: up to 4 000 characters whole, up to 10 000 cut at 4 000, above a summary is asked for.

    The cut is at the last sentence end of its second half, else at the last blank, else right there.
    """
    if len(texto) <= INTEIRA_MAX:
        return Lido(texto)
    if len(texto) > CORTADA_MAX:
        return Lido("", pede_resumo=True)
    inicio = texto[:INTEIRA_MAX]
    fim = max(inicio.rfind(marca) + 1 for marca in _FINS)
    if fim <= INTEIRA_MAX // 2:
        fim = max(inicio.rfind(" "), inicio.rfind("\n"))
    lido = inicio[:fim].rstrip() if fim > INTEIRA_MAX // 2 else inicio
    nota = (
        f"A mensagem tem {len(texto)} caracteres e você lê só os primeiros {len(lido)}. Se o que falta puder mudar a "
        "resposta, diga que leu o começo e peça o resto em poucas linhas."
    )
    return Lido(lido, nota)

"""A reply taken apart into sentences, and which of them state that a shift is there."""

import re

from lib.domain.texto import dobrar

MESES = (
    "janeiro", "fevereiro", "marco", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro",
    "dezembro",
)  # fmt: skip
SEMANA = ("segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo")
ASSUNTO = re.compile(r"\b(?:plant\w+|vagas?|turnos?|escalas?|oportunidades?)\b")
_OFERECE = re.compile(r"\b(?:temos|tenho|achei|encontrei|surgiu|abriu|apareceu|consegui|separei|localizei)\b")
_NAO_AFIRMA = re.compile(
    r"\b(?:nao|nenhuma?|sem|nem|prefer\w+|quer|quiser|queria|gostaria|disse|pediu|falou|mencionou|perguntou|anot\w+"
    r"|registr\w+|busc\w+|procur\w+|lembr\w+|avis\w+|se|quando|posso|podemos|vou|verific\w+|olhar|ver"
    r"|entendi)\b"
)
_FRASE = re.compile(r"[^.!?;\n]+(?:[.](?=\S)[^.!?;\n]*)*[.!?;\n]*")


def frases(texto: str) -> list[str]:
    """Split into sentences with their marks; amounts and hours stay whole."""
    return [frase for frase in (m[0].strip() for m in _FRASE.finditer(texto)) if frase]


def afirma(frase: str) -> bool:
    """Tell whether a sentence states that a shift is there, rather than asking, denying or repeating a wish."""
    dito = dobrar(frase)
    if frase.rstrip().endswith("?") or _NAO_AFIRMA.search(dito):
        return False
    return ASSUNTO.search(dito) is not None or _OFERECE.search(dito) is not None

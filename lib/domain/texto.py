"""Text folding that every rule on free text shares: doctors drop accents and type in capitals."""

import re
import unicodedata
from functools import lru_cache

_NAO_PALAVRA = re.compile(r"[^a-z0-9]+")


def nfc(texto: str) -> str:
    """Compose the text, so that positions in `dobrar(texto)` are positions in the result."""
    return unicodedata.normalize("NFC", texto)


def dobrar(texto: str) -> str:
    """Lower-case and strip accents, one character for one of `nfc(texto)`."""
    return texto.lower() if texto.isascii() else "".join(map(_dobrada, nfc(texto)))


@lru_cache(maxsize=4096)
def _dobrada(letra: str) -> str:
    return (unicodedata.normalize("NFD", letra)[0].lower() or letra)[0]


def palavras(texto: str) -> str:
    """Reduce to words of [a-z0-9] with one blank between them; punctuation and emoji vanish."""
    return _NAO_PALAVRA.sub(" ", dobrar(texto)).strip()

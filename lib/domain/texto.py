"""Text folding that every rule on free text shares: doctors drop accents and type in capitals."""

import re
import unicodedata

_NAO_PALAVRA = re.compile(r"[^a-z0-9]+")


def nfc(texto: str) -> str:
    """Compose the text, so that positions in `dobrar(texto)` are positions in the result."""
    return unicodedata.normalize("NFC", texto)


def dobrar(texto: str) -> str:
    """Lower-case and strip accents, one character for one of `nfc(texto)`."""
    return "".join((unicodedata.normalize("NFD", letra)[0].lower() or letra)[0] for letra in nfc(texto))


def palavras(texto: str) -> str:
    """Reduce to words of [a-z0-9] with one blank between them; punctuation and emoji vanish."""
    return _NAO_PALAVRA.sub(" ", dobrar(texto)).strip()

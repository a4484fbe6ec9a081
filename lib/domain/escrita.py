"""One spelling for what people type in a hurry, so that rules on words need not know every way of writing them."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from lib.domain.texto import palavras

_ESTICADA = re.compile(r"([a-z])\1{2,}")  # pareeee
_PALAVRAS: Mapping[str, str] = MappingProxyType(
    {
        escrita: palavra
        for palavra, escritas in (
            ("nao", "n nn naum naun nau"),
            ("de", "d"),
            ("me", "mi"),
            ("nada", "nd"),
            ("e", "eh ehh"),
            ("estou", "to tou"),
            ("esta", "ta"),
            ("quero", "qro qero kero"),
            (
                "mensagem",
                "msg msgs msgm msgms msgem msgens mensage mensagens mensagi mensagin mensagn mensagm mensagems",
            ),
            (
                "mensagem",
                "mensaje mensajem mensagen mesagem mesagens messagem messagens menssagem menssagens mensaguem",
            ),
            ("mensagem", "mensaginha mensaginhas mensagenzinha mensagensinhas"),
            ("voce", "vc voc vce oce ce c"),
            ("voces", "vcs ces vses"),
            ("por favor", "pfv pfvr pf plis please favor"),
            ("para", "pra"),
            ("para o", "pro"),
            ("alguem", "algm"),
        )
        for escrita in escritas.split()
    }
)
_JUNTAS = (
    (re.compile(r"\bpor (?:por favor|gentileza)\b"), "por favor"),
    (re.compile(r"\bnum(?= (?:me|quero|e|sou|manda|mande|envia|envie|liga|precisa)\b)"), "nao"),
    (re.compile(r"\b(?:novamente|de novo|outra vez|nunca mais)$"), "mais"),
)
_SOLTAS = re.compile(r"(?:[a-z] ){2,11}[a-z]")
_CURTA = 60  # characters of a word written letter by letter
_PARTE = re.compile(r"(?<=[.!?;])\s+|\n+")
_FRASE = re.compile(r"[.!;]+(?=\s|$)|\n+|(?<=\?)")


@dataclass(frozen=True, slots=True)
class Frase:
    """One sentence in one spelling; `pergunta` when it was written with a question mark."""

    dita: str
    pergunta: bool


def visivel(texto: str) -> str:
    """Bring styled letters to plain ones and drop the characters that nobody sees."""
    if texto.isascii():
        return texto
    return "".join(c for c in unicodedata.normalize("NFKC", texto) if unicodedata.category(c) != "Cf")


@lru_cache(maxsize=64)  # several rules read the same burst
def uma_escrita(texto: str) -> str:
    """Reduce to words of [a-z0-9] with one blank between them, abbreviations and stretched letters resolved."""
    dito = palavras(visivel(texto))
    if len(dito) <= _CURTA and _SOLTAS.fullmatch(dito):
        return dito.replace(" ", "")
    dito = _ESTICADA.sub(r"\1", dito)
    dito = " ".join(_PALAVRAS.get(palavra, palavra) for palavra in dito.split())
    for forma, escrita in _JUNTAS:
        dito = forma.sub(escrita, dito)
    return dito


def partes(texto: str) -> list[str]:
    """Return the sentences as written, marks included."""
    return [parte for parte in (parte.strip() for parte in _PARTE.split(texto)) if parte]


@lru_cache(maxsize=64)
def frases(texto: str) -> tuple[Frase, ...]:
    """Return the sentences with words in them; a word written with points between its letters is one sentence."""
    visto = visivel(texto)
    if len(visto) <= _CURTA and _SOLTAS.fullmatch(palavras(visto)):
        return (Frase(uma_escrita(visto), pergunta=False),)
    partes = (Frase(uma_escrita(parte), parte.rstrip().endswith("?")) for parte in _FRASE.split(visto))
    return tuple(parte for parte in partes if parte.dita)

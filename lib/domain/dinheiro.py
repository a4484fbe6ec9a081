"""Amounts of money in free text, as integer centavos (decision D21)."""

import re
from collections.abc import Iterable

_NUMERO = r"\d[\d.,]*(?:\s*mil\b)?"
# Without a currency sign only what looks like an amount counts: three digits at least, no year, no duration.
_SEM_SINAL = (
    r"(?!20[23]\d\b)(?:(?:\d{1,3}(?:\.\d{3})+|\d{3,})(?:,\d{1,2})?|\d{1,3}(?:,\d)?\s*mil\b)"
    r"(?!\d|\s*(?:h|hs|horas?|dias?|%)(?!\w)|/\d)"
)
_VALOR = re.compile(
    rf"(?:R\s?\$|\bBRL)\s*(?P<a>{_NUMERO})(?:\s*(?:a|e|ou|até|-|\u2013|/)\s*(?P<b>{_SEM_SINAL}))?"
    rf"|(?P<c>{_NUMERO})\s*(?:reais|real|conto|contos)\b"
    rf"|\b(?:valor|paga|pagam|pagando)(?:\s+(?:é|e|de|são|fica|em))?(?:\s*:)?\s+(?P<d>{_SEM_SINAL})",
    re.IGNORECASE,
)
# Amounts in words cannot be compared with a fact: any of them counts as an amount nobody gave.
_POR_EXTENSO = re.compile(
    r"(?:(?<!\w)|(?<=e ))(?:cem|cento|\w+centos|quinhentos|mil|dez|vinte|trinta|\w+enta)(?:\s+\w+){0,4}?\s+reais\b",
    re.IGNORECASE,
)
_CENTAVOS = re.compile(r"centavos['\"]?\s*[:=]\s*(\d+)", re.IGNORECASE)
ILEGIVEL = -1


def _centavos(escrito: str) -> int:
    """Read `1.800,00`, `1800`, `1.800`, `120,5` or `1,8 mil`; ILEGIVEL when it is none of these."""
    limpo = escrito.strip().lower()
    mil = limpo.endswith("mil")
    numero = limpo.removesuffix("mil").strip().rstrip(".,")
    lido = re.fullmatch(r"(\d{1,3}(?:\.\d{3})+|\d+)(?:[,.](\d{1,2}))?", numero)
    if lido is None:
        return ILEGIVEL
    inteiro, fracao = int(lido[1].replace(".", "")), int((lido[2] or "0").ljust(2, "0"))
    return (inteiro * 100 + fracao) * (1000 if mil else 1)


def valores_centavos(texto: str) -> frozenset[int]:
    """Every amount of money the text names, in centavos; one written in words or unreadable is ILEGIVEL."""
    numeros = {_centavos(parte) for achado in _VALOR.finditer(texto) for parte in achado.groups() if parte}
    sem_numeros = _VALOR.sub(" ", texto)
    return frozenset(numeros | {ILEGIVEL} if _POR_EXTENSO.search(sem_numeros) else numeros)


def valores_de_fatos(fatos: Iterable[str]) -> frozenset[int]:
    """Every amount the facts give, written as money or as an integer of centavos."""
    achados: set[int] = set()
    for fato in fatos:
        achados |= valores_centavos(fato) | {int(c) for c in _CENTAVOS.findall(fato)}
    return frozenset(achados - {ILEGIVEL})

"""Approved message templates: the only thing that Meta lets out more than 24 hours after a doctor last wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

SEM_COMO: Final = -1
"""The count of values of a template that asks for what we cannot give: named ones, or some outside its body."""
AUSENTE: Final = "AUSENTE"
"""The status of a template that its account lists no longer."""
_LACUNA = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")


class ParametrosError(ValueError):
    """The values do not fit the template's body."""


def lacunas(corpo: str) -> tuple[str, ...]:
    """Return what a body leaves open, each once: numbers in their order, or names in the order of their first use."""
    nomes = tuple(dict.fromkeys(_LACUNA.findall(corpo)))
    return tuple(sorted(nomes, key=int)) if all(nome.isdecimal() for nome in nomes) else nomes


def canonico(corpo: str) -> str:
    """Write what a body leaves open without spaces: {{1}}."""
    return _LACUNA.sub(lambda achada: "{{" + achada[1] + "}}", corpo)


def contar(corpo: str) -> int:
    """Return how many values a body asks for, by number from 1 without a gap; SEM_COMO when by name."""
    abertas = lacunas(corpo)
    em_ordem = abertas == tuple(str(n) for n in range(1, len(abertas) + 1))
    return len(abertas) if em_ordem else SEM_COMO


def valor(texto: str) -> str:
    """Write a value as Meta takes it: in one line, no run of spaces."""
    return " ".join(texto.split())


def preencher(corpo: str, parametros: Sequence[str]) -> str:
    """Return the body as the doctor will read it; a value is put in as it is, never filled in itself.

    Raises:
        ParametrosError: too few or too many values, or an empty one, which Meta refuses.
    """
    abertas = lacunas(corpo)
    valores = [valor(parametro) for parametro in parametros]
    if len(abertas) != len(valores):
        raise ParametrosError(f"o modelo pede {len(abertas)} valores e recebeu {len(valores)}")
    if not all(valores):
        raise ParametrosError("há valor vazio")
    por_nome = dict(zip(abertas, valores, strict=True))
    return _LACUNA.sub(lambda achada: por_nome[achada[1]], corpo)

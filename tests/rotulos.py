"""Labelled sentences of doctors, one file per question, a `[class]` line before each group."""

from __future__ import annotations

from pathlib import Path

PASTA = Path(__file__).parent / "fixtures" / "rotulos"


def frases(arquivo: str, classe: str) -> tuple[str, ...]:
    """Return the sentences of one class, as written, in order."""
    grupos: dict[str, list[str]] = {}
    atual: list[str] = []
    for linha in (PASTA / f"{arquivo}.txt").read_text(encoding="utf-8").splitlines():
        if linha.startswith("[") and linha.endswith("]"):
            atual = grupos.setdefault(linha[1:-1], [])
        elif linha.strip():
            atual.append(linha)
    return tuple(grupos[classe])

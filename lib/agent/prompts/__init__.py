"""The prompts: Markdown files, each known by the hash of its content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's text and the first 12 hex digits of its SHA-256, which is stored with what it produced."""

    texto: str
    hash: str


@cache
def load(name: str) -> Prompt:
    """Read `name`.md.

    Raises:
        FileNotFoundError: there is no such prompt.
    """
    texto = files(__name__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return Prompt(texto, hashlib.sha256(texto.encode()).hexdigest()[:12])

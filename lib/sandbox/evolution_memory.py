"""What Evolution's instances hold besides messages, until the program ends."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Arquivo:
    """A file of a message."""

    tipo: str
    mimetype: str
    nome: str
    base64: str


@dataclass(slots=True)
class Memory:
    """By the instance's id, which no other instance will ever have: its settings, its groups (address to code).

    `arquivos` are by message id, so that a doctor's file can be put there and be downloaded.
    """

    ajustes: dict[str, dict[str, Any]] = field(default_factory=dict)
    grupos: defaultdict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    arquivos: dict[str, Arquivo] = field(default_factory=dict)

"""How people name a message: `e12` came in, `s12` goes out, `c12` is the whole conversation; a bare number came in."""

import re
from dataclasses import dataclass
from enum import StrEnum

ID_MAX = 2**63 - 1
_ESCRITA = re.compile(r"\s*([esc]?)([0-9]{1,19})\s*", re.IGNORECASE)


class Lado(StrEnum):
    """What a reference names."""

    ENTRADA = "e"
    SAIDA = "s"
    CONVERSA = "c"


@dataclass(frozen=True, slots=True)
class Referencia:
    """A message or a conversation, by the id of its row."""

    lado: Lado
    id: int

    def __str__(self) -> str:
        return f"{self.lado}{self.id}"


def ler_referencia(texto: str) -> Referencia | None:
    """Read what somebody wrote; None when it names nothing."""
    escrita = _ESCRITA.fullmatch(texto)
    if escrita is None or not 1 <= int(escrita[2]) <= ID_MAX:
        return None
    return Referencia(Lado(escrita[1].lower() or Lado.ENTRADA), int(escrita[2]))

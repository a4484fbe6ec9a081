"""How large the fictional business is."""

from __future__ import annotations

from dataclasses import dataclass, fields

# Numbers are `55 11 900xx-xxxx` only (decision D31): chips below 900010000, doctors from there up.
PRIMEIRO_CHIP = 900_000_100
PRIMEIRO_MEDICO = 900_010_000
_ULTIMO = 900_999_999
MAX_CHIPS = PRIMEIRO_MEDICO - PRIMEIRO_CHIP
MAX_MEDICOS = _ULTIMO - PRIMEIRO_MEDICO + 1


@dataclass(frozen=True, slots=True)
class Plano:
    """Counts of what is made; `semente` and the hour decide everything else.

    Raises:
        ValueError: a count below 1 (conversations and shifts: below 0) or more than the fictional numbers allow.
    """

    medicos: int = 500
    chips: int = 20
    hospitais: int = 30
    vagas: int = 300
    conversas: int = 2_000
    semente: int = 59

    def __post_init__(self) -> None:
        limites = {"medicos": (1, MAX_MEDICOS), "chips": (1, MAX_CHIPS), "hospitais": (1, 10_000)}
        for campo in fields(self):
            minimo, maximo = limites.get(campo.name, (0, 100_000_000))
            valor = getattr(self, campo.name)
            if not minimo <= valor <= maximo:
                raise ValueError(f"{campo.name}: de {minimo} a {maximo}, veio {valor}")


def telefone(assinante: int) -> str:
    """E.164 of a nine-digit subscriber number in São Paulo's area code."""
    return f"+5511{assinante:09d}"

"""The life of a chip: which status may follow which, and by whose hand. The database holds the same table."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from lib.domain.chip import StatusChip


class Ator(StrEnum):
    """Who changes a status. As stored, a name may follow: `pessoa:rita`, `fluxo:cuidar-pool`, `gateway:evolution`."""

    PESSOA = "pessoa"
    FLUXO = "fluxo"
    GATEWAY = "gateway"


_S = StatusChip
_P, _F, _G = Ator.PESSOA, Ator.FLUXO, Ator.GATEWAY

RESTRICAO: Final = timedelta(hours=24)
"""How long a number writes to nobody first after WhatsApp said so without saying until when."""
PRIMEIRA_PARTE: Final = 25
"""Percent of its limits with which a number begins again after a restriction, whose flow raises it."""
BANS_QUE_PAUSAM: Final = 2
JANELA_DE_BANS: Final = timedelta(hours=1)
QUEDA_DE_BANIDO: Final = frozenset({401, 403, 406})
"""Codes with which WhatsApp ends a session for good; 401 is said of a number that a person logged out too."""
SESSAO_ENCERRADA: Final = 401
QUEDA_DE_RESTRITO: Final = frozenset({402})
FORA_DE_MAIS: Final = timedelta(minutes=15)
"""How long a number at work may be without a connection before people are told."""


class Perda(StrEnum):
    """What a gateway tells of a number beyond its connection.

    `sessao` ended for good: a ban when the number was at work, a person's doing when it was not.
    """

    SESSAO = "sessao"
    BANIDO = "banido"
    RESTRITO = "restrito"


def perda_da_queda(codigo: int | None) -> Perda | None:
    """Say what the code of a lost session means; most mean no more than that it is lost for now."""
    if codigo in QUEDA_DE_RESTRITO:
        return Perda.RESTRITO
    if codigo == SESSAO_ENCERRADA:
        return Perda.SESSAO
    return Perda.BANIDO if codigo in QUEDA_DE_BANIDO else None


TRANSICOES: Final[Mapping[tuple[StatusChip, StatusChip], frozenset[Ator]]] = MappingProxyType(
    {
        (_S.PROVISIONED, _S.WARMING): frozenset({_P, _F, _G}),
        (_S.PROVISIONED, _S.ACTIVE): frozenset({_P}),
        (_S.PROVISIONED, _S.BANNED): frozenset({_F, _G}),
        (_S.PROVISIONED, _S.CANCELLED): frozenset({_P, _F}),
        (_S.PENDING, _S.WARMING): frozenset({_P}),
        (_S.PENDING, _S.ACTIVE): frozenset({_P}),
        (_S.PENDING, _S.BANNED): frozenset({_F, _G}),
        (_S.PENDING, _S.CANCELLED): frozenset({_P}),
        (_S.WARMING, _S.READY): frozenset({_P, _F}),
        (_S.WARMING, _S.ACTIVE): frozenset({_P}),
        (_S.READY, _S.ACTIVE): frozenset({_P, _F}),
        (_S.ACTIVE, _S.READY): frozenset({_P}),
        (_S.ACTIVE, _S.DEGRADED): frozenset({_P, _F}),
        (_S.DEGRADED, _S.ACTIVE): frozenset({_P, _F}),
        **{(de, _S.RESTRICTED): frozenset({_F, _G}) for de in (_S.WARMING, _S.READY, _S.ACTIVE, _S.DEGRADED)},
        **{(_S.RESTRICTED, para): frozenset({_P, _F}) for para in (_S.WARMING, _S.READY, _S.ACTIVE, _S.DEGRADED)},
        **{
            (de, _S.PAUSED): frozenset({_P})
            for de in (_S.PROVISIONED, _S.WARMING, _S.READY, _S.ACTIVE, _S.DEGRADED, _S.RESTRICTED)
        },
        **{
            (_S.PAUSED, para): frozenset({_P})
            for para in (_S.PROVISIONED, _S.WARMING, _S.READY, _S.ACTIVE, _S.DEGRADED)
        },
        **{
            (de, _S.BANNED): frozenset({_P, _F, _G})
            for de in (_S.WARMING, _S.READY, _S.ACTIVE, _S.DEGRADED, _S.RESTRICTED)
        },
        **{
            (de, _S.CANCELLED): frozenset({_P})
            for de in (_S.WARMING, _S.READY, _S.ACTIVE, _S.DEGRADED, _S.RESTRICTED, _S.PAUSED, _S.BANNED)
        },
        # Only a person arms a lost number again; it is paired and warmed up anew.
        (_S.BANNED, _S.PROVISIONED): frozenset({_P}),
        (_S.CANCELLED, _S.PROVISIONED): frozenset({_P, _F}),
    }
)


def legal(de: StatusChip, para: StatusChip, ator: Ator) -> bool:
    """Tell whether this hand may move a chip so."""
    return ator in TRANSICOES.get((de, para), frozenset())


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield (from, to, by) of every legal change, as the database holds them."""
    for (de, para), atores in TRANSICOES.items():
        for ator in sorted(atores):
            yield de.value, para.value, ator.value

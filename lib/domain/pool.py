"""The pool of numbers: when one rests, comes back or is called up, and when people are told (facts 3.2, 3.6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from lib.domain.aquecimento import TRUST_PRONTO
from lib.domain.chip import TRUST_MINIMO, TipoEnvio
from lib.domain.transferencia import TipoAviso


@dataclass(frozen=True, slots=True)
class Limiares:
    """The thresholds of the pool's care.

    A chip in production rests below `trust_degrada` and comes back from `trust_recupera` on, so that one that wavers
    does not go to and fro. `producao_min` is the deficit's line, `producao_max` how many the flow itself puts into
    production. `saudaveis_min` is the percentage of the chips in production that must have a healthy trust. A dialogue
    lives while the doctor wrote within `dialogo_vivo`. A cause that vanished for less than `aviso_silencio` is the same
    cause.
    """

    producao_min: int = 5
    producao_max: int = 10
    prontos_min: int = 3
    trust_degrada: int = 60
    trust_recupera: int = 65
    trust_promove: int = TRUST_PRONTO
    trust_critico: int = 20
    saudaveis_min: int = 30
    fora: timedelta = timedelta(minutes=30)
    dialogo_vivo: timedelta = timedelta(days=7)
    aviso_silencio: timedelta = timedelta(hours=1)


POOL: Final = Limiares()
MINIMOS: Final[Mapping[TipoEnvio, int]] = MappingProxyType(
    {TipoEnvio.PROSPECCAO: 3, TipoEnvio.FOLLOWUP: 2, TipoEnvio.RESPOSTA: 2}
)
"""How many chips there must be that may send each kind, at the trust that the kind asks for (decision D9)."""
_VERBO: Final[Mapping[TipoEnvio, str]] = MappingProxyType(
    {TipoEnvio.PROSPECCAO: "prospectar", TipoEnvio.FOLLOWUP: "fazer follow-up", TipoEnvio.RESPOSTA: "responder"}
)


@dataclass(frozen=True, slots=True)
class Critico:
    """A chip whose trust is so low that it may not even answer; `desde` is when it went to rest."""

    chip_id: int
    nome: str
    trust: int
    desde: datetime


@dataclass(frozen=True, slots=True)
class Retrato:
    """The pool after its care.

    `producao` are the chips in production, those at rest included, `saudaveis` those of them with a healthy trust.
    `capazes` may send each kind. Of the `lugares` that production lacks, `retidos` stay empty because a number was
    banned in a campaign that is still going on.
    """

    ativos: int
    producao: int
    saudaveis: int
    prontos: int
    capazes: Mapping[TipoEnvio, int]
    lugares: int = 0
    retidos: int = 0
    criticos: Sequence[Critico] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Alerta:
    """What people are told. `causa` names it; one that is `unica` can never come again, as it names its occasion."""

    causa: str
    tipo: TipoAviso
    texto: str
    unica: bool = False


def lugares(ativos: int, prospectam: int, seguem: int, limiares: Limiares = POOL) -> int:
    """Return how many chips production lacks: for its own minimum or for that of a kind of message."""
    lacking = (
        limiares.producao_min - ativos,
        MINIMOS[TipoEnvio.PROSPECCAO] - prospectam,
        MINIMOS[TipoEnvio.FOLLOWUP] - seguem,
    )
    return max(0, min(limiares.producao_max - ativos, max(lacking)))


def alertas(retrato: Retrato, limiares: Limiares = POOL) -> tuple[Alerta, ...]:
    """Return what people must know of the pool as it stands; names chips, never their numbers."""
    return (*_falta_gente(retrato, limiares), *_falta_saude(retrato, limiares))


def _falta_gente(retrato: Retrato, limiares: Limiares) -> list[Alerta]:
    found = [
        Alerta(
            f"pool_minimo_{tipo.value}",
            TipoAviso.POOL,
            f"{_quantos(retrato.capazes[tipo])} {_VERBO[tipo]} (trust {TRUST_MINIMO[tipo]} ou mais);"
            f" o mínimo é {minimo}.",
        )
        for tipo, minimo in MINIMOS.items()
        if retrato.capazes[tipo] < minimo
    ]
    if retrato.prontos < limiares.prontos_min:
        texto = f"A reserva tem {retrato.prontos} de {limiares.prontos_min} chips prontos."
        found.append(Alerta("pool_reserva", TipoAviso.POOL, texto))
    livres = retrato.lugares - retrato.retidos
    if livres > 0:
        texto = f"Produção com {retrato.ativos} chips: faltam {livres} e não há chip pronto, conectado e com trust"
        found.append(Alerta("pool_deficit", TipoAviso.POOL, f"{texto} {limiares.trust_promove} ou mais para promover."))
    if retrato.retidos > 0:
        texto = (
            f"Produção com {retrato.ativos} chips: {retrato.retidos} em falta por número banido no meio de uma"
            " campanha. Ninguém entra no lugar sozinho; uma pessoa decide."
        )
        found.append(Alerta("pool_lugar_de_banido", TipoAviso.POOL, texto))
    return found


def _falta_saude(retrato: Retrato, limiares: Limiares) -> list[Alerta]:
    found = [
        Alerta(
            f"chip_critico:{chip.chip_id}:{int(chip.desde.timestamp())}",
            TipoAviso.CHIP,
            f"{chip.nome}: trust {chip.trust}, crítico; o chip nem responde até se recuperar.",
            unica=True,
        )
        for chip in retrato.criticos
    ]
    if retrato.producao and retrato.saudaveis * 100 < limiares.saudaveis_min * retrato.producao:
        texto = (
            f"Só {retrato.saudaveis} de {retrato.producao} chips em produção têm trust"
            f" {TRUST_MINIMO[TipoEnvio.PROSPECCAO]} ou mais; o mínimo é {limiares.saudaveis_min} %."
        )
        found.append(Alerta("pool_saudaveis", TipoAviso.POOL, texto))
    return found


def _quantos(n: int) -> str:
    return "Nenhum chip pode" if n == 0 else "Só 1 chip pode" if n == 1 else f"Só {n} chips podem"

"""Trust of a chip, and the limits that follow from it (decisions D11 and D24, domain facts 3.4).

A formula turns what a chip did into signed parts; their sum is the score, and level, permissions and limits follow from
that in one way for all formulas. A new one is one function and one line in `FORMULAS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final, Self

from lib.domain.chip import TRUST_MINIMO, TRUST_MINIMO_RESERVA, FaseWarmup, NivelTrust, TipoEnvio

AMOSTRA_MINIMA: Final = 20
JANELA_DIAS: Final = 30
JANELA_CURTA_DIAS: Final = 7

_BASE = 30.0
_NEUTRO_RESPOSTA = 10.0
_NEUTRO_ENTREGA = 7.5
_BONUS_FASE: Mapping[FaseWarmup, int] = MappingProxyType(
    dict(zip(FaseWarmup, (0, 5, 10, 20, 35, 45, 50), strict=True)),
)
# The least and the most that each part can be.
FAIXA: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "base": (_BASE, _BASE),
        "idade": (0, 15),
        "resposta": (0, 20),
        "entrega": (0, 15),
        "bloqueio": (-20, 0),
        "midia": (0, 10),
        "erros": (-10, 0),
        "bidirecional": (0, 15),
        "estabilidade": (0, 10),
        "fase": (0, 15),
    }
)
# Per hour and per day.
LIMITE_FASE: Mapping[FaseWarmup, tuple[int, int]] = MappingProxyType(
    dict(zip(FaseWarmup, ((0, 0), (2, 5), (5, 10), (10, 30), (15, 50), (20, 70), (30, 100)), strict=True)),
)
# Best first: level, lowest score, share of the phase limit in percent, least delay between sends in seconds.
_NIVEIS = (
    (NivelTrust.VERDE, 80, 100, 45),
    (NivelTrust.AMARELO, 60, 80, 60),
    (NivelTrust.LARANJA, 40, 50, 90),
    (NivelTrust.VERMELHO, 20, 20, 120),
    (NivelTrust.CRITICO, 0, 20, 180),
)
TETO_CRITICO: Final = (3, 10)
PARTE_NIVEL: Final[Mapping[NivelTrust, int]] = MappingProxyType({nome: parte for nome, _, parte, _ in _NIVEIS})
"""Percent of the phase limit that each level leaves."""


@dataclass(frozen=True, slots=True)
class Taxas:
    """Shares of the proactive sends of one window; `bloqueio` may pass 1: refused sends are not among the sends."""

    resposta: float
    entrega: float
    bloqueio: float


@dataclass(frozen=True, slots=True)
class EntradasTrust:
    """What one chip did, counted from the message tables.

    Counts of the last 30 days, and with `_7d` those of the last 7, each over the same sends so that rates need one
    denominator: `envios` proactive sends the gateway accepted; `entregues` of these delivered or read; `respondidas` of
    these answered by the doctor within 7 days; `optouts` of doctors within 7 days of one of these; `bloqueios` the
    gateway's block errors on proactive sends; `tipos_midia` distinct kinds of message sent (text is one). `erros_24h`
    send errors of the last 24 hours, `dias_sem_erro` whole days without one since it connected (30 at most: nothing
    older is looked at), `conversas_bidirecionais` conversations with messages both ways, `idade_dias` whole days since
    the chip first connected. Counts of 7 days are 0 in what was stored before they were counted.
    """

    idade_dias: int
    fase: FaseWarmup
    envios: int = 0
    entregues: int = 0
    respondidas: int = 0
    optouts: int = 0
    bloqueios: int = 0
    tipos_midia: int = 0
    erros_24h: int = 0
    dias_sem_erro: int = 0
    conversas_bidirecionais: int = 0
    envios_7d: int = 0
    entregues_7d: int = 0
    respondidas_7d: int = 0
    optouts_7d: int = 0
    bloqueios_7d: int = 0

    def __post_init__(self) -> None:
        for campo in fields(self):
            valor = getattr(self, campo.name)
            if isinstance(valor, int) and valor < 0:
                raise ValueError(f"{campo.name} must not be negative, got {valor}")

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Return what was stored as JSON.

        Raises:
            TypeError: a field is not known, or age or phase is missing.
            ValueError: the phase is none of ours.
        """
        return cls(**{**stored, "fase": FaseWarmup(stored["fase"])})

    @property
    def taxas(self) -> Taxas | None:
        """Rates of 30 days; None below the minimum sample."""
        return _taxas(self.envios, self.entregues, self.respondidas, self.optouts + self.bloqueios)

    @property
    def taxas_7d(self) -> Taxas | None:
        """Rates of 7 days; None below the minimum sample."""
        return _taxas(self.envios_7d, self.entregues_7d, self.respondidas_7d, self.optouts_7d + self.bloqueios_7d)


@dataclass(frozen=True, slots=True)
class Trust:
    """Score 0 to 100 with its signed parts, and what the chip may do because of it."""

    score: int
    nivel: NivelTrust
    partes: Mapping[str, float]
    pode_prospectar: bool
    pode_followup: bool
    pode_responder: bool
    limite_hora: int
    limite_dia: int
    delay_minimo_s: int
    formula: str


Formula = Callable[[EntradasTrust], Mapping[str, float]]


def nivel(score: int) -> NivelTrust:
    """Level of a score."""
    return next((nome for nome, minimo, _, _ in _NIVEIS if score >= minimo), NivelTrust.CRITICO)


def limites(nivel_: NivelTrust, fase: FaseWarmup) -> tuple[int, int]:
    """Sends per hour and per day: a share of the phase limit, rounded down, never more than a better level gets."""
    hora, dia = LIMITE_FASE[fase]
    parte = PARTE_NIVEL[nivel_]
    hora, dia = hora * parte // 100, dia * parte // 100
    if nivel_ is NivelTrust.CRITICO:
        return min(hora, TETO_CRITICO[0]), min(dia, TETO_CRITICO[1])
    return hora, dia


def partes_v1(entradas: EntradasTrust) -> Mapping[str, float]:
    """Rates of 30 days; below the minimum sample they are neutral, neither perfect nor bad (decision D24)."""
    return _partes(entradas, entradas.taxas)


def partes_v2(entradas: EntradasTrust) -> Mapping[str, float]:
    """As v1, with the worse of the rates of 7 and 30 days where the sample of 7 is reached: it reacts sooner."""
    longa, curta = entradas.taxas, entradas.taxas_7d
    if longa is None or curta is None:
        return _partes(entradas, longa or curta)
    return _partes(
        entradas,
        Taxas(
            resposta=min(longa.resposta, curta.resposta),
            entrega=min(longa.entrega, curta.entrega),
            bloqueio=max(longa.bloqueio, curta.bloqueio),
        ),
    )


FORMULA: Final = "v1"
"""The formula in force."""
FORMULAS: Final[Mapping[str, Formula]] = MappingProxyType(
    {
        "v1": partes_v1,
        "v2": partes_v2,
    }
)


def calcular(entradas: EntradasTrust, formula: str = FORMULA) -> Trust:
    """Score a chip.

    Raises:
        KeyError: there is no such formula.
    """
    return avaliar(FORMULAS[formula](entradas), entradas.fase, formula)


def avaliar(partes: Mapping[str, float], fase: FaseWarmup, formula: str) -> Trust:
    """Return what follows from the parts: the score, and by it level, permissions and limits."""
    score = min(100, max(0, int(round(sum(partes.values()), 2))))
    nivel_ = nivel(score)
    hora, dia = limites(nivel_, fase)
    return Trust(
        score=score,
        nivel=nivel_,
        partes=partes,
        pode_prospectar=score >= TRUST_MINIMO[TipoEnvio.PROSPECCAO],
        pode_followup=score >= TRUST_MINIMO_RESERVA[TipoEnvio.FOLLOWUP],
        pode_responder=True,
        limite_hora=hora,
        limite_dia=dia,
        delay_minimo_s=next(espera for nome, _, _, espera in _NIVEIS if nome is nivel_),
        formula=formula,
    )


def _taxas(envios: int, entregues: int, respondidas: int, perdas: int) -> Taxas | None:
    if envios < AMOSTRA_MINIMA:
        return None
    return Taxas(resposta=respondidas / envios, entrega=entregues / envios, bloqueio=perdas / envios)


def _partes(entradas: EntradasTrust, taxas: Taxas | None) -> Mapping[str, float]:
    partes = {
        "base": _BASE,
        "idade": min(entradas.idade_dias / 30, 1) * 15,
        "resposta": min(taxas.resposta / 0.5, 1) * 20 if taxas else _NEUTRO_RESPOSTA,
        "entrega": min(taxas.entrega / 0.95, 1) * 15 if taxas else _NEUTRO_ENTREGA,
        "bloqueio": -min(taxas.bloqueio * 10, 1) * 20 if taxas else 0.0,
        "midia": min(entradas.tipos_midia / 4, 1) * 10,
        "erros": -min(entradas.erros_24h / 5, 1) * 10,
        "bidirecional": min(entradas.conversas_bidirecionais / 20, 1) * 15,
        "estabilidade": min(entradas.dias_sem_erro / 7, 1) * 10,
        "fase": _BONUS_FASE[entradas.fase] / 50 * 15,
    }
    # + 0.0 turns the minus zero of an absent penalty into zero: partes are stored and shown.
    return {nome: round(valor, 4) + 0.0 for nome, valor in partes.items()}

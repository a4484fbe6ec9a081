"""Trust of a chip, and the limits that follow from it (decisions D11 and D24, domain facts 3.4)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from lib.domain.chip import TRUST_MINIMO, TRUST_MINIMO_RESERVA, FaseWarmup, NivelTrust, TipoEnvio

FORMULA = "v1"
AMOSTRA_MINIMA = 20
JANELA_DIAS = 30

_BASE = 30.0
_NEUTRO_RESPOSTA = 10.0
_NEUTRO_ENTREGA = 7.5
_BONUS_FASE: Mapping[FaseWarmup, int] = MappingProxyType(
    dict(zip(FaseWarmup, (0, 5, 10, 20, 35, 45, 50), strict=True)),
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
_TETO_CRITICO = (3, 10)


@dataclass(frozen=True, slots=True)
class EntradasTrust:
    """What one chip did, counted from the message tables.

    Counts of the last 30 days, all over the same sends so that rates need one denominator: `envios` proactive sends the
    gateway accepted; `entregues` of these delivered or read; `respondidas` of these answered by the doctor within
    7 days; `optouts` of doctors within 7 days of one of these; `bloqueios` the gateway's block errors on proactive
    sends; `tipos_midia` distinct kinds of message sent (text is one). `erros_24h` send errors of the last 24 hours,
    `dias_sem_erro` whole days since the last error (since connection if none), `conversas_bidirecionais` conversations
    with messages both ways, `idade_dias` whole days since the chip first connected.
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

    def __post_init__(self) -> None:
        for campo in fields(self):
            valor = getattr(self, campo.name)
            if isinstance(valor, int) and valor < 0:
                raise ValueError(f"{campo.name} must not be negative, got {valor}")


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


def nivel(score: int) -> NivelTrust:
    """Level of a score."""
    return next((nome for nome, minimo, _, _ in _NIVEIS if score >= minimo), NivelTrust.CRITICO)


def limites(nivel_: NivelTrust, fase: FaseWarmup) -> tuple[int, int]:
    """Sends per hour and per day: a share of the phase limit, rounded down, never more than a better level gets."""
    hora, dia = LIMITE_FASE[fase]
    _, _, parte, _ = next(linha for linha in _NIVEIS if linha[0] is nivel_)
    hora, dia = hora * parte // 100, dia * parte // 100
    if nivel_ is NivelTrust.CRITICO:
        return min(hora, _TETO_CRITICO[0]), min(dia, _TETO_CRITICO[1])
    return hora, dia


def _partes(entradas: EntradasTrust) -> dict[str, float]:
    envios = entradas.envios
    amostra = envios >= AMOSTRA_MINIMA
    bloqueio = (entradas.optouts + entradas.bloqueios) / envios if amostra else 0.0
    partes = {
        "base": _BASE,
        "idade": min(entradas.idade_dias / 30, 1) * 15,
        "resposta": min(entradas.respondidas / envios / 0.5, 1) * 20 if amostra else _NEUTRO_RESPOSTA,
        "entrega": min(entradas.entregues / envios / 0.95, 1) * 15 if amostra else _NEUTRO_ENTREGA,
        "bloqueio": -min(bloqueio * 10, 1) * 20,
        "midia": min(entradas.tipos_midia / 4, 1) * 10,
        "erros": -min(entradas.erros_24h / 5, 1) * 10,
        "bidirecional": min(entradas.conversas_bidirecionais / 20, 1) * 15,
        "estabilidade": min(entradas.dias_sem_erro / 7, 1) * 10,
        "fase": _BONUS_FASE[entradas.fase] / 50 * 15,
    }
    # + 0.0 turns the minus zero of an absent penalty into zero: partes are stored and shown.
    return {nome: round(valor, 4) + 0.0 for nome, valor in partes.items()}


def calcular(entradas: EntradasTrust) -> Trust:
    """Score a chip by formula v1: below 20 sends the rates are neutral, neither perfect nor bad (decision D24)."""
    partes = _partes(entradas)
    score = min(100, max(0, int(round(sum(partes.values()), 2))))
    nivel_ = nivel(score)
    hora, dia = limites(nivel_, entradas.fase)
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
        formula=FORMULA,
    )

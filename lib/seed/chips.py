"""The fleet: numbers in every phase and status, and which of them carried a conversation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from lib.domain.chip import FaseWarmup, NivelTrust, StatusChip, TipoChip
from lib.domain.chip_ciclo import PRIMEIRA_PARTE, RESTRICAO
from lib.domain.trust import EntradasTrust, Trust, calcular
from lib.seed.plano import PRIMEIRO_CHIP, Plano, telefone

_S, _F = StatusChip, FaseWarmup


@dataclass(frozen=True, slots=True)
class Perfil:
    """One kind of number. `idade_dias` None: never connected; `parou_dias` ago it stopped carrying messages.

    `entrega` is the share of its sends that arrive, `peso` how many conversations it gets, `erros` the share of recent
    sends that first failed.
    """

    status: StatusChip
    fase: FaseWarmup
    idade_dias: int | None
    conectado: bool = True
    tipo: TipoChip = TipoChip.JULIA
    peso: int = 0
    entrega: float = 0.97
    erros: float = 0.0
    parou_dias: int = 0

    @property
    def atende(self) -> bool:
        """It may hold an open conversation."""
        return self.status is _S.ACTIVE and self.conectado and self.tipo is TipoChip.JULIA


PERFIS = (
    Perfil(_S.ACTIVE, _F.OPERACAO, 720, peso=10),
    Perfil(_S.ACTIVE, _F.OPERACAO, 640, peso=10),
    Perfil(_S.ACTIVE, _F.OPERACAO, 410, peso=9),
    Perfil(_S.ACTIVE, _F.OPERACAO, 300, peso=8),
    Perfil(_S.ACTIVE, _F.OPERACAO, 210, peso=8),
    Perfil(_S.ACTIVE, _F.OPERACAO, 160, peso=7, entrega=0.9),
    Perfil(_S.ACTIVE, _F.OPERACAO, 120, peso=6, entrega=0.85, erros=0.1),
    Perfil(_S.ACTIVE, _F.OPERACAO, 75, peso=6, entrega=0.75, erros=0.25),
    Perfil(_S.READY, _F.TESTE_GRADUACAO, 34, peso=3),
    Perfil(_S.WARMING, _F.PRE_OPERACAO, 26, peso=2),
    Perfil(_S.RESTRICTED, _F.EXPANSAO, 15, peso=1),
    Perfil(_S.WARMING, _F.PRIMEIROS_CONTATOS, 7, peso=1),
    Perfil(_S.PENDING, _F.SETUP, 2),
    Perfil(_S.PROVISIONED, _F.REPOUSO, None, conectado=False),
    Perfil(_S.DEGRADED, _F.OPERACAO, 240, peso=12, entrega=0.5, erros=0.6),
    Perfil(_S.PAUSED, _F.OPERACAO, 190, conectado=False, peso=3, parou_dias=4),
    Perfil(_S.BANNED, _F.OPERACAO, 260, conectado=False, peso=3, entrega=0.4, parou_dias=12),
    Perfil(_S.CANCELLED, _F.REPOUSO, 380, conectado=False, peso=2, parou_dias=60),
    Perfil(_S.ACTIVE, _F.OPERACAO, 130, tipo=TipoChip.LISTENER),
    Perfil(_S.WARMING, _F.SETUP, 3, tipo=TipoChip.LISTENER),
)


class LinhaChip(NamedTuple):
    """One row of `chip`."""

    id: int
    telefone: str
    instancia: str
    tipo: TipoChip
    status: StatusChip
    status_desde: datetime
    status_anterior: StatusChip | None
    reply_only_until: datetime | None
    rampup_parte: int
    fase: FaseWarmup
    fase_desde: datetime
    aquecimento_desde: datetime | None
    conectado: bool
    conexao_em: datetime | None
    trust_score: int
    trust_nivel: NivelTrust
    trust_partes: Jsonb
    trust_formula: str
    trust_em: datetime
    pode_prospectar: bool
    pode_followup: bool
    pode_responder: bool
    limite_hora: int
    limite_dia: int
    delay_minimo_s: int
    criado_em: datetime


class LinhaTrust(NamedTuple):
    """One row of `chip_trust_historico`."""

    id: int
    chip_id: int
    em: datetime
    formula: str
    score: int
    nivel: NivelTrust
    partes: Jsonb
    entradas: Jsonb


@dataclass(frozen=True, slots=True)
class Numero:
    """A chip as the history sees it: between `desde` and `ate` it could carry messages."""

    id: int
    perfil: Perfil
    linha: LinhaChip
    trust: LinhaTrust
    desde: datetime
    ate: datetime


def _entradas(perfil: Perfil) -> EntradasTrust:
    """What is known of a chip before its messages are counted: age, phase and calm."""
    idade = perfil.idade_dias or 0
    return EntradasTrust(idade_dias=idade, fase=perfil.fase, dias_sem_erro=idade)


def _linha(numero: int, instancia: str, perfil: Perfil, trust: Trust, agora: datetime) -> LinhaChip:
    conectou = None if perfil.idade_dias is None else agora - timedelta(days=perfil.idade_dias, hours=1)
    restrito = perfil.status is _S.RESTRICTED
    nesta_fase = conectou if perfil.idade_dias and perfil.fase is _F.SETUP else None
    return LinhaChip(
        id=numero,
        telefone=telefone(PRIMEIRO_CHIP + numero - 1),
        instancia=instancia,
        tipo=perfil.tipo,
        status=perfil.status,
        status_desde=conectou or agora - timedelta(days=1),
        status_anterior=_S.WARMING if restrito else None,
        reply_only_until=agora + RESTRICAO / 2 if restrito else None,
        rampup_parte=PRIMEIRA_PARTE if restrito else 100,
        fase=perfil.fase,
        fase_desde=nesta_fase or agora - timedelta(days=min(perfil.idade_dias or 1, 3 + numero)),
        aquecimento_desde=conectou,
        conectado=perfil.conectado,
        conexao_em=agora - timedelta(days=perfil.parou_dias, hours=2) if perfil.parou_dias else conectou,
        trust_score=trust.score,
        trust_nivel=trust.nivel,
        trust_partes=Jsonb(dict(trust.partes)),
        trust_formula=trust.formula,
        trust_em=agora - timedelta(days=1),
        pode_prospectar=trust.pode_prospectar,
        pode_followup=trust.pode_followup,
        pode_responder=trust.pode_responder,
        limite_hora=trust.limite_hora,
        limite_dia=trust.limite_dia,
        delay_minimo_s=trust.delay_minimo_s,
        criado_em=(conectou or agora - timedelta(days=1)) - timedelta(days=1 + numero % 3),
    )


def frota(plano: Plano, agora: datetime) -> tuple[Numero, ...]:
    """Every chip, the listed kinds in turn. Trust is what the formula gives without traffic: its first run has work."""
    numeros: list[Numero] = []
    contagem = dict.fromkeys(TipoChip, 0)
    for numero in range(1, plano.chips + 1):
        perfil = PERFIS[(numero - 1) % len(PERFIS)]
        contagem[perfil.tipo] += 1
        nome = "julia" if perfil.tipo is TipoChip.JULIA else "escuta"
        entradas = _entradas(perfil)
        trust = calcular(entradas)
        linha = _linha(numero, f"{nome}-{contagem[perfil.tipo]:02d}", perfil, trust, agora)
        guardadas: dict[str, Any] = asdict(entradas)
        historico = LinhaTrust(
            numero,
            numero,
            linha.trust_em,
            trust.formula,
            trust.score,
            trust.nivel,
            linha.trust_partes,
            Jsonb(guardadas),
        )
        ate = agora - timedelta(days=perfil.parou_dias)
        numeros.append(Numero(numero, perfil, linha, historico, linha.aquecimento_desde or agora, ate))
    return tuple(numeros)


class Escolha:
    """Draws the chip of a conversation, by weight, among those that lived through it."""

    def __init__(self, numeros: Sequence[Numero]) -> None:
        self._abertas = [n for n in numeros if n.perfil.atende]
        self._todas = [n for n in numeros if n.perfil.peso]
        self._pesos_abertas = [n.perfil.peso for n in self._abertas]
        self._pesos_todas = [n.perfil.peso for n in self._todas]
        self._antigo = max(numeros, key=lambda n: n.perfil.idade_dias or 0)

    def para(self, rng: Random, inicio: datetime, fim: datetime, *, aberta: bool) -> Numero:
        """Return a chip; the oldest one when the drawn ones were too young or already gone."""
        numeros, pesos = (self._abertas, self._pesos_abertas) if aberta else (self._todas, self._pesos_todas)
        for numero in rng.choices(numeros, weights=pesos, k=4):
            if numero.desde <= inicio and fim <= numero.ate:
                return numero
        return self._antigo


def linhas(numeros: Sequence[Numero]) -> tuple[Iterator[LinhaChip], Iterator[LinhaTrust]]:
    """The rows of both tables."""
    return (n.linha for n in numeros), (n.trust for n in numeros)

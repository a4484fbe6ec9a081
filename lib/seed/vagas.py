"""Shifts of the next thirty days, and some that are over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import NamedTuple

from lib.domain.horario import fuso
from lib.models.vaga import Criticidade, StatusVaga, ValorTipo
from lib.seed import nomes
from lib.seed.pessoas import LinhaHospital
from lib.seed.plano import Plano

_DIAS = 30
_PASSADOS = 15
_PARTE_PASSADA = 0.12
# Local start, hours, base pay in centavos: day, night, a whole day.
_TURNOS = ((time(7), 12, 140_000), (time(19), 12, 170_000), (time(7), 24, 300_000))
_PASSO_CENTAVOS = 5_000
_CRITICIDADES = (Criticidade.NORMAL, Criticidade.URGENTE, Criticidade.CRITICA)
_FUTUROS = (StatusVaga.ABERTA, StatusVaga.RESERVADA, StatusVaga.CONFIRMADA, StatusVaga.FECHADA, StatusVaga.CANCELADA)
_ENCERRADOS = (StatusVaga.REALIZADA, StatusVaga.PENDENTE_CONFIRMACAO, StatusVaga.CANCELADA)


class LinhaVaga(NamedTuple):
    """One row of `vaga`; amounts in centavos."""

    id: int
    hospital_id: int
    especialidade_id: int
    setor: str | None
    inicio: datetime
    fim: datetime
    valor_tipo: ValorTipo
    valor_centavos: int | None
    valor_min_centavos: int | None
    valor_max_centavos: int | None
    status: StatusVaga
    criticidade: Criticidade
    criada_em: datetime


def _valor(rng: Random, base: int) -> tuple[ValorTipo, int | None, int | None, int | None]:
    certo = base + rng.randrange(-4, 13) * _PASSO_CENTAVOS
    match rng.choices(list(ValorTipo), weights=(70, 20, 10))[0]:
        case ValorTipo.FIXO:
            return ValorTipo.FIXO, certo, None, None
        case ValorTipo.FAIXA:
            return ValorTipo.FAIXA, None, certo, certo + rng.randrange(1, 7) * _PASSO_CENTAVOS
        case ValorTipo.A_COMBINAR:
            return ValorTipo.A_COMBINAR, None, None, None


def _instantes(rng: Random, agora: datetime, uf: str, *, passada: bool, turno: tuple[time, int, int]) -> datetime:
    """Start of a shift in the hospital's own zone, in UTC: over before `agora`, or yet to begin."""
    comeca, horas, _ = turno
    zona = fuso(uf)
    dias = -rng.randrange(1, _PASSADOS) if passada else rng.randrange(_DIAS)
    dia = agora.astimezone(zona).date() + timedelta(days=dias)
    inicio = datetime.combine(dia, comeca, tzinfo=zona).astimezone(UTC)
    if passada and inicio + timedelta(hours=horas) > agora:
        return inicio - timedelta(days=2)
    return inicio if passada or inicio > agora else inicio + timedelta(days=1)


def vagas(plano: Plano, hospitais: tuple[LinhaHospital, ...], agora: datetime) -> Iterator[LinhaVaga]:
    """Every shift; specialties and hospitals in turn, so that each has some open ones."""
    rng = Random(f"{plano.semente}:vagas")
    especialidades = len(nomes.ESPECIALIDADES)
    for numero in range(1, plano.vagas + 1):
        hospital = hospitais[(numero * 7) % len(hospitais)]
        turno = rng.choice(_TURNOS)
        passada = rng.random() < _PARTE_PASSADA
        inicio = _instantes(rng, agora, hospital.uf, passada=passada, turno=turno)
        tipo, fixo, minimo, maximo = _valor(rng, turno[2])
        status = (
            rng.choices(_ENCERRADOS, weights=(80, 10, 10))
            if passada
            else rng.choices(_FUTUROS, weights=(76, 8, 8, 4, 4))
        )
        yield LinhaVaga(
            numero,
            hospital.id,
            1 + numero % especialidades,
            rng.choice(nomes.SETORES),
            inicio,
            inicio + timedelta(hours=turno[1]),
            tipo,
            fixo,
            minimo,
            maximo,
            status[0],
            rng.choices(_CRITICIDADES, weights=(75, 18, 7))[0],
            min(agora, inicio) - timedelta(days=rng.randrange(1, 12), minutes=rng.randrange(600)),
        )

"""The periods that people ask numbers of, on São Paulo's calendar."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from lib.domain.horario import SAO_PAULO


class Periodo(StrEnum):
    """A stretch of days: a week begins on Monday, a month on its first."""

    HOJE = "hoje"
    ONTEM = "ontem"
    SEMANA = "semana"
    SEMANA_PASSADA = "semana_passada"
    MES = "mes"
    MES_PASSADO = "mes_passado"


NOMES = {
    Periodo.HOJE: "hoje",
    Periodo.ONTEM: "ontem",
    Periodo.SEMANA: "esta semana",
    Periodo.SEMANA_PASSADA: "semana passada",
    Periodo.MES: "este mês",
    Periodo.MES_PASSADO: "mês passado",
}


@dataclass(frozen=True, slots=True)
class Intervalo:
    """From `inicio` on and before `fim`, both UTC; a period that runs ends now."""

    periodo: Periodo
    inicio: datetime
    fim: datetime


def intervalo(periodo: Periodo, agora: datetime) -> Intervalo:
    """Return the period's instants as of `agora`.

    Raises:
        ValueError: `agora` is naive.
    """
    if agora.tzinfo is None:
        raise ValueError("agora must be an aware datetime")
    hoje = agora.astimezone(SAO_PAULO).date()
    segunda, primeiro = hoje - timedelta(days=hoje.weekday()), hoje.replace(day=1)
    match periodo:
        case Periodo.HOJE:
            de, ate = hoje, None
        case Periodo.ONTEM:
            de, ate = hoje - timedelta(days=1), hoje
        case Periodo.SEMANA:
            de, ate = segunda, None
        case Periodo.SEMANA_PASSADA:
            de, ate = segunda - timedelta(days=7), segunda
        case Periodo.MES:
            de, ate = primeiro, None
        case Periodo.MES_PASSADO:
            de, ate = (primeiro - timedelta(days=1)).replace(day=1), primeiro
    inicio = datetime.combine(de, time(), tzinfo=SAO_PAULO).astimezone(UTC)
    fim = agora if ate is None else datetime.combine(ate, time(), tzinfo=SAO_PAULO)
    return Intervalo(periodo, inicio, fim.astimezone(UTC))

"""When we may speak first: the doctor's own zone, working days and hours (decision D8)."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

import holidays

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ABRE = time(8)
FECHA = time(20)
_SABADO = 5
UFS = frozenset(holidays.country_holidays("BR").subdivisions)
_CIDADE = {
    "AC": "Rio_Branco",
    "AL": "Maceio",
    "AM": "Manaus",
    "AP": "Belem",
    "BA": "Bahia",
    "CE": "Fortaleza",
    "MA": "Fortaleza",
    "MS": "Campo_Grande",
    "MT": "Cuiaba",
    "PA": "Belem",
    "PB": "Fortaleza",
    "PE": "Recife",
    "PI": "Fortaleza",
    "RN": "Fortaleza",
    "RO": "Porto_Velho",
    "RR": "Boa_Vista",
    "SE": "Maceio",
    "TO": "Araguaina",
}


def fuso(uf: str | None) -> ZoneInfo:
    """Zone of a state's capital; São Paulo's for the others and for an unknown state."""
    cidade = _CIDADE.get((uf or "").upper())
    return ZoneInfo(f"America/{cidade}") if cidade else SAO_PAULO


@lru_cache(maxsize=512)
def _calendario(uf: str | None, ano: int) -> Mapping[date, str]:
    dias = holidays.country_holidays(
        "BR",
        subdiv=uf,
        years=ano,
        categories=("public", "optional"),  # Carnaval is optional by law and dead in practice
        language="pt_BR",
    )
    return MappingProxyType(dict(dias.items()))


def feriado(dia: date, uf: str | None) -> str | None:
    """Name in Portuguese of the national or state holiday, optional ones included; None on an ordinary day."""
    estado = (uf or "").upper()
    return _calendario(estado if estado in UFS else None, dia.year).get(dia)


def _local(agora: datetime, uf: str | None) -> datetime:
    if agora.tzinfo is None:
        raise ValueError("agora must be an aware datetime")
    return agora.astimezone(fuso(uf))


def _dia_util(dia: date, uf: str | None) -> bool:
    return dia.weekday() < _SABADO and feriado(dia, uf) is None


def janela_proativa(agora: datetime, uf: str | None) -> bool:
    """Tell whether we may write first: Monday to Friday, 08:00 to before 20:00 there, no holiday.

    Raises:
        ValueError: `agora` is naive.
    """
    local = _local(agora, uf)
    return _dia_util(local.date(), uf) and ABRE <= local.time() < FECHA


def proxima_janela(agora: datetime, uf: str | None) -> datetime:
    """First instant in UTC, not before `agora`, at which `janela_proativa` holds; `agora` itself when it does.

    Raises:
        ValueError: `agora` is naive.
    """
    if janela_proativa(agora, uf):
        return agora.astimezone(UTC)
    local = _local(agora, uf)
    dia = local.date() if local.time() < ABRE else local.date() + timedelta(days=1)
    while not _dia_util(dia, uf):
        dia += timedelta(days=1)
    return datetime.combine(dia, ABRE, tzinfo=fuso(uf)).astimezone(UTC)


def janela(agora: datetime, uf: str | None) -> tuple[datetime, datetime]:
    """Return in UTC the window in which we may write first that is open at `agora` or opens next: from, to.

    It begins at `agora` when it is open already.

    Raises:
        ValueError: `agora` is naive.
    """
    abre = proxima_janela(agora, uf)
    return abre, datetime.combine(abre.astimezone(fuso(uf)).date(), FECHA, tzinfo=fuso(uf)).astimezone(UTC)


def dia_de(instante: datetime) -> date:
    """Return São Paulo's day of an instant."""
    return instante.astimezone(SAO_PAULO).date()


def limites_do_dia(dia: date) -> tuple[datetime, datetime]:
    """Return the first instant of a day of São Paulo and of the day after it, in UTC."""
    inicio, fim = (datetime.combine(dia + timedelta(days=n), time(0), tzinfo=SAO_PAULO) for n in (0, 1))
    return inicio.astimezone(UTC), fim.astimezone(UTC)

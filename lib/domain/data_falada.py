"""Dates and hours as people say them in Portuguese, on São Paulo's clock.

The whole text must be understood: one word that is none of ours and it counts as unclear, because asking again costs
less than a reminder on the wrong day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from lib.domain.data_falada_gramatica import Dito, Parte, entender
from lib.domain.horario import SAO_PAULO

MAX_DIAS = 180
SEMANA = ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo")
_MEIO_DIA = 12
# What each part makes of a spoken hour, and the hour that it stands for by itself.
_HORAS = {
    Parte.MADRUGADA: {h: h for h in range(6)},
    Parte.MANHA: {h: h for h in range(4, 12)},
    Parte.TARDE: {12: 12} | {h: h + 12 for h in range(1, 8)} | {h: h for h in range(13, 20)},
    Parte.NOITE: {h: h + 12 for h in range(6, 12)} | {h: h for h in range(18, 24)},
}
_HORA_PADRAO = {Parte.MANHA: time(9), Parte.TARDE: time(14), Parte.NOITE: time(19)}
_SEM_HORA = time(9)
_FIM_DA_TARDE = time(18)


@dataclass(frozen=True, slots=True)
class Lida:
    """An instant in UTC; `hora_dita` is False where the hour is our default for that day."""

    quando: datetime
    hora_dita: bool


def ler(texto: str, agora: datetime) -> Lida | None:
    """Read a date and hour said at `agora`; None when it is unclear, over, or more than 180 days ahead.

    A day without an hour counts as 9h, an hour without a day as its next occurrence, a weekday as the next one.

    Raises:
        ValueError: `agora` is naive.
    """
    local = _local(agora)
    dito = entender(texto)
    if dito is None:
        return None
    if dito.instante is not None:
        quando = dito.instante
    elif dito.exato is not None:
        quando = _minuto_cheio(agora + dito.exato)
    else:
        hora = _hora(dito)
        dia = None if hora is None else _escolher(dito, hora, agora, local.date())
        if dia is None:
            return None
        quando = dia
    hora_dita = _hora_dita(dito) or dito.exato is not None or dito.instante is not None
    return Lida(quando.astimezone(UTC), hora_dita) if agora < quando <= agora + timedelta(days=MAX_DIAS) else None


def ler_dia(texto: str, agora: datetime) -> date | None:
    """Read a day alone, today included, in São Paulo; None when it is unclear, over, or more than 180 days ahead.

    Raises:
        ValueError: `agora` is naive.
    """
    hoje = _local(agora).date()
    dito = entender(texto)
    if dito is None or dito.instante is not None or dito.exato is not None or _tem_hora(dito):
        return None
    achado = next((dia for dia in _candidatos(dito, hoje, com_hora=True) if dia >= hoje), None)
    serve = achado is not None and _confere(dito, achado, hoje) and achado <= hoje + timedelta(days=MAX_DIAS)
    return achado if serve else None


def por_extenso(quando: datetime, agora: datetime) -> str:
    """Write an instant so that `ler` reads it back, to the minute: "quinta-feira, 27/11, às 19h".

    Raises:
        ValueError: one of them is naive.
    """
    local, hoje = _local(quando), _local(agora).date()
    perto = {hoje: "hoje, ", hoje + timedelta(days=1): "amanhã, "}.get(local.date(), "")
    minutos = f"{local:%M}" if local.minute else ""
    crase = "à" if local.hour == 1 else "às"
    return f"{perto}{SEMANA[local.weekday()]}, {local:%d/%m}, {crase} {local.hour}h{minutos}"


def _local(agora: datetime) -> datetime:
    if agora.tzinfo is None:
        raise ValueError("the instant must be an aware datetime")
    return agora.astimezone(SAO_PAULO)


def _minuto_cheio(quando: datetime) -> datetime:
    cheio = quando.replace(second=0, microsecond=0)
    return cheio if cheio == quando else cheio + timedelta(minutes=1)


def _hora_dita(dito: Dito) -> bool:
    return dito.hora is not None or dito.meia_noite


def _tem_hora(dito: Dito) -> bool:
    return _hora_dita(dito) or dito.fim_da_tarde or dito.parte is not None


def _hora(dito: Dito) -> time | None:
    """Return the hour meant; None when the hour and the part of the day do not agree."""
    if dito.meia_noite:
        return time(0)
    if dito.hora is None:
        if dito.fim_da_tarde:
            return _FIM_DA_TARDE
        return _SEM_HORA if dito.parte is None else _HORA_PADRAO.get(dito.parte)
    if dito.parte is None:
        return dito.hora
    hora = _HORAS[dito.parte].get(dito.hora.hour)
    return None if hora is None else dito.hora.replace(hour=hora)


def _escolher(dito: Dito, hora: time, agora: datetime, hoje: date) -> datetime | None:
    """Return the first instant meant that is still to come."""
    for dia in _candidatos(dito, hoje, com_hora=_hora_dita(dito)):
        quando = _instante(dito, dia, hora)
        if quando <= agora and dito.dias == 0 and dito.hora is not None and dito.parte is None:
            # "hoje às 7" said after seven in the morning means the evening.
            quando = _instante(dito, dia, hora.replace(hour=hora.hour + _MEIO_DIA)) if hora.hour < _MEIO_DIA else quando
        if quando > agora:
            return quando if _confere(dito, dia, hoje) else None
    return None


def _instante(dito: Dito, dia: date, hora: time) -> datetime:
    # The midnight of a day is the one that ends it.
    return datetime.combine(dia + timedelta(days=1) if dito.meia_noite else dia, hora, tzinfo=SAO_PAULO).astimezone(UTC)


def _candidatos(dito: Dito, hoje: date, *, com_hora: bool) -> Iterator[date]:
    """Yield the days that may be meant, in order; the first whose hour is to come is the one."""
    segunda = hoje + timedelta(days=7 - hoje.weekday())
    if dito.data is not None:
        yield from _datas(dito, hoje)
    elif dito.dias is not None:
        if dito.dias <= MAX_DIAS:
            yield hoje + timedelta(days=dito.dias)
    elif dito.meses is not None:
        yield from _em_meses(hoje, dito.meses)
    elif dito.semana_que_vem:
        yield segunda + timedelta(days=dito.semana or 0)
    elif dito.semana is not None:
        primeiro = hoje + timedelta(days=(dito.semana - hoje.weekday()) % 7)
        if primeiro > hoje or (com_hora and not dito.que_vem):
            yield primeiro
        yield primeiro + timedelta(days=7)
    else:
        yield hoje
        yield hoje + timedelta(days=1)


def _datas(dito: Dito, hoje: date) -> Iterator[date]:
    """Yield the days that a day of the month may mean, those that exist."""
    dia, mes, ano = dito.data or (0, None, None)
    if mes is not None:
        meses = [(ano, mes)] if ano is not None else [(hoje.year, mes), (hoje.year + 1, mes)]
    else:
        seguintes = [divmod(hoje.year * 12 + hoje.month - 1 + n, 12) for n in range(4)]
        meses = [(a, m + 1) for a, m in (seguintes[1:2] if dito.mes_que_vem else seguintes)]
    for quando_ano, quando_mes in meses:
        with suppress(ValueError):  # there is no 31 April
            existe = date(quando_ano, quando_mes, dia)
            if abs(existe.year - hoje.year) <= 1:
                yield existe


def _em_meses(hoje: date, meses: int) -> Iterator[date]:
    """Yield the same day so many months ahead, or that month's last."""
    ano, mes = divmod(hoje.year * 12 + hoje.month - 1 + min(meses, 12), 12)
    seguinte = date(ano + (mes + 1) // 12, (mes + 1) % 12 + 1, 1)
    yield min(date(ano, mes + 1, 1) + timedelta(days=hoje.day - 1), seguinte - timedelta(days=1))


def _confere(dito: Dito, dia: date, hoje: date) -> bool:
    """Tell whether everything else that was said of the day holds: "quinta, 27/11" is unclear when that is a Friday."""
    semanas = (dia - timedelta(days=dia.weekday()) - hoje + timedelta(days=hoje.weekday())).days // 7
    return (
        (dito.semana is None or dia.weekday() == dito.semana)
        and (dito.dias is None or dia == hoje + timedelta(days=dito.dias))
        and (not dito.semana_que_vem or semanas == 1)
    )

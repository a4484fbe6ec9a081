"""What a shift's hours mean: part of the day, and which two nobody can work one after the other."""

from datetime import datetime, time, timedelta
from enum import StrEnum

from lib.domain.data_falada import SEMANA
from lib.domain.horario import fuso

# Whoever worked a night rests so long before a day shift begins.
DESCANSO = timedelta(hours=11)
NOITE_ACABA = time(8)
NOITE_MINIMA = timedelta(hours=6)
# Longer ones are neither day nor night.
PARTE_MAXIMA = timedelta(hours=14)


class Periodo(StrEnum):
    """Part of the day in which a shift begins, in its hospital's own zone, or its length."""

    DIURNO = "diurno"
    MANHA = "manha"
    TARDE = "tarde"
    NOTURNO = "noturno"
    H12 = "12h"
    H24 = "24h"
    QUALQUER = "qualquer"


class Regiao(StrEnum):
    """The five regions of the country."""

    NORTE = "norte"
    NORDESTE = "nordeste"
    CENTRO_OESTE = "centro-oeste"
    SUDESTE = "sudeste"
    SUL = "sul"


UFS_DA_REGIAO = {
    Regiao.NORTE: ("AC", "AM", "AP", "PA", "RO", "RR", "TO"),
    Regiao.NORDESTE: ("AL", "BA", "CE", "MA", "PB", "PE", "PI", "RN", "SE"),
    Regiao.CENTRO_OESTE: ("DF", "GO", "MS", "MT"),
    Regiao.SUDESTE: ("ES", "MG", "RJ", "SP"),
    Regiao.SUL: ("PR", "RS", "SC"),
}


def quando(inicio: datetime, fim: datetime, uf: str | None) -> str:
    """Write a shift's hours on its hospital's clock: "quinta-feira, 27/11, das 19:00 às 07:00 do dia seguinte"."""
    zona = fuso(uf)
    comeca, acaba = inicio.astimezone(zona), fim.astimezone(zona)
    dias = (acaba.date() - comeca.date()).days
    seguinte = {0: "", 1: " do dia seguinte"}.get(dias, f" de {acaba:%d/%m}")
    return f"{SEMANA[comeca.weekday()]}, {comeca:%d/%m}, das {comeca:%H:%M} às {acaba:%H:%M}{seguinte}"

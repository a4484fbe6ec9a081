"""When a reply says that something is, held against where that may come from."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from lib.domain.saida_frases import ASSUNTO, MESES, SEMANA, afirma, frases
from lib.domain.texto import dobrar, nfc

_DIA_SEMANA = re.compile(
    r"\b(?:(segundas?|tercas?|quartas?|quintas?|sextas?|sabados?|domingos?)(?:[- ]feiras?)?"
    r"|(seg|ter|qua|qui|sex|sab|dom)(?=[.,]? \d))\b"
    r"(?! (?:opcao|vez|parte|pergunta|duvida|alternativa|mensagem|feira livre))"
)
_DATA = re.compile(r"(?<![\d/,.])(\d{1,2})/(\d{1,2})(?:/(?:20)?\d{2})?(?![\d/])")
_ISO = re.compile(r"\b20\d{2}-(\d{2})-(\d{2})")
_DIA = re.compile(r"\bdias? (\d{1,2}(?:(?:, ?| e | ou | a )\d{1,2})*)(?:o\b|\b)(?!/)(?! de [a-z]+o\b)")
_DIA_DO_MES = re.compile(rf"\b(\d{{1,2}})o? de ({'|'.join(MESES)})\b")
_RELATIVO = re.compile(r"\b(depois de amanha|amanha|hoje)\b")
_ADIANTE = {"hoje": 0, "amanha": 1, "depois de amanha": 2}
_HORA = re.compile(
    r"(?<![\d:/,.])(?:(?P<a>\d{1,2}):(?P<am>\d{2})(?!\d)|(?P<b>\d{1,2}) ?h ?(?P<bm>[0-5]\d)\b"
    r"|(?<=as )(?P<c>\d{1,2})(?: ?h(?:oras|rs|s)?\b|(?= da (?:manha|tarde|noite|madrugada)))"
    r"|(?P<d>\d{1,2}) ?h(?:s|rs|oras)?(?= ?(?:-|\u2013|as|ate as) ?\d{1,2} ?h?)"
    r"|(?:(?<=[gt]unda )|(?<=rca )|(?<=arta )|(?<=inta )|(?<=exta )|(?<=bado )|(?<=ngo )|(?<=nha )|(?<=feira )"
    r"|(?<=[a-z]a, )|(?<=[a-z]o, )|(?<=/\d\d )|(?<=/\d\d, ))(?P<e>\d{1,2}) ?h\b)"
    r"(?:(?: ?h)? da (?P<parte>manha|tarde|noite|madrugada))?"
)
_CRASE = re.compile(r"(?<!\w)às (\d{1,2})(?![\d:hH/.,%]|\s*(?:h\b|horas|da |mensa|vaga|pergunta|opç))", re.IGNORECASE)


ULTIMO_MES = 12
ULTIMO_DIA = 31


@dataclass(frozen=True, slots=True)
class Momentos:
    """Points in time that a text names: (day, month), days without a month, weekdays (Monday 0), (hour, minute)."""

    datas: frozenset[tuple[int, int]] = frozenset()
    dias: frozenset[int] = frozenset()
    semana: frozenset[int] = frozenset()
    horas: frozenset[tuple[int, int]] = frozenset()
    relativos: frozenset[str] = frozenset()

    def __or__(self, other: "Momentos") -> "Momentos":
        """Both together."""
        return Momentos(
            self.datas | other.datas,
            self.dias | other.dias,
            self.semana | other.semana,
            self.horas | other.horas,
            self.relativos | other.relativos,
        )

    @property
    def algum(self) -> bool:
        """Whether a day is named, of whatever kind."""
        return bool(self.datas or self.dias or self.semana or self.relativos)


def ler_momentos(texto: str) -> Momentos:
    """Read every point in time that the text names; durations ("12h", "em 30 dias") are none."""
    dito = dobrar(texto)
    datas = {(int(d), int(m)) for d, m in _DATA.findall(dito) if (d, m) != ("24", "7")}
    datas |= {(int(d), int(m)) for m, d in _ISO.findall(dito)}
    datas |= {(int(d), MESES.index(m) + 1) for d, m in _DIA_DO_MES.findall(dito)}
    horas = {_hora(achada) for achada in _HORA.finditer(dito)}
    horas |= {(int(h), 0) for h in _CRASE.findall(nfc(texto))}
    horas |= {hora for palavra, hora in (("meio-dia", (12, 0)), ("meia-noite", (0, 0))) if palavra in dito}
    return Momentos(
        frozenset((d, m) for d, m in datas if 0 < d <= ULTIMO_DIA and 0 < m <= ULTIMO_MES),
        frozenset(int(d) for lista in _DIA.findall(dito) for d in re.findall(r"\d+", lista)),
        frozenset(_semana(inteiro or curto) for inteiro, curto in _DIA_SEMANA.findall(dito)),
        frozenset(horas),
        frozenset(_RELATIVO.findall(dito)),
    )


def _semana(palavra: str) -> int:
    return next(n for n, nome in enumerate(SEMANA) if nome.startswith(palavra[:3]))


def _hora(achada: re.Match[str]) -> tuple[int, int]:
    hora = int(next(achada[n] for n in "abcde" if achada[n]))
    minuto = int(achada["am"] or achada["bm"] or 0)
    meio_dia = 12
    if achada["parte"] in {"tarde", "noite"} and hora < meio_dia:
        hora += meio_dia
    return hora % 24, minuto


def tempo_sem_fonte(texto: str, fatos: Iterable[str], ditos: Iterable[str], hoje: date | None) -> bool:
    """Tell whether a date, or an hour or weekday said of a shift, is in no source.

    `fatos` may be stated; `ditos`, the doctor's own words, may only be repeated. `hoje` in São Paulo resolves weekdays
    and "amanhã"; without it a weekday beside facts that name dates only is let through.
    """
    lidas = [(frase, ler_momentos(frase)) for frase in frases(texto)]
    if not any(ditas.horas or ditas.algum for _, ditas in lidas):
        return False
    afirmaveis = _com_semana(_todos(fatos), hoje)
    repetiveis = afirmaveis | _com_semana(_todos(ditos), hoje)
    if hoje is not None:
        repetiveis |= Momentos(datas=frozenset({(hoje.day, hoje.month)}), semana=frozenset({hoje.weekday()}))
    for frase, ditas in lidas:
        conhecidos = afirmaveis if afirma(frase) else repetiveis
        if _estranho(frase, ditas, conhecidos, hoje):
            return True
    return False


def _todos(textos: Iterable[str]) -> Momentos:
    juntos = Momentos()
    for texto in textos:
        juntos |= ler_momentos(texto)
    return juntos


def _com_semana(momentos: Momentos, hoje: date | None) -> Momentos:
    """Add the weekdays of the dates, each read as its next occurrence, and the dates of "hoje" and "amanhã"."""
    if hoje is None:
        return momentos
    perto = {hoje + timedelta(days=_ADIANTE[palavra]) for palavra in momentos.relativos}
    dias = {dia for data in momentos.datas if (dia := _proxima(data, hoje))} | perto
    return momentos | Momentos(
        datas=frozenset((dia.day, dia.month) for dia in dias), semana=frozenset(dia.weekday() for dia in dias)
    )


def _proxima(data: tuple[int, int], hoje: date) -> date | None:
    for ano in (hoje.year, hoje.year + 1):
        try:
            dia = date(ano, data[1], data[0])
        except ValueError:
            continue
        if dia >= hoje - timedelta(days=60):
            return dia
    return None


def _estranho(frase: str, ditas: Momentos, conhecidos: Momentos, hoje: date | None) -> bool:
    if not ditas.datas <= conhecidos.datas or not ditas.dias <= conhecidos.dias | {d for d, _ in conhecidos.datas}:
        return True
    trata = ditas.algum or ASSUNTO.search(dobrar(frase)) is not None
    if trata and not ditas.horas <= conhecidos.horas:
        return True
    return (bool(ditas.horas) or afirma(frase)) and _dia_estranho(ditas, conhecidos, hoje)


def _dia_estranho(ditas: Momentos, conhecidos: Momentos, hoje: date | None) -> bool:
    """Tell whether a weekday, "hoje" or "amanhã" is none of the known days."""
    novos = ditas.relativos - conhecidos.relativos
    if hoje is None:
        sem_semana = conhecidos.datas and not conhecidos.semana
        return not sem_semana and (not ditas.semana <= conhecidos.semana or bool(novos))
    dias = {hoje + timedelta(days=_ADIANTE[palavra]) for palavra in novos}
    return not ditas.semana <= conhecidos.semana or not {(dia.day, dia.month) for dia in dias} <= conhecidos.datas

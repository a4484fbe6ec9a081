"""The words that `lib.domain.data_falada` understands, and what each says of a day or an hour."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum

from lib.domain.texto import dobrar

_DIAS = ("segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo")
_MESES = (
    *("janeiro", "fevereiro", "marco", "abril", "maio", "junho"),
    *("julho", "agosto", "setembro", "outubro", "novembro", "dezembro"),
)
_UNIDADES = (
    *("zero", "uma?", "dois|duas", "tres", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez", "onze", "doze"),
    *("treze", "quatorze|catorze", "quinze", "dezesseis", "dezessete", "dezoito", "dezenove", "vinte"),
)
_TEXTO_MAX = 200
_MEIO_DIA = 12
_SABADO = 5


class Parte(StrEnum):
    """Part of the day, which tells 7 in the morning from 7 in the evening."""

    MADRUGADA = "madrugada"
    MANHA = "manha"
    TARDE = "tarde"
    NOITE = "noite"


@dataclass(slots=True)
class Dito:
    """What has been understood so far; a second, different answer to the same question makes it unclear.

    `exato` is a span from now, `dias` and `meses` days and months from today, `data` day, month and year, `semana` a
    weekday from Monday 0, `instante` a full ISO instant. `hora` is as spoken, before `parte` makes 19 of 7.
    """

    exato: timedelta | None = None
    dias: int | None = None
    meses: int | None = None
    data: tuple[int, int | None, int | None] | None = None
    semana: int | None = None
    que_vem: bool = False
    semana_que_vem: bool = False
    mes_que_vem: bool = False
    hora: time | None = None
    meia_noite: bool = False
    fim_da_tarde: bool = False
    parte: Parte | None = None
    instante: datetime | None = None
    confuso: bool = False
    partes: set[str] = field(default_factory=set)

    def dizer(self, nome: str, valor: object) -> None:
        """Take an answer down."""
        if nome in self.partes and getattr(self, nome) != valor:
            self.confuso = True
        self.partes.add(nome)
        setattr(self, nome, valor)


_EM = r"(?:daqui(?: a)?|em|dentro de) (?:mais )?"
_TEMPO = r"(h|hs|hrs?|horas?|m|min|mins|minutos?)"
_DIA_SEMANA = r"(segunda|terca|quarta|quinta|sexta|sabado|domingo|seg|qua|qui|sex|sab|dom)"
_MES = rf"({'|'.join(_MESES)})"


def _exato(dito: Dito, achado: re.Match[str]) -> None:
    horas = achado[2].startswith("h")
    total = timedelta(minutes=30 if achado[1] == "meia" else int(achado[1]) * (60 if horas else 1))
    dito.confuso |= achado[1] == "meia" and not horas
    mais = achado[3] or achado[4]
    if mais:
        total += timedelta(minutes=30 if mais == "meia" else int(mais))
    dito.dizer("exato", total)


def _daqui(dito: Dito, achado: re.Match[str]) -> None:
    quantos = int(achado[1])
    if achado[2].startswith("m"):
        dito.dizer("meses", quantos)
    else:
        dito.dizer("dias", quantos * (7 if achado[2].startswith("s") else 1))


def _iso(dito: Dito, achado: re.Match[str]) -> None:
    dito.dizer("data", (int(achado[3]), int(achado[2]), int(achado[1])))
    if achado[4]:
        _relogio(dito, achado[4], achado[5])
    if achado[6] and dito.hora is not None:
        escrito = (
            f"{achado[1]}-{achado[2]}-{achado[3]}T{achado[4]}:{achado[5]}{achado[6].upper().replace('Z', '+00:00')}"
        )
        try:
            dito.instante = datetime.fromisoformat(escrito)
        except ValueError:
            dito.confuso = True


def _barras(dito: Dito, achado: re.Match[str]) -> None:
    ano = None if achado[3] is None else int(achado[3]) + (2000 if len(achado[3]) == len("26") else 0)
    dito.dizer("data", (int(achado[1]), int(achado[2]), ano))


def _por_mes(dito: Dito, achado: re.Match[str]) -> None:
    ano = int(achado[3]) if achado[3] else None
    dito.dizer("data", (int(achado[1]), _MESES.index(achado[2]) + 1, ano))


def _dia(dito: Dito, achado: re.Match[str]) -> None:
    dito.dizer("data", (int(achado[1]), None, None))
    dito.mes_que_vem |= achado[2] is not None


def _semana(dito: Dito, achado: re.Match[str]) -> None:
    dito.dizer("semana", next(n for n, nome in enumerate(_DIAS) if nome.startswith(achado[1])))
    dito.que_vem |= re.search(r"proxim|que vem", achado[0]) is not None


def _semana_que_vem(dito: Dito, _: re.Match[str]) -> None:
    dito.semana_que_vem = True


def _mes_que_vem(dito: Dito, _: re.Match[str]) -> None:
    dito.mes_que_vem = True


def _sabado(dito: Dito, _: re.Match[str]) -> None:
    dito.dizer("semana", _SABADO)


def _perto(dito: Dito, achado: re.Match[str]) -> None:
    dito.dizer("dias", {"hoje": 0, "amanha": 1}.get(achado[0], 2))


def _meio_dia(dito: Dito, achado: re.Match[str]) -> None:
    meia = 30 if achado[2] else 0
    if achado[1] == "noite":
        dito.meia_noite = True
        dito.confuso |= bool(meia)
    else:
        dito.dizer("hora", time(_MEIO_DIA, meia))


def _as_tantas(dito: Dito, achado: re.Match[str]) -> None:
    _relogio(dito, achado[1], "30" if achado[2] == "meia" else achado[2])


def _relogio(dito: Dito, hora: str, minuto: str | None) -> None:
    try:
        dito.dizer("hora", time(int(hora), int(minuto or 0)))
    except ValueError:
        dito.confuso = True


def _fim_da_tarde(dito: Dito, _: re.Match[str]) -> None:
    dito.fim_da_tarde = True


def _parte(dito: Dito, achado: re.Match[str]) -> None:
    dito.dizer(
        "parte", Parte("manha" if achado[1] in {"manhazinha", "cedo"} else achado[1].replace("tardinha", "tarde"))
    )


def _nada(_: Dito, __: re.Match[str]) -> None:
    """Skip words that decide nothing."""


_H = r"(?:h|hs|hrs?|horas?)\b"
_REGRAS: tuple[tuple[str, Callable[[Dito, re.Match[str]], None]], ...] = (
    (r"(\d{4})-(\d\d)-(\d\d)(?:[t ](\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?(z|[+-]\d\d:\d\d)?)?(?![\d:])", _iso),
    (rf"{_EM}(\d{{1,3}}|meia) ?{_TEMPO}(?: ?e (meia|\d{{1,2}})(?: ?(?:min|minutos?))?| ?(\d\d))?\b", _exato),
    (rf"{_EM}(\d{{1,3}}) (dias?|semanas?|mes|meses)\b", _daqui),
    (r"(?:dia )?(\d{1,2})/(\d{1,2})(?:/(\d{4}|\d\d))?(?![\d/])", _barras),
    (rf"(?:dia )?(\d{{1,2}}) de {_MES}(?: de (\d{{4}}))?\b", _por_mes),
    (r"dia (\d{1,2})(?: d[eo] (mes que vem|proximo mes))?(?![\d/:h])\b", _dia),
    (r"depois de amanha\b|amanha\b|hoje\b", _perto),
    (r"(?:semana que vem|proxima semana)\b", _semana_que_vem),
    (rf"(?:proxim[oa] )?{_DIA_SEMANA}(?: feira)?(?: que vem| proxim[oa](?! semana))?\b", _semana),
    (r"(?:mes que vem|proximo mes)\b", _mes_que_vem),
    (r"(?:fim|final) de semana\b|fds\b", _sabado),
    (r"(?:fim|final) (?:da tarde|do dia)\b", _fim_da_tarde),
    (r"meio? ?(dia)\b( e meia\b)?", _meio_dia),
    (r"meia ?(noite)\b( e meia\b)?", _meio_dia),
    (r"(\d{1,2}):(\d\d)(?: ?h\b)?(?!\d)", _as_tantas),
    (rf"(\d{{1,2}}) ?{_H} e (meia|\d{{1,2}})\b(?: minutos)?", _as_tantas),
    (r"(\d{1,2}) ?h ?(\d\d)(?: ?min)?\b(?!/| de)", _as_tantas),
    (rf"(\d{{1,2}}) ?{_H}()", _as_tantas),
    (rf"(?:as|a|pelas|umas|das) (\d{{1,2}})(?: e (meia|\d{{1,2}}))?(?![\d/:]| ?{_H})\b", _as_tantas),
    (r"(\d{1,2})(?: e (meia|\d{1,2}))? (?=da (?:manha|tarde|noite|madrugada)\b)", _as_tantas),
    (r"(?:bem )?(cedo|manha|manhazinha|tarde|tardinha|noite|madrugada)\b", _parte),
    (r"(?:n?[ae]?ss?[ea]|nest[ea]|dest[ea]|dess[ea]|est[ea]) (?:semana|mes)\b", _nada),
    (r"(?:as|a|ao|o|da|das|de|do|dos|no|na|nos|nas|em|la|pelas?|pelo|umas|pr[ao]|para)\b", _nada),
    (r"(?:por favor|por volta das?|perto das?|em ponto|horario|brasilia|sao paulo|feira)\b", _nada),
    (r"(?:me|lembr\w+|avis\w+|ja|entao|mesmo|logo|certinho)\b", _nada),
)
_PADROES = tuple((re.compile(padrao, re.ASCII), regra) for padrao, regra in _REGRAS)
_VINTE_E = re.compile(r"\b(vinte|trinta) e (uma?|dois|duas|tres|quatro|cinco|seis|sete|oito|nove)\b")
_NUMEROS = tuple((re.compile(rf"\b(?:{nome})\b"), str(n)) for n, nome in enumerate(_UNIDADES))


def entender(texto: str) -> Dito | None:
    """Read a text from left to right; None unless every word is one of ours and none contradicts another."""
    resto = _preparar(texto)
    dito = Dito()
    while resto:
        for padrao, regra in _PADROES:
            achado = padrao.match(resto)
            if achado is not None and achado[0]:
                regra(dito, achado)
                resto = resto[achado.end() :].lstrip()
                break
        else:
            return None
    return None if dito.confuso or _contradiz(dito) else dito


def _preparar(texto: str) -> str:
    """Fold, take punctuation out that separates, and write numbers with digits."""
    plano = dobrar(texto[: _TEXTO_MAX + 1])
    if len(plano) > _TEXTO_MAX:
        return "?"
    plano = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", plano)
    plano = re.sub(r"[,;!()º°ª]|\.(?!\d)|(?<!\d)\.", " ", plano)
    plano = _VINTE_E.sub(lambda a: str({"vinte": 20, "trinta": 30}[a[1]] + _valor(a[2])), plano)
    plano = re.sub(r"\btrinta\b", "30", plano)
    for padrao, numero in _NUMEROS:
        plano = padrao.sub(numero, plano)
    return " ".join(plano.split())


def _valor(palavra: str) -> int:
    return next(n for n, nome in enumerate(_UNIDADES) if re.fullmatch(nome, palavra))


def _contradiz(dito: Dito) -> bool:
    """Tell whether the parts exclude each other, or nothing was said at all."""
    dias = sum(said is not None for said in (dito.dias, dito.meses, dito.data, dito.semana)) + dito.semana_que_vem
    horas = (dito.hora is not None) + dito.meia_noite + (dito.fim_da_tarde or dito.parte is not None)
    return (
        (not dias and not horas and dito.exato is None)
        or (dito.exato is not None and (dias or horas) > 0)
        or (dito.meses is not None and dias > 1)
        or (dito.mes_que_vem and (dito.data is None or dito.data[1] is not None))
        or (dito.meia_noite and (dito.hora is not None or dito.parte not in {None, Parte.NOITE}))
    )

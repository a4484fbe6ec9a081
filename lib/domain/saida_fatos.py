"""What a reply claims: dates, hours and places, held against where they may come from."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from lib.domain.texto import dobrar, nfc, palavras

_MESES = (
    "janeiro", "fevereiro", "marco", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro",
    "dezembro",
)  # fmt: skip
_SEMANA = ("segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo")
_DIA_SEMANA = re.compile(
    r"\b(?:(segundas?|tercas?|quartas?|quintas?|sextas?|sabados?|domingos?)(?:[- ]feiras?)?"
    r"|(seg|ter|qua|qui|sex|sab|dom)(?=[.,]? \d))\b"
    r"(?! (?:opcao|vez|parte|pergunta|duvida|alternativa|mensagem|feira livre))"
)
_DATA = re.compile(r"(?<![\d/,.])(\d{1,2})/(\d{1,2})(?:/(?:20)?\d{2})?(?![\d/])")
_ISO = re.compile(r"\b20\d{2}-(\d{2})-(\d{2})")
_DIA = re.compile(r"\bdias? (\d{1,2}(?:(?:, ?| e | ou | a )\d{1,2})*)(?:o\b|\b)(?!/)(?! de [a-z]+o\b)")
_DIA_DO_MES = re.compile(rf"\b(\d{{1,2}})o? de ({'|'.join(_MESES)})\b")
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
_ASSUNTO = re.compile(r"\b(?:plant\w+|vagas?|turnos?|escalas?|oportunidades?)\b")
_OFERECE = re.compile(r"\b(?:temos|tenho|achei|encontrei|surgiu|abriu|apareceu|consegui|separei|localizei)\b")
_NAO_AFIRMA = re.compile(
    r"\b(?:nao|nenhuma?|sem|nem|prefer\w+|quer|quiser|queria|gostaria|disse|pediu|falou|mencionou|perguntou|anot\w+"
    r"|registr\w+|busc\w+|procur\w+|lembr\w+|avis\w+|se|quando|posso|podemos|vou|verific\w+|olhar|ver"
    r"|entendi)\b"
)
_FRASE = re.compile(r"[^.!?;\n]+(?:[.](?=\S)[^.!?;\n]*)*[.!?;\n]*")
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
    datas |= {(int(d), _MESES.index(m) + 1) for d, m in _DIA_DO_MES.findall(dito)}
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
    return next(n for n, nome in enumerate(_SEMANA) if nome.startswith(palavra[:3]))


def _hora(achada: re.Match[str]) -> tuple[int, int]:
    hora = int(next(achada[n] for n in "abcde" if achada[n]))
    minuto = int(achada["am"] or achada["bm"] or 0)
    meio_dia = 12
    if achada["parte"] in {"tarde", "noite"} and hora < meio_dia:
        hora += meio_dia
    return hora % 24, minuto


def frases(texto: str) -> list[str]:
    """Split into sentences with their marks; amounts and hours stay whole."""
    return [frase for frase in (m[0].strip() for m in _FRASE.finditer(texto)) if frase]


def afirma(frase: str) -> bool:
    """Tell whether a sentence states that a shift is there, rather than asking, denying or repeating a wish."""
    dito = dobrar(frase)
    if frase.rstrip().endswith("?") or _NAO_AFIRMA.search(dito):
        return False
    return _ASSUNTO.search(dito) is not None or _OFERECE.search(dito) is not None


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
    trata = ditas.algum or _ASSUNTO.search(dobrar(frase)) is not None
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


_MAIUSCULA = r"[A-ZÀ-Ý][\wÀ-ÿ'’-]*"  # noqa: RUF001 - typographic apostrophes occur in names
_LIGA = r"(?:d[aeo]s?\s+)?"
_NOME = rf"(?:\s+{_LIGA}(?:Dra?\.\s+)?{_MAIUSCULA})+"
_LUGAR = re.compile(
    r"\b(?P<tipo>(?i:hospital(?: e maternidade)?|maternidade|santa casa|upa|ubs|ama|pronto[- ]socorro"
    r"|pronto[- ]atendimento|cl[ií]nica|policl[ií]nica|instituto|casa de sa[uú]de))"
    rf"(?P<nome>{_NOME})"
)
_LUGAR_MINUSCULO = re.compile(
    r"\b(?P<tipo>hospital|maternidade|santa casa|upa|clinica)"
    r"(?P<nome> (?:sao|santa|santo|nossa senhora|dom|dr|dra|albert|d) (?:d[aeo]s? )?[a-z]+)"
)
_RUA = re.compile(
    rf"\b(?P<tipo>(?i:rua|avenida|av\.|alameda|pra[cç]a|rodovia|travessa))(?P<nome>{_NOME})"
    r"(?:\s*,?\s*(?:n[º°o.]*\s*)?(?P<numero>\d{1,5})\b)?"
)
_EM = re.compile(rf"\b(?:[Ee]m|[Nn][oa]s?)(?P<nome>\s+{_MAIUSCULA}(?:\s+{_LIGA}{_MAIUSCULA})*)")
_PESSOA = re.compile(rf"\b(?:[Dd]ra?\.?|[Dd]outora?|[Ss]ra?\.)(?P<nome>{_NOME})")
# Capitalised words that follow "em", "no", "na" and name no place of work.
_COMUNS = frozenset(
    [*_MESES, *_SEMANA, "whatsapp", "brasil", "brasilia", "pix", "natal", "ano", "carnaval", "pascoa", "julia", "uti",
     "cti", "ps", "pa", "pj", "clt", "rpa", "crm", "sus", "cardiologia", "pediatria", "ortopedia", "ginecologia",
     "obstetricia", "anestesiologia", "clinica", "cirurgia", "neurologia", "psiquiatria", "radiologia", "medicina",
     "emergencia", "dermatologia", "endocrinologia", "urologia", "neonatologia", "nefrologia", "infectologia",
     "geriatria", "hematologia", "oncologia", "otorrinolaringologia", "oftalmologia", "pneumologia", "reumatologia",
     "enfermaria", "ambulatorio", "plantoes"]
)  # fmt: skip
_LIGACOES = frozenset({"de", "da", "do", "das", "dos", "e", "dr", "dra"})
_ESPECIALIDADES = frozenset({"clinica medica", "clinica cirurgica", "clinica geral"})


@dataclass(frozen=True, slots=True)
class _Folha:
    """One string of a source, as its words; `chave` is the name it stands under, empty in plain text."""

    chave: str
    palavras: frozenset[str]


@lru_cache(maxsize=64)
def _folhas(fonte: str) -> tuple[_Folha, ...]:
    try:
        valor = json.loads(fonte)
    except (ValueError, RecursionError):
        valor = None
    if not isinstance(valor, (dict, list)):
        return (_Folha("", frozenset(palavras(fonte).split())),)
    return tuple(_desce("", valor))


def _desce(chave: str, valor: Any) -> Iterator[_Folha]:
    match valor:
        case dict():
            for nome, dentro in valor.items():
                yield from _desce(str(nome), dentro)
        case list():
            for dentro in valor:
                yield from _desce(chave, dentro)
        case str():
            yield _Folha(chave, frozenset(palavras(valor).split()))
        case _:
            return


def lugar_sem_fonte(texto: str, fatos: Iterable[str], ditos: Iterable[str]) -> bool:
    """Tell whether a named hospital, address or city is in no source; `ditos` may be repeated, not offered.

    Read by capital letters: a place written small is seen only when it begins like a saint's name.
    """
    afirmaveis = [folha for fato in fatos for folha in _folhas(fato)]
    repetiveis = [*afirmaveis, *(folha for dito in ditos for folha in _folhas(dito))]
    for frase in frases(texto):
        folhas = afirmaveis if afirma(frase) else repetiveis
        lugares = [folha for folha in folhas if "cidade" not in folha.chave]
        dobrada = dobrar(frase)
        for padrao, onde in ((_LUGAR, frase), (_RUA, frase), (_LUGAR_MINUSCULO, dobrada)):
            for achado in padrao.finditer(onde):
                if not _conhecido(achado, lugares):
                    return True
        for achado in _EM.finditer(frase):
            nomes = _nomes(achado["nome"])
            if nomes and nomes[0] not in _COMUNS and not _em_alguma(frozenset(nomes), folhas):
                return True
    return False


def _conhecido(achado: re.Match[str], lugares: list[_Folha]) -> bool:
    tipo = palavras(achado["tipo"])
    nomes = _nomes(achado["nome"])
    if not nomes or f"{tipo} {nomes[0]}" in _ESPECIALIDADES:
        return True
    # "Hospital" is put before any name; the other kinds are part of it.
    do_tipo = frozenset() if tipo in {"hospital", "rua", "avenida", "av"} else frozenset(tipo.split()) - _LIGACOES
    numero = achado.groupdict().get("numero")
    return _em_alguma(frozenset(nomes) | do_tipo | ({numero} if numero else frozenset()), lugares)


def _nomes(nome: str) -> list[str]:
    """The words that make the name, without connectives and without a weekday or month that follows it."""
    return [palavra for palavra in palavras(nome).split() if palavra not in _LIGACOES and palavra not in _SEMANA]


def _em_alguma(nomes: frozenset[str], folhas: list[_Folha]) -> bool:
    return any(nomes <= folha.palavras for folha in folhas)


def pessoa_sem_fonte(texto: str, fontes: Iterable[str]) -> bool:
    """Tell whether a person with a title is named whom no source names."""
    achadas = [_nomes(achado["nome"]) for achado in _PESSOA.finditer(texto)]
    if not achadas:
        return False
    folhas = [folha for fonte in fontes for folha in _folhas(fonte)]
    return any(nomes and not _em_alguma(frozenset(nomes), folhas) for nomes in achadas)

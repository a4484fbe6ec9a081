"""Where a reply says that something is and whom it names, held against where that may come from."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lib.domain.saida_frases import MESES, SEMANA, afirma, frases
from lib.domain.texto import dobrar, palavras

_MAIUSCULA = r"[A-ZÀ-Ý][\wÀ-ÿ'’-]*"  # noqa: RUF001 - typographic apostrophes occur in names
_PROPRIO = r"[A-ZÀ-Ý][a-zà-ÿ]{2,}\b"
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
_DOIS_NOMES = re.compile(rf"\b{_PROPRIO}(?:\s+{_LIGA}{_PROPRIO})+")
# Capitalised words that follow "em", "no", "na" and name no place of work.
_COMUNS = frozenset(
    [*MESES, *SEMANA, "whatsapp", "brasil", "brasilia", "pix", "natal", "ano", "carnaval", "pascoa", "julia", "uti",
     "cti", "ps", "pa", "pj", "clt", "rpa", "crm", "sus", "cardiologia", "pediatria", "ortopedia", "ginecologia",
     "obstetricia", "anestesiologia", "clinica", "cirurgia", "neurologia", "psiquiatria", "radiologia", "medicina",
     "emergencia", "dermatologia", "endocrinologia", "urologia", "neonatologia", "nefrologia", "infectologia",
     "geriatria", "hematologia", "oncologia", "otorrinolaringologia", "oftalmologia", "pneumologia", "reumatologia",
     "enfermaria", "ambulatorio", "plantoes"]
)  # fmt: skip
# Capitalised words that are no part of a person's name.
_NAO_NOMES = _COMUNS | frozenset(
    ["plantao", "pronto", "socorro", "atendimento", "unidade", "terapia", "intensiva", "geral", "saude", "familia",
     "trabalho", "medica", "medico", "doutor", "doutora", "ola", "bom", "boa", "dia", "tarde", "noite", "que", "sim",
     "claro", "obrigada", "equipe", "hospital", "santa", "casa", "upa", "zona", "norte", "sul", "leste", "oeste",
     "centro", "diurno", "noturno", "reveillon", "black", "friday", "feliz"]
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
    return [palavra for palavra in palavras(nome).split() if palavra not in _LIGACOES and palavra not in SEMANA]


def _em_alguma(nomes: frozenset[str], folhas: list[_Folha]) -> bool:
    return any(nomes <= folha.palavras for folha in folhas)


def pessoa_sem_fonte(texto: str, fontes: Iterable[str]) -> bool:
    """Tell whether a person is named whom no source names: with a title, or by two capitalised words or more."""
    titulos = [_nomes(achado["nome"]) for achado in _PESSOA.finditer(texto)]
    sem_titulo = [_sem_comuns(_nomes(achado[0])) for achado in _DOIS_NOMES.finditer(texto)]
    achados = [nomes for nomes in titulos if nomes] + [nomes for nomes in sem_titulo if len(nomes) > 1]
    if not achados:
        return False
    folhas = [folha for fonte in fontes for folha in _folhas(fonte)]
    # A sentence may begin with any word before the doctor's own name.
    return any(
        not _em_alguma(frozenset(nomes), folhas) and not (nomes[1:] and _em_alguma(frozenset(nomes[1:]), folhas))
        for nomes in achados
    )


def _sem_comuns(nomes: list[str]) -> list[str]:
    """Drop everyday words from both ends: a sentence's first word, a greeting, a specialty."""
    while nomes and nomes[0] in _NAO_NOMES:
        nomes = nomes[1:]
    while nomes and nomes[-1] in _NAO_NOMES:
        nomes = nomes[:-1]
    return nomes

"""How doctors call specialties: the registry says "Anestesiologia", people say "anestesista"."""

import re
from difflib import get_close_matches

from lib.domain.texto import dobrar, palavras

_APELIDOS = {
    "go": ("ginecolog", "obstetr"),
    "gineco": ("ginecolog",),
    "cardio": ("cardiolog",),
    "ped": ("pediatr",),
    "orto": ("ortoped",),
    "neuro": ("neurolog",),
    "psiq": ("psiquiatr",),
    "anestesia": ("anestes",),
    "anestesista": ("anestes",),
    "intensivista": ("intensiv",),
    "uti": ("intensiv",),
    "cti": ("intensiv",),
    "terapia intensiva": ("intensiv",),
    "emergencista": ("emergencia",),
    "urgencia": ("emergencia",),
    "urgencia e emergencia": ("emergencia",),
    "ps": ("emergencia",),
    "pronto socorro": ("emergencia",),
    "clinico": ("clinica", "medica"),
    "clinico geral": ("clinica", "medica"),
    "clinica geral": ("clinica", "medica"),
    "generalista": ("clinica", "medica"),
    "cirurgiao": ("cirurgia",),
    "cirurgia": ("cirurgia",),
    "cirurgiao geral": ("cirurgia", "geral"),
    "raio x": ("radiolog",),
    "obstetra": ("obstetr",),
}
_RADICAIS = (("ologista", "olog"), ("ologia", "olog"), ("iatra", "iatr"), ("iatria", "iatr"), ("pedista", "ped"))
_VAZIAS = frozenset({"de", "da", "do", "e", "em", "medico", "medica", "especialista"})
_SUGESTOES = 3


def termos(dito: str) -> tuple[str, ...]:
    """Return what each word of a registered specialty must begin with, in any order; empty when nothing was said.

    A list written as text counts as its first element.
    """
    primeira = palavras(next((parte for parte in re.split(r"[,;\[\]\"'|]", dito) if parte.strip()), ""))
    if primeira in _APELIDOS:
        return _APELIDOS[primeira]
    ditas = primeira.split()
    return tuple(
        _radical(palavra) for palavra in ditas if palavra not in _VAZIAS or primeira == palavra or "clinica" in ditas
    )


def _radical(palavra: str) -> str:
    for fim, radical in _RADICAIS:
        if palavra.endswith(fim) and len(palavra) > len(fim):
            return palavra.removesuffix(fim) + radical
    return palavra


def sugerir(dito: str, nomes: list[str]) -> list[str]:
    """Return up to three registered names that look like what was said; any three when none does."""
    por_dobrado = {dobrar(nome): nome for nome in nomes}
    perto = get_close_matches(palavras(dito), list(por_dobrado), n=_SUGESTOES, cutoff=0.5)
    return [por_dobrado[nome] for nome in perto] or nomes[:_SUGESTOES]

"""The last look at what the model tells a manager: only what the tools returned, and nothing claimed as done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lib.domain.saida_dados import copia_segredo, link_proibido
from lib.domain.saida_lugares import lugar_sem_fonte, pessoa_sem_fonte
from lib.domain.texto import dobrar, palavras

NUMERO_SEM_FONTE: Final = "numero_sem_fonte"
ATO_NAO_FEITO: Final = "ato_nao_feito"
NOME_SEM_FONTE: Final = "nome_sem_fonte"
LINK: Final = "link"
SEGREDO: Final = "segredo"
VAZIA: Final = "vazia"

_NUMERO: Final = re.compile(r"\d+")
# Nothing is ever done inside an answer: there is a button for that.
_FIZ: Final = re.compile(
    r"\b(?:enviei|mandei|disparei|bloqueei|desbloqueei|pausei|retomei|assumi|devolvi|liguei|desliguei|ativei|"
    r"desativei|reservei|confirmei|agendei|cancelei|apaguei|fechei|aprovei|rejeitei|pronto|"
    r"fiz|realizei|executei|efetuei|conclui|resolvi|encaminhei|repassei|avisei|notifiquei|escrevi|"
    r"interrompi|parei|suspendi|reativei|silenciei|removi|providenciei|cuidei|acabei de)\b"
)
_ATO: Final = re.compile(
    r"(?<!\bnada foi )\b(?:enviad|bloquead|desbloquead|pausad|retomad|assumid|devolvid|ligad|desligad|reservad|"
    r"confirmad|agendad|cancelad|fechad|aprovad|rejeitad|feit|realizad|executad|efetuad|concluid|encaminhad|"
    r"suspens|interrompid|ativad|desativad|reativad|silenciad)[ao]s?\b"
)


def conferir(texto: str, *, fatos: Sequence[str], ditos: Sequence[str], segredos: Sequence[str]) -> tuple[str, ...]:
    """Name what is wrong with an answer; empty when it may be shown.

    `fatos` are the tool results of this request, `ditos` what the manager wrote now or before and what was answered.
    """
    folded, facts = dobrar(texto), [*fatos, *ditos]
    returned = set(palavras(" ".join(fatos)).split())
    numbers = {number for fact in facts for number in _numbers(fact)}
    wrong = {
        VAZIA: not palavras(texto),
        NUMERO_SEM_FONTE: bool(_numbers(texto) - numbers),
        ATO_NAO_FEITO: bool(_FIZ.search(folded)) or any(act[0] not in returned for act in _ATO.finditer(folded)),
        NOME_SEM_FONTE: lugar_sem_fonte(texto, facts, ()) or pessoa_sem_fonte(texto, facts),
        LINK: link_proibido(texto, ()),
        SEGREDO: copia_segredo(texto, segredos),
    }
    return tuple(name for name, found in wrong.items() if found)


def _numbers(texto: str) -> set[str]:
    """Return the runs of digits, a day written 03 or 3 being the same."""
    return {number.lstrip("0") for number in _NUMERO.findall(texto)}

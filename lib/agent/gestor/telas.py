"""How things look in Slack: phones, instants, rates, and the blocks that hold them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from lib.domain.horario import SAO_PAULO
from lib.domain.telefone import digitos
from lib.providers.slack_blocos import SECAO_MAX, Bloco, Markup, context, fit, join, section

BLOCOS_MAX = 45  # of Slack's 50, so that a note and buttons find room
_BRASILEIRO = re.compile(r"55(\d{2})(9?)(\d{4})(\d{4})")


def fone(telefone: str | None, *, aberto: bool = False) -> str:
    """Write a phone as people do, the middle hidden unless `aberto`: (11) 9****-1001."""
    if not telefone:
        return "sem telefone"
    lido = _BRASILEIRO.fullmatch(digitos(telefone))
    if lido is None:
        return telefone if aberto else f"****{digitos(telefone)[-4:]}"
    return f"({lido[1]}) {lido[2]}{lido[3] if aberto else '****'}-{lido[4]}"


def hora(em: datetime | None) -> str:
    """Write an instant on São Paulo's clock; a dash where there is none."""
    return f"{em.astimezone(SAO_PAULO):%d/%m/%Y %H:%M}" if em else "-"


def taxa(parte: int, todo: int) -> str:
    """Write a share: 12 de 40 (30%)."""
    return f"{parte} de {todo} ({round(100 * parte / todo)}%)" if todo else f"{parte} de 0"


def idade(desde: datetime | None, agora: datetime) -> str:
    """Say how long ago something was, in its largest unit."""
    if desde is None:
        return "-"
    segundos = max(0, int((agora - desde).total_seconds()))
    for tamanho, nome in ((86_400, "dia"), (3_600, "h"), (60, "min")):
        if segundos >= tamanho:
            quantos = segundos // tamanho
            return f"{quantos} {nome}{'s' if nome == 'dia' and quantos > 1 else ''}"
    return f"{segundos} s"


def lista(titulo: str, linhas: Iterable[str], nota: str | None = None) -> tuple[Bloco, ...]:
    """Return a title and its lines in as many sections as they need; what does not fit a message is left out."""
    sections = _sections([join(Markup("*"), titulo, Markup("*")), *linhas])
    return (*sections, *([context(nota)] if nota else []))


def corrido(texto: str) -> tuple[Bloco, ...]:
    """Return words as they stand, in as many sections as they need."""
    return _sections(texto.split("\n"))


def _sections(linhas: Iterable[str]) -> tuple[Bloco, ...]:
    parts: list[Markup] = []
    for linha in linhas:
        line = fit(linha, SECAO_MAX)
        if parts and len(parts[-1]) + len(line) < SECAO_MAX:
            parts[-1] = join(parts[-1], line, por="\n")
        else:
            parts.append(line)
    return tuple(section(part) for part in parts)[:BLOCOS_MAX]

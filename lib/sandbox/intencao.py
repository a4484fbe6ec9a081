"""What the well-behaved model hears in a doctor's words: a person, a reminder, a yes to a shift, a preference."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lib.sandbox.lexicon import (
    ACCEPTANCE,
    CITIES,
    FORGET,
    PEOPLE,
    PREFERENCES,
    REFUSED_ACCEPTANCE,
    REMINDERS,
    SUBJECTS,
    WEEKDAYS,
)
from lib.sandbox.prompt import Prompt, Tool, plain

_SHOWN: Final = re.compile(r"^\W*vaga_id (\d+): (.+)$", re.MULTILINE)
_WHEN: Final = re.compile(
    r"(?:depois de amanh[aã]|amanh[aã]|hoje|(?:na |no |n[ao] pr[oó]xim[ao] )?"
    r"(?:segunda|ter[cç]a|quarta|quinta|sexta|s[aá]bado|domingo)(?:-feira)?(?: que vem)?"
    r"|(?:no )?dia \d{1,2}(?:/\d{1,2})?|\d{1,2}/\d{1,2}|daqui a \w+ \w+|semana que vem|em \d+ (?:horas?|dias?))"
    r"(?:,? (?:[aà]s? |de |ao |[aà] )?(?:\d{1,2}(?:h\d{0,2}|:\d{2})?(?: horas| da (?:manh[aã]|tarde|noite))?"
    r"|manh[aã]|tarde|noite|meio[- ]dia))?",
    re.IGNORECASE,
)
_SUBJECT: Final = re.compile(
    r"(?:lembr\w+|avis\w+|cham\w+|procur\w+)\b.*?\b(?:de|do|da|sobre) (.{3,60}?)[.!?]?$", re.IGNORECASE
)
_LONGEST_FACT: Final = 120


def asked_for(prompt: Prompt) -> Iterator[tuple[Tool, dict[str, Any]]]:
    """Tools other than the searches that the doctor's words call for, with their arguments."""
    words = f" {plain(prompt.doctor_text)} "
    if (tool := prompt.named("pedir_humano")) and any(clue in words for clue in PEOPLE):
        yield tool, {"motivo": "pediu_pessoa"}
        return
    if (tool := prompt.named("agendar_lembrete")) and (arguments := _reminder(prompt.doctor_text, words)):
        yield tool, arguments
        return
    if (tool := prompt.named("registrar_interesse")) and (vaga_id := _accepted(prompt.last_text, words)):
        yield tool, {"vaga_id": vaga_id}
    if (tool := prompt.named("salvar_memoria")) and (arguments := _fact(prompt.doctor_text, words)):
        yield tool, arguments


def _reminder(text: str, words: str) -> dict[str, Any] | None:
    """A time and a subject, where the doctor asks to be written to later."""
    if not any(clue in words for clue in REMINDERS) or (when := _WHEN.search(text)) is None:
        return None
    about = _SUBJECT.search(text.replace(when[0], " ").strip())
    subject = about[1].strip() if about and not any(char.isdigit() for char in about[1]) else "conversar sobre plantões"
    return {"quando": when[0].strip(), "assunto": subject}


def _accepted(context: str, words: str) -> int | None:
    """The shown shift that the doctor takes: the one he names by place, day or number, else the only or first one."""
    shown = [(int(id_), plain(line)) for id_, line in _SHOWN.findall(context)]
    refused = any(clue in words for clue in REFUSED_ACCEPTANCE)
    if not shown or refused or not any(clue in words for clue in ACCEPTANCE):
        return None
    clues = {
        word
        for word in re.findall(r"[a-z]{4,}|\d{1,2}/\d{1,2}", words)
        if word not in {"quero", "esse", "essa", "hospital"}
    }
    scores = [sum(clue in line for clue in clues) for _, line in shown]
    return shown[scores.index(max(scores))][0]


def _fact(text: str, words: str) -> dict[str, Any] | None:
    """A preference or a limit in the doctor's own words, or what to forget."""
    if any(clue in words for clue in FORGET):
        subject = next((name for name, clues in SUBJECTS.items() if any(clue in words for clue in clues)), "tudo")
        return {"acao": "esquecer", "assunto": subject}
    line = next(
        (line.strip() for line in text.splitlines() if any(clue in f" {plain(line)} " for clue in PREFERENCES)), ""
    )
    if not line or line.endswith("?") or len(line) > _LONGEST_FACT:
        return None
    said = f" {plain(line)} "
    return {
        "acao": "salvar",
        "tipo": "restricao" if " nao " in said or " so " in said else "preferencia",
        "assunto": _subject(said),
        "informacao": line.rstrip("."),
        "confianca": "alta",
    }


def _subject(words: str) -> str:
    if any(plain(city) in words for city in CITIES):
        return "regiao"
    found = next((name for name, clues in SUBJECTS.items() if any(clue in words for clue in clues)), None)
    return found or ("disponibilidade" if any(day in words for day in WEEKDAYS) else "outro")


def choices(records: list[Mapping[str, Any]]) -> list[str]:
    """Up to three short, different labels for shifts: the day they begin."""
    days = [found[0] for record in records if (found := re.search(r"\d{2}/\d{2}", str(record.get("quando", ""))))]
    return list(dict.fromkeys(days))[:3]

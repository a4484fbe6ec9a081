"""Short Brazilian Portuguese messages, made of what the tools said and nothing else."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import orjson

from lib.sandbox.lexicon import ROBOT_WORDS
from lib.sandbox.prompt import ToolResult, plain

_OPENINGS: Final = ("Achei uma opção", "Dei uma olhada e tem esta", "Encontrei uma aqui", "Tem uma que pode servir")
_CLOSINGS: Final = ("Faz sentido pra você?", "Quer que eu veja os próximos passos?", "O que acha?", "Te interessa?")
_ADDRESSES: Final = ("Achei o endereço", "Fica aqui", "O endereço é este")
_GREETINGS: Final = (
    "Oi! Aqui é a Júlia, assistente automática da escala. Quer que eu procure plantões pra você?",
    "Olá! Sou a Júlia, assistente automática. Me conta que tipo de plantão você procura?",
    "Oi, tudo bem? Aqui é a Júlia, assistente automática. Posso ver plantões na sua área, me diz a cidade?",
)
_ROBOT: Final = "Sou a Júlia, uma assistente automática. Se preferir, chamo alguém da equipe pra falar com você."
_NOTHING: Final = ("Olhei agora e não achei nada nesse perfil.", "Procurei aqui e não apareceu nenhuma opção assim.")
_FAILED: Final = "Não consegui consultar agora. Assim que conseguir, te aviso por aqui."
_ACTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "agendar_lembrete": "Combinado, te escrevo no dia e na hora que pediu.",
        "registrar_interesse": "Anotei o seu interesse. Uma pessoa da equipe confirma com você por aqui.",
        "salvar_memoria": "Anotei aqui, obrigada por contar.",
    }
)
_ASK: Final = (
    "Antes de procurar, me conta: qual período e qual região funcionam melhor para você?",
    "Consigo te ajudar melhor sabendo o que prefere: dia ou noite, e em qual região?",
)
_THANKS: Final = ("obrigad", "valeu", "show", "perfeito")
_SECRET_KEYS: Final = ("id", "_id", "uuid", "token", "telefone", "cpf", "crm")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", re.IGNORECASE)
_MARKUP: Final = re.compile(r"[*_#`>|]+|^\s*[-•]\s+", re.MULTILINE)
_LONGEST: Final = 320


def small_talk(text: str, seed: int, question: str | None = None) -> str:
    """A greeting, thanks, or the truth about being automatic; `question` is what the instructions want asked."""
    words = f"{plain(text)} "
    if question and not any(word in words for word in ROBOT_WORDS):
        return f"Oi! Aqui é a Júlia, assistente automática. {question}"
    if any(word in words for word in ROBOT_WORDS):
        return _ROBOT
    if any(word in words for word in _THANKS):
        return "Eu que agradeço! Qualquer coisa é só me chamar por aqui."
    return _GREETINGS[seed % len(_GREETINGS)]


def records_of(text: str) -> list[Mapping[str, Any]]:
    """The records in the first list of a result that is JSON."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return []
    lists = (
        [value]
        if isinstance(value, list)
        else [v for v in value.values() if isinstance(v, list)]
        if isinstance(value, dict)
        else []
    )
    return [entry for entry in (lists[0] if lists else []) if isinstance(entry, dict)]


def after_tools(results: Sequence[ToolResult], seed: int, question: str | None = None) -> str:
    """One message about what the tools did and, of one to three sentences, about the first useful result.

    Where no tool could be used, the doctor is asked what would help: `question`, if the instructions have one.
    """
    if all(result.is_error for result in results):
        return f"Claro! {question}" if question else _ASK[seed % len(_ASK)]
    done = [said for result in results if not result.is_error and (said := _acted(result))]
    others = [result for result in results if result.tool not in _ACTS]
    return " ".join([*done, _found(others, seed)] if others else done or [_FAILED])


def _acted(result: ToolResult) -> str | None:
    """What is said of a tool that writes; a reminder's time and a shift's hospital come from its result."""
    if result.tool == "agendar_lembrete" and (when := _told(result, "agendado_para")):
        return f"Combinado, te escrevo {when}."
    if result.tool == "registrar_interesse" and (where := _told(result, "hospital")):
        return f"Anotei o seu interesse na vaga de {where}. Uma pessoa da equipe confirma com você por aqui."
    return _ACTS.get(result.tool)


def _told(result: ToolResult, name: str) -> str:
    try:
        return str(orjson.loads(result.text).get(name) or "")
    except (orjson.JSONDecodeError, AttributeError):
        return ""


def _found(results: Sequence[ToolResult], seed: int) -> str:
    """One message of one to three sentences about the first useful result."""
    for result in results:
        if result.is_error or not result.text.strip():
            continue
        try:
            value = orjson.loads(result.text)
        except orjson.JSONDecodeError:
            return _from_prose(result.text, seed)
        record = _first_record(value)
        if record is None:
            return f"{_NOTHING[seed % len(_NOTHING)]} Quer que eu avise se surgir?"
        return _from_record(record, seed)
    return _FAILED


def _from_prose(text: str, seed: int) -> str:
    """The first line that carries a fact, cleaned of markup."""
    lines = [clean for line in text.splitlines() if (clean := _clean(line))]
    if not lines:
        return _FAILED
    facts = next((line for line in lines if any(char.isdigit() for char in line)), lines[0])
    if re.search(r"\b(nenhum|nenhuma|nao (ha|tem|encontr))", plain(facts)):
        return f"{_NOTHING[seed % len(_NOTHING)]} Quer que eu avise se surgir?"
    return f"{_OPENINGS[seed % len(_OPENINGS)]}: {_cut(facts)} {_CLOSINGS[seed // 7 % len(_CLOSINGS)]}"


def _from_record(record: Mapping[str, Any], seed: int) -> str:
    facts = ", ".join(_facts(record))
    if "endereco" in record and "valor" not in record:
        return f"{_ADDRESSES[seed % len(_ADDRESSES)]}: {_cut(facts)} Posso ajudar em mais alguma coisa?"
    return f"{_OPENINGS[seed % len(_OPENINGS)]}: {_cut(facts)} {_CLOSINGS[seed // 7 % len(_CLOSINGS)]}"


def _facts(record: Mapping[str, Any]) -> list[str]:
    """Up to five facts of a record; a ready-made text wins, ids and personal data never leave."""
    ready = next(
        (record[key] for key in ("resumo", "texto", "descricao") if isinstance(record.get(key), str) and record[key]),
        None,
    )
    if ready:
        return [_clean(ready)]
    facts: list[str] = []
    for key, value in record.items():
        name = plain(key)
        if name in _SECRET_KEYS or name.endswith(("_id", "_token")):
            continue
        if isinstance(value, Mapping):
            value = value.get("nome")  # noqa: PLW2901 - a nested record stands for its name
        fact = _fact(name, value)
        if fact and fact not in facts:
            facts.append(fact)
    return facts[:5]


def _fact(name: str, value: object) -> str | None:
    match value:
        case bool() | None:
            return None
        case int() | float() if "centavos" in name:
            return f"R$ {int(value) // 100:,}".replace(",", ".") + f",{int(value) % 100:02d}"
        case int() | float() if "valor" in name:
            return f"R$ {value}"
        case str() if value and not _UUID.search(value):
            return _moment(value) or _clean(value)
        case _:
            return None


def _moment(value: str) -> str | None:
    """`28/11 às 07h00` of an ISO instant with a time, in the zone it was given."""
    if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", value):
        return None
    try:
        return datetime.fromisoformat(value).strftime("%d/%m às %Hh%M")
    except ValueError:
        return None


def _first_record(value: object) -> Mapping[str, Any] | None:
    """The first record of a result: itself, its first list's first entry, or None when its list is empty."""
    if isinstance(value, list):
        return next((entry for entry in value if isinstance(entry, dict)), None)
    if not isinstance(value, dict):
        return None
    lists = [entry for entry in value.values() if isinstance(entry, list)]
    if lists:
        return next((entry for found in lists for entry in found if isinstance(entry, dict)), None)
    nested = next((entry for entry in value.values() if isinstance(entry, dict) and len(value) == 1), None)
    return nested if nested is not None else value


def _clean(text: str) -> str:
    return _MARKUP.sub("", _UUID.sub("", text)).strip(" :;,-")


def _cut(text: str) -> str:
    """At most 320 characters, whole words, ended by a full stop."""
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rsplit(" ", 1)[0]
    return text.rstrip(" .,;") + "."

"""The well-behaved model on the managers' side: picks a tool by the words of the request, then repeats what it said."""

import re
from collections.abc import Mapping
from typing import Any, Final

from lib.sandbox.prompt import Answer, Prompt, Tool, plain

_MARK: Final = "atende a equipe de gestao"
_REQUEST: Final = re.compile(r"<pedido>\n(.*?)\n</pedido>", re.DOTALL)
_DATA: Final = re.compile(r"</?dados>\n?")
_PHONE: Final = re.compile(r"\+?\(?\d[\d\s().-]{8,}\d")
_ID: Final = re.compile(r"#\s*\d+")
_NAME: Final = re.compile(r"(?:[A-ZÀ-Ý][\wà-ÿ]+)(?: (?:d[aeo]s? )?[A-ZÀ-Ý][\wà-ÿ]+)+")
_QUOTED: Final = re.compile(r"[\"“](.+?)[\"”]", re.DOTALL)
_REASON: Final = re.compile(r"(?:porque|pois|motivo:?)\s+(.+)", re.IGNORECASE | re.DOTALL)
_NUMBER: Final = re.compile(r"\b(\d{1,9})\b")
# Looked through in this order: the first tool that is offered and has a word in the request.
_WORDS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("desbloquear_medico", ("desbloque",)),
    ("bloquear_medico", ("bloque",)),
    ("enviar_mensagem", ("envia", "envie", "manda", "mande", "escreve para", "escreva para")),
    ("retomar_julia", ("retom", "despaus")),
    ("pausar_julia", ("pausa a", "pause", "pausar", "para tudo")),
    ("toggle_notificacoes", ("notifica",)),
    ("assumir", ("assum",)),
    ("devolver", ("devolv",)),
    ("buscar_historico", ("historico", "o que disse", "conversou")),
    ("comparar_periodos", ("compar",)),
    ("buscar_handoffs", ("handoff", "transfer", "com pessoas")),
    ("buscar_vagas", ("vaga", "plantao", "plantoes")),
    ("listar_medicos", ("quais medicos", "lista", "quem respondeu", "responderam hoje", "medicos")),
    ("buscar_medico", ("medico", "medica", "ficha", "quem e", "dr")),
    ("buscar_metricas", ("quant", "numero", "metrica", "resposta", "envio")),
    ("status_sistema", ("status", "situacao", "como esta", "fila", "chip")),
)
_PERIODS: Final = (
    ("semana_passada", "semana passada"),
    ("mes_passado", "mes passado"),
    ("ontem", "ontem"),
    ("semana", "semana"),
    ("mes", "mes"),
    ("hoje", "hoje"),
)


def is_for_managers(prompt: Prompt) -> bool:
    """Tell whether the instructions are the managers'."""
    return _MARK in plain(prompt.system)


def answer_as_managers_julia(prompt: Prompt) -> Answer:
    """Call one tool that the request calls for; with its result, say that again in plain words."""
    if prompt.results:
        said = "\n".join(_DATA.sub("", result.text).strip() for result in prompt.results)
        return Answer.of_text(said)
    request = _request(prompt)
    tool = _wanted(prompt, plain(request)) if prompt.choice == "auto" else None
    if tool is None:
        return Answer.of_text("Posso ver números, médicos, vagas, conversas e a situação do sistema. O que você quer?")
    block = {
        "type": "tool_use",
        "id": f"toolu_{prompt.seed:020x}{prompt.rounds:04x}",
        "name": tool.name,
        "input": _arguments(tool, request),
    }
    return Answer((block,), "tool_use", "ferramenta")


def _request(prompt: Prompt) -> str:
    found = _REQUEST.findall(prompt.last_text)
    return str(found[-1]) if found else prompt.last_text


def _wanted(prompt: Prompt, words: str) -> Tool | None:
    found = (name for name, clues in _WORDS if any(clue in words for clue in clues))
    return next((tool for name in found if (tool := prompt.named(name))), None)


def _arguments(tool: Tool, request: str) -> dict[str, Any]:
    """What the request says of each argument; what it does not say is left out."""
    said = {name: _said(name, part, request) for name, part in tool.properties.items()}
    return {name: value for name, value in said.items() if value is not None}


def _said(name: str, part: Mapping[str, Any], request: str) -> Any:
    words = plain(request)
    if name in {"periodo", "periodo1", "periodo2"}:
        return _period(name, words)
    if name == "acao":
        return "off" if "deslig" in words else "on" if "lig" in words else "status"
    if name == "conversa":
        return int(found[1]) if (found := _NUMBER.search(request)) else None
    if name in {"medico", "identificador", "texto", "motivo"}:
        return _free(name, request)
    options = part.get("enum") or ()
    return next((one for one in options if plain(str(one)).replace("_", " ")[:7] in words), _default(name))


def _free(name: str, request: str) -> str | None:
    """Words as they stand in the request: whom it names, what is to be said, why."""
    if name == "texto":
        quoted = _QUOTED.search(request)
        return quoted[1] if quoted else request.partition(":")[2].strip() or None
    if name == "motivo":
        why = _REASON.search(request)
        return why[1].strip() if why else None
    whom = _ID.search(request) or _PHONE.search(request) or _NAME.search(request)
    return whom[0] if whom else None


def _default(name: str) -> Any:
    return "todos" if name == "filtro" else None


def _period(name: str, words: str) -> str:
    """The periods in the order in which they are said; the longer name wins where two begin together."""
    found: list[tuple[int, str]] = []
    for value, spoken in _PERIODS:
        at = words.find(spoken)
        if at >= 0:
            found.append((at, value))
            words = words.replace(spoken, " " * len(spoken), 1)
    ordered = [value for _, value in sorted(found)] or ["hoje"]
    return ordered[-1] if name == "periodo2" else ordered[0]

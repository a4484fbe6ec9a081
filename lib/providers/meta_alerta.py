"""What Meta reports of the business account itself: templates, numbers, alerts. None of it is any doctor's message."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from lib.providers.evolution_json import clean, tree, words
from lib.providers.meta_webhook import DO_CHIP, Mudanca, changes

CURTO: Final = 200
MODELO_STATUS: Final = "message_template_status_update"
MODELO_QUALIDADE: Final = "message_template_quality_update"
MODELO_CATEGORIA: Final = "template_category_update"


@dataclass(frozen=True, slots=True)
class ModeloMudou:
    """A template changed; only what changed is set, in Meta's words."""

    conta: str
    nome: str
    idioma: str
    status: str | None = None
    categoria: str | None = None
    qualidade: str | None = None
    motivo: str | None = None


@dataclass(frozen=True, slots=True)
class ContaAlerta:
    """Anything else about the account or a number of it. `campo` and `evento` are Meta's words, `motivo` its reason."""

    conta: str
    campo: str
    evento: str | None = None
    motivo: str | None = None
    telefone: str | None = field(default=None, repr=False)


AccountEvent = ModeloMudou | ContaAlerta


@dataclass(frozen=True, slots=True)
class PecaConta:
    """One change of the account. `chave` names its content, so that a repetition is known; `raw` is it alone."""

    evento: AccountEvent
    campo: str
    chave: str
    raw: bytes = field(repr=False)


def read_account(body: Any) -> Sequence[PecaConta]:
    """Say what a parsed webhook tells of the account; what is a number's own is left out."""
    return [_piece(change) for change in changes(body) if change.field not in DO_CHIP]


def _piece(change: Mudanca) -> PecaConta:
    entry = {"id": change.conta, "changes": [{"value": change.value, "field": change.field}]}
    raw = orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})
    return PecaConta(_event(change), change.field, key_of(raw), raw)


def key_of(raw: bytes) -> str:
    """Name bytes that have no name of their own."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _event(change: Mudanca) -> AccountEvent:
    value = change.value
    nome, idioma = words(value.get("message_template_name"), 512), words(value.get("message_template_language"), 20)
    if nome is None or idioma is None:
        return _alert(change)
    match change.field:
        case "message_template_status_update":
            return ModeloMudou(
                change.conta,
                nome,
                idioma,
                status=words(value.get("event"), 60),
                categoria=words(value.get("message_template_category"), 60),
                motivo=_reason(value),
            )
        case "message_template_quality_update":
            return ModeloMudou(change.conta, nome, idioma, qualidade=words(value.get("new_quality_score"), 60))
        case "template_category_update":
            # Without `new_category` it is only announced: `correct_category` comes later.
            return ModeloMudou(change.conta, nome, idioma, categoria=words(value.get("new_category"), 60))
        case _:
            return _alert(change)


def _alert(change: Mudanca) -> ContaAlerta:
    value = change.value
    named = ("event", "alert_type", "decision", "type", "new_quality_score", "current_limit")
    evento = next((said for name in named if (said := words(value.get(name), CURTO))), None)
    telefone = words(value.get("display_phone_number"), 40) or words(value.get("phone_number"), 40)
    return ContaAlerta(change.conta, change.field or "sem campo", evento, _reason(value), telefone)


def _reason(value: dict[str, Any]) -> str | None:
    """Return the reason, wherever this kind of event puts it; NONE is none."""
    info, ban, violation = (tree(value.get(name)) for name in ("other_info", "ban_info", "violation_info"))
    places = (
        value.get("reason"),
        info.get("description"),
        info.get("title"),
        ban.get("waba_ban_state"),
        violation.get("violation_type"),
        value.get("alert_description"),
        value.get("rejection_reason"),
    )
    said = (words(place, CURTO) for place in places)
    found = next((text for text in said if text and text != "NONE"), None)
    return clean(found) if found else None

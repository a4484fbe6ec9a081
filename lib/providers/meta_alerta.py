"""What Meta reports of the business account itself: templates, numbers, alerts. None of it is any doctor's message."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from lib.domain.chip_ciclo import Perda
from lib.domain.tier_meta import limite_do_tier
from lib.providers.evolution_json import clean, instant, items, tree, words
from lib.providers.meta_webhook import DO_CHIP, Mudanca, changes

CURTO: Final = 200
MODELO_STATUS: Final = "message_template_status_update"
MODELO_QUALIDADE: Final = "message_template_quality_update"
MODELO_CATEGORIA: Final = "template_category_update"
CONTA_MUDOU: Final = "account_update"
NUMERO_MUDOU: Final = "phone_number_quality_update"
# What Meta says of a number or an account, wherever this kind of event puts it.
QUALIDADE_EM: Final = ("new_quality_score", "quality_rating", "current_quality")
TIER_EM: Final = ("current_limit", "max_daily_conversations_per_business", "messaging_limit_tier")
QUALIDADES: Final = frozenset({"GREEN", "YELLOW", "RED", "NA", "UNKNOWN"})
RUIM: Final = "RED"
SINALIZADO: Final = "FLAGGED"  # its quality is low
BANIMENTO: Final = "DISABLED_UPDATE"
DESATIVADA: Final = "DISABLE"  # as against SCHEDULE_FOR_DISABLE and REINSTATE
RESTRICAO: Final = "ACCOUNT_RESTRICTION"
CONVERSA: Final = "MESSAGING"  # of the kinds of restriction those that stop messages
BANIDO: Final = "BANNED"
RESTRITO: Final = "RESTRICTED"


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
    """Anything else about the account or a number of it. `campo` and `evento` are Meta's words, `motivo` its reason.

    Of `telefone`, or of all its numbers where none is named: their quality, what they lost, until when it lasts where
    that is told, and the tier they share. `em` is when Meta wrote it.
    """

    conta: str
    campo: str
    evento: str | None = None
    motivo: str | None = None
    telefone: str | None = field(default=None, repr=False)
    qualidade: str | None = None
    perda: Perda | None = None
    ate: datetime | None = None
    tier: str | None = None
    em: datetime | None = None


AccountEvent = ModeloMudou | ContaAlerta


@dataclass(frozen=True, slots=True)
class PecaConta:
    """One change of the account. `chave` names it, so that a repetition is known; `raw` is it alone, with its time."""

    evento: AccountEvent
    campo: str
    chave: str
    raw: bytes = field(repr=False)


def read_account(body: Any) -> Sequence[PecaConta]:
    """Say what a parsed webhook tells of the account; what is a number's own is left out."""
    return [_piece(change) for change in changes(body) if change.field not in DO_CHIP]


def _piece(change: Mudanca) -> PecaConta:
    when = {} if change.time is None else {"time": change.time}
    entry = {"id": change.conta, **when, "changes": [{"value": change.value, "field": change.field}]}
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
    event = str(value.get("event")).upper()
    quality = next((said for name in QUALIDADE_EM if (said := words(value.get(name), 20)) in QUALIDADES), None)
    red = event == SINALIZADO and quality is None
    perda, ate = _loss(change.field, event, value, RUIM if red else quality)
    return ContaAlerta(
        change.conta,
        change.field or "sem campo",
        evento,
        _reason(value),
        telefone,
        qualidade=RUIM if red else quality,
        perda=perda,
        ate=ate,
        tier=next((said for name in TIER_EM if limite_do_tier(said := words(value.get(name), 40)) is not None), None),
        em=instant(change.time),
    )


def _loss(campo: str, event: str, value: dict[str, Any], qualidade: str | None) -> tuple[Perda | None, datetime | None]:
    """Say what a number, or an account, may do no longer, and until when where Meta tells."""
    status = str(value.get("status")).upper()
    disabled = str(tree(value.get("ban_info")).get("waba_ban_state")).upper() == DESATIVADA
    if campo == CONTA_MUDOU and (BANIDO in {event, status} or (event == BANIMENTO and disabled)):
        return Perda.BANIDO, None
    kinds = [tree(one) for one in items(value.get("restriction_info"))]
    silenced = [one for one in kinds if CONVERSA in str(one.get("restriction_type")).upper()]
    unsaid = value.get("restriction_info") is None  # none at all is another thing than an empty list, which lifts it
    if campo == CONTA_MUDOU and event == RESTRICAO and (silenced or unsaid):
        return Perda.RESTRITO, max(
            (until for one in silenced if (until := instant(one.get("expiration")))), default=None
        )
    if qualidade == RUIM or (campo in {CONTA_MUDOU, NUMERO_MUDOU} and RESTRITO in {event, status}):
        return Perda.RESTRITO, None
    return None, None


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

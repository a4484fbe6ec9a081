"""Z-API's answers as values, read tolerantly: a field of another type is an absent one."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lib.domain.chip_ciclo import Perda
from lib.domain.telefone import normalizar
from lib.providers.evolution_json import instant, items, tree, whole, words

ID_MAX = 200
# Z-API has no codes: a lost number is told in words, in either language.
PERDAS: Final = (
    (re.compile(r"\b(restrict\w*|restri[tç]\w*|temporarily (banned|blocked))\b", re.IGNORECASE), Perda.RESTRITO),
    (re.compile(r"\b(banned|blocked|banid[oa]|bloquead[oa])\b", re.IGNORECASE), Perda.BANIDO),
)


@dataclass(frozen=True, slots=True)
class NaFila:
    """A message that waits in an instance's queue. `telefone` is digits or a LID's address, as it was asked for."""

    zaap_id: str
    msg_id: str | None
    telefone: str
    texto: str
    criada_em: datetime | None


@dataclass(frozen=True, slots=True)
class NumeroZapi:
    """Whether a number is on WhatsApp. `telefone` is the canonical one (E.164), its ninth digit where it belongs."""

    pedido: str
    existe: bool
    telefone: str | None
    lid: str | None


@dataclass(frozen=True, slots=True)
class Situacao:
    """An instance's state. `motivo` describes it and is set when all is well, too."""

    conectado: bool
    celular: bool
    motivo: str | None


@dataclass(frozen=True, slots=True)
class GrupoZapi:
    """A group that the number is in; `id` as Z-API writes it (`…-group`)."""

    id: str
    nome: str | None


@dataclass(frozen=True, slots=True)
class ConviteZapi:
    """What an invitation leads to."""

    id: str | None
    nome: str | None
    participantes: int | None


def data_uri(mimetype: str, content: bytes) -> str:
    """Return a file as Z-API takes it inline: base64 alone is refused."""
    return f"data:{mimetype};base64,{base64.b64encode(content).decode()}"


def queue_page(body: Any) -> Sequence[dict[str, Any]] | None:
    """Return a page of the queue, a bare array or one under `messages`; None when it is neither."""
    if isinstance(body, dict):
        body = body.get("messages", None if body else [])
    return [tree(row) for row in body] if isinstance(body, list) else None


def queued(row: dict[str, Any]) -> NaFila | None:
    """Read one row of the queue; None without an id to delete it by."""
    zaap_id = words(row.get("ZaapId"), ID_MAX) or words(row.get("_id"), ID_MAX)
    if zaap_id is None:
        return None
    phone, text = words(row.get("Phone"), ID_MAX) or "", words(row.get("Message")) or ""
    return NaFila(zaap_id, words(row.get("MessageId"), ID_MAX), phone, text, instant(row.get("Created")))


def number_of(row: Any, pedido: str) -> NumeroZapi:
    """Read one answer of the number check; `exists` may be a word."""
    found = tree(row)
    exists = str(found.get("exists")).strip().lower() == "true"
    canonical = words(found.get("outputPhone"), ID_MAX) or words(found.get("phone"), ID_MAX)
    lid = (words(found.get("lid"), ID_MAX) or "").partition("@")[0]
    phone = normalizar(f"+{canonical.removeprefix('+')}") if canonical and exists else None
    return NumeroZapi(pedido, exists, phone, lid if lid.isascii() and lid.isdigit() else None)


def situation(body: dict[str, Any]) -> Situacao:
    """Read the state; a phone is taken to be on line unless it is said not to be."""
    return Situacao(
        conectado=body.get("connected") is True,
        celular=body.get("smartphoneConnected") is not False,
        motivo=words(body.get("error"), ID_MAX),
    )


def loss(motivo: str | None) -> Perda | None:
    """Say what the words for a lost connection tell of the number; mostly nothing."""
    return next((perda for pattern, perda in PERDAS if motivo and pattern.search(motivo)), None)


def group_of(row: Any) -> GrupoZapi | None:
    """Read one group of the list, which holds single chats too in older versions."""
    found = tree(row)
    address = words(found.get("phone"), ID_MAX)
    if address is None or found.get("isGroup") is False:
        return None
    return GrupoZapi(address, words(found.get("name"), ID_MAX))


def invitation(body: dict[str, Any]) -> ConviteZapi:
    """Read an invitation's metadata."""
    people = items(body.get("participants"))
    count = whole(body.get("participantsCount"))
    name = words(body.get("subject"), ID_MAX) or words(body.get("name"), ID_MAX)
    return ConviteZapi(words(body.get("phone"), ID_MAX), name, count if count is not None else len(people) or None)
